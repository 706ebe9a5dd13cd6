//! Configurations as anybody might write them, and edits of them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::super::Target;
use super::super::super::yaml::Scalar;
use super::*;

/// Decisions that are made while a text is written; when they run out, the plainest way is taken.
struct Taste {
    choices: std::vec::IntoIter<u8>,
    comments: usize,
    newline: &'static str,
    step: usize,
    dash: usize,
    gap: usize,
}

impl Taste {
    fn pick(&mut self, among: usize) -> usize {
        self.choices.next().map_or(0, usize::from) % among
    }

    /// Something is rare.
    fn rarely(&mut self) -> bool {
        self.pick(6) == 5
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("# comment {}, with: [odd] {{signs}} & *such", self.comments)
    }

    /// What may stand at the end of a line.
    fn line_end(&mut self) -> String {
        let comment = if self.rarely() {
            format!("{:1$}{2}", "", 1 + self.pick(3), self.comment())
        } else {
            String::new()
        };
        comment + self.newline
    }

    /// What may stand between two lines.
    fn between(&mut self, column: usize) -> String {
        let mut lines = String::new();
        if self.rarely() {
            let _ = write!(lines, "{}", self.newline);
        }
        if self.rarely() {
            // Not as far to the right as the text of a block, to which it would belong.
            let column = if self.pick(3) == 2 { column + 1 } else { column };
            let _ = write!(lines, "{:column$}{}{}", "", self.comment(), self.newline);
        }
        lines
    }

    fn scalar(&mut self, scalar: &Scalar) -> String {
        let plain = matches!(scalar.style, yaml::Style::Plain);
        match self.pick(4) {
            2 => format!("'{}'", scalar.text.replace('\'', "''")),
            3 => format!("{:?}", scalar.text),
            _ if plain => scalar.text.clone(),
            _ => write::inline(&tree::text(&scalar.text), &style::Style::default()),
        }
    }

    fn inline(&mut self, node: &Node, column: usize) -> String {
        let (open, close, parts): (_, _, Vec<String>) = match &node.kind {
            Kind::Map(entries) => {
                let pair = |(key, node): &(yaml::Key, Node)| {
                    format!("{}: {}", key.text, self.inline(node, column + 2))
                };
                ('{', '}', entries.iter().map(pair).collect())
            }
            Kind::List(nodes) => ('[', ']', nodes.iter().map(|node| self.inline(node, column + 2)).collect()),
            Kind::Scalar(scalar) => return self.scalar(scalar),
            Kind::Faulty => unreachable!("nothing is faulty here"),
        };
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        let trailing = if self.rarely() { "," } else { "" };
        match self.pick(6) {
            4 => format!("{open} {}{trailing} {close}", parts.join(" , ")),
            5 => {
                let mut lines = format!("{open}{}", self.line_end());
                for (index, part) in parts.iter().enumerate() {
                    let comma = if index + 1 < parts.len() { "," } else { trailing };
                    let _ = write!(lines, "{:2$}{part}{comma}{}", "", self.line_end(), column + 2);
                }
                lines + &format!("{:column$}{close}", "")
            }
            _ => format!("{open}{}{trailing}{close}", parts.join(", ")),
        }
    }

    /// What follows a colon, with the line break.
    fn value(&mut self, node: &Node, column: usize) -> String {
        let block = self.pick(4) < 3;
        match &node.kind {
            Kind::Map(entries) if block && !entries.is_empty() => {
                self.line_end() + &self.entries(entries, column + self.step, true)
            }
            Kind::List(nodes) if block && !nodes.is_empty() => {
                let column = column + self.dash;
                let mut lines = self.line_end();
                for node in nodes {
                    lines += &self.between(column);
                    lines += &self.item(node, column);
                }
                lines
            }
            Kind::Scalar(scalar) if !scalar.text.is_empty() && self.rarely() => {
                let (newline, indent) = (self.newline, column + 2);
                format!(" |-{newline}{:indent$}{}{newline}", "", scalar.text)
            }
            Kind::Scalar(scalar) => format!(" {}{}", self.scalar(scalar), self.line_end()),
            _ => format!(" {}{}", self.inline(node, column + 2), self.line_end()),
        }
    }

