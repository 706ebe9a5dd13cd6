//! Sockets that are not for clients: of the admin interface, of metrics, of readiness.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::http::listener::Bound;

/// Opens the socket that a key of the configuration names as `host:port`, and says what the configuration calls its host. The
/// first address that a name stands for counts.
pub(crate) async fn open(key: &str, address: &str) -> anyhow::Result<(Bound, String)> {
    let resolved = tokio::net::lookup_host(address).await.with_context(|| format!("`{key}`: {address}"))?;
    // Not every machine has IPv6, and `localhost` may name it first.
    let mut addresses: Vec<_> = resolved.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let first = addresses.first().with_context(|| format!("`{key}`: {address} has no address"))?;
    let bound = Bound::open(*first).await.with_context(|| format!("`{key}`"))?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
    Ok((bound, host))
}
