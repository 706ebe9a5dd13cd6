//! The merged names: an immutable index from what clients see to what targets have.
//!
//! Built whenever a report or the roster changes, swapped as a whole, served at once. A call never lists.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::uris::{self, Shape};
use protocol::{Era, Kind, Mirror, Object, Raw, Version, json, list, name, task};
use tokio::time::Instant;
use upstream::spread::{Lender, Lent};
use upstream::{Peer, Target};

use self::apps::Apps;
pub(crate) use self::apps::Meaning;
use self::naming::{Naming, Remarks};
pub(crate) use self::pages::Page;
pub(crate) use self::tasks::Tasks;
use crate::local::Said;
use crate::map::Map;
use crate::roster::{Condition, Listing, Member, Report};
use crate::settings::{FailureMode, PrefixMode, Settings};

mod apps;
mod naming;
mod pages;
mod tasks;

/// What a virtual server offers at one moment.
pub(crate) struct Catalog {
    lists: [List; Kind::ALL.len()],
    apps: Apps,
    pub(crate) targets: Vec<Entry>,
    naming: Naming,
    remarks: Remarks,
    /// For how long the lists may be called fresh.
    pub(crate) ttl: Duration,
    /// Whether every target allows its lists to be shown to anyone.
    pub(crate) public: bool,
    /// Until when no target has to be asked for its lists again; without end if there are none.
    pub(crate) fresh_until: Option<Instant>,
    /// What lists do without some targets.
    pub(crate) failure: FailureMode,
    /// What is said of all this to those who ask.
    pub(crate) said: Said,
}

/// A target as the catalog saw it.
pub(crate) struct Entry {
    pub(crate) target: Target,
    /// The same for calls.
    lender: Arc<Lender<Target>>,
    pub(crate) condition: Condition,
    pub(crate) listing: Option<Arc<Listing>>,
    /// Whether it makes tasks, and which.
    pub(crate) tasks: Tasks,
}

/// The exposed items of a kind, in order, and where each leads.
#[derive(Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Exposed>,
    index: Map<String, usize>,
    /// All items, one after the other as pages have them. Each is a slice of it.
    line: Bytes,
    pages: Vec<Page>,
}

/// An item as clients see it.
#[derive(Clone)]
pub(crate) struct Exposed {
    pub(crate) name: String,
    pub(crate) raw: Raw,
    /// Which of the catalog's targets has it.
    pub(crate) target: usize,
    /// Its name or URI there.
    pub(crate) local: String,
}

/// Which of names and URIs carry their target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) names: bool,
    pub(crate) uris: bool,
}

/// Where a name leads.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) target: Lent<Target>,
    /// The name or URI that the target knows.
    pub(crate) local: String,
    /// Whether URIs of this target are shown with its name.
    pub(crate) wrap: bool,
    /// What the tool wants mirrored in headers, if it is one that does.
    pub(crate) mirror: Option<Arc<Mirror>>,
    /// Whether the target is one that may refuse headers, and then did not run the call.
    pub(crate) modern: bool,
    /// Whether the target makes a task of the call.
    pub(crate) tasks: Tasks,
}

impl Prefix {
    fn of(settings: &Settings) -> Self {
        let several = settings.targets.len() > 1;
        match settings.prefix {
            PrefixMode::Conditional => Self { names: several, uris: several },
            PrefixMode::Always => Self { names: true, uris: true },
            PrefixMode::Never => Self { names: false, uris: several },
        }
    }

    /// A target's URI as clients see it.
    fn uri(self, target: &str, local: &str) -> String {
        if self.uris { name::wrap_uri(target, local) } else { local.to_owned() }
    }
}

/// Capabilities that stand for lists, and so may appear with a target that has not been there yet.
pub(crate) const LISTED: [&str; 3] = ["tools", "prompts", "resources"];

/// Whether a target offers a capability. In 2024-11-05 completions had no flag yet: whoever had what can be completed could
/// be asked (spec 2025-03-26, changelog).
fn peer_offers(peer: &Peer, capability: &str) -> bool {
    let unnamed = capability == "completions" && peer.version == Version::V2024_11_05;
    peer.offers(capability) || (unnamed && (peer.offers("prompts") || peer.offers("resources")))
}

