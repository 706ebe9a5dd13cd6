//! YAML text to a tree of nodes that know where they stand.
//!
//! Scalars stay the text that was written, because only the schema knows what is a number: `args: [1.10, 0x10, yes]`
//! are three texts. A deserializer that guesses types from the text, or that stops at its first error, cannot be
//! built upon here, which is why this starts from the parser's events.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError};

use super::fault::Fault;

/// A place in the text: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn new(line: usize, column: usize) -> Self {
        Self { line, column }
    }
}

/// A value in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Map(Vec<(Key, Node)>),
    List(Vec<Node>),
    Scalar(Scalar),
    /// A value about which a fault is reported already, so that nothing more is to be said of it.
    Faulty,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    /// The text, after escapes and variables.
    pub(super) text: String,
    /// How the file spells it, if variables were expanded in it. This is what messages quote.
    pub(super) spelling: Option<String>,
    pub(super) style: Style,
}

/// How much a scalar's notation says about its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing is written: `key:` and the end of the line.
    Absent,
    /// Without quotes.
    Plain,
    /// In quotes or as a block: certainly text.
    Quoted,
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<(&Key, &Node)> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(k, node)| (k, node)),
            Kind::List(_) | Kind::Scalar(_) | Kind::Faulty => None,
        }
    }

    /// An element, if this is a list that has it.
    pub(super) fn index(&self, index: usize) -> Option<&Node> {
        match &self.kind {
            Kind::List(nodes) => nodes.get(index),
            Kind::Map(_) | Kind::Scalar(_) | Kind::Faulty => None,
        }
    }

    /// What it costs to copy this node, and how deep it is.
    fn measure(&self) -> (usize, usize) {
        let (mut cost, mut depth) = (1, 0);
        let mut add = |node: &Node| {
            let (c, d) = node.measure();
            cost += c;
            depth = depth.max(d);
        };
        match &self.kind {
            Kind::Map(entries) => entries.iter().for_each(|(_, node)| add(node)),
            Kind::List(nodes) => nodes.iter().for_each(add),
            Kind::Scalar(scalar) => cost += scalar.text.len() / TEXT_PER_COST,
            Kind::Faulty => {}
        }
        (cost, depth + 1)
    }
}

impl Scalar {
    /// The text as messages may quote it: never what came from the environment, and not at any length.
    pub(super) fn shown(&self) -> String {
        shorten(self.spelling.as_deref().unwrap_or(&self.text))
    }
}

/// A text for a message: one line, not too long.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// The path of a key below another path.
pub(super) fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{:?}]", shorten(key)),
    }
}

/// Deep enough for every configuration, and shallow enough for recursion on the smallest stack.
const DEEPEST: usize = 64;

/// Aliases of aliases grow without bound (the "billion laughs"); what they unfold to is counted, in nodes.
const LARGEST: usize = 200_000;

/// More keys than any mapping of a configuration has; keys are compared with each other.
const MOST_KEYS: usize = 4096;

/// Long texts count as several nodes.
const TEXT_PER_COST: usize = 64;

/// Reads a text that holds one document. `None`, with a fault, if there is nothing that can be looked into further.
pub(super) fn parse(text: &str, faults: &mut Vec<Fault>) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut builder =
        Builder { faults, root: None, documents: 0, open: Vec::new(), anchors: HashMap::new(), cost: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => {
                let place = Place::new(span.start.line(), span.start.col() + 1);
                builder.event(event, place, span.start == span.end)
            }
            Err(error) => Err(syntax(&error)),
        };
        if let Err(mut fault) = step {
            fault.path = builder.path();
            builder.faults.push(fault);
            return None;
        }
    }
    match builder.root {
        Some(Node { kind: Kind::Scalar(Scalar { style: Style::Absent, .. }), .. }) | None => {
            builder.faults.push(Fault::whole("there is no configuration in it").hint(SMALLEST));
            None
        }
        root => root,
    }
}

const SMALLEST: &str =
    "the smallest one is: `mcp: {targets: [{name: time, stdio: {cmd: uvx, args: [mcp-server-time]}}]}`";

struct Builder<'f> {
    faults: &'f mut Vec<Fault>,
    root: Option<Node>,
    documents: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    cost: usize,
}