    fn item(&mut self, node: &Node, column: usize) -> String {
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() && self.pick(4) < 3 => {
                // The dash may stand alone.
                if self.rarely() {
                    let end = self.line_end();
                    return format!("{:column$}-{end}{}", "", self.entries(entries, column + 2, true));
                }
                format!("{:column$}-{:2$}", "", "", self.gap - 1)
                    + &self.entries(entries, column + self.gap, false)
            }
            _ => format!("{:column$}- {}{}", "", self.inline(node, column + 2), self.line_end()),
        }
    }

    /// `begun` says whether the first line needs its indentation.
    fn entries(&mut self, entries: &[(yaml::Key, Node)], column: usize, begun: bool) -> String {
        let mut lines = String::new();
        for (index, (key, node)) in entries.iter().enumerate() {
            if index > 0 || begun {
                lines += &self.between(column);
                let _ = write!(lines, "{:column$}", "");
            }
            let key = match self.pick(8) {
                6 => format!("{:?}", key.text),
                7 => format!("{} ", key.text),
                _ => key.text.clone(),
            };
            lines += &format!("{key}:{}", self.value(node, column));
        }
        lines
    }
}

fn written(node: &Node, choices: Vec<u8>) -> String {
    let mut taste =
        Taste { choices: choices.into_iter(), comments: 0, newline: "\n", step: 2, dash: 0, gap: 2 };
    taste.newline = ["\n", "\n", "\r\n"][taste.pick(3)];
    taste.step = [2, 4, 3][taste.pick(3)];
    taste.dash = [0, taste.step][taste.pick(2)];
    taste.gap = [2, 2, 4][taste.pick(3)];
    let Kind::Map(entries) = &node.kind else { unreachable!("a configuration is a mapping") };
    let mut text = match taste.pick(8) {
        7 => taste.inline(node, 0) + taste.newline,
        _ => taste.entries(entries, 0, true),
    };
    text += &taste.between(0);
    if taste.rarely() {
        text.truncate(text.trim_end().len());
    }
    if taste.rarely() { format!("\u{feff}{text}") } else { text }
}

/// Texts that need quotes now and then.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}",
        1 => Just("$TOKEN".to_owned()),
        1 => Just("${X:-a b}".to_owned()),
        1 => Just("-y".to_owned()),
        1 => Just("@scope/server".to_owned()),
        1 => Just("a: b # c".to_owned()),
        1 => Just("it's".to_owned()),
        1 => Just("8080".to_owned()),
        1 => Just("yes".to_owned()),
        1 => Just("[x], {y}".to_owned()),
    ]
}

fn a_target(name: &'static str) -> impl Strategy<Value = TargetSpec> {
    let args = proptest::option::of(proptest::collection::vec(word(), 0..4));
    let env = proptest::option::of(proptest::collection::btree_map("[A-Z]{1,3}", word(), 0..3));
    let stdio = ("[a-z]{1,6}", args, env, any::<bool>(), proptest::option::of(Just("/tmp".to_owned())));
    let stdio = stdio.prop_map(|(cmd, args, env, clear, cwd)| StdioSpec {
        cmd,
        args,
        env: env.map(|env| Pairs(env.into_iter().collect())),
        clear_env: clear.then_some(OrVariable::Value(true)),
        cwd,
    });
    let remote = prop_oneof![
        Just(RemoteSpec { host: "https://example.com/x?y=z".to_owned(), port: None, path: None }),
        Just(RemoteSpec {
            host: "localhost".to_owned(),
            port: Some(OrVariable::Value(8080)),
            path: Some("/mcp".to_owned())
        }),
        Just(RemoteSpec {
            host: "${HOST:-localhost}".to_owned(),
            port: Some(OrVariable::Text("$PORT".to_owned())),
            path: Some("/mcp".to_owned())
        }),
    ];
    let empty = TargetSpec { name: name.to_owned(), stdio: None, mcp: None, sse: None };
    let (one, other) = (empty.clone(), empty.clone());
    prop_oneof![
        3 => stdio.prop_map(move |stdio| TargetSpec { stdio: Some(stdio), ..empty.clone() }),
        1 => remote.clone().prop_map(move |mcp| TargetSpec { mcp: Some(mcp), ..one.clone() }),
        1 => remote.prop_map(move |sse| TargetSpec { sse: Some(sse), ..other.clone() }),
    ]
}

