use http::Request;
use proptest::prelude::*;

use super::*;
use crate::cors::{Names, OriginPattern, Settings, Spoken};

const LOOPBACK: &str = "127.0.0.1";
const EVERYWHERE: &str = "0.0.0.0";

fn guard(bound: &str, ours: &[&str]) -> Guard {
    let ours = ours.iter().map(|host| HostPattern::parse(host).expect("a pattern")).collect();
    Guard::new(bound.parse().expect("an address"), Scheme::Http, ours)
}

fn cors(origins: &[&str]) -> Cors {
    Cors::new(
        Settings {
            allow_origins: origins
                .iter()
                .map(|origin| OriginPattern::parse(origin).expect("an origin"))
                .collect(),
            allow_headers: Names::none(),
            allow_methods: Names::none(),
            expose_headers: Names::none(),
            allow_credentials: false,
            max_age: None,
        },
        &Spoken::default(),
    )
}

fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let request =
        headers.iter().fold(Request::builder().uri(uri), |r, (name, value)| r.header(*name, *value));
    request.body(()).expect("a request").into_parts().0
}

fn call(host: &str, origin: &str) -> Parts {
    let headers = [("host", host), ("origin", origin)];
    head("/mcp", if origin.is_empty() { &headers[..1] } else { &headers })
}

#[test]
fn who_may_call_a_loopback_listener() {
    use Admission::*;
    let guard = guard(LOOPBACK, &["gateway.example"]);
    for (host, origin, expected) in [
        ("localhost:3000", "", Ok(NoOrigin)),
        ("app.localhost:3000", "", Ok(NoOrigin)),
        ("127.0.0.2", "", Ok(NoOrigin)),
        ("[::1]:9", "", Ok(NoOrigin)),
        ("gateway.example", "", Ok(NoOrigin)),
        ("evil.example", "", Err(Kind::ForeignHost)),
        ("evil.example.com", "http://evil.example.com", Err(Kind::ForeignHost)),
        ("localhost.evil.example", "", Err(Kind::ForeignHost)),
        ("10.0.0.1:3000", "", Err(Kind::ForeignHost)),
        ("0.0.0.0:3000", "", Err(Kind::ForeignHost)),
        ("localhost:3000", "http://localhost:3000", Ok(SameOrigin)),
        ("localhost:3000", "http://127.0.0.1:3000", Ok(SameOrigin)),
        ("[::1]:3000", "http://LOCALHOST:3000", Ok(SameOrigin)),
        ("localhost", "http://localhost:80", Ok(SameOrigin)),
        ("gateway.example:3000", "http://gateway.example:3000", Ok(SameOrigin)),
        ("localhost:3000", "https://localhost:3000", Err(Kind::ForeignOrigin)),
        ("localhost:3000", "http://localhost:15000", Err(Kind::ForeignOrigin)),
        ("localhost:3000", "http://localhost:6274", Err(Kind::ForeignOrigin)),
        ("localhost:3000", "http://app.localhost:3000", Err(Kind::ForeignOrigin)),
        ("localhost:3000", "https://evil.example", Err(Kind::ForeignOrigin)),
        ("localhost:3000", "null", Err(Kind::ForeignOrigin)),
        ("localhost:3000", "http://localhost:3000/", Err(Kind::InvalidOrigin)),
        ("localhost:3000", "http://a@localhost:3000", Err(Kind::InvalidOrigin)),
        ("localhost:3000", "localhost:3000", Err(Kind::InvalidOrigin)),
        ("localhost:3000", "http://localhost:3000, http://evil.example", Err(Kind::InvalidOrigin)),
        ("", "", Err(Kind::InvalidHost)),
        ("a b", "", Err(Kind::InvalidHost)),
    ] {
        let verdict = guard.check(&call(host, origin), None).map_err(|refusal| refusal.kind());
        assert_eq!(verdict, expected, "Host {host:?}, Origin {origin:?}");
    }
}

#[test]
fn who_may_call_a_listener_on_all_interfaces() {
    use Admission::*;
    let guard = guard(EVERYWHERE, &["gateway.example", "*.corp.example"]);
    for (host, origin, expected) in [
        ("anything.example", "", Ok(NoOrigin)),
        ("10.0.0.1:3000", "http://10.0.0.1:3000", Ok(SameOrigin)),
        ("localhost:3000", "http://localhost:3000", Ok(SameOrigin)),
        ("gateway.example:3000", "http://gateway.example:3000", Ok(SameOrigin)),
        ("a.corp.example", "http://a.corp.example", Ok(SameOrigin)),
        // Rebinding: the name is the attacker's, and so is the page.
        ("evil.example.com", "http://evil.example.com", Err(Kind::ForeignOrigin)),
        ("gateway.example", "http://evil.example", Err(Kind::ForeignOrigin)),
    ] {
        let verdict = guard.check(&call(host, origin), None).map_err(|refusal| refusal.kind());
        assert_eq!(verdict, expected, "Host {host:?}, Origin {origin:?}");
    }
}

