//! Rewriting messages: names in requests, names and URIs in what comes back.

use serde_json::Value;

use super::names::{Named, Names};

/// The methods whose `params` name an item, and how.
const NAMED: &[(&str, Named)] = &[
    ("tools/call", Named::Name),
    ("prompts/get", Named::Name),
    ("resources/read", Named::Uri),
    ("resources/subscribe", Named::Uri),
    ("resources/unsubscribe", Named::Uri),
];

/// The lists in results, with the member that names an item and how.
const LISTS: &[(&str, &str, Named)] = &[
    ("tools", "name", Named::Name),
    ("prompts", "name", Named::Name),
    ("resources", "uri", Named::Uri),
    ("resourceTemplates", "uriTemplate", Named::Uri),
];

/// How a method names the item it is about.
pub(super) fn named(method: &str) -> Option<Named> {
    NAMED.iter().find(|(name, _)| *name == method).map(|(_, named)| *named)
}

impl Names {
    /// Rewrites a message from the client.
    pub(super) fn inbound(&self, message: &mut Value) {
        let Some(method) = message["method"].as_str().map(str::to_owned) else { return };
        let Some(params) = message.get_mut("params") else { return };
        match (method.as_str(), named(&method)) {
            (_, Some(Named::Name)) => self.put(params.get_mut("name"), Named::Name),
            (_, Some(Named::Uri)) => self.put(params.get_mut("uri"), Named::Uri),
            ("completion/complete", None) => {
                self.put(params.pointer_mut("/ref/name"), Named::Name);
                self.put(params.pointer_mut("/ref/uri"), Named::Uri);
            }
            ("subscriptions/listen", None) => {
                for uri in items(params.pointer_mut("/notifications/resourceSubscriptions")) {
                    self.put(Some(uri), Named::Uri);
                }
            }
            _ => {}
        }
    }

    /// Rewrites a message from the server.
    pub(super) fn outbound(&self, message: &mut Value) {
        if let Some(result) = message.get_mut("result") {
            self.result(result);
        }
        self.strip(message.pointer_mut("/error/data/uri"));
        self.strip(message.pointer_mut("/params/uri"));
        for uri in items(message.pointer_mut("/params/notifications/resourceSubscriptions")) {
            self.strip(Some(uri));
        }
    }

    fn result(&self, result: &mut Value) {
        for (list, member, named) in LISTS {
            if let Some(Value::Array(entries)) = result.get_mut(*list) {
                entries.retain_mut(|entry| self.keep(entry, member, *named));
            }
        }
        for contents in items(result.get_mut("contents")) {
            self.strip(contents.get_mut("uri"));
        }
        for block in items(result.get_mut("content")) {
            self.block(block);
        }
        for message in items(result.get_mut("messages")) {
            match message.get_mut("content") {
                Some(Value::Array(blocks)) => blocks.iter_mut().for_each(|block| self.block(block)),
                Some(block) => self.block(block),
                None => {}
            }
        }
    }

    /// An embedded resource or a link to one; other blocks name nothing.
    fn block(&self, block: &mut Value) {
        self.strip(block.pointer_mut("/resource/uri"));
        if block["type"] == "resource_link" {
            self.strip(block.get_mut("uri"));
        }
    }

    /// Renames a list's entry; `false` if it is another target's.
    fn keep(&self, entry: &mut Value, member: &str, named: Named) -> bool {
        let own = entry[member].as_str().and_then(|name| self.to_client(name, named));
        let found = own.is_some();
        if let Some(own) = own {
            entry[member] = Value::String(own);
        }
        found
    }

    fn put(&self, place: Option<&mut Value>, named: Named) {
        if let Some(Value::String(text)) = place {
            *text = self.to_server(text, named);
        }
    }

    fn strip(&self, place: Option<&mut Value>) {
        if let Some(Value::String(uri)) = place {
            *uri = self.to_client(uri, Named::Uri).unwrap_or_else(|| uri.clone());
        }
    }
}

fn items(place: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    place.and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::names::Side;
    use super::*;

    #[track_caller]
    fn inbound(mut message: Value, wanted: Value) {
        Names::new("a", Side::PlainClients).inbound(&mut message);
        assert_eq!(message, wanted);
    }

    #[track_caller]
    fn outbound(mut message: Value, wanted: Value) {
        Names::new("a", Side::PlainClients).outbound(&mut message);
        assert_eq!(message, wanted);
    }

    #[test]
    fn requests_get_the_prefix() {
        inbound(
            json!({ "method": "tools/call", "params": { "name": "x", "arguments": { "name": "y" } } }),
            json!({ "method": "tools/call", "params": { "name": "a_x", "arguments": { "name": "y" } } }),
        );
        inbound(
            json!({ "method": "resources/read", "params": { "uri": "test://x" } }),
            json!({ "method": "resources/read", "params": { "uri": "a+test://x" } }),
        );
        inbound(
            json!({ "method": "completion/complete", "params": { "ref": { "name": "x" } } }),
            json!({ "method": "completion/complete", "params": { "ref": { "name": "a_x" } } }),
        );
        inbound(
            json!({ "method": "subscriptions/listen", "params": { "notifications": { "resourceSubscriptions": ["t://x"] } } }),
            json!({ "method": "subscriptions/listen", "params": { "notifications": { "resourceSubscriptions": ["a+t://x"] } } }),
        );
    }

    #[test]
    fn lists_keep_the_targets_own_items() {
        outbound(
            json!({ "result": { "tools": [{ "name": "a_x" }, { "name": "b_x" }] } }),
            json!({ "result": { "tools": [{ "name": "x" }] } }),
        );
        outbound(
            json!({ "result": { "resourceTemplates": [{ "uriTemplate": "a+t://{x}" }] } }),
            json!({ "result": { "resourceTemplates": [{ "uriTemplate": "t://{x}" }] } }),
        );
    }

    #[test]
    fn results_and_notifications_lose_the_prefix() {
        outbound(
            json!({ "result": { "content": [{ "type": "resource", "resource": { "uri": "a+t://x" } }] } }),
            json!({ "result": { "content": [{ "type": "resource", "resource": { "uri": "t://x" } }] } }),
        );
        outbound(
            json!({ "result": { "messages": [{ "content": { "type": "resource_link", "uri": "a+t://x" } }] } }),
            json!({ "result": { "messages": [{ "content": { "type": "resource_link", "uri": "t://x" } }] } }),
        );
        outbound(
            json!({ "method": "notifications/resources/updated", "params": { "uri": "a+t://x" } }),
            json!({ "method": "notifications/resources/updated", "params": { "uri": "t://x" } }),
        );
        outbound(
            json!({ "error": { "code": -32602, "data": { "uri": "a+t://x" } } }),
            json!({ "error": { "code": -32602, "data": { "uri": "t://x" } } }),
        );
    }
}
