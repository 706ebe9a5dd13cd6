//! Targets: their names, the programs to start and the addresses to reach.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use http::Uri;
use policy::host::Host;
use protocol::name::{LONGEST_TARGET_NAME, is_target_name};

use super::super::document as said;
use super::super::yaml::shorten;
use super::super::{Secret, Target, Transport};
use super::{At, Check};

impl Check {
    pub(super) fn targets(&mut self, targets: &[said::Target], at: &At<'_>) -> Vec<Target> {
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut meant = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            let at = at.index(index);
            let said::Target { name, stdio, mcp, sse, .. } = target;
            let at_name = at.key("name");
            self.target_name(name, &at_name);
            match names.get(name.as_str()) {
                None => drop(names.insert(name, at_name.place.line)),
                Some(first) => {
                    let message =
                        format!("the target name {} is already used in line {first}", at_name.quote(name));
                    self.fault(&at_name, message, "give each target a name of its own");
                }
            }
            let mut given = [("stdio", stdio.is_some()), ("mcp", mcp.is_some()), ("sse", sse.is_some())]
                .into_iter()
                .filter_map(|(key, given)| given.then_some(key));
            match (given.next(), given.next()) {
                (None, _) => self.fault(
                    &at,
                    "the target says no way to reach it",
                    "add `stdio` for a program to start, or `mcp` or `sse` for a server's URL",
                ),
                (Some(first), Some(second)) => {
                    let message = format!("the target has both `{first}` and `{second}`");
                    self.fault(
                        &at.name_of(second).under(&at),
                        message,
                        "keep one of them, or make two targets of it",
                    );
                }
                (Some(_), None) => {}
            }
            let transport = if let Some(stdio) = stdio {
                Some(self.stdio(stdio, &at.key("stdio")))
            } else if let Some(said::RemoteMcp { host, port, path }) = mcp {
                self.url(host, *port, path.as_deref(), "/mcp", &at.key("mcp"))
                    .map(|url| Transport::Http { url })
            } else if let Some(said::RemoteSse { host, port, path }) = sse {
                self.url(host, *port, path.as_deref(), "/sse", &at.key("sse"))
                    .map(|url| Transport::Sse { url })
            } else {
                None
            };
            let conduct = self.conduct(target, &at);
            meant.extend(transport.map(|transport| Target { name: name.clone(), transport, conduct }));
        }
        meant
    }

    fn target_name(&mut self, name: &str, at: &At<'_>) {
        const RULE: &str =
            "lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last";
        let suggest = |at: &At<'_>| {
            let mut suggestion = String::new();
            for c in name.chars().map(|c| c.to_ascii_lowercase()) {
                match c {
                    'a'..='z' | '0'..='9' | '.' => suggestion.push(c),
                    _ if suggestion.ends_with('-') => {}
                    _ => suggestion.push('-'),
                }
            }
            let suggestion = suggestion
                .trim_start_matches(|c: char| !c.is_ascii_lowercase())
                .trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match suggestion.is_empty() || suggestion.len() > LONGEST_TARGET_NAME || at.spelling().is_some() {
                true => format!("a target name is made of {RULE}"),
                false => format!("call it `{}`", shorten(suggestion)),
            }
        };
        if is_target_name(name) {
            return;
        }
        // Which part of the rule is broken decides what helps.
        let first = name.bytes().next();
        let last = name.bytes().last();
        if first.is_none() {
            self.fault(at, "the target name is empty", format!("a target name is made of {RULE}"));
        } else if name.len() > LONGEST_TARGET_NAME {
            let message = format!("the target name is longer than {LONGEST_TARGET_NAME} characters");
            self.fault(at, message, "tools carry it in their names, so make it short");
        } else if name.contains('_') {
            let message = format!(
                "the target name {} holds a `_`, which separates it from the names of its tools (`target_tool`)",
                at.quote(name)
            );
            self.fault(at, message, suggest(at));
        } else if name.contains('+') {
            let message = format!(
                "the target name {} holds a `+`, which separates it from the URIs of its resources (`target+file://`)",
                at.quote(name)
            );
            self.fault(at, message, suggest(at));
        } else if let Some(odd) =
            name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.')))
        {
            let message = match odd.is_ascii_uppercase() {
                true => format!("the target name {} holds a capital letter", at.quote(name)),
                false if at.spelling().is_some() => {
                    format!("the target name {} holds a character that is not allowed", at.quote(name))
                }
                false => format!("the target name {} holds the character {odd:?}", at.quote(name)),
            };
            let hint = suggest(at);
            self.fault(
                at,
                message,
                if hint.starts_with("call") { format!("names are made of {RULE}: {hint}") } else { hint },
            );
        } else if !first.is_some_and(|b| b.is_ascii_lowercase()) {
            self.fault(
                at,
                format!("the target name {} does not start with a letter", at.quote(name)),
                suggest(at),
            );
        } else if !last.is_some_and(|b| b.is_ascii_alphanumeric()) {
            let message = format!("the target name {} does not end with a letter or digit", at.quote(name));
            self.fault(at, message, suggest(at));
        }
    }

    fn stdio(&mut self, stdio: &said::Stdio, at: &At<'_>) -> Transport {
        let said::Stdio { cmd, args, env, clear_env, cwd } = stdio;
        let at_cmd = at.key("cmd");
        if cmd.is_empty() {
            self.fault(&at_cmd, "the program is missing: `cmd` is empty", "name it, or give its path");
        } else if args.is_none() && at_cmd.spelling().is_none() && !cmd.contains('/') && cmd.contains(' ') {
            // A program with a space in its name is found by its path, not by its name.
            let mut words = cmd.split_whitespace();
            let program = words.next().unwrap_or_default();
            let rest = words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
            let message = format!("{} is a command line, but `cmd` is the program alone", at_cmd.quote(cmd));
            self.fault(&at_cmd, message, format!("write `cmd: {program}` and `args: [{}]`", shorten(&rest)));
        }
        self.no_nul(cmd, &at_cmd);
        let mut secret_args = Vec::new();
        for (index, arg) in args.iter().flatten().enumerate() {
            let at = at.key("args").index(index);
            self.no_nul(arg, &at);
            secret_args.push(Secret::spelled(arg, at.spelling().unwrap_or(arg)));
        }
        for (name, value) in env.iter().flatten() {
            let at = at.key("env").name_of(name);
            if name.is_empty() || name.contains(['=', '\0']) {
                self.fault(&at, "this is not the name of an environment variable", "");
            }
            self.no_nul(value, &at);
        }
        let env = env.iter().flatten().map(|(name, value)| (name.clone(), Secret::hidden(value)));
        if let Some(cwd) = cwd {
            let at = at.key("cwd");
            self.no_nul(cwd, &at);
            if cwd.is_empty() {
                self.fault(&at, "the directory is empty", "name it, or remove the key");
            } else if (cwd == "~" || cwd.starts_with("~/")) && at.spelling().is_none() {
                self.fault(
                    &at,
                    "`~` is known to shells only",
                    format!("write `{}`", shorten(&cwd.replacen('~', "$HOME", 1))),
                );
            }
        }
        Transport::Stdio {
            cmd: cmd.clone(),
            args: secret_args,
            env: env.collect(),
            clear_env: clear_env.unwrap_or(false),
            cwd: cwd.as_ref().map(PathBuf::from),
        }
    }

    fn no_nul(&mut self, text: &str, at: &At<'_>) {
        if text.contains('\0') {
            self.fault(at, "no program can be given a text that holds the character NUL", "");
        }
    }

    /// The address of a remote target: a URL alone, or a bare host with a port and a path.
    fn url(
        &mut self,
        host: &str,
        port: Option<u16>,
        path: Option<&str>,
        default: &str,
        at: &At<'_>,
    ) -> Option<Uri> {
        let at_host = at.key("host");
        if host.is_empty() {
            self.fault(
                &at_host,
                "`host` is empty",
                format!("write a URL like `https://example.com{default}`"),
            );
            return None;
        }
        let (scheme, rest) = match host.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("http".to_owned(), host),
        };
        let bare = !host.contains("://");
        let (authority, own_path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            self.fault(
                &at_host,
                "the address holds credentials, which would show up wherever it is printed",
                "remove what stands before the `@`",
            );
            return None;
        }
        if scheme != "http" && scheme != "https" {
            let message = match at_host.spelling() {
                None => format!("`{}` is not a protocol that targets are reached by", shorten(&scheme)),
                Some(_) => format!("{} does not start with `http://` or `https://`", at_host.quote(host)),
            };
            self.fault(&at_host, message, "write `http://…` or `https://…`");
            return None;
        }
        if own_path.contains('#') {
            self.fault(
                &at_host,
                "the address holds a `#`, which servers never see",
                "remove it and what follows",
            );
            return None;
        }
        let given = match (port, path) {
            (None, None) => {
                let path = match own_path {
                    "" => default.to_owned(),
                    query if query.starts_with('?') => format!("{default}{query}"),
                    path => path.to_owned(),
                };
                Some((authority.to_owned(), path))
            }
            _ if !bare || !own_path.is_empty() => {
                let key = if port.is_some() { "port" } else { "path" };
                self.fault(
                    &at.name_of(key),
                    format!("`host` is a full URL, so `{key}` has no meaning next to it"),
                    "write all of it into `host`, or only the host's name",
                );
                None
            }
            (Some(port), Some(path)) => self.pieces(authority, port, path, at),
            (Some(_), None) => {
                let hint =
                    format!("add `path: {default}`, or write all of it into `host`: `http://…:…{default}`");
                self.fault(&at.name_of("port").under(at), "`port` needs `path` next to it", hint);
                None
            }
            (None, Some(_)) => {
                let hint = "add `port`, or write all of it into `host`: `http://…`";
                self.fault(&at.name_of("path").under(at), "`path` needs `port` next to it", hint);
                None
            }
        };
        let (authority, path) = given?;
        let url = http::uri::Builder::new()
            .scheme(scheme.as_str())
            .authority(authority.as_str())
            .path_and_query(path);
        match url.build().ok().filter(|url| is_reachable(url, &authority)) {
            Some(url) => Some(without_default_port(url)),
            None => {
                let message = format!("{} is not an address of a server", at_host.quote(host));
                let hint = format!("write a URL like `https://example.com{default}`");
                self.fault(&at_host, message, hint);
                None
            }
        }
    }

    /// Authority and path of a bare host.
    fn pieces(&mut self, host: &str, port: u16, path: &str, at: &At<'_>) -> Option<(String, String)> {
        let host = match host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => host.to_owned(),
        };
        if Host::parse(&host).is_none() {
            let at = at.key("host");
            self.fault(
                &at,
                format!("{} is not the name of a host", at.quote(&host)),
                "leave out everything else",
            );
            return None;
        }
        let at_path = at.key("path");
        if !path.starts_with('/') || path.contains('#') || path.contains(char::is_whitespace) {
            let hint = match at_path.spelling() {
                None if !path.starts_with('/') => format!("write `/{}`", shorten(path)),
                _ => "write it like `/mcp`".to_owned(),
            };
            self.fault(&at_path, format!("{} is not a path", at_path.quote(path)), hint);
            return None;
        }
        if port == 443 {
            let shown = at.key("host").spelling().map_or(host.clone(), shorten);
            self.fault(
                &at.key("port"),
                "a bare host is spoken to in plain HTTP, and port 443 is for HTTPS",
                format!("write `host: https://{shown}{}` alone", at_path.spelling().map_or(path, |_| "/…")),
            );
            return None;
        }
        Some((format!("{host}:{port}"), path.to_owned()))
    }
}

/// Whether a URL names a host, and a port if it has a colon for one.
fn is_reachable(url: &Uri, authority: &str) -> bool {
    let port = match authority.rsplit_once(':') {
        Some((_, port)) if !authority.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port != 0),
        _ => true,
    };
    port && url.host().is_some_and(|host| Host::parse(host).is_some())
}

/// Two spellings of the same address are equal.
fn without_default_port(url: Uri) -> Uri {
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    if url.port_u16() != Some(default) {
        return url;
    }
    let mut parts = url.clone().into_parts();
    parts.authority = url.host().and_then(|host| host.parse().ok());
    Uri::from_parts(parts).unwrap_or(url)
}
