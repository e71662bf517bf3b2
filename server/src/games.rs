//! The games of a server: what can be opened under which name. A game of your own is added here:
//!
//! ```
//! use malpan_game::FiveInARow;
//! use malpan_server::{Games, Host, config::Config};
//!
//! let config = Config::default();
//! // The board of the configuration is the default game; this server has five in a row beside it, and nothing else.
//! let games = Games::board(&config.game).with(2, |_| FiveInARow::new());
//! let host = Host::with_games(config, games);
//! ```

use crate::{
    config::GameConfig,
    room::{self, Inbox, Opening},
};
use malpan_game::{Board, FiveInARow, Game};
use malpan_protocol::{BoardSize, GameName, SeatCount};
use std::{fmt, sync::Arc};

/// What a new room's rules may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRoom {
    /// Seats of the room.
    pub seats: SeatCount,
    /// The size of board that was asked for; `None` where none was. See [`Games::sized`].
    pub board: Option<BoardSize>,
    /// For rules that need chance: another for each room. Rules that take no chance but from here can be replayed.
    pub seed: u64,
}

/// The games that a server plays. Cheap to clone.
#[derive(Clone)]
pub struct Games(Vec<Entry>);

/// One of them.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: GameName,
    /// The most seats of a room.
    pub(crate) seats: SeatCount,
    pub(crate) watchable: bool,
    /// The largest board that may be asked for; `None` where there is none to choose.
    largest: Option<BoardSize>,
    open: Arc<dyn Fn(Opening) -> Inbox + Send + Sync>,
}

impl Games {
    /// The games that come with Malpan: the shared board, and five in a row.
    ///
    /// # Panics
    /// As [`Games::board`].
    #[must_use]
    pub fn standard(config: &GameConfig) -> Self {
        Self::board(config).with(2, |_| FiveInARow::new())
    }

    /// The shared board alone.
    ///
    /// # Panics
    /// Never with a configuration that was checked.
    #[must_use]
    pub fn board(config: &GameConfig) -> Self {
        let (size, seats) = (config.board, config.seats);
        Self(Vec::new())
            .with(u8::try_from(seats.count()).expect("at most 10"), move |room| {
                let size = room.board.unwrap_or(size);
                // A room of an earlier life may have more seats than the configured board has cells by now: then any board does, for
                // the size that it had comes with its pieces.
                let fits = size.cells() >= room.seats.count();
                Board::new(if fits { size } else { BoardSize::LARGEST }, room.seats)
            })
            .sized(config.board_max)
    }

    /// No game but this one, which is the default.
    ///
    /// # Panics
    /// As [`Games::with`].
    #[must_use]
    pub fn only<G: Game>(seats: u8, new: impl Fn(NewRoom) -> G + Send + Sync + 'static) -> Self {
        Self(Vec::new()).with(seats, new)
    }

    /// Adds a game whose rooms have up to `seats` seats; `new` makes the rules of each. The first game that is added is the
    /// default: who joins any room joins one of it.
    ///
    /// # Panics
    /// Where `seats` is not 1 to 10, or a game of that name is there already.
    #[must_use]
    pub fn with<G: Game>(mut self, seats: u8, new: impl Fn(NewRoom) -> G + Send + Sync + 'static) -> Self {
        assert!(self.find(G::NAME).is_none(), "there is a game named {} already", G::NAME);
        let seats = SeatCount::new(seats).expect("a room has 1 to 10 seats");
        let new = Arc::new(new);
        let open = Arc::new(move |opening: Opening| {
            let (new, room) = (
                Arc::clone(&new),
                NewRoom { seats: opening.setup.seats, board: opening.setup.board, seed: opening.seed },
            );
            room::spawn(move || new(room), opening)
        });
        self.0.push(Entry { name: G::NAME, seats, watchable: G::WATCHABLE, largest: None, open });
        self
    }

    /// Lets whoever opens a room of the game that was added last choose the size of its board, up to `largest` each way. Its
    /// rules find it in [`NewRoom::board`].
    #[must_use]
    pub fn sized(mut self, largest: BoardSize) -> Self {
        if let Some(entry) = self.0.last_mut() {
            entry.largest = Some(largest);
        }
        self
    }

    /// The names of all games, the default first.
    pub fn names(&self) -> impl Iterator<Item = GameName> {
        self.0.iter().map(|entry| entry.name)
    }

    /// The game that is meant where none is named.
    pub(crate) fn default_game(&self) -> &Entry {
        &self.0[0]
    }

    pub(crate) fn find(&self, name: GameName) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.name == name)
    }
}

impl Entry {
    /// Whether a room of it may have a board of that size for so many.
    pub(crate) fn allows(&self, size: BoardSize, seats: SeatCount) -> bool {
        self.largest.is_some_and(|largest| size.width() <= largest.width() && size.height() <= largest.height())
            && size.cells() >= seats.count()
    }

    /// Spawns a room of this game.
    pub(crate) fn open(&self, opening: Opening) -> Inbox {
        (self.open)(opening)
    }
}

impl fmt::Debug for Games {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
