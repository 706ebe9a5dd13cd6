//! The cases: what a message goes through between a client and a target, and what a list does.

use std::hint::black_box;

use bytes::Bytes;
use protocol::list::{self, Page};
use protocol::method::Kind;
use protocol::sse::{Decoder, write_event};
use protocol::uris::{self, Shape};
use protocol::{Message, Raw, Splice, Version, depth, down, json, message, name, task};

/// Something whose instructions are counted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Makes what the case needs, and what is counted of it.
    pub(crate) prepare: fn() -> Box<dyn FnMut()>,
}

const fn case(name: &'static str, prepare: fn() -> Box<dyn FnMut()>) -> Case {
    Case { name, prepare }
}

/// Every case.
pub(crate) const ALL: &[Case] = &[
    case("scan-call-legacy", || scan(legacy_call())),
    case("scan-call-modern", || scan(modern_call())),
    case("scan-answer-small", || scan(answer(&small_result()))),
    case("scan-answer-text", || scan(answer(&text_result()))),
    case("scan-answer-lines", || scan(answer(&lines_result()))),
    case("scan-answer-chinese", || scan(answer(&text_of(&"敏捷的棕色狐狸跳过懒狗。".repeat(1800))))),
    case("scan-answer-structured", || scan(answer(&structured_result()))),
    case("depth-call", || {
        let call = modern_call();
        Box::new(move || assert!(!black_box(depth::exceeds(black_box(&call), 64))))
    }),
    case("emit-call-legacy", || emit(legacy_call())),
    case("emit-call-modern", || emit(modern_call())),
    case("emit-answer-small", || emit(answer(&small_result()))),
    case("emit-answer-text", || emit(answer(&text_result()))),
    case("finish-modern-small", || finish_modern(&small_result())),
    case("finish-modern-text", || finish_modern(&text_result())),
    case("passes-small", || passes(&small_result())),
    case("passes-text", || passes(&text_result())),
    case("passes-structured", || passes(&structured_result())),
    case("uris-hit-small", || passes(&linked_result(4))),
    case("uris-hit-large", || passes(&linked_result(600))),
    case("sse-decode-small", || decode(&answer(&small_result()))),
    case("sse-decode-text", || decode(&answer(&text_result()))),
    case("sse-encode-small", || encode(answer(&small_result()))),
    case("sse-encode-text", || encode(answer(&text_result()))),
    case("list-read-1000", || {
        let result = result_of(&tools(1000));
        Box::new(move || drop(black_box(Page::read(Kind::Tool, black_box(&result)))))
    }),
    case("list-merge-1000", merge_list),
];

fn scan(text: Bytes) -> Box<dyn FnMut()> {
    Box::new(move || drop(black_box(message::scan(black_box(&text)))))
}

fn emit(text: Bytes) -> Box<dyn FnMut()> {
    let message = message::scan(&text).expect("a message");
    Box::new(move || {
        drop(black_box(match black_box(&message) {
            Message::Request(request) => message::request(&request.id, &request.method, &request.params),
            Message::Notification(note) => message::notification(&note.method, &note.params),
            Message::Response(response) => message::response(response.id.as_ref(), response.outcome.as_ref()),
        }));
    })
}

/// What the result of a call goes through on its way to a legacy client, besides being read and written.
fn passes(result: &str) -> Box<dyn FnMut()> {
    let result = result_of(result);
    Box::new(move || {
        let result = black_box(&result);
        black_box(task::created(protocol::Era::Legacy, result));
        let result = uris::rewrite(result, Shape::Result, |uri| Some(name::wrap_uri("target", uri)));
        drop(black_box(down::result("tools/call", &result, Version::V2025_06_18)));
    })
}

/// What makes the result of a legacy target that of a modern one, in pieces.
fn finish_modern(result: &str) -> Box<dyn FnMut()> {
    let result = result_of(result);
    let id = 7.into();
    let signature = Raw::parse(&Bytes::from_static(b"{\"server\":{}}")).expect("valid");
    Box::new(move || {
        let result = black_box(&result);
        let mut edit = Splice::new(result);
        edit.add("resultType", Raw::string("complete"));
        edit.add("_meta", signature.clone());
        drop(black_box(message::answer(&id, edit.spelled())));
    })
}

