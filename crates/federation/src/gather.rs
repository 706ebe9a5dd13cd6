//! Merged lists, served from the catalog, in pages of our own.

use upstream::spread::Lent;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::message::Spelled;
use protocol::{Kind, Object, Raw, Version, json, meta};

use crate::catalog::{self, Catalog, Page};
use crate::error::{Error, ErrorKind};
use crate::settings::FailureMode;

/// One page of a merged list, for clients of any revision.
pub(crate) struct Listed {
    catalog: Lent<Catalog>,
    kind: Kind,
    start: usize,
}

/// The page that a cursor leads to, or the first.
pub(crate) fn page(catalog: Lent<Catalog>, kind: Kind, cursor: Option<&Raw>) -> Result<Listed, Error> {
    if catalog.failure == FailureMode::FailClosed
        && let Some(entry) = catalog.missing(kind).next()
    {
        let text = format!(
            "target `{}` is not available, and this server answers only in full",
            entry.target.name()
        );
        return Err(Error::new(ErrorKind::TargetUnavailable, text));
    }
    let start = match cursor {
        Some(cursor) => Cursor::open(cursor, kind).map(|cursor| cursor.resume(&catalog))?,
        None => 0,
    };
    Ok(Listed { catalog, kind, start })
}

impl Listed {
    /// The catalog that it is of.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What it is a list of.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The page as a client of this revision gets it: what `shape` makes of a result in the modern shape but for what every
    /// modern result carries. It must make the same of the same.
    pub(crate) fn spelled<E>(
        &self,
        version: Version,
        shape: impl FnOnce(&Raw) -> Result<Raw, E>,
    ) -> Result<Spelled, E> {
        let list = self.catalog.list(self.kind);
        let other;
        let page = match list.page(self.start) {
            Some(page) => page,
            // The list has changed since the client read the page before.
            None => {
                other = list.other_page(self.start);
                &other
            }
        };
        page.spelled(self.kind, version, || shape(&self.result(page)))
    }

    fn result(&self, page: &Page) -> Raw {
        let (kind, items) = (self.kind, &self.catalog.list(self.kind).items);
        let shown = items.get(page.range.clone()).unwrap_or_default();
        let mut result = Object::default();
        result.set(kind.list_key(), json::array_of(shown.iter().map(|item| &item.raw)));
        let end = page.range.end;
        if let Some(last) = shown.last().filter(|_| end < items.len()) {
            let cursor = Cursor { kind, after: last.name.clone(), position: end, length: items.len() };
            result.set("nextCursor", Raw::string(&cursor.seal()));
        }
        if let Some(missing) = catalog::missing_meta(&self.catalog, kind) {
            let meta: Object = [(meta::MISSING_TARGETS, missing)].into_iter().collect();
            result.set("_meta", meta.to_raw());
        }
        result.to_raw()
    }
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
