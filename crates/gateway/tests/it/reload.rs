//! Changes of the configuration while the program runs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{
    Ask, EXE, Gateway, Session, backend, builtin, eventually, free_port, is_alive, listener, local, pid_of,
    request, serving, stdio, text_of,
};

/// A folder with a configuration file, and a gateway that was started with it.
struct Reloaded {
    folder: TempDir,
    file: PathBuf,
    gateway: Gateway,
}

/// What the log says when a configuration was taken over.
const IN_FORCE: &str = "the new configuration is in force";

impl Reloaded {
    async fn start(config: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.yaml");
        write(&file, config);
        Self::watching(folder, file).await
    }

    async fn watching(folder: TempDir, file: PathBuf) -> Self {
        let gateway = Gateway::run(&["-f", file.to_str().expect("a path")]).await;
        Self { folder, file, gateway }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Saves a configuration and waits until it is in force.
    async fn save(&self, config: &Value) {
        let before = self.times();
        write(&self.file, config);
        self.taken_over_since(before).await;
    }

    /// How many times a configuration was taken over.
    fn times(&self) -> usize {
        self.gateway.log().matches(IN_FORCE).count()
    }

    async fn taken_over_since(&self, before: usize) {
        eventually("another configuration is in force", async || (self.times() > before).then_some(())).await;
    }

    async fn tools(&self) -> Vec<String> {
        Session::open(self.gateway.address()).await.tools().await
    }
}

fn write(file: &Path, config: impl ToString) {
    std::fs::write(file, config.to_string()).expect("a file");
}

const TIME: [&str; 2] = ["get_current_time", "convert_time"];

fn time() -> Value {
    serving(vec![builtin("time")])
}

fn both() -> Value {
    serving(vec![builtin("time"), builtin("everything")])
}

fn port(port: u16) -> Value {
    json!({ "port": port, "listeners": [listener(vec![backend(vec![builtin("everything")])])] })
}

// === However the file is saved ===

#[tokio::test]
async fn a_file_that_is_edited_in_place_is_taken_over() {
    let reloaded = Reloaded::start(&time()).await;
    assert_eq!(reloaded.tools().await, TIME);
    reloaded.save(&both()).await;
    assert_eq!(reloaded.tools().await.len(), 8);
    reloaded.save(&time()).await;
    assert_eq!(reloaded.tools().await, TIME);
}

#[tokio::test]
async fn a_file_that_is_replaced_by_another_is_taken_over_each_time() {
    let reloaded = Reloaded::start(&time()).await;
    for (config, count) in [(both(), 8), (time(), 2), (both(), 8)] {
        let before = reloaded.times();
        let draft = reloaded.path("config.yaml~");
        write(&draft, &config);
        std::fs::rename(&draft, &reloaded.file).expect("a file to replace");
        reloaded.taken_over_since(before).await;
        assert_eq!(reloaded.tools().await.len(), count);
    }
}

#[tokio::test]
async fn a_file_that_is_moved_away_and_written_anew_is_taken_over() {
    let reloaded = Reloaded::start(&time()).await;
    std::fs::rename(&reloaded.file, reloaded.path("config.bak")).expect("a file to move");
    reloaded.save(&both()).await;
    assert_eq!(reloaded.tools().await.len(), 8);
}

#[tokio::test]
async fn a_file_behind_a_link_is_taken_over_whether_it_or_the_link_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (first, second) = (elsewhere.path().join("first.yaml"), elsewhere.path().join("second.yaml"));
    write(&first, time());
    write(&second, time());
    let link = folder.path().join("config.yaml");
    symlink(&first, &link).expect("a link");
    let reloaded = Reloaded::watching(folder, link.clone()).await;
    // The file that the link leads to.
    let before = reloaded.times();
    write(&first, both());
    reloaded.taken_over_since(before).await;
    // The link itself.
    let before = reloaded.times();
    let draft = reloaded.path("draft");
    symlink(&second, &draft).expect("a link");
    std::fs::rename(&draft, &link).expect("a link to replace");
    reloaded.taken_over_since(before).await;
    assert_eq!(reloaded.tools().await, TIME);
    // The file that it leads to now.
    let before = reloaded.times();
    write(&second, both());
    reloaded.taken_over_since(before).await;
    assert_eq!(reloaded.tools().await.len(), 8);
}