impl Catalog {
    /// Merges what the members report. What is as it was in the catalog before is not made again.
    pub(crate) fn build(settings: &Settings, members: &[Member], before: Option<&Self>) -> Self {
        let targets: Vec<Entry> = members
            .iter()
            .map(|member| {
                let Report { condition, listing } = member.report.borrow().clone();
                let tasks = listing.as_ref().map_or(Tasks::Never, |listing| Tasks::of(&listing.peer));
                let (target, lender) = (member.target.clone(), member.lender.clone());
                Entry { target, lender, condition, listing, tasks }
            })
            .collect();
        let prefix = Prefix::of(settings);
        let naming = Naming { prefix, longest: settings.longest_name };
        let mut remarks = Remarks::default();
        let before = before.filter(|before| before.naming.prefix == prefix);
        let lists = Kind::ALL.map(|kind| merge(kind, &targets, (naming, before), &mut remarks));
        let apps = Apps::build(&targets, &lists[Kind::Tool as usize], |index, uri| {
            prefix.uri(targets[index].target.name(), uri)
        });
        let listings = || targets.iter().filter_map(|entry| entry.listing.as_ref());
        let ttl =
            listings().map(|l| if l.public { l.fresh } else { Duration::ZERO }).min().unwrap_or_default();
        let public = !targets.is_empty()
            && targets.iter().all(|entry| entry.listing.as_ref().is_some_and(|l| l.public));
        let fresh_until = listings().filter_map(|l| l.read.checked_add(l.fresh)).min();
        let (failure, said) = (settings.failure, Said::default());
        Self { lists, apps, targets, naming, remarks, ttl, public, fresh_until, failure, said }
    }

    /// The exposed items of a kind.
    pub(crate) fn list(&self, kind: Kind) -> &List {
        &self.lists[kind as usize]
    }

    /// A target's item as clients saw it under this name, if it was the same.
    fn shown(&self, kind: Kind, target: &str, (local, raw): (&str, &Raw), name: &str) -> Option<&Raw> {
        let list = self.list(kind);
        let at = list.position(name)?;
        let item = &list.items[at];
        let entry = &self.targets[item.target];
        let first = list.items.partition_point(|other| other.target < item.target);
        let (_, then) = entry.listing.as_ref()?.items(kind).get(at - first)?;
        (entry.target.name() == target && item.local == local && then == raw).then_some(&item.raw)
    }

    /// Which kinds differ from another catalog in what clients see.
    pub(crate) fn changed_since(&self, before: &Catalog) -> Vec<Kind> {
        let same = |kind: &Kind| {
            let (now, then) = (&self.list(*kind).items, &before.list(*kind).items);
            now.len() == then.len() && now.iter().zip(then).all(|(a, b)| a.name == b.name && a.raw == b.raw)
        };
        Kind::ALL.into_iter().filter(|kind| !same(kind)).collect()
    }

    /// Logs what an operator should know of these names, as far as it was not so before.
    pub(crate) fn say_remarks(&self, before: &Catalog) {
        self.remarks.say(&before.remarks, self.naming.longest);
    }

    /// Where the name of a tool or prompt leads.
    ///
    /// A name that is in no list still leads somewhere if it says to which target it belongs: the target is the
    /// authority on what it has, and may have more than it has listed yet. Of a shortened name it does not know the rest.
    pub(crate) fn by_name(&self, kind: Kind, exposed: &str) -> Option<Destination> {
        if let Some(item) = self.list(kind).get(exposed) {
            return Some(self.named(kind, item.target, &item.local));
        }
        if self.naming.may_be_shortened(exposed) {
            return None;
        }
        let (index, local) = self.said_owner(exposed)?;
        Some(self.named(kind, index, local))
    }

    /// The target that a shortened name says it belongs to, if it has not listed anything: what it will list may have the name.
    pub(crate) fn awaited_owner(&self, exposed: &str) -> Option<&Target> {
        let (index, _) = self.said_owner(exposed).filter(|_| self.naming.may_be_shortened(exposed))?;
        self.targets.get(index).filter(|entry| entry.listing.is_none()).map(|entry| &entry.target)
    }

