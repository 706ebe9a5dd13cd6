//! The server over standard input and output: a line for a message.

use std::io::{self, BufRead as _, Write as _};

use super::Settings;
use super::answers::{Answers, Outcome};
use super::message::Message;

/// Serves until its input ends.
pub(crate) fn serve_stdio(settings: &Settings) -> io::Result<()> {
    let answers = Answers::new(settings);
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let (mut line, mut out) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        out.clear();
        let Some(message) = Message::read(&line) else { continue };
        if matches!(answers.answer(&message, &mut out), Outcome::Nothing | Outcome::Never) {
            continue;
        }
        out.push(b'\n');
        // All at once, so that a reader is not woken for half a line.
        output.write_all(&out)?;
        output.flush()?;
    }
}
