//! From the socket to packets, through the shard's scratch.
//!
//! An idle session holds no read buffer: bytes land in a buffer that all sessions of the thread share, packets are
//! decoded there, and only what is left of an incomplete packet is kept. Never borrowed across an `await`.

use bytes::BytesMut;
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{io::AsyncRead, task::coop::poll_proceed};
use tokio_util::{codec::Decoder, io::poll_read_buf};

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 16 * 1024;
/// Bytes that may wait behind a packet that is being handled, for more to be read while that waits.
const AHEAD_BYTES: usize = 1024;
/// What a buffer may have to spare behind an incomplete packet that is kept in it.
const SPARE_BYTES: usize = 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        bytes: BytesMut::with_capacity(READ_BYTES),
        spare: BytesMut::new(),
    });
}

struct Scratch {
    /// Where bytes land.
    bytes: BytesMut,
    /// The buffer of the last session that had something left over and needs it no more: the next one takes it, so that
    /// bursts of packets allocate nothing.
    spare: BytesMut,
}

#[derive(Debug)]
pub(crate) struct Reader<D> {
    decoder: D,
    /// Bytes that came and were not decoded: an incomplete packet, or packets behind one that is being handled.
    rest: BytesMut,
    /// Whether `rest` may hold a whole packet.
    rest_is_fresh: bool,
}

/// Why no further packet comes.
#[derive(Debug)]
pub(crate) enum ReadEnd<E> {
    /// The stream's orderly end.
    Eof,
    /// The stream broke.
    Io(io::Error),
    /// The bytes are not packets.
    Undecodable(E),
}

impl<D: Decoder> Reader<D> {
    pub(crate) fn new(decoder: D) -> Self {
        Self { decoder, rest: BytesMut::new(), rest_is_fresh: false }
    }

    /// The next packet; `heard` is told how many bytes each read brings. Pending only once nothing can be decoded and the
    /// socket has nothing more, or the task's budget is spent.
    pub(crate) fn poll_packet<IO: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        mut heard: impl FnMut(usize),
    ) -> Poll<Result<D::Item, ReadEnd<D::Error>>> {
        if self.rest_is_fresh {
            // As reading does, this costs a place in the task's budget. Without it the packets of one read would be
            // handled on when the budget is spent and nothing can be written: their answers would fill the queue of a
            // peer that reads, and other sessions would wait for the last of them.
            let budget = ready!(poll_proceed(cx));
            let packet = self.decoder.decode(&mut self.rest).map_err(ReadEnd::Undecodable)?;
            self.rest_is_fresh = packet.is_some() && !self.rest.is_empty();
            if let Some(packet) = packet {
                budget.made_progress();
                if self.rest.is_empty() {
                    SCRATCH.with_borrow_mut(|scratch| self.give_back(&mut scratch.spare));
                }
                return Poll::Ready(Ok(packet));
            }
            SCRATCH.with_borrow_mut(|scratch| self.move_to_a_fitting_buffer(&mut scratch.spare));
        }
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                let count = ready!(self.poll_fill(scratch, cx, io)).map_err(ReadEnd::Io)?;
                let bytes = &mut scratch.bytes;
                let packet = if count > 0 {
                    heard(count);
                    self.decoder.decode(bytes).map_err(ReadEnd::Undecodable)?
                } else {
                    // A packet that was cut off is the peer's loss, not an offence: the stream has just ended.
                    let Ok(Some(last)) = self.decoder.decode_eof(bytes) else {
                        return Poll::Ready(Err(ReadEnd::Eof));
                    };
                    Some(last)
                };
                self.keep(scratch, packet.is_some());
                if let Some(packet) = packet {
                    self.rest_is_fresh = !self.rest.is_empty();
                    return Poll::Ready(Ok(packet));
                }
            }
        })
    }

    /// The stream's end, orderly or not, while a packet is handled. What comes before it is kept; where that is more than a
    /// peer says that waits for its answer, no more is read, and the end is not seen either.
    pub(crate) fn poll_end<IO: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        mut heard: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            while self.rest.len() < AHEAD_BYTES {
                let count = ready!(self.poll_fill(scratch, cx, io))?;
                if count == 0 {
                    wipe(&mut scratch.bytes);
                    return Poll::Ready(Ok(()));
                }
                heard(count);
                self.keep(scratch, true);
                self.rest_is_fresh = true;
            }
            Poll::Pending
        })
    }

    /// Reads once, into the scratch and behind what is left.
    fn poll_fill<IO: AsyncRead + Unpin>(
        &self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
        io: &mut IO,
    ) -> Poll<io::Result<usize>> {
        let bytes = &mut scratch.bytes;
        bytes.clear();
        bytes.reserve(READ_BYTES);
        bytes.extend_from_slice(&self.rest);
        let read = poll_read_buf(Pin::new(io), cx, bytes);
        if read.is_pending() {
            wipe(bytes);
        }
        read
    }

    /// Keeps what is left in the scratch: packets, or an incomplete one.
    fn keep(&mut self, scratch: &mut Scratch, packets: bool) {
        if scratch.bytes.is_empty() {
            self.give_back(&mut scratch.spare);
            return;
        }
        if packets && self.rest.is_empty() {
            self.give_back(&mut scratch.spare);
            self.rest = std::mem::take(&mut scratch.spare);
        }
        wipe(&mut self.rest);
        self.rest.extend_from_slice(&scratch.bytes);
        wipe(&mut scratch.bytes);
    }

    /// An incomplete packet may be kept for long, so it must not hold the memory of the burst that it came with.
    fn move_to_a_fitting_buffer(&mut self, spare: &mut BytesMut) {
        if self.rest.try_reclaim(SPARE_BYTES) {
            let fitting = BytesMut::from(&*self.rest);
            self.give_back(spare);
            self.rest = fitting;
        }
    }

    /// Lets go of the buffer, of which nothing is needed any more. (Its capacity tells nothing: that of a buffer read to
    /// its end is 0.)
    fn give_back(&mut self, spare: &mut BytesMut) {
        let mut unused = std::mem::take(&mut self.rest);
        wipe(&mut unused);
        // For a session that had none, this makes it visible whether there is memory behind it.
        if unused.try_reclaim(1) {
            *spare = unused;
        }
    }
}

