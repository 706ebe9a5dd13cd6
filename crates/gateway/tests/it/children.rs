//! Child processes: nobody of them is left, whatever they start and whoever is killed, and none of them hurts the others.

mod cycles;
mod family;

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::client::{
    EXE, Gateway, Session, builtin, eventually, is_alive, pid_of, serving, shell, signal, stdio,
};
use family::Family;

/// A server that is asked to leave and does, and has a daemon and a process without its parent.
fn fertile() -> serde_json::Value {
    let line = format!("setsid sleep 1001 & (sleep 1002 &) ; exec {EXE} builtin time");
    shell("fertile", &line)
}

// === Who is kept ===

#[tokio::test]
async fn a_child_is_shown_by_its_own_number_and_has_nothing_open_but_its_streams() {
    let family = Family::new();
    let gateway = Gateway::start(&serving(vec![family.of(builtin("time"))])).await;
    let shown = gateway.ready("time").await;
    let program = family.has("builtin time").await;
    let program = match program.pid == shown {
        true => program,
        // The keeper repeats the command.
        false => family.alive().into_iter().find(|member| member.pid == shown).expect("it is of the family"),
    };
    assert_eq!(program.line.trim_end(), format!("{EXE} builtin time"));
    assert_eq!(program.descriptors(), 3);
    let keeper = family.alive().into_iter().find(|member| member.pid != shown).expect("a keeper");
    assert_eq!(keeper.name(), "target-keeper");
    assert!(keeper.descriptors() <= 3);
    assert!(keeper.line.starts_with("target-keeper "), "{}", keeper.line);
}

#[tokio::test]
async fn a_child_may_have_huge_pages_although_the_gateway_does_without() {
    let family = Family::new();
    let gateway = Gateway::start(&serving(vec![family.of(fertile())])).await;
    let program = gateway.ready("fertile").await;
    let pages = |process: &str| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
        status.lines().find(|line| line.starts_with("THP_enabled")).map(str::to_owned)
    };
    assert_eq!(pages(&program.to_string()), pages("self"));
}

#[tokio::test]
async fn what_a_child_leaves_behind_ends_with_it_wherever_it_went() {
    let family = Family::new();
    let gateway = Gateway::start(&serving(vec![family.of(fertile())])).await;
    let program = gateway.ready("fertile").await;
    let left = [family.has("sleep 1001").await, family.has("sleep 1002").await];
    signal("TERM", program);
    eventually("their end", async || left.iter().all(|member| !member.is_alive()).then_some(())).await;
    gateway.logged("was killed by SIGTERM").await;
}

#[tokio::test]
async fn nobody_outlives_a_gateway_that_is_killed() {
    let family = Family::new();
    let deaf = "trap '' TERM HUP INT; setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' & cat >/dev/null; while :; do sleep 1; done";
    let gateway = Gateway::start(&serving(vec![family.of(fertile()), family.of(shell("deaf", deaf))])).await;
    gateway.ready("fertile").await;
    for words in ["sleep 1001", "sleep 1002", "while :"] {
        family.has(words).await;
    }
    gateway.signal("KILL");
    family.gone().await;
}

/// A keeper has a name of its own so that it is not killed by the name of the gateway. If it is killed nevertheless, its program is,
/// and the gateway takes care of the rest.
#[tokio::test]
async fn nobody_outlives_a_keeper_that_is_killed() {
    let family = Family::new();
    let gateway = Gateway::start(&serving(vec![family.of(fertile()), builtin("time")])).await;
    let other = gateway.ready("time").await;
    gateway.ready("fertile").await;
    for words in ["sleep 1001", "sleep 1002"] {
        family.has(words).await;
    }
    let all = family.alive();
    let keeper = all.iter().find(|member| member.name() == "target-keeper").expect("a keeper");
    signal("KILL", keeper.pid);
    eventually("the end of all", async || all.iter().all(|member| !member.is_alive()).then_some(())).await;
    // Not even as somebody who waits to be reaped.
    let reaped = async || {
        let numbers = all.iter().map(|member| format!("/proc/{}", member.pid));
        numbers.into_iter().all(|path| !std::path::Path::new(&path).exists()).then_some(())
    };
    eventually("that all are reaped", reaped).await;
    gateway.ready("fertile").await;
    assert_eq!(gateway.ready("time").await, other);
}

#[tokio::test]
async fn a_script_that_kills_its_own_group_does_not_reach_its_keeper() {
    let family = Family::new();
    let line = "setsid sleep 1001 & read -r line; kill -9 0";
    let gateway = Gateway::start(&serving(vec![family.of(shell("suicidal", line))])).await;
    gateway.logged("was killed by SIGKILL").await;
    let mut gateway = gateway;
    gateway.signal("TERM");
    gateway.ended().await;
    assert_eq!(family.alive(), []);
}

