//! What a target asks of a client, made fit to be shown to the person there.

use protocol::{Object, Raw};

/// Names the target in a message that asks the user for something.
pub(crate) fn named(target: &str, method: &str, params: &mut Object) {
    let prefix = format!("{target}: ");
    if let Some(message) =
        params.text("message").filter(|text| method == "elicitation/create" && !text.starts_with(&prefix))
    {
        params.set("message", Raw::string(&format!("{prefix}{message}")));
    }
}
