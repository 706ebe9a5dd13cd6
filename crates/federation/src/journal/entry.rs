//! A call that has ended.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::{Era, Object, Pieces, Raw};

/// A call that has ended.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts up from 1 over all calls of the journal.
    pub number: u64,
    /// When it began.
    pub at: SystemTime,
    /// The era of who called.
    pub era: Era,
    /// Who the client says it is; none if it says too much.
    pub client: Option<Raw>,
    /// The number of its session among those of its virtual server.
    pub session: Option<u64>,
    /// The key of its virtual server.
    pub backend: Arc<str>,
    /// The method.
    pub method: &'static str,
    /// How it ended.
    pub ending: Ending,
    /// From its beginning to its end.
    pub duration: Duration,
    /// The size of its params, in bytes.
    pub request: usize,
    /// The size of the message that answered it, in bytes.
    pub response: usize,
    pub(super) words: Words,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With a result.
    Done,
    /// With the result of a tool that says of itself that it failed.
    ToolFailed,
    /// With an error.
    Failed {
        /// Its JSON-RPC code.
        code: i64,
        /// Its message, or its beginning.
        message: String,
    },
    /// With a result that asks the client for input; the client calls again with it.
    InputRequired,
    /// Without an answer: the client gave up, or is gone.
    Cancelled,
}

/// As much of a text as is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept<'a> {
    /// The text, or its beginning.
    pub text: &'a [u8],
    /// Whether there was more of it.
    pub cut: bool,
}

impl Ending {
    /// Whether something went wrong: an error, or a tool that says so.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::ToolFailed | Self::Failed { .. })
    }
}

impl Entry {
    /// The name, URI or task id that the client gave, or its beginning.
    pub fn item(&self) -> Option<&str> {
        self.words.text(&self.words.item)
    }

    /// The target that got the call; none if it did not come that far.
    pub fn target(&self) -> Option<&str> {
        self.words.text(&self.words.target)
    }

    /// The params as the client sent them.
    pub fn params(&self) -> Option<Kept<'_>> {
        self.words.body(&self.words.params)
    }

    /// The message that answered it.
    pub fn answer(&self) -> Option<Kept<'_>> {
        self.words.body(&self.words.answer)
    }

    /// The same without what was said.
    pub(super) fn without_bodies(&self) -> Self {
        Self { words: Words::of(self.item(), self.target()), ..self.clone() }
    }
}

/// All that is kept of what was said, in one buffer. Entries are kept for long and given up on another thread than they came
/// from: each buffer more is one more that both of them have to fetch.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    all: Vec<u8>,
    item: Option<Range<usize>>,
    target: Option<Range<usize>>,
    /// And whether there was more of it.
    params: Option<(Range<usize>, bool)>,
    answer: Option<(Range<usize>, bool)>,
}

impl Words {
    /// What an entry says in a list.
    pub(super) fn of(item: Option<&str>, target: Option<&str>) -> Self {
        Self::with(item, target, (&Object::default(), None), 0)
    }

    /// The same, and up to `most` bytes of each body; 0 keeps none.
    pub(super) fn with(
        item: Option<&str>,
        target: Option<&str>,
        (params, answer): (&Object, Option<&Pieces>),
        most: usize,
    ) -> Self {
        let item = item.map(short);
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let bodies = size(params).min(most) + answer.map_or(0, Pieces::len).min(most);
        let room = length(item.as_deref()) + length(target) + bodies;
        let mut words = Self { all: Vec::with_capacity(room), ..Self::default() };
        words.item = item.map(|item| words.add(|all| all.extend_from_slice(item.as_bytes())));
        words.target = target.map(|target| words.add(|all| all.extend_from_slice(target.as_bytes())));
        if most > 0 {
            let mut cut = false;
            let place = words.add(|all| cut = write_params(params, most, all));
            words.params = Some((place, cut));
            words.answer = answer.map(|answer| {
                let cut = answer.len() > most;
                let place = words.add(|all| write_answer(answer, most, all));
                (place, cut)
            });
        }
        words
    }

    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let from = self.all.len();
        write(&mut self.all);
        from..self.all.len()
    }

    fn text(&self, place: &Option<Range<usize>>) -> Option<&str> {
        std::str::from_utf8(self.all.get(place.clone()?)?).ok()
    }

    fn body(&self, body: &Option<(Range<usize>, bool)>) -> Option<Kept<'_>> {
        let (place, cut) = body.clone()?;
        Some(Kept { text: self.all.get(place)?, cut })
    }
}

/// The size of an object as it is written.
pub(super) fn size(params: &Object) -> usize {
    params.iter().map(|(key, value)| key.len() + value.as_bytes().len() + 4).sum::<usize>().max(1) + 1
}

/// Writes params, or their beginning; says whether there was more.
fn write_params(params: &Object, most: usize, out: &mut Vec<u8>) -> bool {
    let (from, end) = (out.len(), out.len().saturating_add(most));
    out.push(b'{');
    let mut cut = false;
    for (index, (key, value)) in params.iter().enumerate() {
        cut = out.len() + key.len() > end;
        if cut {
            break;
        }
        if index > 0 {
            out.push(b',');
        }
        protocol::json::write_string(key, out);
        out.push(b':');
        let (value, room) = (value.as_bytes(), end.saturating_sub(out.len()));
        cut = value.len() > room;
        out.extend_from_slice(&value[..value.len().min(room)]);
        if cut {
            break;
        }
    }
    if cut {
        out.truncate(end);
        out.truncate(from + whole_characters(&out[from..]).len());
    } else {
        out.push(b'}');
    }
    cut
}

fn write_answer(answer: &Pieces, most: usize, out: &mut Vec<u8>) {
    let from = out.len();
    answer.write_head(most, out);
    if answer.len() > most {
        out.truncate(from + whole_characters(&out[from..]).len());
    }
}

/// As much of a text as is shown in a list: a name or a message that is longer is not meant to be read there.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    const MOST: usize = 1024;
    if text.len() <= MOST {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(MOST)]))
}

/// The text without a character that was cut in two at its end.
fn whole_characters(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Ok(_) => text,
        Err(error) => &text[..error.valid_up_to()],
    }
}