/// Some programs that start others tell the system to forget about them at once, and what is inherited stays.
#[tokio::test]
async fn a_gateway_whose_starter_ignores_its_children_is_told_of_its_own() {
    let family = Family::new();
    let config = serving(vec![family.of(fertile())]);
    let careless = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])";
    let mut command = std::process::Command::new("python3");
    command.args(["-c", careless, EXE, "-c", &config.to_string()]);
    let mut gateway = Gateway::started(command).await;
    signal("KILL", gateway.ready("fertile").await);
    gateway.logged("was killed by SIGKILL").await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert_eq!(family.alive(), []);
}

#[tokio::test]
async fn what_cannot_be_started_says_so_in_the_same_words_and_leaves_no_line() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, "#!/no/such/interpreter\n").expect("a script");
    let script = file.into_temp_path();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a script");
    let script = script.to_str().expect("a path");
    let mut lost = builtin("lost");
    lost["stdio"]["cwd"] = json!("/no/dir");
    let targets = vec![
        stdio("missing", "no-such-command", &[]),
        stdio("text", "/etc/passwd", &[]),
        stdio("script", script, &[]),
        lost,
    ];
    let gateway = Gateway::start(&serving(targets)).await;
    for (name, reason) in [
        ("missing", "command `no-such-command` was not found on PATH".to_owned()),
        ("text", "command `/etc/passwd` is not executable".to_owned()),
        ("script", format!("command `{script}` names an interpreter that does not exist")),
        ("lost", "the working directory `/no/dir` does not exist".to_owned()),
    ] {
        gateway.logged(&format!("target `{name}` is not available: {reason} (for target `{name}`)")).await;
        assert_eq!(gateway.target(name).await.expect("a target")["stderr"], json!([]));
    }
}

#[tokio::test]
async fn a_child_ends_as_its_program_did() {
    for (end, reason) in [
        ("exit 7", "exited with code 7"),
        ("kill -SEGV $$$$", "was killed by SIGSEGV"),
        ("kill -TERM $$$$", "was killed by SIGTERM"),
        ("kill -HUP $$$$", "was killed by SIGHUP"),
    ] {
        let gateway = Gateway::start(&serving(vec![shell("ending", &format!("read -r line; {end}"))])).await;
        gateway.logged(&format!("target `ending` is not available: {reason}")).await;
    }
}

#[tokio::test]
async fn a_program_started_as_a_keeper_by_hand_does_nothing() {
    let ended = crate::client::run(&["keep-child", "1", "2", "sh", "-c", "echo started"], "").await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    let ended = crate::client::run(&["keep-child"], "").await;
    assert_eq!(ended.code, Some(1));
}

// === How many start at once ===

/// A target that notes how many are starting at the same time as it.
fn counted(name: &str, folder: &str) -> serde_json::Value {
    let line = format!(
        "mkdir {folder}/{name}; ls {folder} | wc -l >>{folder}.most; sleep 0.2; rmdir {folder}/{name}; exec {EXE} builtin time"
    );
    shell(name, &line)
}

#[tokio::test]
async fn no_more_children_start_at_once_than_the_configuration_says() {
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path().join("starting");
    std::fs::create_dir(&folder).expect("a folder");
    let folder = folder.to_str().expect("a path");
    let most = || {
        let text = std::fs::read_to_string(format!("{folder}.most")).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse::<u32>().ok()).max().unwrap_or_default()
    };
    let file = scratch.path().join("config.json");
    let save = |limit: u32, names: &[&str]| {
        let mut config = serving(names.iter().map(|name| counted(name, folder)).collect());
        config["config"]["limits"] = json!({ "startingChildren": limit });
        std::fs::write(&file, config.to_string()).expect("a file");
    };
    save(1, &["a", "b", "c"]);
    let gateway = Gateway::run(&["-f", file.to_str().expect("a path")]).await;
    for name in ["a", "b", "c"] {
        gateway.ready(name).await;
    }
    assert_eq!(most(), 1);
    // A limit is in force at once.
    save(3, &["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
    for name in ["d", "e", "f", "g", "h", "i"] {
        gateway.ready(name).await;
    }
    assert_eq!(most(), 3);
}

#[tokio::test]
async fn a_child_that_hangs_at_its_start_does_not_keep_the_others_from_theirs() {
    let mut config =
        serving(vec![shell("hanging", "exec sleep 1000"), builtin("time"), builtin("everything")]);
    config["config"]["limits"] = json!({ "startingChildren": 2 });
    let gateway = Gateway::start(&config).await;
    gateway.ready("time").await;
    gateway.ready("everything").await;
}

// === What children write, and what they do not read ===

/// The most memory that a process ever had, in MiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a field");
    line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).expect("a number") / 1024
}

