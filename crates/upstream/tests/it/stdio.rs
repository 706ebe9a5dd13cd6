//! Children: what they say, and that nothing of them is left.

use std::time::Duration;

use protocol::Message;
use tokio::time::{Instant, sleep, timeout};
use upstream::settings::{Limits, Stdio};
use upstream::wire::stdio::StdioConnect;
use upstream::wire::{Connect as _, Wire};
use upstream::{Error, ErrorKind, queue};

use crate::{all, failure, is, one, request};

/// Answers every line with its own id, in the order in which they come.
const ECHO: &str = r#"while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":\"$WORD\"}"
done"#;

fn sh(script: &str) -> Stdio {
    Stdio { cmd: "sh".into(), args: vec!["-c".into(), script.into()], ..Stdio::default() }
}

fn connector(settings: Stdio) -> StdioConnect {
    StdioConnect::new("time", settings, &Limits::default())
}

async fn open(connect: &StdioConnect) -> Result<Box<dyn Wire>, Error> {
    // The inbox is closed at once: nobody listens.
    connect.connect(queue::channel::<Message>(1).0).await
}

/// The processes of a group that are alive, which zombies are not.
fn members(group: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let in_group = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        matches!(&fields[..], [state, _, pgrp, ..] if !matches!(*state, "Z" | "X") && *pgrp == group.to_string())
    };
    pids.filter(in_group).collect()
}

/// Nothing of the group lives, and its leader is no zombie.
async fn assert_gone(group: u32) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !members(group).is_empty() || std::path::Path::new(&format!("/proc/{group}")).exists() {
        assert!(Instant::now() < deadline, "left of {group}: {:?}", members(group));
        sleep(Duration::from_millis(10)).await;
    }
}

/// The only live child, once it has as many processes as it should.
async fn group_of(connect: &StdioConnect, size: usize) -> u32 {
    let [leader] = connect.processes()[..] else { panic!("one child") };
    let deadline = Instant::now() + Duration::from_secs(5);
    while members(leader).len() < size {
        assert!(Instant::now() < deadline, "only {:?}", members(leader));
        sleep(Duration::from_millis(10)).await;
    }
    leader
}