/// A collection whose end has not come yet.
struct Open {
    place: Place,
    anchor: usize,
    items: Items,
}

enum Items {
    Map { entries: Vec<(Key, Node)>, key: Option<Key>, merge: Vec<(Key, Node)> },
    List(Vec<Node>),
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, place: Place, empty: bool) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Fault::at(
                        place,
                        "",
                        "a second document starts here, and a configuration is one document",
                    )
                    .hint("remove the line `---`"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(1 + text.len() / TEXT_PER_COST, place)?;
                // The parser writes a value that is not there as `~`, at a place without extent.
                let style = match style {
                    ScalarStyle::Plain if empty => Style::Absent,
                    ScalarStyle::Plain => Style::Plain,
                    _ => Style::Quoted,
                };
                let text = if style == Style::Absent { String::new() } else { text.into_owned() };
                let place = match (style, self.open.last()) {
                    // Nothing has no place of its own: what is to be looked at is its key.
                    (Style::Absent, Some(Open { items: Items::Map { key: Some(key), .. }, .. })) => key.place,
                    _ => place,
                };
                let kind = Kind::Scalar(Scalar { text, spelling: None, style });
                let kind = if self.refuse_tag(tag.is_some(), place) { Kind::Faulty } else { kind };
                self.add(Node { place, kind }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.start(place, anchor, tag.is_some(), Items::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                let items = Items::Map { entries: Vec::new(), key: None, merge: Vec::new() };
                self.start(place, anchor, tag.is_some(), items)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { place, anchor, items }) = self.open.pop() else { return Ok(()) };
                let kind = match items {
                    Items::List(nodes) => Kind::List(nodes),
                    Items::Map { mut entries, key: _, merge } => {
                        // What the mapping says itself goes before what it merges.
                        for (key, node) in merge {
                            if !entries.iter().any(|(k, _)| k.text == key.text) {
                                entries.push((key, node));
                            }
                        }
                        Kind::Map(entries)
                    }
                };
                self.add(Node { place, kind }, anchor)?;
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return Err(Fault::at(place, "", "this alias stands inside of what it repeats"));
                };
                let (cost, depth) = node.measure();
                if self.open.len() + depth > DEEPEST {
                    return Err(too_deep(place));
                }
                // The copy of the inner nodes stays where they are written, which is where they can be mended.
                let node = node.clone();
                self.spend(cost, place)?;
                self.add(node, 0)?;
            }
            Event::UnresolvedAlias(name) => {
                let name = shorten(&name);
                let fault =
                    Fault::at(place, self.path(), format!("no `&{name}` stands before the alias `*{name}`"))
                        .hint("write the text in quotes if it is not meant as an alias");
                self.faults.push(fault);
                self.add(Node { place, kind: Kind::Faulty }, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, place: Place, anchor: usize, tag: bool, items: Items) -> Result<(), Fault> {
        self.spend(1, place)?;
        if let Some(Open { items: Items::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(bad_key(place));
        }
        if self.open.len() >= DEEPEST {
            return Err(too_deep(place));
        }
        self.refuse_tag(tag, place);
        self.open.push(Open { place, anchor, items });
        Ok(())
    }

    fn refuse_tag(&mut self, tag: bool, place: Place) -> bool {
        if tag {
            let fault = Fault::at(place, self.path(), "a YAML tag (`!…`) has no meaning here");
            self.faults.push(fault.hint("remove it, or write the text in quotes"));
        }
        tag
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            let (cost, _) = node.measure();
            self.spend(cost, node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        let path = self.path();
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(nodes)) => nodes.push(node),
            Some(Items::Map { entries, key: key @ None, merge }) => {
                let place = node.place;
                let Kind::Scalar(Scalar { text, style, .. }) = node.kind else { return Err(bad_key(place)) };
                if let Some((first, _)) = entries.iter().find(|(k, _)| k.text == text) {
                    let message = format!(
                        "the key `{}` is here twice, first in line {}",
                        shorten(&text),
                        first.place.line
                    );
                    self.faults.push(Fault::at(place, path, message).hint("remove one of them"));
                }
                if style == Style::Quoted && text == "<<" {
                    return Err(bad_key(place));
                }
                if entries.len() + merge.len() >= MOST_KEYS {
                    return Err(Fault::at(place, "", format!("this mapping has more than {MOST_KEYS} keys")));
                }
                *key = Some(Key { text, place });
            }
            Some(Items::Map { entries, key, merge }) => {
                let Some(key) = key.take() else { return Ok(()) };
                if key.text == "<<" {
                    merge_from(node, merge)?;
                    return match entries.len() + merge.len() > MOST_KEYS {
                        true => Err(Fault::at(
                            key.place,
                            "",
                            format!("this mapping has more than {MOST_KEYS} keys"),
                        )),
                        false => Ok(()),
                    };
                }
                if !entries.iter().any(|(k, _)| k.text == key.text) {
                    entries.push((key, node));
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, cost: usize, place: Place) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        match self.cost > LARGEST {
            true => Err(Fault::at(place, "", format!("the file holds more than {LARGEST} values"))
                .hint("aliases (`*name`) that repeat aliases grow quickly")),
            false => Ok(()),
        }
    }

    /// The path of the node that comes next.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            match &open.items {
                Items::List(nodes) => path.push_str(&format!("[{}]", nodes.len())),
                Items::Map { key: Some(key), .. } => path = join(&path, &key.text),
                Items::Map { key: None, .. } => {}
            }
        }
        path
    }
}

