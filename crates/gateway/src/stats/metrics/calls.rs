//! Calls: how many, how they ended, how long they took.

use std::collections::BTreeMap;
use std::fmt;

use federation::{CallCounts, CallOutcome, Histogram, Measures};
use protocol::method::Routing;
use protocol::{Kind, Method};

use super::page::{Page, family, seconds};

/// The calls of a target, or with an empty name those of none.
struct Called<'a> {
    backend: &'a str,
    target: &'a str,
    counts: &'a CallCounts,
}

pub(super) fn tell(page: &mut Page<'_>, measured: &[(&str, Measures)]) -> fmt::Result {
    let called = || {
        measured.iter().flat_map(|(backend, measures)| {
            let targets = measures.targets.iter().map(|target| (&*target.name, &target.calls));
            let all = targets.chain([("", &measures.unrouted)]);
            all.map(|(target, counts)| Called { backend, target, counts })
        })
    };
    page.counters(
        &family(
            "calls",
            "Calls that ended, by target, method and outcome. Calls of no target have an empty one.",
        ),
        called().flat_map(outcomes),
    )?;
    page.histograms(
        &seconds("call_duration", "How long calls took, by target and kind of what was called."),
        called().flat_map(|called| {
            let Called { backend, target, counts } = called;
            let kinds = by_kind(counts).into_iter();
            kinds.map(move |(kind, histogram)| {
                ([("backend", backend), ("target", target), ("kind", kind)], histogram)
            })
        }),
    )?;
    page.gauges(
        &family("calls_running", "Calls that have not ended yet."),
        called()
            .filter(|called| !called.target.is_empty())
            .map(|called| ([("backend", called.backend), ("target", called.target)], called.counts.running)),
    )
}

/// Every outcome of each method that was called, also those that never came: a rate needs a series that begins at 0.
fn outcomes(called: Called<'_>) -> impl Iterator<Item = ([(&'static str, &str); 4], u64)> {
    let Called { backend, target, counts } = called;
    counts.methods.iter().flat_map(move |of_method| {
        CallOutcome::ALL.into_iter().zip(of_method.outcomes).map(move |(outcome, count)| {
            let (method, outcome) = (of_method.method.name, outcome.as_str());
            ([("backend", backend), ("target", target), ("method", method), ("outcome", outcome)], count)
        })
    })
}

fn by_kind(counts: &CallCounts) -> BTreeMap<&'static str, Histogram> {
    let mut kinds: BTreeMap<_, Histogram> = BTreeMap::new();
    for of_method in &counts.methods {
        kinds.entry(kind(of_method.method)).or_default().add(&of_method.durations);
    }
    kinds
}

/// What is called by a method.
fn kind(method: &Method) -> &'static str {
    match method.routing {
        Routing::ByName(Kind::Tool) => "tool",
        Routing::ByName(Kind::Prompt) => "prompt",
        Routing::ByUri | Routing::ByName(Kind::Resource | Kind::Template) => "resource",
        Routing::ByRef => "completion",
        Routing::ByTask => "task",
        Routing::Ours(_) | Routing::Gather(_) => "other",
    }
}
