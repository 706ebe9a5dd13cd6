//! Merged lists, served from the catalog, in pages of our own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{Kind, Object, Raw, json, meta};

use crate::catalog::{self, Catalog};
use crate::error::{Error, ErrorKind};
use crate::settings::FailureMode;

/// A page ends at this many items or bytes, whichever comes first. Large on purpose: many clients never ask for a second
/// page, and would not see the rest.
const PAGE_ITEMS: usize = 1000;
const PAGE_BYTES: usize = 4 << 20;

/// One page of a merged list, as a result in the modern shape but for what every modern result carries.
pub(crate) fn page(
    catalog: &Catalog,
    kind: Kind,
    cursor: Option<&Raw>,
    failure: FailureMode,
) -> Result<Raw, Error> {
    if failure == FailureMode::FailClosed
        && let Some(entry) = catalog.missing(kind).next()
    {
        let text = format!(
            "target `{}` is not available, and this server answers only in full",
            entry.target.name()
        );
        return Err(Error::new(ErrorKind::TargetUnavailable, text));
    }
    let list = catalog.list(kind);
    let start = match cursor {
        Some(cursor) => Cursor::open(cursor, kind).map(|cursor| cursor.resume(catalog))?,
        None => 0,
    };
    let rest = list.items.get(start..).unwrap_or_default();
    let mut bytes = 0;
    let fits = rest.iter().take(PAGE_ITEMS).take_while(|item| {
        bytes += item.raw.as_bytes().len();
        bytes <= PAGE_BYTES
    });
    let count = fits.count().max(usize::from(!rest.is_empty()));
    let mut result = Object::default();
    result.set(kind.list_key(), json::array_of(rest[..count].iter().map(|item| &item.raw)));
    if let Some(last) = rest[..count].last().filter(|_| count < rest.len()) {
        let cursor =
            Cursor { kind, after: last.name.clone(), position: start + count, length: list.items.len() };
        result.set("nextCursor", Raw::string(&cursor.seal()));
    }
    if let Some(missing) = catalog::missing_meta(catalog, kind) {
        let meta: Object = [(meta::MISSING_TARGETS, missing)].into_iter().collect();
        result.set("_meta", meta.to_raw());
    }
    Ok(result.to_raw())
}

/// Where a page ended: after this item, which stood before this position in a list of this length. Holds all that is
/// needed to go on, so that any replica can; position and length only count if the item is gone.
struct Cursor {
    kind: Kind,
    after: String,
    position: usize,
    length: usize,
}

impl Cursor {
    fn seal(&self) -> String {
        let Self { kind, after, position, length } = self;
        let spelled = serde_json::json!([kind.list_key(), position, length, after]).to_string();
        URL_SAFE_NO_PAD.encode(spelled)
    }

    fn open(raw: &Raw, kind: Kind) -> Result<Self, Error> {
        let foreign = || {
            Error::new(
                ErrorKind::InvalidParams,
                "the cursor is not one of this list; ask without a cursor to begin again",
            )
        };
        let text = raw.to_text().ok_or_else(foreign)?;
        let spelled = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign())?;
        let (key, position, length, after): (String, usize, usize, String) =
            serde_json::from_slice(&spelled).map_err(|_| foreign())?;
        if key != kind.list_key() {
            return Err(foreign());
        }
        Ok(Self { kind, after, position, length })
    }

    /// The position to go on from. When the item is gone, as many places further ahead as the list has lost: an item that is
    /// shown twice does less harm than one that is never shown.
    fn resume(&self, catalog: &Catalog) -> usize {
        let list = catalog.list(self.kind);
        let lost = self.length.saturating_sub(list.items.len()).max(1);
        match list.position(&self.after) {
            Some(at) => at + 1,
            None => self.position.saturating_sub(lost),
        }
    }
}

#[cfg(test)]
mod tests;
