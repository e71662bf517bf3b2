//! Colours, and what stands in for them where there are none.

use crate::play::five::Stone;
use malpan_client::protocol::{MAX_SEATS, Seat};
use ratatui::style::{Color, Modifier, Style};

/// A seat's colour: the sixteen that every terminal has, each with ink that can be read on it.
const SEATS: [(Color, Color); MAX_SEATS] = [
    (Color::LightRed, Color::Black),
    (Color::LightGreen, Color::Black),
    (Color::LightBlue, Color::Black),
    (Color::LightYellow, Color::Black),
    (Color::LightMagenta, Color::Black),
    (Color::LightCyan, Color::Black),
    (Color::Red, Color::White),
    (Color::Green, Color::Black),
    (Color::Magenta, Color::White),
    (Color::Blue, Color::White),
];

/// Who sits in a seat, as far as it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The one here.
    Own,
    /// Someone whose connection was lost.
    Away,
    /// Someone else.
    Other,
}

impl Who {
    /// Who sits there.
    pub(super) fn at(seat: Seat, own: Option<Seat>, is_away: bool) -> Self {
        match own {
            Some(own) if own == seat => Self::Own,
            _ if is_away => Self::Away,
            _ => Self::Other,
        }
    }
}

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    color: bool,
}

impl Theme {
    /// With colour, or with none.
    pub(crate) fn new(color: bool) -> Self {
        Self { color }
    }

    /// As the environment's `NO_COLOR` asks: set and not empty, it means no colour.
    pub(crate) fn from_no_color(value: Option<&std::ffi::OsStr>) -> Self {
        Self::new(value.is_none_or(std::ffi::OsStr::is_empty))
    }

    /// A piece's cell or badge. Without colour, the own one is reversed.
    pub(super) fn piece(self, seat: Seat, who: Who) -> Style {
        let weight = match who {
            Who::Own => Modifier::BOLD,
            Who::Other => Modifier::empty(),
            Who::Away => return self.dim(),
        };
        if self.color {
            let (paper, ink) = SEATS[seat.index()];
            Style::new().fg(ink).bg(paper).add_modifier(weight)
        } else if who == Who::Own {
            Style::new().add_modifier(weight | Modifier::REVERSED)
        } else {
            Style::new()
        }
    }

    /// A stone or its badge. The letter tells the colours apart; these are as light and as dark as the names say.
    pub(super) fn stone(self, stone: Stone) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        match stone {
            _ if !self.color => style,
            Stone::Black => style.fg(Color::White).bg(Color::Black),
            Stone::White => style.fg(Color::Black).bg(Color::White),
        }
    }

    /// The marks of the stones that won, and those stones.
    pub(super) fn won(self) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if self.color { style.fg(Color::Black).bg(Color::LightGreen) } else { style.add_modifier(Modifier::REVERSED) }
    }

    /// What is well.
    pub(super) fn good(self) -> Style {
        self.colored(Color::Green)
    }

    /// What is under way.
    pub(super) fn waiting(self) -> Style {
        self.colored(Color::Yellow)
    }

    /// What is wrong.
    pub(super) fn bad(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What was said to one alone.
    pub(super) fn whisper(self) -> Style {
        self.colored(Color::Magenta)
    }

    /// What is chosen in a list.
    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn colored(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::{SEATS, Theme};
    use std::{collections::HashSet, ffi::OsStr};

    #[test]
    fn no_color_counts_when_it_is_not_empty() {
        assert_eq!(Theme::from_no_color(None), Theme::new(true));
        assert_eq!(Theme::from_no_color(Some(OsStr::new(""))), Theme::new(true));
        assert_eq!(Theme::from_no_color(Some(OsStr::new("1"))), Theme::new(false));
    }

    #[test]
    fn each_seat_has_a_colour_of_its_own() {
        let papers: HashSet<_> = SEATS.iter().map(|(paper, _)| paper).collect();
        assert_eq!(papers.len(), SEATS.len());
    }
}
