//! What children write to their standard error: to the log, and the last of it into memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::wire::intake::printable;

/// How many lines are remembered.
const LINES: usize = 50;

/// How much of each line is read, in bytes.
const WIDTH: usize = 1024;

/// The last lines. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.ring().iter().cloned().collect()
    }

    fn push(&self, line: String) {
        let mut ring = self.ring();
        if ring.len() == LINES {
            ring.pop_front();
        }
        ring.push_back(line);
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads until the last writer has closed the pipe. A pipe that nobody reads would stop the child once it is full.
pub(super) async fn drain(name: &str, stderr: impl AsyncRead + Unpin, tails: &[Tail]) {
    let mut keep = |line: &[u8]| {
        let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let text = printable(&String::from_utf8_lossy(line));
        if text.is_empty() {
            return;
        }
        tracing::debug!("target `{name}` says: {text}");
        // The indentation is kept because it tells a message from the stack trace below it.
        let line = format!("{:indent$}{text}", "");
        tails.iter().for_each(|tail| tail.push(line.clone()));
    };
    read_lines(stderr, &mut keep).await;
}

/// Cuts lines at [`WIDTH`], so that memory is bounded whatever comes. Progress bars end their lines with a carriage
/// return.
async fn read_lines(mut source: impl AsyncRead + Unpin, keep: &mut impl FnMut(&[u8])) {
    let mut chunk = vec![0; 4096];
    let mut line = Vec::with_capacity(WIDTH);
    while let Ok(count @ 1..) = source.read(&mut chunk).await {
        for piece in chunk[..count].split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let ended = matches!(piece.last(), Some(b'\n' | b'\r'));
            let text = &piece[..piece.len() - usize::from(ended)];
            line.extend_from_slice(&text[..text.len().min(WIDTH - line.len())]);
            if ended {
                keep(&line);
                line.clear();
            }
        }
    }
    keep(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tail_of(input: &[u8]) -> Vec<String> {
        let tail = Tail::default();
        drain("t", input, std::slice::from_ref(&tail)).await;
        tail.lines()
    }

    #[tokio::test]
    async fn lines_are_clean_and_keep_their_indentation() {
        let lines = tail_of(b"\x1b[31mError\x1b[0m: x\r\n\n    at y\n10%\r20%\rlast").await;
        assert_eq!(lines, ["Error: x", "    at y", "10%", "20%", "last"]);
    }

    #[tokio::test]
    async fn lines_and_memory_are_bounded() {
        let mut input = vec![b'x'; 100_000];
        for number in 0..60 {
            input.extend_from_slice(format!("\n{number}").as_bytes());
        }
        let lines = tail_of(&input).await;
        assert_eq!(lines.len(), LINES);
        assert_eq!((&*lines[0], &*lines[49]), ("10", "59"));
        assert_eq!(tail_of(&input[..50_000]).await[0].len(), WIDTH);
    }
}
