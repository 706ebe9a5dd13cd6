//! What a virtual server shows of itself to the people who run it. Nothing here can hold up a call.

use std::sync::Arc;
use std::time::SystemTime;

use protocol::{Kind, Raw};
use upstream::{Peer, Stats};

use crate::backend::Backend;
use crate::journal::Figures;
use crate::roster::{Condition, Member};
use crate::session::{SessionCounts, SessionStatus};

/// How a target is doing.
#[derive(Debug, Clone)]
pub struct TargetStatus {
    /// Its name.
    pub name: String,
    /// Its condition.
    pub condition: Condition,
    /// Since when it is in this condition.
    pub since: SystemTime,
    /// What it said of itself when it was last there.
    pub peer: Option<Arc<Peer>>,
    /// How many items of each kind it offers, in the order of [`Kind::ALL`].
    pub counts: [usize; Kind::ALL.len()],
    /// Lists that could not be read, or not to their end, and why. What is known of them is served.
    pub faults: Vec<(Kind, String)>,
    /// Live child processes.
    pub processes: Vec<u32>,
    /// How often it had to be started or connected to again.
    pub restarts: u32,
    /// Its calls and links in numbers, and whether calls are let through.
    pub stats: Stats,
    /// The last lines of its standard error, oldest first.
    pub last_words: Vec<String>,
    /// How its calls went.
    pub figures: Figures,
}

/// An item as clients see it, and where it leads.
#[derive(Debug, Clone)]
pub struct CatalogItem {
    /// What it is.
    pub kind: Kind,
    /// The name or URI that clients see.
    pub name: String,
    /// The target that has it.
    pub target: String,
    /// Its name or URI at the target.
    pub local: String,
    /// All of it, as clients get it.
    pub raw: Raw,
}

impl Backend {
    /// How each target is doing, in the order of the configuration.
    pub fn status(&self) -> Vec<TargetStatus> {
        let roster = self.shared.roster.borrow().clone();
        roster.iter().map(|member| self.target_status(member)).collect()
    }

    fn target_status(&self, member: &Member) -> TargetStatus {
        let report = member.report.borrow().clone();
        let listing = report.listing.as_ref();
        let name = member.target.name();
        let since = self.shared.condition_since(name).unwrap_or_else(SystemTime::now);
        TargetStatus {
            name: name.to_owned(),
            condition: report.condition,
            since,
            peer: listing.map(|listing| listing.peer.clone()),
            counts: Kind::ALL.map(|kind| listing.map_or(0, |listing| listing.items(kind).len())),
            faults: listing.map(|listing| listing.shortfalls().cloned().collect()).unwrap_or_default(),
            processes: member.target.processes(),
            restarts: member.target.restarts(),
            stats: member.target.stats(),
            last_words: member.target.last_words(),
            figures: self.shared.books().tallies.of(name).figures(),
        }
    }

    /// Starts a target, or connects to it, anew. Calls that run there fail, and sessions get new links to it. False if there is none of this name.
    pub fn restart(&self, target: &str) -> bool {
        let roster = self.shared.roster.borrow().clone();
        let member = roster.iter().find(|member| member.target.name() == target);
        if let Some(member) = member {
            member.target.restart();
            self.shared.sessions.cut(target);
            // Who only listens makes no call that would open another link.
            self.shared.sessions.listen_at(&[&member.target]);
        }
        member.is_some()
    }

    /// The sessions, the oldest first.
    pub fn sessions(&self) -> Vec<SessionStatus> {
        let mut sessions = self.shared.sessions.status();
        sessions.sort_by_key(|session| session.number);
        sessions
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.shared.sessions.len()
    }

    /// What became of sessions, since the start.
    pub fn session_counts(&self) -> SessionCounts {
        self.shared.sessions.counts()
    }

    /// Ends the session with this number. False if there is none.
    pub fn end_session(&self, number: u64) -> bool {
        self.shared.sessions.end_number(number)
    }

    /// Everything that is offered now, kind by kind, in the order of the lists.
    pub fn catalog(&self) -> Vec<CatalogItem> {
        let catalog = self.shared.catalog();
        let of_kind = |kind: Kind| catalog.list(kind).items.iter().map(move |item| (kind, item));
        let target = |index: usize| {
            catalog.targets.get(index).map(|entry| entry.target.name().to_owned()).unwrap_or_default()
        };
        Kind::ALL
            .into_iter()
            .flat_map(of_kind)
            .map(|(kind, item)| CatalogItem {
                kind,
                name: item.name.clone(),
                target: target(item.target),
                local: item.local.clone(),
                raw: item.raw.clone(),
            })
            .collect()
    }
}
