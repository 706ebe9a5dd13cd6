//! One case under callgrind: what runs inside of [`measured`], with all that it calls, is counted.

use std::io::{Error, Result};
use std::process::{Command, ExitCode};

use super::cases::Case;

/// Runs a case, the second time as the one that is counted: buffers have their sizes then, and symbols are bound.
pub(crate) fn run(case: Option<&Case>) -> ExitCode {
    let Some(case) = case else { return ExitCode::FAILURE };
    let mut work = (case.prepare)();
    work();
    measured(&mut *work);
    ExitCode::SUCCESS
}

/// Callgrind counts from when this is entered until it is left.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
}

/// The instructions of every case, two cases at a time.
pub(crate) fn count_all(cases: &'static [Case]) -> Result<Vec<(&'static str, u64)>> {
    let half = cases.len().div_ceil(2);
    let count = |cases: &'static [Case]| cases.iter().map(count).collect::<Result<Vec<_>>>();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| count(&cases[half..]));
        let first = count(&cases[..half])?;
        let second = second.join().map_err(|_| Error::other("a count panicked"))??;
        Ok([first, second].concat())
    })
}

fn count(case: &'static Case) -> Result<(&'static str, u64)> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured*"])
        .arg(std::env::current_exe()?)
        .args(["--one", case.name])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        // Of memcpy and its like libc has one for each generation of processors, and counts of `rep movsb` are by the
        // byte. These take the oldest. What memchr chooses by itself is the same on all that have AVX2.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-SSSE3")
        .output()
        .map_err(|error| Error::other(format!("valgrind cannot be started: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find_map(|line| line.split_once("Collected :"));
    let count = line.and_then(|(_, count)| count.trim().parse().ok());
    match count.filter(|count| output.status.success() && *count > 0) {
        Some(count) => Ok((case.name, count)),
        None => Err(Error::other(format!("valgrind counted nothing for {}: {said}", case.name))),
    }
}
