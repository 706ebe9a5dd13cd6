//! Programs that are run for the time of a measurement, and their end.
//!
//! Nothing of them may be left, also when the benchmark is killed: each is started by this program as a go-between, which asks
//! the kernel to be told when its parent dies and then becomes the program. Each has a process group of its own, which is
//! ended as a whole.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time::timeout;

/// How long a program may take to leave when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How many lines of its log are shown when a program fails.
const LINES: usize = 3;
/// How much is shown of each.
const LENGTH: usize = 200;

/// A running program. Dropping it kills it.
pub(crate) struct Child {
    inner: tokio::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts a program, whose error output goes to a file. Has to be called on the main thread: the death of a parent is, to
    /// the kernel, that of the thread that started a child.
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> anyhow::Result<Self> {
        let errors = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "`upstream` is the gateway's; this is what measures it"
        )]
        let mut command = tokio::process::Command::new(myself()?);
        command
            .arg("become")
            .arg(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let inner = command.process_group(0).kill_on_drop(true).spawn();
        Ok(Self {
            inner: inner.with_context(|| format!("cannot start {}", program.display()))?,
            log: log.to_owned(),
        })
    }

    /// Its process id. It is 0 once it has ended.
    pub(crate) fn id(&self) -> u32 {
        self.inner.id().unwrap_or_default()
    }

    /// The first line that it writes.
    pub(crate) async fn first_line(&mut self) -> anyhow::Result<String> {
        let out = self.inner.stdout.take().context("its output was read already")?;
        let mut lines = BufReader::new(out).lines();
        let line = lines.next_line().await?.with_context(|| self.why())?;
        swallow(lines.into_inner());
        Ok(line)
    }

    /// Reads and forgets what it writes, so that it never waits for a reader.
    pub(crate) fn ignore_output(&mut self) {
        if let Some(out) = self.inner.stdout.take() {
            swallow(BufReader::new(out));
        }
    }

    /// Fails if it has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.inner.try_wait()? {
            Some(status) => anyhow::bail!("it ended ({status}){}", self.why()),
            None => Ok(()),
        }
    }

    /// The end of its log.
    pub(crate) fn why(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<String> = log.lines().map(|line| line.chars().take(LENGTH).collect()).collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        if last.is_empty() { String::new() } else { format!(":\n    {}", last.join("\n    ")) }
    }

    /// Ends it and whatever it started, and waits until it is gone.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        if timeout(GRACE, self.inner.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
            // It cannot refuse that.
            let _ = self.inner.wait().await;
        }
    }

    fn signal(&self, signal: Signal) {
        let group = self.inner.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group {
            // It may have gone a moment ago.
            let _ = killpg(Pid::from_raw(group), signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

fn swallow(mut out: BufReader<ChildStdout>) {
    tokio::spawn(async move { tokio::io::copy_buf(&mut out, &mut tokio::io::sink()).await });
}

/// This very program.
pub(crate) fn myself() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}

/// Becomes another program, which is told to stop when the one dies that started us.
pub(crate) fn become_program(program: &OsStr, args: &[String]) -> anyhow::Error {
    if let Err(error) = prctl::set_pdeathsig(Signal::SIGTERM) {
        return error.into();
    }
    let error = std::process::Command::new(program).args(args).exec();
    anyhow::Error::from(error).context(format!("cannot start {}", program.display()))
}
