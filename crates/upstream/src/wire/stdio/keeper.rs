//! A keeper: a small process between us and a child, which sees to it that nothing of the child is left.
//!
//! ```text
//! gateway ── keeper ── program ── whatever it starts, and whatever that starts
//! ```
//!
//! What a program starts may leave its process group, as browsers do, and outlive it. Linux hands such orphans to the nearest
//! ancestor that asked for them. That is the keeper, so that it finds everybody, and hears when nobody is left. It also hears
//! when we die, however we die, and if it dies itself its program is killed with it.
//!
//! A keeper is this same program under another name, so that there is nothing to install and nothing to go missing. `main`
//! hands over to [`run`] before anything else exists. It starts itself once more, as what becomes the program:
//! a process can ask only for itself to be killed with its parent, and only between its start and its program does it run our code.
//!
//! | the keeper gets | and does |
//! |---|---|
//! | SIGCHLD, its program ended | kills what is left, and ends in the same way |
//! | SIGTERM, or another signal that asks a process to end | sends SIGTERM to everybody, and kills who is left 2 s later |
//! | SIGUSR1 | kills everybody at once |
//! | SIGHUP, which it asked for, and the gateway is gone | waits 2 s, because that has closed the program's input; then as for SIGTERM |

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid, setsid};
use tokio::signal::unix::{SignalKind, signal};

use report::{Inherited, Report};

mod end;
pub(super) mod report;
pub(super) mod tree;
mod watch;

/// This program, also after its file was replaced by a newer one.
pub(super) const OURSELVES: &str = "/proc/self/exe";

/// How a keeper is called, where processes are listed and where they are killed by name.
pub(super) const NAME: &str = "target-keeper";

/// The first argument of a keeper. After it: the process id of the gateway, the descriptor for the report, the soft limit of
/// open files, the command.
pub(super) const KEEP: &str = "keep-child";

/// The first argument of what becomes the program. After it: the process id of the keeper, and the same.
const BECOME: &str = "become-child";

/// Asks a keeper to kill everybody at once.
pub(super) const AT_ONCE: Signal = Signal::SIGUSR1;

/// The soft limit of open files that children start with, if it is not ours.
static INSTALLED: OnceLock<Option<u64>> = OnceLock::new();

/// From now on children are started under a keeper. Only for a program whose `main` begins with [`run`]: any other one would be
/// started again as itself instead of as a keeper. It is a property of the executable, hence one for the whole process. Needs a
/// tokio runtime.
///
/// `files` is the soft limit of open files that children start with, where ours was raised: programs that use `select`, or close
/// every file that they could have inherited, count on a small one.
pub fn install(files: Option<u64>) {
    if let Err(error) = prepare() {
        tracing::warn!("processes that targets leave behind will not be found: {error}");
    } else {
        INSTALLED.get_or_init(|| files);
    }
}

fn prepare() -> io::Result<()> {
    std::fs::metadata(OURSELVES)?;
    // Who started us may have ignored its children, and what is ignored stays so in the next program; what is listened to
    // does not. A keeper that ignored its own would not hear of their end.
    drop(signal(SignalKind::child())?);
    // What is left of a keeper that is killed comes to us then, and not to the first process of the machine.
    Ok(prctl::set_child_subreaper(true)?)
}

/// Whether there are keepers.
pub(super) fn is_installed() -> bool {
    INSTALLED.get().is_some()
}

/// The soft limit of open files for children, in a word; 0 is ours.
pub(super) fn files() -> String {
    INSTALLED.get().copied().flatten().unwrap_or(0).to_string()
}

/// Does the work of a keeper if this process was started as one, and returns with how to end. To be called before there are
/// other threads.
pub fn run() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let role = words.next()?;
    let role: fn(Orders) -> ExitCode = match role.to_str()? {
        KEEP => |orders| keep(&orders),
        BECOME => |orders| orders.become_program(),
        _ => return None,
    };
    Some(Orders::read(words).map_or(ExitCode::FAILURE, role))
}

/// What a keeper is told on its command line.
struct Orders {
    /// Who started it, and must still be there.
    parent: Pid,
    report: Inherited,
    /// The soft limit of open files for the program; 0 leaves it.
    files: u64,
    program: OsString,
    args: Vec<OsString>,
}

impl Orders {
    fn read(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut number = || words.next()?.to_str()?.parse().ok();
        let (parent, report) = (Pid::from_raw(number()?), Inherited(number()?));
        let files = words.next()?.to_str()?.parse().ok()?;
        Some(Self { parent, report, files, program: words.next()?, args: words.collect() })
    }

    /// Becomes the program. Returns only if that is not possible.
    fn become_program(self) -> ExitCode {
        let Ok(mut report) = self.report.take() else { return ExitCode::FAILURE };
        let error = match self.prepare(&mut report) {
            Ok(()) => Command::new(&self.program).args(&self.args).exec(),
            Err(error) => error,
        };
        report.failed(&error);
        ExitCode::FAILURE
    }

    fn prepare(&self, report: &mut Report) -> io::Result<()> {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        if getppid() != self.parent {
            return Err(io::Error::other("its keeper is gone"));
        }
        // The keeper blocks all signals, and what is blocked stays so in the next program.
        SigSet::empty().thread_set_mask()?;
        // Our allocator does without huge pages, which holds for the whole process and the next program.
        prctl::set_thp_disable(false)?;
        report.started(getpid())
    }
}

fn keep(orders: &Orders) -> ExitCode {
    match start(orders) {
        Ok(program) => end::like(watch::until_nobody_is_left(program, orders.parent)),
        Err(error) => {
            if let Ok(mut report) = orders.report.take() {
                report.failed(&error);
            }
            ExitCode::FAILURE
        }
    }
}

/// Makes this process a keeper, and starts its program.
fn start(orders: &Orders) -> io::Result<Pid> {
    // From here on signals are only heard where they are waited for. None ends a keeper before its program.
    SigSet::all().thread_block()?;
    // Without a terminal there are no signals from its keyboard, and a program that wants a password from it fails instead of
    // waiting for ever.
    setsid()?;
    prctl::set_name(&CString::new(NAME)?)?;
    prctl::set_child_subreaper(true)?;
    prctl::set_pdeathsig(Signal::SIGHUP)?;
    if getppid() != orders.parent {
        return Err(io::Error::other("the gateway is gone"));
    }
    if orders.files > 0 {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, orders.files.min(hard), hard)?;
    }
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    let mut command = Command::new(OURSELVES);
    command.arg(BECOME).arg(getpid().to_string()).arg(orders.report.0.to_string()).arg("0");
    // In a group of its own: `kill 0` in a script is not meant for its keeper.
    let program = command.arg(&orders.program).args(&orders.args).process_group(0).spawn()?;
    let program = i32::try_from(program.id()).map_err(io::Error::other)?;
    // What is left open here would never come to its end: the report, and the streams of the program.
    orders.report.close()?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    dup2_stderr(&nothing)?;
    // Somebody may want to remove the directory.
    let _ = std::env::set_current_dir("/");
    Ok(Pid::from_raw(program))
}
