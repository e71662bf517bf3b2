//! No file descriptor is left: the server waits, costs nothing, serves whoever is there, and goes on when there are some.

use crate::{
    playing::step,
    running::{PATIENCE, within},
    watched::{PATIENT, Watched},
};
use malpan_client::{Client, ConnectOptions, Stream, protocol::Name};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

/// Connections that fit after the limit was lowered, more or less: it counts the highest number, not how many there are.
const SPARE: u64 = 8;
const WAITING: usize = 20;
const MEASURED_FOR: Duration = Duration::from_secs(4);
/// A share of one core.
const MOST_CPU: f64 = 0.05;
const ACCEPTED_WITHIN: Duration = Duration::from_secs(1);

/// Says hello, and waits for the answer as long as it takes.
async fn knock(server: SocketAddr) -> Client {
    let stream = TcpStream::connect(server).await.unwrap();
    let options = ConnectOptions { timeout: PATIENCE * 2, ..ConnectOptions::default() };
    Client::handshake(Stream::Plain(stream), &options).await.unwrap()
}

#[tokio::test]
async fn without_descriptors_the_server_waits_at_no_cost_and_accepts_within_a_second_when_some_are_free() {
    let server = Watched::start(&format!("[limits]\n{PATIENT}")).await;
    let (mut player, mut room) = server.player("plays").await;
    let most = server.process.files().into_iter().max().unwrap() + 1 + SPARE;
    server.process.limit_files(most);
    let mut inside = Vec::new();
    // Until one is not let in within a time in which everyone would be.
    while let Ok(mut guest) = timeout(Duration::from_secs(2), knock(server.address)).await {
        within(guest.sign_in_guest(Name::new(&format!("guest {}", inside.len())).unwrap())).await.unwrap();
        inside.push(guest);
    }
    assert!(inside.len() >= 3, "{} were let in", inside.len());
    // The one who gave up is gone; these are patient, and someone asks for the metrics as well.
    let began = Instant::now();
    let (answers, mut answered) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..WAITING {
        let (answers, address) = (answers.clone(), server.address);
        tokio::spawn(async move {
            let client = knock(address).await;
            // Nobody looks where the test has failed already.
            let _ = answers.send((Instant::now(), client));
        });
    }
    let mut page = Box::pin(server.get("/healthz"));
    assert!(timeout(Duration::from_millis(100), &mut page).await.is_err(), "there is no descriptor for it");

    let cpu = server.process.cpu();
    let measured = Instant::now();
    // Who is in plays on meanwhile.
    while measured.elapsed() < MEASURED_FOR {
        step(&mut player, &mut room).await.unwrap();
        sleep(Duration::from_millis(200)).await;
    }
    let share = (server.process.cpu() - cpu).as_secs_f64() / measured.elapsed().as_secs_f64();
    println!("{:.1} % of a core without descriptors", share * 100.0);
    assert!(share < MOST_CPU, "{:.1} % of a core", share * 100.0);
    assert!(answered.try_recv().is_err(), "nobody was let in");

    // Some go: as many of those who wait take their places.
    let free = 3;
    let freed = Instant::now();
    inside.truncate(inside.len() - free);
    let mut let_in = Vec::new();
    // The metrics' connection waits for a place as well.
    for _ in 0..free - 1 {
        let_in.push(within(answered.recv()).await.unwrap());
    }
    let waited = let_in.iter().map(|(at, _)| *at - freed).max().unwrap();
    println!("let in {waited:?} after some were free");
    assert!(waited <= ACCEPTED_WITHIN, "let in {waited:?} after some were free");

    // And with a limit as before, everyone.
    let raised = Instant::now();
    server.process.limit_files(1024);
    while let_in.len() < WAITING {
        let_in.push(within(answered.recv()).await.unwrap());
    }
    let waited = raised.elapsed();
    println!("all let in {waited:?} after the limit was raised");
    assert!(waited <= ACCEPTED_WITHIN, "all let in {waited:?} after the limit was raised");
    assert_eq!(page.as_mut().await.0, 200);
    drop(page);
    let errors = server.page().await.value("malpan_accept_errors_total");
    // Twice a second, but for the first moments and what a place now and then adds.
    let bound = began.elapsed().as_secs_f64() * 2.0 + 60.0;
    assert!(errors >= 5.0 && errors <= bound, "{errors} errors");
    drop((player, inside, let_in));
    server.signal("TERM");
    let ended = server.end().await;
    assert_eq!(ended.code, Some(0));
    let count = |what: &str| ended.log.lines().filter(|line| line.contains(what)).count();
    let (cannot, again) = (count("connections cannot be accepted"), count("connections are accepted again"));
    assert!((1..=5).contains(&cannot) && cannot == again, "said once for each time: {}", ended.log);
    assert_eq!((count("ERROR"), count("panicked")), (0, 0), "{}", ended.log);
}
