//! Where everything stands in a text: the tree of its values, each with its first and last byte.
//!
//! The tree of `yaml` knows what a file says, with aliases and merges unfolded. This one knows how it is written, and
//! nothing of what it means. It is made from the same parser's events, for texts that `yaml` has read without a fault.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// A value as it is written.
#[derive(Debug)]
pub(super) struct Piece {
    /// From its first byte to the byte after its last. Nothing but spaces and comments is between the last byte of a
    /// block and the next value.
    pub(super) range: Range<usize>,
    pub(super) form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    Map(Collection),
    List(Collection),
    /// With the quotes it has, or none.
    Scalar(Option<char>),
    /// Text in lines of their own, after `|` or `>`.
    Block,
    /// `*name`, which repeats a value that stands elsewhere.
    Alias,
    /// Nothing is written.
    Absent,
}

/// The entries of a mapping, or the elements of a list.
#[derive(Debug)]
pub(super) struct Collection {
    /// Whether it is in brackets. If it is not, each element begins a line.
    pub(super) flow: bool,
    pub(super) elements: Vec<Element>,
}

#[derive(Debug)]
pub(super) struct Element {
    /// Where it begins: its dash, its key, or in a list in brackets its value.
    pub(super) start: usize,
    /// The text of its key, in a mapping.
    pub(super) key: Option<String>,
    /// What comes before its value has been read up to here: the dash, or the colon behind the key.
    pub(super) opened: usize,
    pub(super) value: Piece,
}

impl Element {
    pub(super) fn end(&self) -> usize {
        self.value.range.end
    }
}

impl Collection {
    /// The position of a key.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.elements.iter().position(|element| element.key.as_deref() == Some(key))
    }
}

impl Piece {
    pub(super) fn collection(&self) -> Option<&Collection> {
        match &self.form {
            Form::Map(collection) | Form::List(collection) => Some(collection),
            Form::Scalar(_) | Form::Block | Form::Alias | Form::Absent => None,
        }
    }
}

/// Reads a text without a byte order mark. `None` if it is written in a way that is not known here.
pub(super) fn read(text: &str) -> Option<Piece> {
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut events = Vec::new();
    for event in Parser::new_from_str_with_options(text, options) {
        match event.ok()? {
            (Event::StreamStart | Event::StreamEnd | Event::DocumentEnd, _) => {}
            event => events.push(event),
        }
    }
    let mut events = events.into_iter().peekable();
    let (Event::DocumentStart(..), start) = events.next()? else { return None };
    let mut reader = Reader { text, events };
    let root = reader.piece(start.end.byte_offset()?)?;
    reader.events.next().is_none().then_some(root)
}

struct Reader<'t, I: Iterator<Item = (Event<'t>, Span)>> {
    text: &'t str,
    events: std::iter::Peekable<I>,
}

