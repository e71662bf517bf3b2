//! The room against a simple model, over random actions.

use malpan_e2e::room_model::{Action, CLIENTS, play};
use malpan_protocol::Direction;
use proptest::prelude::*;

fn action() -> impl Strategy<Value = Action> {
    let who = || 0..CLIENTS;
    let direction = prop::sample::select(&Direction::ALL[..]);
    prop_oneof![
        3 => who().prop_map(Action::JoinAny),
        1 => (who(), who()).prop_map(|(who, whose)| Action::JoinRoomOf(who, whose)),
        1 => (who(), who()).prop_map(|(who, whose)| Action::WatchRoomOf(who, whose)),
        1 => who().prop_map(Action::Leave),
        12 => (who(), direction).prop_map(|(who, direction)| Action::Step(who, direction)),
        1 => who().prop_map(Action::Chat),
        1 => who().prop_map(Action::Signal),
        1 => who().prop_map(Action::Vanish),
        2 => who().prop_map(Action::Lose),
        3 => who().prop_map(Action::Return),
        1 => who().prop_map(Action::Emote),
        1 => who().prop_map(Action::Create),
        1 => (who(), who()).prop_map(|(who, whose)| Action::Remove(who, whose)),
        1 => (who(), who()).prop_map(|(who, whose)| Action::HandOver(who, whose)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rooms_are_as_the_model(actions in prop::collection::vec(action(), 0..80)) {
        play(&actions);
    }
}
