//! Log lines: one sentence each, with the fields that matter behind it.

use std::sync::{Arc, Mutex, PoisonError};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::{Level, LogFormat, Logging};

/// How many lines wait for a standard error that nobody reads. More are lost: a log that hangs must not stop the gateway.
const WAITING: usize = 10_000;

/// Changes the level of a running program. What waits is written when the last clone is dropped, but for one that hangs.
#[derive(Clone, Default)]
pub struct Levels {
    handle: Option<reload::Handle<EnvFilter, Registry>>,
    current: Arc<Mutex<Current>>,
    _writer: Option<Arc<WorkerGuard>>,
}

/// The level in force, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// The least important messages that are logged.
    pub level: Level,
    /// Who said so.
    pub from: From,
}

/// Who said which level is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The configuration.
    Config,
    /// `RUST_LOG`, which may say more than a level; the configuration's level is not in force then.
    Environment,
    /// An operator, through the admin interface.
    Api,
}

impl From {
    /// The word for it in the admin API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Environment => "environment",
            Self::Api => "api",
        }
    }
}

impl Default for Current {
    fn default() -> Self {
        Self { level: Level::Info, from: From::Config }
    }
}

impl Current {
    fn of(logging: &Logging) -> Self {
        let from = if environment().is_some() { From::Environment } else { From::Config };
        Self { level: logging.level, from }
    }
}

/// Starts logging to standard error. In a program that logs already, such as a test, nothing happens.
pub fn start(logging: &Logging) -> Levels {
    let (filter, handle) = reload::Layer::new(environment().unwrap_or_else(|| filter(logging.level)));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let waiting = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING);
    let (writer, guard) = waiting.finish(std::io::stderr());
    let lines = fmt::layer().with_writer(writer).with_ansi(colours);
    let lines = match logging.format {
        LogFormat::Text => lines.event_format(Line).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    match tracing_subscriber::registry().with(filter).with(lines).try_init() {
        Ok(()) => Levels {
            handle: Some(handle),
            current: Arc::new(Mutex::new(Current::of(logging))),
            _writer: Some(Arc::new(guard)),
        },
        Err(_) => Levels::default(),
    }
}

impl Levels {
    /// Takes over the level of a changed configuration. The format stays, because lines of two formats in one file help
    /// nobody.
    pub fn change(&self, logging: &Logging) {
        let filter = environment().unwrap_or_else(|| filter(logging.level));
        self.set(Current::of(logging), filter);
    }

    /// Takes an operator's word over that of the configuration and of the environment, until the next start or until the
    /// configuration says something new.
    pub fn override_with(&self, level: Level) {
        self.set(Current { level, from: From::Api }, filter(level));
    }

    /// The level in force.
    pub fn current(&self) -> Current {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, current: Current, filter: EnvFilter) {
        if let Some(handle) = &self.handle
            && let Err(error) = handle.reload(filter)
        {
            tracing::warn!(%error, "the log level could not be changed");
            return;
        }
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
    }
}

/// The level for us; libraries speak up only when something may be wrong.
fn filter(level: Level) -> EnvFilter {
    let ours = ["agentgateway", "federation", "policy", "protocol", "upstream"];
    let level = level.as_str();
    let rules: Vec<String> = ours.iter().map(|name| format!("{name}={level}")).collect();
    EnvFilter::new(format!("warn,{}", rules.join(",")))
}

/// What `RUST_LOG` says, if it says something.
fn environment() -> Option<EnvFilter> {
    let filter = EnvFilter::try_from_default_env().ok()?;
    // A variable that is empty says nothing.
    (!filter.to_string().is_empty()).then_some(filter)
}

/// `2026-11-21T05:29:00Z INFO agentgateway: Listening on 0.0.0.0:3000`: time, level, program, sentence, fields.
struct Line;

impl<S, N> fmt::FormatEvent<S, N> for Line
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    N: for<'a> fmt::FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &fmt::FmtContext<'_, S, N>,
        mut writer: fmt::format::Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        use fmt::FormatFields as _;
        use fmt::time::FormatTime as _;
        fmt::time::SystemTime.format_time(&mut writer)?;
        write!(writer, " {} agentgateway: ", event.metadata().level())?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
