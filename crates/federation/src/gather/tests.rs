use super::*;

#[test]
fn a_cursor_opens_for_its_own_list_only() {
    for after in ["a_x", "", "é\"\\\u{0}", "t+file:///x?y=z#_"] {
        let sealed =
            Raw::string(&Cursor { kind: Kind::Tool, after: after.into(), position: 7, length: 9 }.seal());
        let opened = Cursor::open(&sealed, Kind::Tool).expect("our own cursor");
        assert_eq!((opened.after.as_str(), opened.position, opened.length), (after, 7, 9));
        for other in [Kind::Prompt, Kind::Resource, Kind::Template] {
            assert!(Cursor::open(&sealed, other).is_err());
        }
    }
}

#[test]
fn a_cursor_that_is_not_ours_is_invalid_params() {
    let sealed = |text: &str| Raw::string(&URL_SAFE_NO_PAD.encode(text));
    for foreign in [
        Raw::string(""),
        Raw::string("1000"),
        Raw::string("not base64!"),
        Raw::of(&7),
        Raw::of(&Option::<u8>::None),
        Raw::empty_object(),
        sealed("[]"),
        sealed(r#"["tools",-1,0,"x"]"#),
        sealed(r#"["tools",1.5,0,"x"]"#),
        sealed(r#"["tools",99999999999999999999999,0,"x"]"#),
        sealed(r#"["tools",1,2,"x"] "x""#),
        sealed(r#"{"tools":1}"#),
    ] {
        let error =
            Cursor::open(&foreign, Kind::Tool).err().unwrap_or_else(|| panic!("{foreign:?} was opened"));
        assert_eq!(error.kind, ErrorKind::InvalidParams);
    }
}

#[test]
fn a_cursor_shows_nothing_of_what_it_holds() {
    let sealed = Cursor { kind: Kind::Tool, after: "secret".into(), position: 1, length: 2 }.seal();
    assert!(sealed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{sealed}");
    assert!(!sealed.contains("secret"));
}