#[tokio::test]
async fn a_child_answers_and_leaves_when_asked() {
    let mut settings = sh(ECHO);
    settings.env.insert("WORD".into(), "hi".into());
    let connect = connector(settings);
    let wire = open(&connect).await.expect("a child");
    assert_eq!(one(wire.request(request(1, "ping")).await), (r#""hi""#.into(), 200));
    let group = group_of(&connect, 1).await;
    let start = Instant::now();
    wire.close().await;
    assert!(start.elapsed() < Duration::from_secs(1), "end of input is enough");
    assert_gone(group).await;
    assert!(connect.processes().is_empty());
    is(&failure(wire.request(request(2, "ping")).await), ErrorKind::Stopped, "");
}

#[tokio::test]
async fn the_environment_and_the_directory_are_as_configured() {
    let mut settings = sh(
        r#"read -r l; echo "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"$PWD ${CARGO_MANIFEST_DIR:-none} $MINE\"}"; read -r l"#,
    );
    settings.env.insert("MINE".into(), "mine".into());
    settings.cwd = Some("/".into());
    let inherited = open(&connector(settings.clone())).await.expect("a child");
    let told = one(inherited.request(request(1, "x")).await).0;
    assert_eq!(told, concat!(r#""/ "#, env!("CARGO_MANIFEST_DIR"), r#" mine""#));
    settings.clear_env = true;
    let cleared = open(&connector(settings)).await.expect("a child");
    assert_eq!(one(cleared.request(request(1, "x")).await).0, r#""/ none mine""#);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let start = async |cmd: &str, cwd: Option<&str>| {
        let settings = Stdio { cmd: cmd.into(), cwd: cwd.map(Into::into), ..Stdio::default() };
        let error = open(&connector(settings)).await.err().expect("no child");
        assert_eq!(error.kind, ErrorKind::Unreachable);
        error.detail
    };
    assert_eq!(
        start("no-such-uvx", None).await,
        "command `no-such-uvx` was not found on PATH (for target `time`)"
    );
    assert_eq!(
        start("/no/such/uvx", None).await,
        "command `/no/such/uvx` does not exist (for target `time`)"
    );
    assert_eq!(
        start("/etc/passwd", None).await,
        "command `/etc/passwd` is not executable (for target `time`)"
    );
    assert_eq!(
        start("sh", Some("/no/dir")).await,
        "the working directory `/no/dir` does not exist (for target `time`)"
    );
}

#[tokio::test]
async fn a_traceback_becomes_one_line() {
    let script =
        "import sys; sys.stdin.readline(); print('Starting', file=sys.stderr); from os import no_such_name";
    let settings =
        Stdio { cmd: "python3".into(), args: vec!["-c".into(), script.into()], ..Stdio::default() };
    let connect = connector(settings);
    let wire = open(&connect).await.expect("a child");
    let error = failure(wire.request(request(1, "initialize")).await);
    is(
        &error,
        ErrorKind::Closed,
        "exited with code 1: ImportError: cannot import name 'no_such_name' from 'os'",
    );
    assert_eq!(wire.closed().await, error);
    assert_eq!(connect.last_words()[0], "Starting");
    is(&failure(wire.request(request(2, "x")).await), ErrorKind::Unreachable, "ImportError");
}

#[tokio::test]
async fn an_answer_before_the_end_still_counts() {
    let wire = open(&connector(sh(&format!("{} exit 3", ECHO.replace("done", "break; done;")))))
        .await
        .expect("a child");
    one(wire.request(request(1, "x")).await);
    is(&wire.closed().await, ErrorKind::Closed, "exited with code 3");
}

#[tokio::test]
async fn a_signal_is_named() {
    let wire = open(&connector(sh("echo bye >&2; kill -SEGV $$"))).await.expect("a child");
    is(&wire.closed().await, ErrorKind::Closed, "was killed by SIGSEGV: bye");
}

/// The grandchild holds the pipes open. The wire ends nevertheless, and the grandchild with it.
#[tokio::test]
async fn a_child_that_exits_early_takes_its_tree_with_it() {
    let connect = connector(sh("sleep 1000 & sleep 0.3; exit 4"));
    let wire = open(&connect).await.expect("a child");
    let group = group_of(&connect, 2).await;
    let reason = timeout(Duration::from_secs(5), wire.closed()).await.expect("in time");
    is(&reason, ErrorKind::Closed, "exited with code 4");
    assert_gone(group).await;
}

/// The grandchild has left the group and holds the pipes open. It is out of reach, but it does not hold up the wire.
#[tokio::test]
async fn a_grandchild_that_left_does_not_hold_up_the_end() {
    let script =
        "import os,sys\nif os.fork() == 0:\n  os.setsid(); import time; time.sleep(4)\nelse:\n  sys.exit(5)";
    let settings =
        Stdio { cmd: "python3".into(), args: vec!["-c".into(), script.into()], ..Stdio::default() };
    let wire = open(&connector(settings)).await.expect("a child");
    let reason = timeout(Duration::from_secs(3), wire.closed()).await.expect("in time");
    is(&reason, ErrorKind::Closed, "exited with code 5");
}

#[tokio::test]
async fn grandchildren_are_stopped_with_the_child() {
    let connect = connector(sh("sleep 1000 & cat"));
    let wire = open(&connect).await.expect("a child");
    let group = group_of(&connect, 3).await;
    let start = Instant::now();
    wire.close().await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_gone(group).await;
}

#[tokio::test]
async fn a_child_that_ignores_all_requests_is_killed() {
    let connect = connector(sh("trap '' TERM; sleep 1000 & while :; do sleep 1; done"));
    let wire = open(&connect).await.expect("a child");
    let group = group_of(&connect, 3).await;
    let start = Instant::now();
    wire.close().await;
    let took = start.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(6)).contains(&took), "{took:?}");
    assert_gone(group).await;
}

/// It cannot even hear that it is asked.
#[tokio::test]
async fn a_child_that_was_stopped_is_killed() {
    let connect = connector(sh(ECHO));
    let wire = open(&connect).await.expect("a child");
    let group = group_of(&connect, 1).await;
    let child = nix::unistd::Pid::from_raw(i32::try_from(group).expect("a process id"));
    nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGSTOP).expect("it is there");
    let waiting = wire.request(request(1, "x"));
    wire.close().await;
    assert_gone(group).await;
    is(&failure(waiting.await), ErrorKind::Stopped, "");
}

#[tokio::test]
async fn a_child_that_closes_its_output_and_lives_on_ends_the_wire() {
    let connect = connector(sh("read -r line; exec >&-; sleep 1000"));
    let wire = open(&connect).await.expect("a child");
    let answer = timeout(Duration::from_secs(5), wire.request(request(1, "x"))).await.expect("in time");
    is(&failure(answer), ErrorKind::Closed, "closed its output");
    let group = group_of(&connect, 2).await;
    wire.close().await;
    assert_gone(group).await;
}

#[tokio::test]
async fn dropping_the_wire_kills_the_tree_at_once() {
    let connect = connector(sh("trap '' TERM; sleep 1000 & while :; do sleep 1; done"));
    let wire = open(&connect).await.expect("a child");
    let group = group_of(&connect, 3).await;
    drop(wire);
    assert_gone(group).await;
    assert!(connect.processes().is_empty());
}

/// No task is left to reap anything, but the guards have killed the group by then.
#[test]
fn the_end_of_the_runtime_kills_the_tree() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let connect = connector(sh("sleep 1000 & while :; do sleep 1; done"));
    let (wire, group) = runtime.block_on(async {
        let wire = open(&connect).await.expect("a child");
        (wire, group_of(&connect, 3).await)
    });
    drop(runtime);
    let gone = || members(group).is_empty();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !gone() {
            assert!(Instant::now() < deadline, "left: {:?}", members(group));
            sleep(Duration::from_millis(10)).await;
        }
    });
    drop(wire);
}

#[tokio::test]
async fn a_flood_on_standard_error_does_not_stop_the_child() {
    let script = format!("yes 'a line of the log' | head -c 2000000 >&2; {ECHO}");
    let connect = connector(sh(&script));
    let wire = open(&connect).await.expect("a child");
    let frames = timeout(Duration::from_secs(20), wire.request(request(1, "x"))).await.expect("in time");
    assert_eq!(all(frames).await.len(), 1);
    assert_eq!(connect.last_words().len(), 50);
}

#[tokio::test]
async fn children_of_one_target_are_told_apart() {
    let connect = connector(sh("read -r line; echo \"Error: $$\" >&2; exit 1"));
    let (first, second) = (open(&connect).await.expect("a child"), open(&connect).await.expect("a child"));
    let pids = connect.processes();
    let (one, two) = tokio::join!(first.request(request(1, "x")), second.request(request(1, "x")));
    is(&failure(one), ErrorKind::Closed, &format!("exited with code 1: Error: {}", pids[0]));
    is(&failure(two), ErrorKind::Closed, &format!("exited with code 1: Error: {}", pids[1]));
    assert_eq!(connect.last_words().len(), 2);
}
