//! What is wrong with a configuration, as values that are printed, logged and shown in the admin interface alike.

use std::fmt;

use serde::Serialize;

use super::yaml::Place;

/// One thing wrong in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// The line, from 1; 0 if the fault is not at any place in the text.
    pub line: usize,
    /// The column in characters, from 1; 0 as above.
    pub column: usize,
    /// The keys that lead there, like `binds[0].listeners[1].hostname`; empty at the top.
    pub path: String,
    /// What is wrong, in plain words.
    pub message: String,
    /// What to do about it, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether its line holds a secret, and is not shown.
    #[serde(skip)]
    is_secret: bool,
}

impl Fault {
    pub(super) fn at(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            line: place.line,
            column: place.column,
            path: path.into(),
            message: without_keys(&message.into()),
            hint: None,
            is_secret: false,
        }
    }

    /// A fault of the whole file.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self::at(Place::new(0, 0), "", message)
    }

    /// The same, without showing the line.
    pub(super) fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(without_keys(&hint.into()));
        self
    }
}

/// Place, path and text on one line; the file's name and line are up to [`Faults`].
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, path, message, hint, is_secret: _ } = self;
        if *line > 0 {
            write!(f, "{line}:{column}: ")?;
        }
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(message)?;
        if let Some(hint) = hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// Everything wrong with one configuration, in the order of the file.
///
/// It prints each fault with the line it is about. Only text that stands in the file is ever printed,
/// never what came from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    name: String,
    /// The lines that faults are about, by line number.
    lines: Vec<(usize, String)>,
    faults: Vec<Fault>,
}

/// Why a configuration is not in force, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// All of it in one text, as it is logged.
    pub text: String,
    /// What is wrong with the text of the configuration; nothing, if it is right and something else is wrong.
    pub faults: Vec<Fault>,
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self { text: faults.to_string(), faults: faults.faults }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self { text: format!("{error:#}"), faults: Vec::new() }
    }
}

/// A longer line is cut: nobody reads a caret behind the edge of the screen.
const WIDEST_LINE: usize = 160;

/// So many hexadecimal digits in a row may be a key, or a part of one.
const KEY_LIKE: usize = 24;

impl Faults {
    pub(super) fn new(name: String, text: String, mut faults: Vec<Fault>) -> Self {
        // The sort is stable: what stands at the same place keeps the order in which it was found.
        faults.sort_by_key(|fault| (fault.line, fault.column));
        // Text behind an anchor is read once for each alias. It is still wrong only once.
        faults
            .dedup_by(|b, a| a.line > 0 && (a.line, a.column, &a.message) == (b.line, b.column, &b.message));
        let mut lines: Vec<(usize, String)> = Vec::new();
        let mut source = lines_of(&text).enumerate();
        for fault in &faults {
            let is_secret = |line| faults.iter().any(|fault| fault.line == line && fault.is_secret);
            if fault.line == 0
                || is_secret(fault.line)
                || lines.last().is_some_and(|(line, _)| *line == fault.line)
            {
                continue;
            }
            if let Some((_, line)) = source.by_ref().find(|(index, _)| index + 1 == fault.line) {
                lines.push((fault.line, printable(line)));
            }
        }
        Self { name, lines, faults }
    }

    /// What the source is called: the path of the file, `<stdin>` and so on.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The faults, in the order of the file; there is always at least one.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.faults.iter()
    }

    /// How many faults there are.
    pub fn count(&self) -> usize {
        self.faults.len()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, lines, faults } = self;
        for fault in faults {
            match fault.line {
                0 => writeln!(f, "{name}: {fault}")?,
                _ => writeln!(f, "{name}:{fault}")?,
            }
            let Ok(found) = lines.binary_search_by_key(&fault.line, |(line, _)| *line) else { continue };
            let line = &lines[found].1;
            if fault.column > line.chars().count() + 1 {
                continue;
            }
            let number = fault.line.to_string();
            let margin = " ".repeat(number.len());
            writeln!(f, "{margin} |\n{number} | {line}\n{margin} | {:>1$}", "^", fault.column)?;
        }
        match faults.len() {
            1 => write!(f, "1 fault in {name}"),
            count => write!(f, "{count} faults in {name}"),
        }
    }
}

impl std::error::Error for Faults {}

/// The lines as YAML counts them, for which a carriage return alone ends one, too.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The line as it can be shown in a terminal, one column for each character.
fn printable(line: &str) -> String {
    let shown: String =
        line.chars().take(WIDEST_LINE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    without_keys(&shown)
}

/// What may be a key is not shown, whatever the fault is about, and also where a fault quotes what it found in its place.
fn without_keys(text: &str) -> String {
    let mut shown: Vec<char> = text.chars().collect();
    let runs = shown.chunk_by_mut(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit());
    let may_be_key = |run: &&mut [char]| {
        run.len() >= KEY_LIKE && run[0].is_ascii_hexdigit() && run.iter().any(char::is_ascii_digit)
    };
    runs.filter(may_be_key).for_each(|run| run.fill('*'));
    shown.into_iter().collect()
}
