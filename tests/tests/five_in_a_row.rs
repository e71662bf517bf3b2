//! Five in a row, played to its end by two clients over real sockets while a third watches; and the rooms of two games
//! beside each other.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Room, RoomError};
use malpan_e2e::{TestServer, within};
use malpan_protocol::{
    Ack, Cell, DenialCode, GameName, JoinTarget, RefusalReason, Refused, RoomFilter, RoomId, RoomTitle, Seat,
    ServerPacket,
    game::five::{Command, Outcome, Phase, Refusal, State, Update, Victory},
};

const FIVE: JoinTarget = JoinTarget::AnyOf(GameName::FIVE);

/// Someone at the table.
struct Player {
    client: Client,
    room: Room<State>,
}

impl Player {
    async fn sit_down(server: &TestServer, name: &str) -> Self {
        let mut client = within(server.guest(name)).await.unwrap();
        let room = Room::new(&within(client.join(FIVE)).await.unwrap()).unwrap();
        Self { client, room }
    }

    fn seat(&self) -> Seat {
        self.room.own_seat().unwrap()
    }

    /// Takes in the next event, and returns what it said of the game and whose command it acknowledged.
    async fn hears(&mut self) -> (Vec<Update>, Option<Ack>) {
        let packet = within(self.client.next()).await.unwrap();
        self.room.apply(&packet).unwrap();
        let (updates, ack) = match packet {
            ServerPacket::Happened(happened) => (happened.updates, happened.ack),
            ServerPacket::Entered(entered) => (entered.updates, None),
            ServerPacket::Left(left) => (left.updates, None),
            other => panic!("{other:?}"),
        };
        (updates.values().collect::<Result<_, _>>().unwrap(), ack)
    }

