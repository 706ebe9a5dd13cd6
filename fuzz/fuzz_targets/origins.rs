//! Any text may come in `Host` and `Origin`: it is read or it is not, and no host passes for another.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::header::{HOST, ORIGIN};
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use policy::host::{Authority, Host, HostPattern};
use policy::origin::{Guard, Origin, Scheme};

fuzz_target!(|input: (&str, &str)| {
    let (host, origin) = input;
    if let Some(read) = Host::parse(host) {
        assert_eq!(Host::parse(&host.to_ascii_uppercase()), Some(read.clone()), "case means nothing");
        if let Some(pattern) = HostPattern::parse(host) {
            assert!(pattern.matches(&read));
        }
        let authority = Authority::parse(&format!("{host}:80"));
        assert!(authority.is_none_or(|authority| authority.host == read || host.contains(':')));
    }
    if let Some(read) = Origin::parse(origin) {
        assert_eq!(Origin::parse(&read.to_string()), Some(read), "what is shown is what was read");
    }
    let (Ok(host_value), Ok(origin_value)) = (HeaderValue::from_str(host), HeaderValue::from_str(origin)) else {
        return;
    };
    let ours: Vec<HostPattern> = HostPattern::parse("ours.example").into_iter().collect();
    let request = Request::builder().header(HOST, host_value).header(ORIGIN, origin_value).body(());
    let Ok(request) = request else { return };
    let guard = Guard::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Scheme::Http, ours).strict();
    if guard.check(&request.into_parts().0, None).is_ok() {
        let named = Authority::parse(host).expect("a request that passes names a host");
        let ours = HostPattern::parse("ours.example").is_some_and(|ours| ours.matches(&named.host));
        assert!(ours || named.host.is_loopback(), "{host} passes");
    }
});
