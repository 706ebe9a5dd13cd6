//! A virtual server: its roster, its catalog and its sessions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use futures::future::{join_all, select_all};
use protocol::Kind;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::spread::{Lender, Lent};
use upstream::{Target, Task};

use crate::catalog::Catalog;
use crate::inbound::Head;
use crate::journal::{Books, Journal, Tallies};
use crate::parking::Parking;
use crate::roster::watcher::{Retired, Watcher};
use crate::roster::{ConditionKind, Member, Report};
use crate::seal::{Seal, Seals};
use crate::session::Released;
use crate::session::store::Sessions;
use crate::settings::Settings;

/// How long after its start a target is waited for by clients that want to know what there is.
const START_GRACE: Duration = Duration::from_secs(10);
/// Changes of several targets in quick succession make one new catalog.
const COALESCE: Duration = Duration::from_millis(20);
/// How often idle sessions are looked for, and where they may not be idle for long, at most.
const SWEEP: Duration = Duration::from_secs(30);
const SHORTEST_SWEEP: Duration = Duration::from_millis(100);

/// A virtual server. Cheap to clone. Its targets are stopped when the last clone is dropped, in good order by
/// [`Backend::stop`].
#[derive(Clone)]
pub struct Backend {
    pub(crate) shared: Arc<Shared>,
    /// The same for requests.
    pub(crate) lender: Arc<Lender<Shared>>,
    _keeper: Arc<Task>,
}

pub(crate) struct Shared {
    settings: ArcSwap<Settings>,
    pub(crate) roster: watch::Sender<Arc<Vec<Member>>>,
    retired: Retired,
    catalog: Lender<Catalog>,
    /// Counts catalogs.
    generation: watch::Sender<u64>,
    changes: watch::Sender<Changes>,
    /// Cancelled when the server stops.
    stopping: CancellationToken,
    /// Counts reloads whose removed targets are not stopped yet.
    retiring: TaskTracker,
    /// Seals what clients carry for us.
    pub(crate) seal: Seals,
    pub(crate) sessions: Sessions,
    pub(crate) parking: Parking,
    books: Lender<Books>,
    /// In which condition each target was found last, and since when it is.
    pub(crate) conditions: Mutex<HashMap<String, (ConditionKind, SystemTime)>>,
}

/// How often the exposed list of each kind has changed. A listener that looks seldom sees that it changed, and need not keep
/// how often.
pub(crate) type Changes = [u64; Kind::ALL.len()];

impl Backend {
    /// Starts the targets in the background and serves at once. Nobody hears of its calls.
    pub fn start(settings: Settings) -> Self {
        Self::recorded(settings, Journal::default())
    }

    /// The same, and its calls enter a journal.
    pub fn recorded(settings: Settings, journal: Journal) -> Self {
        let retired = Retired::default();
        let members: Vec<Member> =
            settings.targets.iter().map(|target| Member::start(target.clone(), &retired)).collect();
        let catalog = Catalog::build(&settings, &members, None);
        let sessions = Sessions::default();
        let seal = Seal::of(&settings.sessions.keys).shared();
        let key: Arc<str> = settings.key.as_str().into();
        sessions.wrap_uris(catalog.prefix().uris);
        let parking = Parking::new(seal.clone(), key.clone());
        let books = Books { key, journal, tallies: Tallies::default() };
        let shared = Arc::new(Shared {
            settings: ArcSwap::from_pointee(settings),
            roster: watch::Sender::new(Arc::new(members)),
            retired,
            catalog: Lender::new(catalog),
            generation: watch::Sender::new(0),
            changes: watch::Sender::default(),
            stopping: CancellationToken::new(),
            retiring: TaskTracker::new(),
            sessions,
            parking,
            seal,
            books: Lender::new(books),
            conditions: Mutex::default(),
        });
        shared.note_conditions();
        let keeper = Task::spawn("backend", keep(shared.clone()));
        Self { lender: Arc::new(Lender::new(shared.clone())), shared, _keeper: Arc::new(keeper) }
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.shared.settings.load_full()
    }

