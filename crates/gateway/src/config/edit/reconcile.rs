//! From what a text says to what it is to say, in as few changes of the text as there are differences.

use super::super::yaml::{self, Kind, Node, join};
use super::layout::{self, Collection, Element, Form, Piece};
use super::splice::{self, Splice};
use super::style::Style;
use super::tree::same;

/// More differences than anyone makes in one edit.
const MOST: usize = 500;

/// Why a text cannot be changed.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// What stands at this path is written elsewhere, and repeated here by an alias.
    Alias(String),
    /// What stands at this path comes from a mapping that is merged into this one.
    Merge(String),
    /// It is written in a way that is not known here.
    Unknown,
    /// There are more differences than are mended one by one.
    TooMany,
}

/// Changes a text until it says what is wanted.
pub(super) fn reconcile(text: &str, wanted: &Node) -> Result<String, Obstacle> {
    let mut text = text.to_owned();
    for _ in 0..MOST {
        let is = yaml::parse(&text, &mut Vec::new()).ok_or(Obstacle::Unknown)?;
        if same(&is, wanted) {
            return Ok(text);
        }
        let layout = layout::read(&text).ok_or(Obstacle::Unknown)?;
        let search = Search { text: &text, root: &layout };
        let splices = search.inside(&layout, (&is, wanted), "")?;
        let next = splice::apply(&text, &splices);
        if next == text {
            return Err(Obstacle::Unknown);
        }
        text = next;
    }
    Err(Obstacle::TooMany)
}

struct Search<'t> {
    text: &'t str,
    root: &'t Piece,
}

impl Search<'_> {
    /// What mends the first difference within a value.
    fn inside(
        &self,
        piece: &Piece,
        (is, wanted): (&Node, &Node),
        path: &str,
    ) -> Result<Vec<Splice>, Obstacle> {
        match (&piece.form, &is.kind, &wanted.kind) {
            (Form::Map(map), Kind::Map(_), Kind::Map(_)) => self.map(piece, map, (is, wanted), path),
            (Form::List(list), Kind::List(nodes), Kind::List(others)) => {
                self.list(piece, list, (nodes, others), path)
            }
            _ => Err(Obstacle::Alias(path.to_owned())),
        }
    }

    fn map(
        &self,
        piece: &Piece,
        map: &Collection,
        (is, wanted): (&Node, &Node),
        path: &str,
    ) -> Result<Vec<Splice>, Obstacle> {
        let (Kind::Map(entries), Kind::Map(others)) = (&is.kind, &wanted.kind) else {
            return Err(Obstacle::Unknown);
        };
        for (key, node) in entries {
            let Some((_, other)) = wanted.get(&key.text).filter(|(_, other)| !same(node, other)) else {
                continue;
            };
            let path = join(path, &key.text);
            let Some(index) = map.position(&key.text) else { return Err(Obstacle::Merge(path)) };
            return self.value(piece, &map.elements[index], (node, other), &path);
        }
        let mut after = 0;
        for (key, node) in others {
            if is.get(&key.text).is_none() {
                let new = (Some(key), node);
                return splice::insert(self.text, piece, after, new, &self.style(piece))
                    .ok_or(Obstacle::Unknown);
            }
            after = map.position(&key.text).map_or(after, |index| index + 1);
        }
        for (key, _) in entries {
            if wanted.get(&key.text).is_none() {
                let Some(index) = map.position(&key.text) else {
                    return Err(Obstacle::Merge(join(path, &key.text)));
                };
                return splice::remove(self.text, piece, index).ok_or(Obstacle::Unknown);
            }
        }
        Err(Obstacle::Unknown)
    }

    fn list(
        &self,
        piece: &Piece,
        list: &Collection,
        (is, wanted): (&[Node], &[Node]),
        path: &str,
    ) -> Result<Vec<Splice>, Obstacle> {
        if list.elements.len() != is.len() {
            return Err(Obstacle::Unknown);
        }
        let pairs = is.iter().zip(wanted);
        let before = pairs.take_while(|(node, other)| same(node, other)).count();
        let pairs = is[before..].iter().rev().zip(wanted[before..].iter().rev());
        let after = pairs.take_while(|(node, other)| same(node, other)).count();
        match (is.get(before..is.len() - after), wanted.get(before..wanted.len() - after)) {
            (Some([node, ..]), Some([other, ..])) => {
                self.value(piece, &list.elements[before], (node, other), &format!("{path}[{before}]"))
            }
            (_, Some([other, ..])) => {
                splice::insert(self.text, piece, before, (None, other), &self.style(piece))
                    .ok_or(Obstacle::Unknown)
            }
            _ => splice::remove(self.text, piece, before).ok_or(Obstacle::Unknown),
        }
    }

    /// What makes the value of an element another one: a change within it, or another value in its place.
    fn value(
        &self,
        piece: &Piece,
        element: &Element,
        (is, wanted): (&Node, &Node),
        path: &str,
    ) -> Result<Vec<Splice>, Obstacle> {
        let flow = piece.collection().is_some_and(|collection| collection.flow);
        let empties = match &wanted.kind {
            Kind::Map(entries) => entries.is_empty(),
            Kind::List(nodes) => nodes.is_empty(),
            Kind::Scalar(_) | Kind::Faulty => false,
        };
        match (&is.kind, &wanted.kind) {
            (Kind::Map(_), Kind::Map(_)) | (Kind::List(_), Kind::List(_)) if !empties => {
                // Nothing can be put next to the elements of an empty block, for there is no such thing.
                self.inside(&element.value, (is, wanted), path)
            }
            _ if matches!(element.value.form, Form::Alias) => Err(Obstacle::Alias(path.to_owned())),
            _ => {
                splice::replace(self.text, element, flow, wanted, &self.style(piece)).ok_or(Obstacle::Unknown)
            }
        }
    }

    fn style(&self, near: &Piece) -> Style {
        Style::of(self.text, self.root, near)
    }
}
