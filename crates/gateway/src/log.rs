//! Log lines: one sentence each, with the fields that matter behind it.

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::{LogFormat, Logging};

/// Changes the level of a running program.
#[derive(Clone, Default)]
pub struct Levels(Option<reload::Handle<EnvFilter, Registry>>);

/// Starts logging to standard error. In a program that logs already, such as a test, nothing happens.
pub fn start(logging: &Logging) -> Levels {
    let (filter, handle) = reload::Layer::new(filter(logging));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = match logging.format {
        LogFormat::Text => lines.event_format(Line).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    match tracing_subscriber::registry().with(filter).with(lines).try_init() {
        Ok(()) => Levels(Some(handle)),
        Err(_) => Levels(None),
    }
}

impl Levels {
    /// Takes over the level of a changed configuration. The format stays, because lines of two formats in one file help
    /// nobody.
    pub fn change(&self, logging: &Logging) {
        if let Some(handle) = &self.0
            && let Err(error) = handle.reload(filter(logging))
        {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// The configured level for us; libraries speak up only when something may be wrong. `RUST_LOG` overrides both.
fn filter(logging: &Logging) -> EnvFilter {
    let ours = ["agentgateway", "federation", "policy", "protocol", "upstream"];
    let level = logging.level.as_str();
    let rules: Vec<String> = ours.iter().map(|name| format!("{name}={level}")).collect();
    let default = format!("warn,{}", rules.join(","));
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default))
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
