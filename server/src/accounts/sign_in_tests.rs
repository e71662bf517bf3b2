use super::{Accounts, Refused};
use crate::{
    accounts::{Cost, Policy, Pool},
    store::{Ban, MemoryStore, Store, unix_now},
};
use futures::future::join_all;
use malpan_protocol::{Name, Secret};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

const CHEAP: Cost = Cost { memory_kib: 64, iterations: 1 };
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn with(store: &Arc<MemoryStore>, cost: Cost, require_login: bool) -> Accounts {
    let policy = Policy { require_login, exempt: Arc::new(|_| false) };
    Accounts::new(policy, Arc::clone(store) as Arc<dyn Store>, Pool::on_the_spot(cost))
}

fn accounts() -> Accounts {
    with(&Arc::default(), CHEAP, false)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

#[tokio::test]
async fn a_registered_name_is_the_accounts_in_every_case_and_for_good() {
    let accounts = accounts();
    let ann = accounts.register(name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    for taken in [
        accounts.guest(name("aNN")).await,
        accounts.register(name("ANN"), secret("another one"), HOME, Instant::now()).await,
    ] {
        assert!(matches!(taken, Err(Refused::NameTaken(_))), "{taken:?}");
    }
    let number = ann.player();
    drop(ann);
    assert!(matches!(accounts.guest(name("ann")).await, Err(Refused::NameTaken(_))), "nobody is signed in to it");
    let account = accounts.verify(&name("aNn"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    let ann = accounts.enter(&account).unwrap();
    assert_eq!((ann.player(), ann.name().as_str()), (number, "Ann"));
}

#[tokio::test]
async fn a_guest_keeps_the_name_from_being_registered() {
    let accounts = accounts();
    let guest = accounts.guest(name("Ann")).await.unwrap();
    let taken = accounts.register(name("ann"), secret("correct horse"), HOME, Instant::now()).await;
    assert!(matches!(taken, Err(Refused::NameTaken(_))));
    drop(guest);
    assert!(accounts.register(name("ann"), secret("correct horse"), HOME, Instant::now()).await.is_ok());
}

#[tokio::test]
async fn of_many_who_register_a_name_at_once_one_gets_it() {
    let store = Arc::default();
    // Two servers with one store: each has names of its own.
    let servers = [with(&store, CHEAP, false), with(&store, CHEAP, false)];
    let all =
        (0..8).map(|index| servers[index % 2].register(name("Ann"), secret("correct horse"), HOME, Instant::now()));
    let made: Vec<_> = join_all(all).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(store.check().await.unwrap().accounts, 1);
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
    let accounts = accounts();
    accounts.register(name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    for who in ["Ann", "Nobody"] {
        let wrong = accounts.verify(&name(who), secret("wrong horse"), HOME, Instant::now()).await.unwrap_err();
        assert!(matches!(wrong, Refused::WrongCredentials), "{wrong:?}");
    }
    // What is verified for nobody costs what it does for everybody.
    let decoy = accounts.0.decoy.expose();
    let ann = accounts.0.store.account_named(&name("ann")).await.unwrap().unwrap();
    let cost = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cost(decoy), cost(ann.secret.expose()));
}

#[tokio::test]
async fn who_guesses_waits_and_the_owner_elsewhere_does_not() {
    let accounts = accounts();
    accounts.register(name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    let (away, now) = (IpAddr::from([203, 0, 113, 9]), Instant::now());
    for _ in 0..4 {
        let wrong = accounts.verify(&name("Ann"), secret("wrong horse"), away, now).await.unwrap_err();
        assert!(matches!(wrong, Refused::WrongCredentials));
    }
    let soon = accounts.verify(&name("Ann"), secret("correct horse"), away, now).await.unwrap_err();
    assert_eq!(soon.to_string(), "too many tries; wait for 1 s");
    assert!(accounts.verify(&name("Ann"), secret("correct horse"), HOME, now).await.is_ok());
    let later = now + Duration::from_secs(1);
    assert!(accounts.verify(&name("Ann"), secret("correct horse"), away, later).await.is_ok());
}

#[tokio::test]
async fn a_ban_is_told_to_whoever_knows_the_password_alone() {
    let (store, now) = (Arc::<MemoryStore>::default(), Instant::now());
    let accounts = with(&store, CHEAP, false);
    let ann = accounts.register(name("Ann"), secret("correct horse"), HOME, now).await.unwrap();
    let account = accounts.verify(&name("Ann"), secret("correct horse"), HOME, now).await.unwrap();
    store.set_ban(ann.player(), Some(Ban { reason: "cheated".into(), since: unix_now() })).await.unwrap();
    let told = accounts.verify(&name("Ann"), secret("correct horse"), HOME, now).await.unwrap_err();
    assert_eq!(told.to_string(), "this account is banned: cheated");
    let wrong = accounts.verify(&name("Ann"), secret("wrong horse"), HOME, now).await.unwrap_err();
    assert!(matches!(wrong, Refused::WrongCredentials));
    // And to whoever was on the way in.
    assert!(matches!(accounts.may_stay(&account).await, Err(Refused::Banned(_))));
}

#[tokio::test]
async fn a_password_that_was_changed_on_the_way_in_is_the_old_one() {
    let store = Arc::<MemoryStore>::default();
    let accounts = with(&store, CHEAP, false);
    accounts.register(name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    let account = accounts.verify(&name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    assert!(accounts.may_stay(&account).await.is_ok());
    store.set_secret(account.id, accounts.0.decoy.clone()).await.unwrap();
    assert!(matches!(accounts.may_stay(&account).await, Err(Refused::WrongCredentials)));
    store.delete_account(account.id).await.unwrap();
    assert!(matches!(accounts.may_stay(&account).await, Err(Refused::WrongCredentials)));
}

#[tokio::test]
async fn a_hash_that_became_too_cheap_is_made_anew_at_sign_in() {
    let store = Arc::default();
    with(&store, CHEAP, false).register(name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    let dearer = with(&store, Cost { memory_kib: 64, iterations: 2 }, false);
    for _ in 0..2 {
        let account = dearer.verify(&name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
        assert!(account.secret.expose().starts_with("$argon2id$v=19$m=64,t=2,p=1$"));
        assert!(dearer.may_stay(&account).await.is_ok());
    }
    // A cheaper one is no reason to weaken it.
    let account = with(&store, CHEAP, false).verify(&name("Ann"), secret("correct horse"), HOME, Instant::now()).await;
    assert!(account.unwrap().secret.expose().contains("t=2"));
}

#[tokio::test]
async fn where_sign_in_is_required_there_are_no_guests() {
    let refused = with(&Arc::default(), CHEAP, true).guest(name("Ann")).await.unwrap_err();
    assert!(matches!(refused, Refused::SignInRequired));
}

#[tokio::test]
async fn while_the_store_is_away_everybody_is_told_to_try_again_and_nothing_counts_as_a_failure() {
    let store = Arc::<MemoryStore>::default();
    let accounts = with(&store, CHEAP, false);
    accounts.register(name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    store.be_away(true);
    for _ in 0..20 {
        let login = accounts.verify(&name("Ann"), secret("correct horse"), HOME, Instant::now()).await.map(drop);
        for refused in [login, accounts.guest(name("Bob")).await.map(drop)] {
            assert!(matches!(refused, Err(Refused::StoreAway)), "{refused:?}");
        }
    }
    store.be_away(false);
    accounts.verify(&name("Ann"), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    accounts.guest(name("Bob")).await.unwrap();
}

/// With threads that hash, as in production: both have looked up the cheap hash when the first makes it anew.
#[tokio::test]
async fn two_who_sign_in_while_a_hash_is_made_anew_are_both_right() {
    let (store, ann) = (Arc::default(), name("Ann"));
    with(&store, CHEAP, false).register(ann.clone(), secret("correct horse"), HOME, Instant::now()).await.unwrap();
    let policy = Policy { require_login: false, exempt: Arc::new(|_| false) };
    let pool = Pool::start(Cost { iterations: 2, ..CHEAP }).unwrap();
    let dearer = Accounts::new(policy, Arc::clone(&store) as Arc<dyn Store>, pool);
    let sign_in = || dearer.verify(&ann, secret("correct horse"), HOME, Instant::now());
    let before = store.account_named(&ann).await.unwrap().unwrap();
    for account in join_all([sign_in(), sign_in(), sign_in()]).await {
        let account = account.unwrap();
        assert_ne!(account.secret, before.secret);
        assert!(dearer.may_stay(&account).await.is_ok());
    }
}
