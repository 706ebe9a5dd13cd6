//! A script for the linker, which places functions one after the other.
//!
//! Symbols carry a hash of whatever their crate was built with. Patterns stand for any, so that the script still fits when a
//! dependency or the compiler is another one; what it names and is not there does no harm.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// How many bytes a pattern may match in any case, and how many times as much as what it is there for.
const FREE: u64 = 4096;
const SHARE: u64 = 4;

/// Any hash.
const HASH: &str = "????????????????";

/// What stands above the script.
const HEAD: &str =
    "/* The functions that calls pass, side by side: see build.rs. `make order` writes this file. */\n";

/// The functions of a program, and which of them are to be placed first.
#[derive(Debug)]
pub(crate) struct Script {
    /// Bytes of each symbol.
    sizes: HashMap<String, u64>,
    symbols: Vec<String>,
}

impl Script {
    /// For a program that is built with its symbols.
    pub(crate) fn of(program: &Path) -> anyhow::Result<Self> {
        let said = Command::new("nm").args(["--print-size", "--defined-only"]).arg(program).output();
        let said = said.context("cannot start nm, which is in binutils")?;
        ensure!(said.status.success(), "nm cannot read {}", program.display());
        Ok(Self { sizes: sizes(&String::from_utf8_lossy(&said.stdout)), symbols: Vec::new() })
    }

    /// Has these placed next, as far as they have no place.
    pub(crate) fn place<'s>(&mut self, symbols: impl Iterator<Item = &'s str>) {
        let has: HashSet<&str> = self.symbols.iter().map(String::as_str).collect();
        let mut more: Vec<_> = symbols
            .filter(|symbol| self.sizes.contains_key(*symbol) && !has.contains(symbol))
            .map(str::to_owned)
            .collect();
        // In which order they are seen to run differs from time to time and says nothing, and two scripts are to be compared.
        more.sort_unstable();
        self.symbols.extend(more);
    }

    /// The script. Functions of which there are many more under the same name stay where they are.
    pub(crate) fn text(&self) -> String {
        let mut matched: HashMap<String, u64> = HashMap::new();
        for (symbol, size) in &self.sizes {
            *matched.entry(pattern(symbol)).or_default() += size;
        }
        let mut meant: HashMap<String, u64> = HashMap::new();
        for symbol in &self.symbols {
            *meant.entry(pattern(symbol)).or_default() += self.sizes[symbol];
        }
        // In a section of another name valgrind would not see them.
        let mut text = format!("{HEAD}SECTIONS\n{{\n  .text :\n  {{\n");
        let mut seen = HashSet::new();
        for pattern in self.symbols.iter().map(|symbol| pattern(symbol)) {
            let (all, some) = (matched[&pattern], meant[&pattern]);
            if (all <= FREE || all <= some * SHARE) && seen.insert(pattern.clone()) {
                // Writing into a string does not fail.
                let _ = writeln!(text, "    *(.text.{pattern})");
            }
        }
        text.push_str("  }\n}\nINSERT BEFORE .init;\n");
        text
    }
}

/// The functions in what `nm` says.
fn sizes(said: &str) -> HashMap<String, u64> {
    let function = |line: &str| {
        let [_, size, kind, symbol] = line.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let size = u64::from_str_radix(size, 16).ok()?;
        matches!(kind, "t" | "T" | "w" | "W").then(|| (symbol.to_owned(), size))
    };
    said.lines().filter_map(function).collect()
}

/// A symbol with any hash, version and number: `_ZN4http5parse17h0123456789abcdefE.7` and `_RNvCs1a2B3c_4http5parse` in the two
/// ways in which Rust spells them, and `aws_lc_0_47_0_seal` and `grow.constprop.0` in C.
fn pattern(symbol: &str) -> String {
    if symbol.starts_with("_ZN") {
        return hashed(symbol).map_or_else(|| symbol.to_owned(), |stem| format!("{stem}17h{HASH}E*"));
    }
    if !symbol.starts_with("_R") {
        return match symbol.strip_prefix("aws_lc_") {
            Some(rest) => {
                format!("aws_lc_*_{}", rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_'))
            }
            None => symbol.split_once('.').map_or_else(|| symbol.to_owned(), |(stem, _)| format!("{stem}.*")),
        };
    }
    let mut pattern = String::with_capacity(symbol.len());
    let mut rest = symbol;
    while let Some(at) = rest.find("Cs") {
        let (before, from) = rest.split_at(at + 2);
        pattern.push_str(before);
        rest = match from.split_once('_') {
            Some((hash, after)) if hash.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                pattern.push_str("*_");
                after
            }
            _ => from,
        };
    }
    pattern + rest
}

/// What stands before the hash.
fn hashed(symbol: &str) -> Option<&str> {
    let (stem, hash) = symbol.rsplit_once("17h")?;
    let (hash, _) = hash.split_at_checked(HASH.len())?;
    hash.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "0000 0000000000000040 t _ZN1a1b17h0000000000000001E\n\
        0040 0000000000000040 t _ZN1a1b17h0000000000000002E\n\
        0080 0000000000002000 t _ZN1a4poll17h0000000000000003E\n\
        2080 0000000000000010 T _ZN1a4poll17h0000000000000004E\n\
        2090 0000000000000010 t _RNvNtCslNYA_5alloc5boxed\n3000 0000000000000008 D _ZN1a4data17h0000000000000005E\n\
        3008 0000000000000009 T malloc\n                 U getenv\n";

    #[test]
    fn functions_are_placed_in_turn_whatever_their_hash_and_common_names_are_left_out() {
        let mut script = Script { sizes: sizes(SAID), symbols: Vec::new() };
        script.place(["malloc", "_ZN1a1b17h0000000000000002E", "_ZN1a4poll17h0000000000000004E"].into_iter());
        script.place(["getenv", "malloc", "_RNvNtCslNYA_5alloc5boxed"].into_iter());
        let text = script.text();
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        let expected =
            ["*(.text._ZN1a1b17h????????????????E*)", "*(.text.malloc)", "*(.text._RNvNtCs*_5alloc5boxed)"];
        assert_eq!(lines, expected);
        assert!(text.starts_with(HEAD) && text.ends_with("INSERT BEFORE .init;\n"));
    }

    #[test]
    fn a_pattern_holds_nothing_that_another_build_would_change() {
        for (symbol, expected) in [
            ("_ZN1a17handle17h0123456789abcdefE.6277", "_ZN1a17handle17h????????????????E*"),
            ("_ZN1a17handle", "_ZN1a17handle"),
            ("_RNvNtCsgEmfK2I1SDS_4core3str", "_RNvNtCs*_4core3str"),
            ("aws_lc_0_47_0_aes_seal", "aws_lc_*_aes_seal"),
            ("mi_page_extend_free.constprop.0", "mi_page_extend_free.*"),
            ("free", "free"),
        ] {
            assert_eq!(pattern(symbol), expected);
        }
    }
}
