//! What a look at every record came to, in lines for the operator.

use crate::store::Census;

/// Rooms set aside that are told one by one. The store itself bounds the problems that it tells.
const ROOMS_TOLD: usize = 100;
/// Characters of a line: what it quotes may be as long as a record.
const LONGEST: usize = 300;

/// The lines; they fit into one answer.
pub(super) fn lines(census: &Census) -> Vec<String> {
    let Census { accounts, tokens, rooms, set_aside, problems } = census;
    let mut lines = vec![format!(
        "accounts {accounts}, resume tokens {tokens}, rooms {rooms}, rooms set aside {}",
        set_aside.len()
    )];
    // The reason may quote anything.
    lines.extend(set_aside.iter().take(ROOMS_TOLD).map(|(room, why)| format!("room {room} was set aside: {why:?}")));
    if let Some(more @ 1..) = set_aside.len().checked_sub(ROOMS_TOLD) {
        lines.push(format!("and {more} more rooms"));
    }
    lines.extend(problems.iter().cloned());
    if problems.is_empty() {
        lines.push("ok".into());
    }
    lines.iter_mut().for_each(cut);
    lines
}

fn cut(line: &mut String) {
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, ROOMS_TOLD, lines};
    use crate::{
        control::{Answer, request::LONGEST_LINE},
        store::Census,
    };
    use malpan_protocol::RoomId;

    #[test]
    fn whatever_is_found_is_told_in_one_answer() {
        let set_aside = (0..5000).map(|room| (RoomId(room), "\u{1}\u{10ffff}".repeat(10_000))).collect();
        let problems = vec!["\u{1}".repeat(10_000); 21];
        let census = Census { accounts: 1, tokens: 2, rooms: 3, set_aside, problems };
        let told = lines(&census);
        assert_eq!(told[0], "accounts 1, resume tokens 2, rooms 3, rooms set aside 5000");
        assert_eq!(told[ROOMS_TOLD + 1], "and 4900 more rooms");
        assert_eq!(told.len(), 1 + ROOMS_TOLD + 1 + 21, "and no ok");
        assert!(told.iter().all(|line| line.chars().count() <= LONGEST + 1));
        let answer = Answer::Checked { lines: told, well: false };
        assert!(serde_json::to_string(&answer).unwrap().len() <= LONGEST_LINE);
        assert_eq!(lines(&Census::default())[1..], ["ok"]);
    }
}
