//! Prefixes on names and URIs, on and off.

/// What a value names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A tool or prompt: `NAME_tool`.
    Name,
    /// A resource: `NAME+scheme://…`.
    Uri,
}

/// Which side of the prefix the clients are on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Clients use plain names, the server prefixed ones: the shim.
    PlainClients,
    /// Clients use prefixed names, the server plain ones: a toy multiplexer.
    PlainServer,
}

/// The names of one target.
pub(super) struct Names {
    side: Side,
    name_prefix: String,
    uri_prefix: String,
}

impl Names {
    pub(super) fn new(target: &str, side: Side) -> Self {
        Self { side, name_prefix: format!("{target}_"), uri_prefix: format!("{target}+") }
    }

    /// The server's name for what the client calls `value`.
    pub(super) fn to_server(&self, value: &str, named: Named) -> String {
        match self.side {
            Side::PlainClients => self.add(value, named),
            // A multiplexer knows nothing by a name without a prefix.
            Side::PlainServer => self.take(value, named).unwrap_or_else(|| format!("no-target:{value}")),
        }
    }

    /// The client's name for what the server calls `value`; `None` if it is
    /// another target's and so not the client's to see.
    pub(super) fn to_client(&self, value: &str, named: Named) -> Option<String> {
        match self.side {
            Side::PlainClients => self.take(value, named),
            Side::PlainServer => Some(self.add(value, named)),
        }
    }

    fn add(&self, value: &str, named: Named) -> String {
        format!("{}{value}", self.prefix(named))
    }

    fn take(&self, value: &str, named: Named) -> Option<String> {
        value.strip_prefix(self.prefix(named)).map(str::to_owned)
    }

    fn prefix(&self, named: Named) -> &str {
        match named {
            Named::Name => &self.name_prefix,
            Named::Uri => &self.uri_prefix,
        }
    }
}
