//! Strategies for every packet, and for the values in them.

use super::{games, names::Plain};
use malpan_protocol::*;
use proptest::{collection::vec, option, prelude::*, strategy::Union};
use std::ops::RangeInclusive;

/// Any packet from a client.
pub(crate) fn client_packet() -> impl Strategy<Value = ClientPacket> {
    use ClientPacket as P;
    prop_oneof![
        (any::<u16>(), any::<u16>(), text(SoftwareName::MAX_CHARS, SoftwareName::new))
            .prop_map(|(min, max, client)| P::Hello { versions: VersionRange { min, max }, client }),
        name().prop_map(|name| P::Guest { name }),
        (number_u32(), plain::<RoomFilter>()).prop_map(|(id, filter)| P::ListRooms { after: RoomId(id), filter }),
        (option::of(game_name()), title(), option::of(seat_count())).prop_map(|(game, title, seats)| P::OpenRoom {
            game,
            title,
            seats
        }),
        join_target().prop_map(|target| P::Join { target }),
        Just(P::Leave),
        (number_u32(), games::command_bytes()).prop_map(|(seq, command)| P::Command { seq, command }),
        chat_text().prop_map(|text| P::Chat { text }),
        (plain::<SignalTarget>(), payload()).prop_map(|(to, payload)| P::Signal { to, payload }),
        number_u32().prop_map(|nonce| P::Ping { nonce }),
        number_u32().prop_map(|nonce| P::Pong { nonce }),
        Just(P::Bye),
        number_u32().prop_map(|id| P::Watch { room: RoomId(id) }),
        (token(), option::of(seen())).prop_map(|(token, seen)| P::Resume { token, seen }),
        (name(), secret()).prop_map(|(name, secret)| P::Register { name, secret }),
        (name(), secret()).prop_map(|(name, secret)| P::Login { name, secret }),
        (audience(), plain::<Manner>(), chat_text()).prop_map(|(to, manner, text)| P::Say { to, manner, text }),
        number_u64().prop_map(|after| P::ListLobby { after: PlayerId(after) }),
        room_plan().prop_map(|plan| P::CreateRoom(Box::new(plan))),
        room_query().prop_map(|query| P::FindRooms(Box::new(query))),
        (number_u32(), plain::<Part>(), room_password()).prop_map(|(id, part, password)| P::Unlock {
            room: RoomId(id),
            part,
            password
        }),
        name().prop_map(|name| P::Remove { name }),
        name().prop_map(|name| P::HandOver { name }),
    ]
}

