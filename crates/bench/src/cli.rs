//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::contestant::{self, Contestant, Field};
use crate::plan::{self, Options, WORKS, Work};
use crate::report::{Machine, Report, Stretch};
use crate::{child, peer, report};

/// What a gateway costs, next to no gateway and to a plain reverse proxy.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, and print a table
    Run(Run),
    /// Have clients come and go for an hour, and see what a gateway holds meanwhile
    Churn(Churn),
    /// Be the MCP server behind the contestants
    Serve(peer::Settings),
    /// Draw what a run wrote to a file, as SVG
    Plot {
        /// The file
        #[arg(value_name = "FILE.json")]
        file: PathBuf,
    },
    /// Say which works and contestants there are
    List(Contestants),
    #[command(hide = true)]
    Become {
        parent: i32,
        program: OsString,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// Who may take part.
#[derive(Debug, clap::Args)]
struct Contestants {
    /// Who takes part, in this order; everybody who is installed, if nobody is named
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    contestants: Vec<String>,
    /// The folder with the definitions of contestants
    #[arg(long, value_name = "FOLDER", default_value_os_t = contestant::folder())]
    definitions: PathBuf,
    /// The gateway to measure; the one next to this program, if nothing is said
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Churn {
    /// How the gateway is configured: a definition with sessions that last a minute when they are left
    #[arg(long, value_name = "FILE", default_value_os_t = contestant::folder().with_file_name("churn").join("agentgateway.toml"))]
    definition: PathBuf,
    /// The gateway; the one next to this program, if nothing is said
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
    /// How long; memory of the end is held against that of the middle where it is an hour
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// How many visits begin in a second
    #[arg(long, default_value_t = 40.0)]
    rate: f64,
}

#[derive(Debug, clap::Args)]
struct Run {
    #[command(flatten)]
    contestants: Contestants,
    /// Only these works
    #[arg(long, value_name = "WORK,...", value_delimiter = ',')]
    only: Vec<String>,
    /// With so many connections, instead of what each work says
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = connections)]
    connections: Vec<usize>,
    /// How long each contestant is measured in a round
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How long it is called before that
    #[arg(long, default_value_t = 0.3)]
    warm: f64,
    /// How many turns each contestant has
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many threads clients have, and each server: a quarter of the processors, if nothing is said
    #[arg(long, default_value_t = quarter())]
    threads: usize,
    /// How many sessions are opened to see what they take, and half as many streams
    #[arg(long, default_value_t = 2000)]
    sessions: usize,
    /// Write everything to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A quarter of the processors for clients, as much for servers, and the rest for what is measured.
fn quarter() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 4).max(1))
}

fn connections(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "that is no number of connections".into())
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    match act(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => complain(&error),
    }
}

#[expect(clippy::print_stderr, reason = "there is no log")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("bench: {error:#}");
    ExitCode::FAILURE
}

fn act(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        // Before there are threads: what we become takes this very one.
        Command::Become { parent, program, args } => Err(child::become_program(parent, &program, &args)),
        Command::Serve(settings) if settings.stdio => {
            peer::serve_stdio(&settings)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(settings) => {
            runtime()?.block_on(peer::serve(settings))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Plot { file } => plot(&file).map(|()| ExitCode::SUCCESS),
        Command::List(contestants) => list(&contestants).map(|()| ExitCode::SUCCESS),
        Command::Run(run) => until_interrupted(measure(run)),
        Command::Churn(churn) => until_interrupted(hold(churn)),
    }
}

fn until_interrupted(doing: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        tokio::select! {
            done = doing => done,
            // Whatever was started is dropped with the other future, and ends.
            interrupted = interrupted() => interrupted,
        }
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn interrupted() -> anyhow::Result<ExitCode> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        _ = terminate.recv() => {}
    }
    Ok(ExitCode::from(130))
}

impl Contestants {
    fn find(&self) -> anyhow::Result<Field> {
        Field::find(&self.definitions, &self.contestants, &gateway(self.gateway.as_deref())?)
    }
}

fn gateway(said: Option<&Path>) -> anyhow::Result<PathBuf> {
    match said {
        // It is started in another folder.
        Some(path) => Ok(std::path::absolute(path)?),
        None => Ok(child::myself()?.with_file_name("agentgateway")),
    }
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn list(contestants: &Contestants) -> anyhow::Result<()> {
    println!("works:");
    for work in WORKS {
        println!("  {:<24}{}", work.name, work.title);
    }
    println!("contestants:");
    let field = contestants.find()?;
    for contestant in field.contestants {
        println!("  {:<24}{}", contestant.name, contestant.version);
    }
    for (name, why) in field.absent {
        println!("  {name:<24}absent: {why}");
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn plot(file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report = serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))?;
    print!("{}", report::svg(&report));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what this is run for")]
async fn measure(run: Run) -> anyhow::Result<ExitCode> {
    let works = works(&run.only)?;
    let field = run.contestants.find()?;
    raise_limit();
    let mut report = Report::new(&field.contestants, Machine::here());
    println!("{}", report.machine.line());
    for known in &report.contestants {
        println!("  {:<24}{} ({})", known.name, known.version, known.about);
    }
    for (name, why) in &field.absent {
        println!("  {name:<24}left out: {why}");
    }
    println!();
    let options = Options {
        connections: run.connections,
        warm: seconds(run.warm)?,
        window: seconds(run.seconds)?,
        rounds: run.rounds.max(1),
        threads: run.threads.max(1),
        sessions: run.sessions,
    };
    plan::run(&works, &field.contestants, &options, &mut report).await?;
    if let Some(path) = &run.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    match report.errors() {
        0 => Ok(ExitCode::SUCCESS),
        errors => anyhow::bail!("{errors} calls went wrong: see the rows with `!!`"),
    }
}

#[expect(clippy::print_stdout, reason = "the table is what this is run for")]
async fn hold(churn: Churn) -> anyhow::Result<ExitCode> {
    let contestant = Contestant::read(&churn.definition, &gateway(churn.gateway.as_deref())?)?;
    let Churn { minutes, rate, .. } = churn;
    println!("{}", Machine::here().line());
    println!("{} ({}), {rate} visits a second for {minutes} minutes\n", contestant.name, contestant.version);
    println!("{}", Stretch::header());
    let time = seconds(minutes * 60.0)?;
    let every = Duration::try_from_secs_f64(1.0 / rate).ok().filter(|every| !every.is_zero());
    let every = every.with_context(|| format!("visits cannot begin {rate} times a second"))?;
    plan::churn(&contestant, plan::Churn { time, every }, |stretch| println!("{}", stretch.row())).await?;
    Ok(ExitCode::SUCCESS)
}

fn works(only: &[String]) -> anyhow::Result<Vec<&'static Work>> {
    if only.is_empty() {
        return Ok(WORKS.iter().collect());
    }
    let find = |name: &String| {
        let names = || WORKS.iter().map(|work| work.name).collect::<Vec<_>>().join(", ");
        let work = WORKS.iter().find(|work| work.name == name);
        work.with_context(|| format!("there is no work `{name}`; there are {}", names()))
    };
    only.iter().map(find).collect()
}

fn seconds(number: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(number).with_context(|| format!("{number} is no time"))
}

/// Thousands of streams are thousands of descriptors.
fn raise_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // What cannot be raised will show when it is too low.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}
