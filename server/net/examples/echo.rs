//! Echo: each line comes back.
//!
//! Teaches the least that a server is: which codec it speaks, what it does with a packet, and one call to serve it.
//!
//! ```sh
//! cargo run -p malpan-net --example echo              # prints: ready listen=127.0.0.1:PORT; or give an address
//! nc 127.0.0.1 PORT
//! ```

use malpan_net::{Frame, Protocol, Service, SessionHandle, bind, codec::LinesCodec, serve};
use std::{env, error::Error};

#[derive(Clone)]
struct Echo;

struct EchoService(SessionHandle);

impl Protocol for Echo {
    type Decoder = LinesCodec;
    type Service = EchoService;

    fn decoder(&self) -> LinesCodec {
        LinesCodec::new_with_max_length(1024)
    }

    fn open(&self, session: SessionHandle) -> EchoService {
        EchoService(session)
    }
}

impl Service for EchoService {
    type Packet = String;

    async fn packet(&mut self, line: String) {
        self.0.send(Frame::new(format!("{line}\n").as_bytes()));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = bind(env::args().nth(1).unwrap_or("127.0.0.1:0".into()).parse()?)?;
    println!("ready listen={}", listener.local_addr()?);
    Ok(serve(listener, Echo, tokio::signal::ctrl_c()).await?)
}
