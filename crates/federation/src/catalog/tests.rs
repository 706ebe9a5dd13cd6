use super::*;

const PLAIN: Prefix = Prefix { names: false, uris: false };
const CARRIED: Prefix = Prefix { names: true, uris: true };

/// Exposes items of several targets one after the other, as a merge does.
fn check(kind: Kind, prefix: Prefix, items: &[(&str, &str, &str)]) {
    let naming = Naming { prefix, longest: None };
    let (mut taken, mut remarks) = (List::default(), Remarks::default());
    for (index, (target, local, expected)) in items.iter().enumerate() {
        let name = naming.expose(kind, target, local, &taken, &mut remarks);
        assert_eq!(name, *expected, "{target} {local}");
        taken.push(Exposed { name, raw: Raw::empty_object(), target: index, local: (*local).to_owned() });
    }
    let names: std::collections::HashSet<_> = taken.items.iter().map(|item| &item.name).collect();
    assert_eq!(names.len(), items.len(), "nothing vanishes");
}

#[test]
fn names_carry_their_target_where_they_shall() {
    check(
        Kind::Tool,
        CARRIED,
        &[("a", "x", "a_x"), ("b", "x", "b_x"), ("a", "b_x", "a_b_x"), ("b", "", "b_")],
    );
    check(Kind::Prompt, CARRIED, &[("a", "x", "a_x")]);
    check(Kind::Resource, CARRIED, &[("a", "file:///x", "a+file:///x"), ("b", "ui://x", "ui://b+x")]);
    check(Kind::Template, CARRIED, &[("a", "{s}://x", "a+{s}://x")]);
}

#[test]
fn names_that_collide_get_their_target_and_then_a_number() {
    let (a, b, c) = ("a", "b", "c");
    check(Kind::Tool, PLAIN, &[(a, "x", "x"), (b, "x", "b_x"), (c, "x", "c_x"), (c, "y", "y")]);
    check(Kind::Tool, PLAIN, &[(a, "b_x", "b_x"), (a, "b_x_2", "b_x_2"), (a, "x", "x"), (b, "x", "b_x_3")]);
    check(Kind::Prompt, PLAIN, &[(a, "x", "x"), (b, "x", "b_x"), (c, "b_x", "c_b_x")]);
}

#[test]
fn uris_are_left_alone_where_there_is_one_target() {
    check(Kind::Resource, PLAIN, &[("a", "file:///x", "file:///x"), ("a", "ui://x", "ui://x")]);
}

#[test]
fn a_mode_says_what_carries_a_target() {
    let settings = |prefix, count: usize| Settings {
        key: String::new(),
        targets: (0..count)
            .map(|_| {
                let stdio = upstream::settings::Stdio::default();
                upstream::Settings::new("t", upstream::Transport::Stdio(stdio))
            })
            .collect(),
        prefix,
        longest_name: None,
        failure: crate::FailureMode::FailOpen,
        stateless: false,
        sessions: crate::settings::Sessions::default(),
    };
    let only_uris = Prefix { names: false, uris: true };
    for (mode, of_none, of_one, of_two) in [
        (PrefixMode::Conditional, PLAIN, PLAIN, CARRIED),
        (PrefixMode::Always, CARRIED, CARRIED, CARRIED),
        (PrefixMode::Never, PLAIN, PLAIN, only_uris),
    ] {
        let made = [0, 1, 2].map(|count| Prefix::of(&settings(mode, count)));
        assert_eq!(made, [of_none, of_one, of_two], "{mode:?}");
    }
}
