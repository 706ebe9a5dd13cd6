//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::Source;

/// Many MCP servers behind one endpoint.
#[derive(Debug, Parser)]
#[command(
    name = "agentgateway",
    version,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
#[command(
    after_help = "Without a file, two small MCP servers that are part of this program are served on port 3000, to try it out."
)]
pub struct Cli {
    /// The configuration file, which is read again whenever it is saved; `-` reads standard input once
    #[arg(short, long, value_name = "FILE", conflicts_with = "config")]
    pub file: Option<PathBuf>,

    /// The configuration itself, as YAML
    #[arg(short, long, value_name = "YAML")]
    pub config: Option<String>,

    /// Check the configuration, say everything that is wrong with it, and exit with 0 or 1
    #[arg(long)]
    pub validate_only: bool,

    /// Something else to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do besides being a gateway.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the JSON schema of the configuration file
    Schema,
    /// Be one of the MCP servers that are part of this program, over standard input and output
    Builtin {
        /// Which one
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(crate::builtin::NAMES))]
        name: String,
    },
}

impl Cli {
    /// Where the configuration comes from. Standard input is read to its end here.
    pub fn source(&self) -> std::io::Result<Source> {
        Ok(match (&self.file, &self.config) {
            (Some(file), _) if file.as_os_str() == "-" => {
                Source::Stdin(std::io::read_to_string(std::io::stdin())?)
            }
            (Some(file), _) => Source::File(file.clone()),
            (None, Some(text)) => Source::Inline(text.clone()),
            (None, None) => Source::Default,
        })
    }
}