/// Takes over the keys of a merged mapping, or of several of which the first goes before the others.
fn merge_from(node: Node, merge: &mut Vec<(Key, Node)>) -> Result<(), Fault> {
    match node.kind {
        Kind::Map(entries) => {
            for (key, node) in entries {
                if !merge.iter().any(|(k, _)| k.text == key.text) {
                    merge.push((key, node));
                }
            }
        }
        Kind::List(nodes) if nodes.iter().all(|node| matches!(node.kind, Kind::Map(_))) => {
            for node in nodes {
                merge_from(node, merge)?;
            }
        }
        Kind::Faulty => {}
        Kind::List(_) | Kind::Scalar(_) => {
            return Err(Fault::at(node.place, "", "`<<` merges a mapping into this one, and this is none")
                .hint("name one with an alias: `<<: *name`"));
        }
    }
    Ok(())
}

fn bad_key(place: Place) -> Fault {
    Fault::at(place, "", "a key has to be plain text")
        .hint("write a value that starts with `{`, `[`, `*` or `&` in quotes")
}

fn too_deep(place: Place) -> Fault {
    Fault::at(place, "", format!("values are nested more than {DEEPEST} levels deep"))
}

/// What the parser stumbled over, in words for people who write YAML rather than parsers of it.
fn syntax(error: &ScanError) -> Fault {
    let place = Place::new(error.marker().line(), error.marker().col() + 1);
    let fault = |message: &str, hint: &str| {
        let fault = Fault::at(place, "", message);
        if hint.is_empty() { fault } else { fault.hint(hint) }
    };
    match error.kind() {
        ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation | ErrorKind::TabNotAllowed => {
            fault("this line is indented with a tab", "YAML allows only spaces there")
        }
        ErrorKind::UnclosedQuotedScalar => fault("the text in quotes that starts here is never closed", ""),
        ErrorKind::InvalidQuotedScalarIndent => fault(
            "a text in quotes goes on here, but this line is not indented far enough for it",
            "close the quotes, or indent the line",
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            Fault::at(place, "", format!("this `{open}` is never closed"))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidSimpleKey | ErrorKind::SimpleKeyExpected => {
            fault(
                "the YAML cannot be read from here on: a `key: value` does not fit at this place",
                "check that this line is indented like its neighbours, and write a text that holds `: ` in quotes",
            )
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockSequenceEntry => fault(
            "the YAML cannot be read from here on",
            "check that this line is indented like its neighbours",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            let message = format!(
                "the YAML cannot be read from here on: no text without quotes has {character:?} here"
            );
            Fault::at(place, "", message).hint("write it in quotes")
        }
        ErrorKind::RecursionLimitExceeded => too_deep(place),
        kind => Fault::at(place, "", format!("the YAML cannot be read from here on: {kind}")),
    }
}
