//! What the functions cost that every message passes, in instructions: `make bench-micro`.
//!
//! Time says little on a machine that others use; instructions are the same in every run. Each case runs once under
//! callgrind, warm, and must not take more than `micro/counts.txt` says. That file is written by `make bench-micro UPDATE=1`,
//! so that a change of it is seen in review. Another version of the compiler gives other counts: a change of it writes
//! them anew.

#![allow(clippy::print_stdout, reason = "it is a program that prints a table")]

mod cases;
mod counts;
mod valgrind;

use std::process::ExitCode;

/// The one of the gateway. That of libc copies a growing block or does not by where the heap happens to end, which moves with
/// the path that the program lies at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much more than expected passes, in percent: what versions of libc may differ in.
const TOLERANCE: u64 = 3;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--one") {
        let name = args.get(at + 1).map_or("", String::as_str);
        return valgrind::run(cases::ALL.iter().find(|case| case.name == name));
    }
    match compare(args.iter().any(|arg| arg == "--update")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("the instructions could not be counted: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts each case, prints them, and says whether none takes more than it may.
fn compare(update: bool) -> std::io::Result<bool> {
    let expected = counts::read()?;
    let counted = valgrind::count_all(cases::ALL)?;
    let mut advice = None;
    let mut is_fine = true;
    println!("{:<24} {:>12} {:>12}  instructions", "case", "counted", "expected");
    for (name, count) in &counted {
        let limit = expected.get(*name).copied();
        let word = match limit {
            None => "new: `make bench-micro UPDATE=1` writes it down",
            Some(limit) if count * 100 > limit * (100 + TOLERANCE) => "MORE than before",
            Some(limit) if count * 100 < limit * (100 - TOLERANCE) => {
                advice = Some("some take less than before: `make bench-micro UPDATE=1` keeps it so");
                "less"
            }
            Some(_) => "",
        };
        is_fine &= word.is_empty() || word == "less";
        println!("{name:<24} {count:>12} {:>12}  {word}", limit.unwrap_or_default());
    }
    if update {
        counts::write(&counted)?;
        return Ok(true);
    }
    advice.into_iter().for_each(|advice| println!("{advice}"));
    if !is_fine {
        println!(
            "the hot path got dearer; if it has to, say why in the commit and run `make bench-micro UPDATE=1`"
        );
    }
    Ok(is_fine)
}
