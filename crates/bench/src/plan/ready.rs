//! Whether a contestant serves everything that is behind it: asked as a client would, so that it is the same question to all.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep, timeout};

use crate::contestant::Running;
use crate::load::{Caller, Job, Names};

/// How long it may take; some begin with loading an interpreter and all that it needs.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);

/// Waits until all tools are listed, and finds out how they are called there.
pub(super) async fn wait(running: &mut Running, job: &Job) -> anyhow::Result<Names> {
    let began = Instant::now();
    let job = Arc::new(job.clone());
    loop {
        let seen = timeout(LOOK, look(&job)).await;
        let problem = match seen {
            Ok(Ok(tools)) if tools.len() == job.tools => return Ok(names(&tools)),
            Ok(Ok(tools)) => format!("it lists {} tools and not {}", tools.len(), job.tools),
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "it does not answer".to_owned(),
        };
        running.check()?;
        if began.elapsed() > PATIENCE {
            bail!("it is not ready after {PATIENCE:?}: {problem}{}", running.why());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn look(job: &Arc<Job>) -> Result<Vec<String>, crate::load::Fault> {
    let mut caller = Caller::connect(job, 0).await?;
    let tools = caller.tools().await?;
    caller.leave().await?;
    Ok(tools)
}

/// Whatever a gateway puts in front of a name, the name is at its end. The last target is asked for calls that hang.
fn names(tools: &[String]) -> Names {
    let is = |tool: &&String, name: &str| {
        tool.strip_suffix(name)
            .is_some_and(|front| !front.ends_with(|last: char| last.is_ascii_alphanumeric()))
    };
    let all = |name| tools.iter().filter(|tool| is(tool, name)).cloned().collect::<Vec<_>>();
    Names {
        echoes: all("echo"),
        large: all("large").into_iter().next().unwrap_or_default(),
        hang: all("hang").pop().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_found_whatever_stands_in_front() {
        for (front, between) in [("", ""), ("t", "_"), ("t", "__"), ("mcp.t", "/")] {
            let tools: Vec<_> = (0..3)
                .flat_map(|number| {
                    let front =
                        if front.is_empty() { String::new() } else { format!("{front}{number}{between}") };
                    ["veryecho", "echo", "large", "hang"].map(|name| format!("{front}{name}"))
                })
                .collect();
            let found = names(&tools);
            let echoes = [1, 5, 9].map(|place| tools[place].clone());
            assert_eq!((&found.echoes[..], &found.hang), (&echoes[..], &tools[11]), "{tools:?}");
        }
    }
}
