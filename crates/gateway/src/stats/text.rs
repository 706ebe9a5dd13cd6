//! The two forms in which metrics are told: OpenMetrics, and the older one of Prometheus for those that know no other.

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};

use crate::http::body::Body;

const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics in the form that the client takes.
pub(super) fn respond(headers: &HeaderMap, metrics: String) -> Response<Body> {
    let (kind, text) = match takes_open_metrics(headers) {
        true => (OPEN, metrics),
        false => (CLASSIC, classic(&metrics)),
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A client that names it takes it, and so does one that takes everything, like `curl`. A browser would not show it.
fn takes_open_metrics(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let nothing = named.peek().is_none();
    nothing || named.any(|value| value == "*/*" || value.contains("application/openmetrics-text"))
}

/// The same in the form of Prometheus 0.0.4, in which the name of a counter has its suffix also where it is described, and
/// infos are gauges.
fn classic(metrics: &str) -> String {
    let mut out = String::with_capacity(metrics.len());
    let mut lines = metrics.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("# UNIT ") || line.starts_with("# EOF") {
            continue;
        }
        let described = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let kind =
            lines.peek().and_then(|next| next.strip_prefix("# TYPE ")).and_then(|rest| rest.rsplit_once(' '));
        match (described, kind) {
            (Some((name, help)), Some((of, kind))) if name == of && matches!(kind, "counter" | "info") => {
                let (suffix, kind) = if kind == "counter" { ("total", "counter") } else { ("info", "gauge") };
                out.push_str(&format!("# HELP {name}_{suffix} {help}\n# TYPE {name}_{suffix} {kind}\n"));
                lines.next();
            }
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_asked_for() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, open) in [
            (None, true),
            (Some("*/*"), true),
            (Some(prometheus), true),
            (Some("text/plain;version=0.0.4"), false),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), false),
        ] {
            let headers =
                accept.map(|accept| (ACCEPT, HeaderValue::from_static(accept))).into_iter().collect();
            assert_eq!(takes_open_metrics(&headers), open, "{accept:?}");
        }
    }

    #[test]
    fn counters_are_described_by_the_name_of_their_samples() {
        let open = "# HELP a_calls Calls.\n# TYPE a_calls counter\na_calls_total{x=\"# TYPE\"} 1\n\
                    # HELP a_build Build.\n# TYPE a_build info\na_build_info{v=\"1\"} 1\n\
                    # HELP a_cpu_seconds CPU.\n# TYPE a_cpu_seconds gauge\n# UNIT a_cpu_seconds seconds\na_cpu_seconds 2\n# EOF\n";
        let expected = "# HELP a_calls_total Calls.\n# TYPE a_calls_total counter\na_calls_total{x=\"# TYPE\"} 1\n\
                        # HELP a_build_info Build.\n# TYPE a_build_info gauge\na_build_info{v=\"1\"} 1\n\
                        # HELP a_cpu_seconds CPU.\n# TYPE a_cpu_seconds gauge\na_cpu_seconds 2\n";
        assert_eq!(classic(open), expected);
    }
}