    /// The target whose name stands in front of a name, or the only one if none does; and the rest.
    fn said_owner<'n>(&self, exposed: &'n str) -> Option<(usize, &'n str)> {
        if self.naming.prefix.names {
            let (target, local) = name::split(exposed)?;
            return self.position(target).map(|index| (index, local));
        }
        self.only().map(|index| (index, exposed))
    }

    /// Where a URI or URI template leads.
    pub(crate) fn by_uri(&self, exposed: &str) -> Option<Destination> {
        if !self.naming.prefix.uris {
            return self.only().map(|index| self.destination(index, exposed.to_owned()));
        }
        let (target, local) = name::unwrap_uri(exposed)?;
        let index = self.position(&target)?;
        Some(self.destination(index, local))
    }

    /// Where the id of a task leads.
    pub(crate) fn by_task(&self, exposed: &str) -> Option<Destination> {
        if !self.naming.prefix.uris {
            return self.only().map(|index| self.destination(index, exposed.to_owned()));
        }
        let (target, id) = task::unwrap(exposed)?;
        self.task(target, id)
    }

    /// Where a task leads that this target made under this id.
    pub(crate) fn task(&self, target: &str, id: &str) -> Option<Destination> {
        self.position(target).map(|index| self.destination(index, id.to_owned()))
    }

    /// Where a name leads that is none of ours, but may be one that the page of an app knows.
    pub(crate) fn app_tool(&self, bare: &str) -> Meaning<Destination> {
        self.apps.tool(bare).map(|index| self.named(Kind::Tool, index, bare))
    }

    /// The same for a bare `ui://` URI.
    pub(crate) fn app_page(&self, bare: &str) -> Meaning<Destination> {
        self.apps.page(bare).map(|index| self.destination(index, bare.to_owned()))
    }

    /// Targets whose items of a kind are missing or may be out of date, for lists that go on without them.
    pub(crate) fn missing(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.targets.iter().filter(move |entry| match &entry.listing {
            None => true,
            Some(listing) => listing.shortfalls().any(|(short, _)| *short == kind),
        })
    }

    /// Whether any target offers a capability. A target that was never there may offer anything that is listed.
    pub(crate) fn offers(&self, capability: &str) -> bool {
        self.targets.iter().any(|entry| match &entry.listing {
            Some(listing) => peer_offers(&listing.peer, capability),
            None => LISTED.contains(&capability),
        })
    }

    /// Whether any target makes tasks of 2025-11-25.
    pub(crate) fn keeps_tasks(&self) -> bool {
        self.targets.iter().any(|entry| entry.tasks.is_core())
    }

    /// Whether any target is still on its way for the first time.
    pub(crate) fn is_settling(&self) -> bool {
        self.targets.iter().any(|entry| matches!(entry.condition, Condition::Starting))
    }

    /// Whether names carry their target.
    pub(crate) fn prefix(&self) -> Prefix {
        self.naming.prefix
    }

    fn position(&self, target: &str) -> Option<usize> {
        self.targets.iter().position(|entry| entry.target.name() == target)
    }

    fn only(&self) -> Option<usize> {
        (self.targets.len() == 1).then_some(0)
    }

    /// A tool or prompt of a target.
    fn named(&self, kind: Kind, index: usize, local: &str) -> Destination {
        let listing = self.targets[index].listing.as_ref().filter(|_| kind == Kind::Tool);
        let mirror = listing.and_then(|listing| listing.mirrors.of(local).cloned());
        let tasks = self.targets[index].tasks_of(listing.map(Arc::as_ref), local);
        Destination { mirror, tasks, ..self.destination(index, local.to_owned()) }
    }

    fn destination(&self, index: usize, local: String) -> Destination {
        let Entry { lender, listing, tasks, .. } = &self.targets[index];
        let modern = listing.as_ref().is_some_and(|listing| listing.peer.era == Era::Modern);
        let (target, tasks) = (lender.lend(), *tasks);
        Destination { target, local, wrap: self.naming.prefix.uris, mirror: None, modern, tasks }
    }
}

impl Entry {
    /// Whether the target makes tasks of one of its tools. One that it does not list may be of any kind.
    fn tasks_of(&self, listing: Option<&Listing>, tool: &str) -> Tasks {
        if !self.tasks.is_core() {
            return self.tasks;
        }
        let tools = listing.map_or(&[][..], |listing| listing.items(Kind::Tool));
        tools.iter().find(|(name, _)| name == tool).map_or(self.tasks, |(_, raw)| self.tasks.of_tool(raw))
    }
}

