//! Real peers: the clients of four SDKs through the gateway to real servers, in every combination of eras.

use rmcp::model::{
    CallToolRequestParams, GetPromptRequestParams, ProtocolVersion, ReadResourceRequestParams,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _};
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::{Value, json};
use testkit::Served;
use testkit::fixture::{self, Era, Settings};

use crate::client::remote;
use crate::support::{Gateway, Server, installed, node, run, stdio_fixture, tests, uvx_environment};

/// A client of an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    PythonLegacy,
    PythonModern,
    PythonSse,
    TypeScriptLegacy,
    TypeScriptModern,
    TypeScriptSse,
    RustLegacy,
    RustModern,
}

use Client::{
    PythonLegacy, PythonModern, PythonSse, RustLegacy, RustModern, TypeScriptLegacy, TypeScriptModern,
    TypeScriptSse,
};

impl Client {
    /// Which era it speaks.
    fn era(self) -> &'static str {
        match self {
            PythonModern | TypeScriptModern | RustModern => "modern",
            PythonLegacy | PythonSse | TypeScriptLegacy | TypeScriptSse | RustLegacy => "legacy",
        }
    }

    /// Connects, lists everything, does what the plan says, and tells what it saw. Plan and story are those of
    /// `tests/js/visit.mjs`. Anything that fails is a panic.
    async fn visit(self, gateway: &Gateway, plan: Value) -> Value {
        let mcp = gateway.url();
        let seen = match self {
            PythonLegacy => python(&mcp, &plan, &["--era", "legacy"]).await,
            PythonModern => python(&mcp, &plan, &["--era", "modern"]).await,
            PythonSse => python(&gateway.sse(), &plan, &["--era", "legacy", "--sse"]).await,
            TypeScriptLegacy => typescript("legacy-client.mjs", &mcp, &plan, &[]).await,
            TypeScriptModern => typescript("modern-client.mjs", &mcp, &plan, &[]).await,
            TypeScriptSse => typescript("legacy-client.mjs", &gateway.sse(), &plan, &["--sse"]).await,
            RustLegacy => Box::pin(rust(&mcp, &plan, ClientLifecycleMode::Initialize)).await,
            RustModern => {
                let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
                Box::pin(rust(&mcp, &plan, ClientLifecycleMode::Discover { preferred_versions })).await
            }
        };
        assert_eq!(seen["era"], self.era(), "{self:?}");
        seen
    }
}

pub(crate) async fn python(url: &str, plan: &Value, options: &[&str]) -> Value {
    let program = installed("python/.venv/bin/python");
    let script = tests("python/client.py").display().to_string();
    story(&program, "python", &[&[&script, url, &plan.to_string()], options].concat()).await
}

pub(crate) async fn typescript(script: &str, url: &str, plan: &Value, options: &[&str]) -> Value {
    story(node(), "js", &[&[script, url, &plan.to_string()], options].concat()).await
}

/// What a client prints.
async fn story(program: &std::path::Path, folder: &str, args: &[&str]) -> Value {
    let ended = run(program, folder, args).await;
    let complaint = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {complaint}", args.join(" "));
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {complaint}"))
}