    /// Takes over new settings: targets that are reached as before keep running, others are started, those that are gone are
    /// stopped. Sessions go on with the new set, and are told what changed.
    pub fn reconfigure(&self, settings: Settings) {
        let before = self.shared.roster.borrow().clone();
        let member = |wanted: &upstream::Settings| {
            let same_name = before.iter().find(|member| member.target.name() == wanted.name);
            match same_name {
                Some(member) if member.target.reconfigure(wanted) => member.clone(),
                Some(member) => member.succeed(wanted.clone()),
                None => Member::start(wanted.clone(), &self.shared.retired),
            }
        };
        let members: Vec<Member> = settings.targets.iter().map(member).collect();
        let gone: Vec<Member> = before
            .iter()
            .filter(|member| !settings.targets.contains(&*member.target.settings()))
            .cloned()
            .collect();
        let names: Vec<String> = settings.targets.iter().map(|target| target.name.clone()).collect();
        for member in gone.iter().filter(|member| !names.iter().any(|name| name == member.target.name())) {
            self.shared.retired.keep(member.target.name(), &member.watcher);
        }
        self.shared.sessions.retain_subscriptions(&names);
        if self.shared.settings().sessions.keys != settings.sessions.keys {
            self.shared.seal.store(Arc::new(Seal::of(&settings.sessions.keys)));
        }
        self.shared.settings.store(Arc::new(settings));
        let members = Arc::new(members);
        self.shared.roster.send_replace(members.clone());
        self.shared.rebuild();
        let names: Vec<String> = gone.iter().map(|member| member.target.name().to_owned()).collect();
        self.shared.books().tallies.forget(&names);
        let released = self.shared.sessions.release(&names);
        let replaced = |target: &&Target| names.iter().any(|name| name == target.name());
        let successors: Vec<_> = members.iter().map(|member| &member.target).filter(replaced).collect();
        self.shared.sessions.listen_at(&successors);
        let (stopping, retiring) = (self.shared.stopping.clone(), self.shared.retiring.token());
        Task::spawn_finite("stop removed targets", async move {
            let _retiring = retiring;
            tokio::select! {
                _ = join_all(gone.iter().map(|member| member.target.retire())) => {}
                () = stopping.cancelled() => {}
            }
            join_all(gone.iter().map(|member| member.target.stop())).await;
            join_all(released.into_iter().map(Released::close)).await;
        });
    }

    /// Whether the session that a request names is one of ours, here or at another replica.
    pub fn has_session(&self, head: &Head) -> bool {
        head.session.as_ref().is_some_and(|id| self.shared.has_given_out(id, &head.principal))
    }

    /// The same as [`Backend::stop`], once the calls that run are answered. For a server that no request finds any more.
    pub async fn retire(&self) {
        let members = self.shared.roster.borrow().clone();
        join_all(members.iter().map(|member| member.target.retire())).await;
        self.stop().await;
    }

    /// Ends all sessions and parked calls and stops all targets, and returns when nothing of them is left.
    pub async fn stop(&self) {
        self.shared.stopping.cancel();
        self.shared.parking.end_all();
        self.shared.parking.ended().await;
        self.shared.sessions.end_all().await;
        let members = self.shared.roster.borrow().clone();
        join_all(members.iter().map(|member| member.target.stop())).await;
        self.shared.retiring.close();
        self.shared.retiring.wait().await;
    }
}

impl Shared {
    pub(crate) fn settings(&self) -> arc_swap::Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Where calls are recorded when they end.
    pub(crate) fn books(&self) -> Lent<Books> {
        self.books.lend()
    }

    /// What is offered now.
    pub(crate) fn catalog(&self) -> Lent<Catalog> {
        self.catalog.lend()
    }

    /// What is offered once every target that was just started had its chance to say so.
    pub(crate) async fn settled_catalog(&self) -> Lent<Catalog> {
        let catalog = self.catalog();
        if !catalog.is_settling() {
            return catalog;
        }
        let mut generation = self.generation.subscribe();
        loop {
            generation.mark_unchanged();
            let catalog = self.catalog();
            let youngest = catalog.targets.iter().map(|entry| entry.target.started()).max();
            let Some(deadline) =
                youngest.map(|started| started + START_GRACE).filter(|_| catalog.is_settling())
            else {
                return catalog;
            };
            tokio::select! {
                changed = generation.changed() => if changed.is_err() { return catalog },
                () = tokio::time::sleep_until(deadline) => return self.catalog(),
            }
        }
    }

