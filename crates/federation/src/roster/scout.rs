//! A target's scout: reads its lists when it comes, when it says that they changed, and when they grow stale. It reads them
//! over the discovery link, as a client that can do everything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use protocol::list::{Page, is_readable, item_name};
use protocol::{Kind, Object, Raw, RpcError};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use upstream::{Call, Failure, Link, Notice, State, Target, Task};

use super::changes;
use super::mirrors::Mirrors;
use super::{Condition, Items, Listing, Report};

/// How many items of a list are named that something is wrong with.
const MOST_NAMED: usize = 5;

/// Lists of targets that do not announce changes are read again when they are asked for and older than this.
const UNANNOUNCED_FRESH: Duration = Duration::from_secs(30);
/// The same for targets that announce changes, but over connections that may have been lost.
const ANNOUNCED_FRESH: Duration = Duration::from_secs(60);
/// Changes that a target announces in quick succession are read once.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// A target that announces changes without end is read nevertheless.
const DEBOUNCE_AT_MOST: Duration = Duration::from_millis(500);
/// A target that announces changes all the time is read no more often than this,
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// but for so many times in a row.
const IN_A_ROW: u32 = 5;
/// How long all pages of a list may take together.
const LONGEST_READING: Duration = Duration::from_secs(300);
/// Failures in a row after which the items of a target that was there before are taken out of the lists. A target that
/// is merely restarted keeps them, so that clients do not see its tools flicker.
const FORGOTTEN_AFTER: u32 = 3;
/// Lists that could not be read are tried again after this.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// The longest pause between two such attempts; each pause is twice the one before.
const READ_AGAIN_AT_MOST: Duration = Duration::from_secs(120);
/// Attempts to listen for changes again, at this pace, while a modern target is ready.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// Reads a target's lists when it comes, when it says that they changed, and when they grow stale.
pub(super) struct Scout {
    pub(super) target: Target,
    pub(super) report: watch::Sender<Report>,
    pub(super) stale: Arc<Notify>,
    /// The tools as they were last read, kept also while the target is away.
    pub(super) tools: Items,
}

