//! The pages of a merged list. What a page says is spelled once for every revision that asks, and kept for as long as the
//! catalog: a list that is asked for again is handed out as it lies there.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use protocol::message::Spelled;
use protocol::{Kind, Raw, Version};

use super::Exposed;

/// A page ends at this many items or bytes, whichever comes first. Large on purpose: many clients never ask for a second
/// page, and would not see the rest.
const PAGE_ITEMS: usize = 1000;
const PAGE_BYTES: usize = 4 << 20;

/// Some items of a list, and how they were spelled.
pub(crate) struct Page {
    /// Where it is in the list.
    pub(crate) range: Range<usize>,
    /// Its items as they lie in the list, with commas between them.
    line: Bytes,
    /// By revision.
    spelled: [OnceLock<Spelled>; Version::ALL.len()],
}

impl Page {
    /// The page that begins there; an empty one behind the last item.
    pub(super) fn from(start: usize, items: &[Exposed], line: &Bytes) -> Self {
        let start = start.min(items.len());
        let rest = &items[start..];
        let mut bytes = 0;
        let fits = rest.iter().take(PAGE_ITEMS).take_while(|item| {
            bytes += item.raw.as_bytes().len();
            bytes <= PAGE_BYTES
        });
        let count = fits.count().max(usize::from(!rest.is_empty()));
        let range = start..start + count;
        let length =
            |items: &[Exposed]| items.iter().map(|item| item.raw.as_bytes().len() + 1).sum::<usize>();
        let (before, own) = (length(&items[..start]), length(&items[range.clone()]));
        let before = before.min(line.len());
        let line = line.slice(before..before + own.saturating_sub(1));
        Self { range, line, spelled: Default::default() }
    }

    /// All pages of a list that is read from its beginning.
    pub(super) fn all(items: &[Exposed], line: &Bytes) -> Vec<Self> {
        let next =
            |page: &Self| (page.range.end < items.len()).then(|| Self::from(page.range.end, items, line));
        std::iter::successors(Some(Self::from(0, items, line)), next).collect()
    }

    /// The page as a client of this revision understands it. `make` says how, and is asked once.
    pub(crate) fn spelled<E>(
        &self,
        kind: Kind,
        version: Version,
        make: impl FnOnce() -> Result<Raw, E>,
    ) -> Result<Spelled, E> {
        let place = &self.spelled[version as usize];
        if let Some(spelled) = place.get() {
            return Ok(spelled.clone());
        }
        let result = make()?;
        let mut spelled = spell(kind, &result);
        // Most differ in what stands around the items. These are kept once.
        let others = self.spelled.iter().filter_map(|other| other.get().map(|other| &other.body));
        if let Some(same) = std::iter::once(&self.line).chain(others).find(|body| **body == spelled.body) {
            spelled.body = same.clone();
        }
        Ok(place.get_or_init(|| spelled).clone())
    }
}

/// A result that begins with its list, cut into the items and what stands around them.
fn spell(kind: Kind, result: &Raw) -> Spelled {
    let opening = opening(kind);
    let list =
        result.object().ok().and_then(|result| result.get(kind.list_key()).map(|list| list.as_bytes().len()));
    let whole = result.bytes();
    let (opening, items) = match list.filter(|_| whole.starts_with(opening.as_bytes())) {
        // Without the brackets.
        Some(length) => (opening, opening.len()..opening.len() + length.saturating_sub(2)),
        None => ("", 0..whole.len()),
    };
    let rest = [&whole[items.end..], b"}"].concat();
    Spelled { opening, body: whole.slice(items), rest: rest.into() }
}

fn opening(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => r#"{"tools":["#,
        Kind::Prompt => r#"{"prompts":["#,
        Kind::Resource => r#"{"resources":["#,
        Kind::Template => r#"{"resourceTemplates":["#,
    }
}

#[cfg(test)]
mod tests;
