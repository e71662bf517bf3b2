//! What the dashboard shows. Pure: draws on any backend.

use crate::bot::{report::Sample, screen::Status};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    symbols::{Marker, bar},
    text::{Line, Span},
    widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Sparkline},
};

/// The most that the schedule may slip before a run is void.
const SLIP_LIMIT_MS: f64 = 5.0;
/// The least height with plots, and the least width with figures beside them.
const PLOT_ROWS: u16 = 14;
const WIDE_COLUMNS: u16 = 66;
/// Of latencies, how far back the plot goes, in samples: what is longer ago is squeezed.
const MOST_POINTS: usize = 240;

/// A name and what it shows of a sample.
type Ramp = (&'static str, fn(&Sample) -> u64);

/// With what plots are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyphs {
    /// Dots of Braille, and bars in eighths.
    Rich,
    /// What the fonts of an old console of Windows have.
    Plain,
}

impl Glyphs {
    fn marker(self) -> Marker {
        match self {
            Self::Rich => Marker::Braille,
            Self::Plain => Marker::Dot,
        }
    }

    fn bars(self) -> bar::Set<'static> {
        match self {
            Self::Rich => bar::NINE_LEVELS,
            Self::Plain => bar::THREE_LEVELS,
        }
    }
}

/// Draws everything that fits.
pub(super) fn draw(frame: &mut Frame<'_>, title: &str, said: &[String], status: &Status<'_>, glyphs: Glyphs) {
    let area = frame.area();
    let rows = Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)]);
    let [head, gauge, body] = rows.areas(area);
    frame.render_widget(Paragraph::new(title).style(Style::new().add_modifier(Modifier::BOLD)), head);
    progress(frame, gauge, status);
    let errors = u16::try_from(status.errors.len().clamp(1, 4)).unwrap_or(4) + 2;
    let notes = if said.is_empty() { 0 } else { (u16::try_from(said.len()).unwrap_or(u16::MAX)).min(6) + 2 };
    if body.height < PLOT_ROWS {
        return figures(frame, body, status);
    }
    let rows = Layout::vertical([
        Constraint::Min(6),
        Constraint::Length(5),
        Constraint::Length(notes.min(body.height / 4)),
        Constraint::Length(errors.min(body.height / 4)),
    ]);
    let [plots, sparks, lines, wrong] = rows.areas(body);
    if area.width >= WIDE_COLUMNS {
        let [left, right] = Layout::horizontal([Constraint::Min(0), Constraint::Length(28)]).areas(plots);
        latency(frame, left, status.samples, glyphs);
        figures(frame, right, status);
    } else {
        latency(frame, plots, status.samples, glyphs);
    }
    ramps(frame, sparks, status.samples, glyphs);
    if notes > 0 {
        let shown = usize::from(lines.height.saturating_sub(2));
        let last = said.iter().skip(said.len().saturating_sub(shown)).map(|line| Line::from(line.as_str()));
        frame.render_widget(Paragraph::new(last.collect::<Vec<_>>()).block(Block::bordered().title(" search ")), lines);
    }
    trouble(frame, wrong, status);
}

fn progress(frame: &mut Frame<'_>, area: Rect, status: &Status<'_>) {
    let ratio = if status.done.is_finite() { status.done.clamp(0.0, 1.0) } else { 0.0 };
    let gauge = Gauge::default()
        .ratio(ratio)
        .label(status.phase.as_str())
        .gauge_style(Style::new().fg(Color::Blue).bg(Color::Reset));
    frame.render_widget(gauge, area);
}

