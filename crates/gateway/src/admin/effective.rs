//! What a configuration means, in the words of the file: every key, with the value that is in force.

use std::time::Duration;

use policy::cors::Names;
use policy::host::HostPattern;
use serde_json::{Map, Value, json};
use upstream::settings::{Breaker, Sharing};

use crate::config::{
    self, Activity, Backend, Bind, Conduct, Config, CorsSettings, HeaderMatch, Limits, Listener, Logging,
    Match, Origin, PathMatch, QueryMatch, Route, Session, SideAddress, Target, TlsFiles, TlsMode, Transport,
    ValueMatch,
};
use crate::workers::Workers;

/// All of it, in the long shape of the file. What may be secret is shown as the file spells it, or not at all.
pub(super) fn of(config: &Config) -> Value {
    let Config { admin, stats, readiness, logging, limits, session, activity, worker_threads, grace, binds } =
        config;
    let Logging { level, format, access_log } = logging;
    let side =
        |side: &Option<SideAddress>| side.as_ref().map_or("off".to_owned(), |side| side.address.clone());
    let Activity { calls, bodies } = activity;
    json!({
        "config": {
            "adminAddr": admin.as_deref().unwrap_or("off"),
            "statsAddr": side(stats),
            "readinessAddr": side(readiness),
            "logging": { "level": level, "format": format, "accessLog": access_log },
            "limits": limit_settings(limits),
            "session": session_settings(session),
            "activity": { "calls": calls, "bodies": bodies },
            "shutdown": { "grace": config::spelled(*grace) },
            "workerThreads": worker_threads.unwrap_or_else(Workers::one_per_core),
        },
        "binds": binds.iter().map(bind).collect::<Vec<_>>(),
    })
}

/// How many keys there are, and nothing of any.
fn session_settings(it: &Session) -> Value {
    let Session { keys, idle } = it;
    let hidden = || keys.iter().map(|_| json!("<hidden>")).collect::<Vec<_>>();
    object([
        ("key", (!keys.is_empty()).then(|| json!(hidden()))),
        ("idleTimeout", Some(json!(config::spelled(*idle)))),
    ])
}

fn bind(it: &Bind) -> Value {
    let Bind { address, port, tls_mode, listeners } = it;
    let listener = |it: &Listener| {
        let Listener { name, hostname, tls, routes } = it;
        object([
            ("name", Some(json!(name))),
            ("address", Some(json!(address))),
            ("hostname", hostname.as_ref().map(|hostname| json!(hostname.to_string()))),
            (
                "protocol",
                Some(json!(match tls_mode {
                    TlsMode::Plain => "HTTP",
                    TlsMode::Tls => "HTTPS",
                })),
            ),
            ("tls", tls.as_ref().map(|TlsFiles { cert, key }| json!({ "cert": cert, "key": key }))),
            ("routes", Some(routes.iter().map(route).collect())),
        ])
    };
    json!({ "port": port, "listeners": listeners.iter().map(listener).collect::<Vec<_>>() })
}

fn route(it: &Route) -> Value {
    let Route { name, hostnames, matches, cors, backends } = it;
    let hostnames: Vec<_> = hostnames.iter().map(HostPattern::to_string).collect();
    object([
        ("name", Some(json!(name))),
        ("hostnames", (!hostnames.is_empty()).then(|| json!(hostnames))),
        ("matches", Some(matches.iter().map(one_match).collect())),
        ("policies", cors.as_ref().map(|settings| json!({ "cors": cors_policy(settings) }))),
        ("backends", Some(backends.iter().map(backend).collect())),
    ])
}

