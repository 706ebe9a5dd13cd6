use proptest::prelude::*;

use super::*;

/// The lists of a policy as they stand in a file.
struct Lists<'a> {
    origins: &'a [&'a str],
    headers: &'a [&'a str],
    methods: Option<&'a [&'a str]>,
    expose: &'a [&'a str],
    credentials: bool,
}

const PLAIN: Lists<'static> =
    Lists { origins: &["https://app.example"], headers: &[], methods: None, expose: &[], credentials: false };

fn cors(lists: Lists<'_>) -> Cors {
    Cors::new(settings(lists), &Spoken::default())
}

fn settings(lists: Lists<'_>) -> Settings {
    Settings {
        allow_origins: lists.origins.iter().map(|o| OriginPattern::parse(o).expect("an origin")).collect(),
        allow_headers: Names::parse(lists.headers).expect("header names"),
        allow_methods: match lists.methods {
            Some(methods) => Names::parse(methods).expect("methods"),
            None => Names::default_methods(),
        },
        expose_headers: Names::parse(lists.expose).expect("header names"),
        allow_credentials: lists.credentials,
        max_age: Some(Duration::from_secs(600)),
    }
}

fn request(origin: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ORIGIN, origin.parse().expect("a value"));
    headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
    headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("authorization,content-type"));
    headers
}

/// The answer as one line per header, without `access-control-`.
fn ask(cors: &Cors, origin: &str) -> Vec<String> {
    let headers = request(origin);
    let answer = cors.preflight(Preflight::of(&Method::OPTIONS, &headers).expect("a preflight"));
    let line = |(name, value): (HeaderName, HeaderValue)| {
        format!("{}: {}", name.as_str().trim_start_matches("access-control-"), value.to_str().expect("text"))
    };
    answer.expect("an answer").into_iter().map(line).collect()
}

#[test]
fn a_preflight_is_told_what_is_allowed() {
    assert_eq!(
        ask(
            &cors(Lists { headers: &["Content-Type", "mcp-protocol-version"], ..PLAIN }),
            "https://app.example"
        ),
        [
            "allow-origin: https://app.example",
            "allow-methods: GET, POST, DELETE, OPTIONS",
            "allow-headers: content-type, mcp-protocol-version",
            "max-age: 600",
            "vary: origin, access-control-request-method, access-control-request-headers",
        ]
    );
}

#[test]
fn no_header_is_allowed_unless_it_is_named() {
    let answer = ask(&cors(PLAIN), "https://app.example");
    assert!(!answer.iter().any(|line| line.starts_with("allow-headers")), "{answer:?}");
}

#[test]
fn a_star_is_a_star_without_credentials() {
    let all = Lists { origins: &["*"], headers: &["*"], methods: Some(&["*"]), ..PLAIN };
    assert_eq!(
        ask(&cors(all), "https://anyone.example")[..3],
        ["allow-origin: *", "allow-methods: *", "allow-headers: *, authorization"]
    );
}

#[test]
fn a_star_is_spelled_out_with_credentials() {
    let all = Lists { origins: &["*"], headers: &["*"], methods: Some(&["*"]), credentials: true, ..PLAIN };
    assert_eq!(
        ask(&cors(all), "https://anyone.example")[..4],
        [
            "allow-origin: https://anyone.example",
            "allow-credentials: true",
            "allow-methods: POST",
            "allow-headers: authorization,content-type",
        ]
    );
}

#[test]
fn a_foreign_origin_gets_no_answer() {
    let cors = cors(PLAIN);
    for origin in ["https://evil.example", "http://app.example", "https://app.example:8443", "null", "x"] {
        let headers = request(origin);
        let refusal = cors.preflight(Preflight::of(&Method::OPTIONS, &headers).expect("a preflight"));
        assert_eq!(refusal.map_err(|refusal| refusal.kind()), Err(Kind::ForeignOrigin), "{origin}");
    }
}

#[test]
fn a_preflight_is_an_options_request_with_a_question() {
    let headers = request("https://app.example");
    assert!(Preflight::of(&Method::POST, &headers).is_none());
    for missing in [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD] {
        let mut headers = headers.clone();
        headers.remove(missing);
        assert!(Preflight::of(&Method::OPTIONS, &headers).is_none());
    }
}

