//! The same over TLS.

use std::sync::Mutex;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::*;

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A server for `localhost`, and who trusts it.
fn made() -> (TlsAcceptor, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let server = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let server = server.expect("versions").with_no_client_auth();
    let mut server = server.with_single_cert(vec![certificate.clone()], key).expect("they belong together");
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let client = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let client = client.expect("versions").with_root_certificates(roots).with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), client)
}

fn client(trust: ClientConfig) -> HttpClient {
    HttpClient { connector: Arc::new(Connector::trusting(Some(Ok(speaking(trust))))), pool: Arc::default() }
}

/// Answers each request with `said`; tells the names and protocols that connections asked for.
async fn serve(acceptor: TlsAcceptor, said: String) -> (Server, Arc<Mutex<Vec<(String, String)>>>) {
    let wishes = Arc::<Mutex<Vec<_>>>::default();
    let noted = Arc::clone(&wishes);
    let server = Server::start(move |peer| {
        let (acceptor, said, noted) = (acceptor.clone(), said.clone(), Arc::clone(&noted));
        async move {
            let Ok(mut tls) = acceptor.accept(peer.socket).await else { return };
            let (_, session) = tls.get_ref();
            let name = session.server_name().unwrap_or_default().to_owned();
            let protocol = String::from_utf8_lossy(session.alpn_protocol().unwrap_or_default()).into_owned();
            noted.lock().expect("no panic").push((name, protocol));
            let mut heard = Vec::new();
            while tls.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {
                if heard.ends_with(b"{}") {
                    heard.clear();
                    peer.counts.requests.fetch_add(1, Ordering::Relaxed);
                    let _ = tls.write_all(said.as_bytes()).await;
                }
            }
        }
    })
    .await;
    (server, wishes)
}

fn secure(url: &Uri, host: &str) -> Uri {
    format!("https://{host}:{}/mcp", url.port_u16().expect("a port")).parse().expect("a URL")
}

#[tokio::test]
async fn requests_go_over_one_connection_that_asks_for_its_host_and_http_1() {
    let (acceptor, trust) = made();
    let body = "x".repeat(200_000);
    let said = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (server, wishes) = serve(acceptor, said).await;
    let (client, url) = (client(trust), secure(&server.url, "localhost"));
    for _ in 0..3 {
        assert!(ask(&client, &url, "{}").await.expect("an answer") == body);
    }
    assert_eq!((server.opened(), server.requests()), (1, 3));
    assert_eq!(*wishes.lock().expect("no panic"), [("localhost".to_owned(), "http/1.1".to_owned())]);
}

#[tokio::test]
async fn who_is_not_trusted_gets_no_request() {
    let (acceptor, trust) = made();
    let (server, _) = serve(acceptor, OK.into()).await;
    let (_, foreign) = made();
    for (trust, host, why) in
        [(foreign, "localhost", "invalid peer certificate"), (trust, "127.0.0.1", "not valid for name")]
    {
        let url = secure(&server.url, host);
        let error = ask(&client(trust), &url, "{}").await.expect_err("no trust");
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.detail.starts_with(&format!("cannot connect to {url}: ")), "{error}");
        assert!(error.detail.contains(why), "{error}");
    }
    let nobody = Connector::trusting(Some(Err(rustls::Error::General("no certificates".into()))));
    let client = HttpClient { connector: Arc::new(nobody), pool: Arc::default() };
    let url = secure(&server.url, "localhost");
    let error = ask(&client, &url, "{}").await.expect_err("no trust");
    assert_eq!(error.detail, format!("cannot connect to {url}: unexpected error: no certificates"));
    assert_eq!(server.requests(), 0);
}
