//! The address that an `endpoint` event names.

use http::Uri;

/// Why an address is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("the target names an endpoint that is not a URL")]
    NotAUrl,
    /// A server that may send us anywhere could make us carry its credentials to others, or knock at inner doors.
    #[error("the target names an endpoint on another origin, which is refused")]
    OtherOrigin,
}

/// Resolves what the server named against the URL of the stream (RFC 3986, section 5.2). The origin is checked on
/// the very value that is connected to, so no second reader can see another host in it.
pub(super) fn resolve(base: &Uri, named: &str) -> Result<Uri, AddressError> {
    let named = named.trim();
    let named = named.split('#').next().unwrap_or_default();
    let address: Uri = absolute(base, named).parse().map_err(|_| AddressError::NotAUrl)?;
    match (origin(base), origin(&address)) {
        (Some(ours), Some(theirs)) if ours == theirs => Ok(address),
        (_, Some(_)) => Err(AddressError::OtherOrigin),
        (_, None) => Err(AddressError::NotAUrl),
    }
}

fn absolute(base: &Uri, named: &str) -> String {
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let path = base.path();
    if has_scheme(named) {
        named.to_owned()
    } else if named.starts_with("//") {
        format!("{scheme}:{named}")
    } else if named.starts_with('/') {
        format!("{scheme}://{authority}{named}")
    } else if named.is_empty() || named.starts_with('?') {
        format!("{scheme}://{authority}{path}{named}")
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (relative, query) =
            named.split_once('?').map_or((named, None), |(path, query)| (path, Some(query)));
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{authority}{}{query}", without_dots(&format!("{folder}/{relative}")))
    }
}

fn has_scheme(named: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    named.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(letter))
}

fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Scheme, host and port.
fn origin(url: &Uri) -> Option<(String, String, u16)> {
    let scheme = url.scheme_str()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    let host = url.host()?.to_ascii_lowercase();
    Some((scheme, host, url.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Result<String, AddressError> {
        resolve(&Uri::from_static("http://Example.com/a/sse?x=1"), name).map(|uri| uri.to_string())
    }

    #[test]
    fn addresses_are_resolved_against_the_stream() {
        let host = "http://example.com";
        for (name, expected) in [
            ("/messages?id=1", "/messages?id=1"),
            ("messages/?id=1", "/a/messages/?id=1"),
            ("../messages?up=..", "/messages?up=.."),
            ("./m", "/a/m"),
            ("?id=1", "/a/sse?id=1"),
            (" http://example.com:80/m#x ", ":80/m"),
            ("//example.com/m", "/m"),
            ("/m?next=http://evil.example", "/m?next=http://evil.example"),
        ] {
            let resolved = named(name).map(|uri| uri.to_ascii_lowercase());
            assert_eq!(resolved, Ok(format!("{host}{expected}")), "{name}");
        }
    }

    #[test]
    fn other_origins_are_refused() {
        for name in [
            "http://evil.example/m",
            "https://example.com/m",
            "http://example.com:8080/m",
            "//evil.example/m",
            "http://example.com@evil.example/m",
            "http://example.com.evil.example/m",
        ] {
            assert_eq!(named(name), Err(AddressError::OtherOrigin), "{name}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(named("/a b"), Err(AddressError::NotAUrl));
        assert_eq!(named("http://"), Err(AddressError::NotAUrl));
    }
}
