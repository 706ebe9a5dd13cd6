//! Content blocks: those of a type that a client does not know become texts.

use crate::json::array_of;
use crate::{Object, Raw, Splice};

/// Sounds become a note that there was one. Its data would mean nothing to a model as text.
pub(super) fn without_audio(result: &mut Object) {
    each_block(result, &|block| match block.text("type").as_deref() {
        Some("audio") => Some(text(&format!("[{}]", sound(block)), block)),
        _ => None,
    });
}

/// Links become texts with name and URI, which the client can read like any other resource.
pub(super) fn without_links(result: &mut Object) {
    each_block(result, &|block| match block.text("type").as_deref() {
        Some("resource_link") => Some(text(&link(block), block)),
        _ => None,
    });
}

fn sound(block: &Object) -> String {
    let kind = block.text("mimeType").unwrap_or_else(|| "unknown type".into());
    let data = block.text("data").unwrap_or_default();
    let bytes = data.trim_end_matches('=').len() * 3 / 4;
    format!("audio, {kind}, {bytes} bytes, left out because this client cannot take it")
}

fn link(block: &Object) -> String {
    let uri = block.text("uri").unwrap_or_default();
    let named = block.text("title").or_else(|| block.text("name")).filter(|name| !name.is_empty());
    let described = block.text("description").map(|words| format!("\n{words}")).unwrap_or_default();
    match named {
        Some(name) => format!("{name}: {uri}{described}"),
        None => format!("{uri}{described}"),
    }
}

/// A text in the place of a block. Whom it is for stays.
pub(super) fn text(words: &str, instead_of: &Object) -> Raw {
    let mut block: Object =
        [("type", Raw::string("text")), ("text", Raw::string(words))].into_iter().collect();
    if let Some(annotations) = instead_of.get("annotations") {
        block.set("annotations", annotations.clone());
    }
    block.to_raw()
}

/// Replaces blocks in the content of a call or in the messages of a prompt; the others keep their bytes.
pub(super) fn each_block(result: &mut Object, change: &dyn Fn(&Object) -> Option<Raw>) {
    if let Some(content) = result.get("content") {
        let changed = blocks(content, change);
        result.set("content", changed);
    }
    let Some(messages) = result.get("messages") else { return };
    let mut edit = Splice::new(messages);
    for message in messages.array().unwrap_or_default() {
        if let Some(content) = message.object().ok().and_then(|message| message.get("content").cloned()) {
            let changed = blocks(&content, change);
            edit.replace(&content, changed);
        }
    }
    let changed = edit.finish();
    result.set("messages", changed);
}

/// One block, or an array of blocks.
fn blocks(content: &Raw, change: &dyn Fn(&Object) -> Option<Raw>) -> Raw {
    let changed = |block: &Raw| block.object().ok().and_then(|block| change(&block));
    if content.is_object() {
        return changed(content).unwrap_or_else(|| content.clone());
    }
    let mut edit = Splice::new(content);
    for block in content.array().unwrap_or_default() {
        if let Some(new) = changed(&block) {
            edit.replace(&block, new);
        }
    }
    edit.finish()
}

/// Adds a block of text at the end of a call's content.
pub(super) fn add_text(result: &mut Object, words: &str) {
    let mut blocks = result.get("content").and_then(|content| content.array().ok()).unwrap_or_default();
    blocks.push(text(words, &Object::default()));
    result.set("content", array_of(&blocks));
}

/// The texts among the blocks of a call.
pub(super) fn texts(result: &Object) -> Vec<String> {
    let blocks = result.get("content").and_then(|content| content.array().ok()).unwrap_or_default();
    let blocks = blocks.iter().filter_map(|block| block.object().ok());
    blocks
        .filter(|block| block.text("type").as_deref() == Some("text"))
        .filter_map(|b| b.text("text"))
        .collect()
}
