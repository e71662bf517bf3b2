//! A node's rooms, read and written in pieces: one answer is far from late also where the network is slow, and whoever
//! asks for something meanwhile waits for one piece.

use super::{
    fault::Fault,
    scripts::{SAVE_ROOMS, SIZES},
    session::Session,
};
use crate::store::{Piece, RoomChange, SavedRoom};
use bytes::Bytes;
use malpan_protocol::RoomId;
use std::collections::BTreeMap;

/// A piece of rooms, read or written. In the time of one answer it comes through 1.5 Mbit/s; the largest room has a third
/// of it.
pub(super) const PIECE: Piece = Piece { bytes: 256 * 1024, count: 1024 };
/// Fields of a hash that one step looks at. Redis copies their values, and sends their sizes.
const STEP: usize = 64;

/// The hash of the rooms that will be loaded.
const ROOMS: &str = "rooms";
/// Before each of their records: how often the room has been loaded.
const INCARNATION: usize = size_of::<u32>();

/// The node's rooms in the order of their numbers.
pub(super) async fn rooms(session: &Session) -> Result<Vec<SavedRoom>, Fault> {
    records(session, ROOMS).await?.into_iter().map(|(id, record)| room(id, record)).collect()
}

/// How many rooms the node has. Each one's record is long enough to be one.
pub(super) async fn count(session: &Session) -> Result<u64, Fault> {
    let sizes = sizes(session, ROOMS).await?;
    let short = sizes.iter().find(|(_, bytes)| **bytes < INCARNATION);
    short.map_or(Ok(sizes.len() as u64), |(id, _)| Err(cut_short(*id)))
}

/// The node's rooms that were set aside, with the reasons, in the order of their numbers.
pub(super) async fn set_aside(session: &Session) -> Result<Vec<(RoomId, String)>, Fault> {
    let reasons = records(session, "rooms_set_aside").await?.into_iter();
    Ok(reasons.map(|(id, why)| (id, String::from_utf8_lossy(&why).into_owned())).collect())
}

/// What a hash of the node has by rooms' numbers.
async fn records(session: &Session, hash: &str) -> Result<Vec<(RoomId, Vec<u8>)>, Fault> {
    let mut records = Vec::new();
    for piece in PIECE.cut(sizes(session, hash).await?, |(_, bytes)| *bytes) {
        let ids: Vec<u32> = piece.into_iter().map(|(id, _)| id.0).collect();
        let found: Vec<Option<Vec<u8>>> = session.ask_of_node("HMGET", hash, &ids).await?;
        // One that is not there any more has gone meanwhile.
        records.extend(ids.into_iter().zip(found).filter_map(|(id, record)| Some((RoomId(id), record?))));
    }
    Ok(records)
}

/// Whose records a hash of the node has, and how large each is.
async fn sizes(session: &Session, hash: &str) -> Result<BTreeMap<RoomId, usize>, Fault> {
    // Where the hash grows or shrinks meanwhile, a room may come twice.
    let mut sizes = BTreeMap::new();
    let mut cursor = 0_u64;
    loop {
        let (next, found): (u64, Vec<(Vec<u8>, usize)>) = session.run(&SIZES, (hash, cursor, STEP)).await?;
        for (id, bytes) in found {
            let id = String::from_utf8_lossy(&id);
            let id = id.parse().map_err(|_| Fault::Record(format!("{id:?} in {hash} is no room's number")))?;
            sizes.insert(RoomId(id), bytes);
        }
        cursor = next;
        if cursor == 0 {
            return Ok(sizes);
        }
    }
}

/// Makes the changes, all of them at once.
pub(super) async fn save(session: &Session, changes: Vec<RoomChange>) -> Result<(), Fault> {
    let highest = changes.iter().map(|change| change.room().0).max().unwrap_or_default();
    let mut args = vec![highest.to_string().into_bytes()];
    for change in changes {
        let id = change.room();
        let (what, value) = match change {
            RoomChange::Saved(room) => ("saved", [&room.incarnation.to_le_bytes()[..], &room.record].concat()),
            RoomChange::Gone(_) => ("gone", Vec::new()),
            RoomChange::SetAside { why, .. } => ("set aside", why.into_bytes()),
        };
        args.extend([what.into(), id.0.to_string().into_bytes(), value]);
    }
    session.run(&SAVE_ROOMS, args).await
}

fn room(id: RoomId, record: Vec<u8>) -> Result<SavedRoom, Fault> {
    let incarnation = *record.first_chunk().ok_or_else(|| cut_short(id))?;
    let record = Bytes::from(record).slice(INCARNATION..);
    Ok(SavedRoom { id, incarnation: u32::from_le_bytes(incarnation), record })
}

fn cut_short(id: RoomId) -> Fault {
    Fault::Record(format!("the room {id} is cut short"))
}
