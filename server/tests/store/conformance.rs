//! What every store promises, scene by scene. Each scene gets an empty store.

use crate::samples::{HOUR, hash, name, new_account, room, secret, token};
use bytes::Bytes;
use malpan_protocol::{PlayerId, RoomId};
use malpan_server::store::{
    Account, Ban, CreateError, NewAccount, RoomChange, SavedRoom, Store, TokenRecord, unix_now,
};
use std::{collections::BTreeSet, future::Future, sync::Arc};
use tokio::task::JoinSet;

/// Makes a test of every scene, and of the model, against the stores that `$fresh` opens.
macro_rules! conformance_tests {
    ($fresh:path, cases = $cases:expr $(, $ignore:meta)?) => {
        conformance_tests! { @scenes $fresh, [$($ignore)?]
            names_are_unique_as_they_fold
            of_many_at_once_one_gets_the_name
            a_player_number_is_given_once
            an_account_is_what_was_last_made_of_it
            whatever_changes_an_account_revokes_its_tokens
            a_deleted_account_leaves_its_name_and_not_its_number
            accounts_are_listed_page_by_page_in_the_order_of_their_names
            tokens_are_worth_something_until_they_expire_or_are_revoked
            no_token_is_kept_of_an_account_that_is_banned_or_not_there
            many_tokens_that_expire_do_not_stay
            rooms_are_what_was_last_saved_of_them
            a_room_that_was_set_aside_is_not_loaded_again
            no_room_number_is_forgotten
            whatever_a_record_may_hold_comes_back
        }

        #[test]
        $(#[$ignore])?
        fn random_operations_agree_with_the_model() {
            crate::model::agrees($cases, $fresh);
        }
    };
    (@scenes $fresh:path, $ignore:tt $($scene:ident)+) => {
        $(conformance_tests! { @scene $fresh, $ignore $scene })+
    };
    (@scene $fresh:path, [$($ignore:meta)?] $scene:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$ignore])?
        async fn $scene() {
            let fresh = $fresh().await;
            crate::conformance::$scene(fresh.store.clone()).await;
        }
    };
}

type Shared = Arc<dyn Store>;

async fn create(store: &Shared, text: &str) -> Account {
    store.create_account(new_account(text)).await.unwrap()
}

/// Starts `work` so many times at once and waits for all.
async fn at_once<T, W>(times: u32, work: impl Fn(u32) -> W) -> Vec<T>
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for index in 0..times {
        tasks.spawn(work(index));
    }
    tasks.join_all().await
}

pub(crate) async fn names_are_unique_as_they_fold(store: Shared) {
    let ann = create(&store, "Ann").await;
    for same in ["Ann", "aNN", "A\u{200D}nn"] {
        let answer = store.create_account(new_account(same)).await;
        assert!(matches!(&answer, Err(CreateError::NameTaken(taken)) if *taken == name(same)), "{answer:?}");
        assert_eq!(store.account_named(&name(same)).await.unwrap(), Some(ann.clone()), "{same}");
    }
    assert_eq!(store.account_named(&name("Anna")).await.unwrap(), None);
    assert_ne!(create(&store, "Anna").await.id, ann.id);
}

pub(crate) async fn of_many_at_once_one_gets_the_name(store: Shared) {
    for round in 0..16 {
        let (ours, text) = (store.clone(), format!("Ann{round}"));
        let answers = at_once(8, move |_| {
            let (store, text) = (ours.clone(), text.clone());
            async move { store.create_account(new_account(&text)).await }
        })
        .await;
        let taken = answers.iter().filter(|answer| matches!(answer, Err(CreateError::NameTaken(_)))).count();
        assert_eq!((taken, answers.iter().flatten().count()), (7, 1), "{answers:?}");
        let winner = answers.into_iter().flatten().next();
        assert_eq!(store.account_named(&name(&format!("aNN{round}"))).await.unwrap(), winner);
    }
    assert_eq!(store.accounts(None, 100).await.unwrap().len(), 16);
}