impl<'t, I: Iterator<Item = (Event<'t>, Span)>> Reader<'t, I> {
    /// The next value. Everything before `from` has been read.
    fn piece(&mut self, from: usize) -> Option<Piece> {
        let (event, span) = self.events.next()?;
        let range = span.start.byte_offset()?..span.end.byte_offset()?;
        Some(match event {
            Event::Scalar(_, ScalarStyle::Plain, ..) if range.is_empty() => {
                Piece { range: from..from, form: Form::Absent }
            }
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                // The parser counts from the first line to the indentation of what comes next.
                let lines = self.text.get(range.clone())?.trim_end_matches([' ', '\t']).len();
                Piece { range: self.property(from)?..range.start + lines, form: Form::Block }
            }
            Event::Scalar(_, style, ..) => {
                let quotes = match style {
                    ScalarStyle::SingleQuoted => Some('\''),
                    ScalarStyle::DoubleQuoted => Some('"'),
                    _ => None,
                };
                Piece { range, form: Form::Scalar(quotes) }
            }
            Event::Alias(_) => Piece { range, form: Form::Alias },
            Event::SequenceStart(StructureStyle::Flow, ..) => self.flow_list(range)?,
            Event::MappingStart(StructureStyle::Flow, ..) => self.flow_map(range)?,
            Event::SequenceStart(StructureStyle::Block, ..) => self.block(from, Self::item, Form::List)?,
            Event::MappingStart(StructureStyle::Block, ..) => self.block(from, Self::entry, Form::Map)?,
            _ => return None,
        })
    }

    fn block(
        &mut self,
        from: usize,
        next: fn(&mut Self, usize) -> Option<Element>,
        form: fn(Collection) -> Form,
    ) -> Option<Piece> {
        let mut elements: Vec<Element> = Vec::new();
        while !self.ends()? {
            let at = match elements.last() {
                Some(last) => past_space(self.text, last.end()),
                None => self.property(from)?,
            };
            elements.push(next(self, at)?);
        }
        self.events.next();
        let range = elements.first()?.start..elements.last()?.end();
        Some(Piece { range, form: form(Collection { flow: false, elements }) })
    }

    /// `- value`
    fn item(&mut self, start: usize) -> Option<Element> {
        let opened = self.sign(start, '-')?;
        Some(Element { start, key: None, opened, value: self.piece(opened)? })
    }

    /// `key: value`
    fn entry(&mut self, start: usize) -> Option<Element> {
        let (key, end) = self.key()?;
        let opened = self.sign(past_space(self.text, end), ':')?;
        Some(Element { start, key: Some(key), opened, value: self.piece(opened)? })
    }

    fn flow_list(&mut self, open: Range<usize>) -> Option<Piece> {
        let mut elements: Vec<Element> = Vec::new();
        let mut at = open.end;
        while !self.ends()? {
            let start = past_space(self.text, at);
            let value = self.piece(start)?;
            at = self.past_comma(value.range.end);
            elements.push(Element { start, key: None, opened: start, value });
        }
        let (_, close) = self.events.next()?;
        // `[a: b]` is a mapping in a list, whose brackets nobody wrote.
        let range = open.start..close.end.byte_offset()?;
        Some(Piece { range, form: Form::List(Collection { flow: true, elements }) })
    }

    fn flow_map(&mut self, open: Range<usize>) -> Option<Piece> {
        self.text.get(open.clone()).filter(|brace| *brace == "{")?;
        let mut elements: Vec<Element> = Vec::new();
        let mut at = open.end;
        while !self.ends()? {
            let start = past_space(self.text, at);
            let (key, end) = self.key()?;
            let opened = self.sign(past_space(self.text, end), ':').unwrap_or(end);
            let value = self.piece(opened)?;
            at = self.past_comma(value.range.end);
            elements.push(Element { start, key: Some(key), opened, value });
        }
        let (_, close) = self.events.next()?;
        let range = open.start..close.end.byte_offset()?;
        Some(Piece { range, form: Form::Map(Collection { flow: true, elements }) })
    }

    /// A key, and the byte after it.
    fn key(&mut self) -> Option<(String, usize)> {
        match self.events.next()? {
            (Event::Scalar(key, ..), span) => Some((key.into_owned(), span.end.byte_offset()?)),
            _ => None,
        }
    }

    fn ends(&mut self) -> Option<bool> {
        Some(matches!(self.events.peek()?.0, Event::SequenceEnd | Event::MappingEnd))
    }

    /// The byte after a sign that has to stand here.
    fn sign(&self, at: usize, sign: char) -> Option<usize> {
        self.text.get(at..)?.starts_with(sign).then(|| at + sign.len_utf8())
    }

    fn past_comma(&self, at: usize) -> usize {
        self.sign(past_space(self.text, at), ',').unwrap_or(at)
    }

    /// Where the value itself begins, past an anchor.
    fn property(&self, from: usize) -> Option<usize> {
        let at = past_space(self.text, from);
        let rest = self.text.get(at..)?;
        if !rest.starts_with('&') {
            return Some(at);
        }
        Some(past_space(self.text, at + rest.find(char::is_whitespace)?))
    }
}

/// The first byte from here on that belongs to no space, line break or comment. Between two values, every `#` begins one.
pub(super) fn past_space(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..) {
        let word = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        at += rest.len() - word.len();
        if !word.starts_with('#') {
            break;
        }
        at += word.find('\n').unwrap_or(word.len());
    }
    at
}
