//! Who is not let in: told why in a way that arrives, then closed. A flood of them costs those who play nothing, and
//! leaves nothing behind.

use crate::{
    crowd::{self, connect_from, long_hello, reset},
    playing::play_until,
    process::allow_connections,
    running::within,
    watched::{PATIENT, Watched},
};
use malpan_client::{
    Client, ClientError, ConnectOptions, Connection, Stream,
    protocol::{DenialCode, Name, ServerPacket},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::sleep,
};

const SESSIONS: usize = 30;
const UNSIGNED: usize = 10;
const PER_ADDRESS: usize = 4;
const FLOOD: usize = 4_000;
/// Not more than the server tells why at once, also where some of those before are not quite gone.
const POLITE_AT_ONCE: usize = 100;
/// More than that.
const RUDE_AT_ONCE: usize = 1_000;

async fn server() -> Watched {
    let limits = format!("sessions = {SESSIONS}\nunsigned = {UNSIGNED}\nsessions_per_address = {PER_ADDRESS}");
    Watched::start(&format!("[limits]\n{limits}\nexempt_addresses = []\nhello_within = \"1h\"\n{PATIENT}")).await
}

async fn guest(server: SocketAddr, nth: usize, name: &str) -> Client {
    let stream = within(connect_from(nth, server)).await.unwrap();
    let mut client = within(Client::handshake(Stream::Plain(stream), &ConnectOptions::default())).await.unwrap();
    within(client.sign_in_guest(Name::new(name).unwrap())).await.unwrap();
    client
}

/// What a client from the `nth` address is told that says much before it listens.
async fn refusal(server: SocketAddr, nth: usize) -> DenialCode {
    let mut stream = within(connect_from(nth, server)).await.unwrap();
    // More than any buffer holds: closed with all of it unread, the server would reset the connection.
    let hellos = long_hello().repeat(100_000);
    within(stream.write_all(&hellos)).await.unwrap();
    let mut connection = Connection::new(stream);
    let ServerPacket::Denied(denial) = within(connection.next()).await.unwrap() else { panic!("no denial") };
    assert!(matches!(within(connection.next()).await, Err(ClientError::Closed)), "an orderly end");
    denial.code
}

#[tokio::test]
async fn each_limit_is_told_to_whoever_it_keeps_out_and_to_nobody_else() {
    let server = server().await;
    let (address, empty) = (server.address, server.standing().await);
    // From one address; its neighbour is another.
    let mut inside = Vec::new();
    for number in 0..PER_ADDRESS {
        inside.push(guest(address, 1, &format!("first {number}")).await);
    }
    assert_eq!(refusal(address, 1).await, DenialCode::AddressFull);
    inside.push(guest(address, 2, "neighbour").await);
    // Who do not sign in.
    let mut strangers = Vec::new();
    for number in 0..UNSIGNED {
        strangers.push(within(connect_from(10 + number, address)).await.unwrap());
    }
    server.until("they are in", |page| page.value("malpan_unsigned_sessions") == UNSIGNED as f64).await;
    assert_eq!(refusal(address, 30).await, DenialCode::TooManyUnsigned);
    drop(strangers);
    server.until("they are gone", |page| page.value("malpan_unsigned_sessions") == 0.0).await;
    // In all.
    for number in inside.len()..SESSIONS {
        inside.push(guest(address, 100 + number, &format!("guest {number}")).await);
    }
    assert_eq!(refusal(address, 200).await, DenialCode::ServerFull);
    let page = server.page().await;
    for reason in ["address_full", "too_many_unsigned", "server_full"] {
        let count = page.value(&format!("malpan_connections_refused_total{{reason=\"{reason}\"}}"));
        assert_eq!(count, 1.0, "{reason}");
    }
    drop(inside);
    server.settles_to(&empty).await;
}

/// Comes, listens, and returns what it was told.
async fn polite(server: SocketAddr, number: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut stream = connect_from(number, server).await.unwrap();
    within(stream.read_to_end(&mut heard)).await.unwrap();
    heard
}

/// Talks and does not listen; what becomes of it does not matter.
async fn rude(server: SocketAddr, number: usize) {
    let Ok(mut stream) = connect_from(number, server).await else { return };
    let _ = stream.write_all(&long_hello().repeat(100)).await;
    match number % 3 {
        0 => reset(&stream),
        1 => {}
        _ => sleep(Duration::from_millis(500)).await,
    }
}

#[tokio::test]
async fn a_flood_of_refused_connections_leaves_nothing_and_those_who_play_play_on() {
    allow_connections(RUDE_AT_ONCE);
    let server = server().await;
    let address = server.address;
    let (mut player, mut room) = server.player("plays").await;
    let mut inside = Vec::new();
    for number in 1..SESSIONS {
        inside.push(guest(address, 100 + number, &format!("guest {number}")).await);
    }
    let before = server.standing().await;
    let mut flood = crowd::send(FLOOD / 2, POLITE_AT_ONCE, move |number| polite(address, number));
    let (slowest, told) = play_until(&mut player, &mut room, &mut flood).await;
    let full = |heard: &Vec<u8>| matches!(heard[..], [_, 0, 1, code, ..] if code == DenialCode::ServerFull as u8);
    assert_eq!(told.iter().filter(|heard| full(heard)).count(), FLOOD / 2, "each of them was told why");
    let mut flood = crowd::send(FLOOD / 2, RUDE_AT_ONCE, move |number| rude(address, number));
    let (slowest_amid_rude, _) = play_until(&mut player, &mut room, &mut flood).await;
    println!("the slowest step took {slowest:?} beside polite ones, {slowest_amid_rude:?} beside rude ones");
    assert!(slowest.max(slowest_amid_rude) < Duration::from_secs(1), "{slowest:?}, {slowest_amid_rude:?}");
    let refused = "malpan_connections_refused_total{reason=\"server_full\"}";
    server.until("all have been refused", |page| page.value(refused) == FLOOD as f64).await;
    server.settles_to(&before).await;
    // There is a place again as soon as someone goes.
    drop(inside.pop());
    server.until("one has gone", |page| page.value("malpan_sessions") < SESSIONS as f64).await;
    guest(address, 99, "next").await;
}
