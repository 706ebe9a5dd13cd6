use std::convert::Infallible;

use protocol::{Id, down, json, message};

use super::*;

/// Tools as they lie in a list.
fn list(count: usize, extra: &str) -> (Vec<Exposed>, Bytes) {
    let tools: Vec<Raw> = (0..count).map(|n| raw(format!(r#"{{"name":"t{n}"{extra}}}"#))).collect();
    let (line, slices) = json::in_line(tools.iter());
    assert_eq!(tools, slices);
    let exposed = |raw| Exposed { name: String::new(), raw, target: 0, local: String::new() };
    (slices.into_iter().map(exposed).collect(), line)
}

fn raw(text: String) -> Raw {
    Raw::parse(&Bytes::from(text)).expect("JSON in a test")
}

/// A result with a list of these items and something behind it.
fn result(items: &[Exposed]) -> Raw {
    let tools = json::array_of(items.iter().map(|item| &item.raw));
    raw(format!(r#"{{"tools":{},"nextCursor":"c"}}"#, String::from_utf8_lossy(tools.as_bytes())))
}

fn spelled(page: &Page, items: &[Exposed], version: Version) -> Spelled {
    let result = result(&items[page.range.clone()]);
    let make =
        || Ok::<_, Infallible>(down::result("tools/list", &result, version).expect("a complete result"));
    let Ok(spelled) = page.spelled(Kind::Tool, version, make);
    spelled
}

#[test]
fn a_spelled_page_is_the_response_that_is_written_of_the_result() {
    for extra in ["", r#","annotations":{},"outputSchema":{"type":"array"},"execution":{}"#] {
        for count in [0, 1, 2, 500] {
            let (items, line) = list(count, extra);
            let page = Page::from(0, &items, &line);
            for version in Version::ALL.iter().chain(Version::ALL) {
                let whole = down::result("tools/list", &result(&items), *version).expect("a complete result");
                let response = message::response(Some(&Id::from(7)), Ok(&whole));
                let spelled = spelled(&page, &items, *version);
                assert_eq!(
                    message::answer(&Id::from(7), spelled).join(),
                    response,
                    "{count} {extra} {version:?}"
                );
            }
        }
    }
}

#[test]
fn items_are_kept_once_for_all_revisions_that_understand_them() {
    let (items, line) = list(10, "");
    let page = Page::from(3, &items, &line);
    for version in Version::ALL {
        let body = spelled(&page, &items, *version).body;
        assert_eq!(body.as_ptr(), items[3].raw.as_bytes().as_ptr(), "{version:?}");
    }
    let (items, line) = list(10, r#","outputSchema":{"type":"object"}"#);
    let page = Page::from(0, &items, &line);
    let [first, second, third, ..] = Version::ALL else { panic!("there are more revisions") };
    let body = |version| spelled(&page, &items, version).body.as_ptr();
    assert_eq!(body(*first), body(*second), "neither knows output schemas");
    assert_ne!(body(*first), body(*third));
    assert_eq!(body(*third), line.as_ptr());
}

#[test]
fn a_page_is_made_once_for_each_revision() {
    let (items, line) = list(1, "");
    let page = Page::from(0, &items, &line);
    spelled(&page, &items, Version::NEWEST_LEGACY);
    let never = || -> Result<Raw, Infallible> { panic!("it is there already") };
    assert!(page.spelled(Kind::Tool, Version::NEWEST_LEGACY, never).is_ok());
    let failing = page.spelled(Kind::Tool, Version::NEWEST_MODERN, || Err("a failure"));
    assert_eq!(failing.map(|spelled| spelled.body), Err("a failure"), "which is not kept");
    assert_eq!(spelled(&page, &items, Version::NEWEST_MODERN).body, line);
}

#[test]
fn pages_that_follow_each_other_hold_each_item_once() {
    for count in [0, 1, PAGE_ITEMS - 1, PAGE_ITEMS, PAGE_ITEMS + 1, 3 * PAGE_ITEMS] {
        let (items, line) = list(count, "");
        let pages = Page::all(&items, &line);
        let seen: Vec<usize> = pages.iter().flat_map(|page| page.range.clone()).collect();
        assert_eq!((seen, pages.len()), ((0..count).collect(), count.div_ceil(PAGE_ITEMS).max(1)), "{count}");
        let lines: Vec<&[u8]> = pages.iter().map(|page| &page.line[..]).collect();
        assert_eq!(lines.join(&b','), line);
    }
    let (items, line) = list(3, &format!(r#","description":"{}""#, "x".repeat(PAGE_BYTES / 2)));
    let ranges: Vec<_> = Page::all(&items, &line).into_iter().map(|page| page.range).collect();
    assert_eq!(ranges, [0..1, 1..2, 2..3], "also when it is the bytes that end a page");
}

#[test]
fn behind_the_last_item_there_is_nothing() {
    let (items, line) = list(2, "");
    for start in [2, 3, usize::MAX] {
        let page = Page::from(start, &items, &line);
        assert_eq!((page.range, page.line), (2..2, Bytes::new()));
    }
}
