//! Arguments of a tool that its server wants mirrored in headers: the annotation `x-mcp-header`.
//!
//! A property annotated with `X` travels in `Mcp-Param-X` as well, so that whoever stands between client and server can
//! route by it without reading the body. Because of that, header and body must agree. Spec 2026-07-28, server/tools
//! "x-mcp-header" and basic/transports/streamable-http "Custom Headers from Tool Parameters".

use std::collections::HashSet;

use self::schema::Walk;
use self::value::Value;
use crate::header::{self, PARAM_PREFIX};
use crate::json::JsonError;
use crate::{Object, Raw, Word};

mod schema;
mod value;

const ANNOTATION: &str = "x-mcp-header";

/// What a tool wants mirrored. Read once, when the tool is listed; empty for most tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror {
    fields: Box<[Field]>,
}

/// One annotated property.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// The name of its header, in lower case.
    header: String,
    /// The names of the properties that lead to it.
    path: Vec<String>,
}

impl Mirror {
    /// Reads the annotations of a tool, the raw element of a list. If one of them is not valid, what is wrong with it, in
    /// words that follow the tool's name.
    pub fn of_tool(tool: &Raw) -> Result<Self, String> {
        // An annotation whose key is spelled with escapes slips through, and its tool mirrors nothing.
        if !tool.holds(Word::Mirrored) {
            return Ok(Self::default());
        }
        match tool.object().ok().and_then(|tool| tool.get("inputSchema").cloned()) {
            Some(schema) => Self::of_schema(&schema),
            None => Ok(Self::default()),
        }
    }

    /// The same, of an `inputSchema`.
    pub fn of_schema(schema: &Raw) -> Result<Self, String> {
        let mut walk = Walk::default();
        walk.root(schema)?;
        let mut seen = HashSet::new();
        for Field { header, .. } in &walk.found {
            if !seen.insert(header) {
                let name = header.strip_prefix(PARAM_PREFIX).unwrap_or(header);
                return Err(format!("names the header `{name}` for two properties"));
            }
        }
        Ok(Self { fields: walk.found.into() })
    }

    /// Whether nothing is mirrored.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a header, in lower case, mirrors an argument of this tool.
    pub fn names(&self, header: &str) -> bool {
        self.fields.iter().any(|field| field.header == header)
    }

    /// The headers that go with these arguments, names in lower case and values as they are spelled in a header. An
    /// argument that is absent, null or nothing that a header can mirror gives none.
    pub fn headers(&self, arguments: &Object) -> Vec<(String, String)> {
        let spelled = |field: &Field| {
            let value = Value::of(field.value(arguments).ok()?).spelled()?;
            Some((field.header.clone(), header::encode(&value)))
        };
        self.fields.iter().filter_map(spelled).collect()
    }

    /// Whether headers, names in lower case, say what the arguments say. If not, what disagrees, in a sentence for the
    /// sender. Headers that this tool does not name are not looked at.
    pub fn check(&self, arguments: &Object, headers: &[(String, String)]) -> Result<(), String> {
        self.fields.iter().try_for_each(|field| field.check(arguments, headers))
    }
}

impl Field {
    /// The argument; none if it is not there. An object on the way to it that has a member twice is an error: a target
    /// might read the one that was not compared.
    fn value(&self, arguments: &Object) -> Result<Option<Raw>, JsonError> {
        let Some((first, rest)) = self.path.split_first() else { return Ok(None) };
        let mut value = arguments.get(first).cloned();
        for name in rest {
            value = match value.filter(Raw::is_object) {
                Some(holder) => holder.object()?.get(name).cloned(),
                None => return Ok(None),
            };
        }
        Ok(value)
    }

    fn check(&self, arguments: &Object, headers: &[(String, String)]) -> Result<(), String> {
        let (header, argument) = (&self.header, self.path.join("."));
        let value = self.value(arguments);
        let value = value.map_err(|error| format!("the argument `{argument}` cannot be read: {error}"))?;
        let value = Value::of(value);
        let mut sent = headers.iter().filter(|(name, _)| name == header).map(|(_, value)| value);
        let (first, second) = (sent.next(), sent.next());
        if second.is_some() {
            return Err(format!("the header `{header}` occurs more than once"));
        }
        match (first, &value) {
            (None, Value::Absent | Value::Other(_)) => Ok(()),
            (None, _) => Err(format!("the header `{header}` is missing; the argument `{argument}` is there")),
            (Some(_), Value::Absent) => {
                Err(format!("the header `{header}` is there; the argument `{argument}` is not"))
            }
            (Some(sent), _) => match header::decode(sent).filter(|_| header::is_plain(sent)) {
                None => Err(format!("the header `{header}` holds something that no header may hold")),
                Some(said) if value.is_said_by(&said) => Ok(()),
                Some(_) => Err(format!("the header `{header}` and the argument `{argument}` disagree")),
            },
        }
    }
}

#[cfg(test)]
mod tests;
