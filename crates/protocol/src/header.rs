//! The HTTP headers of MCP and the encoding of their values.
//!
//! Spec 2026-07-28, basic/transports/streamable-http "Request headers".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The revision of a request.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The session of a legacy request.
pub const SESSION_ID: &str = "mcp-session-id";
/// The method of a modern request, mirrored from the body.
pub const METHOD: &str = "mcp-method";
/// The name, URI or task id of a modern request, mirrored from the body.
pub const NAME: &str = "mcp-name";
/// The start of a header that mirrors one argument of a tool.
pub const PARAM_PREFIX: &str = "mcp-param-";
/// Where a broken legacy stream is to be taken up.
pub const LAST_EVENT_ID: &str = "last-event-id";

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// Whether a header can carry this as it is: visible ASCII, spaces and tabs.
pub fn is_plain(value: &str) -> bool {
    value.bytes().all(|b| (0x20..0x7f).contains(&b) || b == b'\t')
}

/// Spells a value for a header: plain where a header can carry it, else as Base64 between sentinels.
pub fn encode(value: &str) -> String {
    let padded = value.trim_matches([' ', '\t']).len() != value.len();
    let looks_encoded = value.starts_with(OPEN) && value.ends_with(CLOSE);
    if is_plain(value) && !padded && !looks_encoded {
        return value.to_owned();
    }
    format!("{OPEN}{}{CLOSE}", STANDARD.encode(value))
}

/// Reads a header's value; `None` if it claims to be encoded and is not.
pub fn decode(value: &str) -> Option<String> {
    let value = value.trim_matches([' ', '\t']);
    let Some(rest) = value.strip_prefix(OPEN) else {
        return Some(value.to_owned());
    };
    let Some(encoded) = rest.strip_suffix(CLOSE) else {
        return Some(value.to_owned());
    };
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_values_stay_plain() {
        assert_eq!(encode("everything_echo"), "everything_echo");
        assert_eq!(encode("two words"), "two words");
    }

    #[test]
    fn what_a_header_cannot_carry_is_encoded() {
        assert_eq!(encode("é"), "=?base64?w6k=?=");
        assert_eq!(encode(" x"), "=?base64?IHg=?=");
        assert_eq!(decode("=?base64?%%%?="), None);
        assert_eq!(decode("  name  ").as_deref(), Some("name"));
    }

    proptest! {
        #[test]
        fn encoding_round_trips(value in ".*") {
            let spelled = encode(&value);
            prop_assert!(spelled.bytes().all(|b| (0x20..0x7f).contains(&b) || b == b'\t'));
            prop_assert_eq!(decode(&spelled), Some(value));
        }
    }
}