impl Scout {
    /// Works for as long as the target is configured.
    pub(super) async fn run(mut self) {
        let mut state = self.target.state();
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Starting => {}
                State::Ready(link) => {
                    tokio::select! {
                        () = self.keep(&link) => {}
                        _ = state.changed() => continue,
                    }
                }
                State::Failing(failure) => self.lost(failure),
                State::Stopped => return,
            }
            if state.changed().await.is_err() {
                return;
            }
        }
    }

    fn lost(&self, failure: Arc<Failure>) {
        self.report.send_modify(|report| {
            if failure.attempts >= FORGOTTEN_AFTER {
                report.listing = None;
            }
            report.condition = Condition::Failing(failure);
        });
    }

    /// Keeps the lists of a target that is there. Returns when it is of no use to go on.
    async fn keep(&mut self, link: &Link) {
        let mut notices = self.target.notices();
        let listening = Task::spawn("listen", listen(link.clone(), self.target.clone()));
        let mut wanted = Kind::ALL.to_vec();
        let mut pause = READ_AGAIN;
        // When the readings so far would have ended at the slowest pace.
        let mut paced = Instant::now();
        loop {
            paced = paced.max(Instant::now()) + AT_MOST_EVERY;
            let earliest = paced.checked_sub(AT_MOST_EVERY * IN_A_ROW).unwrap_or(paced);
            let faulty = self.read(link, &wanted).await;
            if link.is_dead() {
                drop(listening);
                return;
            }
            pause = if faulty.is_empty() { READ_AGAIN } else { (pause * 2).min(READ_AGAIN_AT_MOST) };
            wanted = tokio::select! {
                kinds = changes(&mut notices, earliest) => kinds,
                () = self.stale.notified() => Kind::ALL.to_vec(),
                () = tokio::time::sleep(pause / 2), if !faulty.is_empty() => faulty,
            };
        }
    }

    /// Reads lists and reports them; returns the kinds that could not be read. A list that cannot be read stays as it was,
    /// and takes no other list away.
    async fn read(&mut self, link: &Link, kinds: &[Kind]) -> Vec<Kind> {
        let begun = Instant::now();
        let before = self.report.borrow().listing.clone();
        let mut mirrors = before.as_ref().map(|before| before.mirrors.clone()).unwrap_or_default();
        let public_before = before.as_ref().is_none_or(|before| before.public);
        let (mut ttl, mut public) = (u64::MAX, public_before || kinds.len() == Kind::ALL.len());
        let (mut items, mut faults): ([Items; Kind::ALL.len()], Vec<_>) = Default::default();
        let mut cuts = Vec::new();
        let wanted = |kind: &Kind| kinds.contains(kind) && link.peer().offers(kind.capability());
        let this = &*self;
        let reading = Kind::ALL
            .into_iter()
            .filter(wanted)
            .map(|kind| async move { (kind, this.read_list(link, kind).await) });
        let mut read: HashMap<Kind, _> = futures::future::join_all(reading).await.into_iter().collect();
        for kind in Kind::ALL {
            let kept =
                || before.as_ref().map(|before| before.items[kind as usize].clone()).unwrap_or_default();
            if !kinds.contains(&kind) {
                items[kind as usize] = kept();
                faults.extend(before.iter().flat_map(|b| &b.faults).filter(|(k, _)| *k == kind).cloned());
                cuts.extend(before.iter().flat_map(|b| &b.cuts).filter(|(k, _)| *k == kind).cloned());
                continue;
            }
            let Some(list) = read.remove(&kind) else {
                continue;
            };
            match list {
                Ok(mut list) => {
                    if kind == Kind::Tool {
                        mirrors = Arc::new(self.mirrors(link, &mut list, &mirrors));
                    }
                    (ttl, public) = (ttl.min(list.ttl_ms), public && list.public);
                    if let Some(cut) = list.cut.take().map(|cut| (kind, cut)) {
                        if before.as_ref().is_none_or(|before| !before.cuts.contains(&cut)) {
                            tracing::warn!("{}", cut.1);
                        }
                        cuts.push(cut);
                    }
                    items[kind as usize] = Arc::new(list.items);
                    if kind == Kind::Tool {
                        self.compare(&items[kind as usize]);
                    }
                }
                Err(error) => {
                    let fault = (kind, error.to_string());
                    if before.as_ref().is_none_or(|before| !before.faults.contains(&fault)) {
                        tracing::warn!("{error}; it is asked again");
                    }
                    items[kind as usize] = kept();
                    faults.push(fault);
                }
            }
        }
        let faulty = faults.iter().map(|(kind, _)| *kind).collect();
        let fresh = freshness(link, self.target.settings().transport.is_http(), ttl);
        let public = link.peer().era == protocol::Era::Modern && public;
        let (peer, read) = (link.peer().clone(), Instant::now());
        let listing = Listing { peer, items, mirrors, faults, cuts, begun, read, fresh, public };
        self.report.send_replace(Report { condition: Condition::Ready, listing: Some(Arc::new(listing)) });
        faulty
    }

    /// What tools want mirrored in headers. Those that say it wrongly are taken out of the list where headers count.
    fn mirrors(&self, link: &Link, list: &mut List, before: &Mirrors) -> Mirrors {
        let headers = self.target.settings().transport.carries_headers();
        let mirrors = Mirrors::read(&mut list.items, headers && link.peer().era == protocol::Era::Modern);
        mirrors.complaints(Some(before)).for_each(|complaint| self.doubt(complaint));
        mirrors
    }

    /// Says which tools are no longer what they were, so that somebody can look before they are called again.
    fn compare(&mut self, tools: &Items) {
        for name in changes::changed(&self.tools, tools) {
            tracing::info!("target `{}` changed the definition of its tool `{name}`", self.target.name());
        }
        self.tools = tools.clone();
    }

    /// Every page of a list, as far as its limits allow. A method that the target does not know is an empty list.
    async fn read_list(&self, link: &Link, kind: Kind) -> Result<List, upstream::Error> {
        let limits = self.target.settings().limits;
        let mut list = List { items: Vec::new(), ttl_ms: u64::MAX, public: true, cut: None };
        let mut odd = Odd::default();
        let (mut seen, mut cursors) = (HashSet::new(), HashSet::<String>::new());
        let mut cursor: Option<String> = None;
        let (mut pages, mut bytes) = (0, 0);
        let latest = Instant::now() + LONGEST_READING;
        let cut = loop {
            if pages >= limits.pages {
                break Some(format!("has more than the {pages} pages that `limits.pages` allows"));
            }
            if Instant::now() >= latest {
                break Some(format!("takes longer than {} s", LONGEST_READING.as_secs()));
            }
            pages += 1;
            let result = match self.read_page(link, kind, cursor.as_deref()).await? {
                Ok(result) => result,
                Err(error) if error.code == protocol::error::METHOD_NOT_FOUND => break None,
                Err(error) => {
                    return Err(self.odd(&format!("answers {} with an error: {error}", kind.list_method())));
                }
            };
            let page = Page::read(kind, &result).map_err(|error| {
                self.odd(&format!("answers {} with something that is no list: {error}", kind.list_method()))
            })?;
            // Items are slices of their page, which is kept as a whole.
            bytes += result.as_bytes().len();
            for item in page.items {
                match item_name(kind, &item) {
                    Some(name) if !is_readable(&item) => odd.note(|| {
                        format!(
                            "the {} `{name}` in JSON that some clients cannot read (nested too deep, half a character, or a number \
                             too large); it is left out",
                            kind.noun()
                        )
                    }),
                    Some(name) if seen.insert(name.clone()) => list.items.push((name, item)),
                    Some(name) => {
                        odd.note(|| format!("the {} `{name}` twice; the first counts", kind.noun()))
                    }
                    None => odd
                        .note(|| format!("a {} without `{}`; it is left out", kind.noun(), kind.item_key())),
                }
            }
            (list.ttl_ms, list.public) = (list.ttl_ms.min(page.ttl_ms), list.public && page.public);
            if list.items.len() > limits.items {
                list.items.truncate(limits.items);
                break Some(format!("has more than the {} items that `limits.items` allows", limits.items));
            }
            match page.next {
                None => break None,
                Some(_) if bytes > limits.message => {
                    break Some(format!(
                        "is larger than the {} bytes of `config.limits.responseBody`",
                        limits.message
                    ));
                }
                Some(next) if !cursors.insert(next.clone()) => {
                    break Some("goes round in a circle: it gave the same cursor twice".to_owned());
                }
                Some(next) => cursor = Some(next),
            }
        };
        odd.words().inspect(|words| self.doubt(words));
        let (target, method, count) = (self.target.name(), kind.list_method(), list.items.len());
        list.cut = cut.map(|why| {
            format!("{method} of target `{target}` {why}; only its first {count} items are served")
        });
        Ok(list)
    }

    async fn read_page(
        &self,
        link: &Link,
        kind: Kind,
        cursor: Option<&str>,
    ) -> Result<Result<Raw, RpcError>, upstream::Error> {
        let Some(method) = protocol::method::find(kind.list_method()) else {
            return Err(self.odd("offers a list without a method"));
        };
        let params: Object = cursor.map(|cursor| ("cursor", Raw::string(cursor))).into_iter().collect();
        let call = Call::quiet(method, params, link.caller().clone());
        Ok(link.list(call).await?.map_err(|error| RpcError::from_raw(&error)))
    }

    /// Something that a target should not do.
    fn odd(&self, what: &str) -> upstream::Error {
        upstream::Error::new(upstream::ErrorKind::Protocol, format!("target `{}` {what}", self.target.name()))
    }

    fn doubt(&self, what: &str) {
        tracing::warn!("target `{}` {what}", self.target.name());
    }
}

