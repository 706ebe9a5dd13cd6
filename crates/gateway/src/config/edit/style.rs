//! How a file is written, learned from what it holds, so that what is added looks as if its author had added it.

use super::layout::{Collection, Element, Form, Piece};

/// How values are written.
#[derive(Debug)]
pub(super) struct Style {
    pub(super) newline: &'static str,
    /// How far a mapping is indented below its key.
    pub(super) step: usize,
    /// How far a list is indented below its key.
    pub(super) dash: usize,
    /// From a dash to its value.
    pub(super) gap: usize,
    /// Whether mappings behind keys are in braces.
    pub(super) flow_maps: bool,
    /// Whether lists of texts are in brackets.
    pub(super) flow_lists: bool,
    /// Whether mappings behind dashes are in braces.
    pub(super) flow_items: bool,
    /// Whether braces keep a space from what they hold.
    pub(super) padded: bool,
    /// The quotes of texts that need some.
    pub(super) quote: char,
    /// Whether texts have them even if they need none.
    pub(super) always: bool,
    /// Whether the file is JSON, which has to stay JSON.
    pub(super) json: bool,
}

/// What most files of this kind look like.
impl Default for Style {
    fn default() -> Self {
        Self {
            newline: "\n",
            step: 2,
            dash: 0,
            gap: 2,
            flow_maps: false,
            flow_lists: true,
            flow_items: false,
            padded: false,
            quote: '"',
            always: false,
            json: false,
        }
    }
}

impl Style {
    /// The style of a part of a text, and where that part says nothing about it, of the whole text.
    pub(super) fn of(text: &str, root: &Piece, piece: &Piece) -> Self {
        let [near, whole] = [piece, root].map(|piece| {
            let mut seen = Seen { text, ..Seen::default() };
            seen.piece(piece, None);
            seen
        });
        let usual = Self::default();
        let number =
            |of: fn(&Seen<'_>) -> Option<usize>, usual| of(&near).or_else(|| of(&whole)).unwrap_or(usual);
        let vote = |of: fn(&Seen<'_>) -> Votes, usual| {
            of(&near).winner().or_else(|| of(&whole).winner()).unwrap_or(usual)
        };
        Self {
            newline: match text.find('\n') {
                Some(at) if text[..at].ends_with('\r') => "\r\n",
                _ => usual.newline,
            },
            step: number(|seen| seen.step, usual.step),
            dash: number(|seen| seen.dash, usual.dash),
            gap: number(|seen| seen.gap, usual.gap),
            flow_maps: vote(|seen| seen.flow_maps, usual.flow_maps),
            flow_lists: vote(|seen| seen.flow_lists, usual.flow_lists),
            flow_items: vote(|seen| seen.flow_items, usual.flow_items),
            padded: vote(|seen| seen.padded, usual.padded),
            // What stands in a list of quoted texts is quoted, too.
            always: matches!(&piece.form, Form::List(list) if list.elements.iter().all(is_quoted) && !list.elements.is_empty()),
            quote: if vote(|seen| seen.single, false) { '\'' } else { usual.quote },
            json: whole.keys.no == 0 && root.collection().is_some_and(|root| root.flow),
        }
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Votes {
    yes: usize,
    no: usize,
}

impl Votes {
    fn count(&mut self, yes: bool) {
        *(if yes { &mut self.yes } else { &mut self.no }) += 1;
    }

    fn winner(self) -> Option<bool> {
        (self.yes != self.no).then_some(self.yes > self.no)
    }
}

/// What a part of the text shows of its style.
#[derive(Debug, Default)]
struct Seen<'t> {
    text: &'t str,
    step: Option<usize>,
    dash: Option<usize>,
    gap: Option<usize>,
    flow_maps: Votes,
    flow_lists: Votes,
    flow_items: Votes,
    padded: Votes,
    single: Votes,
    /// Keys in double quotes.
    keys: Votes,
}

impl Seen<'_> {
    /// `key` is the column of the key that the value is behind, if it is in lines of its own.
    fn piece(&mut self, piece: &Piece, key: Option<usize>) {
        match &piece.form {
            Form::Scalar(quotes) => {
                if let Some(quotes) = quotes {
                    self.single.count(*quotes == '\'');
                }
            }
            Form::Map(map) => self.map(map, piece.range.start, key),
            Form::List(list) => self.list(list, key),
            Form::Block | Form::Alias | Form::Absent => {}
        }
    }

    fn map(&mut self, map: &Collection, open: usize, key: Option<usize>) {
        let Some(first) = map.elements.first() else { return };
        if key.is_some() {
            self.flow_maps.count(map.flow);
        }
        if map.flow {
            self.padded.count(self.text[open + 1..].starts_with(' '));
        }
        let column = column(self.text, first.start);
        if let (Some(key), false) = (key, map.flow) {
            self.step.get_or_insert(column.saturating_sub(key));
        }
        for element in &map.elements {
            self.keys.count(self.text[element.start..].starts_with('"'));
            self.piece(&element.value, (!map.flow).then_some(column));
        }
    }

    fn list(&mut self, list: &Collection, key: Option<usize>) {
        let Some(first) = list.elements.first() else { return };
        let texts = list.elements.iter().all(|element| element.value.collection().is_none());
        if key.is_some() && texts {
            self.flow_lists.count(list.flow);
        }
        if !list.flow {
            let value = first.value.range.start;
            if !self.text[first.start..value].contains('\n') {
                self.gap.get_or_insert(value - first.start);
            }
            if let Some(key) = key {
                self.dash.get_or_insert(column(self.text, first.start).saturating_sub(key));
            }
        }
        for element in &list.elements {
            if let (Form::Map(map), false) = (&element.value.form, list.flow) {
                self.flow_items.count(map.flow);
            }
            self.piece(&element.value, None);
        }
    }
}

fn is_quoted(element: &Element) -> bool {
    matches!(element.value.form, Form::Scalar(Some(_)))
}

/// How many characters stand before this one in its line.
pub(super) fn column(text: &str, at: usize) -> usize {
    text[line_start(text, at)..at].chars().count()
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}
