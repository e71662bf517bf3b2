//! Whom the operator sends away, or gives another password, does not come back with a token.

use super::Everyone;
use crate::{control::Players, test_host::TestHost};
use malpan_client::{
    Client, ClientError,
    protocol::{DenialCode, JoinTarget, KickReason, LeaveReason, Name, PlayerId, ResumeToken, Secret, ServerPacket},
};
use std::time::Duration;
use tokio::{io::DuplexStream, time::timeout};

/// What the operator does to a player.
type Deed = fn(&Everyone, PlayerId);

const DEEDS: [(Deed, Option<KickReason>); 3] = [
    (|everyone, player| everyone.banned(player), Some(KickReason::Banned)),
    (|everyone, player| everyone.deleted(player), Some(KickReason::AccountDeleted)),
    // Whoever is here stays until the connection ends.
    (|everyone, player| everyone.password_changed(player), None),
];

struct Scene {
    server: TestHost,
    everyone: Everyone,
    player: PlayerId,
    ann: Client<DuplexStream>,
    token: ResumeToken,
    bob: Client<DuplexStream>,
}

impl Scene {
    /// Ann, who has an account, and Bob, who has none, in one room.
    async fn new() -> Self {
        let server = TestHost::new(|config| {
            (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (1024, 1);
        });
        let everyone = Everyone::new(server.host.clone(), vec![server.shard.clone()].into());
        let (mut ann, _) = server.connect().await;
        let (name, secret) = (Name::new("ann").unwrap(), Secret::new("correct horse").unwrap());
        let (player, _) = ann.register(name, secret).await.unwrap();
        let joined = ann.join(JoinTarget::Any).await.unwrap();
        let (mut bob, _) = server.guest("bob").await;
        bob.join(JoinTarget::Room(joined.room)).await.unwrap();
        let token = ann.token().unwrap().clone();
        let scene = Self { server, everyone, player, ann, token, bob };
        assert_eq!(scene.seats(), (2, 0));
        scene
    }

    /// Seats that are taken, and players who are away.
    fn seats(&self) -> (usize, usize) {
        (self.server.host.seats_taken(), self.server.host.away())
    }

    /// What Bob hears of it. The clock is paused: it jumps only where nothing is left to happen.
    async fn bob_hears(&mut self) -> Vec<ServerPacket> {
        let mut packets = Vec::new();
        while let Ok(packet) = timeout(Duration::from_millis(500), self.bob.next()).await {
            packets.push(packet.unwrap());
        }
        packets
    }

    async fn nobody_comes_back(&mut self) {
        self.the_token_is_refused().await;
        assert_eq!(self.seats(), (1, 0));
    }

    async fn the_token_is_refused(&mut self) {
        let (mut client, _) = self.server.connect().await;
        let denied = client.resume(self.token.clone(), None).await;
        let is_refused =
            |denied| matches!(denied, Err(ClientError::Denied(why)) if why.code == DenialCode::ResumeRefused);
        assert!(is_refused(denied));
    }
}

fn has_left(packets: &[ServerPacket], why: LeaveReason) -> bool {
    matches!(packets, [.., ServerPacket::Left(left)] if left.reason == why)
}

#[tokio::test(start_paused = true)]
async fn who_is_here_is_sent_away_or_stays_and_does_not_come_back() {
    for (deed, told) in DEEDS {
        let mut scene = Scene::new().await;
        deed(&scene.everyone, scene.player);
        let heard = scene.bob_hears().await;
        if let Some(told) = told {
            assert!(has_left(&heard, LeaveReason::Kicked), "{heard:?}");
            let last = loop {
                if let ServerPacket::Kicked { reason } = scene.ann.next().await.unwrap() {
                    break reason;
                }
            };
            assert_eq!(last, told);
        } else {
            assert_eq!(heard, []);
            // Nor does anyone take over who has the token: that may be why it is another password.
            scene.the_token_is_refused().await;
            assert_eq!(scene.seats(), (2, 0));
            scene.ann = scene.server.connect().await.0;
            let heard = scene.bob_hears().await;
            assert!(has_left(&heard, LeaveReason::Disconnected), "nothing is kept: {heard:?}");
        }
        scene.nobody_comes_back().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_away_is_given_up_at_once() {
    for (deed, _) in DEEDS {
        let mut scene = Scene::new().await;
        scene.ann = scene.server.connect().await.0;
        let heard = scene.bob_hears().await;
        assert!(matches!(heard[..], [ServerPacket::Away { .. }]), "{heard:?}");
        assert_eq!(scene.seats(), (2, 1));
        deed(&scene.everyone, scene.player);
        let heard = scene.bob_hears().await;
        assert!(has_left(&heard, LeaveReason::Disconnected), "{heard:?}");
        scene.nobody_comes_back().await;
    }
}
