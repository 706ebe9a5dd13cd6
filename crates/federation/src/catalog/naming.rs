//! Under which names items are shown.

use protocol::Kind;
use protocol::name::{self, MaxLength};

use super::{List, Prefix};

/// Names that a log line shows of many.
const SHOWN: usize = 5;

/// How names and URIs become those that clients see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    pub(super) prefix: Prefix,
    pub(super) longest: Option<MaxLength>,
}

/// What an operator should know of the names of a catalog.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// Each in words: which name is shown as which other.
    shortened: Vec<String>,
    /// Names that some clients do not take.
    long: Vec<String>,
    /// Each a sentence: which name was taken already.
    taken: Vec<String>,
}

impl Naming {
    /// The name under which an item is shown. Nothing vanishes: a name that is taken gets its target in front, and if that is
    /// taken as well, a number behind.
    pub(super) fn expose(
        self,
        kind: Kind,
        target: &str,
        local: &str,
        taken: &List,
        remarks: &mut Remarks,
    ) -> String {
        if matches!(kind, Kind::Resource | Kind::Template) {
            return self.prefix.uri(target, local);
        }
        let first = self.name(self.prefix.names.then_some(target), local);
        let free = |name: &String| taken.get(name).is_none();
        let name = if free(&first) {
            first
        } else {
            let mut others = (1..).map(|n| match n {
                1 => self.name(Some(target), local),
                n => self.name(Some(target), &format!("{local}_{n}")),
            });
            let other = others.find(free).unwrap_or_else(|| first.clone());
            remarks.taken.push(format!(
                "the {} `{local}` of target `{target}` cannot be shown as `{first}`, because that is the name of another; it is shown as `{other}`",
                kind.noun()
            ));
            other
        };
        self.note(target, local, &name, remarks);
        name
    }

    /// A name as it is shown if nothing else has it.
    fn name(self, target: Option<&str>, local: &str) -> String {
        let full = target.map_or_else(|| local.to_owned(), |target| name::join(target, local));
        match self.longest {
            Some(longest) if longest.is_exceeded_by(&full) => longest.shorten(target, local),
            _ => full,
        }
    }

    fn note(self, target: &str, local: &str, name: &str, remarks: &mut Remarks) {
        match self.longest {
            Some(longest) if longest.is_length_of(name) => {
                remarks.shortened.push(format!("`{local}` of target `{target}` is `{name}`"));
            }
            None if MaxLength::USUAL.is_exceeded_by(name) => remarks.long.push(name.to_owned()),
            Some(_) | None => {}
        }
    }

    /// Whether a name has the form of one that was shortened. Such a name leads only where a list says.
    pub(super) fn may_be_shortened(self, name: &str) -> bool {
        self.longest.is_some_and(|longest| longest.is_length_of(name))
    }
}

impl Remarks {
    /// Logs what was not so before.
    pub(crate) fn say(&self, before: &Self, longest: Option<MaxLength>) {
        for sentence in new(&self.taken, &before.taken) {
            tracing::warn!("{sentence}");
        }
        let shortened = new(&self.shortened, &before.shortened);
        if let (Some(longest), false) = (longest, shortened.is_empty()) {
            tracing::info!(
                "shortened the names of {} tools or prompts to {} characters: {}",
                shortened.len(),
                longest.get(),
                few(&shortened)
            );
        }
        let long: Vec<_> = new(&self.long, &before.long);
        if !long.is_empty() {
            let quoted: Vec<String> = long.iter().map(|name| format!("`{name}`")).collect();
            tracing::info!(
                "{} names of tools or prompts are longer than {usual} characters, and many clients drop such tools without a word; `names: {{maxLength: {usual}}}` next to the targets shortens them: {}",
                long.len(),
                few(&quoted.iter().collect::<Vec<_>>()),
                usual = MaxLength::USUAL.get(),
            );
        }
    }
}

fn new<'a>(now: &'a [String], before: &[String]) -> Vec<&'a String> {
    let before: std::collections::HashSet<_> = before.iter().collect();
    now.iter().filter(|remark| !before.contains(remark)).collect()
}

fn few(all: &[&String]) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN).map(|one| one.as_str()).collect();
    match all.len().checked_sub(SHOWN) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{}, and {more} more", shown.join(", ")),
    }
}