/// For how long lists count as fresh that were just read, with this as the least time that the target names.
fn freshness(link: &Link, http: bool, ttl_ms: u64) -> Duration {
    let announced = Kind::ALL.iter().all(|kind| {
        !link.peer().offers(kind.capability()) || link.peer().offers_flag(kind.capability(), "listChanged")
    });
    match (announced, link.peer().era) {
        // Over HTTP, a server that was replaced meanwhile announces nothing to us.
        (true, _) if http => ANNOUNCED_FRESH,
        (true, _) => Duration::from_secs(u64::from(u32::MAX)),
        (false, protocol::Era::Modern) if ttl_ms != u64::MAX => {
            Duration::from_millis(ttl_ms).max(Duration::from_secs(1))
        }
        (false, _) => UNANNOUNCED_FRESH,
    }
}

struct List {
    items: Vec<(String, Raw)>,
    ttl_ms: u64,
    public: bool,
    /// Why it was not read to its end.
    cut: Option<String>,
}

/// Items that are not served because something is wrong with them. A list may hold a million of them.
#[derive(Default)]
struct Odd {
    named: Vec<String>,
    more: usize,
}

impl Odd {
    fn note(&mut self, what: impl FnOnce() -> String) {
        match self.named.len() < MOST_NAMED {
            true => self.named.push(what()),
            false => self.more += 1,
        }
    }