/// Any packet from the server.
pub(crate) fn server_packet() -> impl Strategy<Value = ServerPacket> {
    use ServerPacket as P;
    prop_oneof![
        welcome().prop_map(P::Welcome),
        (plain::<DenialCode>(), text(Reason::MAX_CHARS, Reason::new))
            .prop_map(|(code, reason)| P::Denied(Denial { code, reason })),
        (number_u64(), name()).prop_map(|(id, name)| P::SignedIn { player: PlayerId(id), name }),
        (vec(room_info(), 0..=ROOMS_PER_PAGE), option::of(number_u32().prop_map(RoomId)))
            .prop_map(|(rooms, next)| P::Rooms(Rooms { rooms: rooms.try_into().unwrap(), next })),
        joined().prop_map(P::Joined),
        (number_u64(), member(), games::update_bytes()).prop_map(|(event, member, updates)| P::Entered(Entered {
            event,
            member,
            updates
        })),
        (number_u64(), seat(), plain::<LeaveReason>(), games::update_bytes())
            .prop_map(|(event, seat, reason, updates)| P::Left(Left { event, seat, reason, updates })),
        updates().prop_map(P::Updates),
        (number_u64(), number_u64(), games::state_bytes(), acks(0..=MAX_SEATS))
            .prop_map(|(event, batch, state, acks)| P::Snapshot(Snapshot { event, batch, state, acks })),
        (number_u32(), refusal_reason()).prop_map(|(seq, why)| P::Refused(Refused { seq, why })),
        (number_u64(), seat(), chat_text()).prop_map(|(event, seat, text)| P::Chat(Chatted { event, seat, text })),
        (number_u64(), seat(), payload()).prop_map(|(event, seat, payload)| P::Signal(Signalled {
            event,
            seat,
            payload
        })),
        payload().prop_map(|payload| P::Echo { payload }),
        number_u32().prop_map(|nonce| P::Ping { nonce }),
        number_u32().prop_map(|nonce| P::Pong { nonce }),
        number_u32().prop_map(|id| P::RoomLeft { room: RoomId(id) }),
        any::<u16>().prop_map(|seconds| P::Draining { seconds }),
        plain::<KickReason>().prop_map(|reason| P::Kicked { reason }),
        (number_u64(), option::of(ack()), games::update_bytes())
            .prop_map(|(event, ack, updates)| P::Happened(Happened { event, ack, updates })),
        token().prop_map(|token| P::Token { token }),
        (number_u64(), name(), resumption()).prop_map(|(id, name, place)| P::Resumed(Resumed {
            player: PlayerId(id),
            name,
            place
        })),
        (number_u64(), seat()).prop_map(|(event, seat)| P::Away { event, seat }),
        (number_u64(), seat()).prop_map(|(event, seat)| P::Back { event, seat }),
        vec(seat(), 0..=MAX_SEATS).prop_map(|seats| P::Absent { seats: seats.try_into().unwrap() }),
        chat_text().prop_map(|text| P::Notice { text }),
        (number_u64(), seat(), chat_text()).prop_map(|(event, seat, text)| P::Emote(Chatted { event, seat, text })),
        (name(), plain::<Manner>(), chat_text()).prop_map(|(name, manner, text)| P::LobbyChat(LobbyChat {
            name,
            manner,
            text
        })),
        (name(), name(), plain::<Manner>(), chat_text()).prop_map(|(from, to, manner, text)| P::Whisper(Whisper {
            from,
            to,
            manner,
            text
        })),
        history().prop_map(P::History),
        (any::<u32>(), vec(name(), 0..=LOBBY_PAGE), option::of(number_u64().prop_map(PlayerId)))
            .prop_map(|(total, names, next)| P::LobbyPage(LobbyPage { total, names: names.try_into().unwrap(), next })),
        (vec(room_entry(), 0..=ROOMS_PER_PAGE), option::of(number_u32().prop_map(RoomId)))
            .prop_map(|(rooms, next)| P::RoomList(RoomList { rooms: rooms.try_into().unwrap(), next })),
        (number_u32(), option::of(seat()), plain::<Door>()).prop_map(|(id, owner, door)| P::About(About {
            room: RoomId(id),
            owner,
            door
        })),
        (number_u64(), option::of(seat())).prop_map(|(event, seat)| P::Owner { event, seat }),
        (number_u32(), name()).prop_map(|(id, by)| P::Removed { room: RoomId(id), by }),
    ]
}

fn token() -> impl Strategy<Value = ResumeToken> {
    any::<[u8; ResumeToken::BYTES]>().prop_map(ResumeToken::new)
}

fn seen() -> impl Strategy<Value = Seen> {
    (number_u32(), number_u32(), number_u64()).prop_map(|(id, incarnation, event)| Seen {
        room: RoomId(id),
        incarnation,
        event,
    })
}

/// Anything that may have become of a seat.
fn resumption() -> impl Strategy<Value = Resumption> {
    prop_oneof![
        Just(Resumption::Lobby),
        (number_u32(), number_u32()).prop_map(|(id, events)| Resumption::Missed { room: RoomId(id), events }),
        number_u32().prop_map(|id| Resumption::Anew { room: RoomId(id) }),
    ]
}

/// Any way to say which room.
pub(crate) fn join_target() -> impl Strategy<Value = JoinTarget> {
    prop_oneof![
        Just(JoinTarget::Any),
        number_u32().prop_map(|id| JoinTarget::Room(RoomId(id))),
        game_name().prop_map(JoinTarget::AnyOf),
    ]
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![Just(Audience::Room), Just(Audience::Lobby), name().prop_map(Audience::Player)]
}

fn room_password() -> impl Strategy<Value = RoomPassword> {
    prop_oneof!["[ -~]{1,64}", "[가-힣]{1,21}"].prop_map(|text| RoomPassword::new(&text).unwrap())
}

