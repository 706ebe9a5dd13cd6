//! What goes to a target: one request, and on whose account.

use std::sync::{Arc, LazyLock, OnceLock};

use protocol::{Era, Method, Object, Raw, Version, capability, meta};

/// One request for a target, in the modern shape that the core speaks.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method's row.
    pub method: &'static Method,
    /// The params as the target shall see them: its own names and URIs, and no `_meta` that describes the client's hop.
    pub params: Object,
    /// On whose account.
    pub caller: Arc<Caller>,
    /// Whether the caller wants to hear of progress.
    pub progress: bool,
    /// The log level that the caller wants to see on this call's stream; none if it wants no log.
    pub log_level: Option<String>,
    /// `Mcp-Param-*` headers of a modern client, which a modern target checks against the arguments.
    pub mirrored: Vec<(String, String)>,
    /// Whether the caller knows of no tasks: if the target makes one of the call, it is followed to its end.
    pub drive: bool,
}

impl Call {
    /// Whether the target may ask the caller for something before it answers.
    pub fn may_ask(&self) -> bool {
        self.method.may_ask && self.caller.interactive
    }

    /// A call of which only the answer is wanted: no progress and no log.
    pub fn quiet(method: &'static Method, params: Object, caller: Arc<Caller>) -> Self {
        Self { method, params, caller, progress: false, log_level: None, mirrored: Vec::new(), drive: false }
    }
}

/// How we introduce ourselves to targets.
pub(crate) fn client_info() -> Raw {
    static INFO: LazyLock<Raw> = LazyLock::new(|| {
        Raw::of(&serde_json::json!({ "name": "agentgateway", "version": env!("CARGO_PKG_VERSION") }))
    });
    INFO.clone()
}

/// Puts into `_meta` what every request to a modern target says of its client.
pub(crate) fn describe(meta: &mut Object, version: Version, capabilities: Raw, info: Raw) {
    meta.set(meta::PROTOCOL_VERSION, Raw::string(version.as_str()));
    meta.set(meta::CLIENT_CAPABILITIES, capabilities);
    meta.set(meta::CLIENT_INFO, info);
}

/// Who calls, as far as a target may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The client's era.
    pub era: Era,
    /// What the client declared that it can do, and no more, as legacy targets are told.
    pub capabilities: Raw,
    /// The same as modern targets are told.
    pub modern: Raw,
    /// Whether a target may ask the client for something.
    pub interactive: bool,
    /// Who the client says it is.
    pub info: Option<Raw>,
    /// What a request on its account says of it to a modern target that speaks the newest revision.
    envelope: Envelope,
}

/// What [`Caller::envelope`] says, once somebody wants to know: many clients call legacy targets alone.
#[derive(Debug, Clone, Default)]
struct Envelope(OnceLock<Raw>);

/// It says nothing that the rest does not.
impl PartialEq for Envelope {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Envelope {}

impl Caller {
    /// A client that declared this.
    pub fn new(era: Era, capabilities: &Object, info: Option<Raw>) -> Arc<Self> {
        let interactive = capability::is_interactive(capabilities);
        let modern = capability::for_era(capabilities, Era::Modern).to_raw();
        // It outlives the message in which the client said it.
        let info = info.map(|info| info.detached());
        let capabilities = capabilities.to_raw();
        Arc::new(Self { era, capabilities, modern, interactive, info, envelope: Envelope::default() })
    }

    /// The same client, of whom modern targets are told this.
    pub fn telling(&self, modern: Raw) -> Self {
        Self { modern, envelope: Envelope::default(), ..self.clone() }
    }

    /// The `_meta` of a request on its account, if the call has nothing to add to it.
    pub(crate) fn envelope(&self, version: Version) -> Option<&Raw> {
        let make = || {
            let mut envelope = Object::default();
            self.write_envelope(&mut envelope, version);
            envelope.to_raw()
        };
        (version == Version::NEWEST_MODERN).then(|| self.envelope.0.get_or_init(make))
    }

    /// Says of the client what every request to a modern target says.
    pub(crate) fn write_envelope(&self, meta: &mut Object, version: Version) {
        describe(meta, version, self.modern.clone(), self.info.clone().unwrap_or_else(client_info));
    }

    /// Who the client says it is, for lists and logs; nothing of one that says more than is meant to be read there.
    pub fn introduction(&self) -> Option<&Raw> {
        const LONGEST: usize = 2048;
        self.info.as_ref().filter(|info| info.as_bytes().len() <= LONGEST)
    }

    /// Somebody of whom nothing is known, and who declared nothing.
    pub fn plain() -> Arc<Self> {
        Self::new(Era::Modern, &Object::default(), None)
    }

    /// The gateway itself, which looks at what a target has, for all its clients. It declares everything that any of them
    /// may, so that the target leaves nothing out; and there is nobody whom the target could ask.
    pub fn discovery(everything: &Object) -> Arc<Self> {
        let declaring = Self::new(Era::Modern, everything, None);
        Arc::new(Self { interactive: false, ..Arc::unwrap_or_clone(declaring) })
    }
}
