//! Starting the program of a child: under a keeper where there are keepers, else as a process group.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::process::{Pipes, Process};
use super::tree::{Sweeper, Tree};
use crate::settings::Stdio;
use crate::{Error, ErrorKind};

/// A process of ours that is, or is about to start, the program of a child.
pub(super) struct Spawned {
    pub(super) process: Process,
    pub(super) pipes: Pipes,
    /// Kills everything if this is dropped.
    pub(super) tree: Sweeper,
    pub(super) started: Started,
}

/// How it is known that the program runs, and as which process.
pub(super) enum Started {
    /// The process is the program.
    Already(u32),
    /// The keeper reports it.
    #[cfg(target_os = "linux")]
    Reported(super::keeper::report::Awaited),
}

impl Spawned {
    /// Starts a process. It cannot tell yet whether the program can be started.
    pub(super) fn new(settings: &Stdio) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if super::keeper::is_installed() {
            return Self::kept(settings);
        }
        let mut command = command(&settings.cmd, settings);
        let (process, pipes) = Process::start(command.args(&settings.args).process_group(0), true)?;
        let pid = process.pid()?;
        let started = Started::Already(pid.as_raw().unsigned_abs());
        Ok(Self { process, pipes, tree: Sweeper::new(Tree::group(pid)), started })
    }

    #[cfg(target_os = "linux")]
    fn kept(settings: &Stdio) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;

        use super::keeper::{self, KEEP, NAME, OURSELVES, report};

        // What one process is to inherit, another must not.
        let mut keepers = super::strays::keepers();
        let (awaited, theirs) = report::Awaited::new()?;
        let mut command = command(OURSELVES, settings);
        command.arg0(NAME).arg(KEEP).arg(std::process::id().to_string());
        command.arg(theirs.as_raw_fd().to_string()).arg(keeper::files());
        let (process, pipes) = Process::start(command.arg(&settings.cmd).args(&settings.args), false)?;
        let pid = process.pid()?;
        keepers.insert(pid);
        let tree = Sweeper::new(Tree::kept_by(pid));
        Ok(Self { process, pipes, tree, started: Started::Reported(awaited) })
    }
}

impl Started {
    /// Waits until the program runs, and returns its process id.
    pub(super) async fn pid(self) -> io::Result<u32> {
        match self {
            Self::Already(pid) => Ok(pid),
            #[cfg(target_os = "linux")]
            Self::Reported(report) => report.read().await,
        }
    }
}

fn command(program: &str, settings: &Stdio) -> Command {
    let Stdio { env, clear_env, cwd, .. } = settings;
    let mut command = Command::new(program);
    if *clear_env {
        command.env_clear();
    }
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    command.envs(env);
    command
}

/// Says in plain words why there is no child. The system reports a missing directory, a missing program and a
/// missing interpreter with the same error.
pub(super) fn not_started(name: &str, settings: &Stdio, error: &io::Error) -> Error {
    let Stdio { cmd, cwd, .. } = settings;
    let in_cwd = |path: &str| cwd.as_deref().unwrap_or(Path::new("")).join(path);
    let what = match (error.kind(), cwd) {
        (_, Some(cwd)) if !cwd.is_dir() => {
            format!("the working directory `{}` does not exist", cwd.display())
        }
        (io::ErrorKind::NotFound, _) if !cmd.contains('/') => {
            format!("command `{cmd}` was not found on PATH")
        }
        (io::ErrorKind::NotFound, _) if in_cwd(cmd).exists() => {
            format!("command `{cmd}` names an interpreter that does not exist")
        }
        (io::ErrorKind::NotFound, _) => format!("command `{cmd}` does not exist"),
        (io::ErrorKind::PermissionDenied, _) => format!("command `{cmd}` is not executable"),
        _ => format!("command `{cmd}` cannot be started: {error}"),
    };
    Error::new(ErrorKind::Unreachable, format!("{what} (for target `{name}`)"))
}
