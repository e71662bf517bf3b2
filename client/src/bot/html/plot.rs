//! Lines over time or over percentiles, as SVG: no script, no font, nothing to fetch. Pure.

use super::text::escaped;
use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 250.0;
/// Room for the numbers of the axes.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 36.0;
/// More points than pixels show nothing more.
const MOST_POINTS: usize = 600;

/// A line of a plot.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: &'static str,
    /// From left to right; `None` leaves a gap.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// Where the numbers of an axis stand, and what is written there.
#[derive(Debug, Clone)]
pub(super) struct Ticks(Vec<(f64, String)>);

/// A plot.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    pub(super) lines: Vec<Line>,
    /// Where the x axis has its numbers; evenly, where it does not say.
    pub(super) ticks: Option<Ticks>,
    /// A stretch of the x axis that is shaded: when actions fell due.
    pub(super) shaded: Option<(f64, f64)>,
    /// A height that shall not be exceeded.
    pub(super) limit: Option<f64>,
    /// Single points and whether they are good.
    pub(super) marks: Vec<(f64, f64, bool)>,
}

impl Plot<'_> {
    /// The plot as a figure; nothing where there is nothing to see.
    pub(super) fn figure(&self) -> String {
        let seen = || self.lines.iter().flat_map(|line| &line.points).filter_map(|&(x, y)| Some((x, y?)));
        let marked = || self.marks.iter().map(|&(x, y, _)| (x, y));
        let all = || seen().chain(marked()).filter(|(x, y)| x.is_finite() && y.is_finite());
        if all().next().is_none() {
            return String::new();
        }
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::MIN, f64::max);
        let x_from = all().map(|(x, _)| x).fold(f64::MAX, f64::min).min(0.0);
        let x_to = most(&mut all().map(|(x, _)| x)).max(x_from + 1e-9);
        let top = most(&mut all().map(|(_, y)| y)).max(self.limit.unwrap_or(0.0));
        let y_ticks = nice(0.0, if top > 0.0 { top } else { 1.0 });
        let y_to = y_ticks.0.last().map_or(1.0, |tick| tick.0);
        let scale = Scale { x_from, x_to, y_to };
        let mut svg = String::new();
        self.frame(&mut svg, &scale, &y_ticks);
        for (index, line) in self.lines.iter().enumerate() {
            let _ = write!(svg, "<path class=\"line c{index}\" d=\"{}\"/>", scale.path(&thinned(&line.points)));
        }
        for &(x, y, good) in &self.marks {
            let (x, y, class) = (scale.x(x), scale.y(y), if good { "good" } else { "bad" });
            let _ = write!(svg, "<circle class=\"mark {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
        }
        let legend: String = self
            .lines
            .iter()
            .enumerate()
            .map(|(index, line)| format!("<span><i class=\"c{index}\"></i>{}</span>", escaped(line.name)))
            .collect();
        format!(
            "<figure><figcaption>{}<small>{}</small></figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{}\">{svg}</svg><div class=\"legend\">{legend}</div></figure>\n",
            escaped(self.title),
            escaped(self.y),
            escaped(self.title)
        )
    }

    fn frame(&self, svg: &mut String, scale: &Scale, y_ticks: &Ticks) {
        if let Some((from, to)) = self.shaded {
            let (from, to) = (scale.x(from.max(scale.x_from)), scale.x(to.min(scale.x_to)));
            let (width, height) = ((to - from).max(0.0), HEIGHT - TOP - BOTTOM);
            let _ = write!(
                svg,
                "<rect class=\"shade\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\"/>"
            );
        }
        for (value, label) in &y_ticks.0 {
            let y = scale.y(*value);
            let (right, at, below) = (WIDTH - RIGHT, LEFT - 6.0, y + 4.0);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
            let _ = write!(svg, "<text x=\"{at}\" y=\"{below:.1}\" class=\"end\">{label}</text>");
        }
        let even = nice(scale.x_from, scale.x_to);
        for (value, label) in &self.ticks.as_ref().unwrap_or(&even).0 {
            if (scale.x_from..=scale.x_to).contains(value) {
                let (x, y, bottom) = (scale.x(*value), HEIGHT - BOTTOM + 15.0, HEIGHT - BOTTOM);
                let _ = write!(svg, "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>");
                let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y}\" class=\"middle\">{}</text>", escaped(label));
            }
        }
        let (x, y) = (WIDTH - RIGHT, HEIGHT - 5.0);
        let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" class=\"end\">{}</text>", escaped(self.x));
        if let Some(limit) = self.limit {
            let (y, right) = (scale.y(limit), WIDTH - RIGHT);
            let _ = write!(svg, "<path class=\"limit\" d=\"M{LEFT} {y:.1}H{right}\"/>");
        }
    }
}