    /// Asks for something that the rules refuse.
    async fn is_refused(&mut self, command: Command) -> Refusal {
        let seq = self.client.command(&command).unwrap();
        let before = self.room.clone();
        match within(self.client.next()).await.unwrap() {
            ServerPacket::Refused(Refused { seq: refused, why: RefusalReason::Rules(why) }) => {
                assert_eq!((refused, &self.room), (seq, &before));
                why.decode().unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// One asks for something, and everyone hears the same of it.
async fn does(everyone: &mut [&mut Player], who: usize, command: Command) -> Vec<Update> {
    let seat = everyone[who].seat();
    let seq = everyone[who].client.command(&command).unwrap();
    within(everyone[who].client.flush()).await.unwrap();
    let mut told = Vec::new();
    for one in everyone.iter_mut() {
        let (updates, ack) = one.hears().await;
        assert_eq!(ack, Some(Ack { seat, seq }));
        told.push(updates);
    }
    assert!(told.iter().all(|updates| *updates == told[0]));
    assert!(everyone.iter().all(|one| one.room.view() == everyone[0].room.view()));
    told.swap_remove(0)
}

fn place(x: u8, y: u8) -> Command {
    Command::Place(Cell { x, y })
}

#[tokio::test]
async fn a_game_from_the_first_stone_to_the_rematch() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut ann = Player::sit_down(&server, "Ann").await;
    assert_eq!(ann.room.view().phase, Phase::Waiting);
    assert_eq!(ann.is_refused(place(7, 7)).await, Refusal::NoGame);
    let mut bob = Player::sit_down(&server, "Bob").await;
    assert_eq!(bob.room.id(), ann.room.id());
    assert_eq!(ann.hears().await.0, [Update::Began { black: ann.seat() }]);
    // Who comes while it is on finds it as it stands.
    does(&mut [&mut ann, &mut bob], 0, place(7, 7)).await;
    let mut client = within(server.guest("Eve")).await.unwrap();
    let room = Room::new(&within(client.watch(ann.room.id())).await.unwrap()).unwrap();
    let mut eve = Player { client, room };
    assert_eq!((eve.room.own_seat(), eve.room.view()), (None, ann.room.view()));
    let everyone = &mut [&mut ann, &mut bob, &mut eve][..];

    assert_eq!(everyone[0].is_refused(place(8, 7)).await, Refusal::NotYourTurn);
    assert_eq!(everyone[1].is_refused(place(7, 7)).await, Refusal::Taken);
    assert_eq!(everyone[1].is_refused(place(15, 0)).await, Refusal::OffBoard);
    for x in 8..11 {
        assert_eq!(does(everyone, 1, place(x, 0)).await.len(), 1);
        assert_eq!(does(everyone, 0, place(x, 7)).await.len(), 1);
    }
    does(everyone, 1, place(0, 14)).await;
    let black = everyone[0].seat();
    let won = Update::Over(Outcome::Won { seat: black, by: Victory::Five });
    let last = does(everyone, 0, place(11, 7)).await;
    assert_eq!(last, [Update::Placed { seat: black, cell: Cell { x: 11, y: 7 } }, won]);
    assert_eq!(everyone[1].is_refused(place(1, 1)).await, Refusal::NoGame);

    // Both ask, and the colours change; the second game is given up.
    does(everyone, 0, Command::Rematch).await;
    let white = everyone[1].seat();
    assert_eq!(does(everyone, 1, Command::Rematch).await, [Update::Began { black: white }]);
    does(everyone, 1, place(0, 0)).await;
    let resigned = Update::Over(Outcome::Won { seat: white, by: Victory::Resignation });
    assert_eq!(does(everyone, 0, Command::Resign).await, [resigned]);

    // A third game ends when one leaves; the other waits for the next opponent.
    does(everyone, 0, Command::Rematch).await;
    does(everyone, 1, Command::Rematch).await;
    within(everyone[1].client.leave()).await.unwrap();
    let departed = Update::Over(Outcome::Won { seat: black, by: Victory::Departure });
    assert_eq!(everyone[0].hears().await.0, [departed]);
    assert_eq!(everyone[2].hears().await.0, [departed]);
    assert_eq!(everyone[0].is_refused(Command::Rematch).await, Refusal::NoOpponent);
}

#[tokio::test]
async fn two_games_have_rooms_of_their_own() {
    let server = TestServer::start(|_| {}).unwrap();
    let five = Player::sit_down(&server, "Ann").await;
    let (mut walker, board) = within(server.player("Walker")).await.unwrap();
    assert_ne!(five.room.id(), board.id());
    let page = within(walker.list_rooms(RoomId(0), RoomFilter::All)).await.unwrap();
    let mut listed: Vec<_> = page.rooms.iter().map(|info| (info.game, info.seats.count())).collect();
    listed.sort_unstable();
    assert_eq!(listed, [(GameName::BOARD, 10), (GameName::FIVE, 2)]);

    let mut late = within(server.guest("Late")).await.unwrap();
    // More seats than the game has are not to be had.
    let (title, seats) = (RoomTitle::new("for ten").unwrap(), malpan_protocol::SeatCount::new(10).unwrap());
    let joined = within(late.open_room(Some(GameName::FIVE), title.clone(), Some(seats))).await.unwrap();
    assert_eq!((joined.game, joined.seats.count(), joined.title), (GameName::FIVE, 2, title.clone()));
    within(late.leave()).await.unwrap();
    let unknown = GameName::new("chess").unwrap();
    let denied =
        [within(late.open_room(Some(unknown), title, None)).await, within(late.join(JoinTarget::AnyOf(unknown))).await];
    for answer in denied {
        assert!(
            matches!(&answer, Err(ClientError::Denied(denial)) if denial.code == DenialCode::NoSuchGame),
            "{answer:?}"
        );
    }
    let joined = within(late.join(JoinTarget::Room(five.room.id()))).await.unwrap();
    assert_eq!(Room::<malpan_client::BoardView>::new(&joined), Err(RoomError::WrongGame(GameName::FIVE)));
}
