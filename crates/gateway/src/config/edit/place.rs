//! From what is configured to where it stands in the file.

use std::fmt;

use super::super::yaml::{Kind, Node, join};
use super::super::{Backend, Config, Route};
use super::tree::is_nothing;

/// Keys and indices that lead to a value of the file, from the top.
#[derive(Debug, Clone, Default)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Key(&'static str),
    Index(usize),
}

impl Path {
    pub(super) fn key(mut self, key: &'static str) -> Self {
        self.0.push(Step::Key(key));
        self
    }

    pub(super) fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// The value there.
    pub(super) fn find<'n>(&self, tree: &'n Node) -> Option<&'n Node> {
        self.0.iter().try_fold(tree, |node, step| match step {
            Step::Key(key) => node.get(key).map(|(_, node)| node),
            Step::Index(index) => node.index(*index),
        })
    }

    /// The same, to be changed.
    pub(super) fn find_mut<'n>(&self, tree: &'n mut Node) -> Option<&'n mut Node> {
        self.0.iter().try_fold(tree, |node, step| match (step, &mut node.kind) {
            (Step::Key(key), Kind::Map(entries)) => {
                entries.iter_mut().find(|(it, _)| it.text == *key).map(|(_, node)| node)
            }
            (Step::Index(index), Kind::List(nodes)) => nodes.get_mut(*index),
            _ => None,
        })
    }
}

/// `binds[0].listeners[1]`
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.iter().fold(String::new(), |path, step| match step {
            Step::Key(key) => join(&path, key),
            Step::Index(index) => format!("{path}[{index}]"),
        });
        f.write_str(&path)
    }
}

/// From keys of what is configured to where it stands.
pub(super) struct Places<'c> {
    config: &'c Config,
    /// Whether the last bind is the short form `mcp`, whose one listener, route and backend all stand there.
    short: bool,
}

impl<'c> Places<'c> {
    pub(super) fn of(config: &'c Config, tree: &Node) -> Self {
        Self { config, short: tree.get("mcp").is_some_and(|(_, node)| !is_nothing(node)) }
    }

    /// A route by its key, which is that of its backends without their index.
    pub(super) fn route(&self, key: &str) -> Option<(Path, &'c Route)> {
        let is_it = |route: &Route| {
            let first = route.backends.first().and_then(|backend| backend.key.rsplit_once('/'));
            first.is_some_and(|(above, _)| above == key)
        };
        self.find(|route| is_it(route).then_some(())).map(|(place, route, ())| (place, route))
    }

    /// A backend by its key, and where its targets stand.
    pub(super) fn backend(&self, key: &str) -> Option<(Path, &'c Backend)> {
        let position = |route: &Route| route.backends.iter().position(|backend| backend.key == key);
        let (place, route, index) = self.find(position)?;
        let place = match place.0.as_slice() {
            [_] => place,
            _ => place.key("backends").index(index).key("mcp"),
        };
        Some((place.key("targets"), &route.backends[index]))
    }

    /// The first route that something is found in.
    fn find<T>(&self, wanted: impl Fn(&Route) -> Option<T>) -> Option<(Path, &'c Route, T)> {
        let binds = &self.config.binds;
        binds.iter().enumerate().find_map(|(bind, it)| {
            it.listeners.iter().enumerate().find_map(|(listener, it)| {
                it.routes.iter().enumerate().find_map(|(route, it)| {
                    let found = wanted(it)?;
                    let top = Path::default();
                    let place = match self.short && bind + 1 == binds.len() {
                        true => top.key("mcp"),
                        false => top
                            .key("binds")
                            .index(bind)
                            .key("listeners")
                            .index(listener)
                            .key("routes")
                            .index(route),
                    };
                    Some((place, it, found))
                })
            })
        })
    }
}
