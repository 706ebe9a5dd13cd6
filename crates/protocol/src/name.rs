//! How a target's names and URIs look from outside, and the way back.
//!
//! Names are `target_tool`; a target's name holds no `_`, so the first one is the seam. URIs are
//! `target+scheme://…`; a target's name holds no `+` either. UI resources must keep their scheme
//! (MCP Apps), so there the seam is in the authority: `ui://target+…`. [`length`] shortens names.

pub mod length;

pub use length::MaxLength;

/// What stands between a target and the name of an item.
pub const NAME_SEAM: char = '_';
/// What stands between a target and a URI.
pub const URI_SEAM: char = '+';

const UI: &str = "ui://";

/// The exposed form of a target's tool or prompt.
pub fn join(target: &str, local: &str) -> String {
    format!("{target}{NAME_SEAM}{local}")
}

/// Target and local name of an exposed name; `None` if it holds no seam.
pub fn split(exposed: &str) -> Option<(&str, &str)> {
    exposed.split_once(NAME_SEAM)
}

/// The exposed form of a target's URI or URI template.
pub fn wrap_uri(target: &str, uri: &str) -> String {
    match strip_ui(uri) {
        Some(rest) => format!("{UI}{target}{URI_SEAM}{rest}"),
        None => format!("{target}{URI_SEAM}{uri}"),
    }
}

/// Target and local URI of an exposed one; `None` if it holds no seam.
///
/// The target comes back in lower case: it is part of the URI's scheme there, and clients may normalise it.
pub fn unwrap_uri(exposed: &str) -> Option<(String, String)> {
    if let Some(rest) = strip_ui(exposed) {
        let (target, rest) = rest.split_once(URI_SEAM)?;
        return Some((target.to_ascii_lowercase(), format!("{UI}{rest}")));
    }
    let (target, uri) = exposed.split_once(URI_SEAM)?;
    Some((target.to_ascii_lowercase(), uri.to_owned()))
}

/// What follows `ui://`, in whatever case the scheme is spelled.
fn strip_ui(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_at_checked(UI.len())?;
    scheme.eq_ignore_ascii_case(UI).then_some(rest)
}

/// As long as a name in DNS, like the names of objects in Kubernetes.
pub const LONGEST_TARGET_NAME: usize = 253;

/// Whether `name` may be a target's name: lower-case letters, digits, `-` and `.`, a letter first, a letter or digit
/// last, and no longer than [`LONGEST_TARGET_NAME`].
pub fn is_target_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    name.len() <= LONGEST_TARGET_NAME
        && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name.as_bytes().last().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && name.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exposed_forms() {
        assert_eq!(join("time", "get_current_time"), "time_get_current_time");
        assert_eq!(split("time_get_current_time"), Some(("time", "get_current_time")));
        assert_eq!(wrap_uri("docs", "file:///a"), "docs+file:///a");
        assert_eq!(wrap_uri("maps", "ui://view/1"), "ui://maps+view/1");
        assert_eq!(wrap_uri("git", "git+ssh://host/x"), "git+git+ssh://host/x");
        assert_eq!(wrap_uri("t", "{scheme}://{host}"), "t+{scheme}://{host}");
        assert_eq!(unwrap_uri("plain"), None);
        assert_eq!(unwrap_uri("ui://view/1"), None);
    }

    proptest! {
        #[test]
        fn names_round_trip(target in "[a-z]([a-z0-9.-]{0,8}[a-z0-9])?", local in ".*") {
            prop_assert!(is_target_name(&target));
            let exposed = join(&target, &local);
            prop_assert_eq!(split(&exposed), Some((target.as_str(), local.as_str())));
        }

        #[test]
        fn uris_round_trip(target in "[a-z]([a-z0-9.-]{0,8}[a-z0-9])?", uri in "((ui|file|git\\+ssh|HTTP)://)?.*") {
            prop_assume!(!uri.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("ui://") && s != "ui://"));
            let exposed = wrap_uri(&target, &uri);
            prop_assert_eq!(unwrap_uri(&exposed), Some((target, uri)));
        }
    }
}
