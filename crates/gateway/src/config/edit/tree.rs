//! Trees that nobody has written yet: what a file is to say after an edit.

use super::super::shape::is_null;
use super::super::yaml::{Key, Kind, Node, Place, Scalar, Style};

/// Where something is that has no place in the text yet.
const NOWHERE: Place = Place { line: 0, column: 0 };

/// A text.
pub(super) fn text(text: impl Into<String>) -> Node {
    scalar(text.into(), Style::Quoted)
}

/// A number, `true` or `false`.
pub(super) fn plain(text: impl Into<String>) -> Node {
    scalar(text.into(), Style::Plain)
}

fn scalar(text: String, style: Style) -> Node {
    Node { place: NOWHERE, kind: Kind::Scalar(Scalar { text, spelling: None, style }) }
}

pub(super) fn list(nodes: impl IntoIterator<Item = Node>) -> Node {
    Node { place: NOWHERE, kind: Kind::List(nodes.into_iter().collect()) }
}

pub(super) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, node)| (self::key(key), node)).collect();
    Node { place: NOWHERE, kind: Kind::Map(entries) }
}

pub(super) fn key(key: impl Into<String>) -> Key {
    Key { text: key.into(), place: NOWHERE }
}

/// Whether nothing is there: `key:` or `key: null`.
pub(super) fn is_nothing(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar(scalar) if is_null(scalar))
}

/// Whether two trees say the same, wherever they stand. The order of keys says nothing.
pub(super) fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Map(entries), Kind::Map(others)) => {
            entries.len() == others.len()
                && entries
                    .iter()
                    .all(|(key, node)| other.get(&key.text).is_some_and(|(_, it)| same(node, it)))
        }
        (Kind::List(nodes), Kind::List(others)) => {
            nodes.len() == others.len() && nodes.iter().zip(others).all(|(node, it)| same(node, it))
        }
        (Kind::Scalar(scalar), Kind::Scalar(it)) => match (is_null(scalar), is_null(it)) {
            (false, false) => scalar.text == it.text,
            (one, other) => one == other,
        },
        _ => false,
    }
}

/// What is there after `old` was replaced by `new`: what stays the same keeps its place, and new keys come after those that
/// they follow in `new`. A key that says nothing, like an empty `env:`, stays.
pub(super) fn replaced(old: &Node, new: Node) -> Node {
    match (&old.kind, new.kind) {
        (Kind::Map(entries), Kind::Map(mut wanted)) => {
            let mut result: Vec<(Key, Node)> = Vec::new();
            for (key, node) in entries {
                match wanted.iter().position(|(it, _)| it.text == key.text) {
                    Some(index) => {
                        let taken = std::mem::replace(&mut wanted[index].1, list([]));
                        result.push((key.clone(), replaced(node, taken)));
                    }
                    None if is_nothing(node) => result.push((key.clone(), node.clone())),
                    None => {}
                }
            }
            let mut after = 0;
            for (key, node) in wanted {
                match result.iter().position(|(it, _)| it.text == key.text) {
                    Some(index) => after = index + 1,
                    None => {
                        result.insert(after, (key, node));
                        after += 1;
                    }
                }
            }
            Node { place: old.place, kind: Kind::Map(result) }
        }
        (_, kind) => {
            let new = Node { place: NOWHERE, kind };
            if same(old, &new) { old.clone() } else { new }
        }
    }
}
