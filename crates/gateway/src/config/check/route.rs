//! Routes: which requests they take, and the backends they share them between.

use std::collections::HashMap;
use std::str::FromStr;

use http::header::CONTENT_LENGTH;
use http::{HeaderName, Method};
use policy::host::HostPattern;

use super::super::document as said;
use super::super::matching::{HeaderMatch, Match, PathMatch, Pattern, QueryMatch, ValueMatch, overlap};
use super::super::yaml::shorten;
use super::super::{Backend, Route};
use super::{At, Check, is_stateless, longest_name};

impl Check {
    pub(super) fn routes(
        &mut self,
        routes: &[said::Route],
        key: &str,
        only: Option<(&HostPattern, &str)>,
        at: &At<'_>,
    ) -> Vec<Route> {
        let mut names = HashMap::new();
        let routes = routes.iter().enumerate().map(|(index, route)| {
            let at = at.index(index);
            let said::Route { name, hostnames, matches, policies, backends } = route;
            let name = self.name(name.as_deref(), "route", index, &at, &mut names);
            let key = format!("{key}/{name}");
            Route {
                hostnames: self.hostnames(
                    hostnames.as_deref().unwrap_or_default(),
                    only,
                    &at.key("hostnames"),
                ),
                matches: self.matches(matches.as_deref().unwrap_or_default(), &at.key("matches")),
                cors: self.policies(policies.as_ref(), &at.key("policies")),
                backends: self.backends(backends, &key, &at.key("backends")),
                name,
            }
        });
        routes.collect()
    }

