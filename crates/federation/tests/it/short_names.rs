//! Names that are too long for some clients: what is shown instead leads to the same, everywhere where a name may stand.

use federation::PrefixMode;
use protocol::name::MaxLength;
use serde_json::{Value, json};
use tracing::Level;

use crate::client::{World, seconds};
use crate::log::Log;
use crate::target::{Act, Target, tool};

const LONG: &str = "create_or_update_repository_file_contents_in_branch_or_tag_of_a_fork";
const OTHER: &str = "create_or_update_repository_file_contents_in_branch_or_tag_of_a_copy";

fn shortened(target: Option<&str>, local: &str) -> String {
    MaxLength::USUAL.shorten(target, local)
}

async fn short(targets: &[&Target]) -> World {
    World::with(targets, |settings| settings.longest_name = Some(MaxLength::USUAL)).await
}

#[tokio::test(start_paused = true)]
async fn a_shortened_name_leads_to_its_tool_for_clients_of_both_eras() {
    let (a, b) = (Target::legacy("a", &["x", LONG, OTHER]), Target::modern("b", &[LONG]));
    let world = short(&[&a, &b]).await;
    let names =
        ["a_x".into(), shortened(Some("a"), LONG), shortened(Some("a"), OTHER), shortened(Some("b"), LONG)];
    let (modern, legacy) = (world.modern(), world.legacy().await);
    assert_eq!(modern.tools().await, names);
    assert_eq!(legacy.tools().await, names);
    for (name, said) in names.iter().zip(["a:x", &format!("a:{LONG}"), &format!("a:{OTHER}")]) {
        assert_eq!(modern.tool(name).await.said(), said);
        assert_eq!(legacy.tool(name).await.said(), said);
    }
    assert_eq!(legacy.tool(&names[3]).await.said(), format!("b:{LONG}"));
    // Who knows the full name from somewhere may go on to use it.
    assert_eq!(modern.tool(&format!("a_{LONG}")).await.said(), format!("a:{LONG}"));
}

#[tokio::test(start_paused = true)]
async fn prompts_are_shortened_and_got_and_completed() {
    let a = Target::legacy("a", &[])
        .full("x")
        .be(|script| script.prompts = vec![json!({ "name": LONG })])
        .on("prompts/get", Act::Result(json!({ "messages": [] })))
        .on("completion/complete", Act::Result(json!({ "completion": { "values": [] } })));
    let world = short(&[&a]).await;
    let client = world.modern();
    let name = shortened(None, LONG);
    assert_eq!(client.list("prompts/list").await, [name.as_str()]);
    client.call("prompts/get", json!({ "name": name })).await.ok();
    assert_eq!(a.last("prompts/get")["name"], LONG);
    let reference = json!({ "type": "ref/prompt", "name": name });
    let params = json!({ "ref": reference, "argument": { "name": "x", "value": "" } });
    client.call("completion/complete", params).await.ok();
    assert_eq!(a.last("completion/complete")["ref"]["name"], LONG);
}

