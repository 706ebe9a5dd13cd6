//! What lies in what: a bit for each level, so that a text with a million brackets costs 125 KB and no stack.

/// The arrays and objects that are open.
#[derive(Default)]
pub(super) struct Nesting {
    depth: usize,
    /// The innermost levels, the last in the lowest bit: set for objects.
    bits: u64,
    /// Levels further out, 64 in each.
    outer: Vec<u64>,
}

impl Nesting {
    #[inline]
    pub(super) fn open(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(is_object);
        self.depth += 1;
    }

    #[inline]
    pub(super) fn close(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object; none if nothing is open.
    #[inline]
    pub(super) fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }
}
