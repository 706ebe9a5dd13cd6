//! A definition: a small TOML file that says how a gateway is found, configured and started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// What a contestant can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ability {
    /// Clients and targets with handshake and sessions.
    Legacy,
    /// Clients and targets without.
    Modern,
    /// Several targets at once.
    Federate,
    /// Targets that are programs.
    Stdio,
    /// Streams of sessions, so that their memory can be measured.
    Listen,
}

/// How a gateway is found, configured and started. Texts may hold placeholders: `@port@` the port to listen on, `@spare@` another
/// one, `@dir@` a folder of its own, `@cores@` the number of processors, `@targets@` all targets, each written as [`Self::target`]
/// says, `@first@` the first of them as `host:port`, `@gateway@` the path of this project's gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Definition {
    /// The name of the file without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// What it is, in a sentence.
    pub(crate) about: String,
    /// Where it stands in the table; the lower, the earlier.
    #[serde(default = "late")]
    pub(crate) order: u32,
    /// The program: a path, or a name that is found in `PATH`.
    program: String,
    /// How to come by it.
    #[serde(default)]
    install: String,
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// Arguments with which the program prints its version.
    #[serde(default)]
    version: Vec<String>,
    pub(crate) can: Vec<Ability>,
    /// The path at which clients call.
    #[serde(default = "usual_path")]
    pub(crate) path: String,
    /// How many tools it adds to those of its targets.
    #[serde(default)]
    pub(crate) own_tools: usize,
    /// What clients send besides, for policies that look at it.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// A URL that is fetched every second meanwhile, as Prometheus would.
    pub(crate) scrape: Option<String>,
    /// Files that are written before it starts.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) target: Option<TargetText>,
}

/// How a target is written: `@name@`, for one over HTTP `@url@`, `@host@` and `@port@`, for a program `@program@` and `@args@`,
/// which are JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetText {
    #[serde(default)]
    pub(crate) http: String,
    #[serde(default)]
    pub(crate) stdio: String,
    /// What stands between two.
    #[serde(default)]
    pub(crate) between: String,
}

fn late() -> u32 {
    100
}

fn usual_path() -> String {
    "/mcp".into()
}

impl Definition {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut definition: Self = toml::from_str(&text)?;
        definition.name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        Ok(definition)
    }

    /// Where the program is, if it is there.
    pub(crate) fn find_program(&self, gateway: &Path) -> Option<PathBuf> {
        find_program(&self.program_text(gateway))
    }

    /// Why it does not take part.
    pub(crate) fn missing(&self, gateway: &Path) -> String {
        let how = if self.install.is_empty() { String::new() } else { format!(" ({})", self.install) };
        format!("{} is not installed{how}", self.program_text(gateway))
    }

    fn program_text(&self, gateway: &Path) -> String {
        self.program.replace("@gateway@", &gateway.to_string_lossy())
    }

    /// The first line of what the program says of its version; some say it where errors go.
    pub(crate) fn ask_version(&self, program: &Path) -> String {
        if self.version.is_empty() {
            return String::new();
        }
        let said = std::process::Command::new(program).args(&self.version).output();
        let said = said.ok().filter(|said| said.status.success());
        let said = said.map(|said| [said.stdout, said.stderr].concat()).unwrap_or_default();
        String::from_utf8_lossy(&said)
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default()
            .to_owned()
    }
}

/// A program by its path, or by a name that is found in `PATH`.
pub(super) fn find_program(program: &str) -> Option<PathBuf> {
    let program = PathBuf::from(program);
    if program.components().count() > 1 {
        return program.is_file().then_some(program);
    }
    #[expect(clippy::disallowed_methods, reason = "where programs are is the environment's to say")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers where only root looks.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(&program)).find(|file| file.is_file())
}

/// Reads every definition of a folder.
pub(super) fn read_all(folder: &Path) -> anyhow::Result<Vec<Definition>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let files = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files
        .map(|path| Definition::read(&path).with_context(|| format!("{} is not right", path.display())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_definitions_that_come_with_the_benchmark_can_be_read() {
        let definitions = read_all(&super::super::folder()).expect("definitions");
        for name in ["nginx", "agentgateway", "agentgateway+policies"] {
            assert!(definitions.iter().any(|definition| definition.name == name), "{name}");
        }
        assert!(definitions.iter().all(|definition| !definition.about.is_empty()));
    }

    #[test]
    fn a_key_that_does_not_exist_is_a_fault_with_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.toml");
        std::fs::write(&path, "about = 'x'\nprogram = 'x'\ncan = []\nargz = []").expect("a file");
        let fault = format!("{:#}", read_all(folder.path()).expect_err("no such key"));
        assert!(fault.contains("argz") && fault.contains("x.toml"), "{fault}");
    }

    #[test]
    fn a_program_that_is_not_there_is_left_out_with_a_word() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "about = 'x'\nprogram = 'surely-no-such-program'\ncan = []\ninstall = 'ask somebody'";
        std::fs::write(folder.path().join("x.toml"), text).expect("a file");
        let field = super::super::Field::find(folder.path(), &[], Path::new("/")).expect("definitions");
        assert_eq!(field.contestants.len(), 1, "direct is always there");
        assert_eq!(field.absent[0].0, "x");
        assert!(field.absent[0].1.contains("ask somebody"), "{}", field.absent[0].1);
    }
}
