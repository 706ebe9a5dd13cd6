use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn raw(text: &str) -> Raw {
    Raw::parse(&Bytes::from(text.to_owned())).expect("valid JSON in a test")
}

fn object(text: &str) -> Object {
    raw(text).object().expect("an object in a test")
}

fn schema(properties: &str) -> Result<Mirror, String> {
    Mirror::of_schema(&raw(&format!(r#"{{"type":"object","properties":{properties}}}"#)))
}

/// A string, an integer, a flag, and a string one level down.
fn four() -> Mirror {
    schema(
        r#"{"region":{"type":"string","x-mcp-header":"Region"},
            "limit":{"type":"integer","x-mcp-header":"LIMIT"},
            "dry":{"x-mcp-header":"dry-run","type":"boolean"},
            "of":{"type":"object","properties":{"tenant":{"type":"string","x-mcp-header":"Tenant"}}},
            "free":{"type":"string"}}"#,
    )
    .expect("a valid schema")
}

type Pairs = [(&'static str, &'static str)];

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (format!("mcp-param-{name}"), (*value).to_owned())).collect()
}

// === Annotations ===

#[test]
fn annotations_are_found_through_properties() {
    let mirror = four();
    for header in ["region", "limit", "dry-run", "tenant"] {
        assert!(mirror.names(&format!("mcp-param-{header}")), "{header}");
    }
    assert!(!mirror.names("mcp-param-free"));
}

#[test]
fn a_tool_without_annotations_mirrors_nothing() {
    for tool in
        [r#"{"name":"x"}"#, r#"{"name":"x-mcp-header"}"#, r#"{"inputSchema":7,"d":"x-mcp-header"}"#, "[]"]
    {
        assert_eq!(Mirror::of_tool(&raw(tool)), Ok(Mirror::default()), "{tool}");
    }
}

#[test]
fn the_same_letters_elsewhere_are_no_annotation() {
    let mirror = schema(
        r#"{"x-mcp-header":{"type":"string"},
            "a":{"type":"object","default":{"x-mcp-header":"A"},"examples":[{"x-mcp-header":"B"}],"enum":[{"x-mcp-header":""}]},
            "b":{"type":"string","const":"x-mcp-header","description":"x-mcp-header"}}"#,
    );
    assert_eq!(mirror, Ok(Mirror::default()));
}

