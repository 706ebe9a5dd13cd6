//! Lists of targets that hold what is no item, or an odd one: what is valid is shown as it is, what is not is left out and
//! named in the log, and the list of the neighbour is whole.

use tracing::Level;

use crate::client::World;
use crate::log::Log;
use crate::target::{Act, Target};

/// Items with the names under which they are shown; none for those that are no items.
const ITEMS: &[(&str, Option<&str>)] = &[
    (r#"{"name":"good"}"#, Some("good")),
    ("null", None),
    ("7", None),
    (r#""good""#, None),
    (r#"[{"name":"inner"}]"#, None),
    ("{}", None),
    (r#"{"name":7}"#, None),
    (r#"{"name":null}"#, None),
    (r#"{"name":["a"]}"#, None),
    (r#"{"Name":"cased"}"#, None),
    (r#"{"name":"one","name":"two"}"#, None),
    (r#"{"name":"\ud800"}"#, None),
    (r#"{"name":"good","description":"again"}"#, None),
    (r#"{"name":""}"#, Some("")),
    (r#"{"name":"nul\u0000and\u001b[31m"}"#, Some("nul\0and\u{1b}[31m")),
    // One of these in a merged list, and some clients could not read the items of any other target either.
    (r#"{"name":"half","title":"\udc00"}"#, None),
    (r#"{"name":"huge","x":1e999}"#, None),
    (r#"{"name":"big","y":123456789012345678901234567890}"#, Some("big")),
    (
        r#"{"name":"wrong","inputSchema":7,"outputSchema":[],"annotations":"x","execution":0,"_meta":[]}"#,
        Some("wrong"),
    ),
    (r#"{"name":"twice","inputSchema":{"type":"object","type":"array"}}"#, Some("twice")),
];

#[tokio::test(start_paused = true)]
async fn valid_items_are_shown_and_others_are_named() {
    let log = Log::start();
    let nested = |name: &str, levels: usize| {
        let (open, close) = (r#"{"not":"#.repeat(levels - 1), "}".repeat(levels - 1));
        format!(r#"{{"name":"{name}","inputSchema":{open}1{close}}}"#)
    };
    let (deep, deeper, deepest) = (nested("deep", 100), nested("deeper", 101), nested("deepest", 100_000));
    let items: Vec<&str> =
        ITEMS.iter().map(|(item, _)| *item).chain([deep.as_str(), &deeper, &deepest]).collect();
    let listed = format!(r#"{{"tools":[{}],"nextCursor":7}}"#, items.join(","));
    let a = Target::legacy("a", &[])
        .on("tools/list", Act::Spelled(listed))
        .on("tools/call good", Act::text("fine"));
    let b = Target::legacy("b", &["x"]);
    let world = World::start(&[&a, &b]).await;
    let shown: Vec<(String, String)> = world
        .backend
        .catalog()
        .into_iter()
        .map(|item| (item.name, String::from_utf8(item.raw.as_bytes().to_vec()).expect("UTF-8")))
        .collect();
    let mut expected: Vec<(String, String)> = ITEMS
        .iter()
        .filter_map(|(item, name)| {
            Some((format!("a_{}", (*name)?), item.replacen(r#""name":""#, r#""name":"a_"#, 1)))
        })
        .collect();
    expected.push(("a_deep".into(), deep.replacen("deep", "a_deep", 1)));
    expected.push(("b_x".into(), shown.last().map(|(_, raw)| raw.clone()).unwrap_or_default()));
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(&expected) {
        assert_eq!(shown.0, expected.0);
        assert!(shown.1 == expected.1, "{:.200} is not {:.200}", shown.1, expected.1);
    }
    let left_out = ITEMS.iter().filter(|(_, name)| name.is_none()).count() + 2;
    let said = log.said(Level::WARN, "target `a` lists");
    let (named, more): (usize, usize) = said.iter().fold((0, 0), |(named, more), line| {
        let rest = line.rsplit_once(" more are like these").and_then(|(line, _)| line.rsplit(' ').next());
        (
            named + line.matches("lists ").count(),
            more + rest.map_or(0, |rest| rest.parse().expect("a number")),
        )
    });
    assert_eq!(named + more, left_out, "each is named or counted: {said:?}");
    assert!(named >= 5);
    assert_eq!(world.modern().tool("a_good").await.said(), "fine");
    assert_eq!(world.modern().tool("b_x").await.said(), "b:x");
}