/// The client of this language's SDK, which does what the scripts of the others do.
async fn rust(url: &str, plan: &Value, lifecycle: ClientLifecycleMode) -> Value {
    let transport = StreamableHttpClientTransport::from_uri(url);
    let client = ().serve_with_lifecycle(transport, lifecycle).await.expect("a connection");
    let peer = client.peer_info().expect("a peer");
    let legacy = peer.protocol_version < ProtocolVersion::V_2026_07_28;
    let capabilities = json!(peer.capabilities);
    let offers = |name: &str| capabilities.get(name).is_some();
    let (mut tools, mut prompts, mut resources, mut templates) = Default::default();
    if offers("tools") {
        tools = json!(client.list_all_tools().await.expect("tools"));
    }
    if offers("prompts") {
        prompts = json!(client.list_all_prompts().await.expect("prompts"));
    }
    if offers("resources") {
        resources = json!(client.list_all_resources().await.expect("resources"));
        templates = json!(client.list_all_resource_templates().await.expect("templates"));
    }
    let mut seen = json!({
        "era": if legacy { "legacy" } else { "modern" },
        "protocolVersion": peer.protocol_version,
        "server": peer.server_info.as_ref().map(|info| &info.name),
        "capabilities": capabilities.as_object().expect("capabilities").keys().collect::<Vec<_>>(),
        "tools": all(&tools, "name"),
        "prompts": all(&prompts, "name"),
        "resources": all(&resources, "uri"),
        "templates": all(&templates, "uriTemplate"),
        "calls": {},
        "read": {},
    });
    for call in plan["call"].as_array().into_iter().flatten() {
        let name = call["name"].as_str().expect("a name").to_owned();
        let params = CallToolRequestParams::new(name.clone());
        let params = params.with_arguments(call["arguments"].as_object().cloned().unwrap_or_default());
        let result = client.call_tool(params).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(result.is_error, Some(true), "{name}: {result:?}");
        seen["calls"][name] = json!(blocks(&json!(result.content)));
    }
    for uri in plan["read"].as_array().into_iter().flatten() {
        let uri = uri.as_str().expect("a URI");
        let result = client.read_resource(ReadResourceRequestParams::new(uri)).await.expect("a resource");
        let text = json!(result.contents);
        let part =
            |part: &Value| part.get("text").or(part.get("blob")).and_then(Value::as_str).map(str::to_owned);
        let parts: Vec<String> = text.as_array().into_iter().flatten().filter_map(part).collect();
        seen["read"][uri] = json!(parts.join("\n"));
    }
    if let Some(prompt) = plan.get("prompt") {
        let params = GetPromptRequestParams::new(prompt["name"].as_str().expect("a name"));
        let params = params.with_arguments(prompt["arguments"].as_object().cloned().unwrap_or_default());
        let messages = json!(client.get_prompt(params).await.expect("a prompt").messages);
        let contents: Vec<&Value> =
            messages.as_array().into_iter().flatten().map(|message| &message["content"]).collect();
        seen["prompt"] = json!(blocks(&json!(contents)));
    }
    if let Some(wanted) = plan.get("complete") {
        let wanted = serde_json::from_value(wanted.clone()).expect("params of completion/complete");
        seen["completion"] = json!(client.complete(wanted).await.expect("a completion").completion.values);
    }
    client.cancel().await.expect("an end in good order");
    seen
}

fn all(list: &Value, member: &str) -> Vec<Value> {
    list.as_array().into_iter().flatten().map(|item| item[member].clone()).collect()
}

/// Content blocks as text.
fn blocks(blocks: &Value) -> String {
    let text = |block: &Value| match block["text"].as_str() {
        Some(text) => text.to_owned(),
        None => format!("[{}]", block["type"].as_str().unwrap_or_default()),
    };
    blocks.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join("\n")
}

// === The example of the documentation, with the servers that it names ===

/// The configuration of the multiplex example, on a free port of this machine and with the packages of these tests.
fn the_example() -> String {
    let mut text = std::fs::read_to_string(tests("../examples/multiplex/config.yaml")).expect("the example");
    let (uvx, js) = (uvx_environment(), json!(tests("js")));
    for (from, to) in [
        ("- port: 3000", "- port: 0".to_owned()),
        ("  - routes:", "  - address: 127.0.0.1\n    routes:".to_owned()),
        ("cmd: uvx", format!("cmd: uvx\n              env: {uvx}")),
        (
            "cmd: npx",
            format!("cmd: npx\n              cwd: {js}\n              env: {{npm_config_offline: \"true\"}}"),
        ),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from:?} in the example");
        text = text.replace(from, &to);
    }
    text + "\nconfig:\n  adminAddr: 127.0.0.1:0\n  logging:\n    level: warn\n"
}

