//! The targets of a virtual server, each with a scout that keeps its lists and a watcher of its resources.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Kind, Raw, capability};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use upstream::spread::Lender;
use upstream::{Caller, Failure, Peer, Target, Task};

use self::mirrors::Mirrors;
use self::scout::Scout;
use self::watcher::{Retired, Watcher};
use crate::extensions;

mod changes;
pub(crate) mod mirrors;
mod scout;
pub(crate) mod watcher;

/// A target, and what its scout found.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) target: Target,
    /// The same for calls.
    pub(crate) lender: Arc<Lender<Target>>,
    pub(crate) report: watch::Receiver<Report>,
    pub(crate) watcher: Watcher,
    stale: Arc<Notify>,
    _scout: Arc<Task>,
}

/// What is known of a target.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) condition: Condition,
    /// What it offered when it was last there.
    pub(crate) listing: Option<Arc<Listing>>,
}

/// How a target is doing.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Not there yet, for the first time.
    Starting,
    /// There.
    Ready,
    /// Not there.
    Failing(Arc<Failure>),
}

/// A condition without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConditionKind {
    Starting,
    Ready,
    Failing,
}

impl Condition {
    pub(crate) fn kind(&self) -> ConditionKind {
        match self {
            Self::Starting => ConditionKind::Starting,
            Self::Ready => ConditionKind::Ready,
            Self::Failing(_) => ConditionKind::Failing,
        }
    }
}

/// What a target offers.
pub(crate) struct Listing {
    pub(crate) peer: Arc<Peer>,
    items: [Items; Kind::ALL.len()],
    /// What its tools want mirrored in headers.
    pub(crate) mirrors: Arc<Mirrors>,
    /// Lists that could not be read, and why. What was known of them before is still served.
    pub(crate) faults: Vec<(Kind, String)>,
    /// Lists that were not read to their end, because the target offers more than it may, and why.
    pub(crate) cuts: Vec<(Kind, String)>,
    /// When the latest reading began.
    pub(crate) begun: Instant,
    pub(crate) read: Instant,
    /// For how long after `read` the lists count as fresh.
    pub(crate) fresh: Duration,
    /// Whether the target allows its lists to be shown to anyone.
    pub(crate) public: bool,
}

/// The items of one kind: local name and raw item.
type Items = Arc<Vec<(String, Raw)>>;

impl Listing {
    /// What the lists lack, and why.
    pub(crate) fn shortfalls(&self) -> impl Iterator<Item = &(Kind, String)> {
        self.faults.iter().chain(&self.cuts)
    }

    /// The items of a kind in the target's order.
    pub(crate) fn items(&self, kind: Kind) -> &[(String, Raw)] {
        &self.items[kind as usize]
    }
}

impl Member {
    /// Starts a target with its scout and its watcher. Whoever watched a target of its name that went away goes on to do so.
    pub(crate) fn start(settings: upstream::Settings, retired: &Retired) -> Self {
        let target = start(settings);
        let watcher = Watcher::start(target.clone(), retired);
        Self::with(target, watcher)
    }

    /// Starts a target that takes this one's place: whoever watches its resources goes on to do so.
    pub(crate) fn succeed(&self, settings: upstream::Settings) -> Self {
        let target = start(settings);
        let watcher = self.watcher.succeed(target.clone());
        Self::with(target, watcher)
    }

    fn with(target: Target, watcher: Watcher) -> Self {
        let (sender, report) = watch::channel(Report { condition: Condition::Starting, listing: None });
        let stale = Arc::new(Notify::new());
        let scout =
            Scout { target: target.clone(), report: sender, stale: stale.clone(), tools: Items::default() };
        let lender = Arc::new(Lender::new(target.clone()));
        let scout = Arc::new(Task::spawn("scout", scout.run()));
        Self { target, lender, report, watcher, stale, _scout: scout }
    }

    /// Asks the scout to read lists again that are no longer fresh. What is there is served meanwhile.
    pub(crate) fn refresh_if_stale(&self) {
        let report = self.report.borrow();
        let stale = report.listing.as_ref().is_some_and(|listing| listing.read.elapsed() >= listing.fresh);
        if stale {
            self.stale.notify_one();
        }
    }

    /// Asks the scout to read lists again, fresh or not.
    pub(crate) fn refresh(&self) {
        self.stale.notify_one();
    }
}

/// Starts a target, and has it looked at as by a client that can do everything: some show a tool only to clients with a
/// certain capability, and ours are to know of all there are.
fn start(settings: upstream::Settings) -> Target {
    Target::start(settings, Caller::discovery(&capability::everything(&extensions::all())))
}