    /// `only` is the listener's hostname, and how it is shown.
    fn hostnames(
        &mut self,
        texts: &[String],
        only: Option<(&HostPattern, &str)>,
        at: &At<'_>,
    ) -> Vec<HostPattern> {
        let mut hostnames = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let at = at.index(index);
            let Some(hostname) = self.hostname(text, &at) else { continue };
            if let Some((_, only)) = only.filter(|(only, _)| !overlap(only, &hostname)) {
                let message = format!(
                    "{} never gets a request, because its listener is for `{only}` only",
                    at.quote(text)
                );
                self.fault(
                    &at,
                    message,
                    "move the route to another listener, or change the listener's `hostname`",
                );
            }
            hostnames.push(hostname);
        }
        hostnames
    }

    fn matches(&mut self, matches: &[said::Match], at: &At<'_>) -> Vec<Match> {
        if matches.is_empty() {
            return vec![Match::everything()];
        }
        let mut meant = Vec::new();
        for (index, said::Match { path, headers, method, query }) in matches.iter().enumerate() {
            let at = at.index(index);
            let path = match path {
                Some(path) => self.path(path, &at.key("path")),
                None => Some(PathMatch::Prefix(String::new())),
            };
            let mut header_matches = Vec::new();
            for (index, said::HeaderMatch { name, value }) in headers.iter().flatten().enumerate() {
                let at = at.key("headers").index(index);
                let value = self.value(value, &at.key("value"));
                let at = at.key("name");
                match name.parse::<HeaderName>() {
                    Ok(name) if name == CONTENT_LENGTH => {
                        let fault = "the length of the body decides on no route".to_owned();
                        self.fault(&at, fault, "leave it out");
                    }
                    Ok(name) => header_matches.extend(value.map(|value| HeaderMatch { name, value })),
                    Err(_) => {
                        let hint = match name.as_str() {
                            ":authority" => "use `hostnames` of the route",
                            ":path" => "use `path`",
                            ":method" => "use `method`",
                            _ => "",
                        };
                        self.fault(&at, format!("{} is not the name of a header", at.quote(name)), hint);
                    }
                }
            }
            let mut query_matches = Vec::new();
            for (index, said::QueryMatch { name, value }) in query.iter().flatten().enumerate() {
                let at = at.key("query").index(index);
                if name.is_empty() {
                    self.fault(&at.key("name"), "the name of the parameter is empty", "");
                }
                let value = self.value(value, &at.key("value"));
                query_matches.extend(value.map(|value| QueryMatch { name: name.clone(), value }));
            }
            let method = method.as_deref().and_then(|method| self.method(method, &at.key("method")));
            let (headers, query) = (header_matches, query_matches);
            meant.extend(path.map(|path| Match { path, headers, method, query }));
        }
        meant
    }

    fn path(&mut self, path: &said::PathMatch, at: &At<'_>) -> Option<PathMatch> {
        let said::PathMatch { exact, path_prefix, regex } = path;
        let given = [("exact", exact), ("pathPrefix", path_prefix), ("regex", regex)];
        let (kind, text) = self.exactly_one(given, "a path", at)?;
        let at = at.key(kind);
        if kind == "regex" {
            return self.pattern(text, &at).map(PathMatch::Regex);
        }
        if !text.starts_with('/') {
            let hint =
                if at.spelling().is_none() { format!("write `/{}`", shorten(text)) } else { String::new() };
            self.fault(&at, format!("the path {} does not start with `/`", at.quote(text)), hint);
            return None;
        }
        if let Some(odd) =
            text.chars().find(|c| matches!(c, '?' | '#') || c.is_whitespace() || c.is_control())
        {
            let hint = match odd {
                '?' => "parameters are matched by `query`",
                _ => "",
            };
            self.fault(
                &at,
                format!("the path {} matches nothing, because no path holds {odd:?}", at.quote(text)),
                hint,
            );
            return None;
        }
        Some(match kind {
            "exact" => PathMatch::Exact(text.to_owned()),
            _ => PathMatch::Prefix(text.trim_end_matches('/').to_owned()),
        })
    }

    fn value(&mut self, value: &said::ValueMatch, at: &At<'_>) -> Option<ValueMatch> {
        let said::ValueMatch { exact, regex } = value;
        match self.exactly_one([("exact", exact), ("regex", regex)], "a value", at)? {
            ("regex", text) => self.pattern(text, &at.key("regex")).map(ValueMatch::Regex),
            (_, text) => Some(ValueMatch::Exact(text.to_owned())),
        }
    }

    /// The one of several keys that is there.
    fn exactly_one<'v, const N: usize>(
        &mut self,
        given: [(&'static str, &'v Option<String>); N],
        what: &str,
        at: &At<'_>,
    ) -> Option<(&'static str, &'v str)> {
        let all = given.iter().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        let mut given = given.into_iter().filter_map(|(key, text)| text.as_deref().map(|text| (key, text)));
        let Some((first, text)) = given.next() else {
            self.fault(at, format!("{what} is expected here"), format!("give one of {all}"));
            return None;
        };
        match given.next() {
            None => Some((first, text)),
            Some((second, _)) => {
                self.fault(at, format!("{what} has both `{first}` and `{second}`"), "keep one of them");
                None
            }
        }
    }

    fn pattern(&mut self, text: &str, at: &At<'_>) -> Option<Pattern> {
        match Pattern::new(text) {
            Ok(pattern) => Some(pattern),
            Err(reason) => {
                // The reason may quote the expression, and that may come from the environment.
                let reason = if at.spelling().is_none() { format!(": {reason}") } else { String::new() };
                self.fault(at, format!("the regular expression {} is not valid{reason}", at.quote(text)), "");
                None
            }
        }
    }

    pub(super) fn method(&mut self, text: &str, at: &At<'_>) -> Option<Method> {
        match Method::from_str(text) {
            // Methods are case-sensitive (RFC 9110, section 9.1), so `get` is one, which nobody uses.
            Ok(method) if !text.bytes().any(|b| b.is_ascii_lowercase()) => Some(method),
            _ => {
                let hint = match at.spelling() {
                    None if text.bytes().all(|b| b.is_ascii_alphabetic()) && !text.is_empty() => {
                        format!("write `{}`", shorten(&text.to_ascii_uppercase()))
                    }
                    _ => "write it like `POST`".to_owned(),
                };
                self.fault(at, format!("{} is not a method", at.quote(text)), hint);
                None
            }
        }
    }

    fn backends(&mut self, backends: &[said::Backend], key: &str, at: &At<'_>) -> Vec<Backend> {
        let mut meant = Vec::new();
        for (index, said::Backend { weight, mcp }) in backends.iter().enumerate() {
            let said::Mcp { targets, prefix_mode, names, failure_mode, stateful_mode } = mcp;
            meant.push(Backend {
                key: format!("{key}/{index}"),
                weight: weight.unwrap_or(said::DEFAULT_WEIGHT),
                prefix_mode: prefix_mode.unwrap_or_default(),
                longest_name: longest_name(names.as_ref()),
                failure_mode: failure_mode.unwrap_or_default(),
                stateless: is_stateless(*stateful_mode),
                targets: self.targets(targets, &at.index(index).key("mcp").key("targets")),
            });
        }
        if !meant.is_empty() && meant.iter().all(|backend| backend.weight == 0) {
            let message = "no backend gets a request, because every `weight` is 0";
            self.fault(at, message, "give at least one of them a weight");
        }
        meant
    }
}
