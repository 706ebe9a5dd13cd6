//! The table: the rows of a work at a time, as soon as they are there.

use super::figures::{Round, median};
use super::{Cell, Figures, Group};

/// The contestant that ratios are told of.
const MEASURE: &str = "nginx";
/// The one that latency is added to.
const FLOOR: &str = "direct";
/// How many faults are told in words.
const FAULTS: usize = 2;

/// The rows of a group, below a header where that is another one than that of the group before.
pub(super) fn rows(group: &Group, before: Option<&Group>) -> String {
    let head = header(group);
    let mut lines = match before {
        Some(before) if header(before) != head => vec![String::new(), head],
        Some(before) if before.work != group.work => vec![String::new()],
        Some(_) => Vec::new(),
        None => vec![head],
    };
    for (number, cell) in group.cells.iter().enumerate() {
        lines.push(row(group, cell, number == 0));
        let faults = cell.figures.rounds().iter().flat_map(|round| &round.faults);
        lines.extend(faults.take(FAULTS).map(|fault| format!("    WRONG: {fault}")));
    }
    lines.join("\n")
}

fn header(group: &Group) -> String {
    let columns = match group
        .cells
        .iter()
        .map(|cell| &cell.figures)
        .find(|figures| !matches!(figures, Figures::Failed(_)))
    {
        Some(Figures::Idle(_)) => {
            format!("{:>12}{:>16}{:>16}{:>16}", "at rest MiB", "session KiB", "that called", "with stream")
        }
        Some(Figures::Start(_)) => format!("{:>12}", "ready ms"),
        _ => format!(
            "{:>12}{:>9}{:>10}{:>9}{:>10}{:>10}{:>10}{:>9}{:>8}",
            "CPU us/call",
            "x nginx",
            "calls/s",
            "x nginx",
            "+p50 ms",
            "+p99 ms",
            "+p99.9",
            "peak MiB",
            "errors"
        ),
    };
    format!("{:<30}{:>6}  {:<22}{columns}", "work", "conns", "contestant")
}

fn row(group: &Group, cell: &Cell, first: bool) -> String {
    let title = if first { group.title.as_str() } else { "" };
    let connections = if first { group.connections.to_string() } else { String::new() };
    let columns = match &cell.figures {
        Figures::Idle(idle) => {
            format!("{:>12.1}{:>16.1}{:>16.1}{:>16.1}", mib(idle.rest), idle.session, idle.used, idle.stream)
        }
        Figures::Start(times) => number(median(times.clone()), 12, 1),
        Figures::Failed(why) => format!("    !! left out: {why}"),
        figures @ Figures::Load(_) => load(group, figures),
    };
    format!("{title:<30}{connections:>6}  {:<22}{columns}", cell.contestant)
}

fn load(group: &Group, figures: &Figures) -> String {
    let of = |name: &str| group.cells.iter().find(|cell| cell.contestant == name).map(|cell| &cell.figures);
    let ratio = |value: fn(&Round) -> Option<f64>| {
        figures.median_against(of(MEASURE)?, |round, other| Some(value(round)? / value(other)?))
    };
    // A percentile says nothing with fewer calls than these.
    let added = |at: fn(&Round) -> u64, enough: u64| {
        #[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
        let ms = |round: &Round| (round.calls >= enough).then(|| at(round) as f64 / 1e6);
        figures.median_against(of(FLOOR)?, |round, other| Some(ms(round)? - ms(other)?))
    };
    let speed = |round: &Round| Some(round.calls_per_second());
    let peak = figures.rounds().iter().filter_map(|round| round.peak).max().map(mib);
    let errors = figures.errors();
    [
        number(figures.median(Round::cpu_per_call), 12, 1),
        number(ratio(Round::cpu_per_call), 9, 2),
        number(figures.median(speed), 10, 0),
        number(ratio(speed), 9, 2),
        number(added(|round| round.p50, 5), 10, 3),
        number(added(|round| round.p99, 100), 10, 3),
        number(added(|round| round.p999, 1000), 10, 3),
        number(peak, 9, 1),
        format!("{:>8}", if errors == 0 { "0".to_owned() } else { format!("!! {errors}") }),
    ]
    .concat()
}

#[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn number(value: Option<f64>, width: usize, digits: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(contestant: &str, calls: u64, cpu: Option<u64>, p50: u64) -> Cell {
        let round = Round { seconds: 1.0, calls, cpu, p50, p99: 2 * p50, peak: cpu, ..Round::default() };
        Cell::new(
            contestant,
            Figures::Load(vec![round.clone(), Round { calls: 0, cpu: None, ..round.clone() }, round]),
        )
    }

    fn group(cells: Vec<Cell>) -> Group {
        Group { work: "small".into(), title: "small call".into(), connections: 8, cells }
    }

    fn columns(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn a_row_has_the_cost_its_ratio_to_nginx_and_what_is_added_to_no_gateway() {
        let cells = vec![
            cell("direct", 4000, None, 1_000_000),
            cell("nginx", 2000, Some(40_000_000), 1_500_000),
            cell("ours", 500, Some(15_000_000), 4_000_000),
        ];
        let text = rows(&group(cells), None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(columns(lines[1])[..5], ["small", "call", "8", "direct", "-"]);
        assert_eq!(columns(lines[2])[..3], ["nginx", "20.0", "1.00"]);
        let ours = ["ours", "30.0", "1.50", "500", "0.25", "3.000", "6.000", "-", "14648.4", "0"];
        assert_eq!(columns(lines[3]), ours, "{text}");
        assert!(lines[1..].iter().all(|line| line.chars().count() == lines[0].chars().count()), "{text}");
    }

    #[test]
    fn a_row_with_errors_says_so_loudly() {
        let wrong =
            Round { calls: 9, errors: 3, faults: vec!["no id".into()], seconds: 1.0, ..Round::default() };
        let broken = Figures::Failed("it does not start".into());
        let cells = vec![Cell::new("x", Figures::Load(vec![wrong])), Cell::new("y", broken)];
        let text = rows(&group(cells), None);
        assert!(text.contains("!! 3") && text.contains("WRONG: no id"), "{text}");
        assert!(text.contains("!! left out: it does not start"), "{text}");
    }
}
