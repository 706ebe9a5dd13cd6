//! Edits of a configuration file that leave everything else in it as it was, to the byte: comments, order, quotes, line ends.
//!
//! No library that writes YAML keeps all of that, in brackets as well as in lines, and agrees with our parser on every text. So
//! the changes are made here, at the places that the parser itself names, and nothing is believed: an edit is returned only if
//! the new text, read again, says what the old one said with that one change. Where it would not, somebody has to edit the
//! file by hand, and is told what to write.
//!
//! 1. `tree`: what the file says, with the change: the wanted tree;
//! 2. `layout`: where everything stands in the text;
//! 3. `reconcile`: the first difference between the two trees, again and again until there is none;
//! 4. `splice`, `write`, `style`: the change of the text that mends it, written like its surroundings.

mod layout;
mod place;
mod reconcile;
mod spec;
mod splice;
mod style;
mod tree;
mod write;

#[cfg(test)]
mod tests;

use policy::cors::OriginPattern;
use policy::origin::Origin;
use serde::Deserialize;

use self::place::{Path, Places};
use self::reconcile::Obstacle;
pub use self::spec::{OrVariable, Pairs, RemoteSpec, StdioSpec, TargetSpec};
use super::yaml::{self, Kind, Node};
use super::{Backend, Config, Fault, Faults, understand, understand_tree};

/// A change of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Edit {
    /// Lets pages of an origin call a route.
    AllowOrigin {
        /// The key of the route.
        route: String,
        /// The origin, like `http://localhost:15000`.
        origin: String,
    },
    /// Adds a target, as the last one of its backend.
    AddTarget {
        /// The key of the backend.
        backend: String,
        /// The new target.
        target: TargetSpec,
    },
    /// Makes another target of one. Keys that the new one does not have are removed.
    ReplaceTarget {
        /// The key of the backend.
        backend: String,
        /// The name of the target as it is now.
        name: String,
        /// What it is to be.
        target: TargetSpec,
    },
    /// Removes a target. A backend keeps at least one.
    RemoveTarget {
        /// The key of the backend.
        backend: String,
        /// The name of the target.
        name: String,
    },
}

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEdited {
    /// The text has faults, so nobody knows what it means.
    #[error("the configuration has faults; it can be edited here again when they are mended")]
    Invalid(Faults),
    /// What is to be edited is not there.
    #[error("{0}")]
    NotFound(String),
    /// The edit itself makes no sense.
    #[error("{0}")]
    Refused(String),
    /// The text is written in a way that only people can edit.
    #[error("{0}")]
    ByHand(String),
}

