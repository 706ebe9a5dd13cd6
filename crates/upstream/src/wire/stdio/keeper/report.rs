//! How we hear from a keeper whether its program was started: over a pipe of their own.
//!
//! On it come the process id of the program-to-be, and then its end if the program runs, because starting a program closes it;
//! or the number of the system's error. Nothing that a program writes can be taken for it.

use std::fs::File;
use std::io::{self, PipeWriter, Write as _};
use std::os::fd::{OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{Pid, close};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

/// The length of a report at most: two numbers.
const LENGTH: u64 = 8;

/// Our end of the pipe.
pub(crate) struct Awaited(Receiver);

impl Awaited {
    /// A pipe whose other end the next process that is started inherits. Nothing else may be started meanwhile.
    pub(crate) fn new() -> io::Result<(Self, PipeWriter)> {
        let (ours, theirs) = io::pipe()?;
        fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok((Self(Receiver::from_owned_fd(OwnedFd::from(ours))?), theirs))
    }

    /// Waits for the report, and returns the process id of the program.
    pub(crate) async fn read(self) -> io::Result<u32> {
        let mut bytes = Vec::with_capacity(LENGTH as usize);
        self.0.take(LENGTH).read_to_end(&mut bytes).await?;
        let number = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_le_bytes);
        match bytes.rchunks(4).next().and_then(number) {
            Some(pid @ 1..) => Ok(pid.unsigned_abs()),
            Some(error @ ..0) => Err(io::Error::from_raw_os_error(-error)),
            Some(0) | None => Err(io::Error::other("the process that was to start it is gone")),
        }
    }
}

/// The other end by its number, which is open in this process because it was inherited.
pub(crate) struct Inherited(pub(crate) RawFd);

impl Inherited {
    /// Closes it here. It stays open in who inherited it since.
    pub(crate) fn close(&self) -> io::Result<()> {
        Ok(close(self.0)?)
    }

    /// Takes it over, so that it is closed in the next program.
    pub(crate) fn take(&self) -> io::Result<Report> {
        let Self(number) = self;
        let report = File::options().write(true).open(format!("/proc/self/fd/{number}"))?;
        close(*number)?;
        Ok(Report(report))
    }
}

/// The other end.
pub(crate) struct Report(File);

impl Report {
    /// Says who is about to become the program.
    pub(crate) fn started(&mut self, pid: Pid) -> io::Result<()> {
        self.0.write_all(&pid.as_raw().to_le_bytes())
    }

    /// Says that nobody does.
    pub(crate) fn failed(&mut self, error: &io::Error) {
        let number = -error.raw_os_error().unwrap_or(0);
        // Nobody is left to hear it if this fails.
        let _ = self.0.write_all(&number.to_le_bytes());
    }
}
