//! What `endure` sends is hostile, and the server answers it as the documents say: each attack of each category.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_e2e::{
    PATIENCE, TestServer,
    endure::hostile::{self, Category, End, Stage, Tally, catalogue},
    within,
};
use malpan_net::{Count, Shard};
use malpan_protocol::KickReason;
use std::{net::SocketAddr, time::Duration};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// A server with a room that can be watched, and who sits there.
async fn server() -> (TestServer, impl Sized) {
    let server = TestServer::start(|config| config.limits.hello_within = Duration::from_millis(1500)).unwrap();
    let host = within(server.player("host")).await.unwrap();
    (server, host)
}

fn address(server: &TestServer) -> SocketAddr {
    server.address().parse().unwrap()
}

/// Waits until nobody is there but the host.
async fn alone_again(server: &TestServer) {
    let sessions = || server.shards().iter().map(Shard::sessions).sum::<usize>();
    let counts = || (sessions(), server.admission().pending(), server.host().signed_in(), server.host().rooms());
    let alone = async {
        while counts() != (1, 0, 1, 1) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, alone).await.is_ok(), "still there: {:?}", counts());
    assert_eq!(server.counters().value(Count::Panics), 0);
}

#[tokio::test]
async fn every_attack_ends_as_documented() {
    let (server, _host) = server().await;
    let address = address(&server);
    // Rooms of others are attacked when there is but the host's: another attacker's would close meanwhile.
    let (of_others, own): (Vec<_>, Vec<_>) =
        catalogue().into_iter().partition(|attack| attack.stage == Stage::Watching);
    let mut attacks = JoinSet::new();
    for attack in own {
        attacks.spawn(async move { (hostile::attack(address, &attack).await, attack) });
    }
    let mut done = attacks.join_all().await;
    alone_again(&server).await;
    for attack in of_others {
        done.push((hostile::attack(address, &attack).await, attack));
    }
    let mut otherwise = Vec::new();
    for (outcome, attack) in done {
        let (all, after_sign_in) = (outcome.frames >= attack.frames, outcome.signed_in == attack.stage.is_signed_in());
        if !(outcome.expected && all && after_sign_in) {
            otherwise.push(format!("{:?}, {}: {outcome:?}", attack.category, attack.about));
        }
    }
    assert!(otherwise.is_empty(), "{otherwise:#?}");
    alone_again(&server).await;
}

/// An attack that the server let pass would be seen: each is cut for its own fault and by no limit that a healthy
/// client could meet, and none is without an end.
#[test]
fn no_attack_may_end_like_a_good_client() {
    for attack in catalogue() {
        assert!(!attack.ends.is_empty() && attack.frames > 0, "{attack:?}");
        for end in attack.ends {
            assert!(!matches!(end, End::Uncut | End::Unreached), "{attack:?}");
        }
    }
    for category in Category::ALL {
        let any = catalogue().iter().any(|attack| attack.category == category);
        assert_eq!(any, category != Category::Stopped, "{category:?}");
    }
    let watch = |attack: &&hostile::Attack| attack.stage == Stage::Watching;
    assert_eq!(catalogue().iter().filter(watch).count(), 2, "rooms of others are attacked, too");
}

#[tokio::test]
async fn strangers_and_clients_who_send_no_packets_count_as_malformed() {
    let (server, _host) = server().await;
    let mut expected = 0;
    let malformed = [Category::Lengths, Category::Payloads, Category::Greetings];
    for attack in catalogue().iter().filter(|attack| malformed.contains(&attack.category)) {
        hostile::attack(address(&server), attack).await;
        let judged_by_the_room = attack.about == "a step in a fifth direction";
        let only_claimed = attack.about == "claims 1,024 bytes and sends one";
        expected += u64::from(!judged_by_the_room && !only_claimed);
        assert_eq!(server.counters().value(Count::Malformed), expected, "{attack:?}");
    }
}

#[tokio::test]
async fn ten_who_do_not_read_are_cut_as_slow_consumers() {
    let (server, _host) = server().await;
    let outcomes = hostile::room_of_stopped_readers(address(&server)).await;
    assert_eq!(outcomes.len() as u64, hostile::MEMBERS);
    for outcome in &outcomes {
        assert!(outcome.expected && outcome.signed_in && outcome.frames > 10, "{outcomes:?}");
        assert!(matches!(outcome.end, End::Cut | End::Kicked(KickReason::SlowConsumer)));
    }
    alone_again(&server).await;
    assert_eq!(server.counters().value(Count::SlowConsumers), hostile::MEMBERS);
}

#[tokio::test]
async fn the_crew_sends_what_it_was_ordered_in_every_category() {
    let (server, _host) = server().await;
    let order = hostile::Order { frames_each: 120, rate: 5_000.0 };
    let tally: Tally = hostile::send(address(&server), order, &CancellationToken::new()).await;
    for category in Category::ALL {
        let sent = tally.of(category);
        assert!(sent.frames >= 120 && sent.connections > 0, "{category:?}: {sent:?}");
    }
    assert!(tally.signed_in() * 2 >= tally.frames(), "{tally:?}");
    assert_eq!(tally.unexpected(), []);
    alone_again(&server).await;
}

#[tokio::test]
async fn a_crew_that_is_told_to_stop_stops() {
    let (server, _host) = server().await;
    let stop = CancellationToken::new();
    let order = hostile::Order { frames_each: u64::MAX, rate: 200.0 };
    let (address, stopped) = (address(&server), stop.clone());
    let sending = async move { hostile::send(address, order, &stopped).await };
    let (tally, ()) = tokio::join!(sending, async {
        sleep(Duration::from_millis(500)).await;
        stop.cancel();
    });
    assert!(tally.frames() > 0);
    alone_again(&server).await;
}
