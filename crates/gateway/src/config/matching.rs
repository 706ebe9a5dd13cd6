//! Which listener and route a request goes to.
//!
//! The rules are those of the Kubernetes Gateway API ("HTTPRouteRule", precedence): the most specific match wins,
//! whatever the order in the file, and only between equals the first does.

use std::fmt;

use http::request::Parts;
use http::{HeaderName, Method};
use policy::host::{Host, HostPattern};
use regex::Regex;

use super::{Bind, Listener, Route};

/// An exact host is more specific than every wildcard, and a longer wildcard more than a shorter one.
fn host_specificity(pattern: &HostPattern) -> (bool, usize) {
    match pattern {
        HostPattern::Exact(_) => (true, 0),
        HostPattern::Below(suffix) => (false, suffix.len()),
    }
}

/// Whether some host is matched by both patterns.
pub(super) fn overlap(one: &HostPattern, other: &HostPattern) -> bool {
    match (one, other) {
        (HostPattern::Exact(host), pattern) | (pattern, HostPattern::Exact(host)) => pattern.matches(host),
        (HostPattern::Below(a), HostPattern::Below(b)) => a.ends_with(b.as_str()) || b.ends_with(a.as_str()),
    }
}

/// A regular expression that a whole text has to match. Two are equal if they are written the same.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles an expression; the error says what is wrong in one line.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        // On its own first, so that `a)(b` is no way out of the parentheses below.
        let regex = Regex::new(source).and_then(|_| Regex::new(&format!(r"\A(?:{source})\z")));
        match regex {
            Ok(regex) => Ok(Self { source: source.to_owned(), regex }),
            Err(regex::Error::CompiledTooBig(_)) => Err("it is too large".to_owned()),
            // The text of the error quotes the expression over several lines; its last line is the reason.
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim();
                Err(reason.strip_prefix("error: ").unwrap_or(reason).to_owned())
            }
        }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        let Self { source, regex: _ } = self;
        *source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

/// What a path has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMatch {
    /// Exactly this path.
    Exact(String),
    /// This path and everything below it, in whole segments. Kept without a `/` at the end, so `""` is every path.
    Prefix(String),
    /// A path that the expression matches as a whole.
    Regex(Pattern),
}

impl PathMatch {
    /// Whether a path, as it stands in the request line, is matched.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Regex(pattern) => pattern.matches(path),
        }
    }

    fn specificity(&self) -> (u8, usize) {
        match self {
            Self::Exact(path) => (3, path.len()),
            // Every path starts with `/`. If that went before a regular expression, no catch-all route could stand
            // next to one.
            Self::Prefix(prefix) if prefix.is_empty() => (0, 0),
            Self::Prefix(prefix) => (2, prefix.len()),
            Self::Regex(pattern) => (1, pattern.as_str().len()),
        }
    }
}

/// What a header or a parameter has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueMatch {
    /// Exactly this value.
    Exact(String),
    /// A value that the expression matches as a whole.
    Regex(Pattern),
}

impl ValueMatch {
    /// Whether a value is matched.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == value,
            Self::Regex(pattern) => pattern.matches(value),
        }
    }
}

/// A header that has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatch {
    /// Its name.
    pub name: HeaderName,
    /// What its value has to be; if the header is there several times, one of them.
    pub value: ValueMatch,
}

/// A parameter of the query that has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryMatch {
    /// Its name, decoded.
    pub name: String,
    /// What its decoded value has to be; if the parameter is there several times, one of them.
    pub value: ValueMatch,
}

/// What a request has to look like; all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The path.
    pub path: PathMatch,
    /// Headers that have to be there.
    pub headers: Vec<HeaderMatch>,
    /// The method; `None` is every method.
    pub method: Option<Method>,
    /// Query parameters that have to be there.
    pub query: Vec<QueryMatch>,
}

impl Match {
    /// The match of a route that names none: every request.
    pub(super) fn everything() -> Self {
        Self { path: PathMatch::Prefix(String::new()), headers: Vec::new(), method: None, query: Vec::new() }
    }

