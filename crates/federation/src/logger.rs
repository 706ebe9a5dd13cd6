//! Whose log message is it? Several targets may speak to one client.

use protocol::{Object, Raw};

/// A log message with its target before the name of its logger, where several targets may speak.
pub(crate) fn signed(mut params: Object, target: &str) -> Object {
    let logger = match params.text("logger") {
        Some(logger) => format!("{target}/{logger}"),
        None => target.to_owned(),
    };
    params.set("logger", Raw::string(&logger));
    params
}
