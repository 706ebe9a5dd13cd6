//! What counts as an answer to a question, as far as the target must be able to rely on it.

use protocol::{Object, Raw};

use super::{ELICITATION, ROOTS, SAMPLING};

/// Checks that an answer has the shape that its question's method asks for; if not, says what is wrong with it.
pub(crate) fn check(method: &str, answer: &Raw) -> Result<(), &'static str> {
    let answer = answer.object().map_err(|_| "it is not an object")?;
    match method {
        ELICITATION => elicited(&answer),
        SAMPLING => sampled(&answer),
        ROOTS => listed(&answer),
        _ => Ok(()),
    }
}

fn elicited(answer: &Object) -> Result<(), &'static str> {
    match answer.text("action").as_deref() {
        Some("accept" | "decline" | "cancel") => Ok(()),
        _ => Err("`action` must be `accept`, `decline` or `cancel`"),
    }
}

fn sampled(answer: &Object) -> Result<(), &'static str> {
    match (answer.text("role"), answer.get("content")) {
        (Some(_), Some(content)) if content.is_object() || content.array().is_ok() => Ok(()),
        _ => Err("a message needs `role` and `content`"),
    }
}

fn listed(answer: &Object) -> Result<(), &'static str> {
    match answer.get("roots").map(Raw::array) {
        Some(Ok(_)) => Ok(()),
        _ => Err("`roots` must be an array"),
    }
}
