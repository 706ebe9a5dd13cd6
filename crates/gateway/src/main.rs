//! Arguments, logging, exit codes. Everything else is in the library, where tests can reach it.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use agentgateway::app::App;
use agentgateway::cli::{Cli, Command};
use agentgateway::config::{self, Config, Source};
use agentgateway::{builtin, descriptors, log, signals, welcome};
use clap::Parser as _;
use tokio::runtime::Builder;

// A call takes some dozens of small allocations, most of them on the thread that gives them back. With glibc this allocator takes
// the place of `malloc`, which is what Rust calls for all but rare alignments; elsewhere it is called by way of its crate's type,
// which has the alignment of each block looked at.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use mimalloc as _;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Usage and configuration are wrong, and nothing was started.
const USAGE: u8 = 2;

/// How long to wait at the end for threads that cannot be told to stop.
const CUT: Duration = Duration::from_secs(1);

/// Threads for everything but connections, which have their own: targets, lists, signals, the admin interface. Two, so that one
/// that is busy with long lists holds up nobody.
const BESIDE: usize = 2;

fn main() -> ExitCode {
    // First of all, because a keeper is started for each child, and has no use for anything else.
    #[cfg(target_os = "linux")]
    if let Some(end) = upstream::keeper::run() {
        return end;
    }
    let cli = Cli::parse();
    match &cli.command {
        Some(Command::Schema) => return say(&config::schema()),
        Some(Command::Builtin { name }) => return exit(builtin::run(name).map_err(Into::into)),
        None => {}
    }
    let source = match cli.source() {
        Ok(source) => source,
        Err(error) => {
            return complain(&format!("cannot read the configuration from standard input: {error}"), USAGE);
        }
    };
    match config::load(&source, &config::process_environment) {
        Ok(_) if cli.validate_only => say(&format!("{}: the configuration is valid\n", source.name())),
        Ok(config) => exit(serve(source, config)),
        Err(faults) => complain(&faults.to_string(), if cli.validate_only { 1 } else { USAGE }),
    }
}

fn serve(source: Source, config: Config) -> anyhow::Result<()> {
    let levels = log::start(&config.logging);
    let files = descriptors::raise_limit();
    let runtime = Builder::new_multi_thread().worker_threads(BESIDE).enable_all().build()?;
    let served = runtime.block_on(async {
        #[cfg(target_os = "linux")]
        upstream::keeper::install(files);
        // Elsewhere children inherit our limit.
        #[cfg(not(target_os = "linux"))]
        let _ = files;
        let trying = source == Source::Default;
        let app = App::bind(source, config, levels.clone()).await?;
        if trying {
            welcome::print(&app);
        }
        app.run(signals::Shutdown::listen()?).await;
        Ok(())
    });
    // Without this, who looks up the name of a host would be waited for as long as that takes.
    runtime.shutdown_timeout(CUT);
    served
}

fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

fn say(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    // There is nothing left to do for someone whose standard error is closed.
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
    ExitCode::from(code)
}
