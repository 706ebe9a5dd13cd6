//! What files mean, and what is said about those that mean nothing.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use proptest::prelude::*;

use super::yaml::{Kind, Node};
use super::*;

mod faults;

const FULL: &str = include_str!("tests/full.yaml");

/// The configuration of the tutorial that the project starts from, word for word.
const TUTORIAL: &str = r#"
binds:
- port: 3000
  listeners:
  - routes:
    - policies:
        cors:
          allowOrigins: ["*"]
          allowHeaders: [mcp-protocol-version, content-type, cache-control]
          exposeHeaders: ["Mcp-Session-Id"]
      backends:
      - mcp:
          targets:
          - name: time
            stdio:
              cmd: uvx
              args: ["mcp-server-time"]
          - name: everything
            stdio:
              cmd: npx
              args: ["@modelcontextprotocol/server-everything"]
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("s3cret".to_owned()),
        "PORT" => Some("8000".to_owned()),
        EXECUTABLE => Some("/bin/agentgateway".to_owned()),
        _ => None,
    }
}

fn try_load(text: &str) -> Result<Config, Faults> {
    load(&Source::Inline(text.to_owned()), &environment)
}

fn loaded(text: &str) -> Config {
    try_load(text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

/// The faults of a text, as they are printed.
fn check(text: &str, expected: Expect) {
    match try_load(text) {
        Ok(config) => panic!("no faults in\n{text}\n{config:#?}"),
        Err(faults) => expected.assert_eq(&faults.to_string()),
    }
}

/// A configuration with this in place of its targets.
fn with_targets(targets: &str) -> String {
    format!("mcp:\n  targets:\n{targets}")
}

/// The transport of a single target.
fn transport(target: &str) -> Transport {
    let config = loaded(&with_targets(&format!("  - {{name: a, {target}}}")));
    config.binds[0].listeners[0].routes[0].backends[0].targets[0].transport.clone()
}

#[test]
fn a_file_with_everything() {
    expect_file!["tests/full.txt"].assert_debug_eq(&loaded(FULL));
}

#[test]
fn the_tutorial_works_word_for_word() {
    let config = loaded(TUTORIAL);
    let [bind] = config.binds.as_slice() else { panic!("{config:?}") };
    assert_eq!(
        (bind.address.to_string().as_str(), bind.port, bind.tls_mode),
        ("0.0.0.0", 3000, TlsMode::Plain)
    );
    let backend = &bind.listeners[0].routes[0].backends[0];
    assert_eq!(backend.key, "3000/listener0/route0/0");
    assert_eq!(backend.targets.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["time", "everything"]);
    assert_eq!((backend.weight, backend.stateless), (1, false));
    assert_eq!((backend.prefix_mode, backend.failure_mode), (PrefixMode::Conditional, FailureMode::FailOpen));
    assert_eq!(config.admin.as_deref(), Some("localhost:15000"));
    assert_eq!(config.grace, Duration::from_secs(10));
    let limits = Limits {
        request_body: 4 << 20,
        response_body: 64 << 20,
        request_head: 64 << 10,
        connections: 10_000,
        requests_per_connection: 250,
        json_depth: 128,
        starting_children: 4,
        sessions: 20_000,
    };
    assert_eq!(config.limits, limits);
    let side = |address: &str| Some(SideAddress { address: address.to_owned(), is_default: true });
    assert_eq!((config.stats, config.readiness), (side("localhost:15020"), side("localhost:15021")));
    assert_eq!(config.session, Session { keys: Vec::new(), idle: Duration::from_secs(30 * 60) });
    assert_eq!(config.logging, Logging { level: Level::Info, format: LogFormat::Text, access_log: false });
}

#[test]
fn the_short_shape_means_the_same_as_the_long_one() {
    let short = r#"
# yaml-language-server: $schema=https://agentgateway.dev/schema/config
mcp:
  policies:
    cors:
      allowOrigins: ["*"]
      allowHeaders: [mcp-protocol-version, content-type, cache-control]
      exposeHeaders: ["Mcp-Session-Id"]
  targets:
  - name: time
    stdio: {cmd: uvx, args: [mcp-server-time]}
  - name: everything
    stdio: {cmd: npx, args: ["@modelcontextprotocol/server-everything"]}
"#;
    assert_eq!(loaded(short), loaded(TUTORIAL));
}

#[test]
fn json_is_yaml() {
    let text = r#"{"mcp": {"port": 1, "targets": [{"name": "a", "stdio": {"cmd": "b", "args": ["\u0024$X", "c"]}}]}}"#;
    let Transport::Stdio { args, .. } =
        &loaded(text).binds[0].listeners[0].routes[0].backends[0].targets[0].transport
    else {
        panic!("not stdio")
    };
    assert_eq!(args.iter().map(Secret::expose).collect::<Vec<_>>(), ["$X", "c"]);
}

#[test]
fn anchors_and_merges_are_unfolded() {
    let text = r#"
binds:
- port: 1
  listeners:
  - routes:
    - backends:
      - mcp: &mcp
          targets: &targets
          - name: a
            stdio: &stdio {cmd: x, args: [y]}
      - mcp:
          <<: *mcp
          prefixMode: always
      - mcp: {targets: *targets}
      - mcp:
          targets:
          - name: a
            stdio: {<<: [*stdio, {cwd: /z, cmd: never}], args: []}
"#;
    let config = loaded(text);
    let backends = &config.binds[0].listeners[0].routes[0].backends;
    assert_eq!(backends[0].targets, backends[1].targets);
    assert_eq!(backends[0].targets, backends[2].targets);
    assert_eq!(backends[1].prefix_mode, PrefixMode::Always);
    expect![[r#"Stdio { cmd: "x", args: [], env: {}, clear_env: false, cwd: Some("/z") }"#]]
        .assert_eq(&format!("{:?}", backends[3].targets[0].transport));
}

#[test]
fn scalars_take_the_type_that_is_expected() {
    let config = loaded(
        "mcp: {port: '$PORT', targets: [{name: a, stdio: {cmd: true, args: [1.10, null.x, '~'], clear_env: 'true'}}]}",
    );
    assert_eq!(config.binds[0].port, 8000);
    expect![[r#"Stdio { cmd: "true", args: ["1.10", "null.x", "~"], env: {}, clear_env: true, cwd: None }"#]]
        .assert_eq(&format!("{:?}", config.binds[0].listeners[0].routes[0].backends[0].targets[0].transport));
}

#[test]
fn empty_mappings_and_lists_need_not_be_removed() {
    let config = loaded(
        "config:\nbinds:\nmcp:\n  policies:\n    # cors: {}\n  targets:\n  - name: a\n    stdio: {cmd: b, args: , env: }\n",
    );
    assert_eq!(config, loaded("mcp: {targets: [{name: a, stdio: {cmd: b}}]}"));
}

#[test]
fn addresses_of_targets() {
    let url = |keys: &str| match transport(keys) {
        Transport::Http { url } => url.to_string(),
        Transport::Sse { url } => url.to_string(),
        Transport::Stdio { .. } => panic!("stdio"),
    };
    for (keys, expected) in [
        ("mcp: {host: 'https://example.com'}", "https://example.com/mcp"),
        ("mcp: {host: 'https://example.com/'}", "https://example.com/"),
        ("mcp: {host: 'https://example.com/a/b?c=d'}", "https://example.com/a/b?c=d"),
        ("mcp: {host: 'https://example.com?c=d'}", "https://example.com/mcp?c=d"),
        ("mcp: {host: 'http://example.com:80/x'}", "http://example.com/x"),
        ("mcp: {host: 'http://example.com:443/x'}", "http://example.com:443/x"),
        ("mcp: {host: 'https://example.com:443/x'}", "https://example.com/x"),
        ("mcp: {host: 'http://[::1]:8080'}", "http://[::1]:8080/mcp"),
        ("mcp: {host: localhost}", "http://localhost/mcp"),
        ("mcp: {host: 'localhost:8080'}", "http://localhost:8080/mcp"),
        ("mcp: {host: localhost, port: 8080, path: /x?y}", "http://localhost:8080/x?y"),
        ("mcp: {host: localhost, port: 80, path: /mcp}", "http://localhost/mcp"),
        ("mcp: {host: '::1', port: 8080, path: /mcp}", "http://[::1]:8080/mcp"),
        ("sse: {host: 'https://example.com'}", "https://example.com/sse"),
        ("sse: {host: localhost, port: 8080, path: /sse}", "http://localhost:8080/sse"),
    ] {
        assert_eq!(url(keys), expected, "{keys}");
    }
}

#[test]
fn ports_that_the_system_chooses_may_be_several() {
    let listeners = "listeners: [{routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]}]";
    let config = loaded(&format!("binds: [{{port: 0, {listeners}}}, {{port: 0, {listeners}}}]"));
    let keys = config.binds.iter().map(|bind| bind.listeners[0].routes[0].backends[0].key.as_str());
    assert_eq!(keys.collect::<Vec<_>>(), ["bind0/listener0/route0/0", "bind1/listener0/route0/0"]);
}

#[test]
fn the_admin_interface_can_be_off() {
    let config =
        loaded("{config: {adminAddr: off}, mcp: {port: 15000, targets: [{name: a, stdio: {cmd: b}}]}}");
    assert_eq!(config.admin, None);
}

#[test]
fn the_built_in_configuration() {
    let config = load(&Source::Default, &environment).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(config.binds.iter().all(|bind| bind.address.is_loopback()));
    expect![[r#"
        [
            Target {
                name: "time",
                transport: Stdio {
                    cmd: "/bin/agentgateway",
                    args: [
                        "builtin",
                        "time",
                    ],
                    env: {},
                    clear_env: false,
                    cwd: None,
                },
                conduct: Conduct {
                    limits: Limits {
                        message: 67108864,
                        connect: 60s,
                        probe: 5s,
                        list: 30s,
                        call: 300s,
                        longest_call: 14400s,
                        idle: 1800s,
                        calls: 256,
                        children: 256,
                        items: 10000,
                        pages: 1000,
                        notifications: 100,
                    },
                    sharing: Session,
                    warm: false,
                    breaker: Breaker {
                        failures: 5,
                        pause: 10s,
                    },
                },
            },
            Target {
                name: "everything",
                transport: Stdio {
                    cmd: "/bin/agentgateway",
                    args: [
                        "builtin",
                        "everything",
                    ],
                    env: {},
                    clear_env: false,
                    cwd: None,
                },
                conduct: Conduct {
                    limits: Limits {
                        message: 67108864,
                        connect: 60s,
                        probe: 5s,
                        list: 30s,
                        call: 300s,
                        longest_call: 14400s,
                        idle: 1800s,
                        calls: 256,
                        children: 256,
                        items: 10000,
                        pages: 1000,
                        notifications: 100,
                    },
                    sharing: Session,
                    warm: false,
                    breaker: Breaker {
                        failures: 5,
                        pause: 10s,
                    },
                },
            },
        ]
    "#]]
    .assert_debug_eq(&config.binds[0].listeners[0].routes[0].backends[0].targets);
}

#[test]
fn every_example_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(root).expect("examples") {
        let path = entry.expect("an entry").path();
        names.insert(path.file_name().expect("a name").to_string_lossy().into_owned());
        let file = path.join("config.yaml");
        if let Err(faults) = load(&Source::File(file.clone()), &|_| None) {
            panic!("{faults}");
        }
        let text = std::fs::read_to_string(&file).expect("text");
        let schema =
            text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        assert!(path.join(schema.expect("a line for editors")).is_file(), "{}", file.display());
    }
    for name in ["load-balancing", "multiplex", "remote", "short", "tls"] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn the_multiplex_example_is_the_tutorials() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/multiplex/config.yaml");
    let text = std::fs::read_to_string(file).expect("text");
    assert!(text.ends_with(TUTORIAL.trim_start()), "{text}");
}

#[test]
fn the_schema_is_the_committed_one() {
    expect_file!["../../../../schema/config.json"].assert_eq(&schema());
}

/// Every key in a schema of mappings, as `Definition.key`.
fn schema_keys() -> BTreeSet<String> {
    let schema = shape::schema();
    let mut definitions = vec![("", schema)];
    definitions
        .extend(schema["$defs"].as_object().expect("definitions").iter().map(|(n, d)| (n.as_str(), d)));
    let mut keys = BTreeSet::new();
    for (name, definition) in definitions {
        let properties = definition.get("properties").and_then(|p| p.as_object());
        keys.extend(properties.into_iter().flatten().map(|(key, _)| format!("{name}.{key}")));
    }
    keys
}

#[test]
fn every_key_has_a_description() {
    for (name, definition) in shape::schema()["$defs"].as_object().expect("definitions") {
        assert!(definition.get("description").is_some(), "{name}");
        for (key, schema) in definition.get("properties").and_then(|p| p.as_object()).into_iter().flatten() {
            assert!(schema.get("description").is_some(), "{name}.{key}");
        }
    }
}

/// Calls `each` with the tree without one of its keys or elements, for every one of them.
fn without_each(tree: &Node, path: &str, each: &mut dyn FnMut(&str, Node)) {
    match &tree.kind {
        Kind::Map(entries) => {
            for (index, (key, node)) in entries.iter().enumerate() {
                let path = yaml::join(path, &key.text);
                let mut fewer = entries.clone();
                fewer.remove(index);
                each(&path, Node { kind: Kind::Map(fewer), ..tree.clone() });
                without_each(node, &path, &mut |path, node| {
                    let mut entries = entries.clone();
                    entries[index].1 = node;
                    each(path, Node { kind: Kind::Map(entries), ..tree.clone() });
                });
            }
        }
        Kind::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                let path = format!("{path}[{index}]");
                without_each(node, &path, &mut |path, node| {
                    let mut nodes = nodes.clone();
                    nodes[index] = node;
                    each(path, Node { kind: Kind::List(nodes), ..tree.clone() });
                });
            }
        }
        Kind::Scalar(_) | Kind::Faulty => {}
    }
}

#[test]
fn every_key_does_something() {
    let full = loaded(FULL);
    let tree = yaml::parse(FULL, &mut Vec::new()).expect("a tree");
    let mut seen = BTreeSet::new();
    without_each(&tree, "", &mut |path, tree| {
        let mut faults = Vec::new();
        let config = understand_tree(tree, &environment, &mut faults);
        assert!(!faults.is_empty() || config.as_ref() != Some(&full), "{path} does nothing");
        seen.insert(path.rsplit('.').next().unwrap_or_default().to_owned());
    });
    for key in schema_keys() {
        let (_, name) = key.rsplit_once('.').expect("a dot");
        assert!(seen.contains(name), "{key} is not in full.yaml");
    }
}

#[test]
fn nothing_from_the_environment_is_shown() {
    let everywhere = FULL
        .replace("clear_env: true", "clear_env: true\n              # $TOKEN")
        .replace("host: HTTPS://Example.com:443", "host: https://example.com/$TOKEN?key=$TOKEN");
    let shown = format!("{0:?} {0:#?}", loaded(&everywhere));
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("$TOKEN"), "{shown}");

    // Each scalar in turn comes from the environment, where most are faults.
    let scalars: Vec<&str> = FULL.lines().filter(|line| line.contains(": ") && !line.contains('#')).collect();
    for line in scalars {
        let (key, _) = line.split_once(": ").expect("a colon");
        for value in ["$TOKEN", "[$TOKEN]", "http://$TOKEN@host", "x:$TOKEN", "/($TOKEN"] {
            let value = if value.starts_with('[') { value.to_owned() } else { format!("{value:?}") };
            if let Err(faults) = try_load(&FULL.replacen(line, &format!("{key}: {value}"), 1)) {
                let shown = format!("{faults} {faults:?}");
                assert!(!shown.contains("s3cret"), "{shown}");
            }
        }
    }
}

#[test]
fn files_that_cannot_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let shown = |path: &Path| {
        let faults = load(&Source::File(path.to_owned()), &environment).expect_err("faults");
        faults.to_string().replace(&directory.path().display().to_string(), "")
    };
    let missing = directory.path().join("missing.yaml");
    expect![[r#"
        /missing.yaml: the file cannot be read: No such file or directory (os error 2); name the file to use with `-f`
        1 fault in /missing.yaml"#]].assert_eq(&shown(&missing));
    let latin = directory.path().join("latin.yaml");
    std::fs::write(&latin, b"a: b\n# \xe4\n").expect("written");
    expect![[r#"
        /latin.yaml:2:3: the file is not UTF-8 text; save it in the encoding UTF-8
        1 fault in /latin.yaml"#]]
    .assert_eq(&shown(&latin));
    let large = directory.path().join("large.yaml");
    std::fs::write(&large, vec![b'#'; (4 << 20) + 1]).expect("written");
    expect![[r#"
        /large.yaml: the file is larger than 4 MiB
        1 fault in /large.yaml"#]]
    .assert_eq(&shown(&large));
    let file = directory.path().join("file.yaml");
    std::fs::write(&file, "\u{feff}# No keys.\nmpc: {}\n").expect("written");
    expect![[r#"
        /file.yaml:2:1: unknown key `mpc`; did you mean `mcp`?
          |
        2 | mpc: {}
          | ^
        1 fault in /file.yaml"#]]
    .assert_eq(&shown(&file));
}

/// Lines of YAML, most of them from a file that is right.
pub(super) fn text() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = FULL.lines().collect();
    let odd = [
        "- ",
        "\t",
        "x: *a",
        "x: &a [*a]",
        "<<: *a",
        "---",
        "? ",
        "- - -",
        "!!str x",
        "'",
        "$",
        "${",
        "x: $TOKEN",
        ": ",
        "{",
        "]",
        "é: \u{1}",
        "|",
        ">-",
    ];
    let part = prop_oneof![
        8 => proptest::sample::select(lines).prop_map(str::to_owned),
        2 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ];
    prop_oneof![
        1 => "(?s).{0,80}",
        2 => proptest::collection::vec(part, 0..30).prop_map(|lines| lines.join("\n")),
        3 => full_with_changes(),
    ]
}

/// The whole file with a few lines changed or lost.
fn full_with_changes() -> impl Strategy<Value = String> {
    let count = FULL.lines().count();
    let change = (
        0..count,
        prop_oneof![Just(None), (0..count).prop_map(|line| FULL.lines().nth(line).map(str::trim_start))],
    );
    proptest::collection::vec(change, 1..4).prop_map(|changes| {
        let mut lines: Vec<String> = FULL.lines().map(str::to_owned).collect();
        for (at, with) in changes {
            let indent = lines[at].len() - lines[at].trim_start().len();
            lines[at] = format!("{:indent$}{}", "", with.unwrap_or_default());
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_configuration_or_faults_in_the_order_of_the_text(text in text()) {
        if let Err(faults) = try_load(&text) {
            prop_assert!(faults.count() > 0);
            prop_assert!(faults.iter().is_sorted_by_key(|fault| (fault.line, fault.column)));
            prop_assert!(faults.iter().all(|fault| fault.line <= text.matches(['\n', '\r']).count() + 1), "{faults}");
            prop_assert!(!faults.to_string().contains("does not have the form"), "{faults}");
            prop_assert!(!faults.to_string().contains("s3cret"), "{faults}");
        }
    }
}
