//! Random operations against the simplest thing that could be a store: lists that are searched from one end to the other.

use crate::{
    Fresh,
    samples::{HOUR, hash, name, secret},
};
use malpan_protocol::{Name, PlayerId, RoomId};
use malpan_server::store::{
    Account, Ban, CreateError, NewAccount, RoomChange, SavedRoom, Store, TokenRecord, unix_now,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::future::Future;

/// What is asked of both. Players are numbers out of those that were given so far, so that most of them exist.
#[derive(Debug, Clone)]
enum Operation {
    Create(Name),
    Named(Name),
    SetSecret(usize, u8),
    SetBan(usize, Option<u8>),
    Delete(usize),
    List(Option<Name>, usize),
    PutToken { hash: u8, player: usize, guest: bool, expired: bool },
    Token(u8),
    RevokeToken(u8),
    RevokeTokens(usize),
    SaveRooms(Vec<RoomChange>),
    Reserve(u32),
    LookAtAll,
}

#[derive(Debug, Default)]
struct Model {
    players: u64,
    accounts: Vec<Account>,
    tokens: Vec<(u8, TokenRecord)>,
    rooms: Vec<SavedRoom>,
    set_aside: Vec<(RoomId, String)>,
    last_room: u32,
}

fn names() -> impl Strategy<Value = Name> {
    prop_oneof![Just("Ann"), Just("aNN"), Just("Bob"), Just("ß"), Just("SS"), Just("Zoë"), Just("가")].prop_map(name)
}

fn changes() -> impl Strategy<Value = RoomChange> {
    let id = || (1..6_u32).prop_map(RoomId);
    prop_oneof![
        3 => (id(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(id, incarnation, record)| {
            RoomChange::Saved(SavedRoom { id, incarnation, record: record.into() })
        }),
        1 => id().prop_map(RoomChange::Gone),
        1 => (id(), "[a-z]{0,5}").prop_map(|(id, why)| RoomChange::SetAside { id, why }),
    ]
}

fn operations() -> impl Strategy<Value = Operation> {
    let (player, token) = (|| 0..8_usize, || 0..5_u8);
    prop_oneof![
        4 => names().prop_map(Operation::Create),
        2 => names().prop_map(Operation::Named),
        1 => (player(), any::<u8>()).prop_map(|(player, secret)| Operation::SetSecret(player, secret)),
        1 => (player(), any::<Option<u8>>()).prop_map(|(player, ban)| Operation::SetBan(player, ban)),
        1 => player().prop_map(Operation::Delete),
        1 => (prop::option::of(names()), 0..5_usize).prop_map(|(after, limit)| Operation::List(after, limit)),
        4 => (token(), player(), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(hash, player, guest, expired)| Operation::PutToken { hash, player, guest, expired }),
        2 => token().prop_map(Operation::Token),
        1 => token().prop_map(Operation::RevokeToken),
        1 => player().prop_map(Operation::RevokeTokens),
        2 => prop::collection::vec(changes(), 0..4).prop_map(Operation::SaveRooms),
        1 => (0..4_u32).prop_map(Operation::Reserve),
        1 => Just(Operation::LookAtAll),
    ]
}

/// Holds the stores that `fresh` opens against the model in so many cases.
pub(crate) fn agrees<F: Future<Output = Fresh>>(cases: u32, fresh: impl Fn() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let agreed = runner.run(&prop::collection::vec(operations(), 0..60), |operations| {
        runtime.block_on(async {
            let (fresh, mut model) = (fresh().await, Model::default());
            for operation in operations {
                model.step(&*fresh.store, operation).await?;
            }
            model.compare(&*fresh.store).await
        })
    });
    agreed.unwrap_or_else(|error| panic!("{error}"));
}

impl Model {
    async fn step(&mut self, store: &dyn Store, operation: Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Create(name) => self.create(store, name).await?,
            Operation::Named(name) => {
                prop_assert_eq!(store.account_named(&name).await.unwrap(), self.named(&name).cloned());
            }
            Operation::SetSecret(player, number) => {
                let (id, new) = (self.player(player), secret(&number.to_string()));
                let done = self.change(id, |account| account.secret = new.clone());
                prop_assert_eq!(store.set_secret(id, new.clone()).await.unwrap(), done);
            }
            Operation::SetBan(player, ban) => {
                let id = self.player(player);
                let ban = ban.map(|number| Ban { reason: number.to_string(), since: number.into() });
                let done = self.change(id, |account| account.banned = ban.clone());
                prop_assert_eq!(store.set_ban(id, ban.clone()).await.unwrap(), done);
            }
            Operation::Delete(player) => {
                let id = self.player(player);
                let done = self.change(id, |_| {});
                self.accounts.retain(|account| account.id != id);
                prop_assert_eq!(store.delete_account(id).await.unwrap(), done);
            }
            Operation::List(after, limit) => {
                let after = after.map(|name| name.folded());
                let mut expected = self.accounts.clone();
                expected.sort_by_key(|account| account.name.folded());
                expected.retain(|account| after.as_ref().is_none_or(|after| account.name.folded() > *after));
                expected.truncate(limit);
                prop_assert_eq!(store.accounts(after.as_deref(), limit).await.unwrap(), expected);
            }
            Operation::PutToken { hash: number, player, guest, expired } => {
                let expires = if expired { 1 } else { unix_now() + HOUR };
                let token = TokenRecord { player: self.player(player), name: name("x"), is_guest: guest, expires };
                let mut accounts = self.accounts.iter();
                let may_sign_in = accounts.any(|account| account.id == token.player && account.banned.is_none());
                self.tokens.retain(|&(other, _)| other != number);
                if !expired && (guest || may_sign_in) {
                    self.tokens.push((number, token.clone()));
                }
                store.put_token(hash(number), token).await.unwrap();
            }
            Operation::Token(number) => {
                let token = self.tokens.iter().find(|&&(other, _)| other == number).map(|(_, token)| token.clone());
                prop_assert_eq!(store.token(hash(number)).await.unwrap(), token);
            }
            Operation::RevokeToken(number) => {
                let before = self.tokens.len();
                self.tokens.retain(|&(other, _)| other != number);
                prop_assert_eq!(store.revoke_token(hash(number)).await.unwrap(), self.tokens.len() < before);
            }
            Operation::RevokeTokens(player) => {
                let player = self.player(player);
                self.tokens.retain(|(_, token)| token.player != player);
                store.revoke_tokens(player).await.unwrap();
            }
            Operation::SaveRooms(changes) => {
                changes.iter().cloned().for_each(|change| self.change_room(change));
                store.save_rooms(changes).await.unwrap();
            }
            Operation::Reserve(count) => {
                let given = store.reserve_players(count).await.unwrap();
                let first = self.players + 1;
                self.players += u64::from(count);
                prop_assert_eq!(given, first..self.players + 1);
            }
            Operation::LookAtAll => self.compare(store).await?,
        }
        Ok(())
    }

    async fn create(&mut self, store: &dyn Store, name: Name) -> Result<(), TestCaseError> {
        let new = NewAccount { name: name.clone(), secret: secret("x"), created: 3 };
        match (store.create_account(new.clone()).await, self.named(&name).is_some()) {
            (Err(CreateError::NameTaken(taken)), true) => prop_assert_eq!(taken, name),
            (Ok(account), false) => {
                prop_assert!(account.id.0 > self.players, "a new number");
                self.players = account.id.0;
                let expected = Account { id: account.id, name, secret: new.secret, created: 3, banned: None };
                prop_assert_eq!(&account, &expected);
                self.accounts.push(account);
            }
            (answer, taken) => prop_assert!(false, "taken: {}, but {:?}", taken, answer),
        }
        Ok(())
    }

    /// Everything that can be read is as it should be.
    async fn compare(&self, store: &dyn Store) -> Result<(), TestCaseError> {
        let mut rooms = self.rooms.clone();
        rooms.sort_by_key(|room| room.id);
        prop_assert_eq!(store.rooms().await.unwrap(), rooms);
        prop_assert_eq!(store.last_room().await.unwrap(), self.last_room);
        for account in &self.accounts {
            let found = store.account(account.id).await.unwrap();
            prop_assert_eq!(found.as_ref(), Some(account));
        }
        let mut set_aside = self.set_aside.clone();
        set_aside.sort();
        let census = store.check().await.unwrap();
        prop_assert_eq!(census.problems, Vec::<String>::new());
        prop_assert_eq!(
            (census.accounts, census.tokens, census.rooms, census.set_aside),
            (self.accounts.len() as u64, self.tokens.len() as u64, self.rooms.len() as u64, set_aside)
        );
        Ok(())
    }

    fn player(&self, index: usize) -> PlayerId {
        self.accounts.get(index).map_or(PlayerId(1_000_000), |account| account.id)
    }

    fn named(&self, name: &Name) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.folded() == name.folded())
    }

    fn change(&mut self, id: PlayerId, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.accounts.iter_mut().find(|account| account.id == id) else { return false };
        change(account);
        self.tokens.retain(|(_, token)| token.player != id);
        true
    }

    fn change_room(&mut self, change: RoomChange) {
        let id = change.room();
        self.last_room = self.last_room.max(id.0);
        self.rooms.retain(|room| room.id != id);
        match change {
            RoomChange::Saved(room) => self.rooms.push(room),
            RoomChange::Gone(_) => {}
            RoomChange::SetAside { why, .. } => {
                self.set_aside.retain(|&(other, _)| other != id);
                self.set_aside.push((id, why));
            }
        }
    }
}
