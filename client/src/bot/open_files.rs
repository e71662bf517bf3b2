//! Room for a socket per player.

use anyhow::Result;

/// Files a run opens beside the sockets: the runtimes' own, `/proc`, the report.
#[cfg(unix)]
const OTHERS: u64 = 64;

/// Raises the limit of open files to what that many players need.
///
/// # Errors
/// Where the system does not allow so many; it says what to raise.
#[cfg(unix)]
pub(super) fn reserve(players: u32) -> Result<()> {
    let need = u64::from(players) + OTHERS;
    let (soft, hard) = rlimit::Resource::NOFILE.get()?;
    if soft >= need {
        return Ok(());
    }
    anyhow::ensure!(
        hard >= need,
        "{players} players need {need} open files, and this process may open {hard}: \
         raise the hard limit (`ulimit -Hn {need}` as root, or LimitNOFILE= of a systemd unit)"
    );
    Ok(rlimit::Resource::NOFILE.set(need, hard)?)
}

/// For how many players the system allows enough files at the most.
///
/// # Errors
/// Where it does not tell.
#[cfg(unix)]
pub(super) fn most() -> Result<u32> {
    let (_, hard) = rlimit::Resource::NOFILE.get()?;
    Ok(u32::try_from(hard.saturating_sub(OTHERS)).unwrap_or(u32::MAX))
}

/// For any number.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub(super) fn most() -> Result<u32> {
    Ok(u32::MAX)
}

/// Sockets are not files here.
#[cfg(not(unix))]
pub(super) fn reserve(_players: u32) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::reserve;

    #[test]
    fn too_many_players_are_told_what_to_raise() {
        let (_, hard) = rlimit::Resource::NOFILE.get().unwrap();
        reserve(10).unwrap();
        if let Ok(hard) = u32::try_from(hard) {
            let error = reserve(hard).unwrap_err().to_string();
            assert!(error.contains("ulimit -Hn"), "{error}");
        }
    }
}