pub(crate) async fn a_player_number_is_given_once(store: Shared) {
    let ours = store.clone();
    let numbers = at_once(24, move |index| {
        let store = ours.clone();
        async move {
            if index % 2 == 0 {
                let given = store.reserve_players(index).await.unwrap();
                assert_eq!(given.end - given.start, u64::from(index));
                return given.collect();
            }
            vec![create(&store, &format!("player {index}")).await.id.0]
        }
    })
    .await;
    let numbers: Vec<_> = numbers.into_iter().flatten().collect();
    let different: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!(different.len(), numbers.len(), "{numbers:?}");
    assert!(!different.contains(&0), "numbers are counted from 1");
}

pub(crate) async fn an_account_is_what_was_last_made_of_it(store: Shared) {
    let mut ann = create(&store, "Ann").await;
    assert_eq!((&ann.secret, ann.created, &ann.banned), (&secret("Ann"), 1_700_000_000, &None));
    let bob = create(&store, "Bob").await;
    ann.secret = secret("another");
    assert!(store.set_secret(ann.id, ann.secret.clone()).await.unwrap());
    ann.banned = Some(Ban { reason: "for \"flooding\"\n".into(), since: 5 });
    assert!(store.set_ban(ann.id, ann.banned.clone()).await.unwrap());
    assert_eq!(store.account(ann.id).await.unwrap(), Some(ann.clone()));
    assert_eq!(store.account_named(&ann.name).await.unwrap(), Some(ann.clone()));
    ann.banned = None;
    assert!(store.set_ban(ann.id, None).await.unwrap());
    assert_eq!(store.accounts(None, 10).await.unwrap(), [ann, bob.clone()], "nobody else is changed");

    let nobody = PlayerId(bob.id.0 + 1000);
    assert_eq!(store.account(nobody).await.unwrap(), None);
    assert!(!store.set_secret(nobody, secret("x")).await.unwrap());
    assert!(!store.set_ban(nobody, None).await.unwrap());
    assert!(!store.delete_account(nobody).await.unwrap());
}

pub(crate) async fn whatever_changes_an_account_revokes_its_tokens(store: Shared) {
    let (ann, bob) = (create(&store, "Ann").await.id, create(&store, "Bob").await.id);
    store.put_token(hash(9), token(bob)).await.unwrap();
    for change in 0..4 {
        store.put_token(hash(1), token(ann)).await.unwrap();
        store.put_token(hash(2), token(ann)).await.unwrap();
        match change {
            0 => assert!(store.set_secret(ann, secret("new")).await.unwrap()),
            1 => assert!(store.set_ban(ann, Some(Ban { reason: String::new(), since: 0 })).await.unwrap()),
            2 => store.revoke_tokens(ann).await.unwrap(),
            _ => assert!(store.delete_account(ann).await.unwrap()),
        }
        assert_eq!(store.token(hash(1)).await.unwrap(), None, "change {change}");
        assert_eq!(store.token(hash(2)).await.unwrap(), None, "change {change}");
        assert!(store.token(hash(9)).await.unwrap().is_some(), "another's is not touched");
    }
    store.revoke_tokens(PlayerId(1_000_000)).await.unwrap();
}

pub(crate) async fn a_deleted_account_leaves_its_name_and_not_its_number(store: Shared) {
    let first = create(&store, "Ann").await.id;
    assert!(store.delete_account(first).await.unwrap());
    assert!(!store.delete_account(first).await.unwrap());
    assert_eq!(store.account(first).await.unwrap(), None);
    assert_eq!(store.account_named(&name("Ann")).await.unwrap(), None);
    assert_eq!(store.accounts(None, 10).await.unwrap(), []);
    let second = create(&store, "ANN").await;
    assert_ne!(second.id, first);
    assert_eq!(store.account(first).await.unwrap(), None, "the old number is nobody's");
}

