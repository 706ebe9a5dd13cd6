//! What a client wants to hear of on a listen stream.

use protocol::{Kind, Object};

use crate::error::{Error, ErrorKind};

/// How many resources a stream may be about, and how many tasks. Each holds memory here and a place at a target; no client that means well comes
/// near.
const MOST_NAMES: usize = 256;

/// The lists that can be listened to. Resources stand for templates as well.
const LISTS: [Kind; 3] = [Kind::Tool, Kind::Prompt, Kind::Resource];

/// `params.notifications` of a listen request. Members that mean nothing to us are left out of it, and so are not
/// acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) lists: Vec<Kind>,
    /// Each once, in the client's order.
    pub(super) uris: Vec<String>,
    /// The same, of tasks (ext-tasks, "Notifications").
    pub(super) tasks: Vec<String>,
}

impl Filter {
    /// Reads what is wanted.
    pub(super) fn read(params: &Object) -> Result<Self, Error> {
        let wanted = params.object("notifications").ok_or_else(|| wrong("", "an object"))?;
        let mut filter = Self { lists: Vec::new(), uris: Vec::new(), tasks: Vec::new() };
        for kind in LISTS {
            match wanted.get(kind.listen_key()).map(|flag| flag.read::<bool>()) {
                Some(Ok(true)) => filter.lists.push(kind),
                Some(Ok(false)) | None => {}
                Some(Err(_)) => return Err(wrong(kind.listen_key(), "true or false")),
            }
        }
        filter.uris = names(&wanted, "resourceSubscriptions", "URIs")?;
        filter.tasks = names(&wanted, "taskIds", "ids of tasks")?;
        Ok(filter)
    }
}

/// The names under a member, each once.
fn names(wanted: &Object, member: &str, what: &str) -> Result<Vec<String>, Error> {
    let Some(names) = wanted.get(member) else {
        return Ok(Vec::new());
    };
    let wrong = || wrong(member, &format!("an array of at most {MOST_NAMES} {what}"));
    let mut found = Vec::new();
    for name in names.array_of_at_most(MOST_NAMES).map_err(|_| wrong())? {
        let name = name.to_text().ok_or_else(wrong)?;
        if !found.contains(&name) {
            found.push(name);
        }
    }
    Ok(found)
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
            "taskIds": ["1", "1"], "progress": true, "x.example/thing": { "deep": [1] },
        }));
        assert_eq!(
            filter,
            Ok(Filter {
                lists: vec![Kind::Tool],
                uris: vec!["a:1".to_owned(), "a:2".to_owned()],
                tasks: vec!["1".to_owned()],
            })
        );
        assert_eq!(read(json!({})), Ok(Filter { lists: vec![], uris: vec![], tasks: vec![] }));
    }

    #[test]
    fn what_has_the_wrong_shape_is_refused_and_named() {
        for (wrong, named) in [
            (json!(null), "`params.notifications` must"),
            (json!([]), "`params.notifications` must"),
            (json!({ "toolsListChanged": "yes" }), "notifications.toolsListChanged"),
            (json!({ "resourceSubscriptions": "a:1" }), "notifications.resourceSubscriptions"),
            (json!({ "resourceSubscriptions": [1] }), "notifications.resourceSubscriptions"),
            (json!({ "taskIds": { "a": 1 } }), "notifications.taskIds"),
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
