//! What is said and heard, and lines with a slash.

use super::{Desk, Effect, Message};
use crate::play::{
    link::LinkEvent,
    log::LogLine,
    model::Mode,
    testing::{denied, name, seat, welcome},
};
use malpan_client::protocol::{
    About, Audience, ChatText, ClientPacket, DenialCode, Door, History, LobbyChat, LobbyPage, Manner, PastLine,
    PlayerId, Resumption, RoomId, RoomQuery, RoomTitle, ServerPacket, Whisper,
};
use std::time::Duration;

fn text(text: &str) -> ChatText {
    ChatText::new(text).unwrap()
}

fn said(to: Audience, manner: Manner, line: &str) -> Effect {
    Effect::Send(ClientPacket::Say { to, manner, text: text(line) })
}

fn history(lines: &[(&str, Manner, &str)]) -> ServerPacket {
    let lines: Vec<PastLine> = lines
        .iter()
        .map(|(who, manner, line)| PastLine { name: name(who), manner: *manner, text: text(line) })
        .collect();
    ServerPacket::History(History { room: RoomId(1), lines: lines.try_into().unwrap() })
}

impl Desk {
    /// Writes a line and sends it.
    fn line(&mut self, line: &str) -> Vec<Effect> {
        self.send(Message::OpenChat);
        self.write(line);
        self.send(Message::Submit)
    }

    fn in_the_lobby() -> Self {
        let mut desk = Self::seated();
        desk.send(Message::ToLobby);
        desk.packet(ServerPacket::RoomLeft { room: RoomId(1) });
        desk
    }

