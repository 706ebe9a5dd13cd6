//! Whether requests are welcome. Nothing else is told here, because a cluster may ask.

use http::{Method, Response, StatusCode};

use super::vitals::{Phase, Vitals};
use super::{only_reads, reads_only};
use crate::http::body::Body;
use crate::http::respond;

/// Answers a probe. No particular host is asked for: probes call by whatever name or address they have.
pub(super) fn answer(vitals: &Vitals, method: &Method, path: &str) -> Response<Body> {
    match path {
        "/healthz/ready" | "/healthz/live" if !only_reads(method) => reads_only(),
        // A target that is down is no reason to send clients elsewhere: the same target is down there.
        "/healthz/ready" => match vitals.phase() {
            Phase::Starting => respond::plain(StatusCode::SERVICE_UNAVAILABLE, "starting"),
            Phase::Ready => respond::plain(StatusCode::OK, "ready"),
            Phase::Stopping => respond::plain(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        },
        // That there is an answer is the answer.
        "/healthz/live" => respond::plain(StatusCode::OK, "live"),
        _ => respond::plain(StatusCode::NOT_FOUND, "probes are answered at /healthz/ready and /healthz/live"),
    }
}
