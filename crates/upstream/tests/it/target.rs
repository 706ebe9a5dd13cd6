//! A target that is a child process: how many children it has, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use protocol::{Object, Raw};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::{Instant, sleep};
use upstream::settings::{Custom, Limits, Stdio};
use upstream::wire::pipe::PipeWire;
use upstream::wire::{Connect, Inbox, Wire};
use upstream::{Call, Caller, Error, ErrorKind, Reply, Settings, Starting, State, Target, Transport};

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
    start_with(sh(SERVER), Limits::default())
}

fn sh(script: &str) -> Stdio {
    Stdio { cmd: "sh".into(), args: vec!["-c".into(), script.into()], ..Stdio::default() }
}

fn start_with(stdio: Stdio, limits: Limits) -> Target {
    let settings = Settings { limits, ..Settings::new("t", Transport::Stdio(stdio)) };
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

#[tokio::test]
async fn a_session_calls_over_its_own_link_while_the_target_that_opened_it_is_there() {
    let (target, namesake) = (start(), start());
    let (link, _heard) = target.lease(&Caller::plain()).await.expect("a link");
    for either in [&target, &namesake] {
        // A link of a session's own may be there before the one over which its target is looked at.
        either.discovery_link().await.expect("a link");
    }
    assert!(target.serves_over(&link));
    assert!(!namesake.serves_over(&link), "what took the place of a target is another one");
    target.restart();
    let mut state = target.state();
    state.wait_for(|state| matches!(state, State::Starting)).await.expect("a target");
    assert!(!target.serves_over(&link), "it is not known what it will be");
    state.wait_for(|state| matches!(state, State::Ready(_))).await.expect("a target");
    assert!(target.serves_over(&link));
    link.close().await;
    assert!(!target.serves_over(&link));
    target.stop().await;
    assert!(!target.serves_over(&link));
    namesake.stop().await;
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

#[tokio::test]
async fn a_child_that_never_shakes_hands_is_ended_at_its_deadline_and_gives_its_place_back() {
    let starting = Starting::new(1);
    let hanging = Stdio { starting: starting.clone(), ..sh("exec sleep 1000") };
    let limits = Limits { connect: Duration::from_secs(1), ..Limits::default() };
    let hanging = start_with(hanging, limits);
    has_children(&hanging, 1).await;
    let other = start_with(Stdio { starting: starting.clone(), ..sh(SERVER) }, Limits::default());
    let since = Instant::now();
    let error = hanging.discovery_link().await.err().expect("no link");
    assert_eq!(
        (error.kind, &*error.detail),
        (ErrorKind::Timeout, "target `t` did not finish its handshake within 1 s")
    );
    other.discovery_link().await.expect("a link");
    assert!(since.elapsed() > Duration::from_millis(500), "it waits for the place");
    has_children(&hanging, 0).await;
    futures::future::join(hanging.stop(), other.stop()).await;
    assert_eq!(starting.taken(), 0);
}

#[tokio::test]
async fn children_that_hang_at_their_start_do_not_keep_another_from_its_own() {
    let starting = Starting::new(4);
    let with_place = |script| Stdio { starting: starting.clone(), ..sh(script) };
    let hanging: Vec<_> =
        (0..4).map(|_| start_with(with_place("exec sleep 1000"), Limits::default())).collect();
    for hanging in &hanging {
        has_children(hanging, 1).await;
    }
    let healthy = start_with(with_place(SERVER), Limits::default());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    healthy.discovery_link().await.expect("a link");
    for hanging in &hanging {
        assert!(matches!(&*hanging.state().borrow(), State::Starting), "it may still shake hands");
    }
    futures::future::join_all(hanging.iter().chain([&healthy]).map(Target::stop)).await;
    assert_eq!(starting.taken(), 0);
}

/// One who would be one too many is refused at once, also while the others still start.
#[tokio::test]
async fn sessions_have_only_so_many_children_at_once() {
    let target = start_with(sh(SERVER), Limits { children: 2, ..Limits::default() });
    target.discovery_link().await.expect("a link");
    let caller = Caller::plain();
    let leased = futures::future::join_all((0..5).map(|_| target.lease(&caller))).await;
    let (leased, refused): (Vec<_>, Vec<_>) = leased.into_iter().partition(Result::is_ok);
    assert_eq!(leased.len(), 2);
    for error in refused.into_iter().filter_map(Result::err) {
        assert_eq!(error.kind, ErrorKind::Busy, "{error}");
        assert!(error.detail.contains("2 children for sessions and calls, and `limits.children`"), "{error}");
    }
    call(&target, "x").await.expect("what is shared is not counted");
    let closing = leased.into_iter().flatten().map(|(link, _)| async move { link.close().await });
    futures::future::join_all(closing).await;
    target.lease(&caller).await.expect("room again");
    target.stop().await;
}

/// As one does that is stopped in a debugger, or swapped out.
#[tokio::test]
async fn callers_of_a_child_that_reads_nothing_get_their_deadline_and_it_goes_on_afterwards() {
    let limits = Limits { call: Duration::from_secs(1), ..Limits::default() };
    let (target, other) = (start_with(sh(SERVER), limits), start());
    for target in [&target, &other] {
        call(target, "x").await.expect("an answer");
    }
    let pids = target.processes();
    let send = |signal| {
        for pid in &pids {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(*pid).expect("a process id"));
            nix::sys::signal::kill(pid, signal).expect("it is there");
        }
    };
    send(nix::sys::signal::Signal::SIGSTOP);
    let since = Instant::now();
    let calls = (0..1000).map(|_| call(&target, "x"));
    let (outcomes, unhurt) = futures::future::join(futures::future::join_all(calls), call(&other, "x")).await;
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    unhurt.expect("an answer");
    for outcome in outcomes {
        let error = outcome.expect_err("nobody answers");
        assert!(matches!(error.kind, ErrorKind::Timeout | ErrorKind::Busy), "{error}");
    }
    send(nix::sys::signal::Signal::SIGCONT);
    let deadline = Instant::now() + Duration::from_secs(20);
    while call(&target, "x").await.is_err() {
        assert!(Instant::now() < deadline, "it does not go on");
    }
    assert_eq!(target.processes(), pids);
    futures::future::join(target.stop(), other.stop()).await;
}

/// A server that lives for a while, which is virtual time.
struct Mortal {
    life: Duration,
    started: AtomicU32,
}

impl Connect for Mortal {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = tokio::io::duplex(4096);
        let (read, write) = tokio::io::split(ours);
        let life = self.life;
        tokio::spawn(async move {
            let (read, mut write) = tokio::io::split(theirs);
            let mut lines = BufReader::new(read).lines();
            let serve = async {
                while let Ok(Some(line)) = lines.next_line().await {
                    let id = line.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
                    let answer = match line.contains("\"initialize\"") {
                        true => r#""result":{"protocolVersion":"2025-11-25","capabilities":{}}"#,
                        false => r#""error":{"code":-32601,"message":"no"}"#,
                    };
                    if let Some(id) = id {
                        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{answer}}}\n");
                        write.write_all(line.as_bytes()).await.expect("somebody reads");
                    }
                }
            };
            let _ = tokio::time::timeout(life, serve).await;
        });
        let wire = PipeWire::new("t", 1 << 20, inbox, read, write);
        async move { Ok(Box::new(wire) as Box<dyn Wire>) }.boxed()
    }
}