/// Makes an edit. The new text says exactly that, and may have faults: a name that targets cannot have, for example.
pub fn apply(
    text: &str,
    edit: &Edit,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, NotEdited> {
    let mark = text.len() - without_mark(text).len();
    let (mark, text) = text.split_at(mark);
    let file = File::read(text, environment)?;
    let Some(change) = file.change(edit)? else { return Ok(format!("{mark}{text}")) };
    let edited = reconcile::reconcile(text, &change.wanted).map_err(|obstacle| change.by_hand(&obstacle))?;
    if !proves(&edited, change.wanted.clone(), environment) {
        return Err(change.by_hand(&Obstacle::Unknown));
    }
    Ok(format!("{mark}{edited}"))
}

/// A target as the file spells it; variables stay variables.
pub fn target(
    text: &str,
    backend: &str,
    name: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<TargetSpec, NotEdited> {
    let file = File::read(without_mark(text), environment)?;
    let (targets, backend) = file.backend(backend)?;
    let index = position(backend, name)?;
    targets.index(index).find(&file.tree).and_then(TargetSpec::read).ok_or_else(|| no_target(name))
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Whether a text says what is wanted, and means the same as that. Both is checked, so that neither our comparison of trees nor
/// our making of them has to be trusted.
fn proves(text: &str, wanted: Node, environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let said = yaml::parse(text, &mut Vec::new());
    let (mut faults, mut others) = (Vec::new(), Vec::new());
    let meant = understand(text, environment, &mut faults);
    said.is_some_and(|said| tree::same(&said, &wanted))
        && meant == understand_tree(wanted, environment, &mut others)
        && faults.is_empty() == others.is_empty()
}

/// What a file says and means.
struct File {
    tree: Node,
    config: Config,
}

/// What an edit makes of a file.
struct Change {
    wanted: Node,
    /// What it changes.
    place: Path,
    /// What to write where, for those who have to do it by hand.
    by_hand: String,
}

impl Change {
    fn by_hand(&self, obstacle: &Obstacle) -> NotEdited {
        let place = self.place.to_string();
        let is_here = |path: &str| path.starts_with(&place) || place.starts_with(path);
        let reason = match obstacle {
            Obstacle::Alias(path) if is_here(path) => format!("`{path}` is written with an alias (`*…`)"),
            Obstacle::Alias(path) => {
                format!("`{path}` repeats it with an alias (`*…`), and would change as well")
            }
            Obstacle::Merge(path) if is_here(path) => format!("`{path}` comes from a merge (`<<`)"),
            Obstacle::Merge(path) => {
                format!("`{path}` repeats it with a merge (`<<`), and would change as well")
            }
            Obstacle::Unknown => "this place is written in an unusual way".to_owned(),
            Obstacle::TooMany => "too much of it would change".to_owned(),
        };
        NotEdited::ByHand(format!("the file has to be edited by hand, because {reason}: {}", self.by_hand))
    }
}

impl File {
    fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, NotEdited> {
        let mut faults: Vec<Fault> = Vec::new();
        let config = understand(text, environment, &mut faults);
        match (yaml::parse(text, &mut Vec::new()), config) {
            (Some(tree), Some(config)) if faults.is_empty() => Ok(Self { tree, config }),
            _ => {
                Err(NotEdited::Invalid(Faults::new("the configuration".to_owned(), text.to_owned(), faults)))
            }
        }
    }

    fn backend(&self, key: &str) -> Result<(Path, &Backend), NotEdited> {
        Places::of(&self.config, &self.tree).backend(key).ok_or_else(|| {
            NotEdited::NotFound(format!(
                "the file has no backend with the key `{key}`; it may have been changed"
            ))
        })
    }

    /// `None` if the file says it already.
    fn change(&self, edit: &Edit) -> Result<Option<Change>, NotEdited> {
        match edit {
            Edit::AllowOrigin { route, origin } => self.allow_origin(route, origin),
            Edit::AddTarget { backend, target } => {
                let (targets, _) = self.backend(backend)?;
                let new = target.to_node();
                let by_hand =
                    format!("add this to `{targets}`\n\n{}", write::sample(&tree::list([new.clone()])));
                self.targets(&targets, by_hand, |nodes| nodes.push(new))
            }
            Edit::ReplaceTarget { backend, name, target } => {
                let (targets, backend) = self.backend(backend)?;
                let index = position(backend, name)?;
                let new = match targets.find_mut(&mut self.tree.clone()) {
                    Some(Node { kind: Kind::List(nodes), .. }) => target.in_place_of(&nodes[index]),
                    _ => target.to_node(),
                };
                let sample = write::sample(&tree::list([new.clone()]));
                let by_hand =
                    format!("write this in place of `{}`\n\n{sample}", targets.clone().index(index));
                self.targets(&targets, by_hand, |nodes| nodes[index] = tree::replaced(&nodes[index], new))
            }
            Edit::RemoveTarget { backend, name } => {
                let (targets, backend) = self.backend(backend)?;
                let index = position(backend, name)?;
                if backend.targets.len() == 1 {
                    return Err(NotEdited::Refused(format!(
                        "`{name}` is the only target of its backend, and a backend needs one: add another one first"
                    )));
                }
                let by_hand = format!("remove `{}`", targets.clone().index(index));
                self.targets(&targets, by_hand, |nodes| drop(nodes.remove(index)))
            }
        }
    }

    fn targets(
        &self,
        targets: &Path,
        by_hand: String,
        change: impl FnOnce(&mut Vec<Node>),
    ) -> Result<Option<Change>, NotEdited> {
        let mut wanted = self.tree.clone();
        if let Some(Node { kind: Kind::List(nodes), .. }) = targets.find_mut(&mut wanted) {
            change(nodes);
        }
        Ok((!tree::same(&wanted, &self.tree)).then(|| Change { wanted, place: targets.clone(), by_hand }))
    }

    fn allow_origin(&self, route: &str, origin: &str) -> Result<Option<Change>, NotEdited> {
        let (place, route) = Places::of(&self.config, &self.tree).route(route).ok_or_else(|| {
            NotEdited::NotFound(format!(
                "the file has no route with the key `{route}`; it may have been changed"
            ))
        })?;
        let page = Origin::parse(origin).filter(|page| *page != Origin::Opaque);
        let Some(page) = page.filter(|_| matches!(OriginPattern::parse(origin), Ok(OriginPattern::Exact(_))))
        else {
            let text =
                format!("`{origin}` is not the origin of a page; one looks like `https://example.com`");
            return Err(NotEdited::Refused(text));
        };
        let mut patterns = route.cors.iter().flat_map(|cors| &cors.allow_origins);
        if patterns.any(|pattern| pattern.matches(&page)) {
            return Ok(None);
        }
        let mut wanted = self.tree.clone();
        let by_hand = add_origin(&mut wanted, &place, origin);
        Ok(Some(Change { wanted, place, by_hand }))
    }
}

/// Adds an origin to what the policy of a route allows, and says how to do that by hand.
fn add_origin(tree: &mut Node, route: &Path, origin: &str) -> String {
    /// What stands before `policies`, in routes and in the short form.
    const BEFORE: [&str; 4] = ["name", "hostnames", "matches", "port"];

    let cors = || tree::map([("allowOrigins", tree::list([tree::text(origin)]))]);
    let at = route.clone().key("policies");
    let origins = at.clone().key("cors").key("allowOrigins");
    if let Some(Node { kind: Kind::List(nodes), .. }) = origins.find_mut(tree) {
        nodes.push(tree::text(origin));
        return format!("add \"{origin}\" to `{origins}`");
    }
    if let Some(Node { kind: Kind::Map(entries), .. }) = at.find_mut(tree) {
        // What may be there is `cors:` and nothing else.
        entries.retain(|(key, _)| key.text != "cors");
        entries.push((tree::key("cors"), cors()));
        return format!("add this to `{at}`\n\n{}", write::sample(&tree::map([("cors", cors())])));
    }
    let policies = || tree::map([("cors", cors())]);
    if let Some(Node { kind: Kind::Map(entries), .. }) = route.find_mut(tree) {
        match entries.iter_mut().find(|(key, _)| key.text == "policies") {
            Some((_, nothing)) => *nothing = policies(),
            None => {
                let before = entries.iter().rposition(|(key, _)| BEFORE.contains(&key.text.as_str()));
                entries.insert(before.map_or(0, |before| before + 1), (tree::key("policies"), policies()));
            }
        }
    }
    format!("add this to `{route}`\n\n{}", write::sample(&tree::map([("policies", policies())])))
}

/// The index of a target, by the name that it has once variables are replaced.
fn position(backend: &Backend, name: &str) -> Result<usize, NotEdited> {
    backend.targets.iter().position(|target| target.name == name).ok_or_else(|| no_target(name))
}

fn no_target(name: &str) -> NotEdited {
    NotEdited::NotFound(format!("this backend has no target `{name}` in the file; it may have been changed"))
}
