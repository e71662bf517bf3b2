//! Connects, registers an account the first time and signs in to it from then on, and leaves.

use super::{Operator, rhythm::Action};
use crate::bot::{cause, connect};
use malpan_client::{ClientError, protocol::Secret};

/// What every account of the bot has: it guards nothing.
const PASSWORD: &str = "a password of the load bot";

/// Until the player is dismissed.
pub(super) async fn work(operator: &Operator) {
    operator.worker.borrow_mut().enlist(operator.player);
    let mut rhythm = operator.rhythm();
    let mut registered = false;
    loop {
        let action = tokio::select! {
            biased;
            () = operator.dismissed() => return operator.worker.borrow_mut().dismissed(operator.player),
            action = rhythm.next() => action,
        };
        operator.worker.borrow_mut().began(operator.player, action.slip_ns);
        match visit(operator, &action, registered).await {
            Ok(()) if registered => {}
            Ok(()) => {
                registered = true;
                operator.worker.borrow_mut().greeted(operator.player);
            }
            Err(error) => operator.worker.borrow_mut().failed(operator.player, cause::of(&error)),
        }
    }
}

async fn visit(operator: &Operator, action: &Action, registered: bool) -> Result<(), ClientError> {
    let secret = Secret::new(PASSWORD).expect("of an allowed length");
    let mut client = connect::shake_hands(&operator.shared, operator.player).await?;
    let name = operator.shared.plan.name(operator.player);
    let what = if registered {
        client.login(name, secret).await?;
        "sign_in"
    } else {
        client.register(name, secret).await?;
        "register"
    };
    let latency_ns = operator.now_ns().saturating_sub(action.due_ns);
    operator.worker.borrow_mut().done(operator.player, what, latency_ns);
    // What comes of the goodbye is nothing to the sign-in.
    let _ = client.bye().await;
    Ok(())
}