#[tokio::test]
async fn a_config_map_of_kubernetes_is_taken_over_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let version = |name: &str, config: Value| {
        std::fs::create_dir(at(name)).expect("a folder");
        write(&at(name).join("config.yaml"), config);
    };
    version("..1", time());
    symlink("..1", at("..data")).expect("a link");
    symlink("..data/config.yaml", at("config.yaml")).expect("a link");
    version("..2", both());
    version("..3", time());
    let file = at("config.yaml");
    let reloaded = Reloaded::watching(folder, file).await;
    for (name, gone, count) in [("..2", "..1", 8), ("..3", "..2", 2)] {
        let before = reloaded.times();
        symlink(name, reloaded.path("..data_tmp")).expect("a link");
        std::fs::rename(reloaded.path("..data_tmp"), reloaded.path("..data")).expect("a link to replace");
        std::fs::remove_dir_all(reloaded.path(gone)).expect("a folder to remove");
        reloaded.taken_over_since(before).await;
        assert_eq!(reloaded.tools().await.len(), count);
    }
}

#[tokio::test]
async fn a_file_named_without_a_folder_is_watched_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder.path().join("config.yaml"), time());
    let reloaded = Reloaded {
        gateway: Gateway::run_in(folder.path(), &["-f", "config.yaml"]).await,
        file: folder.path().join("config.yaml"),
        folder,
    };
    reloaded.save(&both()).await;
    assert_eq!(reloaded.tools().await.len(), 8);
}

// === What does not work changes nothing ===

#[tokio::test]
async fn a_faulty_file_changes_nothing_and_is_shown_until_it_is_mended() {
    let reloaded = Reloaded::start(&time()).await;
    let session = Session::open(reloaded.gateway.address()).await;
    let pid = reloaded.gateway.ready("time").await;
    let faults =
        async || reloaded.gateway.status().await["config"]["problem"]["text"].as_str().map(str::to_owned);
    let cases = [
        ("binds:\n- port: 1\n  listners: []\n", ":3:3: binds[0]: "),
        ("binds: [", ":1:"),
        ("", "config.yaml: "),
    ];
    for (text, place) in cases {
        write(&reloaded.file, text);
        let shown =
            eventually("faults", async || faults().await.filter(|faults| faults.contains(place))).await;
        assert!(shown.contains("config.yaml"), "{shown}");
        reloaded.gateway.logged(shown.lines().next().expect("a line")).await;
        reloaded.gateway.logged("is not valid; the configuration from before stays in force").await;
        assert_eq!(session.tools().await, TIME);
    }
    std::fs::remove_file(&reloaded.file).expect("a file to remove");
    eventually("a missing file is shown", async || {
        faults().await.filter(|faults| faults.contains("cannot be read"))
    })
    .await;
    assert_eq!(session.tools().await, TIME);
    // The same as what is in force: nothing is to be done, but nothing is wrong any longer.
    write(&reloaded.file, time());
    eventually("no faults", async || faults().await.is_none().then_some(())).await;
    assert_eq!(reloaded.times(), 0);
    write(&reloaded.file, "binds: [");
    eventually("faults", faults).await;
    reloaded.save(&both()).await;
    assert_eq!(faults().await, None);
    assert_eq!(reloaded.gateway.ready("time").await, pid);
}

#[tokio::test]
async fn a_port_that_is_taken_leaves_everything_as_it_was() {
    let reloaded = Reloaded::start(&time()).await;
    let taken = TcpListener::bind(local(0)).await.expect("a free port");
    let number = taken.local_addr().expect("an address").port();
    let free = free_port().await;
    let mut config = both();
    config["binds"].as_array_mut().expect("binds").extend([port(free), port(number)]);
    write(&reloaded.file, &config);
    let line = reloaded.gateway.logged("cannot be put in force").await;
    assert!(line.contains(&format!("127.0.0.1:{number}")), "{line}");
    assert_eq!(reloaded.tools().await, TIME);
    assert!(reloaded.gateway.target("everything").await.is_none());
    assert!(TcpStream::connect(local(free)).await.is_err(), "one port of several was opened");
    let faults =
        async || reloaded.gateway.status().await["config"]["problem"]["text"].as_str().map(str::to_owned);
    let shown = eventually("the refusal is shown", faults).await;
    assert!(shown.contains(&format!("cannot listen on 127.0.0.1:{number}")), "{shown}");
    let file = Ask::get("/api/config").send(reloaded.gateway.admin().await).await.json().await;
    assert_eq!(file["problem"]["text"], shown, "also where the file is read");
    drop(taken);
    // Saving it again is enough once the port is free.
    config["config"]["logging"]["level"] = json!("debug");
    reloaded.save(&config).await;
    assert_eq!(Session::open(local(number)).await.tools().await.len(), 6);
    assert_eq!(faults().await, None);
}