fn one_match(it: &Match) -> Value {
    let Match { path, headers, method, query } = it;
    let path = match path {
        PathMatch::Exact(path) => json!({ "exact": path }),
        PathMatch::Prefix(path) if path.is_empty() => json!({ "pathPrefix": "/" }),
        PathMatch::Prefix(path) => json!({ "pathPrefix": path }),
        PathMatch::Regex(pattern) => json!({ "regex": pattern.as_str() }),
    };
    let value = |value: &ValueMatch| match value {
        // It may be a secret that lets a request in.
        ValueMatch::Exact(_) => json!({ "exact": "<hidden>" }),
        ValueMatch::Regex(pattern) => json!({ "regex": pattern.as_str() }),
    };
    let headers: Vec<_> = headers
        .iter()
        .map(|HeaderMatch { name, value: wanted }| json!({ "name": name.as_str(), "value": value(wanted) }))
        .collect();
    let query: Vec<_> = query
        .iter()
        .map(|QueryMatch { name, value: wanted }| json!({ "name": name, "value": value(wanted) }))
        .collect();
    object([
        ("path", Some(path)),
        ("method", method.as_ref().map(|method| json!(method.as_str()))),
        ("headers", (!headers.is_empty()).then(|| json!(headers))),
        ("query", (!query.is_empty()).then(|| json!(query))),
    ])
}

fn cors_policy(it: &CorsSettings) -> Value {
    let CorsSettings {
        allow_origins,
        allow_headers,
        allow_methods,
        expose_headers,
        allow_credentials,
        max_age,
    } = it;
    object([
        ("allowOrigins", Some(allow_origins.iter().map(ToString::to_string).collect())),
        ("allowHeaders", Some(names(allow_headers))),
        ("allowMethods", Some(names(allow_methods))),
        ("exposeHeaders", Some(names(expose_headers))),
        ("allowCredentials", Some(json!(allow_credentials))),
        ("maxAge", max_age.map(|age| json!(age.as_secs()))),
    ])
}

fn names<T: AsRef<str>>(names: &Names<T>) -> Value {
    match names {
        Names::Any => json!(["*"]),
        Names::Only(names) => names.iter().map(AsRef::as_ref).collect(),
    }
}

fn backend(it: &Backend) -> Value {
    let Backend { key: _, weight, prefix_mode, longest_name, failure_mode, stateless, targets } = it;
    let names = longest_name.map(|longest| json!({ "maxLength": longest.get() }));
    let mcp = object([
        ("prefixMode", Some(json!(prefix_mode))),
        ("names", names),
        ("failureMode", Some(json!(failure_mode))),
        ("statefulMode", Some(json!(if *stateless { "stateless" } else { "stateful" }))),
        ("targets", Some(targets.iter().map(target).collect())),
    ]);
    json!({ "weight": weight, "mcp": mcp })
}

fn target(Target { name, transport, conduct: its }: &Target) -> Value {
    let mut target = reached(transport);
    target.insert("name".to_owned(), json!(name));
    target.extend(conduct(its));
    target.into()
}

/// How a target is treated. Times are shown as the file may say them.
fn conduct(it: &Conduct) -> Map<String, Value> {
    let Conduct { limits, sharing, warm, breaker } = it;
    let Breaker { failures, pause } = breaker;
    let time = |time: &Duration| json!(config::spelled(*time));
    let members = [
        (
            "sharing",
            json!(match sharing {
                Sharing::Session => "session",
                Sharing::Shared => "shared",
            }),
        ),
        ("warm", json!(u8::from(*warm))),
        ("idleTimeout", time(&limits.idle)),
        (
            "timeouts",
            json!({
                "connect": time(&limits.connect),
                "list": time(&limits.list),
                "call": time(&limits.call),
                "longestCall": time(&limits.longest_call),
            }),
        ),
        (
            "limits",
            json!({
                "calls": limits.calls,
                "children": limits.children,
                "items": limits.items,
                "pages": limits.pages,
                "notifications": limits.notifications,
            }),
        ),
        ("breaker", json!({ "failures": failures, "pause": time(pause) })),
    ];
    members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

/// What of it is not the default.
pub(super) fn unusual(it: &Conduct) -> Map<String, Value> {
    fn differing(is: Map<String, Value>, usual: &Map<String, Value>) -> Map<String, Value> {
        is.into_iter()
            .filter(|(key, value)| usual.get(key) != Some(value))
            .map(|(key, value)| match (value, usual.get(&key)) {
                (Value::Object(is), Some(Value::Object(usual))) => (key, differing(is, usual).into()),
                (value, _) => (key, value),
            })
            .collect()
    }
    differing(conduct(it), &conduct(&Conduct::default()))
}

/// How a target is reached.
fn reached(transport: &Transport) -> Map<String, Value> {
    let (key, value) = match transport {
        Transport::Stdio { cmd, args, env, clear_env, cwd } => {
            let args: Vec<_> = args.iter().map(ToString::to_string).collect();
            let env: Map<_, _> =
                env.iter().map(|(name, value)| (name.clone(), json!(value.to_string()))).collect();
            let stdio = object([
                ("cmd", Some(json!(cmd))),
                ("args", Some(json!(args))),
                ("env", Some(Value::Object(env))),
                ("clear_env", Some(json!(clear_env))),
                ("cwd", cwd.as_ref().map(|cwd| json!(cwd))),
            ]);
            ("stdio", stdio)
        }
        Transport::Http { url } => ("mcp", json!({ "host": Origin(url).to_string() })),
        Transport::Sse { url } => ("sse", json!({ "host": Origin(url).to_string() })),
    };
    [(key.to_owned(), value)].into_iter().collect()
}

/// The members that are there.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect::<Map<_, _>>()
        .into()
}