fn board_size() -> impl Strategy<Value = BoardSize> {
    (1..=BoardSize::MAX_SIDE, 1..=BoardSize::MAX_SIDE)
        .prop_map(|(width, height)| BoardSize::new(width, height).unwrap())
}

fn room_plan() -> impl Strategy<Value = RoomPlan> {
    let limits = (option::of(seat_count()), option::of(board_size()), option::of(room_password()));
    (option::of(game_name()), title(), limits).prop_map(|(game, title, (seats, board, password))| RoomPlan {
        game,
        title,
        seats,
        board,
        password,
    })
}

fn room_query() -> impl Strategy<Value = RoomQuery> {
    let wanted = (option::of(plain::<Door>()), option::of(game_name()), option::of(title()));
    (number_u32(), plain::<RoomFilter>(), wanted).prop_map(|(after, seats, (door, game, title))| RoomQuery {
        after: RoomId(after),
        seats,
        door,
        game,
        title,
    })
}

/// As a server sends it: of so many long lines that they fit.
fn history() -> impl Strategy<Value = History> {
    let line =
        (name(), plain::<Manner>(), chat_text()).prop_map(|(name, manner, text)| PastLine { name, manner, text });
    let short = ("[a-z]{1,9}", plain::<Manner>()).prop_map(|(text, manner)| PastLine {
        name: Name::new("Ann").unwrap(),
        manner,
        text: ChatText::new(&text).unwrap(),
    });
    let lines = prop_oneof![vec(line, 0..=15), vec(short, MAX_HISTORY..=MAX_HISTORY)];
    (number_u32(), lines).prop_map(|(id, lines)| History { room: RoomId(id), lines: lines.try_into().unwrap() })
}

fn room_entry() -> impl Strategy<Value = RoomEntry> {
    (room_info(), plain::<Door>(), option::of(name())).prop_map(|(info, door, owner)| {
        let RoomInfo { room, title, game, taken, seats, watchers } = info;
        RoomEntry { room, title, game, taken, seats, watchers, door, owner }
    })
}

/// Any refusal of a command.
pub(crate) fn refusal_reason() -> impl Strategy<Value = RefusalReason> {
    prop_oneof![Just(RefusalReason::TooFast), games::refusal_bytes().prop_map(RefusalReason::Rules)]
}

/// Texts up to far over every limit, rich in what the rules look at.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    use proptest::char::range;
    let char = prop_oneof![
        60 => range(' ', '~'),
        10 => range('\u{300}', '\u{36f}'),
        10 => range('\u{1100}', '\u{11ff}'),
        1 => any::<char>(),
        1 => range('\u{7f}', '\u{ad}'),
        1 => range('\u{2000}', '\u{206f}'),
    ];
    let length = prop_oneof![3 => 0..30_usize, 1 => 0..260_usize];
    length.prop_flat_map(move |length| vec(char.clone(), length)).prop_map(String::from_iter)
}

/// Numbers of every length on the wire, not only the long ones that a uniform choice gives.
fn number_u32() -> impl Strategy<Value = u32> {
    prop_oneof![0..=251_u32, any::<u16>().prop_map(u32::from), any::<u32>()]
}

fn number_u64() -> impl Strategy<Value = u64> {
    prop_oneof![number_u32().prop_map(u64::from), any::<u64>()]
}

pub(super) fn plain<E: Plain + std::fmt::Debug>() -> Union<Just<E>> {
    Union::new(E::ALL.iter().map(|(_, value)| Just(*value)))
}

/// Texts in many scripts and lengths, of which the rule keeps those that it allows.
fn text<T: std::fmt::Debug, E>(max: usize, rule: fn(&str) -> Result<T, E>) -> impl Strategy<Value = T> {
    let any_text = prop_oneof![
        2 => "[ -~]{1,40}",
        2 => "[가-힣ㄱ-ㅎ\u{1100}-\u{1112}\u{1161}-\u{1175}]{1,40}",
        1 => "[a-zß-ÿ\u{300}-\u{30f}]{1,40}",
        1 => vec(any::<char>(), 1..40).prop_map(String::from_iter),
        1 => vec(Just('\u{1f9e9}'), max).prop_map(String::from_iter),
    ];
    any_text.prop_filter_map("the rule refuses it", move |text| rule(&text.chars().take(max).collect::<String>()).ok())
}

