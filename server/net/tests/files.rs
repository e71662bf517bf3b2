//! No file descriptor is left: the acceptor waits, ends nothing, and goes on when there are some again. A process of its
//! own with this one test, because the limit is the process's.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::BytesMut;
use malpan_net::{
    Admission, AdmissionLimits, Count, Counters, Frame, Protocol, Service, SessionHandle, Settings, Shard, Tcp, accept,
    bind,
};
use std::{fs::File, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    runtime::Handle,
    time::{sleep, timeout},
};
use tokio_util::{codec::BytesCodec, sync::CancellationToken};

/// Few enough to be used up at once.
const FILES: u64 = 64;
/// Only a test that fails waits for it.
const LONG: Duration = Duration::from_secs(30);

/// Says what it hears.
#[derive(Clone)]
struct Echo;

struct EchoService(SessionHandle);

impl Protocol for Echo {
    type Decoder = BytesCodec;
    type Service = EchoService;

    fn decoder(&self) -> BytesCodec {
        BytesCodec::new()
    }

    fn open(&self, session: SessionHandle) -> EchoService {
        EchoService(session)
    }
}

impl Service for EchoService {
    type Packet = BytesMut;

    async fn packet(&mut self, packet: BytesMut) {
        self.0.send(Frame::new(&packet));
    }
}

#[tokio::test]
async fn without_files_the_acceptor_waits_and_then_goes_on() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let counters = Arc::<Counters>::default();
    let shard = Shard::new(0, Handle::current(), Settings::default(), Arc::clone(&counters));
    let limits = AdmissionLimits { sessions: 9, pending: 9, per_address: 9, exempt: Arc::new(|_| true) };
    let stop = CancellationToken::new();
    let shards = Arc::new([shard.clone()]);
    let acceptor = tokio::spawn(accept(listener, Tcp, shards, Admission::new(limits), Echo, stop.clone()));
    // The client's files are opened before the rest is used up.
    let [early, late] = [TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap()];
    let mut early = early.connect(address).await.unwrap();
    assert_eq!(echo(&mut early).await, *b"hello");

    let (_, hard) = rlimit::Resource::NOFILE.get().unwrap();
    rlimit::Resource::NOFILE.set(FILES.min(hard), hard).unwrap();
    let mut files = Vec::new();
    let error = loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => break error,
        }
    };
    const EMFILE: i32 = 24;
    assert_eq!(error.raw_os_error(), Some(EMFILE));

    // The kernel completes the connection; nobody can accept it.
    let mut late = timeout(LONG, late.connect(address)).await.unwrap().unwrap();
    let retried = async {
        while counters.value(Count::AcceptErrors) < 3 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, retried).await.expect("no accept has failed");
    assert!(!acceptor.is_finished());
    assert_eq!((shard.sessions(), counters.value(Count::Accepted)), (1, 1));
    // Who is connected is served meanwhile.
    assert_eq!(echo(&mut early).await, *b"hello");

    drop(files);
    assert_eq!(echo(&mut late).await, *b"hello");
    assert_eq!((shard.sessions(), counters.value(Count::Accepted)), (2, 2));
    stop.cancel();
    timeout(LONG, acceptor).await.unwrap().unwrap();
}

async fn echo(client: &mut tokio::net::TcpStream) -> [u8; 5] {
    client.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    timeout(LONG, client.read_exact(&mut answer)).await.expect("no answer").unwrap();
    answer
}
