//! A virtual server in figures, read when somebody asks for them. Nothing here can hold up a call.

use upstream::LinkCounts;
use upstream::wire::Nuisances;

use crate::backend::Backend;
use crate::journal::CallCounts;
use crate::roster::Condition;

/// A virtual server in figures.
#[derive(Debug, Clone)]
pub struct Measures {
    /// Sessions that are open.
    pub sessions: usize,
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
    /// Links that sessions have to it.
    pub session_links: usize,
    /// The other links.
    pub links: LinkCounts,
    /// Live child processes.
    pub processes: usize,
    /// How often it had to be started or connected to again.
    pub restarts: u32,
    /// What it sent that reached nobody.
    pub nuisances: Nuisances,
}

impl Backend {
    /// The figures as they are now.
    pub fn measure(&self) -> Measures {
        let shared = &self.shared;
        let mut session_links = shared.sessions.links();
        let roster = shared.roster.borrow().clone();
        let targets = roster.iter().map(|member| {
            let name = member.target.name();
            TargetMeasures {
                name: name.to_owned(),
                condition: member.report.borrow().condition.clone(),
                calls: shared.tallies.of(name).call_counts(),
                session_links: session_links.remove(name).unwrap_or_default(),
                links: member.target.links(),
                processes: member.target.processes().len(),
                restarts: member.target.restarts(),
                nuisances: member.target.nuisances(),
            }
        });
        Measures {
            targets: targets.collect(),
            sessions: shared.sessions.len(),
            lost: shared.sessions.lost(),
            unrouted: shared.tallies.nobodys().call_counts(),
        }
    }

    /// Whether every target had its chance: it is there, or it failed and it is known why.
    pub fn is_settled(&self) -> bool {
        let roster = self.shared.roster.borrow().clone();
        roster.iter().all(|member| !matches!(member.report.borrow().condition, Condition::Starting))
    }
}
