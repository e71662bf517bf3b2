//! What holds for what games say, whatever packet it stands in. The seed is fixed; see `properties.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod shared;

use malpan_protocol::{
    Direction, GameName, StateBytes, UpdateBytes, WireError,
    game::{
        board::{self, Position},
        five,
    },
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    config, fit_to_be_logged,
    games::{board_state, five_command, five_state, five_update, outcome, phase, position, row},
    makes_every_kind,
    strategies::any_text,
};
use std::fmt::Debug;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_games_values_survive_the_round_trip(
        (board, five) in (board_state(), five_state()), (command, update) in (five_command(), five_update())
    ) {
        value_round_trip(&board)?;
        value_round_trip(&five)?;
        value_round_trip(&command)?;
        value_round_trip(&update)?;
    }

    #[test]
    fn a_row_of_updates_is_read_one_by_one(
        positions in vec(position(), 0..40), updates in vec(five_update(), 0..20), cut in any::<Index>()
    ) {
        row_round_trip(&positions, cut)?;
        row_round_trip(&updates, cut)?;
    }

    #[test]
    fn any_bytes_of_a_game_are_valid_or_a_typed_error(bytes in vec(any::<u8>(), 0..300)) {
        let bytes: StateBytes = row(bytes);
        judged_value::<Direction>(&bytes)?;
        judged_value::<board::Refusal>(&bytes)?;
        judged_value::<board::State>(&bytes)?;
        judged_value::<five::Command>(&bytes)?;
        judged_value::<five::Refusal>(&bytes)?;
        judged_value::<five::State>(&bytes)?;
        judged_row::<Position>(&bytes)?;
        judged_row::<five::Update>(&bytes)?;
    }

    #[test]
    fn any_text_is_a_games_name_or_refused(text in prop_oneof!["[a-z0-9-]{0,20}", any_text()]) {
        let valid = (1..=GameName::MAX_CHARS).contains(&text.chars().count()) && text.chars().all(may_name_a_game);
        match GameName::new(&text) {
            Ok(name) => prop_assert!(valid && name.as_str() == text),
            Err(_) => prop_assert!(!valid, "{text:?}"),
        }
        // The wire holds to the same rule.
        let bytes = UpdateBytes::of(&text).unwrap();
        prop_assert_eq!(bytes.decode::<GameName>().is_ok(), valid);
    }
}

#[test]
fn of_all_the_characters_of_a_byte_letters_digits_and_the_dash_name_a_game() {
    for c in '\0'..='\u{ff}' {
        assert_eq!(GameName::new(&c.to_string()).is_ok(), may_name_a_game(c), "{c:?}");
    }
}

#[test]
fn the_strategies_make_values_of_every_kind() {
    makes_every_kind(five_command());
    makes_every_kind(five_update());
    makes_every_kind(outcome());
    makes_every_kind(phase());
}

fn may_name_a_game(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-')
}

fn value_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    prop_assert_eq!(&StateBytes::of(value).unwrap().decode::<T>().unwrap(), value);
    Ok(())
}

/// A row is its values in order, and a part of one is the values that are whole, and then an error.
fn row_round_trip<T: Serialize + DeserializeOwned + Clone + PartialEq + Debug>(
    values: &[T],
    cut: Index,
) -> Result<(), TestCaseError> {
    let whole: UpdateBytes = row(values.to_vec());
    prop_assert_eq!(&whole.values().collect::<Result<Vec<T>, _>>().unwrap()[..], values);
    if whole.is_empty() {
        return Ok(());
    }
    let part: UpdateBytes = row(whole.as_bytes()[..cut.index(whole.len())].to_vec());
    let mut read = Vec::new();
    for value in part.values() {
        match value {
            Ok(value) => read.push(value),
            Err(error) => prop_assert!(matches!(error, WireError::Invalid(_)), "{error}"),
        }
    }
    prop_assert!(read.len() < values.len() && values.starts_with(&read));
    let rest = part.len() - row::<_, 8192>(read).len();
    prop_assert_eq!(part.values::<T>().filter(Result::is_err).count(), usize::from(rest > 0));
    Ok(())
}

/// What is a value is itself again when it is encoded; what is none is an error fit to be logged.
fn judged_value<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &StateBytes) -> Result<(), TestCaseError> {
    match bytes.decode::<T>() {
        Ok(value) => value_round_trip(&value),
        Err(error) => fit_to_be_logged(&error.to_string()),
    }
}

fn judged_row<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &StateBytes) -> Result<(), TestCaseError> {
    for value in bytes.values::<T>() {
        match value {
            Ok(value) => value_round_trip(&value)?,
            Err(error) => fit_to_be_logged(&error.to_string())?,
        }
    }
    Ok(())
}
