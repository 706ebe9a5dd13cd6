//! What a client must have declared to be asked something.

use protocol::{Object, Raw};

use super::{ELICITATION, ROOTS, SAMPLING};

/// A capability of clients, as the path of its members (spec 2026-07-28, schema "ClientCapabilities").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need(&'static [&'static str]);

impl Need {
    /// To be sent to a URL.
    pub(crate) const URL: Self = Self(&["elicitation", "url"]);
    /// To be shown a form.
    const FORM: Self = Self(&["elicitation", "form"]);

    /// What a question needs; `None` for a method, or a kind of elicitation, that no client can be asked.
    pub(crate) fn of(method: &str, params: &Object) -> Option<Self> {
        match method {
            ELICITATION => match params.get("mode").map(Raw::to_text) {
                None => Some(Self::FORM),
                Some(Some(mode)) if mode == "form" => Some(Self::FORM),
                Some(Some(mode)) if mode == "url" => Some(Self::URL),
                Some(_) => None,
            },
            SAMPLING if params.get("tools").is_some() || params.get("toolChoice").is_some() => {
                Some(Self(&["sampling", "tools"]))
            }
            SAMPLING => Some(Self(&["sampling"])),
            ROOTS => Some(Self(&["roots"])),
            _ => None,
        }
    }

    /// Whether a client that declared `capabilities` can be asked.
    pub(crate) fn is_met(self, capabilities: &Object) -> bool {
        // An elicitation capability that says nothing of modes means forms.
        let unsaid = |elicitation: Object| elicitation.get("url").is_none();
        let implied = self == Self::FORM && capabilities.object("elicitation").is_some_and(unsaid);
        let mut inner = Some(capabilities.clone());
        for key in self.0 {
            inner = inner.and_then(|object| object.object(key));
        }
        implied || inner.is_some()
    }

    /// The need in the shape of client capabilities.
    pub(crate) fn to_object(self) -> Object {
        let around = |inner: Object, key: &&str| [(*key, inner.to_raw())].into_iter().collect();
        self.0.iter().rev().fold(Object::default(), around)
    }
}

/// Adds capabilities to others; what both have is merged in depth.
pub(crate) fn merge(into: &mut Object, more: &Object) {
    for (key, value) in more.iter() {
        match (into.object(key), value.object()) {
            (Some(mut before), Ok(added)) => {
                merge(&mut before, &added);
                into.set(key, before.to_raw());
            }
            _ => into.set(key, value.clone()),
        }
    }
}