#[test]
fn a_name_that_no_header_can_have_is_invalid() {
    for name in
        [r#""""#, r#"" ""#, r#""a b""#, r#""é""#, r#""a:b""#, r#""a\r\nb""#, "7", "null", "{}", r#"["a"]"#]
    {
        let found = schema(&format!(r#"{{"a":{{"type":"string","x-mcp-header":{name}}}}}"#));
        assert!(found.is_err_and(|error| error.contains("`a`")), "{name}");
    }
    for name in ["a", "A-1", "!#$%&'*+-.^_`|~"] {
        assert!(schema(&format!(r#"{{"a":{{"type":"string","x-mcp-header":"{name}"}}}}"#)).is_ok(), "{name}");
    }
}

#[test]
fn only_strings_integers_and_flags_are_mirrored() {
    for kind in [r#""number""#, r#""object""#, r#""array""#, r#""null""#, r#"["string","null"]"#, "7"] {
        let found = schema(&format!(r#"{{"a":{{"type":{kind},"x-mcp-header":"A"}}}}"#));
        assert!(found.is_err_and(|error| error.contains("`a`")), "{kind}");
    }
    assert!(schema(r#"{"a":{"x-mcp-header":"A"}}"#).is_err());
}

#[test]
fn two_properties_cannot_share_a_header_whatever_its_case() {
    let found = schema(
        r#"{"a":{"type":"string","x-mcp-header":"Same"},"b":{"type":"object","properties":{"c":{"type":"string","x-mcp-header":"sAME"}}}}"#,
    );
    assert!(found.is_err_and(|error| error.contains("`same`")));
}

#[test]
fn an_annotation_out_of_reach_is_invalid_wherever_it_is() {
    let inner = r#"{"type":"string","x-mcp-header":"A"}"#;
    let holders = [
        format!(r#"{{"type":"array","items":{inner}}}"#),
        format!(r#"{{"items":[{inner}]}}"#),
        format!(r#"{{"prefixItems":[{inner}]}}"#),
        format!(r#"{{"oneOf":[{{}},{inner}]}}"#),
        format!(r#"{{"anyOf":[{{"properties":{{"a":{inner}}}}}]}}"#),
        format!(r#"{{"allOf":[{{"items":{{"properties":{{"a":{inner}}}}}}}]}}"#),
        format!(r#"{{"not":{inner}}}"#),
        format!(r#"{{"if":{{}},"then":{inner}}}"#),
        format!(r#"{{"additionalProperties":{inner}}}"#),
        format!(r#"{{"patternProperties":{{"^a":{inner}}}}}"#),
        format!(r#"{{"$ref":"\#/$defs/a","$defs":{{"a":{inner}}}}}"#).replace("\\#", "#"),
    ];
    for holder in holders {
        assert!(schema(&format!(r#"{{"p":{holder}}}"#)).is_err(), "inside of a property: {holder}");
        assert!(Mirror::of_schema(&raw(&holder)).is_err(), "at the top: {holder}");
    }
    assert!(Mirror::of_schema(&raw(r#"{"type":"object","x-mcp-header":"A"}"#)).is_err());
}

#[test]
fn a_schema_without_end_is_refused_and_not_followed() {
    let deep = |open: &str, close: &str| {
        let text = format!(
            r#"{}{{"type":"string","x-mcp-header":"A"}}{}"#,
            open.repeat(20_000),
            close.repeat(20_000)
        );
        Mirror::of_schema(&raw(&text))
    };
    assert!(deep(r#"{"properties":{"a":"#, "}}").is_err());
    assert!(deep(r#"{"not":"#, "}").is_err());
}

// === Headers ===

#[test]
fn arguments_become_headers() {
    let arguments = object(r#"{"region":"eu","limit":42.0,"dry":false,"of":{"tenant":" ä"},"free":"x"}"#);
    let expected =
        pairs(&[("region", "eu"), ("limit", "42"), ("dry-run", "false"), ("tenant", "=?base64?IMOk?=")]);
    assert_eq!(four().headers(&arguments), expected);
}

#[test]
fn what_is_not_there_has_no_header() {
    for arguments in [
        "{}",
        r#"{"region":null,"limit":null,"dry":null,"of":null}"#,
        r#"{"of":"x","limit":1.5}"#,
        r#"{"of":{"tenant":null},"region":{},"dry":[]}"#,
        r#"{"limit":9007199254740992}"#,
        r#"{"limit":-9007199254740993.0}"#,
        r#"{"limit":1e400}"#,
    ] {
        assert_eq!(four().headers(&object(arguments)), [], "{arguments}");
    }
}

#[test]
fn integers_are_spelled_in_decimal() {
    for (argument, header) in [
        ("0", "0"),
        ("-0", "0"),
        ("-7", "-7"),
        ("4.2e1", "42"),
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991.0", "-9007199254740991"),
    ] {
        let arguments = object(&format!(r#"{{"limit":{argument}}}"#));
        assert_eq!(four().headers(&arguments), pairs(&[("limit", header)]), "{argument}");
    }
}

#[test]
fn names_of_properties_may_be_anything() {
    let mirror = schema(
        r#"{"tä g":{"type":"string","x-mcp-header":"A"},"":{"type":"string","x-mcp-header":"B"},
            "properties":{"type":"object","properties":{"items":{"type":"string","x-mcp-header":"C"}}},
            "x-mcp-header":{"type":"string","x-mcp-header":"D"}}"#,
    )
    .expect("a valid schema");
    let arguments =
        object(r#"{"t\u00e4 g":"1","":" ","properties":{"items":"=?base64?x?="},"x-mcp-header":"é\n"}"#);
    let expected = pairs(&[
        ("a", "1"),
        ("b", "=?base64?IA==?="),
        ("c", "=?base64?PT9iYXNlNjQ/eD89?="),
        ("d", "=?base64?w6kK?="),
    ]);
    assert_eq!(mirror.headers(&arguments), expected);
    assert_eq!(mirror.check(&arguments, &expected), Ok(()));
}

// === The check ===

#[test]
fn headers_that_say_what_the_arguments_say_pass() {
    let cases: [(&str, &Pairs); 9] = [
        ("{}", &[]),
        (r#"{"region":null}"#, &[]),
        (r#"{"region":"eu"}"#, &[("region", "  eu ")]),
        (r#"{"region":"eu"}"#, &[("region", "=?base64?ZXU=?=")]),
        (r#"{"region":"=?base64?"}"#, &[("region", "=?base64?")]),
        (r#"{"region":""}"#, &[("region", "")]),
        (r#"{"limit":42}"#, &[("limit", "42.0")]),
        (r#"{"limit":42.0,"dry":true}"#, &[("limit", "42"), ("dry-run", "true")]),
        (r#"{"limit":1.5}"#, &[("other", "é")]),
    ];
    for (arguments, headers) in cases {
        assert_eq!(four().check(&object(arguments), &pairs(headers)), Ok(()), "{arguments} {headers:?}");
    }
}

#[test]
fn headers_that_say_something_else_do_not() {
    let cases: [(&str, &Pairs, &str); 15] = [
        (r#"{"region":"eu"}"#, &[], "missing"),
        (r#"{"dry":false}"#, &[], "missing"),
        (r#"{"of":{"tenant":"t"}}"#, &[], "of.tenant"),
        ("{}", &[("region", "eu")], "is there"),
        (r#"{"region":null}"#, &[("region", "")], "is there"),
        (r#"{"region":"eu"}"#, &[("region", "EU")], "disagree"),
        (r#"{"region":"eu"}"#, &[("region", "eu"), ("region", "eu")], "more than once"),
        (r#"{"region":"eu"}"#, &[("region", "=?base64?%%?=")], "may hold"),
        (r#"{"region":"é"}"#, &[("region", "é")], "may hold"),
        (r#"{"limit":42}"#, &[("limit", "43")], "disagree"),
        (r#"{"limit":42}"#, &[("limit", "+42")], "disagree"),
        (r#"{"dry":true}"#, &[("dry-run", "True")], "disagree"),
        (r#"{"limit":{}}"#, &[("limit", "1")], "disagree"),
        (r#"{"of":{"tenant":"t","tenant":"u"}}"#, &[], "occurs twice"),
        (r#"{"of":{"tenant":"t","ten\u0061nt":"u"}}"#, &[("tenant", "t")], "occurs twice"),
    ];
    for (arguments, headers, why) in cases {
        let found = four().check(&object(arguments), &pairs(headers));
        assert!(found.is_err_and(|error| error.contains(why)), "{arguments} {headers:?} {why}");
    }
}

proptest! {
    #[test]
    fn our_own_headers_pass_our_own_check(
        region in proptest::option::of(".*"),
        limit in proptest::option::of(any::<i64>()),
        dry in proptest::option::of(any::<bool>()),
    ) {
        let arguments: Object =
            [("region", Raw::of(&region)), ("limit", Raw::of(&limit)), ("dry", Raw::of(&dry))].into_iter().collect();
        let headers = four().headers(&arguments);
        prop_assert_eq!(four().check(&arguments, &headers), Ok(()));
    }

    #[test]
    fn another_text_never_passes(said in ".*", meant in ".*") {
        prop_assume!(said != meant);
        let headers = four().headers(&[("region", Raw::string(&said))].into_iter().collect());
        let arguments = [("region", Raw::string(&meant))].into_iter().collect();
        prop_assert!(four().check(&arguments, &headers).is_err());
    }
}