/// Empties a buffer of which a copy was made, or nothing is needed: what a peer sent may be secret, and the memory is everyone's.
/// What a decoder has taken out is its own to wipe.
fn wipe(bytes: &mut BytesMut) {
    bytes.fill(0);
    bytes.clear();
}

#[cfg(test)]
mod tests {
    use super::{AHEAD_BYTES, READ_BYTES, ReadEnd, Reader, SCRATCH, SPARE_BYTES};
    use std::{
        collections::VecDeque,
        io,
        pin::Pin,
        task::{Context, Poll, Waker},
    };
    use tokio::io::{AsyncRead, ReadBuf};
    use tokio_util::codec::LinesCodec;

    /// Gives one piece for each read, then nothing; an empty piece is the end, as often as it is asked.
    struct Script(VecDeque<Vec<u8>>);

    impl AsyncRead for Script {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let Some(piece) = self.0.pop_front() else { return Poll::Pending };
            buffer.put_slice(&piece);
            if piece.is_empty() {
                self.0.push_front(piece);
            }
            Poll::Ready(Ok(()))
        }
    }

    type Lines = Reader<LinesCodec>;

    /// What comes out of these pieces until nothing more does; `END` for the end.
    fn read(reader: &mut Lines, pieces: &[&[u8]]) -> Vec<String> {
        let mut script = Script(pieces.iter().map(|&piece| piece.into()).collect());
        let mut cx = Context::from_waker(Waker::noop());
        let mut lines = Vec::new();
        loop {
            match reader.poll_packet(&mut cx, &mut script, |_| {}) {
                Poll::Ready(Ok(line)) => lines.push(line),
                Poll::Ready(Err(ReadEnd::Eof)) => {
                    lines.push("END".into());
                    return lines;
                }
                Poll::Ready(Err(error)) => panic!("{error:?}"),
                Poll::Pending => return lines,
            }
        }
    }

    fn new() -> Lines {
        Reader::new(LinesCodec::new())
    }

    /// Bytes of memory that the reader holds beyond itself. Consumes what it kept.
    fn held(reader: &mut Lines) -> usize {
        let kept = reader.rest.len();
        let mut most = READ_BYTES * 4;
        while most > 0 && !reader.rest.try_reclaim(most) {
            most -= 1;
        }
        kept + most
    }

    #[test]
    fn a_reader_holds_nothing_but_an_incomplete_packet() {
        let mut reader = new();
        assert_eq!(held(&mut reader), 0);
        assert_eq!(read(&mut reader, &[b"one\ntw"]), ["one"]);
        assert_eq!(&*reader.rest, b"tw");
        assert_eq!(read(&mut reader, &[b"o\n"]), ["two"]);
        assert_eq!(held(&mut reader), 0);
        // Also when more than one packet came at once.
        assert_eq!(read(&mut reader, &[b"one\ntwo\nthree\n"]), ["one", "two", "three"]);
        assert_eq!(held(&mut reader), 0);
    }

    /// In one piece, in two, and behind another packet. (A buffer that is empty was wiped.)
    #[test]
    fn nothing_that_a_peer_sent_stays_in_the_scratch() {
        let mut reader = new();
        for (pieces, lines) in [(&[&b"a line\n"[..]][..], 1), (&[b"pass", b"word"], 0), (&[b"\none\ntw"], 2), (&[], 0)]
        {
            assert_eq!(read(&mut reader, pieces).len(), lines);
            assert!(SCRATCH.with_borrow(|scratch| scratch.bytes.is_empty()));
        }
    }

    #[test]
    fn an_incomplete_packet_does_not_hold_the_memory_of_its_burst() {
        let burst: Vec<u8> = b"a line\n".iter().copied().cycle().take(READ_BYTES - 3).collect();
        for _ in 0..3 {
            let mut reader = new();
            assert_eq!(read(&mut reader, &[&burst]).len(), burst.len() / 7);
            assert_eq!(reader.rest.len(), burst.len() % 7);
            assert!(held(&mut reader) < SPARE_BYTES, "{} bytes", held(&mut reader));
            // And it takes no memory from others either where nothing but it came.
            let mut other = new();
            assert!(read(&mut other, &[b"half a li"]).is_empty());
            assert!(held(&mut other) < SPARE_BYTES, "{} bytes", held(&mut other));
            assert_eq!(read(&mut other, &[b"ne\n"]), ["half a line"]);
        }
    }

    #[test]
    fn the_end_yields_what_the_decoder_makes_of_it() {
        assert_eq!(read(&mut new(), &[b"one\nlast", b""]), ["one", "last", "END"]);
        assert_eq!(read(&mut new(), &[b"one\n", b""]), ["one", "END"]);
        assert_eq!(read(&mut new(), &[b""]), ["END"]);
    }

    #[test]
    fn the_end_is_seen_while_a_packet_is_handled_and_what_came_before_it_is_kept() {
        let mut reader = new();
        assert_eq!(read(&mut reader, &[b"one\ntwo\nthr"])[..1], ["one"]);
        let mut cx = Context::from_waker(Waker::noop());
        let mut heard = 0;
        let mut end = |reader: &mut Lines, pieces: &[&[u8]]| {
            let mut script = Script(pieces.iter().map(|&piece| piece.into()).collect());
            reader.poll_end(&mut cx, &mut script, |count| heard += count)
        };
        assert!(end(&mut reader, &[b"ee\nfo"]).is_pending());
        assert_eq!(read(&mut reader, &[b"ur\n"]), ["three", "four"]);
        assert!(end(&mut reader, &[]).is_pending());
        assert!(matches!(end(&mut reader, &[b"five\n", b""]), Poll::Ready(Ok(()))));
        // Who says much meanwhile is read no further.
        let much = [b'x'; AHEAD_BYTES];
        assert!(end(&mut reader, &[&much, b""]).is_pending());
        assert_eq!(heard, 5 + 5 + AHEAD_BYTES);
        assert!(SCRATCH.with_borrow(|scratch| scratch.bytes.is_empty()));
        assert_eq!(read(&mut reader, &[])[..1], ["five"]);
    }

    #[test]
    fn every_read_with_something_in_it_is_a_sign_of_life() {
        let mut script = Script([b"a".to_vec(), b"b".to_vec(), b"\nc".to_vec(), vec![]].into());
        let (mut heard, mut bytes) = (0, 0);
        let mut cx = Context::from_waker(Waker::noop());
        let mut reader = new();
        let mut note = |count| {
            heard += 1;
            bytes += count;
        };
        assert!(matches!(reader.poll_packet(&mut cx, &mut script, &mut note), Poll::Ready(Ok(_))));
        assert!(matches!(reader.poll_packet(&mut cx, &mut script, &mut note), Poll::Ready(Ok(_))));
        assert_eq!((heard, bytes), (3, 4), "the end is no sign of life");
    }
}
