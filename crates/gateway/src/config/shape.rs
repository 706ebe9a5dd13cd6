//! The tree against the JSON schema: every unknown key, wrong type and missing key at once.
//!
//! The schema is made from the types of `document`, so these stay the only description of the file. Deserializing
//! the tree directly would stop at the first fault, and a general schema validator would neither know lines nor find
//! the words that help whoever wrote the file.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::document::Document;
use super::fault::Fault;
use super::yaml::{Key, Kind, Node, Place, Scalar, Style, join, shorten};

/// The schema of the file (draft 2020-12).
pub(super) fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema =
            SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>().to_value();
        let collections = collections(&schema);
        only_empty_collections(&mut schema, &collections);
        schema
    })
}

/// The schema for everyone else, who does not replace variables before comparing: there `port: $PORT` is right, too.
pub(super) fn published() -> Value {
    let mut schema = schema().clone();
    or_a_variable(&mut schema);
    schema
}

fn or_a_variable(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
            if matches!(kind, "integer" | "boolean") {
                let kinds = json!([kind, "string"]);
                members.insert("type".to_owned(), kinds);
                members.insert("pattern".to_owned(), json!(r"\$"));
            }
            members.values_mut().for_each(or_a_variable);
        }
        Value::Array(values) => values.iter_mut().for_each(or_a_variable),
        _ => {}
    }
}

/// The definitions of mappings, by reference.
fn collections(schema: &Value) -> Vec<String> {
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let is_map = |(_, definition): &(&String, &Value)| definition.get("type") == Some(&json!("object"));
    definitions.into_iter().flatten().filter(is_map).map(|(name, _)| format!("#/$defs/{name}")).collect()
}

/// `Option` makes schemars allow `null` everywhere. A mapping or list whose lines are all commented out may well stay
/// behind as `key:`; but a `key:` that has lost its text or number is a mistake.
fn only_empty_collections(schema: &mut Value, collections: &[String]) {
    let null = json!({"type": "null"});
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                let may_be = |word: &str| types.iter().any(|t| t == word);
                if may_be("string") || !(may_be("object") || may_be("array")) {
                    types.retain(|t| t != "null");
                }
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(any)) = members.get("anyOf")
                && let [one, other] = any.as_slice()
                && *other == null
                && let Some(Value::String(reference)) = one.get("$ref")
                && !collections.contains(reference)
            {
                let reference = reference.clone();
                members.remove("anyOf");
                members.insert("$ref".to_owned(), Value::String(reference));
            }
            members.values_mut().for_each(|member| only_empty_collections(member, collections));
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| only_empty_collections(value, collections))
        }
        _ => {}
    }
}

/// Compares the tree with the schema and gives its value, typed as the schema says. Values with faults are left out,
/// as are empty mappings and lists (`key:`) that need not be there.
pub(super) fn check(tree: &Node, faults: &mut Vec<Fault>) -> Option<Value> {
    let schema = schema();
    let definitions = schema.get("$defs")?;
    Walk { definitions, faults }.value(schema, tree, None, "")
}

struct Walk<'s, 'f> {
    definitions: &'s Value,
    faults: &'f mut Vec<Fault>,
}

/// What the schema expects at a place.
enum Expected<'s> {
    /// A mapping with certain keys.
    Record {
        keys: &'s Map<String, Value>,
        required: Vec<&'s str>,
    },
    /// A mapping with any keys.
    Table(&'s Value),
    /// A list, and how many elements it has at least.
    List(&'s Value, u64),
    /// A text, or a list of what is given here, with so many elements at least.
    TextOrList(&'s Value, u64),
    Text,
    /// A text for which a number will do as well.
    Quantity,
    Integer(i64, i64),
    Boolean,
    Choice(Vec<&'s str>),
}

/// How many elements a list has at least.
fn least(schema: &Value) -> u64 {
    schema.get("minItems").and_then(Value::as_u64).unwrap_or(0)
}

impl Expected<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Record { .. } | Self::Table(_) => "a mapping (lines of `key: value`)".to_owned(),
            Self::List(..) => "a list (lines that start with `- `)".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Quantity => "a number or a text".to_owned(),
            Self::TextOrList(..) => "a text, or a list (lines that start with `- `)".to_owned(),
            Self::Integer(min, i64::MAX) => format!("a whole number, at least {min}"),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Choice(words) => one_of(words),
        }
    }
}

