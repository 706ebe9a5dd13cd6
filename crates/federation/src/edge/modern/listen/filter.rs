//! What a client wants to hear of on a listen stream.

use protocol::{Kind, Object};

use crate::error::{Error, ErrorKind};

/// How many resources a stream may be about. Each holds memory here and a place at a target; no client that means well comes
/// near.
const MOST_URIS: usize = 256;

/// The lists that can be listened to. Resources stand for templates as well.
const LISTS: [Kind; 3] = [Kind::Tool, Kind::Prompt, Kind::Resource];

/// `params.notifications` of a listen request. Members that mean nothing to us are left out of it, and so are not
/// acknowledged; those of extensions that are served here would be read here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) lists: Vec<Kind>,
    /// Each once, in the client's order.
    pub(super) uris: Vec<String>,
}

impl Filter {
    /// Reads what is wanted.
    pub(super) fn read(params: &Object) -> Result<Self, Error> {
        let wanted = params.object("notifications").ok_or_else(|| wrong("", "an object"))?;
        let mut filter = Self { lists: Vec::new(), uris: Vec::new() };
        for kind in LISTS {
            match wanted.get(kind.listen_key()).map(|flag| flag.read::<bool>()) {
                Some(Ok(true)) => filter.lists.push(kind),
                Some(Ok(false)) | None => {}
                Some(Err(_)) => return Err(wrong(kind.listen_key(), "true or false")),
            }
        }
        let Some(uris) = wanted.get("resourceSubscriptions") else {
            return Ok(filter);
        };
        let what = format!("an array of at most {MOST_URIS} URIs");
        let uris = uris.array_of_at_most(MOST_URIS).map_err(|_| wrong("resourceSubscriptions", &what))?;
        for uri in uris {
            let uri = uri.to_text().ok_or_else(|| wrong("resourceSubscriptions", &what))?;
            if !filter.uris.contains(&uri) {
                filter.uris.push(uri);
            }
        }
        Ok(filter)
    }
}

fn wrong(member: &str, wanted: &str) -> Error {
    let dot = if member.is_empty() { "" } else { "." };
    Error::new(ErrorKind::InvalidParams, format!("`params.notifications{dot}{member}` must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use protocol::Raw;
    use serde_json::{Value, json};

    use super::*;

    fn read(notifications: Value) -> Result<Filter, String> {
        let params = [("notifications", Raw::of(&notifications))].into_iter().collect();
        Filter::read(&params).map_err(|error| error.text)
    }

    #[test]
    fn what_is_wanted_is_true_or_named_and_the_rest_is_ignored() {
        let filter = read(json!({
            "toolsListChanged": true, "promptsListChanged": false, "resourceSubscriptions": ["a:1", "a:2", "a:1"],
            "progress": true, "x.example/thing": { "deep": [1] },
        }));
        assert_eq!(
            filter,
            Ok(Filter { lists: vec![Kind::Tool], uris: vec!["a:1".to_owned(), "a:2".to_owned()] })
        );
        assert_eq!(read(json!({})), Ok(Filter { lists: vec![], uris: vec![] }));
    }

    #[test]
    fn what_has_the_wrong_shape_is_refused_and_named() {
        for (wrong, named) in [
            (json!(null), "`params.notifications` must"),
            (json!([]), "`params.notifications` must"),
            (json!({ "toolsListChanged": "yes" }), "notifications.toolsListChanged"),
            (json!({ "resourceSubscriptions": "a:1" }), "notifications.resourceSubscriptions"),
            (json!({ "resourceSubscriptions": [1] }), "notifications.resourceSubscriptions"),
        ] {
            let error = read(wrong.clone()).expect_err("not a filter");
            assert!(error.contains(named), "{wrong}: {error}");
        }
        assert!(Filter::read(&Object::default()).is_err());
    }

    #[test]
    fn a_stream_is_about_a_limited_number_of_resources() {
        let uris = |count| (0..count).map(|n| format!("a:{n}")).collect::<Vec<_>>();
        assert_eq!(read(json!({ "resourceSubscriptions": uris(256) })).map(|f| f.uris.len()), Ok(256));
        assert!(read(json!({ "resourceSubscriptions": uris(257) })).is_err());
    }
}
