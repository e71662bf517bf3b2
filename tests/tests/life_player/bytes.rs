//! A flood of bytes, whatever they are.

use crate::{
    State,
    floods::{Others, config},
    is_denied,
};
use malpan_e2e::{MemoryServer, Wire};
use malpan_net::Count;
use malpan_protocol::{DenialCode, KickReason, MAX_CLIENT_FRAME, ServerPacket};
use std::time::Duration;
use tokio::time::sleep;

/// The longest frames that are packets: a line of chat that is short once it is composed.
fn long_chat() -> Vec<u8> {
    let syllable = "\u{1112}\u{1161}\u{11ab}";
    let text = syllable.repeat((MAX_CLIENT_FRAME - 4) / syllable.len());
    let [low, high] = u16::try_from(text.len()).unwrap().to_le_bytes();
    let payload = [&[7, 251, low, high], text.as_bytes()].concat();
    [&u16::try_from(payload.len()).unwrap().to_le_bytes(), payload.as_slice()].concat()
}

/// A megabyte in frames at the cap, in every state, as fast as it goes: the connection ends, no more is looked at than the
/// budget and its strikes allow, and those who play do not feel it.
#[tokio::test(start_paused = true)]
async fn a_flood_of_bytes_ends_in_every_state() {
    let full = [&[0, 4, 99][..], &[7; MAX_CLIENT_FRAME - 1]].concat();
    for state in State::ALL {
        for (about, frame) in [("nonsense", &full), ("chat", &long_chat())] {
            let about = format!("{about} in {state:?}");
            let config = config(|_| {});
            let most = u64::from(config.limits.packets_per_second + config.limits.rate_limit_strikes);
            let mut server = MemoryServer::new(config, 1);
            let mut others = Others::new(&mut server).await;
            let room = others.same_room.1.id();
            let mut wire = Wire::new(server.stream().unwrap());
            wire.ask(&state.way("flooder", room)).await.unwrap();
            sleep(Duration::from_secs(5)).await;
            others.are_served(&about).await;
            let read_before = server.counters().value(Count::PacketsReceived);
            let flood = frame.repeat(1000);
            let (_, ()) = tokio::join!(wire.write(&flood), others.are_served(&about));
            let packets = wire.to_the_end().await.unwrap();
            let kicked = ServerPacket::Kicked { reason: KickReason::Flooding };
            let last = packets.last();
            assert!(
                match (state, about.starts_with("chat")) {
                    (State::Connected, _) => last.is_none(),
                    (_, false) => is_denied(last.unwrap(), DenialCode::Malformed),
                    (State::Greeted | State::Lobby, true) => is_denied(last.unwrap(), DenialCode::OutOfOrder),
                    (State::Seated | State::Watching, true) => *last.unwrap() == kicked,
                },
                "{about}: {last:?}"
            );
            // Those of the others are among them: a step each.
            let read = server.counters().value(Count::PacketsReceived) - read_before;
            assert!(read <= most + 2, "{about}: {read} packets");
            others.are_served(&about).await;
            assert_eq!(server.host().signed_in(), 2, "{about}");
        }
    }
}
