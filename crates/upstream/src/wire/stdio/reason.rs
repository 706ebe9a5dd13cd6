//! Why a child ended, in the one line that people see.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// The exit code or signal, and the most telling line of what it wrote last.
pub(super) fn of_exit(status: io::Result<ExitStatus>, stderr: &[String]) -> String {
    let end = match status.map(|status| (status.code(), status.signal())) {
        Ok((Some(code), _)) => format!("exited with code {code}"),
        Ok((None, Some(number))) => match Signal::try_from(number) {
            Ok(signal) => format!("was killed by {signal}"),
            Err(_) => format!("was killed by signal {number}"),
        },
        Ok((None, None)) => "exited".to_owned(),
        Err(error) => format!("cannot be watched: {error}"),
    };
    match telling_line(stderr) {
        Some(line) => format!("{end}: {line}"),
        None => end,
    }
}

/// The last line that looks like an error, else the last line. An error that ends in a colon says the rest in the
/// next line (a panic of Rust).
fn telling_line(lines: &[String]) -> Option<String> {
    let at = lines.iter().rposition(|line| is_error(line)).or(lines.len().checked_sub(1))?;
    let line = lines[at].trim();
    match lines.get(at + 1) {
        Some(next) if line.ends_with(':') => Some(format!("{line} {}", next.trim())),
        _ => Some(line.to_owned()),
    }
}

/// How runtimes and tools begin the line that says what went wrong: `ImportError: …` (Python), `Error: …` (Node),
/// `Exception in thread "main" java.io.IOException: …`, `panic: …` (Go), `thread 'main' panicked at …` (Rust),
/// `npm ERR! …`, `sh: 1: x: not found`. Indented lines are stack traces and quoted source code.
fn is_error(line: &str) -> bool {
    const STARTS: [&str; 6] = ["error", "fatal", "panic:", "npm err", "uncaught ", "exception in "];
    const INSIDE: [&str; 6] =
        [" panicked at ", " error: ", " error ", "[error]", ": not found", "no such file or directory"];
    if line.starts_with([' ', '\t']) {
        return false;
    }
    let line = line.to_ascii_lowercase();
    let head = line.split(':').next().unwrap_or_default();
    // `npm error A complete log of this run can be found in: …` is the last and least telling of npm's lines.
    !line.contains("a complete log of this run")
        && (STARTS.iter().any(|start| line.starts_with(start))
            || INSIDE.iter().any(|part| line.contains(part))
            || (line.contains(':') && (head.ends_with("error") || head.ends_with("exception"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(raw_status: i32, stderr: &str) -> String {
        let lines: Vec<String> =
            stderr.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        of_exit(Ok(ExitStatus::from_raw(raw_status)), &lines)
    }

    #[test]
    fn codes_and_signals_are_named() {
        assert_eq!(reason(0, ""), "exited with code 0");
        assert_eq!(reason(3 << 8, ""), "exited with code 3");
        assert_eq!(reason(9, ""), "was killed by SIGKILL");
        assert_eq!(reason(9, "bye"), "was killed by SIGKILL: bye");
    }

    #[test]
    fn python_says_it_in_the_last_line_of_the_traceback() {
        let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    raise ValueError('a: b')\nImportError: cannot import name 'x'\nsys:1: ResourceWarning: unclosed file";
        assert_eq!(reason(1 << 8, traceback), "exited with code 1: ImportError: cannot import name 'x'");
    }

    #[test]
    fn node_says_it_above_the_stack() {
        let report = "node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module '/x'\n    at Module._load (node:internal/x:1:2)\n{\n  code: 'MODULE_NOT_FOUND'\n}\n\nNode.js v22.1.0";
        assert_eq!(reason(1 << 8, report), "exited with code 1: Error: Cannot find module '/x'");
    }

    #[test]
    fn rust_says_it_below_the_place() {
        let panic =
            "thread 'main' panicked at src/main.rs:2:5:\nno config\nnote: run with `RUST_BACKTRACE=1`";
        assert_eq!(
            reason(101 << 8, panic),
            "exited with code 101: thread 'main' panicked at src/main.rs:2:5: no config"
        );
    }

    #[test]
    fn tools_are_understood_and_the_last_line_is_the_fallback() {
        let npm = "npm error code E404\nnpm error 404 Not Found - GET https://r/x\nnpm error A complete log of this run can be found in: /root/x.log";
        assert_eq!(reason(1 << 8, npm), "exited with code 1: npm error 404 Not Found - GET https://r/x");
        assert_eq!(reason(127 << 8, "sh: 1: foo: not found"), "exited with code 127: sh: 1: foo: not found");
        assert_eq!(reason(2 << 8, "starting\nusage: x [-h]"), "exited with code 2: usage: x [-h]");
    }
}
