//! Targets and sessions: what is there, and how it is doing.

use std::fmt;

use federation::{Condition, Measures, TargetMeasures};
use upstream::wire::Nuisance;

use super::page::{Page, family};

/// The conditions of a target, as metrics call them.
const STATES: [&str; 3] = ["starting", "ready", "failing"];

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
        &family(
            "links",
            "Live connections to a target: for looking at it, shared, lent for a call, or a session's own.",
        ),
        targets().flat_map(|([backend, name], target)| {
            let links = [
                ("discovery", target.links.discovery),
                ("plain", target.links.plain),
                ("lent", target.links.lent),
                ("session", target.session_links),
            ];
            links.map(move |(kind, count)| ([backend, name, ("kind", kind)], count))
        }),
    )?;
    page.gauges(
        &family("child_processes", "Child processes of a target that are alive."),
        targets().map(|(labels, target)| (labels, target.processes)),
    )?;
    page.counters(
        &family("target_messages_dropped", "Messages of a target that reached nobody."),
        targets().flat_map(|([backend, name], target)| {
            let sums = Nuisance::ALL.into_iter().zip(target.nuisances);
            sums.map(move |(nuisance, count)| ([backend, name, ("reason", reason(nuisance))], count))
        }),
    )?;
    page.counters(
        &family("session_messages_dropped", "Messages outside of calls for clients that do not read them."),
        measured.iter().map(|(backend, measures)| ([("backend", *backend)], measures.lost)),
    )?;
    page.counters(
        &family("target_restarts", "How often a target had to be started or connected to again."),
        targets().map(|(labels, target)| (labels, target.restarts)),
    )
}

fn labels<'a>(backend: &'a str, target: &'a TargetMeasures) -> [(&'static str, &'a str); 2] {
    [("backend", backend), ("target", &target.name)]
}

fn reason(nuisance: Nuisance) -> &'static str {
    match nuisance {
        Nuisance::Noise => "not_mcp",
        Nuisance::Unread => "unread",
        Nuisance::Unheard => "unheard",
    }
}

fn state(condition: &Condition) -> &'static str {
    match condition {
        Condition::Starting => STATES[0],
        Condition::Ready => STATES[1],
        Condition::Failing(_) => STATES[2],
    }
}
