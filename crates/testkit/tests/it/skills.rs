//! The skills extension.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::fixture::{self, Era};

use crate::client::modern;

#[tokio::test]
async fn every_file_has_the_size_and_digest_that_its_skill_says() {
    let served = fixture::serve_http(Era::Modern).await.unwrap();
    let listed = modern(&served.url, "skills/list", json!({})).await.body["result"]["skills"].take();
    for file in listed[0]["resources"].as_array().unwrap() {
        let read = modern(&served.url, "resources/read", json!({ "uri": file["uri"] })).await;
        let text = read.body["result"]["contents"][0]["text"].as_str().unwrap();
        assert_eq!(file["size"], text.len());
        assert_eq!(file["digest"], digest(text));
    }
}

fn digest(text: &str) -> Value {
    let mut program = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = String::from_utf8(program.wait_with_output().unwrap().stdout).unwrap();
    json!(format!("sha256:{}", said.split_whitespace().next().unwrap()))
}