fn targets() -> impl Strategy<Value = Node> {
    let names = ["a", "b.c", "d-e"];
    (1..=names.len()).prop_flat_map(move |count| {
        let targets: Vec<_> = names[..count].iter().map(|name| a_target(name)).collect();
        targets.prop_map(|targets| tree::list(targets.iter().map(TargetSpec::to_node)))
    })
}

fn policies() -> impl Strategy<Value = Option<Node>> {
    let origins = proptest::collection::vec(
        prop_oneof![Just("https://a.example"), Just("https://*.b.example"), Just("http://localhost:1")],
        1..3,
    );
    let cors = (origins, any::<bool>()).prop_map(|(origins, headers)| {
        let headers = headers.then(|| ("allowHeaders", tree::list([tree::text("content-type")])));
        tree::map(
            [("allowOrigins", tree::list(origins.into_iter().map(tree::text)))].into_iter().chain(headers),
        )
    });
    let cors = prop_oneof![1 => Just(None), 3 => cors.prop_map(Some)];
    let policies = cors.prop_map(|cors| tree::map(cors.map(|cors| ("cors", cors))));
    proptest::option::of(policies)
}

fn a_tree() -> impl Strategy<Value = Node> {
    let short = (policies(), targets(), any::<bool>()).prop_map(|(policies, targets, last)| {
        let policies = policies.map(|policies| ("policies", policies));
        let targets = [("targets", targets)];
        let entries: Vec<_> = match last {
            true => {
                targets.into_iter().chain(policies).chain([("prefixMode", tree::text("always"))]).collect()
            }
            false => policies.into_iter().chain(targets).collect(),
        };
        tree::map([("mcp", tree::map(entries))])
    });
    let route = (policies(), proptest::collection::vec(targets(), 1..3)).prop_map(|(policies, backends)| {
        let backend = |targets| tree::map([("mcp", tree::map([("targets", targets)]))]);
        let backends = [("backends", tree::list(backends.into_iter().map(backend)))];
        tree::map(policies.map(|policies| ("policies", policies)).into_iter().chain(backends))
    });
    let long = proptest::collection::vec(route, 1..3).prop_map(|routes| {
        let listener = tree::map([("routes", tree::list(routes))]);
        let bind = tree::map([("port", tree::plain("3000")), ("listeners", tree::list([listener]))]);
        tree::map([("config", tree::map([("adminAddr", tree::text("off"))])), ("binds", tree::list([bind]))])
    });
    prop_oneof![short, long]
}

fn a_file() -> impl Strategy<Value = String> {
    (a_tree(), proptest::collection::vec(any::<u8>(), 0..400))
        .prop_map(|(tree, choices)| written(&tree, choices))
}

/// What the comments of a text say, in their order.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.find("# comment").map(|at| line[at..].trim_end())).collect()
}

fn meaning(text: &str) -> Config {
    understand(text.trim_start_matches('\u{feff}'), &environment, &mut Vec::new())
        .unwrap_or_else(|| panic!("no configuration:\n{text}"))
}

fn targets_in(config: &mut Config) -> &mut Vec<Target> {
    &mut config.binds[0].listeners[0].routes[0].backends[0].targets
}

