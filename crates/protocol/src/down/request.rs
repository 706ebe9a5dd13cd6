//! What a target asks of a client, as a client of an older revision understands it, and what it answers.
//!
//! Only what was declared is asked for, so that a client without elicitation is never asked for it; see
//! [`crate::capability`].

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use memchr::memmem;

use super::content;
use crate::json::array_of;
use crate::{Object, Raw, Splice, Version};

/// The params of a request of a target (`elicitation/create`, `sampling/createMessage`) for a client of this revision.
pub fn request(method: &str, params: &Object, version: Version) -> Object {
    match method {
        "elicitation/create" => elicitation(params, version),
        "sampling/createMessage" if version < Version::V2025_11_25 => sampling(params, version),
        _ => params.clone(),
    }
}

/// The client's result of such a request, as the target expects it that asked with these params: where it was offered a
/// choice of one instead of several, the one is several to the target.
pub fn answer(method: &str, asked: &Object, result: &Raw, version: Version) -> Raw {
    let chooses = method == "elicitation/create" && version < Version::V2025_11_25;
    match chooses.then(|| several_again(asked, result)).flatten() {
        Some(result) => result,
        None => result.clone(),
    }
}

/// A client's result for a target of this revision that asked. A model's answer was one block until 2025-06-18, and may be
/// several since.
pub fn answer_for_target(method: &str, result: &Raw, target: Version) -> Raw {
    let several = method == "sampling/createMessage" && target < Version::V2025_11_25;
    match several.then(|| one_block(result)).flatten() {
        Some(result) => result,
        None => result.clone(),
    }
}

/// The only block, or the texts as one; of other blocks, the first.
fn one_block(result: &Raw) -> Option<Raw> {
    let mut object = result.object().ok()?;
    let blocks = object.get("content")?.array().ok()?;
    let texts: Vec<String> = blocks.iter().filter_map(|block| block.object().ok()?.text("text")).collect();
    let one = match &blocks[..] {
        [only] => only.clone(),
        [first, ..] if texts.is_empty() => first.clone(),
        _ => content::text(&texts.join("\n"), &Object::default()),
    };
    object.set("content", one);
    Some(object.to_raw())
}

// === Elicitation ===

/// Modes came with 2025-11-25, and with them ids for what happens at a URL, which went again with 2026-07-28.
fn elicitation(params: &Object, version: Version) -> Object {
    let mut params = params.clone();
    if version < Version::V2025_11_25 {
        params.remove("mode");
        if let Some(schema) = params.get("requestedSchema") {
            let plain = plain_schema(schema);
            params.set("requestedSchema", plain);
        }
    } else if version == Version::V2025_11_25
        && params.text("mode").as_deref() == Some("url")
        && params.text("elicitationId").is_none()
    {
        let id = elicitation_id(&params);
        params.set("elicitationId", Raw::string(&id));
    }
    params
}

/// An id made of what is asked: the same question has the same id, and nobody will say that it is done.
fn elicitation_id(params: &Object) -> String {
    let mut hasher = DefaultHasher::new();
    for key in ["url", "message"] {
        params.get(key).map(Raw::as_bytes).hash(&mut hasher);
    }
    format!("agentgateway-{:016x}", hasher.finish())
}

/// A form as 2025-06-18 knows it: a choice is `enum` with `enumNames`, and of several things one can be chosen.
fn plain_schema(schema: &Raw) -> Raw {
    let Some(properties) = schema.object().ok().and_then(|schema| schema.get("properties").cloned()) else {
        return schema.clone();
    };
    let mut edit = Splice::new(schema);
    for (_, property) in properties.object().unwrap_or_default().iter() {
        if let Some(plain) = property.object().ok().and_then(|property| plain_choice(&property)) {
            edit.replace(property, plain);
        }
    }
    edit.finish()
}

/// A property that is a choice with titles, or of several things; none for any other.
fn plain_choice(property: &Object) -> Option<Raw> {
    let several = is_several(property);
    let holder = if several { property.object("items")? } else { property.clone() };
    let titled = holder.get("oneOf").or_else(|| holder.get("anyOf"));
    if titled.is_none() && !several {
        return None;
    }
    let mut plain = property.clone();
    plain.set("type", Raw::string("string"));
    plain.retain(|key| !["oneOf", "anyOf", "items", "minItems", "maxItems", "uniqueItems"].contains(&key));
    match titled {
        Some(titled) => {
            let options: Vec<Object> =
                titled.array().ok()?.iter().filter_map(|option| option.object().ok()).collect();
            let values: Vec<Raw> = options.iter().filter_map(|option| option.get("const").cloned()).collect();
            let name = |option: &Object| option.get("title").or_else(|| option.get("const")).cloned();
            let named = options.iter().filter(|option| option.get("const").is_some());
            let names: Vec<Raw> = named.filter_map(name).collect();
            plain.set("enum", array_of(&values));
            plain.set("enumNames", array_of(&names));
        }
        None => plain.set("enum", holder.get("enum")?.clone()),
    }
    if several && let Some(default) = plain.remove("default") {
        let first = default.array().ok().and_then(|chosen| chosen.first().cloned());
        first.into_iter().for_each(|first| plain.set("default", first));
    }
    Some(plain.to_raw())
}

fn is_several(property: &Object) -> bool {
    property.text("type").as_deref() == Some("array")
}

/// The values of an accepted form, with an array around each that the target wants to be one.
fn several_again(asked: &Object, result: &Raw) -> Option<Raw> {
    let properties = asked.object("requestedSchema")?.object("properties")?;
    let content = result.object().ok()?.get("content")?.object().ok()?;
    let mut edit = Splice::new(result);
    for (name, property) in properties.iter() {
        let several = property.object().is_ok_and(|property| is_several(&property));
        if let Some(one) = content.get(name).filter(|value| several && value.to_text().is_some()) {
            edit.replace(one, array_of([one]));
        }
    }
    (!edit.is_empty()).then(|| edit.finish())
}

// === Sampling ===

/// Until 2025-06-18 a message held one block, and there were no tools.
fn sampling(params: &Object, version: Version) -> Object {
    let mut params = params.clone();
    params.retain(|key| !["tools", "toolChoice"].contains(&key));
    if let Some(messages) = params.get("messages").and_then(|messages| messages.array().ok()) {
        let single: Vec<Raw> = messages.iter().flat_map(single_blocks).collect();
        params.set("messages", array_of(&single));
    }
    let audio = params.get("messages").is_some_and(|m| memmem::find(m.as_bytes(), b"\"audio\"").is_some());
    if version < Version::V2025_03_26 && audio {
        content::without_audio(&mut params);
    }
    params
}

/// A message with several blocks as several messages of the same role, so that nothing is lost.
fn single_blocks(message: &Raw) -> Vec<Raw> {
    let blocks = message.object().ok().and_then(|object| {
        let blocks = object.get("content")?.array().ok()?;
        Some((object, blocks))
    });
    let Some((object, blocks)) = blocks else {
        return vec![message.clone()];
    };
    let with = |block: Raw| {
        let mut single = object.clone();
        single.set("content", block);
        single.to_raw()
    };
    blocks.into_iter().map(with).collect()
}
