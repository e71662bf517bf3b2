//! At the start: what was kept comes back.

use super::{Record, record::SavedAs};
use crate::{
    accounts::Identity,
    host::Shared,
    resume::Kept,
    store::{RoomChange, SavedRoom, StoreError},
};
use malpan_net::Shard;
use malpan_protocol::{RoomId, Seat};
use std::{cmp::Reverse, collections::HashMap};

/// What has come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Loaded {
    pub(crate) rooms: usize,
    /// Who sat there, and is expected.
    pub(crate) players: usize,
    /// Rooms that are not loaded, and are kept for whoever wants to know why.
    pub(crate) set_aside: usize,
}

/// Opens the rooms that were saved, those who sat there being away from now on. On an error nothing has been done here, and it
/// can be tried again.
pub(crate) async fn load(host: &Shared, shards: &[Shard]) -> Result<Loaded, StoreError> {
    let (last, saved) = (host.store.last_room().await?, host.store.rooms().await?);
    let mut changes = Vec::new();
    let mut rooms = Vec::new();
    for SavedRoom { id, incarnation, record } in saved {
        if !host.saver.is_on() {
            changes.push(RoomChange::Gone(id));
            continue;
        }
        match readable(host, rooms.len(), &record) {
            Ok(read) => {
                // Before anyone is let in: what follows is another life of the room, also if this one is short.
                let incarnation = incarnation.saturating_add(1);
                changes.push(RoomChange::Saved(SavedRoom { id, incarnation, record }));
                rooms.push((id, incarnation, read));
            }
            Err(why) => {
                tracing::error!(room = id.0, why, "a room is set aside");
                changes.push(RoomChange::SetAside { id, why });
            }
        }
    }
    let set_aside = changes.iter().filter(|change| matches!(change, RoomChange::SetAside { .. })).count();
    // Where one fails, the next try counts some rooms' lives twice, which nobody sees.
    for piece in host.store.rooms_at_once().cut(changes, RoomChange::bytes) {
        host.store.save_rooms(piece).await?;
    }

    host.directory.count_on_from(last);
    let mut identities = identities(host, &rooms);
    let mut loaded = Loaded { rooms: rooms.len(), players: 0, set_aside };
    for (id, incarnation, record) in rooms {
        let shard = &shards[id.0 as usize % shards.len()];
        let seats = record.room.taken();
        for (seat, place) in seats.into_iter().zip(host.directory.reopen(id, incarnation, record, shard)) {
            // Whoever does not come back leaves the seat: the hold does that.
            if let Some(identity) = identities.remove(&(id, seat)) {
                loaded.players += usize::from(host.registry.expect(Kept { place: Some(place), ..Kept::new(identity) }));
            }
        }
    }
    host.registry.expect_earlier();
    Ok(loaded)
}

/// The room, if this server can have it.
fn readable(host: &Shared, rooms: usize, record: &[u8]) -> Result<Record, String> {
    let record = Record::read(record).map_err(|error| error.to_string())?;
    let SavedAs { game, .. } = record.room;
    if host.directory.games().find(game).is_none() {
        return Err(format!("this server has no game named {game}"));
    }
    if rooms >= host.config.limits.rooms {
        return Err(format!("there are {rooms} rooms already, as many as limits.rooms allows"));
    }
    Ok(record)
}

/// Who comes back, and where to. Rooms are not saved all at once: who is in two of them went from the older to the later.
fn identities(host: &Shared, rooms: &[(RoomId, u32, Record)]) -> HashMap<(RoomId, Seat), Identity> {
    let mut latest: Vec<_> = rooms.iter().collect();
    latest.sort_by_key(|(id, _, record)| (Reverse(record.room.saved_at), *id));
    let members = latest.iter().flat_map(|(id, _, record)| record.room.members.iter().map(move |member| (*id, member)));
    members
        .filter_map(|(id, member)| {
            let player = member.player?;
            let identity = host.accounts.again(player.id, member.name.clone(), player.guest)?;
            Some(((id, member.seat), identity))
        })
        .collect()
}
