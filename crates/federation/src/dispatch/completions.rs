//! Completions: for the owner of the prompt or template that a reference names.

use futures::StreamExt as _;
use protocol::{Kind, Method, Object, Raw, completion};
use upstream::{Answer, Event};

use crate::context::{Context, lacking, offered, required_text};
use crate::error::{Error, ErrorKind};
use crate::relay::Served;

impl Context {
    /// Asks the owner, and passes on no more values than a result may have.
    pub(super) async fn complete(
        &self,
        method: &'static Method,
        mut params: Object,
    ) -> Result<Served, Error> {
        let mut reference = params.object("ref").ok_or_else(|| lacking("ref"))?;
        let (key, to) = match reference.text("type").as_deref() {
            Some("ref/prompt") => {
                let name = required_text(&reference, "name")?;
                ("name", self.find(|catalog| catalog.by_name(Kind::Prompt, &name)).await)
            }
            Some("ref/resource") => {
                let uri = required_text(&reference, "uri")?;
                ("uri", self.find(|catalog| catalog.by_uri(&uri)).await)
            }
            _ => {
                let text = "`ref.type` must be `ref/prompt` or `ref/resource`";
                return Err(Error::new(ErrorKind::InvalidParams, text));
            }
        };
        offered(&self.backend.catalog(), "completions")?;
        let to =
            to.ok_or_else(|| Error::new(ErrorKind::InvalidParams, "`ref` names nothing that exists here"))?;
        reference.set(key, Raw::string(&to.local));
        params.set("ref", reference.to_raw());
        Ok(cut(self.send(&to, self.call(method, params)).await?))
    }
}

fn cut(served: Served) -> Served {
    let shorter = |answer: Answer| answer.map(|result| completion::cut(&result));
    match served {
        Served::One(answer) => Served::One(shorter(answer)),
        Served::Listed(page) => Served::Listed(page),
        Served::Stream { target, events } => {
            let events = events.map(move |event| match event {
                Ok(Event::Answer(answer)) => Ok(Event::Answer(shorter(answer))),
                other => other,
            });
            Served::Stream { target, events: events.boxed() }
        }
    }
}
