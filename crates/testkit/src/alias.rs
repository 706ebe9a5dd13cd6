//! The alias shim: one target of a multiplexing gateway under its own names.
//!
//! The official suite calls `test_simple_text`; a gateway with several targets
//! calls it `NAME_test_simple_text`. The shim is a reverse proxy that adds the
//! prefix on the way in and takes it off on the way out, and does the same for
//! resource URIs (`scheme://…` to `NAME+scheme://…`). Everything else, the
//! Host and Origin checks above all, stays the gateway's.

mod names;
mod proxy;
mod rewrite;

use std::io;
use std::sync::Arc;

use names::{Names, Side};

use crate::{Served, web};

/// Starts a shim for the target called `target` of the gateway at `url`, on a
/// loopback port (0 picks one).
///
/// # Errors
///
/// If `url` is no absolute `http` URL, or the port cannot be listened on.
pub async fn serve(url: &str, target: &str, port: u16) -> io::Result<Served> {
    start(url, Names::new(target, Side::PlainClients), port).await
}

/// The reverse of [`serve`]: a toy multiplexer whose only target is the server
/// at `url`, under the name `target`. It is what the shim is tested against.
///
/// # Errors
///
/// As [`serve`].
pub async fn multiplex(url: &str, target: &str, port: u16) -> io::Result<Served> {
    start(url, Names::new(target, Side::PlainServer), port).await
}

async fn start(url: &str, names: Names, port: u16) -> io::Result<Served> {
    let proxy = proxy::Proxy::new(url, names)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not an http URL"))?;
    let proxy = Arc::new(proxy);
    web::listen(port, move |request| {
        let proxy = proxy.clone();
        async move { proxy.forward(request).await }
    })
    .await
}
