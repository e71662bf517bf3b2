//! One line for each thing that happened. `malpan play --help` promises these words: programs read them.

use crate::play::{
    game::Game,
    session::{FiveNews, Goal, News},
    words,
};
use malpan_client::protocol::{Door, GameName, JoinTarget, Manner, Name, Part, RoomEntry, RoomInfo, Whisper};

/// What `--help` says about plain mode.
pub(crate) const HELP: &str = "\
Where stdin is no terminal, its first line is the password of --login and --register, as it is.

Plain mode (--plain) reads a command a line from stdin:
  up, down, left, right   one step           who      who is in the room
  chat TEXT               say something      rooms    the list of rooms
  join N, join any        another room       leave    to the lobby
  open TITLE              a new room         status   connection and round trip
  help                    the commands       quit     leave, after answers due (also end of input)
  open --game NAME TITLE  a new room of that game: board or five
  watch N                 watch a room without a seat: no moves, no chat
Lines that begin with / are what other chats know; //TEXT says /TEXT; a NAME with spaces stands in \"\":
  /me TEXT                what you do        /w NAME TEXT    to one player, anywhere
  /who                    who is here        /mute NAME      hide what they say; alone: who is muted
  /rooms [OPTIONS] PART   rooms so titled    /unmute NAME    show it again
  /open [OPTIONS] TITLE   a room of yours    /kick NAME      out of your room
  /join N [PASSWORD]      a seat there       /handover NAME  make the room theirs
  /watch N [PASSWORD]     watch it           /leave, /help
  options of /rooms: --free (a seat), --unlocked, --game NAME
  options of /open: --game NAME, --board WxH, --seats N, --password WORD
In five in a row:
  place X,Y               put a stone        resign   give the game up
  board                   print the board    rematch  play again; begins when both have asked

and prints an event a line to stdout. NAME may hold spaces; cells are X,Y from the top left, from 0:
  connected HOST:PORT as NAME
  joined room N seat S board WxH
  you NAME X,Y            your own piece, after joining and for who
  member NAME X,Y         someone else's
  entered NAME X,Y        someone came
  left NAME               someone went; ' (connection lost)' may follow
  away NAME               someone's connection was lost; the seat is kept for a while
  back NAME               someone who was away is here again
  back HOST:PORT as NAME in room N
                          after a lost connection: your seat was kept; what you missed follows
  moved NAME X,Y          someone stepped, you included
  refused: off the board | taken | too fast
  chat NAME: TEXT         in no room, chat speaks to the lobby
  emote NAME: TEXT        someone did something: /me
  lobby NAME: TEXT, lobby emote NAME: TEXT
                          said in the lobby, while you are there
  whisper NAME: TEXT      said to you alone; 'emote' may stand before NAME, or 'to' in the next
  whispered to NAME: TEXT said by you to one
  past chat NAME: TEXT, past emote NAME: TEXT
                          said before you came
  owner NAME              whose the room is; 'owner nobody' where the last one has left
  removed from room N by NAME
  here NAME, then 'lobby COUNT': the answer to /who in no room
  muted NAME, unmuted NAME
  room N TAKEN/SEATS TITLE, then 'rooms listed COUNT'; ' [GAME]' follows where it is not the board,
                          and ' [COUNT watching]' where anyone watches; for /rooms also
                          ' [password]' and ' [of OWNER]'
  watching room N game GAME
  closed room N           the room that you watched has closed
  lobby                   you are in no room
  status ...              the answer to status
  notice: TEXT                  from the server's operator, to everyone
  draining: the server stops within N s
  kicked: REASON
  lost: REASON; trying again in N s
  commands: ...           the answer to help
  error: REASON           what you asked for was not done
  bye                     the end
In five in a row:
  joined room N seat S game five
  you NAME STONES         STONES are black, white, or waiting before the first game; so for member
  entered NAME            someone came
  began black NAME white NAME
                          a new game; also when you come while one is on
  placed NAME X,Y         someone put a stone, you included
  turn NAME               who puts the next one, after each began and placed while the game is on
  over NAME won (five in a row | resignation | departure)
  over draw               the board is full
  rematch asked NAME      someone wants to play again
  refused: not your turn | taken | off the board | no game is on | the game is still on
           | no opponent | too fast
  board ...               how the game stands, then 15 lines of 15: '.' empty, X black, O white

Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage or no terminal.
Colours are left out where NO_COLOR is set.";

