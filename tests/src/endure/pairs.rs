//! Stretches alone and beside something else, in turn, and what they say of each other.

use super::{gauges::Census, goals::Goals, honest::Felt, load_average, server::Server};
use anyhow::Result;
use serde::Serialize;

/// A stretch.
#[derive(Debug, Serialize)]
pub(super) struct Stretch {
    felt: Felt,
    /// What the server held when everyone had gone.
    census: Census,
    /// The machine's load before and after.
    load: [String; 2],
}

/// What the 99th percentile beside something may be of that alone: so many times, or so many milliseconds more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) times: f64,
    pub(super) ms: f64,
}

/// Two stretches, one right after the other.
#[derive(Debug, Serialize)]
pub(super) struct Pair {
    alone: Stretch,
    beside: Stretch,
}

/// So many pairs. `play` plays a stretch, with what is measured beside or without.
pub(super) async fn measure(
    pairs: u32,
    server: &Server,
    before: Census,
    mut play: impl AsyncFnMut(bool) -> Result<Felt>,
) -> Result<Vec<Pair>> {
    let mut stretch = async |beside: bool| {
        let load_before = load_average();
        let felt = play(beside).await?;
        let load = [load_before, load_average()];
        let census = Census::settled(server, &before).await?;
        let what = if beside { "beside" } else { "alone" };
        println!("{what:<6} {}, load {} -> {}", felt.line(), load[0], load[1]);
        if census != before {
            println!("       left over: {census:?}, before: {before:?}");
        }
        anyhow::Ok(Stretch { felt, census, load })
    };
    let mut measured = Vec::new();
    for pair in 0..pairs {
        println!("pair {} of {pairs}", pair + 1);
        // Whichever comes second has the later machine: they take turns.
        let (alone, beside) = if pair % 2 == 0 {
            let alone = stretch(false).await?;
            (alone, stretch(true).await?)
        } else {
            let beside = stretch(true).await?;
            (stretch(false).await?, beside)
        };
        measured.push(Pair { alone, beside });
    }
    Ok(measured)
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.beside.felt.p99() / self.alone.felt.p99()
    }

    fn difference(&self) -> f64 {
        self.beside.felt.p99() - self.alone.felt.p99()
    }

    /// How far it is over what it may be; below 0 where it is not.
    fn over(&self, Allowed { times, ms }: Allowed) -> f64 {
        let alone = self.alone.felt.p99();
        self.beside.felt.p99() - (alone * times).max(alone + ms)
    }
}

/// What the pairs have to hold to.
pub(super) fn judge(pairs: &[Pair], before: Census, allowed: Allowed, goals: &mut Goals) {
    let each = |of: fn(&Pair) -> f64| pairs.iter().map(of).collect::<Vec<_>>();
    let found = format!(
        "ratio {:.2} of {:.2?}, difference {:+.1} ms of {:+.1?}",
        median(each(Pair::ratio)),
        each(Pair::ratio),
        median(each(Pair::difference)),
        each(Pair::difference),
    );
    let over = median(pairs.iter().map(|pair| pair.over(allowed)).collect());
    let Allowed { times, ms } = allowed;
    let goal = format!("p99 beside <= max({times} x alone, alone + {ms} ms), median of {} pairs", pairs.len());
    goals.add(goal, found, over <= 0.0);
    let stretches = || pairs.iter().flat_map(|pair| [&pair.alone, &pair.beside]);
    let sum = |of: fn(&Felt) -> u64| stretches().map(|stretch| of(&stretch.felt)).sum();
    goals.none("positions missing", sum(|felt| felt.positions.missing));
    goals.none("honest players lost", sum(|felt| felt.players.lost));
    goals.none("honest players without a seat", sum(|felt| felt.players.failed));
    let leaks = stretches().filter(|stretch| stretch.census != before).count();
    goals.none("stretches after which something was left (sessions, tasks, rooms, seats, files)", leaks as u64);
    let void = stretches().filter(|stretch| stretch.felt.void).count();
    if void > 0 {
        println!("{void} of {} runs of the honest players are void by their own rule", 2 * pairs.len());
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < 1e-9);
        assert!((median(vec![9.0, 1.0, 5.0, 6.0]) - 5.5).abs() < 1e-9);
        assert!(median(Vec::new()).is_nan());
    }
}
