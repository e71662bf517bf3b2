//! Errors as the short stable names under which a report counts them.

use super::member::Fault;
use malpan_client::{ClientError, TlsError};
use std::{fmt, io::ErrorKind};

/// Why a connection failed or broke, such as `connection_refused`, `denied_server_full` or `kicked_slow_consumer`.
pub(super) fn of(error: &ClientError) -> String {
    match error {
        ClientError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "cut_off".into(),
        ClientError::Io(error) => match (snake(&error.kind()), error.raw_os_error()) {
            // Too many open files, for one, has no kind of its own.
            (kind, Some(code)) if kind == "uncategorized" => format!("os_error_{code}"),
            (kind, _) => kind,
        },
        ClientError::Protocol(_) => "not_malpan".into(),
        ClientError::Tls(error) => match error {
            TlsError::NotTls(_) => "not_tls",
            TlsError::CutOff(_) => "tls_cut_off",
            TlsError::UnknownIssuer => "unknown_issuer",
            TlsError::WrongName(_) => "wrong_name",
            TlsError::Expired => "certificate_expired",
            _ => "tls_failed",
        }
        .into(),
        ClientError::SpeaksTls => "speaks_tls".into(),
        ClientError::Closed => "closed".into(),
        ClientError::Kicked(reason) => format!("kicked_{}", snake(reason)),
        ClientError::Denied(denial) => format!("denied_{}", snake(&denial.code)),
        ClientError::TimedOut(_) => "timed_out".into(),
        ClientError::NoAddress(_) => "no_address".into(),
        _ => "other".into(),
    }
}

/// What the server promised and did not keep.
pub(super) fn of_fault(fault: &Fault) -> String {
    match fault {
        Fault::Room(_) => "fault_room",
        Fault::Batch { .. } => "fault_batch",
        Fault::Uneven { .. } => "fault_uneven",
        Fault::Answer { .. } => "fault_answer",
        Fault::NoSeat => "fault_no_seat",
    }
    .into()
}

/// A unit variant's name in snake case.
pub(super) fn snake(variant: &impl fmt::Debug) -> String {
    let mut out = String::new();
    for c in format!("{variant:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::of;
    use malpan_client::{
        ClientError,
        protocol::{Denial, DenialCode, KickReason, Reason},
    };
    use std::io::{self, ErrorKind};

    #[test]
    fn causes_have_stable_names() {
        let denial = Denial { code: DenialCode::ServerFull, reason: Reason::new("").unwrap() };
        let cases = [
            (io::Error::from(ErrorKind::ConnectionRefused).into(), "connection_refused"),
            (io::Error::from(ErrorKind::UnexpectedEof).into(), "cut_off"),
            (ClientError::Closed, "closed"),
            (ClientError::Kicked(KickReason::SlowConsumer), "kicked_slow_consumer"),
            (ClientError::Denied(denial), "denied_server_full"),
        ];
        for (error, name) in cases {
            assert_eq!(of(&error), name);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_systems_own_limits_are_told_by_their_number() {
        assert_eq!(of(&io::Error::from_raw_os_error(24).into()), "os_error_24");
    }
}
