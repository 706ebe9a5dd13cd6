//! Calls of tools: headers that mirror their arguments are checked on our side towards the client, and made anew on the
//! side towards the target.
//!
//! Spec 2026-07-28, basic/transports/streamable-http "Custom Headers from Tool Parameters".

use protocol::method::Routing;
use protocol::{Kind, Method, Mirror, Object, Raw, RpcError, error};
use upstream::Call;

use crate::catalog::{Destination, Meaning};
use crate::context::{Context, lacking};
use crate::error::{Error, ErrorKind};
use crate::relay::Served;
use crate::task;

impl Context {
    /// Calls a tool. A target that refuses the headers has other tools than we know of, and did not run the call: its lists
    /// are read again, and it is called once more with what they say then.
    pub(super) async fn tool(&self, method: &'static Method, mut params: Object) -> Result<Served, Error> {
        let named = params.get("name").cloned().ok_or_else(|| lacking("name"))?;
        let name = named.text().ok_or_else(|| lacking("name"))?;
        let to = self.tool_named(&name).await?;
        if let Some(mirror) = &to.mirror {
            self.check(mirror, &params)?;
        }
        params.set("name", Raw::string(&to.local));
        if !to.modern {
            return task::call(self, &to, self.call(method, params)).await;
        }
        let call = Call { mirrored: self.mirrored(&to, &params), ..self.call(method, params) };
        let served = task::call(self, &to, call.clone()).await?;
        if refusal(&served).is_none() {
            return Ok(served);
        }
        self.backend.reread(&to.target).await;
        let again = self.tool_named(&name).await.ok();
        let to = again.filter(|again| again.target.name() == to.target.name()).unwrap_or(to);
        let call = Call { mirrored: self.mirrored(&to, &call.params), ..call };
        let served = task::call(self, &to, call).await?;
        match refusal(&served) {
            Some(error) => Err(refused(&to, error)),
            None => Ok(served),
        }
    }

    /// The same check for a call that is running already: of its tool, as far as it is still known.
    pub(crate) fn check_mirrored(&self, method: &Method, params: &Object) -> Result<(), Error> {
        let Some(name) = params.text("name").filter(|_| method.routing == Routing::ByName(Kind::Tool)) else {
            return Ok(());
        };
        let catalog = self.backend.catalog();
        let to = catalog.by_name(Kind::Tool, &name).or_else(|| match catalog.app_tool(&name) {
            Meaning::One(to) => Some(to),
            Meaning::Several(_) | Meaning::None => None,
        });
        to.and_then(|to| to.mirror).map_or(Ok(()), |mirror| self.check(&mirror, params))
    }

    /// A modern client mirrors what its tool wants mirrored. Others know nothing of it.
    fn check(&self, mirror: &Mirror, params: &Object) -> Result<(), Error> {
        let Some(sent) = &self.mirrored else { return Ok(()) };
        // Of an argument that occurs twice, a target might read the one that was not compared.
        let arguments = match params.get("arguments").filter(|arguments| !arguments.is_null()) {
            None => Object::default(),
            Some(arguments) => arguments.object().map_err(|error| {
                Error::new(ErrorKind::InvalidParams, format!("`params.arguments` cannot be read: {error}"))
            })?,
        };
        mirror.check(&arguments, sent).map_err(|text| Error::new(ErrorKind::HeaderMismatch, text))
    }

    /// The headers for the target: those that its tool wants, made from the arguments whoever the client is, and those of the
    /// client's that mean nothing to us.
    fn mirrored(&self, to: &Destination, params: &Object) -> Vec<(String, String)> {
        let sent = self.mirrored.iter().flatten();
        let Some(mirror) = &to.mirror else {
            return sent.cloned().collect();
        };
        let mut headers: Vec<_> = sent.filter(|(name, _)| !mirror.names(name)).cloned().collect();
        headers.extend(mirror.headers(&params.object("arguments").unwrap_or_default()));
        headers
    }
}

/// The error with which a modern target refuses the headers of a call. It checks them before anything else, so that it says
/// nothing before it.
fn refusal(served: &Served) -> Option<&Raw> {
    match served {
        Served::One(Err(error)) if RpcError::from_raw(error).code == error::HEADER_MISMATCH => Some(error),
        Served::One(_) | Served::Listed(_) | Served::Stream { .. } => None,
    }
}

fn refused(to: &Destination, error: &Raw) -> Error {
    let target = to.target.name();
    tracing::warn!(
        "target `{target}` refuses the headers of a call to `{}`, also after its tools were read again",
        to.local
    );
    let text = format!(
        "target `{target}` refuses the headers of this call, and its list of tools does not say which it wants; the call did not run"
    );
    let original: Object = [("original", error.clone())].into_iter().collect();
    Error::new(ErrorKind::TargetFailed, text).with_data(original.to_raw())
}
