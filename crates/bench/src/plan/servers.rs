//! The servers behind the contestants of a work. All contestants share them: those that take several targets, and those that
//! can have only one.

use std::net::SocketAddr;

use anyhow::Context as _;
use tempfile::TempDir;

use super::work::{Stage, Work};
use crate::child::{Child, myself};
use crate::contestant::{Ability, Behind, Contestant};
use crate::era::Era;
use crate::peer::OWN_TOOLS;

/// Servers that are started when the first contestant needs them.
pub(super) struct Servers {
    work: &'static Work,
    threads: usize,
    several: Option<Vec<Server>>,
    single: Option<Vec<Server>>,
}

impl Servers {
    pub(super) fn new(work: &'static Work, threads: usize) -> Self {
        Self { work, threads, several: None, single: None }
    }

    /// What is behind a contestant, and how many tools that are.
    pub(super) async fn behind(&mut self, contestant: &Contestant) -> anyhow::Result<(Behind, usize)> {
        let work = self.work;
        if work.stage == Stage::Program {
            return Ok((Behind { program: Some(program(work.era)), ..Behind::default() }, OWN_TOOLS));
        }
        let (count, each) = work.stage.servers();
        let (group, count, each) = match count == 1 || contestant.can(Ability::Federate) {
            true => (&mut self.several, count, each),
            false => (&mut self.single, 1, count * each),
        };
        if group.is_none() {
            let mut servers = Vec::new();
            for _ in 0..count {
                servers.push(Server::start(work.era, work.sse, each, self.threads).await?);
            }
            *group = Some(servers);
        }
        let servers = group.iter().flatten().map(|server| server.address).collect();
        Ok((Behind { servers, program: None }, count * each))
    }
}

/// A server over HTTP.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    _child: Child,
    _folder: TempDir,
}

impl Server {
    pub(super) async fn start(era: Era, sse: bool, tools: usize, threads: usize) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        let mut args = ["serve", "--era", name(era), "--tools"].map(str::to_owned).to_vec();
        args.extend([tools.to_string(), "--threads".into(), threads.to_string()]);
        if sse {
            args.push("--sse".into());
        }
        let mut child = Child::start(&myself()?, &args, &folder.path().join("log"))?;
        let address = child.first_line().await?.parse().context("a server says no address")?;
        Ok(Self { address, _child: child, _folder: folder })
    }
}

/// The arguments with which this program is a server over standard input and output.
pub(super) fn program(era: Era) -> Vec<String> {
    ["serve", "--stdio", "--era", name(era)].map(str::to_owned).to_vec()
}

fn name(era: Era) -> &'static str {
    match era {
        Era::Legacy => "legacy",
        Era::Modern => "modern",
    }
}