/// p50, p99 and the slowest of each second.
fn latency(frame: &mut Frame<'_>, area: Rect, samples: &[Sample], glyphs: Glyphs) {
    let points = |of: fn(&Sample) -> Option<f64>| -> Vec<(f64, f64)> {
        let step = samples.len().div_ceil(MOST_POINTS).max(1);
        let worst = |chunk: &[Sample]| {
            let worst = chunk
                .iter()
                .filter_map(of)
                .filter(|value| value.is_finite())
                .fold(None, |most: Option<f64>, at| Some(most.map_or(at, |most| most.max(at))));
            Some((chunk.first()?.at_s, worst?))
        };
        samples.chunks(step).filter_map(worst).collect()
    };
    let (p50, p99, max) = (points(|at| at.p50_ms), points(|at| at.p99_ms), points(|at| at.max_ms));
    let top = max.iter().chain(&p99).map(|&(_, ms)| ms).fold(1.0, f64::max);
    let from = samples.first().map_or(0.0, |sample| sample.at_s);
    let to = samples.last().map_or(1.0, |sample| sample.at_s).max(from + 1.0);
    let lines = [("p50", &p50, Color::Green), ("p99", &p99, Color::Yellow), ("max", &max, Color::Red)];
    let dataset = |(name, points, color): (&'static str, &'_ Vec<(f64, f64)>, Color)| (name, points.clone(), color);
    let owned = lines.map(dataset);
    let datasets = owned.iter().map(|(name, points, color)| {
        Dataset::default()
            .name(*name)
            .marker(glyphs.marker())
            .graph_type(GraphType::Line)
            .style(Style::new().fg(*color))
            .data(points)
    });
    let chart = Chart::new(datasets.collect())
        .legend_position(None)
        .block(Block::bordered().title(Line::from(vec![
            Span::raw(" latency, ms: "),
            Span::styled("p50 ", Style::new().fg(Color::Green)),
            Span::styled("p99 ", Style::new().fg(Color::Yellow)),
            Span::styled("max ", Style::new().fg(Color::Red)),
        ])))
        .x_axis(Axis::default().bounds([from, to]).labels([format!("{from:.0}s"), format!("{to:.0}s")]))
        .y_axis(Axis::default().bounds([0.0, top]).labels(["0".into(), short(top / 2.0), short(top)]));
    frame.render_widget(chart, area);
}

/// The last second in figures.
fn figures(frame: &mut Frame<'_>, area: Rect, status: &Status<'_>) {
    let Some(now) = status.samples.last() else { return };
    let ms = |value: Option<f64>| value.map_or_else(|| "-".into(), short);
    let slip = now.slip_p99_ms.unwrap_or(0.0);
    let slip_style = if slip > SLIP_LIMIT_MS { Style::new().fg(Color::Red) } else { Style::new() };
    let row = |name: &str, value: String| Line::from(format!("{name:<10}{value:>14}"));
    let mut rows = vec![
        row("players", now.players.to_string()),
        row("lost", now.lost.to_string()),
        row("sent/s", short(now.sent_per_s)),
        row("came/s", short(now.delivered_per_s)),
        row("p50 ms", ms(now.p50_ms)),
        row("p99 ms", ms(now.p99_ms)),
        row("max ms", ms(now.max_ms)),
        Line::from(Span::styled(format!("{:<10}{:>9} of 5", "slip ms", ms(now.slip_p99_ms)), slip_style)),
    ];
    if let Some(cpu) = now.server_cpu_percent {
        rows.push(row("server", format!("{} % CPU", short(cpu))));
    }
    if let Some(kib) = now.server_rss_kib {
        #[allow(clippy::cast_precision_loss, reason = "KiB of memory stay far below 2^52")]
        rows.push(row("", format!("{} MiB", short(kib as f64 / 1024.0))));
    }
    frame.render_widget(Paragraph::new(rows).block(Block::bordered().title(" now ")), area);
}

/// Players and rates since the beginning, as far as they fit.
fn ramps(frame: &mut Frame<'_>, area: Rect, samples: &[Sample], glyphs: Glyphs) {
    let columns: [Rect; 3] = Layout::horizontal([Constraint::Ratio(1, 3); 3]).areas(area);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are not negative, and far below 2^64"
    )]
    let ramps: [Ramp; 3] = [
        (" players ", |at| at.players),
        (" sent/s ", |at| at.sent_per_s as u64),
        (" came/s ", |at| at.delivered_per_s as u64),
    ];
    for (column, (name, of)) in columns.into_iter().zip(ramps) {
        let width = usize::from(column.width.saturating_sub(2)).max(1);
        let last = samples.iter().skip(samples.len().saturating_sub(width)).map(of).collect::<Vec<_>>();
        let spark = Sparkline::default().data(last).bar_set(glyphs.bars()).style(Style::new().fg(Color::Cyan));
        frame.render_widget(spark.block(Block::bordered().title(name)), column);
    }
}

