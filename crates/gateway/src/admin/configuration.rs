//! The configuration through the API: read, checked, edited, saved.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use crate::config::edit::{self, Edit, NotEdited, TargetSpec};
use crate::config::store::{self, NotReplaced};
use crate::config::{self, Config, Fault, LARGEST_FILE, Problem, Source};

#[cfg(test)]
mod tests;

/// The largest body: twice what a file may hold, for what JSON makes of it.
const LARGEST: usize = (LARGEST_FILE as usize) * 2 + (64 << 10);
/// How long a save waits until its text is in force. Opening ports and reading certificates takes no longer.
const TAKING_OVER: Duration = Duration::from_secs(10);
/// Lines around each change that a difference shows.
const AROUND: usize = 3;
/// How long the smallest difference is looked for. Then a larger one will do.
const COMPARING: Duration = Duration::from_millis(500);

/// A wish to take the configuration over as it is now.
pub struct Reload {
    /// Told why it is not in force then, if it is not.
    pub done: oneshot::Sender<Option<Problem>>,
}

/// The configuration, as the API reads and writes it.
pub(super) struct Configuration {
    source: Source,
    /// What the program was started with.
    started: Config,
    reload: mpsc::Sender<Reload>,
    /// Held by whoever saves, from the comparison with what was read until the file is replaced.
    saving: Mutex<()>,
    /// Why the text that was read last is not in force, as a port that is taken.
    problem: Mutex<Option<Problem>>,
}

/// Every path that is about the configuration.
pub(super) fn routes(configuration: Arc<Configuration>) -> Router {
    Router::new()
        .route("/api/config", get(read).put(save))
        .route("/api/config/schema", get(schema))
        .route("/api/config/target", get(target))
        .route("/api/config/check", post(check))
        .route("/api/config/edit", post(make))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(configuration)
}

impl Configuration {
    pub(super) fn new(source: Source, started: Config, reload: mpsc::Sender<Reload>) -> Self {
        Self { source, started, reload, saving: Mutex::new(()), problem: Mutex::new(None) }
    }

    /// Notes why the text that was read last is not in force, or that it is.
    pub(super) fn note(&self, problem: Option<Problem>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn problem(&self) -> Option<Problem> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the source is a file that can be replaced.
    pub(super) fn is_writable(&self) -> bool {
        self.obstacle().is_none()
    }

    /// Why the source cannot be replaced, and what to do about it.
    fn obstacle(&self) -> Option<String> {
        match &self.source {
            Source::File(path) => store::obstacle(path),
            Source::Stdin(_) => Some(with_a_file("the configuration came from standard input")),
            Source::Inline(_) => Some(with_a_file("the configuration came from the command line")),
            Source::Default => Some(with_a_file("this is the built-in configuration")),
        }
    }

    /// The text as it is now.
    fn stored(&self) -> Result<Stored, Failure> {
        let text = self.source.read().map_err(|faults| match &self.source {
            Source::File(path) if !path.exists() => Failure::not_found(faults.to_string()),
            _ => invalid(faults.into()),
        })?;
        Ok(Stored { revision: store::revision(&text), text: text.into_owned() })
    }

    /// What a text would mean in the place of what is there, or what is wrong with it.
    fn understand(&self, text: &str) -> Result<Config, Problem> {
        config::load_text(&self.source, text, &config::process_environment).map_err(Problem::from)
    }

    /// What there is to say of a text that would take the place of another.
    fn report(&self, before: &str, text: &str) -> Report {
        let diff = TextDiff::configure().timeout(COMPARING).diff_lines(before, text);
        let diff = diff.unified_diff().context_radius(AROUND).header("in the file", "as edited").to_string();
        let (faults, restart) = match self.understand(text) {
            Ok(config) => (Vec::new(), config::restart_keys(&self.started, &config)),
            Err(problem) => (problem.faults, Vec::new()),
        };
        Report { faults, diff: if before == text { String::new() } else { diff }, restart }
    }

    /// Replaces the file, if the text is valid and nobody has changed the file since it was read.
    fn replace(&self, revision: &str, text: &str) -> Result<String, Failure> {
        let Source::File(path) = &self.source else {
            return Err(read_only(self.obstacle().unwrap_or_default()));
        };
        self.understand(text).map_err(invalid)?;
        let replaced = {
            let _turn = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
            store::replace(path, revision, text)
        };
        match replaced {
            Ok(revision) => {
                tracing::info!("{} was saved in the admin interface", path.display());
                Ok(revision)
            }
            Err(NotReplaced::Changed) => {
                let text = "the file has changed since it was read; compare it with yours, and save again";
                Err(Failure::new(StatusCode::CONFLICT, "changed", text))
            }
            Err(NotReplaced::ReadOnly(text)) => Err(read_only(text)),
            Err(error @ NotReplaced::Failed(_)) => {
                tracing::error!("{}: {error}", path.display());
                let text = format!("{error}; the file is as it was");
                Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", text))
            }
        }
    }

    /// Has the configuration taken over as it is now, and says why it is not in force then, if it is not.
    async fn take_over(&self) -> Option<Problem> {
        let (done, outcome) = oneshot::channel();
        let asked = async {
            self.reload.send(Reload { done }).await.ok()?;
            outcome.await.ok()
        };
        match tokio::time::timeout(TAKING_OVER, asked).await {
            Ok(Some(problem)) => problem,
            Ok(None) => Some(anyhow::anyhow!("it is saved, but the gateway stops just now").into()),
            Err(_) => {
                let waited = TAKING_OVER.as_secs();
                Some(
                    anyhow::anyhow!("it is saved, but not in force after {waited} s; the log says why")
                        .into(),
                )
            }
        }
    }

    /// Reading files and checking texts takes a while, and other requests must not wait for it.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this)).await.unwrap_or_else(|_| {
            let text = "this failed in the gateway; its log says more";
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", text))
        })
    }
}

