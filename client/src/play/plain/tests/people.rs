//! What is said to others, and rooms of one's own, as a script asks for them.

use super::run_from;
use crate::play::{
    plain::Ending,
    session::Goal,
    testing::{joined, left, name, seat, telephone},
};
use malpan_client::protocol::{
    About, Audience, BoardSize, Cell, ChatText, Chatted, ClientPacket, Denial, DenialCode, Door, GameName, History,
    JoinTarget, Joined, LeaveReason, LobbyChat, LobbyPage, Manner, Part, PastLine, PlayerId, Reason, RoomEntry, RoomId,
    RoomList, RoomPassword, RoomPlan, RoomQuery, RoomTitle, SeatCount, ServerPacket, Whisper,
};
use tokio::io::{AsyncWriteExt, BufReader, duplex};

/// A room of Ann's and one other.
fn board(other: &str) -> Joined {
    let cells = [0, 1].map(|x| Cell { x, y: 0 });
    joined(9, BoardSize::new(12, 6).unwrap(), &[("Ann", cells[0]), (other, cells[1])])
}

fn text(line: &str) -> ChatText {
    ChatText::new(line).unwrap()
}

#[tokio::test(start_paused = true)]
async fn in_no_room_a_script_speaks_to_the_lobby_and_to_one() {
    let (dial, mut calls) = telephone();
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        let say = |to, manner, line: &str| Some(ClientPacket::Say { to, manner, text: text(line) });
        assert_eq!(peer.next().await, say(Audience::Lobby, Manner::Say, "hello"));
        let said = |who: &str, manner, line: &str| LobbyChat { name: name(who), manner, text: text(line) };
        peer.send(ServerPacket::LobbyChat(said("Ann", Manner::Say, "hello"))).await;
        assert_eq!(peer.next().await, say(Audience::Lobby, Manner::Emote, "waves"));
        peer.send(ServerPacket::LobbyChat(said("Bob", Manner::Emote, "nods"))).await;
        peer.send(ServerPacket::LobbyChat(said("Ann", Manner::Emote, "waves"))).await;
        assert_eq!(peer.next().await, say(Audience::Player(name("Big Bob")), Manner::Say, "psst"));
        let whisper =
            |from: &str, to: &str| Whisper { from: name(from), to: name(to), manner: Manner::Say, text: text("psst") };
        peer.send(ServerPacket::Whisper(whisper("Ann", "Big Bob"))).await;
        peer.send(ServerPacket::Whisper(whisper("Big Bob", "Ann"))).await;
        assert_eq!(peer.next().await, say(Audience::Player(name("Nobody")), Manner::Say, "hi"));
        let reason = Reason::new("nobody named Nobody is here to hear that").unwrap();
        peer.send(ServerPacket::Denied(Denial { code: DenialCode::NoSuchPlayer, reason })).await;
        // Eve is muted by now, and /who tells that she is there.
        assert_eq!(peer.next().await, Some(ClientPacket::ListLobby { after: PlayerId(0) }));
        peer.send(ServerPacket::LobbyChat(said("EVE", Manner::Say, "boo"))).await;
        peer.send(ServerPacket::Whisper(whisper("Eve", "Ann"))).await;
        let page = |names: &[&str], next| {
            let names = names.iter().map(|text| name(text)).collect::<Vec<_>>().try_into().unwrap();
            ServerPacket::LobbyPage(LobbyPage { total: 3, names, next })
        };
        peer.send(page(&["Ann", "Eve"], Some(PlayerId(2)))).await;
        assert_eq!(peer.next().await, Some(ClientPacket::ListLobby { after: PlayerId(2) }));
        peer.send(page(&["Zoe"], None)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let script = "chat hello\n/me waves\n/w \"Big Bob\" psst\n/w Nobody hi\n/mute eve\n/mute\n/dance\n/who\nquit\n";
    let (ran, ()) = tokio::join!(run_from(dial, "Ann", Goal::Lobby, None, script.as_bytes()), server);
    let (ending, printed) = ran;
    assert_eq!(ending, Ending::Done);
    let lines: Vec<_> = printed.lines().collect();
    let expected = [
        "connected host:1 as Ann",
        "lobby Ann: hello",
        "lobby emote Bob: nods",
        "lobby emote Ann: waves",
        "whispered to Big Bob: psst",
        "whisper Big Bob: psst",
        "error: nobody named Nobody is here to hear that",
        "muted eve",
        "muted eve",
    ];
    assert_eq!(lines[..expected.len()], expected);
    assert!(lines[expected.len()].starts_with("error: unknown command /dance; commands: /me TEXT"), "{printed}");
    assert_eq!(lines[expected.len() + 1..], ["here Ann", "here Eve", "here Zoe", "lobby 3", "bye"]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_opens_a_room_and_puts_someone_out_of_it() {
    let (dial, mut calls) = telephone();
    let password = RoomPassword::new("sesame").unwrap();
    let plan = RoomPlan {
        game: None,
        title: RoomTitle::new("Ours").unwrap(),
        seats: SeatCount::new(4).ok(),
        board: "12x6".parse().ok(),
        password: Some(password.clone()),
    };
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        assert_eq!(peer.next().await, Some(ClientPacket::CreateRoom(Box::new(plan))));
        peer.send(ServerPacket::Joined(board("Bob"))).await;
        let about = About { room: RoomId(9), owner: Some(seat(0)), door: Door::Password };
        peer.send(ServerPacket::About(about)).await;
        let lines = [("Bob", Manner::Say, "hi"), ("Eve", Manner::Say, "boo"), ("Bob", Manner::Emote, "waves")];
        let past = |(who, manner, line): (&str, _, _)| PastLine { name: name(who), manner, text: text(line) };
        let lines = lines.map(past).to_vec().try_into().unwrap();
        peer.send(ServerPacket::History(History { room: RoomId(9), lines })).await;
        let emote = ClientPacket::Say { to: Audience::Room, manner: Manner::Emote, text: text("sits down") };
        assert_eq!(peer.next().await, Some(emote));
        let event = board("Bob").event;
        let said = Chatted { event: event + 1, seat: seat(0), text: text("sits down") };
        peer.send(ServerPacket::Emote(said)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Chat { text: text("/me is a command") }));
        let said = Chatted { event: event + 2, seat: seat(0), text: text("/me is a command") };
        peer.send(ServerPacket::Chat(said)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Remove { name: name("Bob") }));
        peer.send(left(event + 3, 1, LeaveReason::Removed, &[])).await;
        assert_eq!(peer.next().await, Some(ClientPacket::HandOver { name: name("Bob") }));
        let reason = Reason::new("nobody named Bob sits in this room").unwrap();
        peer.send(ServerPacket::Denied(Denial { code: DenialCode::NoSuchPlayer, reason })).await;
        // The connection is lost, and the room has a password.
        drop(peer);
        let (mut peer, _) = calls.sign_in().await;
        let unlock = ClientPacket::Unlock { room: RoomId(9), part: Part::Seat, password };
        assert_eq!(peer.next().await, Some(unlock));
        peer.send(ServerPacket::Joined(board("Cid"))).await;
        // Now it is Cid's, who does not want her.
        let removed = ServerPacket::Removed { room: RoomId(9), by: name("Cid") };
        peer.send(removed).await;
        peer.send(ServerPacket::RoomLeft { room: RoomId(9) }).await;
        peer
    };
    let (mut typist, input) = duplex(4096);
    let script = "/mute Eve\n/open --seats 4 --board 12x6 --password sesame Ours\n/me sits down\n//me is a command\n\
                  /kick Bob\n/handover Bob\n";
    typist.write_all(script.as_bytes()).await.unwrap();
    let ended = async {
        let mut peer = server.await;
        typist.write_all(b"status\nquit\n").await.unwrap();
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let run = run_from(dial, "Ann", Goal::Lobby, None, BufReader::new(input));
    let ((ending, printed), ()) = tokio::join!(run, ended);
    assert_eq!(ending, Ending::Done);
    let lines: Vec<_> =
        printed.lines().filter(|line| !line.starts_with("you ") && !line.starts_with("member ")).collect();
    let first = [
        "connected host:1 as Ann",
        "muted Eve",
        "joined room 9 seat 0 board 12x6",
        "owner Ann",
        "past chat Bob: hi",
        "past emote Bob: waves",
        "emote Ann: sits down",
        "chat Ann: /me is a command",
        "left Bob (removed by the owner)",
        "error: nobody named Bob sits in this room",
    ];
    assert_eq!(lines[..first.len()], first);
    assert!(lines[first.len()].starts_with("lost: "), "{printed}");
    let last = ["connected host:1 as Ann", "joined room 9 seat 0 board 12x6", "removed from room 9 by Cid", "lobby"];
    assert_eq!(lines[first.len() + 1..first.len() + 5], last);
    assert!(lines[first.len() + 5].starts_with("status online, lobby"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn rooms_are_found_page_by_page_and_entered_with_a_password() {
    let (dial, mut calls) = telephone();
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        let query = RoomQuery { door: Some(Door::Open), title: RoomTitle::new("night").ok(), ..RoomQuery::ALL };
        assert_eq!(peer.next().await, Some(ClientPacket::FindRooms(Box::new(query.clone()))));
        let entry = RoomEntry {
            room: RoomId(4),
            title: RoomTitle::new("Night").unwrap(),
            game: GameName::FIVE,
            taken: 1,
            seats: SeatCount::new(2).unwrap(),
            watchers: 0,
            door: Door::Password,
            owner: Some(name("Bob")),
        };
        let list =
            |rooms: Vec<RoomEntry>, next| ServerPacket::RoomList(RoomList { rooms: rooms.try_into().unwrap(), next });
        peer.send(list(vec![], Some(RoomId(3)))).await;
        let next = RoomQuery { after: RoomId(3), ..query };
        assert_eq!(peer.next().await, Some(ClientPacket::FindRooms(Box::new(next))));
        peer.send(list(vec![entry], None)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Join { target: JoinTarget::Room(RoomId(4)) }));
        let denied = |code, why: &str| ServerPacket::Denied(Denial { code, reason: Reason::new(why).unwrap() });
        peer.send(denied(DenialCode::PasswordRequired, "room 4 has a password")).await;
        let password = RoomPassword::new("sesame").unwrap();
        assert_eq!(peer.next().await, Some(ClientPacket::Unlock { room: RoomId(4), part: Part::Watch, password }));
        peer.send(denied(DenialCode::WrongPassword, "that is not the password of room 4")).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let script = "/rooms --unlocked night\n/join 4\n/watch 4 sesame\nquit\n";
    let ((ending, printed), ()) = tokio::join!(run_from(dial, "Ann", Goal::Lobby, None, script.as_bytes()), server);
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    room 4 1/2 Night [five] [password] [of Bob]
    rooms listed 1
    error: cannot join room 4: room 4 has a password
    error: cannot watch room 4: that is not the password of room 4
    bye
    ");
}
