//! `kill -9` while players register: whoever was told that they are registered can log in afterwards, and nobody else has half
//! an account.

use crate::{
    Place, can_log_in, connect, name,
    running::{Running, within},
    secret,
};
use std::{collections::BTreeSet, env};
use tokio::{sync::mpsc, task::JoinSet};

/// Names another number of rounds than [`ROUNDS`].
const ROUNDS_VARIABLE: &str = "MALPAN_TEST_KILLS";
const ROUNDS: u32 = 20;
/// Who register at the same time, each one name after the other.
const PLAYERS: u32 = 4;

#[tokio::test]
async fn whoever_was_told_that_they_are_registered_can_log_in_after_the_server_was_killed() {
    let rounds: u32 = env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let place = Place::new();
    let (mut all, mut last) = (BTreeSet::new(), Asked::default());
    for round in 0..rounds {
        let mut server = Running::start(&place.arguments()).await;
        let address = server.addresses()[0].to_string();
        all.append(&mut last.are_whole(&address).await);
        let (told, mut heard) = mpsc::unbounded_channel();
        let mut players = JoinSet::new();
        for player in 0..PLAYERS {
            let names = (0..).map(move |number| format!("r{round} p{player} n{number}"));
            players.spawn(register(address.clone(), names, told.clone()));
        }
        drop(told);
        // At another moment each time: after 1 to 7 of them, in the midst of what the others want.
        while last.confirmed.len() <= (round as usize * 3) % 7 {
            last.note(within(heard.recv()).await.expect("the server lives"));
        }
        server.stop_now();
        within(players.join_all()).await;
        within(server.end()).await;
        while let Some(said) = heard.recv().await {
            last.note(said);
        }
    }
    let server = Running::start(&place.arguments()).await;
    all.append(&mut last.are_whole(&server.addresses()[0].to_string()).await);
    drop(server);
    assert!(all.len() >= rounds as usize * 2, "there was load: {} accounts", all.len());
}

/// What became of what was asked of one server.
#[derive(Default)]
struct Asked {
    confirmed: BTreeSet<String>,
    /// Asked for, and perhaps not done.
    open: BTreeSet<String>,
}

enum Said {
    Asks(String),
    IsRegistered(String),
}

impl Asked {
    fn note(&mut self, said: Said) {
        match said {
            Said::Asks(who) => drop(self.open.insert(who)),
            Said::IsRegistered(who) => {
                self.open.remove(&who);
                self.confirmed.insert(who);
            }
        }
    }

    /// All who were confirmed can log in to the next server, and the others can too or can be registered. All of them, and
    /// from now on none.
    async fn are_whole(&mut self, address: &str) -> BTreeSet<String> {
        let mut all = std::mem::take(&mut self.confirmed);
        for who in &all {
            assert!(can_log_in(address, who).await, "{who} was registered and is gone");
        }
        for who in std::mem::take(&mut self.open) {
            if !can_log_in(address, &who).await {
                let mut client = connect(address).await.unwrap();
                within(client.register(name(&who), secret(&who))).await.expect("there is not half of an account");
                within(client.bye()).await.unwrap();
            }
            all.insert(who);
        }
        all
    }
}

/// Registers one name after the other until the server is gone.
async fn register(address: String, names: impl Iterator<Item = String>, told: mpsc::UnboundedSender<Said>) {
    for who in names {
        let Ok(mut client) = connect(&address).await else { return };
        told.send(Said::Asks(who.clone())).unwrap();
        if client.register(name(&who), secret(&who)).await.is_err() {
            return;
        }
        told.send(Said::IsRegistered(who)).unwrap();
    }
}