async fn see_the_example(clients: &[Client]) {
    installed("js/node_modules/.bin/mcp-server-everything");
    let gateway = Gateway::start(&the_example()).await;
    // The time server speaks both eras, and which one it is asked for depends on how long it takes to start.
    assert_eq!(gateway.era_of("everything").await, "legacy");
    let text = "everything+demo://resource/dynamic/text/7";
    let document = "everything+demo://resource/static/document/architecture.md";
    for client in clients {
        let plan = json!({
            "call": [
                { "name": "time_get_current_time", "arguments": { "timezone": "America/New_York" } },
                { "name": "everything_echo", "arguments": { "message": "hello world" } },
                { "name": "everything_trigger-long-running-operation", "arguments": { "duration": 0.2, "steps": 2 } },
            ],
            "read": [document, text],
            "prompt": { "name": "everything_args-prompt", "arguments": { "city": "Oslo", "state": "Norway" } },
            "complete": {
                "ref": { "type": "ref/prompt", "name": "everything_completable-prompt" },
                "argument": { "name": "department", "value": "S" },
            },
        });
        let seen = client.visit(&gateway, plan).await;
        assert_eq!(seen["server"], "agentgateway", "{client:?}");
        for capability in ["completions", "prompts", "resources", "tools"] {
            let has = seen["capabilities"].as_array().expect("a list").contains(&json!(capability));
            assert!(has, "{client:?} sees no {capability}: {seen:#}");
        }

        let tools = strings(&seen["tools"]);
        assert_eq!(
            tools[..3],
            ["time_get_current_time", "time_convert_time", "everything_echo"],
            "{client:?}"
        );
        assert!(tools[2..].iter().all(|name| name.starts_with("everything_")), "{client:?}: {tools:?}");
        assert!(tools.contains(&"everything_get-sum"), "{client:?}: {tools:?}");
        let prompts = ["simple-prompt", "args-prompt", "completable-prompt", "resource-prompt"];
        let prompts = prompts.map(|name| format!("everything_{name}"));
        assert_eq!(strings(&seen["prompts"]), prompts, "{client:?}");
        let resources = strings(&seen["resources"]);
        assert!(resources.contains(&document), "{client:?}: {resources:?}");
        let folder = "everything+demo://resource/static/document/";
        assert!(resources.iter().all(|uri| uri.starts_with(folder)), "{client:?}: {resources:?}");
        let templates =
            ["text", "blob"].map(|kind| format!("everything+demo://resource/dynamic/{kind}/{{resourceId}}"));
        assert_eq!(strings(&seen["templates"]), templates, "{client:?}");

        let time = seen["calls"]["time_get_current_time"].as_str().expect("a text");
        let time: Value = serde_json::from_str(time).expect("JSON");
        assert_eq!(time["timezone"], "America/New_York", "{client:?}");
        let now = time["datetime"].as_str().expect("a time");
        assert!(now.ends_with("-04:00") || now.ends_with("-05:00"), "{client:?}: {now}");
        assert_eq!(seen["calls"]["everything_echo"], "Echo: hello world", "{client:?}");
        let progress = &seen["progress"]["everything_trigger-long-running-operation"];
        match client {
            // This SDK handles a response at once and a notification a moment later, if both come at the same time. The
            // last step is then not seen.
            TypeScriptSse => assert_eq!(progress[0], 1),
            // It is not asked for progress.
            RustLegacy | RustModern => {}
            _ => assert_eq!(*progress, json!([1, 2]), "{client:?}"),
        }
        let read = |uri: &str| seen["read"][uri].as_str().unwrap_or_default();
        assert!(read(document).starts_with("# Everything Server"), "{client:?}: {seen:#}");
        assert!(read(text).starts_with("Resource 7: This is a plaintext resource"), "{client:?}: {seen:#}");
        assert_eq!(seen["prompt"], "What's weather in Oslo, Norway?", "{client:?}");
        assert_eq!(seen["completion"], json!(["Sales", "Support"]), "{client:?}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_clients_see_the_example() {
    see_the_example(&[PythonLegacy, PythonModern, PythonSse]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_clients_see_the_example() {
    see_the_example(&[TypeScriptLegacy, TypeScriptModern, TypeScriptSse]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_clients_see_the_example() {
    see_the_example(&[RustLegacy, RustModern]).await;
}

// === Every era to every era ===

/// What the fixture's first tool says.
const SIMPLE: &str = "This is a simple text response for testing.";
/// What the fixture's first resource says.
const STATIC: &str = "This is the content of the static text resource.";

/// Targets of both eras over every transport: the fixture, and servers made with the SDKs.
async fn reach_every_target(clients: &[Client]) {
    let (old, new) = (http_fixture(Era::Legacy).await, http_fixture(Era::Modern).await);
    let sdk_old = Server::start("legacy-server.mjs", &[]).await;
    let sdk_new = Server::start("modern-server.mjs", &[]).await;
    let sdk_both = Server::start("modern-server.mjs", &["--dual"]).await;
    let sdk_sse = Server::start("sse-server.mjs", &[]).await;
    let fixtures =
        [("http-old", "legacy"), ("http-new", "modern"), ("stdio-old", "legacy"), ("stdio-new", "modern")];
    let greeters =
        [("sdk-old", "legacy"), ("sdk-new", "modern"), ("sdk-both", "modern"), ("sdk-sse", "legacy")];
    let gateway = Gateway::over(vec![
        remote("http-old", &old.url),
        remote("http-new", &new.url),
        stdio_fixture("stdio-old", Era::Legacy),
        stdio_fixture("stdio-new", Era::Modern),
        remote("sdk-old", &sdk_old.url),
        remote("sdk-new", &sdk_new.url),
        remote("sdk-both", &sdk_both.url),
        json!({ "name": "sdk-sse", "sse": { "host": sdk_sse.url } }),
    ])
    .await;
    for (target, era) in fixtures.iter().chain(&greeters) {
        assert_eq!(gateway.era_of(target).await, *era, "{target}");
    }
    let fixtures = fixtures.map(|(target, _)| target);
    let greeters = greeters.map(|(target, _)| target);
    let simple = fixtures.map(|target| json!({ "name": format!("{target}_test_simple_text") }));
    let greet = |target| json!({ "name": format!("{target}_greet"), "arguments": { "name": "Ada" } });
    let calls = [simple, greeters.map(greet)].concat();
    let statics = fixtures.map(|target| format!("{target}+test://static-text"));
    let reads = [statics, greeters.map(|target| format!("{target}+greeter://motto"))].concat();
    for client in clients {
        for target in ["http-old", "http-new"] {
            let plan = json!({
                "call": calls,
                "read": reads,
                "prompt": { "name": format!("{target}_test_simple_prompt") },
                "complete": {
                    "ref": { "type": "ref/resource", "uri": format!("{target}+test://template/{{id}}/data") },
                    "argument": { "name": "id", "value": "pari" },
                },
            });
            let seen = client.visit(&gateway, plan).await;
            for target in fixtures {
                assert_eq!(
                    seen["calls"][format!("{target}_test_simple_text")],
                    SIMPLE,
                    "{client:?} to {target}"
                );
                assert_eq!(
                    seen["read"][format!("{target}+test://static-text")],
                    STATIC,
                    "{client:?} to {target}"
                );
            }
            for target in greeters {
                assert_eq!(seen["calls"][format!("{target}_greet")], "Hello, Ada!", "{client:?} to {target}");
                assert_eq!(
                    seen["read"][format!("{target}+greeter://motto")],
                    "Be kind.",
                    "{client:?} to {target}"
                );
            }
            assert_eq!(seen["prompt"], "This is a simple prompt for testing.", "{client:?} to {target}");
            assert_eq!(seen["completion"], json!(["paris"]), "{client:?} to {target}");
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_clients_reach_targets_of_both_eras() {
    reach_every_target(&[PythonLegacy, PythonModern, PythonSse]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_clients_reach_targets_of_both_eras() {
    reach_every_target(&[TypeScriptLegacy, TypeScriptModern, TypeScriptSse]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_clients_reach_targets_of_both_eras() {
    reach_every_target(&[RustLegacy, RustModern]).await;
}

/// With one target, everything keeps its own name.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_both_eras_see_a_single_target_as_it_is() {
    let (old, new) = (http_fixture(Era::Legacy).await, http_fixture(Era::Modern).await);
    let targets = [
        remote("one", &old.url),
        remote("one", &new.url),
        stdio_fixture("one", Era::Legacy),
        stdio_fixture("one", Era::Modern),
    ];
    for target in targets {
        let gateway = Gateway::over(vec![target.clone()]).await;
        for client in [RustLegacy, RustModern] {
            let plan = json!({
                "call": [{ "name": "test_simple_text" }],
                "read": ["test://static-text", "test://template/7/data"],
                "prompt": { "name": "test_simple_prompt" },
                "complete": {
                    "ref": { "type": "ref/prompt", "name": "test_prompt_with_arguments" },
                    "argument": { "name": "arg1", "value": "par" },
                },
            });
            let seen = client.visit(&gateway, plan).await;
            assert_eq!(seen["tools"][0], "test_simple_text", "{client:?} to {target}");
            assert_eq!(seen["resources"][0], "test://static-text", "{client:?} to {target}");
            assert_eq!(seen["calls"]["test_simple_text"], SIMPLE, "{client:?} to {target}");
            assert_eq!(seen["read"]["test://static-text"], STATIC, "{client:?} to {target}");
            assert_eq!(seen["completion"], json!(["paris", "park", "party"]), "{client:?} to {target}");
        }
        gateway.stop().await;
    }
}

// === Clients that are asked ===

/// Targets of both eras ask for everything at once, then again and again. The clients answer as their SDKs do.
async fn answer_every_target(clients: &[Client]) {
    let settings = Settings { era: Era::Legacy, requests_on_get: true, ..Settings::default() };
    let on_get = fixture::serve(settings, 0).await.expect("a free port");
    let (old, new) = (http_fixture(Era::Legacy).await, http_fixture(Era::Modern).await);
    let gateway = Gateway::over(vec![
        remote("http-old", &old.url),
        remote("http-get", &on_get.url),
        remote("http-new", &new.url),
        stdio_fixture("stdio-old", Era::Legacy),
        stdio_fixture("stdio-new", Era::Modern),
    ])
    .await;
    let targets = ["http-old", "http-get", "http-new", "stdio-old", "stdio-new"];
    let calls: Vec<_> = targets
        .iter()
        .flat_map(|target| {
            [
                json!({ "name": format!("{target}_kit_ask_many") }),
                json!({ "name": format!("{target}_kit_ask_then"), "arguments": { "rounds": 3 } }),
                json!({ "name": format!("{target}_kit_echo_asked"), "arguments": { "token": "t" } }),
            ]
        })
        .collect();
    let root = json!({ "uri": "file:///home/ann", "name": "ann" });
    let plan = json!({ "call": calls, "elicit": { "value": "v" }, "sample": "said", "roots": [root] });
    for client in clients {
        let seen = client.visit(&gateway, plan.clone()).await;
        let told = |target: &str, tool: &str| -> Value {
            let text = seen["calls"][format!("{target}_{tool}")].as_str().unwrap_or_default();
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {client:?}: {seen:#}"))
        };
        for target in targets {
            let many = told(target, "kit_ask_many");
            assert_eq!(many["sampled"]["content"]["text"], "said", "{client:?} to {target}: {many}");
            assert_eq!(many["elicited"]["content"]["value"], "v", "{client:?} to {target}: {many}");
            assert_eq!(many["roots"]["roots"], json!([root]), "{client:?} to {target}");
            let then = json!({ "values": ["v", "v", "v"], "stopped": null });
            assert_eq!(told(target, "kit_ask_then"), then, "{client:?} to {target}");
            let echo = json!({ "asked": "t", "answered": "v" });
            assert_eq!(told(target, "kit_echo_asked"), echo, "{client:?} to {target}");
        }
        let asked = strings(&seen["asked"]);
        let count = |what: &str| asked.iter().filter(|asked| asked.starts_with(what)).count();
        let times = ["sampling/createMessage", "roots/list", "elicitation/create"].map(count);
        assert_eq!(times, [5, 5, 25], "{client:?} is asked nothing twice: {asked:?}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_clients_answer_targets_of_both_eras() {
    answer_every_target(&[PythonLegacy, PythonModern, PythonSse]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_clients_answer_targets_of_both_eras() {
    answer_every_target(&[TypeScriptLegacy, TypeScriptModern, TypeScriptSse]).await;
}

// === Large lists ===

/// A thousand tools in pages of fifty arrive completely and in order, each time, whichever eras meet.
async fn list_a_thousand_tools(era: Era) {
    let settings = Settings { era, tools: Some(1000), page: Some(50), ..Settings::default() };
    let many = fixture::serve(settings, 0).await.expect("a free port");
    let few = http_fixture(Era::Both).await;
    let alone = Gateway::over(vec![remote("many", &many.url)]).await;
    let between = Gateway::over(vec![
        stdio_fixture("before", Era::Legacy),
        remote("many", &many.url),
        remote("after", &few.url),
    ])
    .await;
    for client in [RustLegacy, RustModern, TypeScriptLegacy, TypeScriptModern] {
        for _again in 0..2 {
            let last = json!({ "call": [{ "name": "tool_0999", "arguments": { "text": "here" } }] });
            let seen = client.visit(&alone, last).await;
            let wanted: Vec<String> = (0..1000).map(|number| format!("tool_{number:04}")).collect();
            assert_eq!(strings(&seen["tools"]), wanted, "{client:?}");
            assert_eq!(seen["calls"]["tool_0999"], "tool_0999: here", "{client:?}");

            let last = json!({ "call": [{ "name": "many_tool_0999", "arguments": { "text": "here" } }] });
            let seen = client.visit(&between, last).await;
            let wanted: Vec<String> = wanted.iter().map(|name| format!("many_{name}")).collect();
            let tools = strings(&seen["tools"]);
            let first = tools.iter().position(|name| name.starts_with("many_")).expect("the first");
            assert_eq!(tools[first..first + 1000], wanted, "{client:?}");
            assert_eq!(tools[0], "before_test_simple_text", "{client:?}");
            assert!(tools[..first].iter().all(|name| name.starts_with("before_")), "{client:?}");
            assert_eq!(tools[first + 1000], "after_test_simple_text", "{client:?}");
            assert!(tools[first + 1000..].iter().all(|name| name.starts_with("after_")), "{client:?}");
            // Both targets are the same server, so that nothing is missing at the end if the lengths are equal.
            assert_eq!(tools.len(), 1000 + 2 * first, "{client:?}");
            assert_eq!(seen["calls"]["many_tool_0999"], "tool_0999: here", "{client:?}");
        }
    }
    alone.stop().await;
    between.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tools_of_a_legacy_target_are_listed_in_order() {
    list_a_thousand_tools(Era::Legacy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tools_of_a_modern_target_are_listed_in_order() {
    list_a_thousand_tools(Era::Modern).await;
}

async fn http_fixture(era: Era) -> Served {
    fixture::serve_http(era).await.expect("a free port")
}

/// A list of texts.
fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
