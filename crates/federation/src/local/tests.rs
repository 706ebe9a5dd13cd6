use super::*;

#[test]
fn long_instructions_are_cut_between_characters() {
    assert_eq!(cut("é".repeat(INSTRUCTIONS)), "é".repeat(INSTRUCTIONS));
    assert_eq!(cut("é".repeat(INSTRUCTIONS + 1)), format!("{} […]", "é".repeat(INSTRUCTIONS)));
    assert_eq!(cut(String::new()), "");
}

#[test]
fn we_name_ourselves_and_no_target() {
    let info = server_info().object().expect("an object");
    assert_eq!(info.text("name").as_deref(), Some("agentgateway"));
    assert!(info.text("version").is_some_and(|version| !version.is_empty()));
}
