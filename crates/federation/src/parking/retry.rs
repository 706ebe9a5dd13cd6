//! A request that comes with answers.

use protocol::Object;

use super::{Digest, invalid};
use crate::error::Error;

/// What a retried request says about the call that it resumes.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(crate) digest: Digest,
    /// The answers by the keys of their questions. They are for this round only; those to no question mean nothing.
    pub(crate) answers: Object,
}

impl Retry {
    /// Reads a retry out of the params of a request that has this digest.
    pub(crate) fn read(digest: Digest, params: &Object) -> Result<Self, Error> {
        let answers = match params.get("inputResponses").map(|answers| answers.object()) {
            None => Object::default(),
            Some(Ok(answers)) => answers,
            Some(Err(error)) => {
                return Err(invalid(format!("`params.inputResponses` is not an object of answers: {error}")));
            }
        };
        Ok(Self { digest, answers })
    }
}
