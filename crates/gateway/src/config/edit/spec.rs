//! A target as people write it, in the file and in the UI.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::yaml::{Kind, Node};
use super::tree;

/// A target. A `$` in its texts means a variable of the environment, as in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// Its name.
    pub name: String,
    /// The program to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdio: Option<StdioSpec>,
    /// The server to reach over Streamable HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<RemoteSpec>,
    /// The server to reach over HTTP+SSE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sse: Option<RemoteSpec>,
}

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StdioSpec {
    /// The program.
    pub cmd: String,
    /// Its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Environment variables to set for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Pairs>,
    /// Whether it starts without the gateway's own environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear_env: Option<OrVariable<bool>>,
    /// The directory to start it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
}

/// A server to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteSpec {
    /// A URL, or a host next to a port and a path.
    pub host: String,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<OrVariable<u16>>,
    /// The path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A value, or a text with a variable in it that stands for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OrVariable<T> {
    /// The value.
    Value(T),
    /// `${PORT:-8080}`
    Text(String),
}

/// Texts by name, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, text)))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs: Vec<(String, String)> = Vec::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    if pairs.iter().any(|(other, _)| *other == name) {
                        return Err(serde::de::Error::custom(format!("`{name}` is there twice")));
                    }
                    pairs.push((name, text));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

impl TargetSpec {
    /// As the file says it, from a file that is valid.
    pub(super) fn read(node: &Node) -> Option<Self> {
        Some(Self {
            name: text(node, "name")?,
            stdio: there(node, "stdio").and_then(StdioSpec::read),
            mcp: there(node, "mcp").and_then(RemoteSpec::read),
            sse: there(node, "sse").and_then(RemoteSpec::read),
        })
    }

    /// As the file would say it in place of `old`, of which everything stays that a spec says nothing about.
    pub(super) fn in_place_of(&self, old: &Node) -> Node {
        let mut new = self.to_node();
        if let (Kind::Map(entries), Kind::Map(known)) = (&mut new.kind, &old.kind) {
            let unsaid = known.iter().filter(|(key, _)| !Self::KEYS.contains(&key.text.as_str()));
            entries.extend(unsaid.cloned());
        }
        new
    }

    /// What a spec is about.
    const KEYS: [&str; 4] = ["name", "stdio", "mcp", "sse"];

    /// As the file would say it: the keys that are set, in this order.
    pub(super) fn to_node(&self) -> Node {
        let Self { name, stdio, mcp, sse } = self;
        map([
            ("name", Some(tree::text(name))),
            ("stdio", stdio.as_ref().map(StdioSpec::to_node)),
            ("mcp", mcp.as_ref().map(RemoteSpec::to_node)),
            ("sse", sse.as_ref().map(RemoteSpec::to_node)),
        ])
    }
}

impl StdioSpec {
    fn read(node: &Node) -> Option<Self> {
        let args = there(node, "args").and_then(|args| match &args.kind {
            Kind::List(nodes) => nodes.iter().map(scalar).collect(),
            Kind::Map(_) | Kind::Scalar(_) | Kind::Faulty => None,
        });
        let env = there(node, "env").and_then(|env| match &env.kind {
            Kind::Map(entries) => {
                entries.iter().map(|(key, node)| Some((key.text.clone(), scalar(node)?))).collect()
            }
            Kind::List(_) | Kind::Scalar(_) | Kind::Faulty => None,
        });
        Some(Self {
            cmd: text(node, "cmd")?,
            args,
            env: env.map(Pairs),
            clear_env: text(node, "clear_env").map(OrVariable::read),
            cwd: text(node, "cwd"),
        })
    }

    fn to_node(&self) -> Node {
        let Self { cmd, args, env, clear_env, cwd } = self;
        let pairs =
            |Pairs(pairs): &Pairs| tree::map(pairs.iter().map(|(name, text)| (name, tree::text(text))));
        map([
            ("cmd", Some(tree::text(cmd))),
            ("args", args.as_ref().map(|args| tree::list(args.iter().map(tree::text)))),
            ("env", env.as_ref().map(pairs)),
            ("clear_env", clear_env.as_ref().map(OrVariable::to_node)),
            ("cwd", cwd.as_ref().map(tree::text)),
        ])
    }
}

impl RemoteSpec {
    fn read(node: &Node) -> Option<Self> {
        let port = text(node, "port").map(OrVariable::read);
        Some(Self { host: text(node, "host")?, port, path: text(node, "path") })
    }

    fn to_node(&self) -> Node {
        let Self { host, port, path } = self;
        map([
            ("host", Some(tree::text(host))),
            ("port", port.as_ref().map(OrVariable::to_node)),
            ("path", path.as_ref().map(tree::text)),
        ])
    }
}

impl<T: std::str::FromStr + fmt::Display> OrVariable<T> {
    fn read(text: String) -> Self {
        text.parse().map_or(Self::Text(text), Self::Value)
    }

    fn to_node(&self) -> Node {
        match self {
            Self::Value(value) => tree::plain(value.to_string()),
            Self::Text(text) => tree::text(text),
        }
    }
}

fn map<const N: usize>(entries: [(&str, Option<Node>); N]) -> Node {
    tree::map(entries.into_iter().filter_map(|(key, node)| Some((key, node?))))
}

/// The value of a key, if there is one.
fn there<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).map(|(_, node)| node).filter(|node| !tree::is_nothing(node))
}

fn text(node: &Node, key: &str) -> Option<String> {
    scalar(there(node, key)?)
}

fn scalar(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.text.clone()),
        Kind::Map(_) | Kind::List(_) | Kind::Faulty => None,
    }
}