#[tokio::test(start_paused = true)]
async fn the_page_of_an_app_goes_on_to_use_the_targets_own_names() {
    let app = |target: &str| {
        let mut app = tool(LONG);
        app["_meta"] = json!({ "ui": { "resourceUri": format!("ui://{target}/1") } });
        Target::legacy(target, &[]).be(|script| script.tools = vec![app])
    };
    let (a, b) = (app("a"), app("b"));
    let world = short(&[&a, &Target::legacy("c", &["x"])]).await;
    assert_eq!(world.modern().tool(LONG).await.said(), format!("a:{LONG}"));
    let several = short(&[&a, &b]).await;
    let refused = several.modern().tool(LONG).await.outcome.expect_err("it may be either");
    let names = [shortened(Some("a"), LONG), shortened(Some("b"), LONG)];
    let text = refused["message"].as_str().unwrap_or_default();
    assert!(names.iter().all(|name| text.contains(name.as_str())), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_gets_another_and_nothing_vanishes() {
    let log = Log::start();
    let name = shortened(Some("a"), LONG);
    let literal = name.strip_prefix("a_").expect("its target");
    let a = Target::legacy("a", &[LONG, literal]);
    let world = World::with(&[&a], |settings| {
        (settings.prefix, settings.longest_name) = (PrefixMode::Always, Some(MaxLength::USUAL));
    })
    .await;
    let other = shortened(Some("a"), &format!("{literal}_2"));
    let client = world.modern();
    assert_eq!(client.tools().await, [name.as_str(), &other]);
    assert_eq!(client.tool(&name).await.said(), format!("a:{LONG}"));
    assert_eq!(client.tool(&other).await.said(), format!("a:{literal}"));
    assert_eq!(log.said(Level::WARN, &format!("it is shown as `{other}`")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_names_carry_no_target_a_taken_one_gets_it_in_front() {
    let (a, b) = (Target::legacy("a", &[LONG]), Target::legacy("b", &[LONG]));
    let world = World::with(&[&a, &b], |settings| {
        (settings.prefix, settings.longest_name) = (PrefixMode::Never, Some(MaxLength::USUAL));
    })
    .await;
    let client = world.modern();
    let (first, second) = (shortened(None, LONG), shortened(Some("b"), LONG));
    assert_eq!(client.tools().await, [first.as_str(), &second]);
    assert_eq!(client.tool(&first).await.said(), format!("a:{LONG}"));
    assert_eq!(client.tool(&second).await.said(), format!("b:{LONG}"));
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_shortens_names_announces_it() {
    let a = Target::legacy("a", &[LONG]);
    let mut world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    assert_eq!(client.tools().await, [LONG]);
    world.reconfigure(&[&a], |settings| settings.longest_name = MaxLength::new(40));
    assert_eq!(hears.heard().await, ["tools/list_changed"]);
    let name = MaxLength::new(40).expect("a length").shorten(None, LONG);
    assert_eq!((client.tools().await, a.opened()), (vec![name.clone()], 1));
    assert_eq!(client.tool(&name).await.said(), format!("a:{LONG}"));
    world.reconfigure(&[&a], |_| {});
    assert_eq!(hears.heard().await, ["tools/list_changed"]);
    assert_eq!(client.tools().await, [LONG]);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_call_waits_until_its_target_says_what_the_name_is() {
    let (a, b) = (
        Target::legacy("a", &[LONG]).on("initialize", Act::with(|_| Act::after(3, handshake()))),
        Target::legacy("b", &["x"]),
    );
    let world = World::at_once(&[&a, &b], |settings| settings.longest_name = Some(MaxLength::USUAL));
    let name = shortened(Some("a"), LONG);
    assert_eq!(world.modern().tool(&name).await.said(), format!("a:{LONG}"));
}

fn handshake() -> Act {
    Act::Result(json!({
        "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "a", "version": "1" },
    }))
}

#[tokio::test(start_paused = true)]
async fn a_name_of_a_target_that_is_not_there_is_not_called_unknown() {
    let (a, b) = (Target::legacy("a", &[LONG]), Target::legacy("b", &["x"]));
    a.kill();
    let world = short(&[&a, &b]).await;
    let name = shortened(Some("a"), LONG);
    let refused = async |name: &str| {
        let answer = world.modern().tool(name).await;
        let error = answer.outcome.expect_err("nobody could serve it");
        (error["code"].clone(), error["message"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused(&name).await, (json!(-32603), "target `a` is not available".to_owned()));
    let strange = shortened(Some("b"), LONG);
    assert_eq!(refused(&strange).await, (json!(-32602), format!("unknown tool: `{strange}`")));
    assert_eq!(
        (a.count("tools/call"), b.count("tools/call")),
        (0, 0),
        "nobody was asked for a name cut short"
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_said_once_what_was_shortened_and_what_is_too_long() {
    let log = Log::start();
    let tools: Vec<String> = (0..8).map(|n| format!("{LONG}_{n}")).collect();
    let a = Target::legacy("a", &tools.iter().map(String::as_str).collect::<Vec<_>>());
    let mut world = World::start(&[&a]).await;
    let too_long = log.said(Level::INFO, "`names: {maxLength: 64}`");
    assert!(
        matches!(&too_long[..], [line] if line.starts_with("8 names") && line.contains(&tools[0])),
        "{too_long:?}"
    );
    world.reconfigure(&[&a], |settings| settings.longest_name = Some(MaxLength::USUAL));
    // The lists are read again, and are what they were.
    a.notify("notifications/tools/list_changed", Value::Null);
    seconds(2).await;
    let said = log.said(Level::INFO, "shortened the names of 8 tools or prompts to 64 characters");
    assert!(matches!(&said[..], [line] if line.contains("and 3 more")), "{said:?}");
    assert!(said[0].contains(&format!("`{}` of target `a` is `{}`", tools[0], shortened(None, &tools[0]))));
    assert_eq!(log.said(Level::INFO, "`names: {maxLength: 64}`").len(), 1);
}
