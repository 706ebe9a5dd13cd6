//! A virtual server in figures, read when somebody asks for them. Nothing here can hold up a call.

use upstream::Stats;

use crate::backend::Backend;
use crate::journal::CallCounts;
use crate::roster::Condition;
use crate::session::SessionCounts;

/// A virtual server in figures.
#[derive(Debug, Clone)]
pub struct Measures {
    /// Sessions that are open.
    pub sessions: usize,
    /// What became of sessions.
    pub session_counts: SessionCounts,
    /// Messages outside of calls that were dropped because a session does not read its stream.
    pub lost: u64,
    /// Calls that reach no target, such as those of tools that do not exist.
    pub unrouted: CallCounts,
    /// Its targets, in the order of the configuration. One that was removed is not among them any more.
    pub targets: Vec<TargetMeasures>,
}

/// A target in figures.
#[derive(Debug, Clone)]
pub struct TargetMeasures {
    /// Its name.
    pub name: String,
    /// Its condition.
    pub condition: Condition,
    /// Its calls.
    pub calls: CallCounts,
    /// Lists that could not be read, or not to their end.
    pub list_faults: usize,
    /// Live child processes.
    pub processes: usize,
    /// Its links, its breaker, and what was refused or dropped.
    pub stats: Stats,
}

impl Backend {
    /// The figures as they are now.
    pub fn measure(&self) -> Measures {
        let shared = &self.shared;
        let roster = shared.roster.borrow().clone();
        let targets = roster.iter().map(|member| {
            let name = member.target.name();
            let report = member.report.borrow().clone();
            TargetMeasures {
                list_faults: report.listing.as_ref().map_or(0, |listing| listing.shortfalls().count()),
                name: name.to_owned(),
                condition: report.condition,
                calls: shared.books().tallies.of(name).call_counts(),
                processes: member.target.processes().len(),
                stats: member.target.stats(),
            }
        });
        Measures {
            targets: targets.collect(),
            sessions: shared.sessions.len(),
            session_counts: shared.sessions.counts(),
            lost: shared.sessions.lost(),
            unrouted: shared.books().tallies.nobodys().call_counts(),
        }
    }

    /// Whether every target had its chance: it is there, or it failed and it is known why.
    pub fn is_settled(&self) -> bool {
        let roster = self.shared.roster.borrow().clone();
        roster.iter().all(|member| !matches!(member.report.borrow().condition, Condition::Starting))
    }
}