    /// Whether a request looks like this.
    pub fn matches(&self, parts: &Parts) -> bool {
        let Self { path, headers, method, query } = self;
        method.as_ref().is_none_or(|method| *method == parts.method)
            && path.matches(parts.uri.path())
            && headers.iter().all(|HeaderMatch { name, value }| {
                let texts = parts.headers.get_all(name).iter();
                texts
                    .filter_map(|text| std::str::from_utf8(text.as_bytes()).ok())
                    .any(|text| value.matches(text))
            })
            && query.iter().all(|QueryMatch { name, value }| {
                let query = parts.uri.query().unwrap_or_default();
                form_urlencoded::parse(query.as_bytes()).any(|(n, v)| n == name.as_str() && value.matches(&v))
            })
    }

    /// How much a match says: its path first, then the method, then how many headers and parameters it names.
    fn specificity(&self) -> ((u8, usize), bool, usize, usize) {
        let Self { path, headers, method, query } = self;
        (path.specificity(), method.is_some(), headers.len(), query.len())
    }
}

impl Bind {
    /// The listener for a host: the one that names it exactly, else the longest wildcard, else the one for all hosts.
    pub fn listener(&self, host: Option<&Host>) -> Option<&Listener> {
        let serves = |listener: &&Listener| match (&listener.hostname, host) {
            (None, _) => true,
            (Some(pattern), Some(host)) => pattern.matches(host),
            (Some(_), None) => false,
        };
        self.listeners
            .iter()
            .filter(serves)
            .max_by_key(|listener| listener.hostname.as_ref().map(host_specificity))
    }
}

