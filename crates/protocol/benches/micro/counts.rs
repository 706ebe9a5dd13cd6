//! The counts that are expected, in a file next to this one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Result};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/micro/counts.txt");

/// The expected count of each case.
pub(crate) fn read() -> Result<BTreeMap<String, u64>> {
    let text = fs::read_to_string(FILE)?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, count) = line.split_once(' ').ok_or_else(|| Error::other(line.to_owned()))?;
            Ok((name.to_owned(), count.trim().parse().map_err(Error::other)?))
        })
        .collect()
}

/// Makes these counts the expected ones.
pub(crate) fn write(counted: &[(&str, u64)]) -> Result<()> {
    let mut text = String::from(
        "# Instructions of each case of the microbenchmarks; written by `make bench-micro UPDATE=1`.\n",
    );
    for (name, count) in counted {
        text.push_str(&format!("{name:<24} {count}\n"));
    }
    fs::write(FILE, text)
}
