//! What is answered: prepared once, so that a call only puts its id and its argument in.

use super::Settings;
use super::message::Message;
use super::tools::{self, ECHO, HANG, LARGE};
use crate::era::Era;
use crate::text::FILLER;

const INFO: &str = r#"{"name":"bench-peer","version":"1.0.0"}"#;
/// The error codes that we use (spec 2026-07-28, basic/index; JSON-RPC 2.0).
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const UNSUPPORTED_VERSION: i32 = -32022;

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The response was written.
    Response,
    /// The response was written, and it says no. The status is for HTTP.
    Refusal(u16),
    /// A new session began, and the response was written.
    Begun,
    /// It was a notification.
    Nothing,
    /// There never will be a response.
    Never,
}

/// The prepared parts of all answers.
pub(super) struct Answers {
    era: Era,
    /// What every result ends with, after its own members.
    end: String,
    list: String,
    described: String,
}

impl Answers {
    pub(super) fn new(settings: &Settings) -> Self {
        let end = match settings.era {
            Era::Legacy => "}}".to_owned(),
            Era::Modern => {
                format!(
                    r#","resultType":"complete","_meta":{{"io.modelcontextprotocol/serverInfo":{INFO}}}}}}}"#
                )
            }
        };
        // What a modern list has to say of how long it stays true.
        let cache = match settings.era {
            Era::Legacy => "",
            Era::Modern => r#","ttlMs":3600000,"cacheScope":"public""#,
        };
        let list = format!(r#""tools":{}{cache}"#, tools::list(settings.tools));
        let described = format!(
            r#""supportedVersions":["{}"],"capabilities":{{"tools":{{}}}}{cache}"#,
            Era::Modern.version()
        );
        Self { era: settings.era, end, list, described }
    }

    /// Appends the response to a message, if there is one.
    pub(super) fn answer(&self, message: &Message<'_>, out: &mut Vec<u8>) -> Outcome {
        let Some(id) = message.id else { return Outcome::Nothing };
        let id = id.get();
        if self.era == Era::Modern {
            let meta = &message.params.meta;
            match &meta.version {
                Some(version) if version == self.era.version() && meta.capabilities.is_some() => {}
                Some(_) if meta.capabilities.is_some() => {
                    let supported = format!(
                        r#""this version is not supported","data":{{"supported":["{}"]}}"#,
                        self.era.version()
                    );
                    return refuse_with(out, id, 400, UNSUPPORTED_VERSION, &supported);
                }
                _ => return refuse(out, id, 400, INVALID_PARAMS, "the envelope is not whole"),
            }
        }
        match (&*message.method, self.era) {
            ("tools/call", _) => return self.call(message, id, out),
            ("tools/list", _) => self.result(out, id, &[&self.list]),
            ("server/discover", Era::Modern) => self.result(out, id, &[&self.described]),
            ("ping", Era::Legacy) => self.result(out, id, &[]),
            ("initialize", Era::Legacy) => {
                let known = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
                let wanted = &*message.params.version;
                let version = known.iter().find(|known| **known == wanted).unwrap_or(&known[0]);
                let head = format!(
                    r#""protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{INFO}"#
                );
                self.result(out, id, &[&head]);
                return Outcome::Begun;
            }
            // A method that is not known has a status of its own in the modern era.
            (_, Era::Modern) => return refuse(out, id, 404, METHOD_NOT_FOUND, "there is no such method"),
            (_, Era::Legacy) => return refuse(out, id, 200, METHOD_NOT_FOUND, "there is no such method"),
        }
        Outcome::Response
    }

    fn call(&self, message: &Message<'_>, id: &str, out: &mut Vec<u8>) -> Outcome {
        let (text, more) = match &*message.params.name {
            ECHO => (message.text(), ""),
            LARGE => (message.text(), FILLER.as_str()),
            HANG => return Outcome::Never,
            _ => return refuse(out, id, 200, INVALID_PARAMS, "there is no such tool"),
        };
        self.result(
            out,
            id,
            &[r#""content":[{"type":"text","text":""#, text, more, r#""}],"isError":false"#],
        );
        Outcome::Response
    }

    fn result(&self, out: &mut Vec<u8>, id: &str, members: &[&str]) {
        let head = [r#"{"jsonrpc":"2.0","id":"#, id, r#","result":{"#];
        // An object without members of its own must not begin with a comma.
        let end = if members.is_empty() { self.end.trim_start_matches(',') } else { &self.end };
        for part in head.iter().chain(members).chain([&end]) {
            out.extend_from_slice(part.as_bytes());
        }
    }

    /// What is said to a request without a session that should have one, or one that is not JSON.
    pub(super) fn invalid(out: &mut Vec<u8>) {
        refuse(out, "null", 400, INVALID_REQUEST, "this is no request that can be answered here");
    }
}

fn refuse(out: &mut Vec<u8>, id: &str, status: u16, code: i32, text: &str) -> Outcome {
    refuse_with(out, id, status, code, &format!("\"{text}\""))
}

/// `more` is the message as JSON, and other members of the error.
fn refuse_with(out: &mut Vec<u8>, id: &str, status: u16, code: i32, more: &str) -> Outcome {
    let error = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{more}}}}}"#);
    out.extend_from_slice(error.as_bytes());
    Outcome::Refusal(status)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn ask(era: &str, message: &Value) -> (Outcome, Value) {
        let settings = Line::parse_from(["x", "--era", era, "--tools", "7"]).settings;
        let message = message.to_string();
        let message = Message::read(message.as_bytes()).expect("a message");
        let mut out = Vec::new();
        let outcome = Answers::new(&settings).answer(&message, &mut out);
        (outcome, if out.is_empty() { Value::Null } else { serde_json::from_slice(&out).expect("JSON") })
    }

    fn modern(method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params })
    }

    #[test]
    fn answers_are_json_with_the_id_and_the_argument_of_the_call() {
        let arguments = json!({ "name": "echo", "arguments": { "text": "a \"b\" \\ é" } });
        let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": arguments });
        let (outcome, answer) = ask("legacy", &call);
        assert_eq!(outcome, Outcome::Response);
        assert_eq!(
            (&answer["id"], &answer["result"]["content"][0]["text"]),
            (&json!(7), &json!("a \"b\" \\ é"))
        );

        let (_, answer) = ask("modern", &modern("tools/call", arguments));
        assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!("x"), &json!("complete")));
    }

    #[test]
    fn every_method_of_its_era_is_answered_and_no_other() {
        for (era, message, outcome) in [
            (
                "legacy",
                json!({"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}),
                Outcome::Begun,
            ),
            ("legacy", json!({"id": 1, "method": "ping"}), Outcome::Response),
            ("legacy", json!({"id": 1, "method": "tools/list"}), Outcome::Response),
            ("legacy", json!({"id": 1, "method": "server/discover"}), Outcome::Refusal(200)),
            ("legacy", json!({"method": "notifications/initialized"}), Outcome::Nothing),
            ("legacy", json!({"id": 1, "method": "tools/call", "params": {"name": "hang"}}), Outcome::Never),
            ("modern", modern("server/discover", json!({})), Outcome::Response),
            ("modern", modern("tools/list", json!({})), Outcome::Response),
            ("modern", modern("initialize", json!({})), Outcome::Refusal(404)),
            ("modern", json!({"id": 1, "method": "tools/list"}), Outcome::Refusal(400)),
        ] {
            let (is, answer) = ask(era, &message);
            assert_eq!(is, outcome, "{era} {message}: {answer}");
            assert_eq!(answer["id"], if answer.is_null() { Value::Null } else { message["id"].clone() });
        }
        assert_eq!(
            ask("modern", &modern("tools/list", json!({}))).1["result"]["tools"].as_array().map(Vec::len),
            Some(7)
        );
    }
}
