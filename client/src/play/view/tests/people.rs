//! What is said, who is away, and the lobby.

use super::{Desk, FRIENDS, find};
use crate::play::{
    testing::{name, seat},
    update::Message,
};
use malpan_client::protocol::{
    About, ChatText, Chatted, Door, History, LobbyChat, Manner, PastLine, RoomId, ServerPacket, Whisper,
};
use ratatui::style::{Color, Modifier};

fn text(text: &str) -> ChatText {
    ChatText::new(text).unwrap()
}

#[test]
fn talk_of_every_kind() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    let past = |who: &str, manner, line: &str| PastLine { name: name(who), manner, text: text(line) };
    let lines = vec![past("Bob", Manner::Say, "어제 한 말"), past("Bob", Manner::Emote, "손을 흔든다")];
    let lines = lines.try_into().unwrap();
    desk.packet(ServerPacket::History(History { room: RoomId(3), lines }));
    desk.chat(1, 1, "안녕하세요!");
    desk.packet(ServerPacket::Emote(Chatted { event: 2, seat: seat(2), text: text("bows") }));
    let (from, to) = (name("Bob"), name("Ann"));
    desk.packet(ServerPacket::Whisper(Whisper { from, to, manner: Manner::Say, text: text("귓속말") }));
    insta::assert_snapshot!(desk.screen(80, 27));
}

#[test]
fn who_is_away_is_marked_in_the_list_and_on_the_board() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.packet(ServerPacket::About(About { room: RoomId(3), owner: Some(seat(2)), door: Door::Open }));
    desk.packet(ServerPacket::Away { event: 1, seat: seat(2) });
    insta::assert_snapshot!("away_and_owner", desk.screen(80, 24));
    for color in [true, false] {
        let terminal = desk.draw(80, 24, color);
        let cell = &terminal.backend().buffer()[find(&terminal, "(2)")];
        assert_eq!((cell.bg, cell.modifier), (Color::Reset, Modifier::DIM), "it stands out by no colour");
    }
    desk.packet(ServerPacket::Back { event: 2, seat: seat(2) });
    let screen = desk.screen(80, 24);
    assert!(!screen.contains("(2)") && !screen.contains("away│"), "{screen}");
}

#[test]
fn the_lobby_says_what_can_be_done() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.send(Message::OpenRooms);
    desk.send(Message::ToLobby);
    desk.packet(ServerPacket::RoomLeft { room: RoomId(3) });
    let (name, manner, text) = (name("말판놀이꾼"), Manner::Say, text("누구 없어요?"));
    desk.packet(ServerPacket::LobbyChat(LobbyChat { name, manner, text }));
    insta::assert_snapshot!(desk.screen(80, 24));
}
