//! What the document means, and everything that is wrong with it although its form is right.

mod conduct;
mod cors;
mod http;
mod route;
mod session;
mod side;
mod target;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use policy::host::{Host, HostPattern};

use super::document::{self as said, Document};
use super::fault::Fault;
use super::matching::Match;
use super::yaml::{Kind, Node, Place, join, shorten};
use super::{
    Activity, Backend, Bind, Config, Limits, Listener, Logging, MaxLength, Route, TlsFiles, TlsMode, units,
};

/// Turns a document into a configuration. The result is of use only if no faults were added.
///
/// The tree is the one the document was made of. If it has faults already, parts of the document are missing, and
/// what follows only from that is not reported.
pub(super) fn check(document: &Document, tree: &Node, faults: &mut Vec<Fault>) -> Option<Config> {
    let mut check = Check { faults: Vec::new() };
    let config = check.document(document, &At::root(tree));
    let known: Vec<String> = faults.iter().map(|fault| fault.path.clone()).collect();
    let follows = |fault: &Fault| known.iter().any(|path| is_within(path, &fault.path));
    faults.extend(check.faults.into_iter().filter(|fault| !follows(fault)));
    config
}

/// Whether a path is the same as another, or leads further into it.
fn is_within(path: &str, outer: &str) -> bool {
    match path.strip_prefix(outer) {
        Some(rest) => outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
        None => false,
    }
}

/// A place in the file: the node there, and the keys that lead to it.
#[derive(Clone)]
struct At<'t> {
    node: Option<&'t Node>,
    place: Place,
    path: String,
}

impl<'t> At<'t> {
    fn root(tree: &'t Node) -> Self {
        Self { node: Some(tree), place: tree.place, path: String::new() }
    }

    /// The value of a key; if there is none, the place of what it is missing in.
    fn key(&self, key: &str) -> Self {
        let node = self.node.and_then(|node| node.get(key)).map(|(_, node)| node);
        Self { node, place: node.map_or(self.place, |node| node.place), path: join(&self.path, key) }
    }

    /// The key itself, for faults about its being there.
    fn name_of(&self, key: &str) -> Self {
        let found = self.node.and_then(|node| node.get(key));
        Self { place: found.map_or(self.place, |(key, _)| key.place), ..self.key(key) }
    }

    fn index(&self, index: usize) -> Self {
        let node = self.node.and_then(|node| node.index(index));
        Self {
            node,
            place: node.map_or(self.place, |node| node.place),
            path: format!("{}[{index}]", self.path),
        }
    }

    /// The text here as the file spells it, if it is not the same as what it means.
    fn spelling(&self) -> Option<&'t str> {
        match &self.node?.kind {
            Kind::Scalar(scalar) => scalar.spelling.as_deref(),
            Kind::Map(_) | Kind::List(_) | Kind::Faulty => None,
        }
    }

    /// A text from here as messages may quote it.
    fn quote(&self, text: &str) -> String {
        format!("`{}`", shorten(self.spelling().unwrap_or(text)))
    }
}

/// The schema has seen to it that there is at least one.
fn worker_threads(settings: &said::Settings) -> Option<NonZero<usize>> {
    NonZero::new(settings.worker_threads? as usize)
}