pub(crate) async fn accounts_are_listed_page_by_page_in_the_order_of_their_names(store: Shared) {
    for text in ["bob", "Ann", "Ådne", "zoe", "Bo", "ANNA", "\u{1F600}", "가나", "B o"] {
        create(&store, text).await;
    }
    let all = store.accounts(None, 100).await.unwrap();
    let folded: Vec<_> = all.iter().map(|account| account.name.folded()).collect();
    assert_eq!(folded.len(), 9);
    assert!(folded.is_sorted(), "{folded:?}");
    for limit in [1, 2, 4, 9, 10] {
        let (mut pages, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = store.accounts(after.as_deref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.name.folded());
            pages.extend(page);
        }
        assert_eq!(pages, all, "in pages of {limit}");
    }
    let behind = store.accounts(Some("bn"), 1).await.unwrap();
    assert_eq!(behind[0].name, name("Bo"), "the cursor need not be an account's name");
    assert_eq!(store.accounts(None, 0).await.unwrap(), []);
}

pub(crate) async fn tokens_are_worth_something_until_they_expire_or_are_revoked(store: Shared) {
    let guest = TokenRecord { is_guest: true, name: name("a guest"), ..token(PlayerId(77)) };
    store.put_token(hash(1), guest.clone()).await.unwrap();
    assert_eq!(store.token(hash(1)).await.unwrap(), Some(guest.clone()));
    assert_eq!(store.token(hash(2)).await.unwrap(), None);
    assert!(!store.revoke_token(hash(2)).await.unwrap());

    store.put_token(hash(1), token(PlayerId(78))).await.unwrap();
    store.revoke_tokens(guest.player).await.unwrap();
    let kept = store.token(hash(1)).await.unwrap().unwrap();
    assert_eq!(kept.player, PlayerId(78), "what was replaced is not revoked by its former owner");
    assert!(store.revoke_token(hash(1)).await.unwrap());
    assert!(!store.revoke_token(hash(1)).await.unwrap());
    assert_eq!(store.token(hash(1)).await.unwrap(), None);

    for expires in [0, 1, unix_now() - 1] {
        store.put_token(hash(3), TokenRecord { expires, ..guest.clone() }).await.unwrap();
        assert_eq!(store.token(hash(3)).await.unwrap(), None, "it has expired");
        assert!(!store.revoke_token(hash(3)).await.unwrap());
    }
    store.put_token(hash(3), guest.clone()).await.unwrap();
    store.put_token(hash(3), TokenRecord { expires: 1, ..guest }).await.unwrap();
    assert_eq!(store.token(hash(3)).await.unwrap(), None, "it was replaced by one that has expired");
}

/// A server gives its players tokens a little before the store has them; the account may be changed through another meanwhile.
pub(crate) async fn no_token_is_kept_of_an_account_that_is_banned_or_not_there(store: Shared) {
    let (ann, bob) = (create(&store, "Ann").await.id, create(&store, "Bob \"banned\"").await.id);
    let of = |player| TokenRecord { is_guest: false, ..token(player) };
    store.put_token(hash(9), of(bob)).await.unwrap();
    for (change, is_kept) in [(0, true), (1, false), (2, true), (3, false)] {
        match change {
            0 => {}
            1 => assert!(store.set_ban(ann, Some(Ban { reason: String::new(), since: 0 })).await.unwrap()),
            2 => assert!(store.set_ban(ann, None).await.unwrap()),
            _ => assert!(store.delete_account(ann).await.unwrap()),
        }
        store.put_token(hash(1), of(ann)).await.unwrap();
        assert_eq!(store.token(hash(1)).await.unwrap().is_some(), is_kept, "change {change}");
    }
    store.put_token(hash(9), of(PlayerId(1_000_000))).await.unwrap();
    assert_eq!(store.token(hash(9)).await.unwrap(), None, "it is not the former owner's any more");
    store.put_token(hash(1), token(ann)).await.unwrap();
    assert!(store.token(hash(1)).await.unwrap().is_some(), "guests have no account");
}

pub(crate) async fn many_tokens_that_expire_do_not_stay(store: Shared) {
    for number in 0..200 {
        let expires = if number % 2 == 0 { 1 } else { unix_now() + HOUR };
        let player = PlayerId(u64::from(number) % 3);
        store.put_token(hash(number), TokenRecord { expires, ..token(player) }).await.unwrap();
    }
    let census = store.check().await.unwrap();
    assert_eq!((census.tokens, census.problems), (100, Vec::new()));
    for player in 0..3 {
        store.revoke_tokens(PlayerId(player)).await.unwrap();
    }
    assert_eq!(store.check().await.unwrap().tokens, 0);
}

