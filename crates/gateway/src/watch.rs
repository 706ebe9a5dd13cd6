//! Noticing that the configuration file was saved, however it was saved.
//!
//! Editors replace a file by renaming another over it; Kubernetes swaps a symbolic link two folders up. A watch on the
//! file itself loses it then, and filtering events by its name misses them. So any event in the folders that lead to the
//! file counts, and the content decides. A slow look at the content covers network file systems, which tell nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::Source;

/// A save is over when nothing happened for this long.
const QUIET: Duration = Duration::from_millis(150);
/// How often the content is looked at without being asked to.
const LOOK: Duration = Duration::from_secs(30);

/// The changes of a configuration, each with its cause in words for the log.
pub struct Changes(Option<Watched>);

struct Watched {
    path: PathBuf,
    folders: BTreeSet<PathBuf>,
    content: Option<Vec<u8>>,
    events: mpsc::Receiver<()>,
    watcher: Option<notify::RecommendedWatcher>,
}

/// Watches a file; a configuration that came another way does not change.
pub fn changes(source: &Source) -> Changes {
    match source {
        Source::File(path) => Changes(Some(Watched::new(path))),
        Source::Stdin(_) | Source::Inline(_) | Source::Default => Changes(None),
    }
}

impl Changes {
    /// The content as it is now is known already, and no change any more.
    pub fn seen(&mut self) {
        if let Some(watched) = &mut self.0 {
            watched.content = std::fs::read(&watched.path).ok();
        }
    }

    /// Waits for the next change. Cancelling the wait loses nothing.
    pub async fn next(&mut self) -> String {
        let Some(watched) = &mut self.0 else {
            return std::future::pending().await;
        };
        loop {
            watched.happening().await;
            // Not in a thread of its own, which may not be had: a child that has taken all there are must not end us.
            let content = std::fs::read(&watched.path).ok();
            watched.follow();
            if content != watched.content {
                watched.content = content;
                return format!("{} was saved", watched.path.display());
            }
        }
    }
}

impl Watched {
    fn new(path: &Path) -> Self {
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is an event as well; only what may have changed it counts. A full channel means that a look is
            // due already.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = sender.try_send(());
            }
        });
        let watcher = match watcher {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(
                    "the file is looked at only every {} s: it cannot be watched: {error}",
                    LOOK.as_secs()
                );
                None
            }
        };
        let mut watched = Self {
            path: path.to_owned(),
            folders: BTreeSet::new(),
            content: std::fs::read(path).ok(),
            events,
            watcher,
        };
        watched.follow();
        watched
    }

    /// Something may have changed.
    async fn happening(&mut self) {
        let look = Instant::now() + LOOK;
        tokio::select! {
            Some(()) = self.events.recv() => {}
            () = tokio::time::sleep_until(look) => return,
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.events.recv()).await {}
    }

    /// Watches every folder that leads to the file now: the one it is named in, and those of the links on the way.
    fn follow(&mut self) {
        let folders = folders(&self.path);
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for gone in self.folders.difference(&folders) {
            // A folder that was removed is no longer watched anyway.
            let _ = watcher.unwatch(gone);
        }
        for new in folders.difference(&self.folders) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::debug!("{} cannot be watched: {error}", new.display());
            }
        }
        self.folders = folders;
    }
}

/// The longest chain of links that is followed.
const LINKS: usize = 16;

fn folders(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        let folder =
            at.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let next = std::fs::read_link(&at).map(|link| folder.join(link));
        // A link may also be a folder on the way, as the `..data` of Kubernetes is.
        if let Some(parent) = folder.parent().filter(|_| folder.is_symlink()) {
            folders.insert(parent.to_owned());
        }
        folders.insert(folder);
        match next {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_noticed_also_while_there_are_no_threads_to_be_had() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, "a").expect("a file");
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
        runtime.expect("a runtime").block_on(async {
            let (_until, hangs) = std::sync::mpsc::channel::<()>();
            drop(tokio::task::spawn_blocking(move || hangs.recv()));
            let mut changes = changes(&Source::File(path.clone()));
            std::fs::write(&path, "b").expect("a file");
            let noticed = tokio::time::timeout(Duration::from_secs(10), changes.next()).await;
            assert!(noticed.expect("in time").ends_with("config.yaml was saved"));
        });
    }
}