impl<'s> Walk<'s, '_> {
    /// What a schema expects, and whether nothing at all will do as well.
    fn expected(&self, schema: &'s Value) -> Option<(Expected<'s>, bool)> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.strip_prefix("#/$defs/")?;
            return self.expected(self.definitions.get(name)?);
        }
        if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
            let some = any.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null"))?;
            let (expected, optional) = self.expected(some)?;
            return Some((expected, optional || any.len() > 1));
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return Some((Expected::Choice(words.iter().filter_map(Value::as_str).collect()), false));
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
            // An enumeration whose words have comments of their own.
            _ => {
                let words = schema.get("oneOf")?.as_array()?;
                let words = words.iter().filter_map(|word| word.get("const")?.as_str()).collect();
                return Some((Expected::Choice(words), false));
            }
        };
        let optional = types.contains(&"null");
        let types: Vec<&str> = types.into_iter().filter(|t| *t != "null").collect();
        let expected = match types.as_slice() {
            ["object"] => match (
                schema.get("properties").and_then(Value::as_object),
                schema.get("additionalProperties"),
            ) {
                (Some(keys), _) => {
                    let required = schema.get("required").and_then(Value::as_array);
                    let required = required.into_iter().flatten().filter_map(Value::as_str).collect();
                    Expected::Record { keys, required }
                }
                (None, Some(values)) => Expected::Table(values),
                (None, None) => return None,
            },
            ["array"] => Expected::List(schema.get("items")?, least(schema)),
            ["string", "array"] => Expected::TextOrList(schema.get("items")?, least(schema)),
            // Numbers and the like are texts as well, but editors have to be told so.
            ["string"] | ["string", "number", "boolean"] => Expected::Text,
            ["string", "integer"] => Expected::Quantity,
            ["integer"] => {
                let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
                Expected::Integer(bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(i64::MAX))
            }
            ["boolean"] => Expected::Boolean,
            _ => return None,
        };
        Some((expected, optional))
    }

    /// `key` is the key the value stands behind, if it stands behind one, and whether that has to be there.
    fn value(
        &mut self,
        schema: &'s Value,
        node: &Node,
        key: Option<(&Key, bool)>,
        path: &str,
    ) -> Option<Value> {
        let Some((expected, optional)) = self.expected(schema) else {
            debug_assert!(false, "a form of schema that is not known here: {schema}");
            return None;
        };
        let found = match (&expected, &node.kind) {
            // Something has to stand in for the text. What `check` finds wrong with that is at the same path as the
            // fault that is known already, and so not reported.
            (Expected::Text | Expected::Quantity, Kind::Faulty) => return Some(Value::String(String::new())),
            (Expected::TextOrList(..), Kind::Faulty) => return Some(json!([""])),
            (_, Kind::Faulty) => return None,
            (_, Kind::Scalar(scalar)) if is_null(scalar) => {
                if !optional {
                    self.nothing(&expected, scalar, node.place, key, path);
                }
                return None;
            }
            (Expected::Record { keys, required }, Kind::Map(entries)) => {
                return Some(self.record(keys, required, entries, node.place, path));
            }
            (Expected::Table(values), Kind::Map(entries)) => {
                let mut map = Map::new();
                for (key, node) in entries {
                    if let Some(value) = self.value(values, node, Some((key, false)), &join(path, &key.text))
                    {
                        map.insert(key.text.clone(), value);
                    }
                }
                return Some(Value::Object(map));
            }
            (Expected::List(items, least) | Expected::TextOrList(items, least), Kind::List(nodes)) => {
                if (nodes.len() as u64) < *least {
                    let what =
                        key.map_or("this list".to_owned(), |(key, _)| format!("`{}`", shorten(&key.text)));
                    self.fault(node.place, path, format!("{what} is empty"), "it needs at least one entry");
                    return None;
                }
                let mut list = Vec::with_capacity(nodes.len());
                for (index, node) in nodes.iter().enumerate() {
                    list.extend(self.value(items, node, None, &format!("{path}[{index}]")));
                }
                // Without one of its elements the others would get wrong indices.
                return (list.len() == nodes.len()).then_some(Value::Array(list));
            }
            (expected, Kind::Scalar(scalar)) => match self.scalar(expected, scalar) {
                Ok(value) => return Some(value),
                Err(hint) => {
                    let message = format!("expected {}, found `{}`", expected.describe(), scalar.shown());
                    self.fault(node.place, path, message, hint);
                    return None;
                }
            },
            (_, Kind::Map(_)) => "a mapping",
            (_, Kind::List(_)) => "a list",
        };
        let hint = match (&expected, &node.kind) {
            (Expected::List(..), Kind::Map(_)) => "put `- ` before its first key",
            (Expected::Record { .. }, Kind::List(_)) => "remove the `- `",
            _ => "",
        };
        self.fault(node.place, path, format!("expected {}, found {found}", expected.describe()), hint);
        None
    }

    fn record(
        &mut self,
        keys: &'s Map<String, Value>,
        required: &[&str],
        entries: &[(Key, Node)],
        place: Place,
        path: &str,
    ) -> Value {
        let mut map = Map::new();
        // Keys that are probably meant by others; whoever wrote those need not be told that these are missing.
        let mut meant = Vec::new();
        for (key, node) in entries {
            if let Some(schema) = keys.get(&key.text) {
                let needed = required.contains(&key.text.as_str());
                if let Some(value) = self.value(schema, node, Some((key, needed)), &join(path, &key.text)) {
                    map.insert(key.text.clone(), value);
                }
                continue;
            }
            let free = || {
                keys.keys().map(String::as_str).filter(|k| !entries.iter().any(|(key, _)| key.text == **k))
            };
            let hint = if let Some(word) = nearest(&key.text, free()) {
                meant.push(word);
                format!("did you mean `{word}`?")
            } else if let Some(outer) = self.outer(&key.text, keys) {
                meant.push(outer);
                format!("`{}` is a key of `{outer}`", shorten(&key.text))
            } else {
                match keys.keys().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    [only] => format!("the only key here is `{only}`"),
                    all => format!("the keys here are {}", list(all, "and")),
                }
            };
            self.fault(key.place, path, format!("unknown key `{}`", shorten(&key.text)), hint);
        }
        for &key in required {
            if !entries.iter().any(|(k, _)| k.text == key) && !meant.contains(&key) {
                let what = keys.get(key).map(explain).unwrap_or_default();
                self.fault(place, path, format!("the key `{key}` is missing{what}"), "");
            }
        }
        Value::Object(map)
    }

    /// The key of this mapping below which an unknown key would be known.
    fn outer(&self, key: &str, keys: &'s Map<String, Value>) -> Option<&'s str> {
        let inside = keys.iter().find(|(_, schema)| {
            let mut expected = self.expected(schema);
            if let Some((Expected::List(items, _), _)) = expected {
                expected = self.expected(items);
            }
            matches!(expected, Some((Expected::Record { keys, .. }, _)) if keys.contains_key(key))
        });
        inside.map(|(outer, _)| outer.as_str())
    }

    fn scalar(&self, expected: &Expected<'_>, scalar: &Scalar) -> Result<Value, String> {
        let text = scalar.text.as_str();
        match expected {
            Expected::Text | Expected::Quantity => Ok(Value::String(text.to_owned())),
            Expected::TextOrList(..) => Ok(json!([text])),
            Expected::Integer(min, max) => match text.parse::<i64>() {
                Ok(number) if (*min..=*max).contains(&number) => Ok(Value::from(number)),
                _ => Err(String::new()),
            },
            Expected::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "1" | "true" => "write `true`".to_owned(),
                    "no" | "off" | "0" | "false" => "write `false`".to_owned(),
                    _ => String::new(),
                }),
            },
            Expected::Choice(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Ok(Value::String((*word).to_owned())),
                None => Err(match nearest(text, words.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => String::new(),
                }),
            },
            Expected::List(..) if scalar.spelling.is_none() => {
                Err(format!("for a list of one write `[{}]`", scalar.shown()))
            }
            Expected::List(..) | Expected::Record { .. } | Expected::Table(_) => Err(String::new()),
        }
    }

    fn nothing(
        &mut self,
        expected: &Expected<'_>,
        scalar: &Scalar,
        place: Place,
        key: Option<(&Key, bool)>,
        path: &str,
    ) {
        let (message, hint) = match (scalar.style, key) {
            (Style::Absent, Some((key, needed))) => {
                let hint = if needed { "add one" } else { "add one, or remove the key" };
                (format!("`{}` has no value", shorten(&key.text)), hint)
            }
            (Style::Absent, None) => {
                ("this entry of the list is empty".to_owned(), "fill it in, or remove the `-`")
            }
            (Style::Plain | Style::Quoted, _) => (
                format!(
                    "expected {}, but in YAML `{}` means that nothing is there",
                    expected.describe(),
                    scalar.shown()
                ),
                "write it in quotes if it is meant as text",
            ),
        };
        self.fault(place, path, message, hint);
    }

    fn fault(&mut self, place: Place, path: &str, message: String, hint: impl Into<String>) {
        let hint = hint.into();
        let fault = Fault::at(place, path, message);
        self.faults.push(if hint.is_empty() { fault } else { fault.hint(hint) });
    }
}

