//! Where in an input schema annotations stand, and whether they may.

use memchr::memmem;

use super::{ANNOTATION, Field};
use crate::header::PARAM_PREFIX;
use crate::{Object, Raw};

/// How deep schemas are looked into. Real annotations stand on the first or second level; a hostile target must not choose
/// how deep we recurse, nor how often we read the same bytes.
const DEEPEST: usize = 16;

/// Keywords under which there is one schema.
const ONE: &[&str] = &[
    "items",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
    "not",
    "if",
    "then",
    "else",
];
/// Keywords under which there are several schemas in an array; `items` of older dialects among them.
const SEVERAL: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems", "items"];
/// Keywords under which there are schemas by name, other than `properties`.
const NAMED: &[&str] = &["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];
/// Types that a header can mirror. Not `number`, which has too many spellings.
const TYPES: &[&str] = &["string", "integer", "boolean"];

/// A walk through a schema that collects what is annotated. Anything else than schemas, such as defaults and examples, may
/// hold a member of the annotation's name and mean nothing by it.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) found: Vec<Field>,
    path: Vec<String>,
}

impl Walk {
    /// The schema of all arguments, which cannot itself be annotated.
    pub(super) fn root(&mut self, schema: &Raw) -> Result<(), String> {
        match relevant(schema) {
            Some(schema) if schema.get(ANNOTATION).is_some() => Err(out_of_reach()),
            Some(schema) => self.below(&schema, DEEPEST),
            None => Ok(()),
        }
    }

    /// A property that is reached through properties alone.
    fn property(&mut self, schema: &Raw, depth: usize) -> Result<(), String> {
        let Some(schema) = relevant(schema) else { return Ok(()) };
        if let Some(annotation) = schema.get(ANNOTATION) {
            let field = self.field(annotation, &schema)?;
            self.found.push(field);
        }
        self.below(&schema, depth)
    }

    fn below(&mut self, schema: &Object, depth: usize) -> Result<(), String> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!("has `{ANNOTATION}` more than {DEEPEST} levels deep"));
        };
        for (name, property) in schema.object("properties").unwrap_or_default().iter() {
            self.path.push(name.to_owned());
            self.property(property, depth)?;
            self.path.pop();
        }
        elsewhere(schema, false, depth)
    }

    fn field(&self, annotation: &Raw, schema: &Object) -> Result<Field, String> {
        let place = self.path.join(".");
        let name = annotation
            .to_text()
            .filter(|name| is_token(name))
            .ok_or_else(|| format!("has an `{ANNOTATION}` at `{place}` that is no name of a header"))?;
        let kind = schema.text("type");
        if !kind.as_deref().is_some_and(|kind| TYPES.contains(&kind)) {
            return Err(format!(
                "has an `{ANNOTATION}` at `{place}`, whose type is not `string`, `integer` or `boolean`"
            ));
        }
        Ok(Field { header: format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase()), path: self.path.clone() })
    }
}

/// Refuses annotations in schemas whose values have no one place in the arguments. `properties` of such a schema are not
/// reached through properties alone either.
fn elsewhere(schema: &Object, properties: bool, depth: usize) -> Result<(), String> {
    let one = ONE.iter().filter_map(|key| schema.get(key)).cloned();
    let several = SEVERAL.iter().filter_map(|key| schema.get(key)?.array().ok()).flatten();
    let named = NAMED.iter().copied().chain(properties.then_some("properties"));
    let named = named.filter_map(|key| schema.object(key));
    let named =
        named.flat_map(|schemas| schemas.iter().map(|(_, schema)| schema.clone()).collect::<Vec<_>>());
    one.chain(several).chain(named).try_for_each(|schema| unreachable(&schema, depth))
}

fn unreachable(schema: &Raw, depth: usize) -> Result<(), String> {
    match relevant(schema) {
        Some(schema) if schema.get(ANNOTATION).is_some() => Err(out_of_reach()),
        Some(schema) => match depth.checked_sub(1) {
            Some(depth) => elsewhere(&schema, true, depth),
            None => Err(format!("has `{ANNOTATION}` more than {DEEPEST} levels deep")),
        },
        None => Ok(()),
    }
}

/// A schema that may hold an annotation; most do not, and are not read.
fn relevant(schema: &Raw) -> Option<Object> {
    memmem::find(schema.as_bytes(), ANNOTATION.as_bytes())?;
    schema.object().ok()
}

fn out_of_reach() -> String {
    format!("has an `{ANNOTATION}` in a place that is not reached through `properties` alone")
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}
