//! How runs end: everyone plays, everyone goes, the server stops.

use super::{
    driver::Driver,
    honest::Standing,
    mirror::locked,
    network::{Door, Network},
    world::Phase,
};
use malpan_client::{Client, ConnectOptions};
use malpan_protocol::{Name, RoomFilter, RoomId, Rooms};
use std::{sync::PoisonError, time::Duration};
use tokio::time::{Instant, sleep};

/// The longest that an owner may have to wait for what others at the same address have tried, in seconds.
const WRONG_PASSWORDS: u64 = 60;

impl Driver {
    /// The faults stop: within bounded time everyone is playing or has a final answer, and sees what is.
    pub(super) async fn everyone_plays(&mut self) -> bool {
        self.hostile.drain(..).for_each(|client| client.abort());
        self.network.repair();
        // Whatever each was told before: who is in a room says so again.
        (0..self.plan.honest).for_each(|id| self.stands(id, Standing::Away));
        self.world.enter(Phase::Settling);
        // The server has to give up who has vanished before names and places are free again.
        let within = self.given_up_within() + if self.plan.accounts { WRONG_PASSWORDS } else { 0 };
        let settled = self.until(within + 45, "everyone plays or has an answer", |driver| {
            let standings = driver.standings.lock().unwrap_or_else(PoisonError::into_inner);
            let away: Vec<_> = standings.iter().filter(|(_, standing)| **standing == Standing::Away).collect();
            // And the server knows who is gone.
            let half_open = driver.network.half_open();
            let kept = driver.watch.host.away();
            if away.is_empty() && half_open == 0 && kept == 0 {
                Ok(())
            } else {
                Err(format!("{away:?}, {half_open} half open, {kept} kept"))
            }
        });
        if !settled.await {
            return false;
        }
        self.world.enter(Phase::Quiet);
        for _ in 0..20 {
            if !self.step(211).await {
                return false;
            }
        }
        self.world.enter(Phase::Comparing);
        for _ in 0..8 {
            if !self.step(211).await {
                return false;
            }
        }
        self.the_list_shows_what_is().await;
        !self.world.has_failed()
    }

    /// In so many seconds the server has given up who has vanished.
    fn given_up_within(&self) -> u64 {
        let limits = &self.plan.config.limits;
        (limits.silence + limits.resume_grace).as_secs()
    }

    /// A stranger who asks for the rooms sees who sits and who watches where.
    async fn the_list_shows_what_is(&self) {
        // Where the server is full, it is not asked.
        let Some(list) = rooms(&self.network).await else { return };
        let mirror = locked(&self.watch.mirror);
        let listed: Vec<_> =
            list.rooms.iter().map(|room| (room.room.0, room.taken.into(), room.watchers.into())).collect();
        let there = mirror.rooms.iter().map(|(&id, room)| (id, room.seated.len(), room.watching.len()));
        let there: Vec<_> = there.collect();
        if list.next.is_none() && listed != there {
            self.world.fail(|| format!("the list has {listed:?}, and there are {there:?}"));
        }
        self.world.count("the list showed what was");
    }

    pub(super) fn stands(&self, id: u32, standing: Standing) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).insert(id, standing);
    }

    /// Everyone goes, and every count is back. Then there is room for as many from each address as there may be.
    pub(super) async fn everyone_goes(&mut self) {
        self.world.enter(Phase::Leaving);
        let gone = |driver: &Self| match driver.watch.clients.len() {
            0 => driver.watch.all_is_back(),
            clients => Err(format!("{clients} clients")),
        };
        if !self.until(self.given_up_within() + 15, "all counts are back", gone).await {
            return;
        }
        self.world.count("everyone was gone, and all counts were back");
        if !self.there_is_room_again().await {
            return;
        }
        self.stop_the_server().await;
    }

    async fn there_is_room_again(&mut self) -> bool {
        let limits = &self.plan.config.limits;
        let all = limits.sessions.min(limits.unsigned);
        let each = limits.sessions_per_address.min(all);
        for host in 1..=self.plan.addresses {
            let mut streams = Vec::new();
            for _ in 0..each {
                match self.network.connect(Door::Players, [10, 0, 0, host].into()) {
                    Ok(stream) => streams.push(stream),
                    Err(error) => self.world.fail(|| format!("no connection: {error}")),
                }
            }
            sleep(Duration::from_millis(1)).await;
            let refused = streams.iter().filter(|stream| !stream.link.state().handed_over).count();
            if refused > 0 {
                self.world.fail(|| format!("{refused} of {each} from 10.0.0.{host} were refused, and nobody is there"));
            }
            drop(streams);
            if !self.until(5, "all counts are back", |driver| driver.watch.all_is_back()).await {
                return false;
            }
        }
        true
    }

    /// Stops the server: it gains nothing, is through in time, and nothing is left of it.
    pub(super) async fn stop_the_server(&mut self) {
        self.world.enter(Phase::Draining);
        let began = Instant::now();
        drop(self.stop.take());
        // The driver is polled before the server is: it learns of it within the next millisecond.
        sleep(Duration::from_millis(1)).await;
        self.watch.drain_begins();
        let limit = self.plan.config.drain.max(Duration::from_secs(1)) + Duration::from_millis(2);
        while !self.server.is_finished() {
            if began.elapsed() > limit {
                return self.world.fail(|| format!("the server took longer than {limit:?} to stop"));
            }
            let left = limit.saturating_sub(began.elapsed()) + Duration::from_millis(1);
            if !self.step(u64::try_from(left.as_millis()).unwrap_or(173).min(173)).await {
                return;
            }
            if self.server.is_finished() {
                break;
            }
        }
        self.world.count("the server stopped in time");
        self.hostile.drain(..).for_each(|client| client.abort());
        self.until(8, "nothing is left of the server", |driver| driver.watch.all_is_back()).await;
        // Told, or cut off: every client has its end.
        self.network.repair();
        self.until(30, "every client has its end", |driver| match driver.watch.clients.len() {
            0 => Ok(()),
            clients => Err(format!("{clients} clients")),
        })
        .await;
    }
}

/// One page of the list of rooms, as a stranger sees it.
async fn rooms(network: &Network) -> Option<Rooms> {
    let stream = network.connect(Door::Players, [127, 0, 0, 1].into()).ok()?;
    let mut client = Client::handshake(stream, &ConnectOptions::default()).await.ok()?;
    client.sign_in_guest(Name::new("stranger").expect("a short name")).await.ok()?;
    let rooms = client.list_rooms(RoomId(0), RoomFilter::All).await.ok();
    // So that nobody is kept for it.
    client.bye().await.ok()?;
    rooms
}