/// What went wrong so far, the most frequent first.
fn trouble(frame: &mut Frame<'_>, area: Rect, status: &Status<'_>) {
    let mut errors: Vec<_> = status.errors.iter().collect();
    errors.sort_by(|a, b| b.1.cmp(a.1));
    let shown = usize::from(area.height.saturating_sub(2));
    let lines: Vec<Line<'_>> = match errors.as_slice() {
        [] => vec![Line::from("none")],
        errors => errors.iter().take(shown).map(|(cause, count)| Line::from(format!("{count:>8}  {cause}"))).collect(),
    };
    let block = Block::bordered().title(" errors ").title_bottom(Line::from(" q ends the run ").right_aligned());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// A number in few characters.
fn short(value: f64) -> String {
    match value.abs() {
        1e6.. => format!("{:.1}M", value / 1e6),
        1e4.. => format!("{:.0}k", value / 1e3),
        100.0.. => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Glyphs, draw};
    use crate::bot::{ledger::Causes, report::Sample, sample_report::everything, screen::Status};
    use ratatui::{Terminal, backend::TestBackend, style::Color};

    fn drawn(width: u16, height: u16, status: &Status<'_>, said: &[String], glyphs: Glyphs) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let title = "malpan bot 127.0.0.1:7777: 100 walk x 5/s";
        terminal.draw(|frame| draw(frame, title, said, status, glyphs)).unwrap();
        terminal
    }

    fn screen(width: u16, height: u16, samples: &[Sample], said: &[String], errors: Causes) -> String {
        let status = Status { phase: "3 of 10 s: 100 seated".into(), done: 0.3, samples, errors };
        drawn(width, height, &status, said, Glyphs::Rich).backend().to_string()
    }

    #[test]
    fn an_old_console_gets_letters_that_its_font_has_and_the_sixteen_colours() {
        let samples = everything().series;
        let errors = [("kicked_slow_consumer".to_owned(), 3)].into();
        let status = Status { phase: "3 of 10 s: 100 seated".into(), done: 0.3, samples: &samples, errors };
        let terminal = drawn(80, 24, &status, &[], Glyphs::Plain);
        // Beside ASCII: lines, blocks and the dot of WGL4, which the fonts of Windows' console have.
        let has = |c: char| c.is_ascii() || "─│┌┐└┘├┤┬┴┼▄█•".contains(c);
        let cells = terminal.backend().buffer().content();
        for cell in cells {
            assert!(cell.symbol().chars().all(has), "{:?}", cell.symbol());
            assert!(![cell.fg, cell.bg].iter().any(|of| matches!(of, Color::Rgb(..) | Color::Indexed(_))), "{cell:?}");
        }
        assert!(cells.iter().any(|cell| cell.symbol() == "•") && cells.iter().any(|cell| cell.symbol() == "█"));
    }

    #[test]
    fn a_usual_terminal_shows_it_all() {
        let errors = [("kicked_slow_consumer".to_owned(), 3), ("cut_off".to_owned(), 12)].into();
        insta::assert_snapshot!(screen(80, 24, &everything().series, &[], errors));
    }

    #[test]
    fn a_search_shows_its_steps() {
        let said: Vec<_> = (1..=9).map(|step| format!("{step}00 players  grow  holds")).collect();
        insta::assert_snapshot!(screen(80, 30, &everything().series, &said, Causes::new()));
    }

    #[test]
    fn no_size_and_no_figure_brings_it_down() {
        let strange = [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0), Some(1e300)].map(|value| Sample {
            p50_ms: value,
            p99_ms: value,
            max_ms: value,
            slip_p99_ms: value,
            server_cpu_percent: value,
            sent_per_s: value.unwrap_or(0.0),
            ..Sample::default()
        });
        let many = vec![everything().series[5].clone(); 5_000];
        for samples in [&[][..], &strange, &many] {
            for (width, height) in [(1, 1), (2, 3), (10, 40), (40, 12), (65, 17), (80, 24), (200, 60)] {
                let said = vec!["a line".to_owned(); 3];
                screen(width, height, samples, &said, [("x".repeat(300), u64::MAX)].into());
            }
        }
    }
}
