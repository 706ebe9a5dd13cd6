//! The benchmark as a program, for a fraction of a second: that it measures what it says, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");
/// How long a test may wait for something.
const STUCK: Duration = Duration::from_secs(60);

/// The gateway beside this program, built if it is not there.
fn gateway() -> io::Result<PathBuf> {
    let found = Path::new(BENCH).with_file_name("agentgateway");
    if !found.exists() {
        Command::new(env!("CARGO")).args(["build", "--package", "agentgateway", "--locked"]).status()?;
    }
    Ok(found)
}

fn bench(args: &[&str]) -> Command {
    let mut command = Command::new(BENCH);
    command.arg("run").arg("--gateway").arg(gateway().expect("a gateway")).args(args);
    command
}

fn finish(mut command: Command) -> Output {
    let output = command.output().expect("the program");
    let text = [&output.stdout[..], &output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
    output
}

#[test]
fn every_work_comes_out_without_a_single_wrong_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    let mut command = bench(&["--contestants", "direct,agentgateway", "--seconds", "0.1", "--warm", "0.02"]);
    command.args(["--rounds", "1", "--connections", "2", "--sessions", "20"]).arg("--json").arg(&file);
    let table = String::from_utf8(finish(command).stdout).expect("text");

    let report: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    let groups = report["groups"].as_array().expect("groups");
    let listed = String::from_utf8(finish_list().stdout).expect("text");
    for group in groups {
        let work = group["work"].as_str().expect("a name");
        assert!(listed.contains(work));
        assert!(table.contains(group["title"].as_str().expect("a title")), "{table}");
        for cell in group["cells"].as_array().expect("cells") {
            let rounds = cell["figures"]["load"].as_array().into_iter().flatten();
            for round in rounds {
                assert_eq!(round["errors"], 0, "{work}: {round}");
                assert!(round["calls"].as_u64() > Some(0), "{work}: {round}");
                let is_direct = cell["contestant"] == "direct";
                assert_eq!(round["cpu"].as_u64().is_none_or(|cpu| cpu == 0), is_direct, "{work}: {round}");
            }
        }
    }
    assert_eq!(groups.len(), 14, "a group for each work");
}

fn finish_list() -> Output {
    let mut command = Command::new(BENCH);
    command.arg("list");
    finish(command)
}

#[test]
fn a_gateway_that_answers_wrongly_does_not_get_away_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    // It passes everything on to the server and changes one word of what comes back.
    let definition = r#"
about = "a gateway that lies"
program = "python3"
args = ["@dir@/lie.py", "@port@", "@first@"]
can = ["legacy"]
[target]
http = "x"
[files]
"lie.py" = '''
import http.client, http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server = http.client.HTTPConnection(sys.argv[2])
        server.request(self.command, self.path, body, dict(self.headers))
        answer = server.getresponse()
        body = answer.read().replace(b"open orders", b"lost orders")
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() != "content-length": self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_DELETE = pass_on
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
"#;
    fs::write(folder.path().join("liar.toml"), definition).expect("a file");
    let mut command = bench(&["--contestants", "liar", "--only", "small-json", "--connections", "2"]);
    command.args(["--seconds", "0.1", "--rounds", "1", "--definitions"]).arg(folder.path());
    let output = command.output().expect("the program");
    let table = String::from_utf8(output.stdout).expect("text");
    assert!(!output.status.success(), "{table}");
    assert!(table.contains("!!") && table.contains("WRONG: that is no answer to"), "{table}");
}

fn churn(definition: Option<&Path>) -> Output {
    let mut command = Command::new(BENCH);
    command.args(["churn", "--minutes", "0.05", "--gateway"]).arg(gateway().expect("a gateway"));
    if let Some(definition) = definition {
        command.arg("--definition").arg(definition);
    }
    command.output().expect("the program")
}

#[test]
fn clients_that_come_and_go_are_counted_and_all_of_them_are_served() {
    let output = churn(None);
    let table = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<f64>> = table
        .lines()
        .skip_while(|line| !line.starts_with("minutes"))
        .skip(1)
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .collect();
    assert_eq!(rows.len(), 6, "{table}");
    let column = |number: usize| rows.iter().map(move |row| row[number]);
    let visits: f64 = column(2).sum();
    assert!((110.0..130.0).contains(&visits), "forty in each of three seconds: {table}");
    assert!(column(3).all(|wrong| wrong == 0.0), "{table}");
    for (number, least) in [(4, 1.0), (5, 5.0), (7, 1.0)] {
        assert!(column(number).all(|held| held >= least), "memory, descriptors, threads: {table}");
    }
}

#[test]
fn a_visitor_who_is_not_served_is_told_of() {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("churn/agentgateway.toml");
    let usual = fs::read_to_string(usual).expect("a definition");
    let narrow = usual.replace("idleTimeout: 5s", "limits: {children: 1}");
    assert_ne!(usual, narrow);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("narrow.toml");
    fs::write(&file, narrow).expect("a file");
    let output = churn(Some(&file));
    let (table, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "{table}");
    assert!(table.contains("WRONG: visit "), "{table}");
    assert!(said.contains(" visits went wrong, at first visit "), "{said}");
}

#[test]
fn nothing_is_left_when_it_is_interrupted_or_killed() {
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut command = bench(&["--contestants", "direct,agentgateway", "--only", "small-json"]);
        command.args(["--connections", "2", "--seconds", "60"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Running(command.spawn().expect("the program"));
        let started = eventually(|| Some(children(running.0.id())).filter(|started| started.len() == 2));
        let pid = Pid::from_raw(i32::try_from(running.0.id()).expect("a process id"));
        kill(pid, signal).expect("it runs");
        running.0.wait().expect("it ends");
        eventually(|| started.iter().all(|child| is_gone(*child)).then_some(()));
    }
}

/// Killed when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended if the test has not failed.
        let _ = self.0.kill();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Gone, or dead and only not yet collected by whoever inherited it.
fn is_gone(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('Z'))
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime here, and it is another program that is waited for"
)]
fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < STUCK, "it never came about");
        std::thread::sleep(Duration::from_millis(10));
    }
}