#[tokio::test]
async fn a_port_that_would_move_to_another_address_is_refused_with_what_to_do() {
    let mut config = time();
    let number = free_port().await;
    config["binds"].as_array_mut().expect("binds").push(port(number));
    let reloaded = Reloaded::start(&config).await;
    config["binds"][1]["listeners"][0]["address"] = json!("127.0.0.2");
    write(&reloaded.file, &config);
    let line = reloaded.gateway.logged("cannot be put in force").await;
    assert!(
        line.contains(&format!("port {number} would move to another address, which needs a restart")),
        "{line}"
    );
    assert_eq!(Session::open(local(number)).await.tools().await.len(), 6, "it is served where it was");
}

// === What works is taken over as a difference ===

#[tokio::test]
async fn targets_come_and_go_and_those_that_stay_are_left_alone() {
    let reloaded = Reloaded::start(&time()).await;
    let gateway = &reloaded.gateway;
    let session = Session::open(gateway.address()).await;
    let mut stream = session.stream().await;
    let pid = gateway.ready("time").await;
    reloaded.save(&both()).await;
    stream.until("notifications/tools/list_changed").await;
    let added = gateway.ready("everything").await;
    assert_eq!(gateway.ready("time").await, pid, "the target that stayed has another process");
    assert_eq!(session.tools().await[0], "time_get_current_time");
    let called = session.tool("everything_echo", json!({ "message": "hello" })).await;
    assert_eq!(text_of(&called), "Echo: hello");
    // Other arguments are another target under the same name.
    let mut config = both();
    config["binds"][0]["listeners"][0]["routes"][0]["backends"][0]["mcp"]["targets"][1]["stdio"]["env"] =
        json!({ "A": "B" });
    reloaded.save(&config).await;
    let changed = eventually("another process", async || {
        let target = gateway.target("everything").await.filter(|target| target["state"] == "ready")?;
        pid_of(&target).filter(|pid| *pid != added)
    })
    .await;
    reloaded.save(&time()).await;
    stream.until("notifications/tools/list_changed").await;
    for gone in [added, changed] {
        eventually("the end of a removed target", async || (!is_alive(gone)).then_some(())).await;
    }
    assert!(gateway.target("everything").await.is_none());
    assert_eq!(session.tools().await, TIME);
    assert_eq!(gateway.ready("time").await, pid);
}

#[tokio::test]
async fn a_call_goes_on_while_other_targets_change() {
    let reloaded = Reloaded::start(&serving(vec![builtin("everything")])).await;
    let session = Session::open(reloaded.gateway.address()).await;
    let params = json!({ "name": "long_operation", "arguments": { "duration": 1.5, "steps": 15 }, "_meta": { "progressToken": 1 } });
    let mut call = session.post(request(7, "tools/call", params)).await.events();
    call.until("notifications/progress").await;
    reloaded.save(&serving(vec![builtin("everything"), builtin("time")])).await;
    let last = call.last().await;
    assert!(text_of(&last).starts_with("Long operation completed"), "{last}");
}

#[tokio::test]
async fn cors_changes_with_the_file() {
    let reloaded = Reloaded::start(&time()).await;
    let ping = Ask::modern("server/discover", json!({})).with("origin", "https://app.example");
    let address = reloaded.gateway.address();
    assert_eq!(ping.clone().send(address).await.status, 403);
    let mut config = time();
    config["binds"][0]["listeners"][0]["routes"][0]["policies"] =
        json!({ "cors": { "allowOrigins": ["https://app.example"] } });
    reloaded.save(&config).await;
    let reply = ping.clone().send(address).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "https://app.example"));
    reloaded.save(&time()).await;
    assert_eq!(ping.send(address).await.status, 403);
}

