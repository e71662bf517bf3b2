//! A scrape: where each number of the page comes from.
//!
//! What someone counts or knows anyway is read here and nowhere else, when somebody asks: connections from malpan-net,
//! rooms and players from the host, tasks and busy time from the shards, the process from the system.

use super::{
    Meters,
    kinds::{Shown, shown},
    text::Page,
};
use crate::host::Host;
use malpan_net::{Admission, Count, Counters, Shard};
use std::sync::Arc;

/// Everything that a page is made of.
#[derive(Debug)]
pub(crate) struct Sources {
    host: Host,
    admission: Arc<Admission>,
    counters: Arc<Counters>,
    shards: Arc<[Shard]>,
}

/// What waits in the send queues of all sessions.
#[derive(Debug, Default)]
struct Queued {
    messages: usize,
    bytes: usize,
    most_messages: usize,
    most_bytes: usize,
}

impl Sources {
    /// The sources of a server that runs; `shards` are all its threads with tasks of players or rooms.
    pub(crate) fn new(host: Host, admission: Arc<Admission>, counters: Arc<Counters>, shards: Arc<[Shard]>) -> Self {
        Self { host, admission, counters, shards }
    }

    /// Whether the server has been asked to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.host.is_draining()
    }

    /// Whether the store's rooms have not come back yet.
    pub(crate) fn is_loading(&self) -> bool {
        self.host.is_loading()
    }

    /// Whether the store answers.
    pub(crate) fn store_is_well(&self) -> bool {
        self.host.store().is_well()
    }

    /// The page as of now.
    pub(crate) fn page(&self) -> String {
        let mut page = Page::default();
        self.connections(&mut page);
        self.queues(&mut page);
        self.game(&mut page);
        reports(&mut page, &self.host.metrics().0);
        self.store(&mut page);
        self.shards(&mut page);
        process(&mut page);
        page.into_text()
    }

    fn connections(&self, page: &mut Page) {
        let reasons = |reason: fn(Shown) -> Option<&'static str>| {
            Count::ALL.iter().filter_map(move |&count| Some((reason(shown(count))?, self.counters.value(count))))
        };
        page.gauge("malpan_sessions", "Connections that were let in.", self.admission.sessions());
        page.gauge(
            "malpan_unsigned_sessions",
            "Connections that were let in and have not signed in yet.",
            self.admission.pending(),
        );
        page.counter(
            "malpan_connections_accepted_total",
            "Connections that were accepted, the refused ones included.",
            self.counters.value(Count::Accepted),
        );
        page.counter(
            "malpan_accept_errors_total",
            "Connections that could not be accepted, mostly for want of open files.",
            self.counters.value(Count::AcceptErrors),
        );
        page.counters(
            "malpan_connections_refused_total",
            "Connections that were refused for want of a place.",
            "reason",
            reasons(|shown| if let Shown::Refused(reason) = shown { Some(reason) } else { None }),
        );
        page.counters(
            "malpan_sessions_closed_total",
            "Connections that ended, by what ended them.",
            "reason",
            reasons(|shown| if let Shown::Closed(reason) = shown { Some(reason) } else { None }),
        );
        page.counters(
            "malpan_frames_left_out_total",
            "Frames that were left out for clients that fell behind, by their class.",
            "class",
            reasons(|shown| if let Shown::LeftOut(class) = shown { Some(class) } else { None }),
        );
        for (name, help, count) in [
            ("malpan_read_bytes_total", "Bytes that were read from clients.", Count::BytesReceived),
            ("malpan_written_bytes_total", "Bytes that were written to clients.", Count::BytesWritten),
            (
                "malpan_read_packets_total",
                "Packets that were read from clients, of all protocols.",
                Count::PacketsReceived,
            ),
            ("malpan_written_frames_total", "Frames that were written to their last byte.", Count::FramesWritten),
        ] {
            page.counter(name, help, self.counters.value(count));
        }
    }

    /// The depth of the queues is looked at now, and not at each send: that costs the sender nothing.
    fn queues(&self, page: &mut Page) {
        let mut queued = Queued::default();
        for shard in &*self.shards {
            shard.each_session(|session| queued.add(session.backlog()));
        }
        page.gauge("malpan_queued_messages", "Messages that wait in all send queues.", queued.messages);
        page.gauge("malpan_queued_bytes", "Bytes that wait in all send queues.", queued.bytes);
        page.gauge("malpan_queued_messages_max", "Messages that wait in the longest send queue.", queued.most_messages);
        page.gauge("malpan_queued_bytes_max", "Bytes that wait in the largest send queue.", queued.most_bytes);
    }

    fn game(&self, page: &mut Page) {
        page.gauge("malpan_players", "Players who are signed in and connected.", self.host.signed_in());
        page.gauge("malpan_players_away", "Players who lost their connection and may come back.", self.host.away());
        page.gauge("malpan_rooms", "Rooms that are open.", self.host.rooms());
        page.gauge("malpan_seats_taken", "Seats that are taken or reserved, in all rooms.", self.host.seats_taken());
        page.gauge(
            "malpan_draining",
            "1 from when the server was asked to stop, else 0.",
            u8::from(self.host.is_draining()),
        );
    }

    fn store(&self, page: &mut Page) {
        let (meters, store) = (&self.host.metrics().0, self.host.store());
        page.gauge(
            "malpan_store_unsaved",
            "Rooms and resume tokens that have changed and are not in the store yet.",
            self.host.unsaved(),
        );
        page.gauge("malpan_store_well", "1 while the store answers, else 0.", u8::from(store.is_well()));
        page.gauge("malpan_store_queued", "Operations that wait for the store.", store.queued());
        page.counters(
            "malpan_store_operations_total",
            "Operations that the store answered.",
            "operation",
            meters.store_operations.totals(),
        );
        page.counters(
            "malpan_store_failures_total",
            "Operations that the store answered with a failure.",
            "operation",
            meters.store_failures.totals(),
        );
        page.histogram("malpan_store_seconds", "Time until the store answered.", &meters.store_seconds);
    }

    fn shards(&self, page: &mut Page) {
        fn each<'a, V: 'a>(
            shards: &'a [Shard],
            value: impl Fn(&Shard) -> V + 'a,
        ) -> impl Iterator<Item = (usize, V)> + 'a {
            shards.iter().map(move |shard| (shard.index(), value(shard)))
        }
        page.gauges(
            "malpan_shard_sessions",
            "Connections that live on the shard.",
            "shard",
            each(&self.shards, Shard::sessions),
        );
        page.gauges(
            "malpan_shard_tasks",
            "Tasks on the shard: one for each connection and each room.",
            "shard",
            each(&self.shards, Shard::tasks),
        );
        page.counters(
            "malpan_shard_busy_seconds_total",
            "Seconds in which the shard's thread ran tasks; their rate is the busy share.",
            "shard",
            each(&self.shards, |shard| shard.busy().as_secs_f64()),
        );
    }
}