#[tokio::test]
async fn a_line_without_an_end_does_not_grow_memory() {
    let endless = "read -r line; head -c 100000000 /dev/zero | tr '\\0' x; sleep 1000";
    let mut config = serving(vec![builtin("time"), shell("endless", endless)]);
    config["config"]["limits"] = json!({ "responseBody": "1MiB" });
    let gateway = Gateway::start(&config).await;
    gateway.ready("time").await;
    let before = peak(gateway.id());
    gateway.logged("the target sent a message of more than 1048576 bytes").await;
    let session = Session::open(gateway.address()).await;
    let called = session.tool("time_get_current_time", json!({ "timezone": "UTC" })).await;
    assert!(called.get("result").is_some(), "{called}");
    let after = peak(gateway.id());
    assert!(after < before + 16, "{before} MiB became {after} MiB");
}

#[tokio::test]
async fn noise_without_an_end_does_not_grow_memory_and_is_counted() {
    // Lines that are no messages on one side; bytes that are not even lines on the other.
    let line = format!(
        "head -c 20000000 /dev/urandom | tr -d '\\n\\r' >&2 & yes '<html>' | head -c 1400000; exec {EXE} builtin time"
    );
    let gateway = Gateway::start(&serving(vec![builtin("everything"), shell("noisy", &line)])).await;
    gateway.ready("everything").await;
    let before = peak(gateway.id());
    gateway.ready("noisy").await;
    let after = peak(gateway.id());
    assert!(after < before + 16, "{before} MiB became {after} MiB");
    gateway
        .logged("sent something that is not a JSON-RPC message, and it was skipped: <html> (told once")
        .await;
    let said = gateway.target("noisy").await.expect("a target")["stderr"].to_string();
    assert!(said.len() < 300_000, "{} bytes are kept", said.len());
    signal("KILL", pid_of(&gateway.target("noisy").await.expect("a target")).expect("a child"));
    gateway.logged("times in all").await;
}

#[tokio::test]
async fn a_child_that_closes_its_output_is_stopped_and_started_again() {
    let family = Family::new();
    let line = format!(
        "exec 3<&0; {EXE} builtin time <&3 & sleep 0.5; kill -9 $!; exec >&- 3<&-; while :; do sleep 1; done"
    );
    let gateway = Gateway::start(&serving(vec![family.of(shell("mute", &line)), builtin("time")])).await;
    let first = gateway.ready("mute").await;
    let next = async || {
        let target = gateway.target("mute").await.filter(|target| target["state"] == "ready")?;
        pid_of(&target).filter(|pid| *pid != first)
    };
    eventually("another child", next).await;
    assert!(!is_alive(first));
}

/// The child takes nothing for a while, as if it were stopped in a debugger.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_reads_nothing_holds_up_its_own_callers_alone() {
    let gateway = Gateway::start(&serving(vec![builtin("everything"), builtin("time")])).await;
    let (everything, time) = (gateway.ready("everything").await, gateway.ready("time").await);
    let address = gateway.address();
    let ask = |tool: &str, arguments: serde_json::Value| {
        crate::client::Ask::modern("tools/call", json!({ "name": tool, "arguments": arguments }))
    };
    let warm = ask("everything_echo", json!({ "message": "a" })).send(address).await.answer().await;
    assert!(warm.get("result").is_some(), "{warm}");
    let before = peak(gateway.id());
    let stopped = gateway.target("everything").await.expect("a target")["processes"].clone();
    for pid in stopped.as_array().expect("processes") {
        signal("STOP", u32::try_from(pid.as_u64().expect("a number")).expect("a process id"));
    }
    let message = "x".repeat(2000);
    let calls: Vec<_> = (0..1000)
        .map(|_| tokio::spawn(ask("everything_echo", json!({ "message": message })).try_send(address)))
        .collect();
    // Meanwhile others are served as if nothing was.
    for _ in 0..50 {
        let start = Instant::now();
        let called =
            ask("time_get_current_time", json!({ "timezone": "UTC" })).send(address).await.answer().await;
        assert!(called.get("result").is_some(), "{called}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    let grown = peak(gateway.id()) - before;
    assert!(grown < 100, "{grown} MiB for calls that wait");
    for pid in stopped.as_array().expect("processes") {
        signal("CONT", u32::try_from(pid.as_u64().expect("a number")).expect("a process id"));
    }
    let mut answered = 0;
    for call in calls {
        let answer = timeout(Duration::from_secs(60), call).await.expect("in time").expect("a task");
        let answer = answer.expect("a response").answer().await;
        // There may be a limit on how many wait, and the server has one on how many run, which all come at once when it goes on.
        let refused = answer["error"]["message"].as_str().is_some_and(|text| {
            text.contains("`everything`") || text == "64 calls are running, which is the limit"
        });
        assert!(refused || answer.get("result").is_some(), "{answer}");
        answered += u32::from(!refused);
    }
    assert!(answered >= 200, "{answered}");
    assert_eq!((gateway.ready("everything").await, gateway.ready("time").await), (everything, time));
}
