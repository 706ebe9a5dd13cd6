//! Room for sockets and pipes.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Lets this process open as many files as it may.
///
/// The soft limit is 1024 on most systems, for the sake of programs that use `select`; a gateway needs two descriptors for
/// a busy client, and three for a child, so that it would stop to accept at a few hundred. The hard limit is what the
/// operator decided on. Returns the soft limit from before, if it was another: children get that one.
pub fn raise_limit() -> Option<u64> {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        }
        Ok((soft < hard).then_some(soft))
    });
    raised.unwrap_or_else(|error| {
        tracing::debug!(%error, "the limit of open files could not be raised");
        None
    })
}