pub(crate) async fn rooms_are_what_was_last_saved_of_them(store: Shared) {
    assert_eq!(store.rooms().await.unwrap(), []);
    store.save_rooms(Vec::new()).await.unwrap();
    let saved = |room: &SavedRoom| RoomChange::Saved(room.clone());
    let (one, two, eleven) = (room(1, b"one"), room(2, b""), room(11, b"\0\xFF"));
    store.save_rooms(vec![saved(&eleven), saved(&one), saved(&two)]).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [one.clone(), two.clone(), eleven.clone()]);

    let later = SavedRoom { incarnation: 9, ..room(1, b"later") };
    store.save_rooms(vec![RoomChange::Gone(RoomId(2)), saved(&later), RoomChange::Gone(RoomId(7))]).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [later.clone(), eleven.clone()]);
    // In their order: the last one counts.
    let changes = vec![RoomChange::Gone(later.id), saved(&one), saved(&two), RoomChange::Gone(RoomId(2))];
    store.save_rooms(changes).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [one, eleven]);
}

pub(crate) async fn a_room_that_was_set_aside_is_not_loaded_again(store: Shared) {
    let set_aside = |id, why: &str| RoomChange::SetAside { id: RoomId(id), why: why.into() };
    store.save_rooms(vec![RoomChange::Saved(room(1, b"one")), RoomChange::Saved(room(2, b"two"))]).await.unwrap();
    store.save_rooms(vec![set_aside(2, "it panicked: \"no\""), set_aside(40, "never saved")]).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [room(1, b"one")]);
    let census = store.check().await.unwrap();
    let expected = [(RoomId(2), "it panicked: \"no\"".to_owned()), (RoomId(40), "never saved".to_owned())];
    assert_eq!((census.rooms, census.set_aside, census.problems), (1, expected.into(), Vec::new()));
}

pub(crate) async fn no_room_number_is_forgotten(store: Shared) {
    assert_eq!(store.last_room().await.unwrap(), 0);
    store.save_rooms(vec![RoomChange::Saved(room(7, b"")), RoomChange::Saved(room(3, b""))]).await.unwrap();
    assert_eq!(store.last_room().await.unwrap(), 7);
    store.save_rooms(vec![RoomChange::Gone(RoomId(7)), RoomChange::Gone(RoomId(3))]).await.unwrap();
    assert_eq!((store.last_room().await.unwrap(), store.rooms().await.unwrap().len()), (7, 0));
    store.save_rooms(vec![RoomChange::SetAside { id: RoomId(u32::MAX), why: String::new() }]).await.unwrap();
    assert_eq!(store.last_room().await.unwrap(), u32::MAX);
}

pub(crate) async fn whatever_a_record_may_hold_comes_back(store: Shared) {
    let quoted = NewAccount { created: u64::MAX, ..new_account("\"\\' {}/:*%\u{301}") };
    let mut account = store.create_account(quoted).await.unwrap();
    account.banned = Some(Ban { reason: "long \u{0} \u{1F600} ".repeat(1000), since: u64::MAX });
    assert!(store.set_ban(account.id, account.banned.clone()).await.unwrap());
    assert_eq!(store.account_named(&account.name).await.unwrap(), Some(account.clone()));
    assert_eq!(store.accounts(None, 1).await.unwrap(), [account]);

    let far = TokenRecord { player: PlayerId(u64::MAX), name: name("\\\"%s"), is_guest: true, expires: u64::MAX };
    store.put_token(hash(0), far.clone()).await.unwrap();
    store.put_token(hash(255), TokenRecord { player: PlayerId(0), ..far.clone() }).await.unwrap();
    assert_eq!(store.token(hash(0)).await.unwrap(), Some(far));

    let large = Bytes::from((0..=255).cycle().step_by(7).take(1_000_000).collect::<Vec<u8>>());
    let room = SavedRoom { id: RoomId(u32::MAX), incarnation: u32::MAX, record: large };
    store.save_rooms(vec![RoomChange::Saved(room.clone())]).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [room]);
    assert!(store.is_well());
}
