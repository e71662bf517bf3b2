//! Loses its connection and comes back to its seat with its token; also when it was the server that went away.
//!
//! The client's own [`Room`](malpan_client::Room) checks that each event comes once and in order, over all connections: a
//! player to whom that does not hold is lost as `fault_room`.

use super::{
    Operator,
    rhythm::Action,
    seat::{self, Broken, Place},
};
use crate::bot::{cause, connect};
use malpan_client::{
    ClientError,
    protocol::{JoinTarget, Resumption, ServerPacket},
};
use std::{io, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long a player tries to come back to a server that is away.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Until the player is lost or dismissed.
pub(super) async fn work(operator: &Operator) {
    let Some(mut place) = seat::first(operator).await else { return };
    let mut rhythm = operator.rhythm();
    loop {
        let cut = tokio::select! {
            biased;
            () = operator.dismissed() => return place.leave(operator).await,
            broken = place.read(operator) => Err(broken),
            action = rhythm.next() => Ok(action),
        };
        let back = match cut {
            Ok(action) => {
                operator.worker.borrow_mut().began(operator.player, action.slip_ns);
                come_back(operator, &mut place, action).await
            }
            Err(broken) if broken.may_pass => {
                operator.worker.borrow_mut().began_unplanned(operator.player);
                let action = Action { due_ns: operator.now_ns(), slip_ns: None };
                come_back(operator, &mut place, action).await
            }
            Err(broken) => Err(broken),
        };
        if let Err(broken) = back {
            operator.worker.borrow_mut().lose(operator.player, broken.cause);
            return;
        }
    }
}

/// Drops the connection and comes back over a new one. Who drops it while the server stops finds it away as well.
async fn come_back(operator: &Operator, place: &mut Place, action: Action) -> Result<(), Broken> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    let error = loop {
        match resume(operator, place).await {
            Ok(true) => {
                let latency_ns = operator.now_ns().saturating_sub(action.due_ns);
                operator.worker.borrow_mut().done(operator.player, "resume", latency_ns);
                return Ok(());
            }
            Ok(false) => {
                operator.worker.borrow_mut().failed(operator.player, "seat_lost".into());
                return Ok(());
            }
            Err(error) if error.is_transient() && begin.elapsed() < PATIENCE => sleep(pause).await,
            Err(error) => break error,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    };
    let cause = cause::of(&error);
    operator.worker.borrow_mut().failed(operator.player, cause.clone());
    Err(Broken { cause, may_pass: false })
}

/// One attempt, over when the room is seen as it stands: after the events that were missed, or anew. Returns whether it is
/// the seat of before; where that is lost, the player took another.
async fn resume(operator: &Operator, place: &mut Place) -> Result<bool, ClientError> {
    // The answer to a resume may be lost before the token behind it comes: the one before is still good then.
    place.keep_token();
    let token = place.token.clone().ok_or(ClientError::Closed)?;
    let seen = place.room.seen();
    let mut client = connect::shake_hands(&operator.shared, operator.player).await?;
    let resumed = client.resume(token, Some(seen)).await?;
    // The old connection is cut here: nothing that it still holds is read.
    place.client = client;
    if resumed.place == Resumption::Lobby {
        let joined = place.client.join(JoinTarget::Any).await?;
        place.moved(&joined).map_err(|broken| io::Error::other(broken.cause))?;
        return Ok(false);
    }
    let limit = operator.shared.common.goal.options.timeout;
    let seen_again = async {
        loop {
            match place.read_one(operator).await? {
                ServerPacket::Snapshot(_) | ServerPacket::Joined(_) => return Ok(true),
                _ => {}
            }
        }
    };
    match timeout(limit, seen_again).await {
        Ok(back) => back.map_err(|broken: Broken| io::Error::other(broken.cause).into()),
        Err(_) => Err(ClientError::TimedOut(limit)),
    }
}
