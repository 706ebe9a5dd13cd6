//! Any text is a configuration or a list of faults, and either can be shown.

#![no_main]

use agentgateway::config::{Source, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let environment = |name: &str| name.starts_with('A').then(|| name.to_ascii_lowercase());
    match load(&Source::Inline(text.to_owned()), &environment) {
        Ok(config) => drop(format!("{config:?}")),
        Err(faults) => {
            assert!(faults.count() > 0);
            drop(faults.to_string());
        }
    }
});
