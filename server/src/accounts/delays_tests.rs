use super::{ATTACK, Delays, LONGEST, MOST_GOOD, SECOND, Table, Try};
use crate::accounts::{Origin, policy::Caller};
use proptest::{collection::vec, prelude::*};
use std::time::{Duration, Instant};

fn caller(last: u16) -> Caller {
    let [high, low] = last.to_be_bytes();
    Caller { origin: Origin::of([198, 51, high, low].into()), exempt: false }
}

/// Begins a try and leaves it a failure.
fn fail(delays: &mut Delays, account: &str, from: u16, now: Instant) -> Result<Try, Duration> {
    delays.begin(account.into(), caller(from), now)
}

/// Tries as soon as it may, and fails each time; the times that it had to wait.
fn waits(delays: &mut Delays, account: &str, from: u16, tries: usize, now: &mut Instant) -> Vec<Duration> {
    (0..tries)
        .map(|_| match fail(delays, account, from, *now) {
            Ok(_) => Duration::ZERO,
            Err(wait) => {
                *now += wait;
                fail(delays, account, from, *now).expect("it has waited as long as it was told");
                wait
            }
        })
        .collect()
}

#[test]
fn three_are_free_and_then_the_wait_doubles_up_to_a_minute() {
    let (mut delays, mut now) = (Delays::default(), Instant::now());
    let waited = waits(&mut delays, "ann", 1, 12, &mut now).iter().map(Duration::as_secs).collect::<Vec<_>>();
    assert_eq!(waited, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn a_right_password_clears_its_own_account_and_address() {
    let (mut delays, mut now) = (Delays::default(), Instant::now());
    waits(&mut delays, "ann", 1, 5, &mut now);
    now += LONGEST;
    let right = fail(&mut delays, "ann", 1, now).unwrap();
    delays.succeeded(right);
    let waited = waits(&mut delays, "ann", 1, 4, &mut now);
    assert!(waited.iter().all(Duration::is_zero), "{waited:?}");
}

#[test]
fn failures_are_forgiven_with_time() {
    let (mut delays, mut now) = (Delays::default(), Instant::now());
    waits(&mut delays, "ann", 1, 5, &mut now);
    now += Duration::from_secs(50 * 60);
    let waited = waits(&mut delays, "ann", 1, 4, &mut now);
    assert!(waited.iter().all(Duration::is_zero), "{waited:?}");
}

#[test]
fn one_address_cannot_try_many_names() {
    let (mut delays, now) = (Delays::default(), Instant::now());
    let looked_at = (0..1000).filter(|name| fail(&mut delays, &format!("name {name}"), 1, now).is_ok()).count();
    assert_eq!(looked_at, 21);
    assert!(fail(&mut delays, "name 0", 2, now).is_ok(), "another address");
}

/// A thousand at once are a thousand: each counts before it is known to have failed.
#[test]
fn tries_at_once_count_as_they_begin() {
    let (mut delays, now) = (Delays::default(), Instant::now());
    let tries: Vec<_> = (0..1000).filter_map(|_| fail(&mut delays, "ann", 1, now).ok()).collect();
    assert_eq!(tries.len(), 4);
    tries.into_iter().for_each(|unlooked| delays.undecided(unlooked));
    assert!(fail(&mut delays, "ann", 1, now).is_ok(), "what was not looked at is taken back");
}

#[test]
fn one_attacker_does_not_put_an_account_under_attack() {
    let (mut delays, mut now) = (Delays::default(), Instant::now());
    for _ in 0..500 {
        waits(&mut delays, "ann", 1, 1, &mut now);
        assert!(delays.of_accounts.count(&"ann".to_owned(), now) <= ATTACK);
    }
}

#[test]
fn under_attack_the_owner_is_looked_at_and_others_have_one_try() {
    let (mut delays, now) = (Delays::default(), Instant::now());
    for address in 100..2000 {
        let _ = fail(&mut delays, "ann", address, now);
    }
    let owner = fail(&mut delays, "ann", 1, now).unwrap();
    delays.succeeded(owner);
    assert!(fail(&mut delays, "ann", 2, now).is_ok() && fail(&mut delays, "ann", 2, now).is_ok());
    assert!(fail(&mut delays, "ann", 2, now).is_err());
}

/// Behind the same address as someone who tries many names.
#[test]
fn an_owner_waits_for_no_others_where_they_have_signed_in_before() {
    let (mut delays, now) = (Delays::default(), Instant::now());
    let owner = fail(&mut delays, "ann", 1, now).unwrap();
    delays.succeeded(owner);
    (0..100).for_each(|name| drop(fail(&mut delays, &format!("name {name}"), 1, now)));
    assert!(fail(&mut delays, "bob", 1, now).is_err());
    assert!(fail(&mut delays, "ann", 1, now).is_ok());
}

#[test]
fn new_names_and_addresses_push_out_each_other_and_not_what_was_tried_often() {
    let (mut delays, mut now) = (Delays::with_most(64), Instant::now());
    waits(&mut delays, "ann", 1, 8, &mut now);
    for address in 2..1000 {
        let _ = fail(&mut delays, &format!("name {address}"), address, now);
    }
    assert!(delays.at_accounts.entries.len() <= 64 && delays.of_addresses.entries.len() <= 64);
    assert!(fail(&mut delays, "ann", 1, now).is_err(), "it has to wait still");
}

#[test]
fn where_right_passwords_came_from_is_bounded_too() {
    let (mut delays, now) = (Delays::with_most(10), Instant::now());
    for address in 0..100 {
        let account = if address < 50 { "ann".to_owned() } else { format!("name {address}") };
        let right = fail(&mut delays, &account, address, now).unwrap();
        delays.succeeded(right);
    }
    assert!(delays.good.len() <= 10 && delays.good.values().all(|good| good.len() <= MOST_GOOD));
}

#[test]
fn registrations_of_one_address_are_slowed_down() {
    let (mut delays, now) = (Delays::default(), Instant::now());
    assert_eq!((0..100).filter(|_| delays.register(caller(1), now).is_ok()).count(), 11);
    let exempt = Caller { exempt: true, ..caller(1) };
    assert!((0..100).all(|_| delays.register(exempt, now).is_ok()));
    assert!(delays.register(caller(2), now).is_ok());
}

#[derive(Debug, Clone)]
struct Event {
    account: u8,
    address: u16,
    after_ms: u64,
    right: bool,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..6_u8, 2..40_u16, 0..5000_u64, any::<bool>());
    vec(event.prop_map(|(account, address, after_ms, right)| Event { account, address, after_ms, right }), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Whatever others do, from however many addresses and with however small tables.
    #[test]
    fn the_first_try_from_an_address_that_has_not_failed_is_looked_at(events in events(), most in 4..100_usize) {
        let (mut delays, mut now) = (Delays::with_most(most), Instant::now());
        for Event { account, address, after_ms, right } in events {
            now += Duration::from_millis(after_ms);
            if let Ok(attempt) = fail(&mut delays, &account.to_string(), address, now) && right {
                delays.succeeded(attempt);
            }
            let owner = fail(&mut delays, "0", 1, now);
            prop_assert!(owner.is_ok());
            delays.succeeded(owner.unwrap());
        }
    }

    /// No wait is longer than the longest, and whoever waits it out is looked at.
    #[test]
    fn a_wait_is_bounded_and_true(events in events()) {
        let (mut delays, mut now) = (Delays::default(), Instant::now());
        for Event { account, address, after_ms, .. } in events {
            now += Duration::from_millis(after_ms);
            if let Err(wait) = fail(&mut delays, &account.to_string(), address, now) {
                prop_assert!(wait <= LONGEST);
                now += wait;
                prop_assert!(fail(&mut delays, &account.to_string(), address, now).is_ok());
            }
        }
    }

    #[test]
    fn a_table_is_bounded_and_counts_no_more_than_there_were(keys in vec(0..50_u8, 0..500), most in 4..40_usize) {
        let (mut table, now) = (Table::new(most, SECOND), Instant::now());
        for (index, key) in keys.iter().enumerate() {
            table.add(*key, now);
            prop_assert!(table.entries.len() <= most);
            let were = keys[..=index].iter().filter(|other| *other == key).count();
            let counted = usize::try_from(table.count(key, now)).unwrap();
            prop_assert!((1..=were).contains(&counted));
        }
    }
}
