//! A target that is a child process: how many children it has, and when.

use std::time::Duration;

use protocol::{Object, Raw};
use tokio::time::{Instant, sleep};
use upstream::settings::Stdio;
use upstream::{Call, Caller, Error, Reply, Settings, Target, Transport};

/// Knows the handshake of 2025-11-25, and answers a call with what its client declared.
const SERVER: &str = r#"while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *server/discover*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no\"}}";;
    *'"initialize"'*)
      told=${line#*\"capabilities\":}; told=${told%%,\"clientInfo*}
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}}";;
    *die*) exit 3;;
    *tools/call*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"told\":$told}}";;
  esac
done"#;

fn start() -> Target {
    let stdio = Stdio { cmd: "sh".into(), args: vec!["-c".into(), SERVER.into()], ..Stdio::default() };
    let settings = Settings::new("t", Transport::Stdio(stdio));
    let everything = [("sampling", Raw::empty_object())].into_iter().collect();
    Target::start(settings, Caller::discovery(&everything))
}

/// What the target answers to a call of this tool by a client that declared nothing.
async fn call(target: &Target, tool: &str) -> Result<String, Error> {
    let method = protocol::method::find("tools/call").expect("a row");
    let params: Object = [("name", Raw::string(tool))].into_iter().collect();
    let call = Call::quiet(method, params, Caller::plain());
    match target.plain_link().await?.call(call).await? {
        Reply::One(answer) => Ok(String::from_utf8_lossy(answer.expect("a result").as_bytes()).into_owned()),
        Reply::Stream(_) => panic!("it has no more to say than its answer"),
    }
}

async fn has_children(target: &Target, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while target.processes().len() != count {
        assert!(Instant::now() < deadline, "{count} children, and not {:?}", target.processes());
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_second_child_is_started_when_it_is_needed_and_both_end_with_the_target() {
    let target = start();
    let link = target.discovery_link().await.expect("a link");
    assert_eq!(link.caller().capabilities.as_bytes(), br#"{"sampling":{}}"#);
    assert_eq!(target.processes().len(), 1);
    for _ in 0..3 {
        assert_eq!(call(&target, "x").await.expect("an answer"), r#"{"told":{}}"#);
        assert_eq!(target.processes().len(), 2);
    }
    target.stop().await;
    assert_eq!(target.processes(), [0; 0]);
    assert!(call(&target, "x").await.is_err(), "and nothing is started any more");
    assert_eq!(target.processes(), [0; 0]);
}

#[tokio::test]
async fn the_death_of_the_second_child_is_counted_and_the_first_lives_on() {
    let target = start();
    target.discovery_link().await.expect("a link");
    let first = target.processes();
    assert_eq!(target.restarts(), 0);
    let failed = call(&target, "die").await.expect_err("it dies");
    assert!(failed.detail.contains("exited with code 3"), "{failed}");
    has_children(&target, 1).await;
    assert_eq!((target.processes(), target.restarts()), (first, 1));
    assert_eq!(call(&target, "x").await.expect("an answer"), r#"{"told":{}}"#);
    target.stop().await;
}

#[tokio::test]
async fn a_restart_ends_both_children() {
    let target = start();
    target.discovery_link().await.expect("a link");
    call(&target, "x").await.expect("an answer");
    let before = target.processes();
    target.restart();
    has_children(&target, 1).await;
    target.discovery_link().await.expect("a link");
    assert!(!before.contains(&target.processes()[0]), "{before:?}");
    target.stop().await;
}

/// Whoever holds a target longer than there is a runtime to close its links has it cut.
#[test]
fn a_target_outlives_its_runtime_without_harm() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let target = runtime.block_on(async {
        let target = start();
        target.discovery_link().await.expect("a link");
        call(&target, "x").await.expect("an answer");
        target
    });
    drop(runtime);
    drop(target);
}