/// What the source says, and a name for exactly that.
struct Stored {
    text: String,
    revision: String,
}

fn with_a_file(reason: &str) -> String {
    format!("{reason}; start the gateway with `-f FILE` to change it here")
}

fn read_only(text: String) -> Failure {
    Failure::new(StatusCode::FORBIDDEN, "readOnly", text)
}

fn invalid(Problem { text, faults }: Problem) -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text).with_faults(faults)
}

/// A body, if it can be read, and a text that is no longer than files may be.
fn body<T: HasText>(body: Result<Json<T>, JsonRejection>) -> Result<T, Failure> {
    let too_large = || {
        let text = format!("a configuration has at most {} MiB", LARGEST_FILE >> 20);
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", text)
    };
    match body {
        Ok(Json(body)) if body.text().len() as u64 > LARGEST_FILE => Err(too_large()),
        Ok(Json(body)) => Ok(body),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Err(rejection) => Err(rejection.into()),
    }
}

/// A body that may hold the text of a configuration.
trait HasText {
    fn text(&self) -> &str;
}

#[derive(Serialize)]
struct File {
    source: &'static str,
    path: Option<String>,
    writable: bool,
    text: String,
    revision: String,
    problem: Option<Problem>,
}

async fn read(State(configuration): State<Arc<Configuration>>) -> Result<Json<File>, Failure> {
    let read = |this: &Configuration| {
        let Stored { text, revision } = this.stored()?;
        let problem = this.understand(&text).err().or_else(|| this.problem());
        let (source, path) = (this.source.kind(), this.source.path());
        Ok(Json(File { source, path, writable: this.is_writable(), text, revision, problem }))
    };
    configuration.blocking(read).await
}

async fn schema() -> ([(http::HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "application/schema+json")], config::schema())
}

#[derive(Deserialize)]
struct NewText {
    text: String,
}

#[derive(Serialize)]
struct Report {
    faults: Vec<Fault>,
    diff: String,
    restart: Vec<String>,
}

impl HasText for NewText {
    fn text(&self) -> &str {
        &self.text
    }
}

async fn check(
    State(configuration): State<Arc<Configuration>>,
    new: Result<Json<NewText>, JsonRejection>,
) -> Result<Json<Report>, Failure> {
    let NewText { text } = body(new)?;
    let check = move |this: &Configuration| {
        // A file that cannot be read keeps nobody from checking another text.
        let before = this.stored().map(|stored| stored.text).unwrap_or_default();
        Ok(Json(this.report(&before, &text)))
    };
    configuration.blocking(check).await
}

#[derive(Deserialize)]
struct Wanted {
    /// What to edit, if not the file as it is.
    text: Option<String>,
    edit: Edit,
}

#[derive(Serialize)]
struct Edited {
    text: String,
    revision: String,
    #[serde(flatten)]
    report: Report,
}

impl HasText for Wanted {
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

async fn make(
    State(configuration): State<Arc<Configuration>>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Edited>, Failure> {
    let Wanted { text, edit } = body(wanted)?;
    let make = move |this: &Configuration| {
        let stored = this.stored()?;
        let text = text.as_deref().unwrap_or(&stored.text);
        let text = edit::apply(text, &edit, &config::process_environment)?;
        let report = this.report(&stored.text, &text);
        Ok(Json(Edited { text, revision: stored.revision, report }))
    };
    configuration.blocking(make).await
}

impl From<NotEdited> for Failure {
    fn from(reason: NotEdited) -> Self {
        let text = reason.to_string();
        match reason {
            NotEdited::Invalid(faults) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text)
                .with_faults(faults.iter().cloned().collect()),
            NotEdited::NotFound(_) => Self::not_found(text),
            NotEdited::Refused(_) | NotEdited::ByHand(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "cannotEdit", text)
            }
        }
    }
}

#[derive(Deserialize)]
struct New {
    revision: String,
    text: String,
}

#[derive(Serialize)]
struct Saved {
    revision: String,
    applied: bool,
    problem: Option<Problem>,
}

impl HasText for New {
    fn text(&self) -> &str {
        &self.text
    }
}

async fn save(
    State(configuration): State<Arc<Configuration>>,
    new: Result<Json<New>, JsonRejection>,
) -> Result<Json<Saved>, Failure> {
    let New { revision, text } = body(new)?;
    let revision = configuration.blocking(move |this| this.replace(&revision, &text)).await?;
    let problem = configuration.take_over().await;
    Ok(Json(Saved { revision, applied: problem.is_none(), problem }))
}

#[derive(Deserialize)]
struct OfTarget {
    backend: String,
    name: String,
}

async fn target(
    State(configuration): State<Arc<Configuration>>,
    query: Result<Query<OfTarget>, QueryRejection>,
) -> Result<Json<TargetSpec>, Failure> {
    let Query(OfTarget { backend, name }) = query?;
    let target = move |this: &Configuration| {
        let Stored { text, .. } = this.stored()?;
        Ok(Json(edit::target(&text, &backend, &name, &config::process_environment)?))
    };
    configuration.blocking(target).await
}