/// The lines that tell `news`. The room's members after `Joined` and the next page after `Rooms` are the caller's.
/// `own` is the name of whoever reads them.
pub(super) fn lines(news: &News, address: &str, own: &Name) -> Vec<String> {
    let line = match news {
        News::Online { name, .. } => format!("connected {address} as {name}"),
        News::Offline { why, retry_in, .. } => {
            format!("lost: {why}; trying again in {:.1} s", retry_in.as_secs_f64())
        }
        News::Joined { room, seat: None, game, .. } => format!("watching room {room} game {}", game.name()),
        News::Joined { room, seat: Some(seat), game, board, .. } => match board {
            Some(board) => format!("joined room {room} seat {seat} board {board}"),
            None => format!("joined room {room} seat {seat} game {}", game.name()),
        },
        News::Unplayable { room, game, known } => format!("error: {}", words::unplayable(*room, *game, *known)),
        News::RoomLeft(_) => "lobby".into(),
        News::RoomClosed(room) => return vec![format!("closed room {room}"), "lobby".into()],
        News::JoinFailed { goal, denial } => format!("error: {}: {}", describe(goal), words::denial(denial)),
        News::OutOfStep => "error: out of step with the room; joining it again".into(),
        News::Entered { name, cell: Some(cell), .. } => format!("entered {name} {cell}"),
        News::Entered { name, cell: None, .. } => format!("entered {name}"),
        News::Left { name, reason, .. } => match words::leave(*reason) {
            Some(why) => format!("left {name} ({why})"),
            None => format!("left {name}"),
        },
        News::Back { name, room: Some(room) } => format!("back {address} as {name} in room {room}"),
        News::Back { name, room: None } => format!("connected {address} as {name}"),
        News::Away(name) => format!("away {name}"),
        News::Returned(name) => format!("back {name}"),
        News::Moved { name, cell } => format!("moved {name} {cell}"),
        News::Five(news) => five(news),
        News::Refused { why, .. } => format!("refused: {}", words::refusal(*why)),
        News::Chat { name, text, .. } => format!("chat {name}: {text}"),
        News::Emote { name, text, .. } => format!("emote {name}: {text}"),
        News::LobbyChat(said) => format!("lobby {}{}: {}", doing(said.manner), said.name, said.text),
        News::Whisper(said) => whisper(said, own),
        News::History(lines) => {
            let line = |word, name, text| format!("past {word} {name}: {text}");
            return lines
                .iter()
                .map(|said| match said.manner {
                    Manner::Say => line("chat", &said.name, &said.text),
                    Manner::Emote => line("emote", &said.name, &said.text),
                })
                .collect();
        }
        News::Owner(Some(name)) => format!("owner {name}"),
        News::Owner(None) => "owner nobody".into(),
        News::Removed { room, by } => format!("removed from room {room} by {by}"),
        News::Lobby { names, .. } => return names.iter().map(|name| format!("here {name}")).collect(),
        News::Found { rooms, .. } => return rooms.iter().map(found).collect(),
        News::Rooms { rooms, .. } => return rooms.iter().map(room).collect(),
        News::Denied(denial) => format!("error: {}", words::denial(denial)),
        News::Unanswered => "error: no answer came from the server".into(),
        News::Notice(text) => format!("notice: {text}"),
        News::Draining { seconds } => format!("draining: the server stops within {seconds} s"),
        News::Kicked(reason) => format!("kicked: {}", words::kick(*reason)),
        // The first is no event; the others end plain mode, which asks nobody, and its last word goes to stderr.
        News::Connecting { .. } | News::NameTaken(_) | News::SignInAsked { .. } | News::Failed { .. } => return vec![],
    };
    vec![line]
}

fn five(news: &FiveNews) -> String {
    match news {
        FiveNews::Began { black, white } => format!("began black {black} white {white}"),
        FiveNews::Placed { name, cell } => format!("placed {name} {cell}"),
        FiveNews::Turn { name } => format!("turn {name}"),
        FiveNews::Over { winner: Some((name, by)) } => format!("over {name} won ({})", words::victory(*by)),
        FiveNews::Over { winner: None } => "over draw".into(),
        FiveNews::RematchAsked { name } => format!("rematch asked {name}"),
    }
}

fn describe(goal: &Goal) -> String {
    match goal {
        Goal::Join(JoinTarget::Room(room)) => format!("cannot join room {room}"),
        Goal::Join(JoinTarget::Any) => "cannot join any room".into(),
        Goal::Join(JoinTarget::AnyOf(game)) => format!("cannot join any room of {game}"),
        Goal::Watch(room) => format!("cannot watch room {room}"),
        Goal::Open { title, game: None | Some(Game::Board) } => format!("cannot open room {title}"),
        Goal::Open { title, game: Some(game) } => format!("cannot open room {title} of {}", game.name()),
        Goal::Create(plan) => format!("cannot open room {}", plan.title),
        Goal::Unlock { room, part: Part::Seat, .. } => format!("cannot join room {room}"),
        Goal::Unlock { room, part: Part::Watch, .. } => format!("cannot watch room {room}"),
        Goal::Lobby => "cannot leave".into(),
    }
}

fn doing(manner: Manner) -> &'static str {
    match manner {
        Manner::Say => "",
        Manner::Emote => "emote ",
    }
}

fn whisper(said: &Whisper, own: &Name) -> String {
    let (doing, text) = (doing(said.manner), &said.text);
    if said.from == *own {
        format!("whispered {doing}to {}: {text}", said.to)
    } else {
        format!("whisper {doing}{}: {text}", said.from)
    }
}

fn found(entry: &RoomEntry) -> String {
    let locked = if entry.door == Door::Password { " [password]" } else { "" };
    let owner = entry.owner.as_ref().map_or_else(String::new, |owner| format!(" [of {owner}]"));
    let RoomEntry { room, title, game, taken, seats, watchers, .. } = entry.clone();
    format!("{}{locked}{owner}", self::room(&RoomInfo { room, title, game, taken, seats, watchers }))
}

fn room(room: &RoomInfo) -> String {
    let game = if room.game == GameName::BOARD { String::new() } else { format!(" [{}]", room.game) };
    let watchers = if room.watchers == 0 { String::new() } else { format!(" [{} watching]", room.watchers) };
    format!("room {} {}/{} {}{game}{watchers}", room.room, room.taken, room.seats, room.title)
}
