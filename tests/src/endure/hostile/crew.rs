//! All attacks, each kind at its own pace, until so many frames were sent.

use super::{Attack, Category, MEMBERS, Tally, attack, catalogue, room_of_stopped_readers};
use std::{cell::RefCell, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Attacks of one kind at once: the machine's open files are bounded.
const AT_ONCE: usize = 200;
/// Rather fewer frames than one stopped reader sends until it is cut.
const STOPPED_FRAMES: u64 = 45;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Frames of each kind; `u64::MAX` for as long as it goes.
    pub frames_each: u64,
    /// Frames of all kinds in a second. What falls behind is caught up with.
    pub rate: f64,
}

/// Sends it, or as much as it can before `stop`; every attack that has begun is led to its end.
pub async fn send(to: SocketAddr, order: Order, stop: &CancellationToken) -> Tally {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let crew = LocalSet::new();
    for category in Category::ALL {
        let attacks: Vec<_> = catalogue().into_iter().filter(|attack| attack.category == category).collect();
        let kind = Kind { to, category, attacks: Rc::new(attacks), tally: Rc::clone(&tally) };
        crew.spawn_local(kind.run(order, stop.clone()));
    }
    crew.await;
    Rc::try_unwrap(tally).expect("everyone has finished").into_inner()
}

struct Kind {
    to: SocketAddr,
    category: Category,
    attacks: Rc<Vec<Attack>>,
    tally: Rc<RefCell<Tally>>,
}

impl Kind {
    async fn run(self, order: Order, stop: CancellationToken) {
        #[allow(clippy::cast_precision_loss, reason = "ten")]
        let rate = order.rate / Category::ALL.len() as f64;
        let start = Instant::now();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        let (mut planned, mut number) = (0_u64, 0);
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            if planned >= order.frames_each {
                // Some send less than was planned; what is missing is sent again.
                if running.join_next().await.is_none() {
                    planned = self.tally.borrow().of(self.category).frames;
                    if planned >= order.frames_each {
                        return;
                    }
                }
                continue;
            }
            #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
            let due = start + Duration::from_secs_f64(planned as f64 / rate);
            tokio::select! {
                () = sleep_until(due) => {}
                () = stop.cancelled() => break,
            }
            let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
            planned += self.frames(number);
            let attack = self.begin(number);
            running.spawn_local(async move {
                attack.await;
                drop(place);
            });
            number += 1;
        }
        while running.join_next().await.is_some() {}
    }

    /// The frames of the attack with this number, or about as many.
    fn frames(&self, number: usize) -> u64 {
        match self.category {
            Category::Stopped => MEMBERS * STOPPED_FRAMES,
            _ => self.attacks[number % self.attacks.len()].frames,
        }
    }

    fn begin(&self, number: usize) -> impl Future<Output = ()> + use<> {
        let Self { to, category, .. } = *self;
        let (attacks, tally) = (Rc::clone(&self.attacks), Rc::clone(&self.tally));
        async move {
            if category == Category::Stopped {
                let outcomes = room_of_stopped_readers(to).await;
                outcomes.into_iter().for_each(|outcome| tally.borrow_mut().add(category, "stopped", outcome));
            } else {
                let one = &attacks[number % attacks.len()];
                let outcome = attack(to, one).await;
                tally.borrow_mut().add(category, one.about, outcome);
            }
        }
    }
}