impl List {
    /// The item under an exposed name.
    pub(crate) fn get(&self, exposed: &str) -> Option<&Exposed> {
        self.index.get(exposed).map(|at| &self.items[*at])
    }

    /// Where an exposed name stands in the list.
    pub(crate) fn position(&self, exposed: &str) -> Option<usize> {
        self.index.get(exposed).copied()
    }

    /// The page that begins at an item, and what was spelled of it, if it is one of those that clients get who read them all.
    pub(crate) fn page(&self, start: usize) -> Option<&Page> {
        let at = self.pages.binary_search_by_key(&start, |page| page.range.start).ok()?;
        self.pages.get(at)
    }

    /// One that begins anywhere.
    pub(crate) fn other_page(&self, start: usize) -> Page {
        Page::from(start, &self.items, &self.line)
    }

    fn with_capacity(count: usize) -> Self {
        Self {
            items: Vec::with_capacity(count),
            index: Map::with_capacity_and_hasher(count, Default::default()),
            ..Self::default()
        }
    }

    fn push(&mut self, item: Exposed) {
        self.index.insert(item.name.clone(), self.items.len());
        self.items.push(item);
    }

    /// Puts the items next to each other, as pages have them.
    fn close(&mut self) {
        let (line, slices) = json::in_line(self.items.iter().map(|item| &item.raw));
        self.items.iter_mut().zip(slices).for_each(|(item, slice)| item.raw = slice);
        self.line = line;
        self.pages = Page::all(&self.items, &self.line);
    }
}

/// Merges the lists of a kind. The catalog before has the same prefixes.
fn merge(
    kind: Kind,
    targets: &[Entry],
    (naming, before): (Naming, Option<&Catalog>),
    remarks: &mut Remarks,
) -> List {
    let count =
        targets.iter().flat_map(|entry| &entry.listing).map(|listing| listing.items(kind).len()).sum();
    let mut merged = List::with_capacity(count);
    for (index, entry) in targets.iter().enumerate() {
        let target = entry.target.name();
        for (local, raw) in entry.listing.iter().flat_map(|listing| listing.items(kind)) {
            let name = naming.expose(kind, target, local, &merged, remarks);
            let known = before.and_then(|before| before.shown(kind, target, (local, raw), &name));
            let raw =
                known.cloned().unwrap_or_else(|| show(kind, target, (local, raw), &name, naming.prefix));
            merged.push(Exposed { name, raw, target: index, local: local.clone() });
        }
    }
    merged.close();
    merged
}

/// A target's item as clients see it under this name.
fn show(kind: Kind, target: &str, (local, raw): (&str, &Raw), name: &str, prefix: Prefix) -> Raw {
    let renamed = if name == local { raw.clone() } else { list::rename(kind, raw, name) };
    if !prefix.uris {
        return renamed;
    }
    uris::rewrite(&renamed, Shape::Item, |uri| Some(name::wrap_uri(target, uri)))
}

/// The `_meta` of a list that goes on without some targets: which and why.
pub(crate) fn missing_meta(catalog: &Catalog, kind: Kind) -> Option<Raw> {
    let missing: Vec<Raw> = catalog.missing(kind).map(|entry| describe(entry, kind)).collect();
    (!missing.is_empty()).then(|| protocol::json::array_of(&missing))
}

/// How much of a target's standard error a list shows.
const WORDS_SHOWN: usize = 5;

fn describe(entry: &Entry, kind: Kind) -> Raw {
    let mut object: Object = [("name", Raw::string(entry.target.name()))].into_iter().collect();
    match (&entry.listing, &entry.condition) {
        (Some(listing), _) => {
            object.set("status", Raw::string("incomplete"));
            let reason =
                listing.shortfalls().find(|(short, _)| *short == kind).map(|(_, reason)| reason.as_str());
            object.set("reason", Raw::string(reason.unwrap_or_default()));
        }
        (None, Condition::Starting | Condition::Ready) => object.set("status", Raw::string("starting")),
        (None, Condition::Failing(failure)) => {
            object.set("status", Raw::string("failing"));
            object.set("reason", Raw::string(&failure.error.detail));
            let skip = failure.last_words.len().saturating_sub(WORDS_SHOWN);
            if failure.last_words.len() > skip {
                object.set("stderr", Raw::of(&failure.last_words[skip..]));
            }
        }
    }
    object.to_raw()
}

#[cfg(test)]
mod tests;