/// How often a server that lives so long is started within an hour.
async fn starts(life: Duration) -> u32 {
    let mortal = Arc::new(Mortal { life, started: 0.into() });
    let transport = Transport::Custom(Custom(mortal.clone()));
    let settings = Settings::new("t", transport);
    let target = Target::start(settings, Caller::plain());
    sleep(Duration::from_secs(3600)).await;
    assert!(matches!(*target.state().borrow(), State::Ready(_) | State::Failing(_)));
    target.stop().await;
    mortal.started.load(Ordering::Relaxed)
}

/// One that dies a moment after each start is started once a minute; one that held for a while comes back after a second.
#[tokio::test(start_paused = true)]
async fn only_a_target_that_lived_for_a_while_is_started_again_at_once() {
    let (short, long) = (starts(Duration::from_secs(5)).await, starts(Duration::from_secs(31)).await);
    assert!((40..80).contains(&short), "{short} starts of 5 s in an hour");
    assert!((100..116).contains(&long), "{long} starts of 31 s in an hour");
}

/// Fails in a way that is nobody's to foresee, once.
struct Panicking(AtomicU32, Mortal);

impl Connect for Panicking {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "no more threads");
        self.1.connect(inbox)
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_opened_because_of_a_panic_is_tried_again() {
    let mortal = Mortal { life: Duration::from_secs(60), started: 0.into() };
    let transport = Transport::Custom(Custom(Arc::new(Panicking(0.into(), mortal))));
    let target = Target::start(Settings::new("t", transport), Caller::plain());
    let error = target.discovery_link().await.err().expect("no link");
    assert_eq!(
        (error.kind, &*error.detail),
        (ErrorKind::Unreachable, "opening target `t` failed here, with a panic")
    );
    sleep(Duration::from_secs(5)).await;
    target.discovery_link().await.expect("a link");
    target.stop().await;
}
