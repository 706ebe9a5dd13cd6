//! Runs a gateway under callgrind, has it called in each way that is measured, and looks which functions every call passes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::scene::{Options, Player};
use super::servers::Servers;
use super::work::{Measure, Stage, WORKS, Work};
use crate::contestant::Contestant;
use crate::load::Caller;
use crate::order::{Profile, Script};

/// How many calls are made before those that count, and how many count.
const WARM: u64 = 20;
const CALLS: u64 = 40;

/// A script that places the functions of this gateway.
pub(crate) async fn order(gateway: &Contestant, program: &Path, options: &Options) -> anyhow::Result<Script> {
    let mut script = Script::of(program)?;
    // A gateway starts programs through itself, and under callgrind it is not itself.
    let is_looked_at = |work: &&Work| work.measure == Measure::Closed && work.stage != Stage::Program;
    for work in WORKS.iter().filter(is_looked_at) {
        let profile = profile(work, gateway, program, options).await;
        let profile = profile.with_context(|| format!("`{}` could not be looked at", work.name))?;
        script.place(profile.often(CALLS));
    }
    Ok(script)
}

async fn profile(
    work: &'static Work,
    gateway: &Contestant,
    program: &Path,
    options: &Options,
) -> anyhow::Result<Profile> {
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let file = folder.path().join("profile");
    let callgrind = ["--tool=callgrind", "--instr-atstart=no", "--demangle=no", "--dump-line=no"];
    let mut args: Vec<_> = callgrind.map(str::to_owned).to_vec();
    args.push(format!("--callgrind-out-file={}", file.display()));
    let contestant = gateway.under("valgrind", args)?;
    let mut servers = Servers::new(work, options);
    let player = Player::enter(work, &contestant, &mut servers, options).await?;
    let mut caller = Caller::connect(&Arc::new(player.job.clone()), 0).await?;
    for number in 0..WARM + CALLS {
        if number == WARM {
            control(&player, &["-i", "on"])?;
        }
        caller.act().await?;
    }
    control(&player, &["-i", "off"])?;
    control(&player, &["--dump"])?;
    player.running.stop().await;
    let program = std::fs::canonicalize(program)?;
    let texts = std::fs::read_dir(folder.path())?.filter_map(Result::ok).map(|entry| entry.path());
    let texts = texts.map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(Profile::read(&texts.concat(), &program.to_string_lossy()))
}

/// Tells callgrind to do something, and waits until it has.
fn control(player: &Player, what: &[&str]) -> anyhow::Result<()> {
    let id = player.running.id().context("there is no program")?;
    let done = Command::new("callgrind_control").args(what).arg(id.to_string()).output();
    let done = done.context("cannot start callgrind_control, which is in valgrind")?;
    ensure!(done.status.success(), "callgrind_control: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
