//! A picture of a run: processor time per call of everybody, on a scale of powers of ten, because some need a thousand times
//! what others do. Dots and no bars: where zero is infinitely far away, the length of a bar says nothing.

use std::fmt::Write as _;

use super::figures::Round;
use super::{Group, Report};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 370.0;
const RIGHT: f64 = 120.0;
const TOP: f64 = 64.0;
const LINE: f64 = 20.0;
const GAP: f64 = 14.0;
/// The number of connections that is shown, where a work was measured with it.
const CONNECTIONS: usize = 32;
/// Told apart by people who see colours in different ways.
const COLOURS: &[&str] = &["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];

/// A dot: whose, and how many microseconds a call takes.
struct Dot<'a> {
    contestant: &'a str,
    cpu: f64,
}

/// Draws a run.
pub(crate) fn svg(report: &Report) -> String {
    let shown: Vec<_> = chosen(report).into_iter().map(|group| (group, dots(group))).collect();
    let shown: Vec<_> = shown.into_iter().filter(|(_, dots)| !dots.is_empty()).collect();
    let cpus = || shown.iter().flat_map(|(_, dots)| dots).map(|dot| dot.cpu);
    let scale = Scale::over(cpus().fold(10.0, f64::min), cpus().fold(100.0, f64::max));
    let lines: usize = shown.iter().map(|(_, dots)| dots.len()).sum();
    let bottom = TOP + count(lines) * LINE + count(shown.len()) * GAP;

    let mut out = String::new();
    begin(&mut out, bottom + 44.0, report);
    axis(&mut out, &scale, bottom);
    let mut y = TOP;
    for (group, dots) in &shown {
        y += GAP / 2.0;
        let title = format!("{}, {} conns", group.title, group.connections);
        text(&mut out, 16.0, y + LINE * 0.7, "start", "#222", &title);
        for dot in dots {
            draw(&mut out, &scale, y + LINE / 2.0, dot, colour(report, dot.contestant));
            y += LINE;
        }
        y += GAP / 2.0;
        let _ = writeln!(out, r##"<path d="M16 {y:.1}H{:.1}" stroke="#ddd"/>"##, WIDTH - 16.0);
    }
    out.push_str("</svg>\n");
    out
}

/// One group for each work that was measured under load.
fn chosen(report: &Report) -> Vec<&Group> {
    let mut chosen: Vec<&Group> = Vec::new();
    for group in &report.groups {
        match chosen.iter_mut().find(|other| other.work == group.work) {
            Some(other) if other.connections != CONNECTIONS => *other = group,
            Some(_) => {}
            None => chosen.push(group),
        }
    }
    chosen.retain(|group| !group.work.starts_with("added"));
    chosen
}

fn dots(group: &Group) -> Vec<Dot<'_>> {
    let dot = |cell: &'_ super::Cell| cell.figures.median(Round::cpu_per_call);
    let cells = group.cells.iter();
    cells.filter_map(|cell| Some(Dot { contestant: &cell.contestant, cpu: dot(cell)? })).collect()
}

/// Where values stand.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    /// From the power of ten below to the one above.
    fn over(least: f64, most: f64) -> Self {
        Self { from: least.log10().floor(), to: most.log10().ceil() }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (value.log10() - self.from) / (self.to - self.from) * (WIDTH - LEFT - RIGHT)
    }
}

fn begin(out: &mut String, height: f64, report: &Report) {
    // Writing into a string does not fail.
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Processor time per call">"#
    );
    out.push_str(r#"<rect width="100%" height="100%" fill="white"/>"#);
    text(out, 16.0, 26.0, "start", "#000", "Processor time of the gateway for one call: less is better");
    text(out, 16.0, 46.0, "start", "#666", &report.machine.line());
}

fn axis(out: &mut String, scale: &Scale, bottom: f64) {
    let mut power = scale.from;
    while power <= scale.to {
        let value = 10_f64.powf(power);
        let x = scale.x(value);
        let _ = writeln!(out, r##"<path d="M{x:.1} {TOP:.1}V{bottom:.1}" stroke="#ddd"/>"##);
        text(out, x, bottom + 20.0, "middle", "#444", &time(value));
        power += 1.0;
    }
}

fn draw(out: &mut String, scale: &Scale, y: f64, dot: &Dot<'_>, colour: &str) {
    let x = scale.x(dot.cpu);
    text(out, LEFT - 10.0, y + 4.5, "end", "#444", dot.contestant);
    let _ = writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="5.5" fill="{colour}"/>"#);
    text(out, x + 11.0, y + 4.5, "start", "#222", &time(dot.cpu));
}

fn colour(report: &Report, contestant: &str) -> &'static str {
    let number = report.contestants.iter().position(|known| known.name == contestant);
    COLOURS[number.unwrap_or_default() % COLOURS.len()]
}

/// Two digits, or as many as there are before the point.
fn time(microseconds: f64) -> String {
    let units = [(1.0, "µs"), (1e3, "ms"), (1e6, "s")];
    let (unit, name) = units.into_iter().rev().find(|(unit, _)| microseconds >= *unit).unwrap_or(units[0]);
    let value = microseconds / unit;
    let digits = usize::from(value < 10.0 && value.fract() > 0.05);
    format!("{value:.digits$} {name}")
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, fill: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ =
        writeln!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{fill}">{words}</text>"#);
}

#[expect(clippy::cast_precision_loss, reason = "there are few lines")]
fn count(lines: usize) -> f64 {
    lines as f64
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, Figures, Known, Machine};
    use super::*;

    fn group(work: &str, connections: usize, cpu: u64) -> Group {
        let round = Round { calls: 1000, cpu: Some(cpu * 1_000_000), ..Round::default() };
        let cells = vec![Cell::new("a<b", Figures::Load(vec![round]))];
        Group { work: work.into(), title: format!("the {work}"), connections, cells }
    }

    #[test]
    fn times_are_short() {
        let short = [1.0, 2.95, 18.4, 999.4, 1000.0, 2949.0, 82_300.0, 1e6, 2_367_000.0].map(time);
        let expected = ["1 µs", "3.0 µs", "18 µs", "999 µs", "1 ms", "2.9 ms", "82 ms", "1 s", "2.4 s"];
        assert_eq!(short, expected.map(str::to_owned));
    }

    #[test]
    fn a_run_that_was_written_to_a_file_can_be_drawn() {
        let known = Known { name: "a<b".into(), about: String::new(), version: String::new() };
        let groups = vec![group("x", 1, 7), group("x", 32, 20), group("x", 128, 9), group("y", 8, 30_000)];
        let report = Report { machine: Machine::default(), contestants: vec![known], groups };
        let read: Report =
            serde_json::from_str(&serde_json::to_string(&report).expect("JSON")).expect("the same");
        let svg = svg(&read);
        assert!(svg.contains("the x, 32 conns") && svg.contains(">20 µs<"), "{svg}");
        assert!(svg.contains("the y, 8 conns") && svg.contains(">30 ms<"), "{svg}");
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"), "{svg}");
    }
}
