//! Limits of HTTP that not every number satisfies.

use super::{At, Check, said};

/// What ordinary clients and the proxies before us send fits into this, and less is no buffer to read HTTP with.
const SMALLEST_HEAD: usize = 8 << 10;
/// A head is read as a whole before anything is known of who sends it.
const LARGEST_HEAD: usize = 1 << 20;

impl Check {
    pub(super) fn request_head(&mut self, limits: &said::Limits, at: &At<'_>) -> usize {
        let before = self.faults.len();
        let size = self.size(limits.request_head.as_ref(), said::DEFAULT_REQUEST_HEAD, at);
        if self.faults.len() == before && !(SMALLEST_HEAD..=LARGEST_HEAD).contains(&size) {
            let text = limits.request_head.as_ref().map_or("", |said::Quantity(text)| text);
            let message = format!("{} is not a limit for the head of a request", at.quote(text));
            self.fault(at, message, "write a size from `8KiB` to `1MiB`");
        }
        size
    }
}
