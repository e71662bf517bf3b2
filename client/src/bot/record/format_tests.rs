//! What is written is read again, and what is no recording is told so.

use super::{End, Ending, Header, MAX_BYTES, ReadError, Reader, Record, What, append, append_end, write_header};
use proptest::prelude::*;

/// A record that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owned {
    Opened(u32, bool),
    Sent(Vec<u8>),
    Received(Vec<u8>),
    Narrowed,
    Finished,
    Closed(End),
    Measured,
}

impl Owned {
    fn what(&self) -> What<'_> {
        match self {
            &Self::Opened(player, hostile) => What::Opened { player, hostile },
            Self::Sent(bytes) => What::Sent(bytes),
            Self::Received(bytes) => What::Received(bytes),
            Self::Narrowed => What::Narrowed,
            Self::Finished => What::Finished,
            &Self::Closed(end) => What::Closed(end),
            Self::Measured => What::Measured,
        }
    }

    fn of(what: What<'_>) -> Self {
        match what {
            What::Opened { player, hostile } => Self::Opened(player, hostile),
            What::Sent(bytes) => Self::Sent(bytes.into()),
            What::Received(bytes) => Self::Received(bytes.into()),
            What::Narrowed => Self::Narrowed,
            What::Finished => Self::Finished,
            What::Closed(end) => Self::Closed(end),
            What::Measured => Self::Measured,
        }
    }
}

fn header() -> Header {
    Header {
        bot: "0.1.0".into(),
        command: vec!["malpan".into(), "bot".into()],
        address: "127.0.0.1:7777".into(),
        seed: 7,
        started: "2026-11-28T03:40:00Z".into(),
        run: 0xabcd,
    }
}

fn any_what() -> impl Strategy<Value = Owned> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        (any::<u32>(), any::<bool>()).prop_map(|(player, hostile)| Owned::Opened(player, hostile)),
        bytes().prop_map(Owned::Sent),
        bytes().prop_map(Owned::Received),
        Just(Owned::Narrowed),
        Just(Owned::Finished),
        Just(Owned::Measured),
        prop::sample::select(vec![End::LetGo, End::ByServer, End::Broken, End::Reset]).prop_map(Owned::Closed),
    ]
}

fn any_records() -> impl Strategy<Value = Vec<(u32, u64, Owned)>> {
    prop::collection::vec((any::<u32>(), any::<u64>(), any_what()), 0..12)
}

/// The file, and where each of its records ends.
fn written(records: &[(u32, u64, Owned)]) -> (Vec<u8>, Vec<usize>) {
    let mut file = write_header(&header());
    let ends = records.iter().map(|(connection, at_us, what)| {
        append(&mut file, &Record { connection: *connection, at_us: *at_us, what: what.what() });
        file.len()
    });
    let ends = ends.collect();
    append_end(&mut file, records.len() as u64);
    (file, ends)
}

type Found = (Vec<(u32, u64, Owned)>, Ending);

fn read(file: &[u8]) -> Result<Found, ReadError> {
    let mut reader = Reader::new(file)?;
    assert_eq!(reader.header(), &header());
    let mut records = Vec::new();
    while let Some(Record { connection, at_us, what }) = reader.next()? {
        records.push((connection, at_us, Owned::of(what)));
    }
    Ok((records, reader.ending()))
}

proptest! {
    #[test]
    fn what_is_written_is_read(records in any_records()) {
        let (file, _) = written(&records);
        prop_assert_eq!(read(&file).unwrap(), (records, Ending::Whole));
    }

    #[test]
    fn cut_off_anywhere_the_whole_records_before_are_read(records in any_records()) {
        let (file, ends) = written(&records);
        let first = write_header(&header()).len();
        for cut in 0..file.len() {
            match read(&file[..cut]) {
                Ok((found, ending)) => {
                    let whole = ends.iter().filter(|&&end| end <= cut).count();
                    prop_assert_eq!(found.as_slice(), &records[..whole], "cut at {}", cut);
                    prop_assert_eq!(ending, Ending::CutOff);
                }
                Err(ReadError::Foreign) => prop_assert_eq!(cut, 0),
                Err(ReadError::Empty) => prop_assert!((1..first).contains(&cut), "cut at {}", cut),
                Err(error) => prop_assert!(false, "cut at {}: {}", cut, error),
            }
        }
    }

    #[test]
    fn noise_behind_a_header_is_read_or_refused(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = write_header(&header());
        file.extend_from_slice(&noise);
        // It must not panic, and what it reads it must be able to tell.
        let _ = read(&file);
    }
}

fn error(file: &[u8]) -> String {
    read(file).unwrap_err().to_string()
}

#[test]
fn what_is_no_recording_is_told_what_to_do() {
    for foreign in [&b"{\"bot\":{}}"[..], b"", b"\x89PNG\r\n\x1a\n", &[0; 100]] {
        assert!(error(foreign).contains("`malpan bot --record FILE` makes one"), "{foreign:?}");
    }
    let (mut file, _) = written(&[]);
    file[8] = 1;
    let other = error(&file);
    assert!(other.contains("format 1") && other.contains("replay it with the bot that made it"), "{other}");
}

#[test]
fn what_is_damaged_is_told_where() {
    let records = [(1, 5, Owned::Sent(vec![1, 2, 3])), (1, 6, Owned::Closed(End::LetGo))];
    let (whole, ends) = written(&records);
    let second = ends[0];
    // A kind that does not exist, an end that does not exist, and a length that cannot be.
    for (at, byte) in [(second + 1, 99), (ends[1] - 1, 9), (second, 0), (ends[1] + 4, 3)] {
        let mut file = whole.clone();
        file[at] = byte;
        let place = if at >= ends[1] { ends[1] } else { second };
        let found = error(&file);
        assert!(found.contains(&format!("damaged at byte {place}:")), "{at}: {found}");
    }
    let mut file = whole;
    file.push(0);
    assert!(error(&file).contains("damaged"), "something behind the end");
    // A length that is only claimed.
    let mut file = write_header(&header());
    file.extend_from_slice(&[0xff, 0xff, 0x7f]);
    assert!(error(&file).contains("impossible length"));
}

#[test]
fn a_record_carries_as_much_as_it_may() {
    let records = [(u32::MAX, u64::MAX, Owned::Sent(vec![7; MAX_BYTES]))];
    assert_eq!(read(&written(&records).0).unwrap().0, records);
}
