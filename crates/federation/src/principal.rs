//! Who a caller is proved to be.

use std::fmt;

/// Whose a request is. Nothing proves who a caller is yet, so that everybody is anonymous; what belongs to one principal, a
/// session or a parked call, is already out of reach for any other.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Principal(String);

impl Principal {
    /// Whoever this name stands for. The empty one stands for everybody of whom nothing is proved.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "anonymous" } else { &self.0 })
    }
}
