//! Names as the pages of MCP Apps know them.
//!
//! A page that a target serves (a `ui://` resource) calls tools and reads resources by the names that its target gave them,
//! because nobody can rewrite what stands in it. Such a bare name leads to the one target with an app that has it. It is
//! looked up last, and never guessed.

use std::collections::HashMap;

use memchr::memmem;
use protocol::{Kind, Raw};

use super::{Entry, List};
use crate::roster::Listing;

/// Where bare names lead: each to every item that it may mean, as the target's position and the exposed name.
#[derive(Default)]
pub(super) struct Apps {
    tools: HashMap<String, Vec<(usize, String)>>,
    pages: HashMap<String, Vec<(usize, String)>>,
}

/// What a bare name means.
pub(crate) enum Meaning<T> {
    /// Nothing.
    None,
    /// One thing.
    One(T),
    /// Several, under these exposed names.
    Several(Vec<String>),
}

impl<T> Meaning<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Meaning<U> {
        match self {
            Self::None => Meaning::None,
            Self::One(one) => Meaning::One(change(one)),
            Self::Several(names) => Meaning::Several(names),
        }
    }
}

const UI: &str = "ui://";

impl Apps {
    /// Indexes the tools of targets that have apps, and every `ui://` resource that is listed or that a tool names.
    pub(super) fn build(targets: &[Entry], tools: &List, expose: impl Fn(usize, &str) -> String) -> Self {
        let mut apps = Self::default();
        for (index, entry) in targets.iter().enumerate() {
            let Some(listing) = &entry.listing else { continue };
            let named: Vec<String> =
                listing.items(Kind::Tool).iter().filter_map(|(_, tool)| page_of(tool)).collect();
            if !named.is_empty() {
                for item in tools.items.iter().filter(|item| item.target == index) {
                    apps.tools.entry(item.local.clone()).or_default().push((index, item.name.clone()));
                }
            }
            for uri in named.into_iter().chain(listed_pages(listing)) {
                let means = apps.pages.entry(uri.clone()).or_default();
                if means.iter().all(|(known, _)| *known != index) {
                    means.push((index, expose(index, &uri)));
                }
            }
        }
        apps
    }

    /// The target of a tool that an app calls by its bare name.
    pub(super) fn tool(&self, name: &str) -> Meaning<usize> {
        meaning(self.tools.get(name))
    }

    /// The target of a page that an app reads by its bare URI.
    pub(super) fn page(&self, uri: &str) -> Meaning<usize> {
        meaning(self.pages.get(uri))
    }
}

fn meaning(means: Option<&Vec<(usize, String)>>) -> Meaning<usize> {
    match means.map(Vec::as_slice) {
        None | Some([]) => Meaning::None,
        Some([(index, _)]) => Meaning::One(*index),
        Some(several) => Meaning::Several(several.iter().map(|(_, name)| name.clone()).collect()),
    }
}

fn listed_pages(listing: &Listing) -> impl Iterator<Item = String> {
    listing.items(Kind::Resource).iter().map(|(uri, _)| uri).filter(|uri| uri.starts_with(UI)).cloned()
}

/// The page that a tool names in its `_meta`, in either spelling (MCP Apps, "UI Resource").
fn page_of(tool: &Raw) -> Option<String> {
    memmem::find(tool.as_bytes(), b"esourceUri\"")?;
    let meta = tool.object().ok()?.object("_meta")?;
    let nested = meta.object("ui").and_then(|ui| ui.text("resourceUri"));
    nested.or_else(|| meta.text("ui/resourceUri")).filter(|uri| uri.starts_with(UI))
}