struct Check {
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, at: &At<'_>, message: impl Into<String>, hint: impl Into<String>) {
        let (fault, hint) = (Fault::at(at.place, at.path.clone(), message), hint.into());
        self.faults.push(if hint.is_empty() { fault } else { fault.hint(hint) });
    }

    fn document(&mut self, document: &Document, at: &At<'_>) -> Option<Config> {
        let Document { config, binds, mcp } = document;
        if binds.as_ref().is_none_or(Vec::is_empty) && mcp.is_none() {
            self.fault(at, "nothing is served", "add `mcp` with `targets`, or `binds`");
        }
        let (admin, logging, limits, grace) = self.settings(config.as_ref(), &at.key("config"));
        let session = self.session(
            config.as_ref().and_then(|config| config.session.as_ref()),
            &at.key("config").key("session"),
        );
        let (stats, readiness) = self.sides(config.as_ref(), &at.key("config"));
        let activity = self.activity(
            config.as_ref().and_then(|config| config.activity.as_ref()),
            &at.key("config").key("activity"),
        );

        let mut ports = HashMap::new();
        let stats_at = stats.as_ref().map(|side| &side.address);
        let readiness_at = readiness.as_ref().map(|side| &side.address);
        for (side, address) in side::ALL.iter().zip([admin.as_ref(), stats_at, readiness_at]) {
            self.side_port(side, address, &at.key("config").key(side.key), &mut ports);
        }
        let mut meant = Vec::new();
        for (index, bind) in binds.iter().flatten().enumerate() {
            let at = at.key("binds").index(index);
            self.port(bind.port, &at.key("port"), &mut ports);
            meant.extend(self.bind(bind, index, &at));
        }
        if let Some(mcp) = mcp {
            let at = at.key("mcp");
            let port = mcp.port.unwrap_or(said::DEFAULT_PORT);
            self.port(port, &at.key("port"), &mut ports);
            meant.push(self.short(mcp, port, meant.len(), &at));
        }
        Some(Config {
            admin,
            stats,
            readiness,
            logging,
            limits,
            session: session?,
            activity,
            worker_threads: config.as_ref().and_then(worker_threads),
            grace: grace?,
            binds: meant,
        })
    }

    fn settings(
        &mut self,
        settings: Option<&said::Settings>,
        at: &At<'_>,
    ) -> (Option<String>, Logging, Limits, Option<Duration>) {
        let none = said::Settings::default();
        let said::Settings { admin_addr, logging, limits, shutdown, .. } = settings.unwrap_or(&none);

        let admin = self.side(&side::ADMIN, admin_addr.as_deref(), at).map(|side| side.address);

        let logging = logging.as_ref();
        let logging = Logging {
            level: logging.and_then(|said| said.level).unwrap_or(said::DEFAULT_LEVEL),
            format: logging.and_then(|said| said.format).unwrap_or(said::DEFAULT_FORMAT),
            access_log: logging.and_then(|said| said.access_log).unwrap_or_default(),
        };

        let none = said::Limits::default();
        let said = limits.as_ref().unwrap_or(&none);
        let (request, response) = (said.request_body.as_ref(), said.response_body.as_ref());
        let inside = at.key("limits");
        let limits = Limits {
            request_body: self.size(request, said::DEFAULT_REQUEST_BODY, &inside.key("requestBody")),
            response_body: self.size(response, said::DEFAULT_RESPONSE_BODY, &inside.key("responseBody")),
            json_depth: said.json_depth.unwrap_or(said::DEFAULT_DEPTH) as usize,
            starting_children: said.starting_children.unwrap_or(said::DEFAULT_STARTING_CHILDREN) as usize,
            sessions: said.sessions.unwrap_or(said::DEFAULT_SESSIONS) as usize,
            request_head: self.request_head(said, &inside.key("requestHead")),
            connections: said.connections.unwrap_or(said::DEFAULT_CONNECTIONS) as usize,
            requests_per_connection: said
                .requests_per_connection
                .unwrap_or(said::DEFAULT_REQUESTS_PER_CONNECTION),
        };

        let grace = shutdown.as_ref().and_then(|said::Shutdown { grace }| grace.as_deref());
        let grace = self.duration(grace, said::DEFAULT_GRACE, &at.key("shutdown").key("grace"));
        (admin, logging, limits, grace)
    }

    fn duration(&mut self, text: Option<&str>, default: &str, at: &At<'_>) -> Option<Duration> {
        let text = text.unwrap_or(default);
        let duration = units::duration(text);
        if duration.is_none() {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let hint = match (digits, at.spelling()) {
                (true, None) => format!("say the unit: `{}s`", shorten(text)),
                _ => "write it like `10s`, `500ms` or `1m30s`".to_owned(),
            };
            self.fault(at, format!("{} is not a duration", at.quote(text)), hint);
        }
        duration
    }

    fn activity(&mut self, activity: Option<&said::Activity>, at: &At<'_>) -> Activity {
        let (calls, bodies) = match activity {
            Some(said::Activity { calls, bodies }) => (*calls, bodies.as_ref()),
            None => (None, None),
        };
        let calls = calls.unwrap_or(said::DEFAULT_CALLS) as usize;
        let bodies = match bodies {
            Some(said::Quantity(text)) if text == "0" => 0,
            bodies => self.size(bodies, said::DEFAULT_BODIES, &at.key("bodies")),
        };
        Activity { calls, bodies }
    }

    fn size(&mut self, quantity: Option<&said::Quantity>, default: &str, at: &At<'_>) -> usize {
        let text = quantity.map_or(default, |said::Quantity(text)| text.as_str());
        match units::size(text).and_then(|size| usize::try_from(size).ok()) {
            Some(0) => {
                self.fault(at, "a limit of 0 refuses every message", "write a size like `4MiB`");
                0
            }
            Some(size) => size,
            None => {
                let message = format!("{} is not a size", at.quote(text));
                self.fault(
                    at,
                    message,
                    "write a number of bytes, or one with a unit, like `4MiB` or `500kB`",
                );
                0
            }
        }
    }

    /// Notes that a port is taken, unless it already is.
    fn port(&mut self, port: u16, at: &At<'_>, ports: &mut HashMap<u16, Taken>) {
        let line = at.place.line;
        // Port 0 is another one every time.
        let Some(first) = ports.get(&port).filter(|_| port != 0) else {
            ports.insert(port, Taken::Bind(line));
            return;
        };
        let port = match at.node {
            Some(_) => at.spelling().map_or_else(|| port.to_string(), shorten),
            None => format!("{port} (the default)"),
        };
        let (message, hint) = match first {
            Taken::Bind(first) => (
                format!("the port {port} is already used in line {first}"),
                "choose another one, or add the listeners to the first",
            ),
            Taken::Side(side, line) => {
                let whose = line.map_or("by default".to_owned(), |line| format!("in line {line}"));
                (format!("the port {port} is already the {}'s, {whose}", side.noun), side.another)
            }
        };
        self.fault(at, message, hint);
    }

    fn bind(&mut self, bind: &said::Bind, index: usize, at: &At<'_>) -> Option<Bind> {
        let said::Bind { port, listeners } = bind;
        // The system's choice differs with each start, so it is no identity.
        let bind_key = if *port == 0 { format!("bind{index}") } else { port.to_string() };
        let at = at.key("listeners");
        let mut meant: Vec<Listener> = Vec::new();
        let mut names = HashMap::new();
        let mut hosts: HashMap<Option<HostPattern>, usize> = HashMap::new();
        let (mut address, mut protocol) = (None, None);
        for (index, listener) in listeners.iter().enumerate() {
            let at = at.index(index);
            let name = self.name(listener.name.as_deref(), "listener", index, &at, &mut names);

            let this = self.address(listener.address.as_deref(), &at.key("address"));
            let (first, line) = *address.get_or_insert((this, at.key("address").place.line));
            if let (Some(this), Some(first)) = (this, first)
                && this != first
            {
                let message = format!(
                    "this listener has another address than the first one of the port, in line {line}"
                );
                self.fault(
                    &at.name_of("address"),
                    message,
                    "give all listeners of a port the same `address`",
                );
            }

            let this = listener.protocol.unwrap_or(said::Protocol::Http);
            let (first, line) = *protocol.get_or_insert((this, at.key("protocol").place.line));
            if this != first {
                let (this, first) = (protocol_name(this), protocol_name(first));
                let message = format!(
                    "this listener speaks {this}, but the first one of the port speaks {first} (line {line})"
                );
                self.fault(
                    &at.name_of("protocol"),
                    message,
                    "a port speaks one protocol: move this listener to another port",
                );
            }
            let tls = match (this, &listener.tls) {
                (said::Protocol::Https, Some(said::Tls { cert, key })) => {
                    let cert = self.file(cert, &at.key("tls").key("cert"));
                    let key = self.file(key, &at.key("tls").key("key"));
                    Some(TlsFiles { cert, key })
                }
                (said::Protocol::Http, None) => None,
                (said::Protocol::Https, None) => {
                    let hint = "add `tls: {cert: cert.pem, key: key.pem}` to this listener";
                    self.fault(&at.name_of("protocol").under(&at), "HTTPS needs a certificate", hint);
                    None
                }
                (said::Protocol::Http, Some(_)) => {
                    let message = "a certificate is of no use, because this listener speaks HTTP";
                    self.fault(
                        &at.name_of("tls").under(&at),
                        message,
                        "add `protocol: HTTPS`, or remove `tls`",
                    );
                    None
                }
            };

            let hostname = listener.hostname.as_deref();
            let hostname = hostname.map(|text| self.hostname(text, &at.key("hostname")));
            // A hostname with a fault of its own is not compared.
            if let Some(hostname) = hostname.clone().map_or(Some(None), |faulty| faulty.map(Some)) {
                let at = at.key("hostname");
                match hosts.get(&hostname) {
                    None => drop(hosts.insert(hostname, at.place.line)),
                    Some(first) => {
                        let message = match &hostname {
                            Some(hostname) => format!(
                                "the port already has a listener for `{}`, in line {first}",
                                self.known(hostname, &at)
                            ),
                            None => {
                                format!("the port already has a listener for every host, in line {first}")
                            }
                        };
                        self.fault(
                            &at,
                            message,
                            "give this one another `hostname`, or add its routes to the first",
                        );
                    }
                }
            }
            let hostname = hostname.flatten();
            let shown = hostname.as_ref().map(|hostname| self.known(hostname, &at.key("hostname")));
            let only = hostname.as_ref().zip(shown.as_deref());

            let key = format!("{bind_key}/{name}");
            let routes = self.routes(&listener.routes, &key, only, &at.key("routes"));
            meant.push(Listener { name, hostname, tls, routes });
        }
        let tls_mode = match protocol?.0 {
            said::Protocol::Http => TlsMode::Plain,
            said::Protocol::Https => TlsMode::Tls,
        };
        Some(Bind { address: address?.0?, port: *port, tls_mode, listeners: meant })
    }

    /// The short shape is the long one with one listener and one route, down to the keys of its backends.
    fn short(&mut self, mcp: &said::ShortMcp, port: u16, index: usize, at: &At<'_>) -> Bind {
        let said::ShortMcp { port: _, policies, targets, prefix_mode, names, failure_mode, stateful_mode } =
            mcp;
        let bind_key = if port == 0 { format!("bind{index}") } else { port.to_string() };
        let backend = Backend {
            key: format!("{bind_key}/listener0/route0/0"),
            weight: said::DEFAULT_WEIGHT,
            prefix_mode: prefix_mode.unwrap_or_default(),
            longest_name: longest_name(names.as_ref()),
            failure_mode: failure_mode.unwrap_or_default(),
            stateless: is_stateless(*stateful_mode),
            targets: self.targets(targets, &at.key("targets")),
        };
        let route = Route {
            name: "route0".to_owned(),
            hostnames: Vec::new(),
            matches: vec![Match::everything()],
            cors: self.policies(policies.as_ref(), &at.key("policies")),
            backends: vec![backend],
        };
        let listener =
            Listener { name: "listener0".to_owned(), hostname: None, tls: None, routes: vec![route] };
        Bind {
            address: Ipv4Addr::UNSPECIFIED.into(),
            port,
            tls_mode: TlsMode::Plain,
            listeners: vec![listener],
        }
    }

    /// The name of a listener or route, which is part of the keys of the backends below it.
    fn name(
        &mut self,
        name: Option<&str>,
        kind: &str,
        index: usize,
        at: &At<'_>,
        names: &mut HashMap<String, usize>,
    ) -> String {
        let at = at.key("name");
        let meant = name.map_or_else(|| format!("{kind}{index}"), str::to_owned);
        if name == Some("") {
            self.fault(&at, "the name is empty", "remove the key, or give it a name");
        } else if meant.contains('/') || meant.contains(char::is_control) {
            self.fault(
                &at,
                format!("the name {} holds a `/` or a control character", at.quote(&meant)),
                "use another character",
            );
        } else if let Some(first) = names.insert(meant.clone(), at.place.line) {
            let message = format!("the name {} is already used in line {first}", at.quote(&meant));
            self.fault(&at, message, format!("give each {kind} a name of its own"));
            names.insert(meant.clone(), first);
        }
        meant
    }

    fn address(&mut self, text: Option<&str>, at: &At<'_>) -> Option<IpAddr> {
        let text = text.unwrap_or(said::DEFAULT_ADDRESS);
        let address = text.trim_start_matches('[').trim_end_matches(']').parse();
        if address.is_err() {
            let hint = match text {
                "localhost" => "write `127.0.0.1`",
                _ => "write the address of an interface, like `127.0.0.1`, or `0.0.0.0` for all of them",
            };
            self.fault(at, format!("{} is not an IP address", at.quote(text)), hint);
        }
        address.ok()
    }

    fn file(&mut self, text: &str, at: &At<'_>) -> PathBuf {
        if text.is_empty() || text.contains('\0') {
            self.fault(at, "this is not the name of a file", "");
        }
        PathBuf::from(text)
    }

    fn hostname(&mut self, text: &str, at: &At<'_>) -> Option<HostPattern> {
        let pattern = HostPattern::parse(text).or_else(|| {
            text.parse::<Ipv6Addr>().ok().map(|address| HostPattern::Exact(Host::Address(address.into())))
        });
        if pattern.is_none() {
            let hint = if text == "*" {
                "remove it: every host is the default"
            } else if text.contains("://") || text.contains('/') {
                "leave out everything but the host"
            } else if text.contains('*') {
                "a `*` stands for the first part only, as in `*.example.com`"
            } else if text.contains(':') {
                "leave out the port"
            } else {
                "write it like `example.com` or `*.example.com`"
            };
            self.fault(at, format!("{} is not a hostname", at.quote(text)), hint);
        }
        pattern
    }

    /// A hostname for a message.
    fn known(&self, hostname: &HostPattern, at: &At<'_>) -> String {
        at.spelling().map_or_else(|| hostname.to_string(), shorten)
    }
}

/// Who uses a port, and in which line it says so.
enum Taken {
    Bind(usize),
    Side(&'static side::Side, Option<usize>),
}

impl At<'_> {
    /// The same place, attributed to the path of something around it.
    ///
    /// For faults that a missing neighbour explains: they are not reported if the neighbour has a fault itself.
    fn under(&self, outer: &Self) -> Self {
        Self { path: outer.path.clone(), ..self.clone() }
    }
}

fn protocol_name(protocol: said::Protocol) -> &'static str {
    match protocol {
        said::Protocol::Http => "HTTP",
        said::Protocol::Https => "HTTPS",
    }
}

fn is_stateless(mode: Option<said::StatefulMode>) -> bool {
    match mode.unwrap_or_default() {
        said::StatefulMode::Stateful => false,
        said::StatefulMode::Stateless => true,
    }
}

/// A length that no name may have was found by the form of the file already.
fn longest_name(names: Option<&said::Names>) -> Option<MaxLength> {
    let said::Names { max_length } = names?;
    max_length.and_then(|length| MaxLength::new(length as usize))
}

fn is_host_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        Host::parse(host).is_some() && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
    })
}