#[test]
fn a_cors_policy_opens_the_door_to_origins_but_not_to_hosts() {
    let guard = guard(LOOPBACK, &[]);
    for (origins, host, origin, expected) in [
        (&["http://localhost:15000"][..], "localhost:3000", "http://localhost:15000", Ok(Admission::Allowed)),
        (&["http://localhost:15000"], "localhost:3000", "http://127.0.0.1:15000", Err(Kind::ForeignOrigin)),
        (&["*"], "localhost:3000", "https://evil.example", Ok(Admission::Allowed)),
        (&["*"], "localhost:3000", "null", Ok(Admission::Allowed)),
        (&["*"], "localhost:3000", "nonsense", Err(Kind::InvalidOrigin)),
        (&["*"], "evil.example", "http://evil.example", Err(Kind::ForeignHost)),
        (&["https://*.example.com"], "localhost:3000", "null", Err(Kind::ForeignOrigin)),
    ] {
        let verdict =
            guard.check(&call(host, origin), Some(&cors(origins))).map_err(|refusal| refusal.kind());
        assert_eq!(verdict, expected, "{origins:?}: Host {host:?}, Origin {origin:?}");
    }
}

#[test]
fn the_host_is_said_once() {
    let guard = guard(LOOPBACK, &[]);
    for (uri, headers, expected) in [
        ("http://localhost:3000/mcp", &[][..], Ok(Admission::NoOrigin)),
        ("http://localhost:3000/mcp", &[("host", "localhost:3000")], Ok(Admission::NoOrigin)),
        ("http://evil.example/mcp", &[], Err(Kind::ForeignHost)),
        ("http://evil.example/mcp", &[("host", "localhost")], Err(Kind::InvalidHost)),
        ("http://localhost/mcp", &[("host", "evil.example")], Err(Kind::InvalidHost)),
        ("http://user@localhost/mcp", &[], Err(Kind::InvalidHost)),
        ("/mcp", &[("host", "localhost"), ("host", "localhost")], Err(Kind::InvalidHost)),
        ("/mcp", &[], Err(Kind::InvalidHost)),
        (
            "/mcp",
            &[("host", "localhost"), ("origin", "http://localhost"), ("origin", "null")],
            Err(Kind::InvalidOrigin),
        ),
    ] {
        let verdict = guard.check(&head(uri, headers), None).map_err(|refusal| refusal.kind());
        assert_eq!(verdict, expected, "{uri} {headers:?}");
    }
}

#[test]
fn the_scheme_is_part_of_an_origin() {
    let guard = Guard::new("127.0.0.1".parse().expect("an address"), Scheme::Https, Vec::new());
    let kind = |origin| guard.check(&call("localhost", origin), None).map_err(|refusal| refusal.kind());
    assert_eq!(kind("https://localhost"), Ok(Admission::SameOrigin));
    assert_eq!(kind("https://localhost:443"), Ok(Admission::SameOrigin));
    assert_eq!(kind("http://localhost"), Err(Kind::ForeignOrigin));
}

#[test]
fn a_refusal_says_what_to_do() {
    let text = |bound, host, origin| {
        guard(bound, &[]).check(&call(host, origin), None).expect_err("a refusal").text().to_owned()
    };
    assert_eq!(
        text(LOOPBACK, "localhost:3000", "https://evil.example"),
        "the Origin `https://evil.example` is not allowed here; add it to `policies.cors.allowOrigins` of this \
         route if it should be"
    );
    assert!(text(LOOPBACK, "evil.example", "").contains("set its `hostname`"));
    assert!(
        text(EVERYWHERE, "evil.example", "http://evil.example")
            .contains("set the `hostname` of this listener")
    );
    assert!(text(LOOPBACK, "localhost", "null").contains("`\"*\"`"));
}

proptest! {
    #[test]
    fn reading_an_origin_never_panics(text in "\\PC*") {
        let _ = Origin::parse(&text);
    }

    #[test]
    fn any_header_bytes_get_a_verdict(host in prop::collection::vec(any::<u8>(), 0..40), origin in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut head = head("/mcp", &[]);
        if let (Ok(host), Ok(origin)) = (HeaderValue::from_bytes(&host), HeaderValue::from_bytes(&origin)) {
            head.headers.insert(HOST, host);
            head.headers.insert(ORIGIN, origin);
            let _ = guard(LOOPBACK, &[]).check(&head, None);
        }
    }

    #[test]
    fn without_cors_only_our_own_pages_pass(host in "[a-z]{1,8}\\.example", port in 1u16..) {
        let origin = format!("http://{host}:{port}");
        for bound in [LOOPBACK, EVERYWHERE] {
            prop_assert!(guard(bound, &[]).check(&call("localhost:3000", &origin), None).is_err());
        }
    }
}

#[test]
fn a_strict_listener_takes_no_name_that_a_page_could_have_rebound() {
    let guard = guard(EVERYWHERE, &["gateway.example"]).strict();
    for host in ["localhost:1", "10.0.0.1:1", "[::1]:1", "gateway.example"] {
        assert!(guard.check(&call(host, ""), None).is_ok(), "{host}");
    }
    let refusal = guard.check(&call("evil.example", ""), None).expect_err("refused");
    assert_eq!(refusal.kind(), Kind::ForeignHost);
}
