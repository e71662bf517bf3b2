//! One look at every session of a shard, a few times a second, instead of timers in each: heartbeats, silence,
//! deadlines, stalled writes.

use crate::{
    handle::Due,
    shard::{Shard, WeakShard},
};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// The shortest interval that the clock, which counts milliseconds, can tell from none.
const SHORTEST: Duration = Duration::from_millis(1);

/// Sweeps until the shard is gone.
pub(crate) async fn run(shard: WeakShard, every: Duration) {
    let mut ticks = interval(every.max(SHORTEST));
    // After a stall one look is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shard) = shard.upgrade() else { return };
        sweep(&shard);
    }
}

fn sweep(shard: &Shard) {
    let now = shard.advance_clock();
    shard.each_session(|session| match session.due(now) {
        Due::Nothing => {}
        Due::Heartbeat => session.send_heartbeat(),
        Due::Close(reason) => session.close(reason),
    });
}