/// What a key is for, in parentheses: the first sentence of its description.
fn explain(schema: &Value) -> String {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let sentence = description.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => {
            format!(" ({}{})", first.to_lowercase(), letters.as_str().replace('\n', " "))
        }
        None => String::new(),
    }
}

/// Whether YAML takes a scalar for nothing.
pub(super) fn is_null(scalar: &Scalar) -> bool {
    match scalar.style {
        Style::Absent => true,
        Style::Plain => matches!(scalar.text.as_str(), "~" | "null" | "Null" | "NULL"),
        Style::Quoted => false,
    }
}

/// The word that was probably meant: the same but for capitals and separators, or only a letter or two away.
pub(super) fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    // A long text is no slip of the finger, and the comparison takes the product of both lengths.
    if text.len() > 64 {
        return None;
    }
    let fold = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let folded = fold(text);
    words
        .filter_map(|word| {
            let other = fold(word);
            let distance = strsim::damerau_levenshtein(&folded, &other);
            let plural = folded.strip_prefix(other.as_str()) == Some("s")
                || other.strip_prefix(folded.as_str()) == Some("s");
            let near = plural || distance <= other.chars().count() / 3 || is_short_for(&other, &folded);
            near.then_some((distance, word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Whether a word abbreviates another, as `cmd` does `command`.
fn is_short_for(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    short.len() >= 3
        && short.chars().next() == long.chars().next()
        && short.chars().all(|letter| rest.any(|other| other == letter))
}

fn one_of(words: &[&str]) -> String {
    match words {
        [only] => format!("`{only}`"),
        _ => format!("one of {}", list(words, "or")),
    }
}

/// `a`, `b` and `c`.
fn list(words: &[&str], and: &str) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        let separator = match index {
            0 => "",
            _ if index + 1 == words.len() => &format!(" {and} "),
            _ => ", ",
        };
        text.push_str(separator);
        text.push_str(&format!("`{word}`"));
    }
    text
}