#[test]
fn responses_name_the_page_that_may_read_them() {
    let session = ("mcp-session-id", "x");
    for (lists, origin, expected) in [
        (
            Lists { expose: &["Mcp-Session-Id"], ..PLAIN },
            Some("https://app.example"),
            vec!["vary: origin", "expose-headers: mcp-session-id", "allow-origin: https://app.example"],
        ),
        (PLAIN, Some("https://evil.example"), vec!["vary: origin"]),
        (PLAIN, None, vec!["vary: origin"]),
        (
            Lists { origins: &["*"], expose: &["*"], ..PLAIN },
            Some("null"),
            vec!["expose-headers: *", "allow-origin: *"],
        ),
        (
            Lists { expose: &["*"], credentials: true, ..PLAIN },
            Some("https://app.example"),
            vec![
                "vary: origin",
                "expose-headers: mcp-session-id, vary",
                "allow-origin: https://app.example",
                "allow-credentials: true",
            ],
        ),
    ] {
        let mut response = HeaderMap::new();
        response.insert(session.0, HeaderValue::from_static(session.1));
        let origin = origin.map(HeaderValue::from_static);
        cors(lists).grant(origin.as_ref()).apply(&mut response);
        response.remove(session.0);
        let mut lines: Vec<String> = response
            .iter()
            .map(|(name, value)| {
                format!(
                    "{}: {}",
                    name.as_str().trim_start_matches("access-control-"),
                    value.to_str().expect("text")
                )
            })
            .collect();
        let mut expected = expected;
        lines.sort_unstable();
        expected.sort_unstable();
        assert_eq!(lines, expected, "{origin:?}");
    }
}

#[test]
fn what_a_pattern_allows() {
    for (pattern, origin, expected) in [
        ("*", "null", true),
        ("*", "chrome-extension://abcdef", true),
        ("https://example.com", "https://EXAMPLE.com:443", true),
        ("https://example.com:443", "https://example.com", true),
        ("https://example.com", "https://example.com:8443", false),
        ("https://example.com", "http://example.com", false),
        ("vscode-webview://1-2-3", "vscode-webview://1-2-3", true),
        ("https://*.example.com", "https://a.b.example.com", true),
        ("https://*.example.com", "https://example.com", false),
        ("https://*.example.com", "https://evil-example.com", false),
        ("https://*.example.com", "https://a.example.com:8443", false),
        ("https://*.example.com:8443", "https://a.example.com:8443", true),
        ("https://*.example.com", "null", false),
    ] {
        let origin = Origin::parse(origin).expect("an origin");
        assert_eq!(
            OriginPattern::parse(pattern).expect("a pattern").matches(&origin),
            expected,
            "{pattern} {origin}"
        );
    }
}

#[test]
fn what_is_no_pattern_is_an_error_that_says_how_to_write_one() {
    for text in [
        "",
        "null",
        "example.com",
        "https://",
        "https://*",
        "https://a.*.com",
        "https://example.com/",
        "https://*.1.2.3.4/",
    ] {
        let error = OriginPattern::parse(text).expect_err(text);
        assert!(error.to_string().contains("write it like"), "{error}");
    }
    assert_eq!(Names::<HeaderName>::parse(&["a b"]), Err(InvalidName("a b".to_owned())));
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC*", with_scheme in "https://[*.:/a-z0-9\\[\\]]{0,16}") {
        let _ = (OriginPattern::parse(&text), OriginPattern::parse(&with_scheme));
        let _ = (Names::<HeaderName>::parse(&[&text]), Names::<Method>::parse(&[&text]));
    }

    #[test]
    fn a_pattern_is_read_again_from_its_own_spelling(text in "https?://(\\*\\.)?[a-z]{1,4}(\\.[a-z]{1,4})?(:[0-9]{1,4})?") {
        let pattern = OriginPattern::parse(&text).expect("a pattern");
        prop_assert_eq!(OriginPattern::parse(&pattern.to_string()), Ok(pattern));
    }
}

#[test]
fn an_allowed_page_can_always_speak_the_protocol() {
    let spoken = Spoken {
        request: vec![HeaderName::from_static("mcp-session-id"), HeaderName::from_static("content-type")],
        request_prefix: Some("mcp-param-"),
        response: vec![HeaderName::from_static("mcp-session-id")],
    };
    let speaking = |lists| Cors::new(settings(lists), &spoken);
    let asking = |cors: &Cors, headers: &'static str| {
        let mut request = request("https://app.example");
        request.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(headers));
        let answer = cors.preflight(Preflight::of(&Method::OPTIONS, &request).expect("a preflight"));
        let mut answer = answer.expect("an answer").into_iter();
        answer.find(|(name, _)| name == ACCESS_CONTROL_ALLOW_HEADERS).map(|(_, value)| value)
    };
    let named = speaking(Lists { headers: &["x-mine", "Content-Type"], ..PLAIN });
    assert_eq!(
        asking(&named, "content-type,mcp-param-city,x-foreign").expect("headers"),
        "x-mine, content-type, mcp-session-id, mcp-param-city"
    );
    assert_eq!(asking(&speaking(PLAIN), "x-foreign").expect("headers"), "mcp-session-id, content-type");
    let mut headers = HeaderMap::new();
    speaking(PLAIN).grant(Some(&HeaderValue::from_static("https://app.example"))).apply(&mut headers);
    assert_eq!(headers[ACCESS_CONTROL_EXPOSE_HEADERS], "mcp-session-id");
}

#[test]
fn everything_includes_what_the_protocol_needs() {
    let spoken = Spoken { request: vec![HeaderName::from_static("mcp-session-id")], ..Spoken::default() };
    let open = Cors::new(settings(Lists { headers: &["*"], expose: &["*"], ..PLAIN }), &spoken);
    assert!(ask(&open, "https://app.example").contains(&"allow-headers: *, authorization".to_owned()));
}