fn name() -> impl Strategy<Value = Name> {
    text(Name::MAX_CHARS, Name::new)
}

fn title() -> impl Strategy<Value = RoomTitle> {
    text(RoomTitle::MAX_CHARS, RoomTitle::new)
}

fn chat_text() -> impl Strategy<Value = ChatText> {
    text(ChatText::MAX_CHARS, ChatText::new)
}

fn secret() -> impl Strategy<Value = Secret> {
    prop_oneof!["[ -~]{8,128}", "[가-힣]{3,42}"].prop_map(|text| Secret::new(&text).unwrap())
}

fn game_name() -> impl Strategy<Value = GameName> {
    "[a-z0-9-]{1,15}".prop_map(|text| GameName::new(&text).unwrap())
}

fn payload() -> impl Strategy<Value = SignalPayload> {
    vec(any::<u8>(), 0..=SignalPayload::MAX_BYTES).prop_map(|bytes| SignalPayload::new(&bytes).unwrap())
}

pub(super) fn seat() -> impl Strategy<Value = Seat> {
    (0..MAX_SEATS).prop_map(|index| Seat::new(u8::try_from(index).unwrap()).unwrap())
}

fn seat_count() -> impl Strategy<Value = SeatCount> {
    (1..=MAX_SEATS).prop_map(|count| SeatCount::new(u8::try_from(count).unwrap()).unwrap())
}

pub(super) fn cell() -> impl Strategy<Value = Cell> {
    (any::<u8>(), any::<u8>()).prop_map(|(x, y)| Cell { x, y })
}

fn member() -> impl Strategy<Value = Member> {
    (seat(), name()).prop_map(|(seat, name)| Member { seat, name })
}

fn room_info() -> impl Strategy<Value = RoomInfo> {
    (number_u32(), title(), game_name(), any::<u8>(), seat_count(), any::<u8>()).prop_map(
        |(id, title, game, taken, seats, watchers)| RoomInfo { room: RoomId(id), title, game, taken, seats, watchers },
    )
}

fn welcome() -> impl Strategy<Value = Welcome> {
    (any::<u16>(), text(SoftwareName::MAX_CHARS, SoftwareName::new), any::<[u16; 7]>()).prop_map(
        |(version, server, [frame, packets, steps, burst, signals, tick_ms, silence_seconds])| Welcome {
            version,
            server,
            limits: Limits {
                frame_bytes: frame,
                packets_per_second: packets,
                steps_per_second: steps,
                step_burst: burst,
                signals_per_second: signals,
                tick_ms,
                silence_seconds,
            },
        },
    )
}

fn joined() -> impl Strategy<Value = Joined> {
    let room = (number_u32(), title(), seat_count(), game_name(), option::of(seat()));
    let state = (vec(member(), 0..=MAX_SEATS), number_u32(), number_u64(), number_u64(), games::state_bytes());
    (room, state).prop_map(|((id, title, seats, game, seat), (members, incarnation, event, batch, state))| Joined {
        room: RoomId(id),
        title,
        seats,
        game,
        seat,
        members: members.try_into().unwrap(),
        incarnation,
        event,
        batch,
        state,
    })
}

/// Mostly batches as they are, sometimes with the most acknowledgements that may be.
fn updates() -> impl Strategy<Value = Updates> {
    let acks = prop_oneof![9 => acks(0..=30), 1 => acks(MAX_ACKS..=MAX_ACKS)];
    (number_u64(), number_u64(), games::update_bytes(), acks).prop_map(|(event, batch, updates, acks)| Updates {
        event,
        batch,
        updates,
        acks,
    })
}

fn acks<const MAX: usize>(counts: RangeInclusive<usize>) -> impl Strategy<Value = List<Ack, MAX>> {
    vec(ack(), counts).prop_map(|acks| acks.try_into().unwrap())
}

fn ack() -> impl Strategy<Value = Ack> {
    (seat(), number_u32()).prop_map(|(seat, seq)| Ack { seat, seq })
}
