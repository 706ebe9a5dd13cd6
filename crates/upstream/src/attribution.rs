//! Which of our requests a message belongs to, as far as the message says so.
//!
//! A pipe carries everything on one stream, and legacy servers do not link what they send to the request that
//! caused it (spec 2025-11-25, basic/transports "stdio"). What can be known is read here; [`Claim::TheOnlyCall`] is
//! the one guess, and it is taken only where it cannot be wrong about the client it reaches.

use protocol::{Id, Message, Notification, Object, meta};

/// What a message says about the request it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The progress of the request with this id: we give out ids as progress tokens.
    Progress(Id),
    /// What the listen request with this id hears.
    Subscription(Id),
    /// Nothing, but it arises in the middle of calls: it is the call's that is pending alone.
    TheOnlyCall,
    /// It belongs to no request.
    Nobody,
}

/// Reads a message's claim. Responses have none: they carry their id.
pub(crate) fn claim(message: &Message) -> Claim {
    match message {
        Message::Response(_) => Claim::Nobody,
        Message::Request(_) => Claim::TheOnlyCall,
        Message::Notification(notification) => claim_of_notification(notification),
    }
}

fn claim_of_notification(Notification { method, params }: &Notification) -> Claim {
    if let Some(id) = subscription(params) {
        return Claim::Subscription(id);
    }
    match &**method {
        "notifications/progress" => {
            params.get("progressToken").and_then(Id::from_raw).map_or(Claim::Nobody, Claim::Progress)
        }
        "notifications/message" => Claim::TheOnlyCall,
        _ => Claim::Nobody,
    }
}

fn subscription(params: &Object) -> Option<Id> {
    Id::from_raw(params.object("_meta")?.get(meta::SUBSCRIPTION_ID)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim_of(text: &'static str) -> Claim {
        claim(&protocol::message::scan(&bytes::Bytes::from_static(text.as_bytes())).expect(text))
    }

    #[test]
    fn progress_names_its_request_in_the_tokens_own_type() {
        let number = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}}"#;
        let text = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"7"}}"#;
        assert_eq!(claim_of(number), Claim::Progress(7.into()));
        assert_eq!(claim_of(text), Claim::Progress(Id::Text("7".into())));
    }

    #[test]
    fn progress_without_a_usable_token_is_nobodys() {
        let none = r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#;
        let object = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{}}}"#;
        assert_eq!(claim_of(none), Claim::Nobody);
        assert_eq!(claim_of(object), Claim::Nobody);
    }

    #[test]
    fn a_subscription_is_named_in_meta_whatever_the_method() {
        let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#;
        assert_eq!(claim_of(changed), Claim::Subscription(3.into()));
    }

    #[test]
    fn logs_and_requests_are_left_to_the_only_call() {
        let log =
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#;
        let sampling = r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#;
        assert_eq!(claim_of(log), Claim::TheOnlyCall);
        assert_eq!(claim_of(sampling), Claim::TheOnlyCall);
    }

    #[test]
    fn everything_else_is_nobodys() {
        let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        assert_eq!(claim_of(changed), Claim::Nobody);
        assert_eq!(claim_of(cancelled), Claim::Nobody);
        assert_eq!(claim_of(response), Claim::Nobody);
    }
}