impl Ticks {
    /// Percentiles as HDR plots have them: each mark ten times closer to all.
    pub(super) fn percentiles() -> Self {
        let marks = [(0.0, "0"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"), (5.0, "99.999 %")];
        Self(marks.into_iter().chain([(6.0, "99.9999 %")]).map(|(at, label)| (at, label.to_owned())).collect())
    }
}

struct Scale {
    x_from: f64,
    x_to: f64,
    y_to: f64,
}

impl Scale {
    fn x(&self, x: f64) -> f64 {
        LEFT + (x - self.x_from) / (self.x_to - self.x_from) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y / self.y_to).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn path(&self, points: &[(f64, Option<f64>)]) -> String {
        let mut path = String::new();
        let mut pen_is_down = false;
        for &(x, y) in points {
            let Some(y) = y.filter(|y| y.is_finite() && x.is_finite()) else {
                pen_is_down = false;
                continue;
            };
            let _ = write!(path, "{}{:.1} {:.1}", if pen_is_down { 'L' } else { 'M' }, self.x(x), self.y(y));
            pen_is_down = true;
        }
        path
    }
}

/// As many points as can be seen: of each stretch the highest, since that is what one looks for.
fn thinned(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let highest = |stretch: &[(f64, Option<f64>)]| {
        stretch.iter().copied().max_by(|a, b| a.1.unwrap_or(-1.0).total_cmp(&b.1.unwrap_or(-1.0)))
    };
    points.chunks(points.len().div_ceil(MOST_POINTS)).filter_map(highest).collect()
}

/// Round numbers from `from` on, the last at or above `to`.
fn nice(from: f64, to: f64) -> Ticks {
    let rough = (to - from) / 5.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * magnitude).find(|&step| step >= rough);
    let step = step.unwrap_or(rough);
    let first = (from / step).floor();
    let ticks = (0..=12).map(|count| (first + f64::from(count)) * step);
    let mut out = Vec::new();
    for at in ticks {
        out.push((at, number(at)));
        if at >= to - step * 1e-6 {
            break;
        }
    }
    Ticks(out)
}

/// A number in few characters.
pub(super) fn number(value: f64) -> String {
    let rounded = |value: f64| {
        let text = format!("{:.2}", value);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match value.abs() {
        1e6.. => format!("{}M", rounded(value / 1e6)),
        1e4.. => format!("{}k", rounded(value / 1e3)),
        _ => rounded(value),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, MOST_POINTS, Plot, nice, number, thinned};

    fn plot(points: Vec<(f64, Option<f64>)>) -> String {
        let lines = vec![Line { name: "a<b", points }];
        Plot {
            title: "t",
            x: "s",
            y: "ms",
            lines,
            ticks: None,
            shaded: Some((0.0, 1.0)),
            limit: Some(5.0),
            marks: vec![],
        }
        .figure()
    }

    #[test]
    fn a_line_is_drawn_with_gaps_and_its_name_is_text() {
        let svg = plot(vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0)), (3.0, Some(f64::NAN)), (4.0, Some(2.0))]);
        assert_eq!(svg.matches("class=\"line").count(), 1);
        let path = svg.split("class=\"line c0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 3, "{path}");
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN"));
    }

    #[test]
    fn nothing_to_see_is_no_figure() {
        assert_eq!(plot(vec![]), "");
        assert_eq!(plot(vec![(1.0, None)]), "");
        assert!(!plot(vec![(1.0, Some(0.0))]).contains("NaN"));
    }

    #[test]
    fn many_points_keep_their_peaks() {
        let points: Vec<_> = (0..10_000).map(|x| (f64::from(x), Some(f64::from(u8::from(x == 7_777))))).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= MOST_POINTS && thin.contains(&(7_777.0, Some(1.0))));
    }

    #[test]
    fn numbers_are_round_and_short() {
        let ticks: Vec<_> = nice(0.0, 38.0).0.into_iter().map(|(_, label)| label).collect();
        assert_eq!(ticks, ["0", "10", "20", "30", "40"]);
        assert_eq!([0.25, 1_500.0, 12_000.0, 3_400_000.0].map(number), ["0.25", "1500", "12k", "3.4M"]);
    }
}