fn read(text: &str, name: &str) -> Result<TargetSpec, TestCaseError> {
    super::super::target(text, BACKEND, name, &environment)
        .map_err(|reason| TestCaseError::fail(reason.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_target_changes_nothing_else_and_can_be_undone(text in a_file(), target in a_target("new")) {
        let add = Edit::AddTarget { backend: BACKEND.to_owned(), target: target.clone() };
        let edited = edited(&text, &add).map_err(TestCaseError::fail)?;
        prop_assert_eq!(comments(&edited), comments(&text));
        prop_assert_eq!(edited.contains('\r'), text.contains('\r'));
        prop_assert_eq!(read(&edited, "new")?, target);
        let (mut before, after) = (meaning(&text), meaning(&edited));
        targets_in(&mut before).extend(targets_in(&mut after.clone()).last().cloned());
        prop_assert_eq!(before, after);
        let undone = super::edited(&edited, &remove("new")).map_err(TestCaseError::fail)?;
        prop_assert_eq!(undone, text);
    }

    #[test]
    fn allowing_an_origin_changes_nothing_else(text in a_file()) {
        let allowed = edited(&text, &allow(PAGE)).map_err(TestCaseError::fail)?;
        prop_assert_eq!(comments(&allowed), comments(&text));
        let again = edited(&allowed, &allow(PAGE));
        prop_assert_eq!(again.as_deref(), Ok(allowed.as_str()));
        let (before, mut after) = (meaning(&text), meaning(&allowed));
        let before_cors = before.binds[0].listeners[0].routes[0].cors.clone();
        let after_cors = &mut after.binds[0].listeners[0].routes[0].cors;
        let origins = &mut after_cors.as_mut().expect("a policy").allow_origins;
        prop_assert_eq!(origins.pop().map(|origin| origin.to_string()), Some(PAGE.to_owned()));
        if before_cors.is_none() {
            *after_cors = None;
        }
        prop_assert_eq!(before, after);
    }

    #[test]
    fn replacing_a_target_leaves_the_others(text in a_file(), target in a_target("new")) {
        let was = read(&text, "a")?;
        let same = Edit::ReplaceTarget { backend: BACKEND.to_owned(), name: "a".to_owned(), target: was.clone() };
        let unchanged = edited(&text, &same);
        prop_assert_eq!(unchanged.as_deref(), Ok(text.as_str()));

        let there = Edit::ReplaceTarget { backend: BACKEND.to_owned(), name: "a".to_owned(), target: target.clone() };
        let replaced = edited(&text, &there).map_err(TestCaseError::fail)?;
        prop_assert_eq!(read(&replaced, "new")?, target);
        let back = Edit::ReplaceTarget { backend: BACKEND.to_owned(), name: "new".to_owned(), target: was };
        let back = edited(&replaced, &back).map_err(TestCaseError::fail)?;
        prop_assert_eq!(meaning(&back), meaning(&text));
    }

    #[test]
    fn removing_a_target_leaves_the_others(text in a_file()) {
        let mut before = meaning(&text);
        let targets = targets_in(&mut before);
        if targets.len() == 1 {
            return Ok(());
        }
        targets.remove(0);
        let removed = edited(&text, &remove("a")).map_err(TestCaseError::fail)?;
        prop_assert_eq!(before, meaning(&removed));
    }

    #[test]
    fn any_text_is_edited_or_refused(text in super::super::super::tests::text()) {
        let edits = [
            Edit::AllowOrigin { route: "8443/public/tools".to_owned(), origin: PAGE.to_owned() },
            Edit::AddTarget { backend: "3001/listener0/route0/0".to_owned(), target: spec(r#"{"name": "n", "stdio": {"cmd": "c"}}"#) },
            Edit::RemoveTarget { backend: "8443/public/tools/0".to_owned(), name: "old".to_owned() },
        ];
        for edit in edits {
            if let Ok(edited) = edited(&text, &edit) {
                meaning(&edited);
            }
        }
    }
}