    /// Changes of the exposed lists from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<Changes> {
        self.changes.subscribe()
    }

    /// Cancelled when the server stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Who watches the resources of a target.
    pub(crate) fn watcher(&self, target: &str) -> Option<Watcher> {
        let roster = self.roster.borrow();
        roster.iter().find(|member| member.target.name() == target).map(|member| member.watcher.clone())
    }

    /// Has the lists read again that are no longer fresh, as far as this catalog knows.
    pub(crate) fn refresh_stale(&self, catalog: &Catalog) {
        if catalog.fresh_until.is_none_or(|until| Instant::now() < until) {
            return;
        }
        self.roster.borrow().iter().for_each(Member::refresh_if_stale);
    }

    /// Has a target's lists read again, and waits until what was read is in the catalog, or until reading them takes too long.
    pub(crate) async fn reread(&self, target: &Target) {
        let asked = Instant::now();
        let mut generation = self.generation.subscribe();
        let named = |member: &&Member| member.target.name() == target.name();
        if let Some(member) = self.roster.borrow().iter().find(named) {
            member.refresh();
        }
        let read = || {
            let catalog = self.catalog();
            let entry = catalog.targets.iter().find(|entry| entry.target.name() == target.name());
            entry.and_then(|entry| entry.listing.as_ref()).is_some_and(|listing| listing.begun >= asked)
        };
        let waiting = async { while !read() && generation.changed().await.is_ok() {} };
        // Too late is no failure: the call is tried once more with what is known.
        let _ = tokio::time::timeout(target.settings().limits.list, waiting).await;
    }

    /// Notes when targets change their condition.
    fn note_conditions(&self) {
        let catalog = self.catalog();
        let mut noted = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = HashMap::with_capacity(catalog.targets.len());
        for entry in &catalog.targets {
            let kind = entry.condition.kind();
            let before = noted.get(entry.target.name()).filter(|(before, _)| *before == kind);
            let since = before.map_or_else(SystemTime::now, |(_, since)| *since);
            now.insert(entry.target.name().to_owned(), (kind, since));
        }
        *noted = now;
    }

    /// Since when a target is in its condition.
    pub(crate) fn condition_since(&self, target: &str) -> Option<SystemTime> {
        let noted = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(target).map(|(_, since)| *since)
    }

    /// Ends what has been idle for too long, and says when to look again.
    fn sweep(&self) -> Duration {
        let longest = self.settings().sessions.idle;
        self.sessions.sweep(longest);
        let members = self.roster.borrow().clone();
        let idle = |member: &Member| member.target.settings().limits.idle;
        let targets: Vec<_> = members.iter().map(|member| (&member.target, idle(member))).collect();
        self.sessions.reap(&targets);
        let shortest = targets.iter().map(|(_, idle)| *idle).fold(longest, Duration::min);
        SWEEP.min(shortest / 2).max(SHORTEST_SWEEP)
    }

    fn rebuild(&self) {
        let members = self.roster.borrow().clone();
        let next = Arc::new(Catalog::build(&self.settings.load(), &members, Some(&self.catalog())));
        self.sessions.wrap_uris(next.prefix().uris);
        let before = self.catalog.replace(next.clone());
        next.say_remarks(&before);
        self.note_conditions();
        let changed = next.changed_since(&before);
        self.generation.send_modify(|generation| *generation += 1);
        if !changed.is_empty() {
            self.sessions.announce(&changed);
            self.changes.send_modify(|counts| changed.iter().for_each(|kind| counts[*kind as usize] += 1));
        }
    }
}

/// Builds a new catalog whenever something it is made of changes, and looks after sessions.
async fn keep(shared: Arc<Shared>) {
    let mut roster = shared.roster.subscribe();
    let mut sweep = Instant::now();
    let mut reports = reports_of(&mut roster);
    let (mut rebuilt, mut took) = (Instant::now(), Duration::ZERO);
    loop {
        tokio::select! {
            () = any_change(&mut reports) => {}
            changed = roster.changed() => match changed {
                Ok(()) => {
                    reports = reports_of(&mut roster);
                    sweep = Instant::now();
                }
                Err(_) => return,
            },
            () = tokio::time::sleep_until(sweep) => {
                sweep = Instant::now() + shared.sweep();
                continue;
            }
        }
        // Somebody waits for targets that were just started: each change is taken over at once, but for as much rest as the
        // last one made work.
        let is_awaited = shared.catalog().is_settling();
        let quiet = if is_awaited { rebuilt + took.min(COALESCE) } else { Instant::now() + COALESCE };
        tokio::time::sleep_until(quiet).await;
        let began = Instant::now();
        shared.rebuild();
        rebuilt = Instant::now();
        took = rebuilt - began;
    }
}

fn reports_of(roster: &mut watch::Receiver<Arc<Vec<Member>>>) -> Vec<watch::Receiver<Report>> {
    roster.borrow_and_update().iter().map(|member| member.report.clone()).collect()
}

/// Waits until one of the reports changes. A scout that has ended changes nothing any more.
async fn any_change(reports: &mut Vec<watch::Receiver<Report>>) {
    while !reports.is_empty() {
        let (changed, index, _) = select_all(reports.iter_mut().map(|report| report.changed().boxed())).await;
        match changed {
            Ok(()) => return,
            Err(_) => drop(reports.remove(index)),
        }
    }
    std::future::pending().await
}