impl Listener {
    /// The route for a request: the most specific hostname goes first, then the most specific match, then the order
    /// of the file.
    pub fn route(&self, host: Option<&Host>, parts: &Parts) -> Option<&Route> {
        let mut best = None;
        for route in &self.routes {
            let hostname = match (route.hostnames.as_slice(), host) {
                ([], _) => None,
                (patterns, Some(host)) => {
                    let named = patterns.iter().filter(|pattern| pattern.matches(host));
                    let Some(specificity) = named.map(host_specificity).max() else { continue };
                    Some(specificity)
                }
                (_, None) => continue,
            };
            for candidate in &route.matches {
                let rank = (hostname, candidate.specificity());
                // The comparison is cheap and regular expressions are not.
                if best.is_none_or(|(best, _)| rank > best) && candidate.matches(parts) {
                    best = Some((rank, route));
                }
            }
        }
        best.map(|(_, route)| route)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::config::{Config, Source, load};

    fn config(routes: &str) -> Config {
        let text = format!("binds: [{{port: 1, listeners: [{routes}]}}]");
        load(&Source::Inline(text), &|_| None).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// A route of a name, with more keys.
    fn route(name: &str, keys: &str) -> String {
        format!(
            "{{name: {name}, {keys}, backends: [{{mcp: {{targets: [{{name: a, stdio: {{cmd: a}}}}]}}}}]}}"
        )
    }

    /// Where a request goes, as `listener/route`.
    fn to(config: &Config, request: http::request::Builder) -> String {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let authority = policy::origin::authority(&parts).ok();
        let host = authority.as_ref().map(|authority| &authority.host);
        let Some(listener) = config.binds[0].listener(host) else { return "no listener".to_owned() };
        match listener.route(host, &parts) {
            Some(route) => format!("{}/{}", listener.name, route.name),
            None => "no route".to_owned(),
        }
    }

    #[test]
    fn the_most_specific_match_wins_whatever_the_order() {
        let mut routes = [
            route("all", "matches: [{}]"),
            route("regex", r"matches: [{path: {regex: '/v[0-9]+/.*'}}]"),
            route("prefix", "matches: [{path: {pathPrefix: /v1}}]"),
            route("longer", "matches: [{path: {pathPrefix: /v1/mcp/}}]"),
            route("exact", "matches: [{path: {exact: /v1/mcp}}]"),
            route("post", "matches: [{path: {exact: /v1/mcp}, method: POST}]"),
            route("header", "matches: [{path: {exact: /v1/mcp}, headers: [{name: X-A, value: {exact: b}}]}]"),
            route(
                "query",
                "matches: [{path: {exact: /v1/mcp}, query: [{name: 'q q', value: {regex: 'a|b+'}}]}]",
            ),
        ];
        for _ in 0..routes.len() {
            let config = config(&format!("{{name: l, routes: [{}]}}", routes.join(", ")));
            let get = |path: &str| to(&config, Request::get(path));
            assert_eq!(get("/"), "l/all");
            assert_eq!(get("/v1"), "l/prefix");
            assert_eq!(get("/v12"), "l/all");
            assert_eq!(get("/v1/"), "l/prefix");
            assert_eq!(get("/v1/mcpx"), "l/prefix");
            assert_eq!(get("/v1/mcp/x"), "l/longer");
            assert_eq!(get("/v1/mcp"), "l/exact");
            assert_eq!(get("/v2/mcp"), "l/regex");
            assert_eq!(get("/x/v2/mcp"), "l/all");
            assert_eq!(get("/v1/mcp?q=a"), "l/exact");
            assert_eq!(get("/v1/mcp?x&q+q=bbb"), "l/query");
            assert_eq!(get("/v1/mcp?q%20q=ab"), "l/exact");
            assert_eq!(get("/v1/mcp?q%20q=c&q%20q=a"), "l/query");
            assert_eq!(to(&config, Request::post("/v1/mcp")), "l/post");
            assert_eq!(to(&config, Request::post("/v1/mcp").header("x-a", "b")), "l/post");
            assert_eq!(to(&config, Request::get("/v1/mcp").header("x-a", "b")), "l/header");
            assert_eq!(
                to(&config, Request::get("/v1/mcp").header("x-a", "c").header("x-a", "b")),
                "l/header"
            );
            assert_eq!(to(&config, Request::get("/v1/mcp").header("x-a", "bb")), "l/exact");
            routes.rotate_left(1);
        }
    }

    #[test]
    fn between_equals_the_first_wins() {
        let routes = [
            route("one", "matches: [{path: {exact: /b}}, {path: {exact: /a}}]"),
            route("two", "matches: [{path: {exact: /a}}]"),
        ];
        let config = config(&format!("{{name: l, routes: [{}]}}", routes.join(", ")));
        assert_eq!(to(&config, Request::get("/a")), "l/one");
        assert_eq!(to(&config, Request::get("/b")), "l/one");
        assert_eq!(to(&config, Request::get("/c")), "no route");
    }

    #[test]
    fn hosts_choose_the_listener_and_then_the_route() {
        let listeners = [
            format!("{{name: rest, routes: [{}]}}", route("r", "matches: []")),
            format!(
                "{{name: wide, hostname: '*.example.com', routes: [{}, {}]}}",
                route("r", "hostnames: []"),
                route("b", "hostnames: [x.b.example.com, '*.b.example.com']")
            ),
            format!(
                "{{name: narrow, hostname: '*.a.example.com', routes: [{}]}}",
                route("r", "hostnames: []")
            ),
            format!("{{name: exact, hostname: Example.com, routes: [{}]}}", route("r", "hostnames: []")),
            format!("{{name: six, hostname: '::1', routes: [{}]}}", route("r", "hostnames: []")),
        ];
        let config = config(&listeners.join(", "));
        let host = |host: &str| to(&config, Request::get("/").header("host", host));
        assert_eq!(host("example.com"), "exact/r");
        assert_eq!(host("EXAMPLE.com:3000"), "exact/r");
        assert_eq!(host("example.com."), "exact/r");
        assert_eq!(host("x.example.com"), "wide/r");
        assert_eq!(host("x.y.example.com"), "wide/r");
        assert_eq!(host("x.b.example.com"), "wide/b");
        assert_eq!(host("a.example.com"), "wide/r");
        assert_eq!(host("x.A.example.com"), "narrow/r");
        assert_eq!(host("notexample.com"), "rest/r");
        assert_eq!(host(".example.com"), "rest/r");
        assert_eq!(host("[::1]:3000"), "six/r");
        assert_eq!(host(""), "rest/r");
        assert_eq!(to(&config, Request::get("/")), "rest/r");
        assert_eq!(to(&config, Request::get("https://example.com:8443/")), "exact/r");
    }

    #[test]
    fn no_listener_for_a_host_that_nobody_claims() {
        let config = config(&format!("{{hostname: example.com, routes: [{}]}}", route("r", "matches: []")));
        assert_eq!(to(&config, Request::get("/").header("host", "other")), "no listener");
        assert_eq!(to(&config, Request::get("/")), "no listener");
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let pattern = Pattern::new("a|ab").expect("a pattern");
        assert!(pattern.matches("a") && pattern.matches("ab"));
        assert!(!pattern.matches("abc") && !pattern.matches("xa") && !pattern.matches("a\n"));
        assert!(Pattern::new("a)(b").is_err());
        assert_eq!(Pattern::new("a").ok(), Pattern::new("a").ok());
        assert_ne!(Pattern::new("a").ok(), Pattern::new("(a)").ok());
    }
}