impl Queued {
    fn add(&mut self, (messages, bytes): (usize, usize)) {
        self.messages += messages;
        self.bytes += bytes;
        self.most_messages = self.most_messages.max(messages);
        self.most_bytes = self.most_bytes.max(bytes);
    }
}

/// What players and rooms reported.
fn reports(page: &mut Page, meters: &Meters) {
    page.counters("malpan_received_packets_total", "Packets from clients.", "kind", meters.received_packets.totals());
    page.counters(
        "malpan_received_bytes_total",
        "Bytes of the frames of packets from clients.",
        "kind",
        meters.received_bytes.totals(),
    );
    page.counters(
        "malpan_sent_packets_total",
        "Packets that were queued for clients, each counted for each client; but for the server's own pings.",
        "kind",
        meters.sent_packets.totals(),
    );
    page.counters(
        "malpan_sent_bytes_total",
        "Bytes of the frames of packets that were queued for clients, counted for each client.",
        "kind",
        meters.sent_bytes.totals(),
    );
    page.counter(
        "malpan_positions_delivered_total",
        "Positions, or other updates that the next one replaces, that were queued, each counted for each client.",
        meters.positions_delivered.value(),
    );
    page.histogram("malpan_flush_bytes", "Bytes of a room's flush, once for all members.", &meters.flush_bytes);
    page.histogram("malpan_flush_receivers", "Members who were sent a room's flush.", &meters.flush_receivers);
    page.histogram(
        "malpan_flush_late_seconds",
        "Time from when a room's flush was due until it ran: the tick's lateness.",
        &meters.flush_late,
    );
    page.counters(
        "malpan_kicks_total",
        "Connections that the server ended, by the reason that the client was told.",
        "reason",
        meters.kicks.totals(),
    );
    page.counters("malpan_denials_total", "Requests that were denied.", "code", meters.denials.totals());
    page.counters(
        "malpan_commands_refused_total",
        "Steps and other commands to the game that were not done.",
        "reason",
        meters.commands_refused.totals(),
    );
    page.counter("malpan_rooms_failed_total", "Rooms that a panic in them ended.", meters.rooms_failed.value());
}

