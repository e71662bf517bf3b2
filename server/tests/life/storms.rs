//! Storms: many come and go at once, in every manner, ten times. Whatever they did, exactly nothing of them is left: no
//! task, no file, no place in any gauge; and the tenth storm costs no more memory than the second.
//!
//! A storm comes in waves: as many as there ever are at once come as far as each of them goes, and then all are gone at
//! the same moment. What an allocator keeps is what was needed at one time; in a storm without waves that is left to
//! chance, and differs by more than what is looked for.

use crate::{
    crowd::{self, connect_from, frame, long_hello, reset},
    process::allow_connections,
    running::within,
    watched::{Page, Watched},
};
use malpan_client::{
    Client, ClientError, ConnectOptions,
    protocol::{ClientPacket, JoinTarget, Name},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Barrier};

const STORMS: usize = 10;
/// The storms after which the server's memory is compared, counted from 1.
const COMPARED: [usize; 2] = [2, 10];
/// Of the memory after the earlier of them, the part by which they may differ.
const TWENTIETH: u64 = 20;

/// How far they go, each with an orderly end and with a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Goes {
    NotAWord,
    HalfAHello,
    ToTheHello,
    ToTheSignIn,
    ToASeat,
    HalfAPacketFromASeat,
    /// Everything at once, without listening to an answer.
    AllAtOnce,
    ToTheGoodbye,
}

impl Goes {
    const ALL: [Self; 8] = [
        Self::NotAWord,
        Self::HalfAHello,
        Self::ToTheHello,
        Self::ToTheSignIn,
        Self::ToASeat,
        Self::HalfAPacketFromASeat,
        Self::AllAtOnce,
        Self::ToTheGoodbye,
    ];
}

async fn come_and_go(storm: usize, number: usize, server: SocketAddr, all: &Barrier) -> Result<(), ClientError> {
    let goes = Goes::ALL[number % Goes::ALL.len()];
    let name = Name::new(&format!("s{storm} n{number}")).unwrap();
    let mut stream = connect_from(number, server).await?;
    let ends = |stream: &TcpStream| {
        if number / Goes::ALL.len() % 2 == 1 {
            reset(stream);
        }
    };
    let hello = long_hello();
    match goes {
        Goes::HalfAHello => stream.write_all(&hello[..hello.len() / 2]).await?,
        Goes::AllAtOnce => {
            let join = ClientPacket::Join { target: JoinTarget::Any };
            stream
                .write_all(&[hello, frame(&ClientPacket::Guest { name: name.clone() }), frame(&join)].concat())
                .await?;
        }
        _ => {}
    }
    if goes < Goes::ToTheHello || goes == Goes::AllAtOnce {
        all.wait().await;
        ends(&stream);
        return Ok(());
    }
    let mut client = Client::handshake(stream, &ConnectOptions::default()).await?;
    if goes >= Goes::ToTheSignIn {
        client.sign_in_guest(name).await?;
    }
    if goes >= Goes::ToASeat {
        client.join(JoinTarget::Any).await?;
    }
    if goes == Goes::HalfAPacketFromASeat {
        client.get_ref().try_write(&[12, 0, 0])?;
    }
    all.wait().await;
    ends(client.get_ref());
    if goes == Goes::ToTheGoodbye { client.bye().await } else { Ok(()) }
}

/// Whether so many have been accepted so far, and all of them have ended.
fn gone(page: &Page, accepted: usize) -> bool {
    page.value("malpan_connections_accepted_total") == accepted as f64 && page.value("malpan_sessions") == 0.0
}

/// Ten storms of so many waves; `scraps` is what the memory may differ by in any case.
async fn ten_storms(waves: usize, wave_of: usize, scraps: u64) {
    allow_connections(wave_of);
    let server = Watched::start(&format!("[limits]\nunsigned = {wave_of}\nsessions = {wave_of}")).await;
    let (address, before) = (server.address, server.standing().await);
    let (mut memory, mut accepted) = (Vec::new(), 0);
    for storm in 1..=STORMS {
        for wave in 0..waves {
            let all = Arc::new(Barrier::new(wave_of));
            let crowd = crowd::send(wave_of, wave_of, move |number| {
                let all = Arc::clone(&all);
                async move { come_and_go(storm, wave * wave_of + number, address, &all).await }
            });
            let done = within(crowd).await.unwrap();
            let failed: Vec<_> = done.iter().filter_map(|done| done.as_ref().err()).collect();
            assert!(
                failed.is_empty() && done.len() == wave_of,
                "{} failed, the first with {:?}",
                failed.len(),
                failed[0]
            );
            accepted += wave_of;
            server.until("they are gone", |page| gone(page, accepted)).await;
        }
        server.settles_to(&before).await;
        memory.push(server.process.memory());
        println!("storm {storm}: {} KiB", memory[memory.len() - 1] / 1024);
    }
    let page = server.page().await;
    let all = accepted as f64;
    assert_eq!(page.value("malpan_connections_accepted_total"), all);
    assert_eq!(page.value("malpan_sessions_closed_total"), all, "each ended for a reason, once");
    assert_eq!(page.value("malpan_accept_errors_total"), 0.0);
    let [early, late] = COMPARED.map(|storm| memory[storm - 1]);
    let most = (early / TWENTIETH).max(scraps);
    assert!(early.abs_diff(late) <= most, "from {early} to {late} bytes: {memory:?}");
    server.signal("TERM");
    let ended = server.end().await;
    assert_eq!(ended.code, Some(0));
    let complaints = ended.log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    assert_eq!(complaints.collect::<Vec<_>>(), Vec::<&str>::new(), "nothing of this is worth a warning");
}

/// So small that the allocator's scraps, over half a megabyte after some storms on a busy machine, are more than a twentieth of all:
/// it finds 128 bytes that each connection leaves behind, and the larger one below the rest.
#[tokio::test]
async fn after_each_of_ten_storms_of_a_thousand_exactly_nothing_is_left() {
    ten_storms(1, 1_000, 1024 * 1024).await;
}

#[tokio::test]
#[ignore = "ten times as long"]
async fn after_each_of_ten_storms_of_ten_thousand_exactly_nothing_is_left() {
    ten_storms(4, 2_500, 0).await;
}