    fn newest_event(&self) -> &str {
        match self.newest() {
            Some(LogLine::Event(text)) => text,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_line_with_a_slash_is_done_and_not_said() {
    let mut desk = Desk::seated();
    assert_eq!(desk.line("/me waves"), [said(Audience::Room, Manner::Emote, "waves")]);
    assert_eq!(desk.line("/w Bob psst"), [said(Audience::Player(name("Bob")), Manner::Say, "psst")]);
    assert_eq!(desk.line("//me"), [Effect::Send(ClientPacket::Chat { text: text("/me") })]);
    assert_eq!(desk.line("/kick Bob"), [Effect::Send(ClientPacket::Remove { name: name("Bob") })]);
    assert_eq!(desk.line("/handover Bob"), [Effect::Send(ClientPacket::HandOver { name: name("Bob") })]);
    let query = RoomQuery { title: RoomTitle::new("night").ok(), ..RoomQuery::ALL };
    assert_eq!(desk.line("/rooms night"), [Effect::Send(ClientPacket::FindRooms(Box::new(query)))]);
    assert!(matches!(desk.model.mode, Mode::Rooms(_)));
    assert_eq!(desk.line("/leave"), [Effect::Send(ClientPacket::Leave)]);
}

#[test]
fn a_command_that_is_wrong_stays_to_be_mended() {
    let mut desk = Desk::seated();
    assert_eq!(desk.line("/dance"), []);
    assert!(desk.notice().starts_with("unknown command /dance"), "{}", desk.notice());
    assert!(matches!(&desk.model.mode, Mode::Chat(input) if input.value() == "/dance"));
}

#[test]
fn who_tells_owner_and_away() {
    let mut desk = Desk::seated();
    desk.packet(ServerPacket::About(About { room: RoomId(1), owner: Some(seat(0)), door: Door::Open }));
    desk.packet(ServerPacket::Away { event: 1, seat: seat(1) });
    assert_eq!(desk.line("/who"), []);
    assert_eq!(desk.newest_event(), "here: Ann (you, owner), Bob (away)");
}

#[test]
fn the_lobby_talks_and_tells_who_is_there() {
    let mut desk = Desk::in_the_lobby();
    assert_eq!(desk.line("hello"), [said(Audience::Lobby, Manner::Say, "hello")]);
    let chat = LobbyChat { name: name("Ann"), manner: Manner::Say, text: text("hello") };
    desk.packet(ServerPacket::LobbyChat(chat));
    assert_eq!(desk.newest(), Some(&LogLine::Lobby("(lobby) Ann: hello".into())));
    assert_eq!(desk.line("/who"), [Effect::Send(ClientPacket::ListLobby { after: PlayerId(0) })]);
    let names = vec![name("Ann"), name("Eve")].try_into().unwrap();
    desk.packet(ServerPacket::LobbyPage(LobbyPage { total: 2, names, next: None }));
    assert_eq!(desk.newest_event(), "in the lobby (2): Ann, Eve");
}

#[test]
fn whispers_are_told_from_the_rest_and_who_is_muted_is_not_heard() {
    let mut desk = Desk::seated();
    let whisper = |from: &str, to: &str| {
        let (from, to) = (name(from), name(to));
        ServerPacket::Whisper(Whisper { from, to, manner: Manner::Say, text: text("psst") })
    };
    desk.packet(whisper("Eve", "Ann"));
    assert_eq!(desk.newest(), Some(&LogLine::Whisper("(whispers) Eve: psst".into())));
    desk.packet(whisper("Ann", "Eve"));
    assert_eq!(desk.newest(), Some(&LogLine::Whisper("(to Eve) Ann: psst".into())));
    desk.line("/mute Eve");
    let before = desk.model.log.newest_first().count();
    desk.packet(whisper("Eve", "Ann"));
    assert_eq!(desk.model.log.newest_first().count(), before);
    desk.line("/mute");
    assert_eq!(desk.newest_event(), "muted: Eve");
    desk.line("/unmute eve");
    desk.packet(whisper("Eve", "Ann"));
    assert_eq!(desk.newest(), Some(&LogLine::Whisper("(whispers) Eve: psst".into())));
    desk.line("/w Nobody hi");
    desk.packet(denied(DenialCode::NoSuchPlayer));
    assert_eq!(desk.notice(), "nobody of that name is there");
}

#[test]
fn what_was_said_before_is_there_once() {
    let mut desk = Desk::seated();
    let before = [("Bob", Manner::Say, "hi"), ("Bob", Manner::Emote, "waves")];
    desk.packet(history(&before));
    let past = |line: &str| LogLine::Past(line.into());
    let shown: Vec<LogLine> = desk.model.log.newest_first().take(2).cloned().collect();
    assert_eq!(shown, [past("* Bob waves"), past("Bob: hi")]);
    // It comes again with the whole room, longer by what was missed.
    desk.packet(history(&[&before[..], &[("Bob", Manner::Say, "are you there?")]].concat()));
    let shown: Vec<LogLine> = desk.model.log.newest_first().take(2).cloned().collect();
    assert_eq!(shown, [past("Bob: are you there?"), past("* Bob waves")]);
}

#[test]
fn whoever_comes_back_sees_the_same_screen_and_is_told() {
    for place in [Resumption::Missed { room: RoomId(1), events: 0 }, Resumption::Anew { room: RoomId(1) }] {
        let mut desk = Desk::seated();
        desk.send(Message::OpenChat);
        desk.write("half a li");
        desk.link(LinkEvent::Offline { why: "the connection broke".into(), retry_in: Duration::from_secs(1) });
        desk.link(LinkEvent::Connecting { failures: 1 });
        assert!(desk.model.session.table().is_some(), "what was seen last stands there");
        desk.link(LinkEvent::Back { welcome: welcome(), name: name("Ann"), place });
        assert!(desk.model.session.table().is_some(), "{place:?}");
        assert_eq!(desk.notice(), "back");
        let before = desk.model.log.newest_first().count();
        desk.packet(ServerPacket::Away { event: 1, seat: seat(0) });
        desk.packet(ServerPacket::Back { event: 2, seat: seat(0) });
        assert_eq!(desk.model.log.newest_first().count(), before, "one's own absence is no news");
        assert!(matches!(&desk.model.mode, Mode::Chat(input) if input.value() == "half a li"));
    }
}
