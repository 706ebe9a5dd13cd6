//! What came out: a table for people, and a file for programs.

mod figures;
mod machine;
mod plot;
mod stretch;
mod table;

use serde::{Deserialize, Serialize};

use crate::contestant::Contestant;
use crate::plan::Work;

pub(crate) use figures::{Figures, Idle, Round};
pub(crate) use machine::Machine;
pub(crate) use plot::svg;
pub(crate) use stretch::{Sample, Stretch};

/// Everything that a run came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) contestants: Vec<Known>,
    pub(crate) groups: Vec<Group>,
}

/// A contestant, as the file knows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) version: String,
}

/// The contestants at one work with one number of connections, measured in turns.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) work: String,
    pub(crate) title: String,
    pub(crate) connections: usize,
    pub(crate) cells: Vec<Cell>,
}

/// One contestant in a group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) contestant: String,
    pub(crate) figures: Figures,
}

impl Cell {
    pub(crate) fn new(contestant: &str, figures: Figures) -> Self {
        Self { contestant: contestant.to_owned(), figures }
    }
}

impl Report {
    pub(crate) fn new(contestants: &[Contestant], machine: Machine) -> Self {
        let known = |contestant: &Contestant| Known {
            name: contestant.name.clone(),
            about: contestant
                .definition
                .as_ref()
                .map_or("no gateway in between", |one| &one.about)
                .to_owned(),
            version: contestant.version.clone(),
        };
        Self { machine, contestants: contestants.iter().map(known).collect(), groups: Vec::new() }
    }

    /// Takes the figures of a group, and prints its rows of the table.
    #[expect(clippy::print_stdout, reason = "the table is what this is run for")]
    pub(crate) fn add(&mut self, work: &Work, connections: usize, cells: Vec<Cell>) {
        let group = Group { work: work.name.into(), title: work.title.into(), connections, cells };
        println!("{}", table::rows(&group, self.groups.last()));
        self.groups.push(group);
    }

    /// Whether every answer was right.
    pub(crate) fn errors(&self) -> u64 {
        self.groups.iter().flat_map(|group| &group.cells).map(|cell| cell.figures.errors()).sum()
    }
}
