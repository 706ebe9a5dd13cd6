//! Whether two clients declared the same.

use crate::json::{array_of, write_string};
use crate::{Object, Raw};

/// How deep [`profile`] sorts. Real capabilities are four deep; a client must not choose how deep we recurse. What lies
/// deeper is compared byte by byte.
const DEEPEST: usize = 8;

/// A spelling of capabilities that does not depend on the order of members or on white space, to tell whether two clients
/// declared the same.
pub fn profile(capabilities: &Object) -> String {
    String::from_utf8_lossy(sorted(capabilities, DEEPEST).as_bytes()).into_owned()
}

fn canonical(value: &Raw, depth: usize) -> Raw {
    if let Some(text) = value.to_text() {
        return Raw::string(&text);
    }
    if depth == 0 {
        return value.clone();
    }
    if let Ok(object) = value.object() {
        return sorted(&object, depth - 1);
    }
    match value.array() {
        Ok(elements) => {
            let elements: Vec<Raw> = elements.iter().map(|element| canonical(element, depth - 1)).collect();
            array_of(&elements)
        }
        Err(_) => value.clone(),
    }
}

fn sorted(object: &Object, depth: usize) -> Raw {
    let mut members: Vec<(&str, &Raw)> = object.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    let mut out = Vec::new();
    out.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, &mut out);
        out.push(b':');
        out.extend_from_slice(canonical(value, depth).as_bytes());
    }
    out.push(b'}');
    Raw::trusted(out.into())
}
