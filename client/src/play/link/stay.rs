//! One connection, from the sign-in to its loss.

use super::{
    Command, Gone, LinkEvent,
    judge::{Next, after_loss},
    pings::Pings,
    task::Task,
};
use crate::play::{dial::Dial, words};
use malpan_client::{
    Client, ClientError,
    protocol::{ClientPacket, ServerPacket},
};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two pings.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Without a byte from the server for this long, though it was asked: the connection is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

impl<D: Dial> Task<D> {
    /// Carries packets until the connection is lost, and returns what to do then.
    pub(super) async fn stay(&mut self, client: &mut Client<D::Io>) -> Result<Next, Gone> {
        let mut pings = Pings::new();
        let mut tick = interval(PING_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut kicked = None;
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Err(Gone),
                    Some(Command::Send(packet)) => {
                        if let Err(error) = client.send(&packet) {
                            return Ok(Next::Retry(words::client_error(&error)));
                        }
                    }
                    // It was signed in meanwhile: the answer is late.
                    Some(Command::SignIn(_)) => {}
                },
                packet = client.next() => match packet {
                    Ok(ServerPacket::Pong { nonce }) => {
                        if let Some(time) = pings.answered(nonce) {
                            self.emit(LinkEvent::RoundTrip(time)).await?;
                        }
                    }
                    Ok(packet) => {
                        if let ServerPacket::Kicked { reason } = packet {
                            kicked = Some(reason);
                        }
                        self.seen.hear(&packet);
                        self.emit(LinkEvent::Packet(packet)).await?;
                    }
                    Err(error) => {
                        return Ok(match kicked {
                            Some(reason) => after_loss(&ClientError::Kicked(reason)),
                            // Bytes that are no packets may come of a fault on the way: the server was one before.
                            None => Next::Retry(words::client_error(&error)),
                        });
                    }
                },
                _ = tick.tick() => {
                    if pings.silent_for(client.traffic().0) >= SILENCE {
                        return Ok(Next::Retry(format!("the server was silent for {} s", SILENCE.as_secs())));
                    }
                    if let Some(nonce) = pings.ask()
                        && let Err(error) = client.send(&ClientPacket::Ping { nonce })
                    {
                        return Ok(Next::Retry(words::client_error(&error)));
                    }
                }
            }
        }
    }
}