/// The process under the names that every Prometheus client gives them. What the system does not tell is left out.
fn process(page: &mut Page) {
    let process = metrics_process::collector::collect();
    let mut gauge = |name, help, value: Option<u64>| {
        if let Some(value) = value {
            page.gauge(name, help, value);
        }
    };
    gauge("process_resident_memory_bytes", "Memory of the process in bytes.", process.resident_memory_bytes);
    gauge("process_virtual_memory_bytes", "Address space of the process in bytes.", process.virtual_memory_bytes);
    gauge("process_open_fds", "Open files of the process, on Windows its handles.", process.open_fds);
    // 0 stands for no limit.
    gauge("process_max_fds", "Most files that the process may have open.", process.max_fds.filter(|&most| most > 0));
    gauge("process_threads", "Threads of the process; not on Windows.", process.threads);
    gauge("process_start_time_seconds", "When the process started, in Unix time.", process.start_time_seconds);
    if let Some(seconds) = process.cpu_seconds_total {
        page.counter("process_cpu_seconds_total", "Processor time of the process in seconds.", seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::Sources;
    use crate::{config::Config, host::Host, server::admission_limits};
    use malpan_net::{Admission, Frame, Settings, Shard};
    use std::{net::SocketAddr, sync::Arc};
    use tokio::{io::duplex, runtime::Handle};

    #[tokio::test]
    async fn the_deepest_queue_and_all_of_them_are_told() {
        let config = Config::default();
        let admission = Admission::new(admission_limits(&config));
        let shard = |index| Shard::new(index, Handle::current(), Settings::default(), Arc::default());
        let (shards, host) = (Arc::new([shard(0), shard(1)]), Host::new(config));
        // Streams that take nothing, with so many frames for each.
        let mut clients = Vec::new();
        for (index, frames) in [3, 5, 0, 1].into_iter().enumerate() {
            let (ours, theirs) = duplex(1);
            clients.push(ours);
            let peer = SocketAddr::from(([127, 0, 0, 1], frames));
            shards[index % 2].open(theirs, peer, host.clone(), admission.admit(peer.ip()).unwrap());
        }
        for shard in &*shards {
            shard.each_session(|session| {
                for _ in 0..session.peer().port() {
                    session.send(Frame::new(&[0; 100]));
                }
            });
        }
        // The shards' own tasks have not run since.
        let page = Sources::new(host, admission, Arc::default(), shards).page();
        for line in [
            "malpan_queued_messages 9",
            "malpan_queued_bytes 900",
            "malpan_queued_messages_max 5",
            "malpan_queued_bytes_max 500",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}: {page}");
        }
    }
}
