//! When a certificate ends. It is all that is read of one here; whether it is good is for the clients to judge.

use std::time::SystemTime;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the certificate's time, or `None` where it cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let mut certificate = certificate;
    let mut certificate = content(&mut certificate, SEQUENCE)?;
    let mut signed = content(&mut certificate, SEQUENCE)?;
    if signed.first() == Some(&VERSION) {
        content(&mut signed, VERSION)?;
    }
    // The serial number, the algorithm and the issuer.
    for _ in 0..3 {
        element(&mut signed)?;
    }
    let mut validity = content(&mut signed, SEQUENCE)?;
    element(&mut validity)?;
    match element(&mut validity)? {
        // Two digits of the year, from 1950 on.
        (UTC_TIME, text) => time(if text.first() < Some(&b'5') { "20" } else { "19" }, text),
        (GENERALIZED_TIME, text) => time("", text),
        _ => None,
    }
}

/// `YYYYMMDDhhmmssZ`, of which the first digits are in `century`.
fn time(century: &str, text: &[u8]) -> Option<SystemTime> {
    let digits = format!("{century}{}", str::from_utf8(text).ok()?);
    let part = |from, to| digits.get(from..to);
    let (date, clock) = ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
    let text = format!("{}-{}-{}T{}:{}:{}{}", date.0, date.1, date.2, clock.0, clock.1, clock.2, part(14, 15)?);
    humantime::parse_rfc3339(&text).ok()
}

fn content<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    element(rest).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Takes one element of DER: its tag, its length, its content.
fn element<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, length], after) = rest.split_first_chunk()?;
    let (length, after) = match length {
        0..=0x7F => (usize::from(length), after),
        // 0x80, of no length, is not DER.
        0x81..=0x84 => {
            let (bytes, after) = after.split_at_checked(usize::from(length - 0x80))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), after)
        }
        _ => return None,
    };
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((tag, content))
}

#[cfg(test)]
mod tests {
    use super::{not_after, time};
    use crate::tls::DevCert;
    use malpan_net::rustls::pki_types::{CertificateDer, pem::PemObject};
    use std::time::{Duration, SystemTime};

    fn certificate(from_now: Duration) -> CertificateDer<'static> {
        let now = SystemTime::now();
        let dev = DevCert::valid(&[], now, now + from_now).unwrap();
        CertificateDer::from_pem_slice(dev.cert.as_bytes()).unwrap()
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_this_century_and_in_the_next() {
        for days in [1, 365, 50 * 365] {
            let length = Duration::from_secs(days * 24 * 3600);
            let (end, expected) = (not_after(&certificate(length)).unwrap(), SystemTime::now() + length);
            let apart = expected.duration_since(end).unwrap_or_else(|early| early.duration());
            assert!(apart < Duration::from_secs(60), "{days} days: {apart:?} apart");
        }
    }

    #[test]
    fn both_forms_of_a_time_mean_the_same() {
        assert_eq!(time("20", b"261124120000Z"), time("", b"20261124120000Z"));
        assert_eq!(time("", b"20261124120000Z"), humantime::parse_rfc3339("2026-11-24T12:00:00Z").ok());
        for bad in [&b""[..], b"Z", b"20261324120000Z", b"20261124120000", b"\xff0261124120000Z"] {
            assert_eq!(time("", bad), None);
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_has_no_end_and_no_panic() {
        let whole = certificate(Duration::from_secs(3600));
        for length in 0..whole.len() {
            assert_eq!(not_after(&whole[..length]), None);
            let mut changed = whole.to_vec();
            for byte in [0x00, 0x7F, 0x80, 0x84, 0xFF] {
                changed[length] = byte;
                // Any answer will do.
                let _ = not_after(&changed);
            }
        }
    }
}
