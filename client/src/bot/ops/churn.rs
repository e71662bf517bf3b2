//! Leaves its room and joins another, again and again.

use super::{
    Operator,
    rhythm::Action,
    seat::{self, Broken, Place},
};
use crate::bot::cause;
use malpan_client::{
    ClientError,
    protocol::{ClientPacket, JoinTarget, ServerPacket},
};
use tokio::time::timeout;

/// Until the player is lost or dismissed.
pub(super) async fn work(operator: &Operator) {
    let Some(mut place) = seat::first(operator).await else { return };
    let mut rhythm = operator.rhythm();
    loop {
        let done = tokio::select! {
            biased;
            () = operator.dismissed() => return place.leave(operator).await,
            broken = place.read(operator) => Err(broken),
            action = rhythm.next() => change(operator, &mut place, action).await,
        };
        if let Err(broken) = done {
            operator.worker.borrow_mut().lose(operator.player, broken.cause);
            return;
        }
    }
}

/// Leaves and joins; denied, it stays where it then is.
async fn change(operator: &Operator, place: &mut Place, action: Action) -> Result<(), Broken> {
    operator.worker.borrow_mut().began(operator.player, action.slip_ns);
    let limit = operator.shared.common.goal.options.timeout;
    let changed = timeout(limit, leave_and_join(operator, place)).await;
    let mut worker = operator.worker.borrow_mut();
    match changed {
        Ok(Ok(None)) => {
            let latency_ns = operator.now_ns().saturating_sub(action.due_ns);
            worker.done(operator.player, "change", latency_ns);
            Ok(())
        }
        Ok(Ok(Some(denied))) => {
            worker.failed(operator.player, denied);
            Ok(())
        }
        Ok(Err(broken)) => {
            worker.failed(operator.player, broken.cause.clone());
            Err(broken)
        }
        Err(_) => {
            worker.failed(operator.player, cause::of(&ClientError::TimedOut(limit)));
            Ok(())
        }
    }
}

/// Every packet is taken in as it comes: those of the old room stand before the answer to the leave. Returns by what it was
/// denied, if it was.
async fn leave_and_join(operator: &Operator, place: &mut Place) -> Result<Option<String>, Broken> {
    place.send(&ClientPacket::Leave)?;
    // Who was denied a seat the last time is in no room, and told so.
    while !matches!(place.read_one(operator).await?, ServerPacket::RoomLeft { .. } | ServerPacket::Denied(_)) {}
    place.send(&ClientPacket::Join { target: JoinTarget::Any })?;
    loop {
        match place.read_one(operator).await? {
            ServerPacket::Joined(_) => return Ok(None),
            ServerPacket::Denied(denial) => return Ok(Some(format!("denied_{}", cause::snake(&denial.code)))),
            _ => {}
        }
    }
}
