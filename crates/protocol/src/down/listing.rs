//! Members of results and of listed tools that a client would refuse or misread.

use memchr::memmem;

use crate::{Object, Raw, Splice, meta};

/// A result without what only modern results carry.
pub(super) fn plain_result(result: &mut Object) {
    result.retain(|key| !["resultType", "ttlMs", "cacheScope"].contains(&key));
    if let Some(mut meta) = result.object("_meta")
        && meta.remove(meta::SERVER_INFO).is_some()
    {
        if meta.is_empty() {
            result.remove("_meta");
        } else {
            result.set("_meta", meta.to_raw());
        }
    }
}

pub(super) fn without_output_schemas(result: &mut Object) {
    from_each_tool(result, "outputSchema", |_| true);
}

/// Schemas of anything else than objects; a client would refuse the tool, or with it the whole list.
pub(super) fn without_schemas_of_others(result: &mut Object) {
    from_each_tool(result, "outputSchema", |schema| {
        schema.object().ok().and_then(|schema| schema.text("type")).as_deref() != Some("object")
    });
}

pub(super) fn without_annotations(result: &mut Object) {
    from_each_tool(result, "annotations", |_| true);
}

pub(super) fn without_execution(result: &mut Object) {
    from_each_tool(result, "execution", |_| true);
}

/// Takes a member out of every tool where it is unwanted; the other tools keep their bytes.
fn from_each_tool(result: &mut Object, member: &str, unwanted: impl Fn(&Raw) -> bool) {
    let Some(tools) = result.get("tools") else { return };
    let mut edit = Splice::new(tools);
    let quoted = format!("\"{member}\"");
    for raw in tools.array().unwrap_or_default() {
        if memmem::find(raw.as_bytes(), quoted.as_bytes()).is_none() {
            continue;
        }
        let Ok(mut tool) = raw.object() else { continue };
        if tool.get(member).is_some_and(&unwanted) {
            tool.remove(member);
            edit.replace(&raw, tool.to_raw());
        }
    }
    let changed = edit.finish();
    result.set("tools", changed);
}
