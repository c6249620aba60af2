//! The doors over TLS: what is spoken inside is the same, and nobody gets in without it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use intervalo::auth::Role;
use intervalo::transport::{Settings, Tls};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::server::TestServer;

/// A server that speaks TLS with a certificate made for the test.
struct TlsServer {
    server: TestServer,
    certificate: CertificateDer<'static>,
    _files: TempDir,
}

impl TlsServer {
    async fn start() -> TlsServer {
        TlsServer::start_with(Settings::default()).await
    }

    async fn start_with(settings: Settings) -> TlsServer {
        let files = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (files.path().join("certificate.pem"), files.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::fs::write(&certificate, made.cert.pem()).expect("written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("set");
        let tls = Some(Arc::new(Tls::read(&certificate, &key).expect("a pair")));
        let server = TestServer::with(Settings { tls, ..settings }).await;
        let certificate = CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).expect("a certificate");
        TlsServer { server, certificate, _files: files }
    }

    async fn connect(
        &self,
        version: &'static SupportedProtocolVersion,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(&[version]).expect("a version");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.server.address).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

#[tokio::test]
async fn http_and_sockets_are_spoken_over_tls_1_2_and_1_3() {
    let server = TlsServer::start().await;
    for (version, shown) in [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)] {
        let mut stream = server.connect(version, &["h2", "http/1.1"]).await.expect("a handshake");
        let spoken = (stream.get_ref().1.protocol_version(), stream.get_ref().1.alpn_protocol());
        assert_eq!(spoken, (Some(shown), Some(&b"http/1.1"[..])));
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer that is closed as TLS is");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
    let stream = server.connect(&version::TLS13, &[]).await.expect("a handshake");
    let mut request = "wss://localhost/v1/ws".into_client_request().expect("a request");
    let bearer = format!("Bearer {}", server.server.token(Role::Agent, "ana", None));
    request.headers_mut().insert("authorization", bearer.parse().expect("a header"));
    request.headers_mut().insert("origin", "https://localhost".parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.expect("a socket");
    let call = json!({"jsonrpc": "2.0", "id": "mine", "method": "agent.get", "params": {}}).to_string();
    socket.send(Message::Text(call.into())).await.expect("sent");
    let answer = loop {
        let message = socket.next().await.expect("open").expect("a message");
        let Message::Text(text) = message else { continue };
        let value: Value = serde_json::from_str(&text).expect("JSON");
        if value["id"] == "mine" {
            break value;
        }
    };
    assert_eq!(answer["result"]["connection"], "connected");
}

#[tokio::test]
async fn whoever_speaks_no_tls_or_another_protocol_is_closed() {
    let server = TlsServer::start().await;
    let plain = server.server.http("GET", "/healthz", &[], "").await;
    assert_eq!((plain.status, plain.body.contains("ok")), (0, false), "{plain:?}");
    assert!(server.connect(&version::TLS13, &["h2"]).await.is_err(), "only HTTP/1.1 is spoken");
    let begun = server.server.clock.now();
    let mut silent = TcpStream::connect(server.server.address).await.expect("connected");
    let mut nothing = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(8), silent.read_to_end(&mut nothing)).await;
    assert!(ended.is_ok(), "a handshake that does not come is given up");
    assert!(server.server.clock.now().since(begun) >= Duration::from_secs(4));
}

#[tokio::test]
async fn a_connection_has_its_place_before_the_handshake() {
    let server = TlsServer::start_with(Settings { connections_max: 1, ..Settings::default() }).await;
    let silent = TcpStream::connect(server.server.address).await.expect("connected");
    assert!(server.connect(&version::TLS13, &[]).await.is_err(), "the one place is taken");
    drop(silent);
    let free = async { while server.connect(&version::TLS13, &[]).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(4), free).await.expect("the place is free again at once");
}
