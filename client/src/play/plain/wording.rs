//! One line for each thing that happened. `malpan play --help` promises these words: programs read them.

use crate::play::{
    session::{Goal, News},
    words,
};
use malpan_client::protocol::{JoinTarget, RoomInfo};

/// What `--help` says about plain mode.
pub(crate) const HELP: &str = "\
Plain mode (--plain) reads a command a line from stdin:
  up, down, left, right   one step           who      who is in the room
  chat TEXT               say something      rooms    the list of rooms
  join N, join any        another room       leave    to the lobby
  open TITLE              a new room         status   connection and round trip
  help                    the commands       quit     leave, after answers due (also end of input)

and prints an event a line to stdout. NAME may hold spaces; cells are X,Y from the top left, from 0:
  connected HOST:PORT as NAME
  joined room N seat S board WxH
  you NAME X,Y            your own piece, after joining and for who
  member NAME X,Y         someone else's
  entered NAME X,Y        someone came
  left NAME               someone went; ' (connection lost)' may follow
  moved NAME X,Y          someone stepped, you included
  refused: off the board | taken | too fast
  chat NAME: TEXT
  room N TAKEN/SEATS TITLE, then 'rooms listed COUNT'
  lobby                   you are in no room
  status ...              the answer to status
  draining: the server stops within N s
  kicked: REASON
  lost: REASON; trying again in N s
  commands: ...           the answer to help
  error: REASON           what you asked for was not done
  bye                     the end

Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage or no terminal.
Colours are left out where NO_COLOR is set.";

/// The lines that tell `news`. The room's members after `Joined` and the next page after `Rooms` are the caller's.
pub(super) fn lines(news: &News, address: &str) -> Vec<String> {
    let line = match news {
        News::Online { name, .. } => format!("connected {address} as {name}"),
        News::Offline { why, retry_in, .. } => {
            format!("lost: {why}; trying again in {:.1} s", retry_in.as_secs_f64())
        }
        News::Joined { room, seat, board, .. } => format!("joined room {room} seat {seat} board {board}"),
        News::RoomLeft(_) => "lobby".into(),
        News::JoinFailed { goal, denial } => format!("error: {}: {}", describe(goal), words::denial(denial)),
        News::OutOfStep => "error: out of step with the room; joining it again".into(),
        News::Entered { name, cell, .. } => format!("entered {name} {cell}"),
        News::Left { name, reason, .. } => match words::leave(*reason) {
            Some(why) => format!("left {name} ({why})"),
            None => format!("left {name}"),
        },
        News::Moved { name, cell } => format!("moved {name} {cell}"),
        News::Refused { why, .. } => format!("refused: {}", words::refusal(*why)),
        News::Chat { name, text, .. } => format!("chat {name}: {text}"),
        News::Rooms { rooms, .. } => return rooms.iter().map(room).collect(),
        News::Denied(denial) => format!("error: {}", words::denial(denial)),
        News::Unanswered => "error: no answer came from the server".into(),
        News::Draining { seconds } => format!("draining: the server stops within {seconds} s"),
        News::Kicked(reason) => format!("kicked: {}", words::kick(*reason)),
        // The first is no event; the others end plain mode, and its last word goes to stderr.
        News::Connecting { .. } | News::NameTaken(_) | News::Failed { .. } => return vec![],
    };
    vec![line]
}

fn describe(goal: &Goal) -> String {
    match goal {
        Goal::Join(JoinTarget::Room(room)) => format!("cannot join room {room}"),
        Goal::Join(JoinTarget::Any) => "cannot join any room".into(),
        Goal::Open(title) => format!("cannot open room {title}"),
        Goal::Lobby => "cannot leave".into(),
    }
}

fn room(room: &RoomInfo) -> String {
    format!("room {} {}/{} {}", room.room, room.taken, room.seats, room.title)
}
