//! The room's past, the lobby, whispers.

use super::{Memory, denial, heard, heard_slowly, room, seen, server};
use malpan_e2e::{MemoryServer, line, name};
use malpan_protocol::{
    Audience, ClientPacket, DenialCode, JoinTarget, LOBBY_PAGE, LobbyChat, MAX_HISTORY, Manner, PlayerId, ServerPacket,
    Whisper,
};
use std::time::Duration;
use tokio::time::sleep;

/// The lines of the lobby among `packets`.
fn lobby(packets: &[ServerPacket]) -> Vec<String> {
    let line = |packet: &ServerPacket| match packet {
        ServerPacket::LobbyChat(LobbyChat { name, manner, text }) => Some(format!("{name} {manner:?} {text}")),
        _ => None,
    };
    packets.iter().filter_map(line).collect()
}

fn whispers(packets: &[ServerPacket]) -> Vec<String> {
    let line = |packet: &ServerPacket| match packet {
        ServerPacket::Whisper(Whisper { from, to, text, .. }) => Some(format!("{from} {to} {text}")),
        _ => None,
    };
    packets.iter().filter_map(line).collect()
}

fn say_in_lobby(client: &mut Memory, text: &str) {
    client.say(Audience::Lobby, Manner::Say, line(text)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_someone_does_is_heard_by_everyone_in_the_room_as_an_event() {
    let mut server = server(|_| {});
    let (mut ann, mut room_of_ann) = server.player("Ann").await.unwrap();
    let mut bob = server.guest("Bob").await.unwrap();
    let mut room_of_bob = room(&bob.watch(room_of_ann.id()).await.unwrap());
    ann.emote(line("waves")).unwrap();
    for (client, room) in [(&mut ann, &mut room_of_ann), (&mut bob, &mut room_of_bob)] {
        let packets = seen(client, room).await;
        let [ServerPacket::Emote(emote)] = &packets[..] else { panic!("{packets:?}") };
        assert_eq!((emote.seat.index(), emote.text.as_str(), emote.event), (0, "waves", room.event()));
    }
    bob.emote(line("may not")).unwrap();
    assert_eq!(denial(&heard(&mut bob).await).code, DenialCode::Watching);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_hears_the_last_lines_right_after_the_room() {
    let mut server = server(|_| {});
    let (mut ann, of_ann) = server.player("Ann").await.unwrap();
    let mut early = server.guest("early").await.unwrap();
    early.join(JoinTarget::Room(of_ann.id())).await.unwrap();
    assert!(heard(&mut early).await.is_empty(), "nothing was said");
    for number in 0..MAX_HISTORY + 5 {
        ann.chat(line(&format!("line {number}"))).unwrap();
    }
    ann.emote(line("sits down")).unwrap();
    heard(&mut ann).await;
    ann.leave().await.unwrap();
    let mut late = [server.guest("late").await.unwrap(), server.guest("watcher").await.unwrap()];
    late[0].join(JoinTarget::Room(of_ann.id())).await.unwrap();
    late[1].watch(of_ann.id()).await.unwrap();
    for client in &mut late {
        let packets = heard(client).await;
        let ServerPacket::History(history) = &packets[0] else { panic!("{packets:?}") };
        assert_eq!((history.room, history.lines.len()), (of_ann.id(), MAX_HISTORY));
        let [first, .., last] = &history.lines[..] else { panic!() };
        assert_eq!((first.text.as_str(), first.manner, first.name.as_str()), ("line 6", Manner::Say, "Ann"));
        assert_eq!((last.text.as_str(), last.manner), ("sits down", Manner::Emote));
    }
}

/// Whoever is behind is not sent away for what was said long before they came.
#[tokio::test(start_paused = true)]
async fn a_past_that_does_not_fit_a_queue_is_left_out() {
    let mut server = server(|config| {
        (config.limits.queue_bytes, config.limits.lag_bytes) = (17_000, 10_000);
    });
    let (mut ann, of_ann) = server.player("Ann").await.unwrap();
    for _ in 0..MAX_HISTORY {
        ann.chat(line(&"\u{1f9e9}".repeat(200))).unwrap();
        heard(&mut ann).await;
    }
    let mut bob = server.connect_over(64).await.unwrap();
    bob.sign_in_guest(name("Bob")).await.unwrap();
    bob.send(&ClientPacket::Join { target: JoinTarget::Room(of_ann.id()) }).unwrap();
    bob.flush().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.newest_session().unwrap().close_reason(), None);
    let packets = heard_slowly(&mut bob).await;
    assert!(matches!(packets[0], ServerPacket::Joined(_)), "{packets:?}");
    let lines: usize = packets.iter().filter_map(|packet| Some(of_history(packet)?.len())).sum();
    assert!(lines > 0 && lines < MAX_HISTORY, "{lines}");
}

fn of_history(packet: &ServerPacket) -> Option<&[malpan_protocol::PastLine]> {
    if let ServerPacket::History(history) = packet { Some(&history.lines) } else { None }
}

#[tokio::test(start_paused = true)]
async fn the_lobby_hears_and_is_heard_by_whoever_is_in_no_room_on_any_shard() {
    let mut server = server(|_| {});
    let mut ann = server.guest("Ann").await.unwrap();
    let mut bob = server.guest("Bob").await.unwrap();
    let (mut cid, _) = server.player("Cid").await.unwrap();
    say_in_lobby(&mut ann, "hello");
    bob.say(Audience::Lobby, Manner::Emote, line("nods")).unwrap();
    bob.flush().await.unwrap();
    assert_eq!(lobby(&heard(&mut ann).await), ["Bob Emote nods", "Ann Say hello"]);
    assert_eq!(lobby(&heard(&mut bob).await), ["Bob Emote nods", "Ann Say hello"]);
    assert_eq!(lobby(&heard(&mut cid).await), [""; 0]);
    // Each place is spoken to from itself; a mistake ends no conversation.
    say_in_lobby(&mut cid, "may not");
    assert_eq!(denial(&heard(&mut cid).await).code, DenialCode::NotHere);
    ann.say(Audience::Room, Manner::Say, line("where?")).unwrap();
    assert_eq!(denial(&heard(&mut ann).await).code, DenialCode::NotHere);
    cid.leave().await.unwrap();
    say_in_lobby(&mut cid, "back");
    assert_eq!(lobby(&heard(&mut cid).await), ["Cid Say back"]);
    bob.join(JoinTarget::Any).await.unwrap();
    heard(&mut bob).await;
    say_in_lobby(&mut ann, "who is here?");
    heard(&mut ann).await;
    assert_eq!(lobby(&heard(&mut bob).await), [""; 0], "who is in a room is not in the lobby");
}

/// Nobody can have the server send much to many: all that is said in the lobby has one budget.
#[tokio::test(start_paused = true)]
async fn the_lobby_hears_so_much_a_second_and_whoever_is_denied_is_told_when() {
    for deliveries in [4, 8] {
        let mut server = server(|config| {
            config.limits.lobby_deliveries_per_second = deliveries;
            config.limits.rate_limit_strikes = 1;
        });
        let mut people = Vec::new();
        for number in 0..4 {
            people.push(server.guest(&format!("guest {number}")).await.unwrap());
        }
        sleep(Duration::from_secs(10)).await;
        // Four hear each; what the last of them owes is not there for the next.
        for _ in 0..3 {
            say_in_lobby(&mut people[0], "hear");
        }
        let packets = heard(&mut people[0]).await;
        let said = lobby(&packets).len();
        assert_eq!(said, deliveries / 4);
        let ServerPacket::Denied(denial) = &packets[said] else { panic!("{packets:?}") };
        assert_eq!(denial.code, DenialCode::RateLimited);
        assert!(denial.reason.as_str().contains("lobby; again in"), "{}", denial.reason);
        // One strike would have ended them: it is nobody's.
        sleep(Duration::from_secs(1)).await;
        say_in_lobby(&mut people[1], "again");
        assert_eq!(lobby(&heard(&mut people[1]).await).last().map(String::as_str), Some("guest 1 Say again"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_whisper_is_heard_by_two_wherever_they_are() {
    let mut server = server(|_| {});
    let (mut ann, _) = server.player("Ann").await.unwrap();
    let mut bob = server.guest("Bob").await.unwrap();
    let mut cid = server.guest("Cid").await.unwrap();
    ann.whisper(name("bOB"), line("psst")).unwrap();
    assert_eq!(whispers(&heard(&mut ann).await), ["Ann Bob psst"]);
    assert_eq!(whispers(&heard(&mut bob).await), ["Ann Bob psst"]);
    assert!(heard(&mut cid).await.is_empty());
    bob.whisper(name("Bob"), line("to myself")).unwrap();
    assert_eq!(whispers(&heard(&mut bob).await), ["Bob Bob to myself"], "once is enough");
    for nobody in ["Nobody", "Cid"] {
        if nobody == "Cid" {
            cid.send(&ClientPacket::Bye).unwrap();
            cid.flush().await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        ann.whisper(name(nobody), line("psst")).unwrap();
        let packets = heard(&mut ann).await;
        assert_eq!(denial(&packets).code, DenialCode::NoSuchPlayer);
        assert!(denial(&packets).reason.as_str().contains(nobody));
    }
}

/// A queue that is full of what others said to its owner would be a weapon.
#[tokio::test(start_paused = true)]
async fn whoever_is_behind_is_not_sent_away_for_what_others_say_to_them() {
    let mut server = server(|config| config.limits.write_stall = Duration::from_secs(3600));
    let mut ann = server.guest("Ann").await.unwrap();
    let mut slow = server.connect_over(64).await.unwrap();
    slow.sign_in_guest(name("slow")).await.unwrap();
    let session = server.newest_session().unwrap();
    let mut not_heard = 0;
    for number in 0..200 {
        ann.whisper(name("slow"), line(&format!("whisper {number}"))).unwrap();
        say_in_lobby(&mut ann, "and everyone");
        let packets = heard(&mut ann).await;
        let denied = packets.iter().filter(|packet| matches!(packet, ServerPacket::Denied(_)));
        not_heard += denied.clone().count();
        assert!(
            denied
                .into_iter()
                .all(|packet| matches!(packet, ServerPacket::Denied(denial) if denial.code == DenialCode::NotHeard))
        );
    }
    assert!(not_heard > 50, "{not_heard}");
    assert_eq!(session.close_reason(), None);
    let packets = heard_slowly(&mut slow).await;
    assert_eq!(whispers(&packets)[0], "Ann slow whisper 0");
    ann.whisper(name("slow"), line("still there?")).unwrap();
    heard(&mut ann).await;
    assert_eq!(whispers(&heard_slowly(&mut slow).await), ["Ann slow still there?"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_too_many_is_denied_wherever_it_is_said_and_the_answer_says_when() {
    let mut server = server(|config| config.limits.chat_lines = 2);
    let mut ann = server.guest("Ann").await.unwrap();
    sleep(Duration::from_secs(60)).await;
    say_in_lobby(&mut ann, "one");
    ann.whisper(name("Ann"), line("two")).unwrap();
    say_in_lobby(&mut ann, "three");
    let packets = heard(&mut ann).await;
    let ServerPacket::Denied(denial) = &packets[2] else { panic!("{packets:?}") };
    assert_eq!(denial.code, DenialCode::RateLimited);
    assert_eq!(denial.reason.as_str(), "too many lines of chat; again in 2.5 s");
    sleep(Duration::from_millis(2450)).await;
    say_in_lobby(&mut ann, "four");
    assert_eq!(lobby(&heard(&mut ann).await), ["Ann Say four"]);
}

#[tokio::test(start_paused = true)]
async fn the_people_of_the_lobby_are_listed_in_pages_with_how_many_there_are() {
    let mut server = server(|_| {});
    let mut people = Vec::new();
    for number in 0..LOBBY_PAGE + 7 {
        people.push(server.guest(&format!("guest {number}")).await.unwrap());
    }
    people[0].join(JoinTarget::Any).await.unwrap();
    let first = people[1].list_lobby(PlayerId(0)).await.unwrap();
    assert_eq!((first.total as usize, first.names.len()), (LOBBY_PAGE + 6, LOBBY_PAGE));
    assert_eq!(first.names[0].as_str(), "guest 1");
    let last = people[1].list_lobby(first.next.unwrap()).await.unwrap();
    assert_eq!((last.names.len(), last.next), (6, None));
    assert_eq!(last.names[5].as_str(), format!("guest {}", LOBBY_PAGE + 6));
    drop(people.split_off(2));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(people[1].list_lobby(PlayerId(0)).await.unwrap().total, 1);
}

/// Many at once, on real threads: everyone who is there hears each line once.
#[tokio::test(start_paused = true)]
async fn a_crowd_hears_every_line_once_while_some_of_it_come_and_go() {
    let mut server: MemoryServer = server(|config| {
        (config.limits.sessions, config.limits.unsigned) = (2000, 2000);
        config.limits.lobby_deliveries_per_second = 1_000_000;
    });
    let mut people = Vec::new();
    for number in 0..600 {
        people.push(server.guest(&format!("guest {number}")).await.unwrap());
    }
    for speaker in 0..20 {
        say_in_lobby(&mut people[speaker * 7], "hear");
        people[speaker * 7].flush().await.unwrap();
        people[599 - speaker].send(&ClientPacket::Join { target: JoinTarget::Any }).unwrap();
        people[599 - speaker].flush().await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    for client in &mut people[..580] {
        let mut said = lobby(&heard(client).await);
        assert_eq!(said.len(), 20);
        said.sort();
        said.dedup();
        assert_eq!(said.len(), 20, "a line came twice");
    }
}
