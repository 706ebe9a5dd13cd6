use std::fs;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::{TlsConnector, client};

use super::*;
use crate::http::body::{Body, Incoming};
use crate::http::drain::Drain;
use crate::http::listener::{Bound, ConnInfo, PerConnection, Service, Terms};
use crate::workers::Workers;

/// Certificates in files, and what a client has to trust.
struct Files {
    dir: TempDir,
    certificates: Vec<Certificate>,
    roots: RootCertStore,
}

impl Files {
    fn for_hosts(hosts: &[Option<&str>]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut roots = RootCertStore::empty();
        let certificates = hosts.iter().enumerate().map(|(index, host)| {
            let name = host.unwrap_or("unnamed.example");
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            roots.add(made.cert.der().clone()).expect("a certificate");
            let cert = dir.path().join(format!("{index}.cert.pem"));
            let key = dir.path().join(format!("{index}.key.pem"));
            fs::write(&cert, made.cert.pem()).expect("a file");
            fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
            Certificate { hostname: host.map(str::to_owned), cert, key }
        });
        let certificates = certificates.collect();
        Self { dir, certificates, roots }
    }

    /// A client that trusts these certificates and offers these protocols.
    fn client(&self, alpn: &[&str]) -> TlsConnector {
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }
}

async fn connect(
    files: &Files,
    tls: &Tls,
    host: &'static str,
) -> Result<client::TlsStream<tokio::io::DuplexStream>, std::io::Error> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from(host).expect("a name");
    let connector = files.client(&["h2"]);
    let (client, _server) = tokio::join!(connector.connect(name, ours), tls.accept(theirs));
    client
}

fn shown(stream: &client::TlsStream<tokio::io::DuplexStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec()
}

fn on_disk(certificate: &Certificate) -> Vec<u8> {
    CertificateDer::from_pem_file(&certificate.cert).expect("a certificate").to_vec()
}

#[tokio::test]
async fn each_name_gets_its_own_certificate() {
    let hosts = [Some("a.example"), Some("*.b.example"), Some("x.b.example")];
    let files = Files::for_hosts(&hosts);
    let tls = Tls::load(&files.certificates).expect("the certificates");
    for (host, index) in [("a.example", 0), ("A.Example", 0), ("y.b.example", 1), ("x.b.example", 2)] {
        let stream = connect(&files, &tls, host).await.expect(host);
        assert_eq!(shown(&stream), on_disk(&files.certificates[index]), "{host}");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    }
}

#[test]
fn which_certificate_a_name_gets() {
    let pick = |hosts: &[Option<&'static str>], name: Option<&str>| {
        let files = Files::for_hosts(hosts);
        let provider = aws_lc_rs::default_provider();
        let keys: Vec<_> = files
            .certificates
            .iter()
            .map(|c| (c.hostname.as_deref(), Arc::new(read(c, &provider).expect("a certificate"))))
            .collect();
        let order: Vec<_> = keys.iter().map(|(_, key)| Arc::clone(key)).collect();
        let choice = ByName::new(keys).expect("a choice");
        order.iter().position(|key| Arc::ptr_eq(key, choice.choose(name))).expect("one of them")
    };
    let hosts = [Some("a.example"), Some("*.example"), Some("*.b.example"), None];
    for (name, expected) in [
        (Some("a.example"), 0),
        (Some("c.example"), 1),
        (Some("c.b.example"), 2),
        (Some("d.c.b.example"), 2),
        (Some("b.example"), 1),
        (Some("example"), 3),
        (Some("other.test"), 3),
        (None, 3),
    ] {
        assert_eq!(pick(&hosts, name), expected, "{name:?}");
    }
    assert_eq!(pick(&hosts[..3], None), 0, "without an unnamed one, the first");
}

#[tokio::test]
async fn new_certificates_are_used_and_bad_ones_are_not() {
    let files = Files::for_hosts(&[Some("a.example"), Some("a.example")]);
    let tls = Tls::load(&files.certificates[..1]).expect("the certificate");
    tls.clone().reload(&files.certificates[1..]).expect("the certificate");
    let missing = Certificate { cert: files.dir.path().join("missing"), ..files.certificates[0].clone() };
    tls.reload(&[missing]).expect_err("there is no such file");
    let stream = connect(&files, &tls, "a.example").await.expect("a connection");
    assert_eq!(shown(&stream), on_disk(&files.certificates[1]));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let files = Files::for_hosts(&[None, None]);
    let good = &files.certificates[0];
    let path = |name: &str, content: Option<&str>| {
        let path = files.dir.path().join(name);
        if let Some(content) = content {
            fs::write(&path, content).expect("a file");
        }
        path
    };
    let half = "-----BEGIN PRIVATE KEY-----\nAAAA\n";
    for (certificate, says) in [
        (
            Certificate { cert: path("no.pem", None), ..good.clone() },
            &["`tls.cert`", "no.pem", "No such file"][..],
        ),
        (
            Certificate { cert: path("empty.pem", Some("")), ..good.clone() },
            &["`tls.cert`", "empty.pem", "no PEM block with a certificate"],
        ),
        (Certificate { cert: good.key.clone(), ..good.clone() }, &["`tls.cert`", "no PEM block"]),
        (Certificate { key: good.cert.clone(), ..good.clone() }, &["`tls.key`", "a private key"]),
        (Certificate { key: path("half.pem", Some(half)), ..good.clone() }, &["half.pem", "not valid PEM"]),
        (
            Certificate { key: files.certificates[1].key.clone(), ..good.clone() },
            &["0.cert.pem", "1.key.pem", "cannot be used with"],
        ),
    ] {
        let text = Tls::load(&[certificate]).expect_err("a fault").to_string();
        assert!(says.iter().all(|part| text.contains(part)), "{text}");
    }
    assert!(matches!(Tls::load(&[]), Err(TlsError::None)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_handshake_is_not_waited_for() {
    let files = Files::for_hosts(&[None]);
    let tls = Tls::load(&files.certificates).expect("the certificate");
    let (_silent, theirs) = tokio::io::duplex(1024);
    let start = Instant::now();
    assert!(matches!(tls.accept(theirs).await, Err(HandshakeError::TooSlow)));
    assert_eq!(start.elapsed(), HANDSHAKE);
}

async fn version(request: Request<Incoming>, from: Arc<ConnInfo>) -> Response<Body> {
    Response::new(Body::from(format!("{:?} tls={}", request.version(), from.tls)))
}

#[tokio::test]
async fn https_is_served_in_both_versions() {
    let files = Files::for_hosts(&[Some("localhost")]);
    let bound = Bound::open((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
    let (address, drain) = (bound.local_addr(), Drain::new());
    let tls = Some(Tls::load(&files.certificates).expect("the certificate"));
    let service = Service {
        handler: Arc::new(version),
        tls,
        terms: Terms::new(10, PerConnection::default()),
        workers: Workers::default(),
    };
    let _served = tokio::spawn(bound.serve(service, drain.guard()));
    for (alpn, expected) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = files.client(alpn).connect(name, stream).await.expect("TLS");
        let io = TokioIo::new(stream);
        let request =
            Request::get("https://localhost/").header("host", "localhost").body(Empty::<Bytes>::new());
        let request = request.expect("a request");
        let response = if expected == Version::HTTP_2 {
            let (mut client, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tokio::spawn(connection);
            client.send_request(request).await
        } else {
            let (mut client, connection) = http1::handshake(io).await.expect("HTTP/1");
            tokio::spawn(connection);
            client.send_request(request).await
        };
        let body = response.expect("a response").into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, format!("{expected:?} tls=true"), "{alpn:?}");
    }
}