fn decode(message: &[u8]) -> Box<dyn FnMut()> {
    let mut stream = Vec::new();
    write_event(Some("message"), Some("7"), message, &mut stream);
    Box::new(move || {
        let mut decoder = Decoder::new(1 << 20);
        for chunk in stream.chunks(16 * 1024) {
            decoder.push(black_box(chunk));
            while let Ok(Some(event)) = decoder.next_event() {
                drop(black_box(event));
            }
        }
    })
}

fn encode(message: Bytes) -> Box<dyn FnMut()> {
    Box::new(move || {
        let mut out = Vec::new();
        write_event(None, Some("7"), black_box(&message), &mut out);
        drop(black_box(out));
    })
}

/// Ten targets with a hundred tools each: read, named after their target, and written as one list.
fn merge_list() -> Box<dyn FnMut()> {
    let results: Vec<Raw> = (0..10).map(|_| result_of(&tools(100))).collect();
    Box::new(move || {
        let mut merged = Vec::new();
        for result in black_box(&results) {
            for item in Page::read(Kind::Tool, result).expect("a page").items {
                let local = list::item_name(Kind::Tool, &item).expect("a name");
                let item = list::rename(Kind::Tool, &item, &format!("target_{local}"));
                merged.push(uris::rewrite(&item, Shape::Item, |uri| Some(name::wrap_uri("target", uri))));
            }
        }
        drop(black_box(json::array_of(&merged)));
    })
}

/// A result as it is when it was read from a message.
fn result_of(result: &str) -> Raw {
    match message::scan(&answer(result)) {
        Ok(Message::Response(response)) => response.outcome.expect("a result"),
        other => panic!("{other:?}"),
    }
}

fn legacy_call() -> Bytes {
    let text = r#"{"jsonrpc":"2.0","id":42,"method":"tools/call","params":{"name":"everything_echo","arguments":{"message":"hello, world"},"_meta":{"progressToken":7}}}"#;
    Bytes::from(text.to_owned())
}

fn modern_call() -> Bytes {
    let text = r#"{"jsonrpc":"2.0","id":42,"method":"tools/call","params":{"name":"everything_echo","arguments":{"message":"hello, world"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}},"sampling":{}},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"}}}}"#;
    Bytes::from(text.to_owned())
}

fn answer(result: &str) -> Bytes {
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":42,"result":{result}}}"#))
}

fn small_result() -> String {
    text_of("Echo: hello, world")
}

/// 64 KB without anything that is escaped.
fn text_result() -> String {
    text_of(&"The quick brown fox jumps over the lazy dog. ".repeat(1457))
}

/// 64 KB of lines and quotations.
fn lines_result() -> String {
    text_of(&r#"The quick brown fox\n\tsaid \"jump\" to the lazy dog, twice. "#.repeat(1040))
}

fn text_of(text: &str) -> String {
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":false}}"#)
}

/// 64 KB of small values.
fn structured_result() -> String {
    let row = |n: u32| {
        let (price, cents, active) = (n * 7, n % 100, n.is_multiple_of(2));
        format!(
            r#"{{"id":{n},"name":"row number {n}","price":{price}.{cents:02},"tags":["a","bee","{n}"],"active":{active},"note":null}}"#
        )
    };
    let rows: Vec<String> = (0..640).map(row).collect();
    format!(r#"{{"content":[],"structuredContent":{{"rows":[{}]}},"isError":false}}"#, rows.join(","))
}

/// Links to resources, whose URIs are rewritten.
fn linked_result(links: usize) -> String {
    let link = |n| {
        format!(
            r#"{{"type":"resource_link","uri":"file:///data/part-{n}.txt","name":"part {n}","mimeType":"text/plain"}}"#
        )
    };
    let links: Vec<String> = (0..links).map(link).collect();
    format!(r#"{{"content":[{}],"isError":false}}"#, links.join(","))
}

fn tools(count: usize) -> String {
    let tool = |n| {
        format!(
            r#"{{"name":"tool_{n}","title":"Tool {n}","description":"Does the thing that number {n} stands for, and says so.","inputSchema":{{"type":"object","properties":{{"query":{{"type":"string","description":"What to look for"}},"limit":{{"type":"integer","minimum":1,"maximum":100}}}},"required":["query"]}},"annotations":{{"readOnlyHint":true}}}}"#
        )
    };
    let tools: Vec<String> = (0..count).map(tool).collect();
    format!(r#"{{"tools":[{}],"nextCursor":"next"}}"#, tools.join(","))
}