fn limit_settings(limits: &Limits) -> Value {
    let Limits { request_body, response_body, request_head, json_depth, .. } = limits;
    let Limits { connections, requests_per_connection, sessions, starting_children, .. } = limits;
    json!({
        "requestBody": request_body,
        "responseBody": response_body,
        "requestHead": request_head,
        "jsonDepth": json_depth,
        "connections": connections,
        "requestsPerConnection": requests_per_connection,
        "sessions": sessions,
        "startingChildren": starting_children,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, load};

    /// The keys of a value, wherever they stand.
    fn keys(value: &Value, found: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                found.insert(key.clone());
                keys(value, found);
            }),
            Value::Array(elements) => elements.iter().for_each(|element| keys(element, found)),
            _ => {}
        }
    }

    #[test]
    fn only_what_is_not_the_default_is_unusual() {
        let of = |keys: &str| {
            let text = format!("mcp: {{targets: [{{name: a, stdio: {{cmd: b}}{keys}}}]}}");
            let config = load(&Source::Inline(text), &|_| None).unwrap_or_else(|faults| panic!("{faults}"));
            Value::from(unusual(&config.binds[0].listeners[0].routes[0].backends[0].targets[0].conduct))
        };
        assert_eq!(of(""), json!({}));
        assert_eq!(
            of(", timeouts: {call: 300s, list: 5s}, warm: 0"),
            json!({ "timeouts": { "list": "5s" } })
        );
        assert_eq!(
            of(", sharing: shared, breaker: {failures: 0}"),
            json!({ "sharing": "shared", "breaker": { "failures": 0 } })
        );
    }

    #[test]
    fn every_key_is_shown_and_nothing_of_the_environment() {
        let full = include_str!("../config/tests/full.yaml").to_owned();
        let environment = |name: &str| Some(if name == "TOKEN" { "s3cret" } else { "value" }.to_owned());
        let config = load(&Source::Inline(full), &environment).unwrap_or_else(|faults| panic!("{faults}"));
        let shown = of(&config);
        let mut found = std::collections::BTreeSet::new();
        keys(&shown, &mut found);
        let schema: Value = serde_json::from_str(&crate::config::schema()).expect("JSON");
        let mut known = std::collections::BTreeSet::new();
        let definitions = schema["$defs"].as_object().expect("definitions").values().chain([&schema]);
        definitions
            .filter_map(|it| it["properties"].as_object())
            .for_each(|it| known.extend(it.keys().cloned()));
        // A path and a port are part of the URL, and the short shape is shown as the long one.
        let missing: Vec<_> = known.difference(&found).collect();
        assert!(
            missing.iter().all(|key| ["mcp"].contains(&key.as_str()) || key.as_str() == "sse"),
            "{missing:?}"
        );
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
    }
}
