//! Connects, signs in and takes a seat at the same moment as all others, and stays.

use super::{Operator, seat};
use crate::bot::{cause, connect};

/// Until the player is lost.
pub(super) async fn work(operator: &Operator) {
    operator.worker.borrow_mut().enlist(operator.player);
    let action = operator.rhythm().next().await;
    // All begin at once, and one after the other: that takes the bot a moment, and is no slip of a schedule. The latency
    // counts from when they were due all the same.
    operator.worker.borrow_mut().began(operator.player, None);
    // No permit, and no second attempt: a storm is what it is.
    let seated = connect::seat_once(&operator.shared, operator.player).await;
    let place = seated.map_err(|error| cause::of(&error)).and_then(|seated| seat::arrive(operator, seated));
    let mut place = match place {
        Ok(place) => place,
        Err(cause) => {
            let mut worker = operator.worker.borrow_mut();
            worker.failed(operator.player, cause.clone());
            worker.fail(operator.player, cause);
            return;
        }
    };
    let latency_ns = operator.now_ns().saturating_sub(action.due_ns);
    operator.worker.borrow_mut().done(operator.player, "connect", latency_ns);
    let broken = place.read(operator).await;
    operator.worker.borrow_mut().lose(operator.player, broken.cause);
}
