use proptest::prelude::*;

use super::*;

#[test]
fn an_authority_is_a_host_and_perhaps_a_port() {
    for (text, expected) in [
        ("localhost", Some(("localhost", None))),
        ("LocalHost:3000", Some(("localhost", Some(3000)))),
        ("localhost.:3000", Some(("localhost", Some(3000)))),
        ("localhost:", Some(("localhost", None))),
        ("gate_way-1.example", Some(("gate_way-1.example", None))),
        ("127.0.0.1:80", Some(("127.0.0.1", Some(80)))),
        ("[::1]", Some(("[::1]", None))),
        ("[0:0:0:0:0:0:0:1]:65535", Some(("[::1]", Some(65535)))),
        ("[::ffff:127.0.0.1]:1", Some(("127.0.0.1", Some(1)))),
        ("", None),
        (":80", None),
        (".", None),
        ("a..b", None),
        ("a b", None),
        ("user@localhost", None),
        ("localhost/x", None),
        ("localhost:80:80", None),
        ("localhost:+80", None),
        ("localhost:65536", None),
        ("localhost:8o", None),
        ("::1", None),
        ("[::1", None),
        ("[::1]x", None),
        ("[::1%25lo]:80", None),
        ("[127.0.0.1]", None),
        ("b\u{fc}cher.example", None),
        ("%6cocalhost", None),
    ] {
        let read = Authority::parse(text);
        let parts = read.as_ref().map(|a| (a.host.to_string(), a.port));
        assert_eq!(parts, expected.map(|(host, port)| (host.to_owned(), port)), "{text:?}");
    }
}

#[test]
fn only_names_that_nobody_can_point_elsewhere_are_loopback() {
    for (text, expected) in [
        ("localhost", true),
        ("app.localhost", true),
        ("127.0.0.1", true),
        ("127.9.9.9", true),
        ("[::1]", true),
        ("[::ffff:127.0.0.1]", true),
        ("localhost.example.com", false),
        ("notlocalhost", false),
        ("127.0.0.1.nip.io", false),
        ("127.1", false),
        ("0.0.0.0", false),
        ("[::]", false),
        ("10.0.0.1", false),
    ] {
        let host = Host::parse(text).expect("a host");
        assert_eq!(host.is_loopback(), expected, "{text}");
    }
}

#[test]
fn a_pattern_names_one_host_or_all_below_a_domain() {
    for (pattern, host, expected) in [
        ("example.com", "EXAMPLE.com.", true),
        ("example.com", "a.example.com", false),
        ("*.example.com", "a.example.com", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "aexample.com", false),
        ("*.0.0.1", "127.0.0.1", false),
        ("[::1]", "[0::1]", true),
    ] {
        let host = Host::parse(host).expect("a host");
        assert_eq!(
            HostPattern::parse(pattern).expect("a pattern").matches(&host),
            expected,
            "{pattern} {host}"
        );
    }
    for text in ["*", "*.", "*.*.example.com", "a.*.com", "https://example.com", "example.com:80"] {
        assert_eq!(HostPattern::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC*") {
        let _ = (Authority::parse(&text), HostPattern::parse(&text));
    }

    #[test]
    fn reading_what_looks_like_an_authority_never_panics(text in "[\\[\\]:.0-9a-f*%-]{0,24}") {
        let _ = (Authority::parse(&text), HostPattern::parse(&text));
    }

    #[test]
    fn what_was_read_is_read_again_from_its_own_spelling(text in "[\\[\\]:.0-9a-fA-F]{1,12}") {
        if let Some(authority) = Authority::parse(&text) {
            prop_assert_eq!(Authority::parse(&authority.to_string()), Some(authority));
        }
    }
}
