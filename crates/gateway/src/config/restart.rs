//! What of a configuration takes effect only at the next start.

use super::Config;

/// The keys in which a configuration differs from the one that the program was started with, and which it reads only at its
/// start. A port that would move or change its protocol is not among them: such a configuration is not taken over at all.
pub fn restart_keys(started: &Config, next: &Config) -> Vec<String> {
    let mut keys = Vec::new();
    if started.admin != next.admin {
        keys.push("config.adminAddr".to_owned());
    }
    if started.stats != next.stats {
        keys.push("config.statsAddr".to_owned());
    }
    if started.readiness != next.readiness {
        keys.push("config.readinessAddr".to_owned());
    }
    if started.worker_threads != next.worker_threads {
        keys.push("config.workerThreads".to_owned());
    }
    if started.logging.format != next.logging.format {
        keys.push("config.logging.format".to_owned());
    }
    keys
}
