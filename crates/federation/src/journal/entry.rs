//! A call that has ended.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
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
    /// The name, URI or task id that the client gave, or its beginning.
    pub item: Option<String>,
    /// The target that got the call; none if it did not come that far.
    pub target: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// From its beginning to its end.
    pub duration: Duration,
    /// The size of its params, in bytes.
    pub request: usize,
    /// The size of the message that answered it, in bytes.
    pub response: usize,
    /// The params as the client sent them.
    pub params: Option<Kept>,
    /// The message that answered it.
    pub answer: Option<Kept>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The text, or its beginning.
    pub text: Bytes,
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
    /// The same without what was said.
    pub(super) fn without_bodies(&self) -> Self {
        Self { params: None, answer: None, ..self.clone() }
    }
}

impl Kept {
    /// Of an answer. One that fits is shared, and not copied.
    pub(super) fn answer(body: &Pieces, most: usize) -> Option<Self> {
        match body.len() {
            _ if most == 0 => None,
            length if length <= most => Some(Self { text: body.join(), cut: false }),
            _ => {
                let mut text = body.head(most);
                text.truncate(whole_characters(&text).len());
                Some(Self { text: text.into(), cut: true })
            }
        }
    }

    /// Of params. Always copied, because they share the buffer of everything that the client sent.
    pub(super) fn params(params: &Object, most: usize) -> Option<Self> {
        if most == 0 {
            return None;
        }
        let mut text = vec![b'{'];
        let mut cut = false;
        for (index, (key, value)) in params.iter().enumerate() {
            cut = text.len() + key.len() > most;
            if cut {
                break;
            }
            if index > 0 {
                text.push(b',');
            }
            protocol::json::write_string(key, &mut text);
            text.push(b':');
            let room = most.saturating_sub(text.len());
            let value = value.as_bytes();
            cut = value.len() > room;
            text.extend_from_slice(&value[..value.len().min(room)]);
            if cut {
                break;
            }
        }
        if cut {
            text.truncate(most);
            text.truncate(whole_characters(&text).len());
        } else {
            text.push(b'}');
        }
        Some(Self { text: text.into(), cut })
    }
}

/// As much of a text as is shown in a list: a name or a message that is longer is not meant to be read there.
pub(super) fn short(mut text: String) -> String {
    const MOST: usize = 1024;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

/// The text without a character that was cut in two at its end.
fn whole_characters(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Ok(_) => text,
        Err(error) => &text[..error.valid_up_to()],
    }
}
