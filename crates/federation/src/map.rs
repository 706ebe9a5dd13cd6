//! The maps on the way of every call.

use std::collections::HashMap;

/// A map whose keys are hashed in a fraction of the time that the standard one takes. That one withstands callers who choose
/// many keys with one hash, so this is for maps whose keys are ours, few, or chosen by targets, which the operator trusts that far.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
