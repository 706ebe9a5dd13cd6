//! What a `requestState` of ours says, and how a request is recognised.

use std::io;

use aws_lc_rs::digest::{Context, SHA256};
use protocol::Object;

use crate::principal::Principal;

/// What the client's next request shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Take up this parked call.
    Parked(Ticket),
    /// Make the same request anew: this is its digest.
    Again(Digest),
}

/// The name of a parked call. It never leaves us unsealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket([u8; 16]);

impl Ticket {
    pub(super) fn random() -> Option<Self> {
        let mut ticket = [0u8; 16];
        getrandom::fill(&mut ticket).ok()?;
        Some(Self(ticket))
    }
}

impl State {
    const PARKED: u8 = 1;
    const AGAIN: u8 = 2;

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (kind, text) = match &self {
            Self::Parked(Ticket(ticket)) => (Self::PARKED, &ticket[..]),
            Self::Again(Digest(digest)) => (Self::AGAIN, &digest[..]),
        };
        [&[kind], text].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&Self::PARKED, ticket) => Some(Self::Parked(Ticket(ticket.try_into().ok()?))),
            (&Self::AGAIN, digest) => Some(Self::Again(Digest(digest.try_into().ok()?))),
            _ => None,
        }
    }
}

/// The members of params that differ between the rounds of one request.
const OF_THE_ROUND: [&str; 3] = ["inputResponses", "requestState", "_meta"];

/// What identifies a request over all its rounds: the SHA-256 of whose it is, its method
/// and its params.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// The digest of a request. The order of keys and white space do not matter.
    pub(crate) fn of(principal: &Principal, method: &str, params: &Object) -> Self {
        let mut hash = Hash(Context::new(&SHA256));
        for part in [principal.as_str(), method] {
            // With its length, so that no two pairs are spelled the same.
            hash.0.update(&part.len().to_be_bytes());
            hash.0.update(part.as_bytes());
        }
        let mut params = params.clone();
        params.retain(|key| !OF_THE_ROUND.contains(&key));
        let params = params.to_raw();
        // JSON that cannot be read as values (too deep, numbers out of range) is compared as it is spelled.
        match params.read::<serde_json::Value>() {
            Ok(mut value) => {
                value.sort_all_objects();
                // Writing to memory does not fail.
                let _ = serde_json::to_writer(&mut hash, &value);
            }
            Err(_) => hash.0.update(params.as_bytes()),
        }
        let mut digest = [0u8; 32];
        digest.copy_from_slice(hash.0.finish().as_ref());
        Self(digest)
    }
}

struct Hash(Context);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn digest(params: &'static str) -> Digest {
        Digest::of(
            &Principal::default(),
            "tools/call",
            &Object::parse(&Bytes::from_static(params.as_bytes())).expect(params),
        )
    }

    #[test]
    fn the_order_of_keys_and_white_space_do_not_matter() {
        let one = digest(r#"{"name":"x","arguments":{"a":{"b":1,"c":[1,2]},"d":"é"}}"#);
        assert_eq!(
            one,
            digest("{ \"arguments\": {\"d\":\"\\u00e9\",\n\"a\": {\"c\":[1, 2],\"b\":1}}, \"name\":\"x\"}")
        );
    }

    #[test]
    fn what_belongs_to_a_round_does_not_matter() {
        let retry = r#"{"name":"x","inputResponses":{},"requestState":"s","_meta":{"progressToken":1}}"#;
        assert_eq!(digest(r#"{"name":"x"}"#), digest(retry));
    }

    #[test]
    fn everything_else_matters() {
        let all = [
            r#"{"name":"x","arguments":{"a":[1,2]}}"#,
            r#"{"name":"x","arguments":{"a":[2,1]}}"#,
            r#"{"name":"x","arguments":{"a":["1","2"]}}"#,
            r#"{"name":"y","arguments":{"a":[1,2]}}"#,
            r#"{"name":"x","arguments":{"a":[1,2],"requestState":1}}"#,
            r#"{"name":"x","arguments":{"a":[1,1e999]}}"#,
            r#"{"name":"x","arguments":{}}"#,
            r#"{"name":"x"}"#,
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| digest(one) != digest(other)), "{one}");
        }
        let params = Object::default();
        let of = |principal, method| Digest::of(&Principal::named(principal), method, &params);
        assert_ne!(of("", "tools/call"), of("", "prompts/get"));
        assert_ne!(of("one", "tools/call"), of("two", "tools/call"));
        assert_ne!(of("one", "tools/call"), of("onet", "ools/call"));
    }

    #[test]
    fn a_state_is_read_as_it_was_written_and_nothing_else_is() {
        for state in [State::Parked(Ticket([7; 16])), State::Again(Digest([8; 32]))] {
            assert_eq!(State::from_bytes(&state.to_bytes()), Some(state));
        }
        for bytes in [&b""[..], b"\x01", b"\x02short", b"\x03", &[1; 18]] {
            assert_eq!(State::from_bytes(bytes), None);
        }
    }
}
