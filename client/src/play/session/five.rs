//! What happened in five in a row, told in names.

use malpan_client::{
    Room,
    protocol::{
        Cell, Name, Seat, UpdateBytes,
        game::five::{self, Outcome, State, Update, Victory},
    },
};

/// Something that happened in five in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FiveNews {
    /// A new game; also told to who comes while one is on.
    Began {
        /// Who has the black stones.
        black: Name,
        /// Who has the white ones.
        white: Name,
    },
    /// A stone was put down.
    Placed {
        /// By whom.
        name: Name,
        /// Where.
        cell: Cell,
    },
    /// After the others: who puts the next stone.
    Turn {
        /// Who.
        name: Name,
    },
    /// The game is over.
    Over {
        /// Who won, and by what; `None` for a draw.
        winner: Option<(Name, Victory)>,
    },
    /// Someone wants to play again.
    RematchAsked {
        /// Who.
        name: Name,
    },
}

/// What `updates` did, which the room has taken in already.
pub(super) fn told(room: &Room<State>, updates: &UpdateBytes) -> Vec<FiveNews> {
    let name = |seat: Seat| room.name(seat).cloned();
    // It has read them: there are no errors among them.
    let mut news: Vec<FiveNews> = updates
        .values::<Update>()
        .flatten()
        .filter_map(|update| {
            Some(match update {
                Update::Began { black } => FiveNews::Began { black: name(black)?, white: name(five::other(black))? },
                Update::Placed { seat, cell } => FiveNews::Placed { name: name(seat)?, cell },
                Update::Over(Outcome::Won { seat, by }) => FiveNews::Over { winner: Some((name(seat)?, by)) },
                Update::Over(Outcome::Draw) => FiveNews::Over { winner: None },
                Update::RematchAsked { seat } => FiveNews::RematchAsked { name: name(seat)? },
            })
        })
        .collect();
    if news.iter().any(|news| matches!(news, FiveNews::Began { .. } | FiveNews::Placed { .. })) {
        news.extend(turn(room));
    }
    news
}

/// The game that is on, for who has just come.
pub(super) fn as_it_stands(room: &Room<State>) -> Vec<FiveNews> {
    let state = room.view();
    let name = |seat: Seat| room.name(seat).cloned();
    let (Some(turn), Some(black), Some(white)) = (turn(room), name(state.black), name(five::other(state.black))) else {
        return vec![];
    };
    vec![FiveNews::Began { black, white }, turn]
}

fn turn(room: &Room<State>) -> Option<FiveNews> {
    let name = room.name(room.view().to_move()?)?.clone();
    Some(FiveNews::Turn { name })
}
