//! The table: the rows of a work at a time, as soon as they are there.

use super::figures::median;
use super::{Cell, Figures, Group};

/// The contestant that ratios are told of.
const MEASURE: &str = "nginx";
/// The one that latency is added to.
const FLOOR: &str = "direct";

/// Prints the rows of a group. `before` is the group that was printed last.
#[expect(clippy::print_stdout, reason = "the table is what this is run for")]
pub(super) fn print(group: &Group, before: Option<&Group>) {
    let head = header(group);
    if before.map(header).as_ref() != Some(&head) {
        println!("\n{head}");
    } else if before.is_some_and(|before| before.work != group.work) {
        println!();
    }
    for (number, cell) in group.cells.iter().enumerate() {
        println!("{}", row(group, cell, number == 0));
        for fault in cell.figures.rounds().iter().flat_map(|round| &round.faults).take(2) {
            println!("    WRONG: {fault}");
        }
    }
}

fn header(group: &Group) -> String {
    let columns = match group
        .cells
        .iter()
        .map(|cell| &cell.figures)
        .find(|figures| !matches!(figures, Figures::Failed(_)))
    {
        Some(Figures::Idle(_)) => {
            format!("{:>12}{:>16}{:>16}{:>16}", "at rest MB", "session KiB", "that called", "with stream")
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
            "peak MB",
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
            format!("{:>12.1}{:>16.1}{:>16.1}{:>16.1}", mb(idle.rest), idle.session, idle.used, idle.stream)
        }
        Figures::Start(times) => number(median(times.clone()), 12, 1),
        Figures::Failed(why) => format!("    !! left out: {why}"),
        figures @ Figures::Load(_) => load(group, figures),
    };
    format!("{title:<30}{connections:>6}  {:<22}{columns}", cell.contestant)
}

fn load(group: &Group, figures: &Figures) -> String {
    let of = |name: &str| group.cells.iter().find(|cell| cell.contestant == name).map(|cell| &cell.figures);
    let cpu = |figures: &Figures| figures.median(super::Round::cpu_per_call);
    let speed = |figures: &Figures| figures.median(|round| Some(round.calls_per_second()));
    let ratio = |of_figures: &dyn Fn(&Figures) -> Option<f64>| {
        Some(of_figures(figures)? / of(MEASURE).and_then(of_figures)?)
    };
    let added = |at: fn(&super::Round) -> u64| {
        #[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
        let ms =
            |figures: &Figures| figures.median(|round| (round.calls > 0).then(|| at(round) as f64 / 1e6));
        match of(FLOOR).and_then(ms) {
            Some(floor) => ms(figures).map(|value| value - floor),
            None => ms(figures),
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
    let peak = figures.rounds().iter().filter_map(|round| round.peak).max().map(|kib| kib as f64 / 1024.0);
    let errors = figures.errors();
    [
        number(cpu(figures), 12, 1),
        number(ratio(&cpu), 9, 2),
        number(speed(figures), 10, 0),
        number(ratio(&speed), 9, 2),
        number(added(|round| round.p50), 10, 3),
        number(added(|round| round.p99), 10, 3),
        number(added(|round| round.p999), 10, 3),
        number(peak, 9, 1),
        format!("{:>8}", if errors == 0 { "0".to_owned() } else { format!("!! {errors}") }),
    ]
    .concat()
}

#[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
fn mb(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn number(value: Option<f64>, width: usize, digits: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.digits$}"))
}
