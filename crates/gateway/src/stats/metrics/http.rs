//! The HTTP side: connections, requests, streams, and what was refused.

use std::fmt;

use super::page::{Page, family};
use crate::http::counts::{CLASSES, Reason};
use crate::http::listener::Terms;

pub(super) fn tell(page: &mut Page<'_>, terms: &Terms) -> fmt::Result {
    let Terms { permits, counts, .. } = terms;
    page.gauge(&family("connections", "Connections of clients that are open."), permits.taken())?;
    page.gauge(&family("connections_limit", "How many there may be at once."), permits.most())?;
    page.counter(
        &family("connections_accepted", "Connections of clients that were accepted."),
        counts.accepted(),
    )?;
    page.gauge(&family("streams", "Event streams to clients that are open."), counts.streams())?;
    let mut listeners = counts.listeners();
    listeners.sort_by(|(one, _), (other, _)| one.cmp(other));
    page.counters(
        &family("requests", "Requests that were answered, by listener and class of the status."),
        listeners.iter().flat_map(|(key, statuses)| {
            let classes = CLASSES.into_iter().zip(statuses.by_class());
            classes.map(move |(class, count)| ([("listener", key.as_str()), ("status", class)], count))
        }),
    )?;
    page.counters(
        &family(
            "refused",
            "Connections and requests that were refused because something was too much, too slow or no HTTP.",
        ),
        Reason::ALL.map(|reason| ([("reason", reason.as_str())], counts.refused(reason))),
    )
}