#[tokio::test]
async fn ports_open_and_close_with_the_file() {
    let reloaded = Reloaded::start(&time()).await;
    let number = free_port().await;
    let mut config = time();
    config["binds"].as_array_mut().expect("binds").push(port(number));
    reloaded.save(&config).await;
    let session = Session::open(local(number)).await;
    assert_eq!(session.tools().await.len(), 6);
    let mut stream = session.stream().await;
    let pid = reloaded.gateway.ready("everything").await;
    assert_eq!(reloaded.gateway.status().await["listeners"][1]["port"], number);
    reloaded.save(&time()).await;
    stream.last().await;
    eventually("a closed port", async || TcpStream::connect(local(number)).await.is_err().then_some(()))
        .await;
    eventually("the end of its target", async || (!is_alive(pid)).then_some(())).await;
    assert_eq!(reloaded.tools().await, TIME);
    // And once more, which finds the port free.
    reloaded.save(&config).await;
    assert_eq!(Session::open(local(number)).await.tools().await.len(), 6);
}

#[tokio::test]
async fn a_call_over_a_port_that_was_removed_is_finished_also_when_the_program_stops() {
    let number = free_port().await;
    let mut config = time();
    config["binds"].as_array_mut().expect("binds").push(port(number));
    let mut reloaded = Reloaded::start(&config).await;
    let session = Session::open(local(number)).await;
    let params = json!({ "name": "long_operation", "arguments": { "duration": 2, "steps": 20 }, "_meta": { "progressToken": 1 } });
    let mut call = session.post(request(7, "tools/call", params)).await.events();
    call.until("notifications/progress").await;
    reloaded.save(&time()).await;
    reloaded.gateway.signal("TERM");
    let last = call.last().await;
    assert!(text_of(&last).starts_with("Long operation completed"), "{last}");
    assert_eq!(reloaded.gateway.ended().await.code(), Some(0));
}

#[tokio::test]
async fn the_log_level_and_the_limits_of_messages_change_with_the_file() {
    let reloaded = Reloaded::start(&time()).await;
    assert_eq!(reloaded.tools().await, TIME);
    assert!(!reloaded.gateway.log().contains("served a request"), "{}", reloaded.gateway.log());
    let mut config = time();
    config["config"]["logging"]["level"] = json!("debug");
    config["config"]["limits"] = json!({ "requestBody": 2000, "jsonDepth": 20 });
    reloaded.save(&config).await;
    assert_eq!(reloaded.tools().await, TIME);
    reloaded.gateway.logged("served a request").await;
    let large = Ask::post("x".repeat(2001)).send(reloaded.gateway.address()).await;
    assert_eq!(large.status, 413);
    let (_, _, refused) = Ask::post("[".repeat(21)).send(reloaded.gateway.address()).await.refusal().await;
    assert!(refused.contains("more than 20 levels"), "{refused}");
}

#[tokio::test]
async fn names_are_shortened_and_lengthened_with_the_file() {
    let mut config = serving(vec![stdio("a-rather-long-target-name", EXE, &["builtin", "time"])]);
    let mcp = "/binds/0/listeners/0/routes/0/backends/0/mcp";
    config.pointer_mut(mcp).expect("a backend")["prefixMode"] = json!("always");
    let reloaded = Reloaded::start(&config).await;
    let full = ["a-rather-long-target-name_get_current_time", "a-rather-long-target-name_convert_time"];
    assert_eq!(reloaded.tools().await, full);
    config.pointer_mut(mcp).expect("a backend")["names"] = json!({ "maxLength": 32 });
    reloaded.save(&config).await;
    let short = reloaded.tools().await;
    let heads: Vec<_> = short.iter().filter_map(|name| name.rsplit_once('-')).map(|(head, _)| head).collect();
    assert_eq!(heads, ["a-rather-lo_get_current", "a-rather-lo_convert_tim"]);
    let session = Session::open(reloaded.gateway.address()).await;
    let called = session.tool(&short[0], json!({ "timezone": "UTC" })).await;
    assert!(text_of(&called).contains("UTC"), "{called}");
    reloaded.gateway.logged("shortened the names of 2 tools or prompts to 32 characters").await;
    config.pointer_mut(mcp).expect("a backend")["names"] = json!({});
    reloaded.save(&config).await;
    assert_eq!(session.tools().await, full);
}

#[tokio::test]
async fn a_save_without_a_difference_changes_nothing() {
    let mut config = time();
    config["config"]["logging"]["level"] = json!("debug");
    let reloaded = Reloaded::start(&config).await;
    let pid = reloaded.gateway.ready("time").await;
    write(&reloaded.file, serde_json::to_string_pretty(&config).expect("JSON"));
    reloaded.gateway.logged("but it means the same as before").await;
    assert_eq!(reloaded.gateway.ready("time").await, pid);
    assert_eq!(reloaded.times(), 0);
}
