//! Runs a gateway under callgrind, has it called in each way that is measured, and looks which functions those calls pass.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::scene::Player;
use super::servers::Servers;
use super::work::{Measure, Stage, WORKS, Work};
use crate::contestant::Contestant;
use crate::load::Caller;
use crate::order::{Profile, Script};

/// How many calls are made before those that count, and how many count.
const WARM: u64 = 20;
const CALLS: u64 = 40;

/// How many threads each server has.
const THREADS: usize = 1;

/// A script that places the functions of this gateway.
pub(crate) async fn order(gateway: &Contestant, program: &Path) -> anyhow::Result<Script> {
    let mut script = Script::of(program)?;
    // A gateway starts programs by way of `/proc/self/exe`, which is valgrind here.
    let is_looked_at = |work: &&Work| work.measure == Measure::Closed && work.stage != Stage::Program;
    for work in WORKS.iter().filter(is_looked_at) {
        let profile = profile(work, gateway, program).await;
        let profile = profile.with_context(|| format!("`{}` could not be looked at", work.name))?;
        ensure!(profile.often(CALLS).next().is_some(), "callgrind saw nothing of `{}`", work.name);
        script.place(profile.often(CALLS));
    }
    Ok(script)
}

async fn profile(work: &'static Work, gateway: &Contestant, program: &Path) -> anyhow::Result<Profile> {
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let file = folder.path().join("profile");
    let callgrind = ["--tool=callgrind", "--instr-atstart=no", "--demangle=no", "--dump-line=no"];
    let mut args: Vec<_> = callgrind.map(str::to_owned).to_vec();
    args.push(format!("--callgrind-out-file={}", file.display()));
    let contestant = gateway.under("valgrind", args)?;
    let mut servers = Servers::new(work, THREADS);
    let mut player = Player::enter(work, &contestant, &mut servers, THREADS).await?;
    let mut caller = Caller::connect(&Arc::new(player.job.clone()), 0).await?;
    for number in 0..WARM + CALLS {
        if number == WARM {
            control(&mut player, &["-i", "on"])?;
        }
        caller.act().await?;
    }
    control(&mut player, &["-i", "off"])?;
    control(&mut player, &["--dump"])?;
    player.running.stop().await;
    let program = std::fs::canonicalize(program)?;
    let dumps = std::fs::read_dir(folder.path())?.filter_map(Result::ok).map(|entry| entry.path());
    let mut dumps: Vec<_> = dumps.collect();
    dumps.sort();
    let texts = dumps.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(Profile::read(&texts.concat(), &program.to_string_lossy()))
}

/// Tells callgrind to do something, and waits until it has.
fn control(player: &mut Player, what: &[&str]) -> anyhow::Result<()> {
    player.running.check()?;
    let id = player.running.id().context("there is no program")?;
    let done = Command::new("callgrind_control").args(what).arg(id.to_string()).output();
    let done = done.context("cannot start callgrind_control, which is in valgrind")?;
    // It ends well also when it finds nobody.
    let said = String::from_utf8_lossy(&done.stdout);
    ensure!(said.lines().any(|line| line.trim() == "OK."), "callgrind_control {}: {said}", what.join(" "));
    Ok(())
}
