//! Who takes part: nobody in between, and the programs that definition files describe.

mod definition;
mod running;
mod template;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub(crate) use definition::{Ability, Definition};
pub(crate) use running::{Behind, Running};
pub(crate) use template::Places;

/// The name of the contestant that is none: clients talk to the target itself.
pub(crate) const DIRECT: &str = "direct";

/// The folder with the definitions that come with the benchmark.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contestants")
}

/// One who takes part.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// `None` is [`DIRECT`].
    pub(crate) definition: Option<Definition>,
    /// What the program says when it is asked for its version.
    pub(crate) version: String,
    program: PathBuf,
}

impl Contestant {
    fn direct() -> Self {
        Self { name: DIRECT.into(), definition: None, version: String::new(), program: PathBuf::new() }
    }

    /// The one that a definition describes.
    pub(crate) fn read(file: &Path, gateway: &Path) -> anyhow::Result<Self> {
        let definition = Definition::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let program = definition.find_program(gateway).with_context(|| definition.missing(gateway))?;
        Ok(Self::found(definition, program))
    }

    fn found(definition: Definition, program: PathBuf) -> Self {
        let (name, version) = (definition.name.clone(), definition.ask_version(&program));
        Self { name, definition: Some(definition), version, program }
    }

    /// How many tools it adds to those of its targets.
    pub(crate) fn own_tools(&self) -> usize {
        self.definition.as_ref().map_or(0, |definition| definition.own_tools)
    }

    /// Whether it can do something.
    pub(crate) fn can(&self, ability: Ability) -> bool {
        match &self.definition {
            None => matches!(ability, Ability::Legacy | Ability::Modern),
            Some(definition) => definition.can.contains(&ability),
        }
    }
}

/// What was found of those who were to take part.
pub(crate) struct Field {
    pub(crate) contestants: Vec<Contestant>,
    /// Who is left out, and why.
    pub(crate) absent: Vec<(String, String)>,
}

impl Field {
    /// Reads the definitions of a folder and finds their programs. `only` names who takes part, in this order; if it is empty,
    /// everybody does, and whoever is not installed is left out with a word.
    pub(crate) fn find(folder: &Path, only: &[String], gateway: &Path) -> anyhow::Result<Self> {
        let mut definitions = definition::read_all(folder)?;
        definitions.sort_by_key(|definition| (definition.order, definition.name.clone()));
        let mut names: Vec<_> = definitions.iter().map(|definition| definition.name.clone()).collect();
        names.insert(0, DIRECT.into());
        let chosen = if only.is_empty() { &names } else { only };
        let mut field = Self { contestants: Vec::new(), absent: Vec::new() };
        for name in chosen {
            if name == DIRECT {
                field.contestants.push(Contestant::direct());
                continue;
            }
            let definition = definitions.iter().find(|definition| definition.name == *name);
            let definition = definition.with_context(|| {
                format!("there is no contestant `{name}`; there are {}", names.join(", "))
            })?;
            match definition.find_program(gateway) {
                Some(program) => field.contestants.push(Contestant::found(definition.clone(), program)),
                None => field.absent.push((name.clone(), definition.missing(gateway))),
            }
        }
        Ok(field)
    }
}
