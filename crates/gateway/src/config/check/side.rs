//! The addresses that are not for clients: of the admin interface, of metrics, of readiness.

use std::collections::HashMap;

use super::super::SideAddress;
use super::{At, Check, Taken, is_host_port, said};

/// One of them.
pub(super) struct Side {
    /// Its key in `config`.
    pub(super) key: &'static str,
    /// Where it is if nothing is said.
    default: &'static str,
    /// Whose address it is, in messages.
    pub(super) noun: &'static str,
    /// What to do if its port is wanted for something else.
    pub(super) another: &'static str,
}

pub(super) static ADMIN: Side = Side {
    key: "adminAddr",
    default: said::DEFAULT_ADMIN,
    noun: "admin interface",
    another: "choose another one, or set `config.adminAddr`",
};
static STATS: Side = Side {
    key: "statsAddr",
    default: said::DEFAULT_STATS,
    noun: "metrics listener",
    another: "choose another one, or set `config.statsAddr`",
};
static READINESS: Side = Side {
    key: "readinessAddr",
    default: said::DEFAULT_READINESS,
    noun: "readiness listener",
    another: "choose another one, or set `config.readinessAddr`",
};

/// In the order in which they get their ports.
pub(super) static ALL: [&Side; 3] = [&ADMIN, &STATS, &READINESS];

impl Check {
    /// Where metrics and readiness are told.
    pub(super) fn sides(
        &mut self,
        settings: Option<&said::Settings>,
        at: &At<'_>,
    ) -> (Option<SideAddress>, Option<SideAddress>) {
        let stats = settings.and_then(|settings| settings.stats_addr.as_deref());
        let readiness = settings.and_then(|settings| settings.readiness_addr.as_deref());
        (self.side(&STATS, stats, at), self.side(&READINESS, readiness, at))
    }

    pub(super) fn side(&mut self, side: &Side, said: Option<&str>, at: &At<'_>) -> Option<SideAddress> {
        let text = said.unwrap_or(side.default);
        if text == said::ADMIN_OFF {
            return None;
        }
        if !is_host_port(text) {
            let at = at.key(side.key);
            let message = format!("{} is not an address to listen on", at.quote(text));
            self.fault(&at, message, format!("write `host:port`, like `{}`, or `off`", side.default));
        }
        Some(SideAddress { address: text.to_owned(), is_default: said.is_none() })
    }

    /// Notes that an address takes its port, unless another one has it already.
    pub(super) fn side_port(
        &mut self,
        side: &'static Side,
        address: Option<&String>,
        at: &At<'_>,
        ports: &mut HashMap<u16, Taken>,
    ) {
        let port =
            address.and_then(|address| address.rsplit_once(':')).and_then(|(_, port)| port.parse().ok());
        let Some(port) = port.filter(|port| *port != 0) else { return };
        match ports.get(&port) {
            None => {
                ports.insert(port, Taken::Side(side, at.node.map(|node| node.place.line)));
            }
            // One that nobody asked for gives way when it finds its port taken.
            Some(_) if at.node.is_none() => {}
            Some(_) => self.port(port, at, ports),
        }
    }
}
