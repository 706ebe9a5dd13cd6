//! The program and its configuration.

use std::fmt;

use super::page::{Page, family, seconds};
use super::process::since_1970;
use crate::stats::vitals::Configuration;

pub(super) fn tell(page: &mut Page<'_>, configuration: &Configuration) -> fmt::Result {
    let Configuration { in_sync, loaded, taken, failed, waiting } = *configuration;
    page.gauge(
        &family("config_in_sync", "Whether the configuration in force is the one of the file."),
        u32::from(in_sync),
    )?;
    page.gauge(
        &seconds("config_loaded_timestamp", "When the configuration in force was last read from the file."),
        since_1970(loaded),
    )?;
    page.counters(
        &family("config_reloads", "How often a changed file was read, and what came of it."),
        [([("outcome", "ok")], taken), ([("outcome", "failed")], failed)],
    )?;
    page.gauge(
        &family("config_restart_keys", "Keys of the configuration that wait for the next start."),
        waiting,
    )?;
    page.info(&family("build", "The program."), &[("version", env!("CARGO_PKG_VERSION"))])
}
