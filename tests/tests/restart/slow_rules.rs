//! A room that always has something to do is saved as any other.

use super::{Running, cheap_passwords};
use malpan_game::{Effects, Game};
use malpan_protocol::{ClientPacket, CommandBytes, GameName, JoinTarget, Seat};
use malpan_server::{
    Games,
    store::{MemoryStore, Store},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};

const THINKS: Duration = Duration::from_millis(20);
/// Six seconds' worth.
const COMMANDS: u32 = 300;

/// Thinks about every command.
struct Slow(Arc<AtomicU32>);

impl Game for Slow {
    const NAME: GameName = GameName::constant("slow");
    type Command = ();
    type Update = u32;
    type Refusal = ();
    type Snapshot = u32;
    type Saved = u32;

    fn take_seat(&mut self, _: Duration, _: Seat) -> Effects<u32> {
        Effects::none()
    }

    fn leave_seat(&mut self, _: Duration, _: Seat) -> Effects<u32> {
        Effects::none()
    }

    fn apply(&mut self, _: Duration, _: Seat, (): ()) -> Result<Effects<u32>, ()> {
        std::thread::sleep(THINKS);
        Ok(Effects::latest(self.0.fetch_add(1, Relaxed)))
    }

    fn snapshot(&self) -> u32 {
        self.0.load(Relaxed)
    }

    fn save(&self) -> Option<u32> {
        Some(self.snapshot())
    }
}

/// The time is real: it is the rules that take it.
#[tokio::test]
async fn while_its_inbox_is_never_empty() {
    let store: Arc<MemoryStore> = Arc::default();
    let thought = Arc::new(AtomicU32::new(0));
    let games = {
        let thought = Arc::clone(&thought);
        move |_: &_| Games::only(2, move |_| Slow(Arc::clone(&thought)))
    };
    let adjust = |config: &mut malpan_server::config::Config| {
        cheap_passwords(config);
        let limits = &mut config.limits;
        limits.packets_per_second = 10_000;
        (limits.steps_per_second, limits.step_burst) = (10_000, 10_000);
    };
    let server = Running::start_with(&store, adjust, games);
    let mut ann = server.guest("ann").await;
    ann.join(JoinTarget::Any).await.unwrap();
    for seq in 1..=COMMANDS {
        ann.send(&ClientPacket::Command { seq, command: CommandBytes::of(&()).unwrap() }).unwrap();
    }
    ann.flush().await.unwrap();
    let saved = async {
        while store.rooms().await.unwrap().is_empty() || thought.load(Relaxed) == 0 {
            sleep(THINKS).await;
        }
    };
    timeout(Duration::from_secs(30), saved).await.unwrap();
    let thought = thought.load(Relaxed);
    assert!(thought < COMMANDS, "it was saved when there was nothing left to do");
}
