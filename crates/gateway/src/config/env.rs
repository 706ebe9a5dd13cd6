//! Variables of the environment in scalar values: `$NAME`, `${NAME}` and `${NAME:-default}`; `$$` is a dollar sign.
//!
//! They are replaced after the YAML is parsed, so that a value can neither add keys nor change the structure,
//! whatever it holds. What is replaced keeps its spelling next to it, for messages.

use super::fault::Fault;
use super::yaml::{Kind, Node, Scalar, Style, join, shorten};

/// The path of the running program, as a variable: its `builtin` command serves the targets of the built-in
/// configuration, [`super::Source::Default`].
pub const EXECUTABLE: &str = "AGENTGATEWAY_EXE";

/// Looks a variable up in the environment of this process, where [`EXECUTABLE`] is always defined.
///
/// A value that is not Unicode counts as not defined.
#[expect(clippy::disallowed_methods, reason = "the one place where the configuration meets the environment")]
pub fn process_environment(name: &str) -> Option<String> {
    let own = || std::env::current_exe().ok()?.into_os_string().into_string().ok();
    std::env::var(name).ok().or_else(|| if name == EXECUTABLE { own() } else { None })
}

/// Replaces the variables in every scalar below a node. Scalars with a fault become [`Kind::Faulty`].
pub(super) fn expand(tree: &mut Node, environment: &dyn Fn(&str) -> Option<String>, faults: &mut Vec<Fault>) {
    Expansion { environment, faults }.node(tree, "");
}

struct Expansion<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    faults: &'a mut Vec<Fault>,
}

impl Expansion<'_> {
    fn node(&mut self, node: &mut Node, path: &str) {
        match &mut node.kind {
            Kind::Map(entries) => {
                for (key, node) in entries {
                    self.node(node, &join(path, &key.text));
                }
            }
            Kind::List(nodes) => {
                for (index, node) in nodes.iter_mut().enumerate() {
                    self.node(node, &format!("{path}[{index}]"));
                }
            }
            Kind::Scalar(scalar) if scalar.text.contains('$') => match self.text(&scalar.text) {
                Ok(text) if text == scalar.text => {}
                Ok(text) => {
                    let spelling = std::mem::replace(&mut scalar.text, text);
                    // What a variable holds is text, also if it looks like YAML's `null`.
                    *scalar = Scalar {
                        text: std::mem::take(&mut scalar.text),
                        spelling: Some(spelling),
                        style: Style::Quoted,
                    };
                }
                Err((message, hint)) => {
                    self.faults.push(Fault::at(node.place, path, message).hint(hint));
                    node.kind = Kind::Faulty;
                }
            },
            Kind::Scalar(_) | Kind::Faulty => {}
        }
    }

    fn text(&self, text: &str) -> Result<String, (String, String)> {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            result.push_str(before);
            rest = if let Some(after) = after.strip_prefix('$') {
                result.push('$');
                after
            } else if let Some(braced) = after.strip_prefix('{') {
                let Some((inner, after)) = braced.split_once('}') else {
                    return Err(("a `${` is never closed with `}`".into(), DOLLAR.into()));
                };
                result.push_str(&self.braced(inner)?);
                after
            } else {
                let (name, after) = split_name(after);
                match name {
                    // A regular expression ends with `$`; nothing else could be meant by a lonely one.
                    "" => result.push('$'),
                    _ => result.push_str(&self.variable(name)?),
                }
                after
            };
        }
        result.push_str(rest);
        Ok(result)
    }

    fn braced(&self, inner: &str) -> Result<String, (String, String)> {
        let (name, rest) = split_name(inner);
        match (name, rest, rest.strip_prefix(":-")) {
            ("", ..) => Err((
                format!("`${{{}}}` does not start with the name of a variable", shorten(inner)),
                DOLLAR.to_owned(),
            )),
            (_, "", _) => self.variable(name),
            // Like the shell, an empty variable counts as one that is not defined.
            (_, _, Some(default)) => match (self.environment)(name) {
                Some(value) if !value.is_empty() => Ok(value),
                _ => self.text(default),
            },
            (_, _, None) => Err((
                format!("`${{{}}}` is not a form that is known here", shorten(inner)),
                format!("write `${{{name}}}` or `${{{name}:-default}}`; {DOLLAR}"),
            )),
        }
    }

    fn variable(&self, name: &str) -> Result<String, (String, String)> {
        (self.environment)(name).ok_or_else(|| {
            let name = shorten(name);
            (
                format!("the environment variable `{name}` is not defined"),
                format!("define it, or write `${{{name}:-default}}`; {DOLLAR}"),
            )
        })
    }
}

const DOLLAR: &str = "for a dollar sign write `$$`";

/// The name at the beginning of a text, and what follows it.
fn split_name(text: &str) -> (&str, &str) {
    let end = match text.bytes().next() {
        Some(b) if b.is_ascii_alphabetic() || b == b'_' => {
            text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_')).unwrap_or(text.len())
        }
        _ => 0,
    };
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_knows_itself() {
        assert!(std::path::Path::new(&process_environment(EXECUTABLE).expect("a path")).is_file());
        assert_eq!(process_environment("AGENTGATEWAY_NO_SUCH_VARIABLE"), None);
    }

    #[test]
    fn variables_are_replaced() {
        let environment = |name: &str| match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            "ODD" => Some("$A: [x".to_owned()),
            _ => None,
        };
        let mut faults = Vec::new();
        let expansion = Expansion { environment: &environment, faults: &mut faults };
        for (text, expected) in [
            ("$A", "one"),
            ("${A}", "one"),
            ("x$A-y", "xone-y"),
            ("$A$A${A}", "oneoneone"),
            ("${A:-two}", "one"),
            ("${B:-two}", "two"),
            ("${EMPTY:-two}", "two"),
            ("${B:-}", ""),
            ("${B:-$A}", "one"),
            ("<$EMPTY>", "<>"),
            ("$$A", "$A"),
            ("$$$A", "$one"),
            ("$${A}", "${A}"),
            ("^/a/(b$|c)$", "^/a/(b$|c)$"),
            ("$5", "$5"),
            // A value is not looked into again.
            ("$ODD", "$A: [x"),
        ] {
            assert_eq!(expansion.text(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["$B", "${B}", "${A", "${}", "${A-x}", "${A:?x}", "${ A}", "${B:-$B}"] {
            assert!(expansion.text(text).is_err(), "{text}");
        }
    }
}