    fn words(&self) -> Option<String> {
        let named = self.named.join("; it lists ");
        let more = if self.more > 0 { format!("; {} more are like these", self.more) } else { String::new() };
        (!named.is_empty()).then(|| format!("lists {named}{more}"))
    }
}

/// The kinds that a target says have changed, once it has said so and said no more of it for a moment.
/// That is not before `earliest`.
async fn changes(notices: &mut broadcast::Receiver<Notice>, earliest: Instant) -> Vec<Kind> {
    let mut kinds = change(notices).await;
    let latest = Instant::now() + DEBOUNCE_AT_MOST;
    loop {
        let quiet = (Instant::now() + DEBOUNCE).min(latest).max(earliest);
        match tokio::time::timeout_at(quiet, change(notices)).await {
            Ok(more) => {
                kinds.extend(more.into_iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>())
            }
            Err(_) => return kinds,
        }
    }
}

/// The next change of a list.
async fn change(notices: &mut broadcast::Receiver<Notice>) -> Vec<Kind> {
    loop {
        match notices.recv().await {
            Ok(Notice::ListChanged(Kind::Resource)) => return vec![Kind::Resource, Kind::Template],
            Ok(Notice::ListChanged(kind)) => return vec![kind],
            Ok(Notice::Updated(_) | Notice::Log(_) | Notice::Elicited(_) | Notice::Task(_)) => {}
            // Some were missed, and any of them may have been one.
            Err(broadcast::error::RecvError::Lagged(_)) => return Kind::ALL.to_vec(),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Listens to a modern target's changes for as long as its link is kept; legacy targets announce them unasked.
async fn listen(link: Link, target: Target) {
    use futures::StreamExt as _;
    let announced: Vec<Kind> = [Kind::Tool, Kind::Prompt, Kind::Resource]
        .into_iter()
        .filter(|kind| link.peer().offers_flag(kind.capability(), "listChanged"))
        .collect();
    if link.peer().era != protocol::Era::Modern || announced.is_empty() {
        return;
    }
    let mut first = true;
    loop {
        match link.listen(&announced, &[]).await {
            Ok(mut listening) => {
                if !first {
                    // Changes may have been missed between two streams.
                    announced.iter().for_each(|kind| target.announce(Notice::ListChanged(*kind)));
                }
                while let Some(notice) = listening.notices.next().await {
                    target.announce(notice);
                }
            }
            Err(error) => {
                tracing::debug!("target `{}` cannot be listened to for changes: {error}", target.name())
            }
        }
        first = false;
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}
