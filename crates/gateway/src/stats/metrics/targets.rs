//! Targets and sessions: what is there, and how it is doing.

use std::fmt;

use federation::{Condition, Measures, SessionCounts, TargetMeasures};
use upstream::wire::Nuisance;
use upstream::{LinkKind, Position};

use super::page::{Page, family};

/// The conditions of a target, as metrics call them.
const STATES: [&str; 3] = ["starting", "ready", "failing"];

/// The states of a breaker, as metrics call them.
const POSITIONS: [&str; 3] = ["closed", "open", "half_open"];

pub(super) fn tell(page: &mut Page<'_>, measured: &[(&str, Measures)]) -> fmt::Result {
    let targets = || {
        measured.iter().flat_map(|(backend, measures)| {
            measures.targets.iter().map(move |target| (labels(backend, target), target))
        })
    };
    page.gauges(
        &family("sessions", "Sessions of legacy clients that are open."),
        measured.iter().map(|(backend, measures)| ([("backend", *backend)], measures.sessions)),
    )?;
    page.counters(
        &family("session_events", "Sessions of legacy clients: how they began, and why they ended."),
        measured.iter().flat_map(|(backend, measures)| {
            events(&measures.session_counts)
                .map(|(event, count)| ([("backend", *backend), ("event", event)], count))
        }),
    )?;
    page.gauges(
        &family("target_up", "Whether a target is there."),
        targets().map(|(labels, target)| (labels, u32::from(matches!(target.condition, Condition::Ready)))),
    )?;
    page.gauges(
        &family("target_state", "The condition of a target: 1 for the one that it is in."),
        targets().flat_map(|([backend, name], target)| {
            let now = state(&target.condition);
            STATES.map(move |state| ([backend, name, ("state", state)], u32::from(state == now)))
        }),
    )?;
    page.gauges(
        &family("links", "Live connections to a target, by what they are for."),
        targets().flat_map(|([backend, name], target)| {
            let links = LinkKind::ALL.into_iter().zip(target.stats.links);
            links.map(move |(kind, count)| ([backend, name, ("kind", kind.as_str())], count))
        }),
    )?;
    page.gauges(
        &family("breaker_state", "The breaker of a target: 1 for the state that it is in."),
        targets().flat_map(|([backend, name], target)| {
            let now = position(target.stats.breaker.position);
            POSITIONS.map(move |state| ([backend, name, ("state", state)], u32::from(state == now)))
        }),
    )?;
    page.counters(
        &family("breaker_openings", "How often the breaker of a target opened."),
        targets().map(|(labels, target)| (labels, target.stats.breaker.openings)),
    )?;
    page.counters(
        &family("calls_refused", "Calls that were not sent: too many are in flight, or the breaker is open."),
        targets().flat_map(|([backend, name], target)| {
            let refused = [("busy", target.stats.refused_busy), ("breaker", target.stats.refused_paused)];
            refused.map(move |(reason, count)| ([backend, name, ("reason", reason)], count))
        }),
    )?;
    page.gauges(
        &family("target_list_faults", "Lists of a target that could not be read, or not to their end."),
        targets().map(|(labels, target)| (labels, target.list_faults)),
    )?;
    page.gauges(
        &family("child_processes", "Child processes of a target that are alive."),
        targets().map(|(labels, target)| (labels, target.processes)),
    )?;
    page.counters(
        &family("target_messages_dropped", "Messages of a target that reached nobody."),
        targets().flat_map(|([backend, name], target)| {
            let sums = Nuisance::ALL.into_iter().zip(target.stats.nuisances);
            sums.map(move |(nuisance, count)| ([backend, name, ("reason", reason(nuisance))], count))
        }),
    )?;
    page.counters(
        &family("session_messages_dropped", "Messages outside of calls for clients that do not read them."),
        measured.iter().map(|(backend, measures)| ([("backend", *backend)], measures.lost)),
    )?;
    page.counters(
        &family("target_restarts", "How often a target had to be started or connected to again."),
        targets().map(|(labels, target)| (labels, target.stats.restarts)),
    )
}

fn events(counts: &SessionCounts) -> [(&'static str, u64); 6] {
    let SessionCounts { begun, taken_over, refused, ended, idle, unused } = *counts;
    [
        ("begun", begun),
        ("taken_over", taken_over),
        ("refused", refused),
        ("ended", ended),
        ("idle", idle),
        ("unused", unused),
    ]
}

fn labels<'a>(backend: &'a str, target: &'a TargetMeasures) -> [(&'static str, &'a str); 2] {
    [("backend", backend), ("target", &target.name)]
}

fn reason(nuisance: Nuisance) -> &'static str {
    match nuisance {
        Nuisance::Noise => "not_mcp",
        Nuisance::Unread => "unread",
        Nuisance::Unheard => "unheard",
        Nuisance::Flood => "flood",
    }
}

fn position(position: Position) -> &'static str {
    match position {
        Position::Closed => POSITIONS[0],
        Position::Open { .. } => POSITIONS[1],
        Position::Trial => POSITIONS[2],
    }
}

fn state(condition: &Condition) -> &'static str {
    match condition {
        Condition::Starting => STATES[0],
        Condition::Ready => STATES[1],
        Condition::Failing(_) => STATES[2],
    }
}
