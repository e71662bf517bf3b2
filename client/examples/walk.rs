//! Signs in, joins any board, takes ten steps and prints what everyone does: `cargo run -p malpan-client --example walk`.

use malpan_client::{Client, ConnectOptions, Room, protocol::*};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7777".into());
    let mut client = Client::connect(&address, &ConnectOptions::default()).await?;
    client.sign_in_guest(Name::new("walker")?).await?;
    let mut room: Room = Room::new(&client.join(JoinTarget::AnyOf(GameName::BOARD)).await?)?;
    println!("room {}, {} in it", room.id(), room.members().count());

    let mut directions = Direction::ALL.iter().cycle().take(10);
    let mut pace = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            packet = client.next() => {
                let packet = packet?;
                room.apply(&packet)?;
                println!("{packet:?}");
            }
            _ = pace.tick() => match directions.next() {
                Some(&direction) => drop(client.step(direction)?),
                None => break,
            },
        }
    }
    client.bye().await?;
    Ok(())
}
