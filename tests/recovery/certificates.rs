//! A server with TLS, whose certificate is replaced while it runs.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::binary::{DataFolder, PATIENCE, text_of};
use crate::company::company;

/// How often a connection is tried again that does not yet find the new certificate.
const ATTEMPTS_MAX: usize = 500;

/// Writes a new certificate and its key, and hands the certificate out.
fn renew(certificate: &Path, key: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(key, made.signing_key.serialize_pem()).expect("written");
    std::fs::set_permissions(key, Permissions::from_mode(0o600)).expect("set");
    std::fs::write(certificate, made.cert.pem()).expect("written");
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).expect("a certificate")
}

/// True when the server shows this certificate.
async fn shows(address: SocketAddr, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_taken_up_on_sighup_and_one_that_cannot_be_used_is_not() {
    let folder = DataFolder::with(&company(1, "60s")).await;
    let (certificate, key) = (folder.file("certificate.pem", ""), folder.file("key.pem", ""));
    let first = renew(&certificate, &key);
    let settings = format!("tls_certificate = {:?}\ntls_key = {:?}\n", text_of(&certificate), text_of(&key));
    let settings = folder.file("settings.toml", &settings);
    let flags = ["--config", text_of(&settings)];
    let checked = folder.run(&[&["check-config"], &flags[..]].concat()).await;
    assert!(checked.code == Some(0) && checked.out.trim_end().ends_with("# speaks https"), "{checked:?}");
    let server = folder.start_with(&flags).up().await;
    server.until_logged(&format!("listening on {} (https)", server.address), 1).await;
    let connected = timeout(PATIENCE, shows(server.address, &first)).await;
    assert_eq!(connected, Ok(true), "{}", server.log());

    let second = renew(&certificate, &key);
    server.signal(Signal::HUP);
    let mut attempts = 0;
    while !shows(server.address, &second).await {
        attempts += 1;
        assert!(attempts < ATTEMPTS_MAX, "the new certificate is not shown:\n{}", server.log());
    }
    assert!(!shows(server.address, &first).await);

    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("set");
    server.signal(Signal::HUP);
    server.until_logged("is open to others (mode 0644)", 1).await;
    assert!(shows(server.address, &second).await, "the one of before stays in force");
    let refused = folder.run(&[&["check-config"], &flags[..]].concat()).await;
    assert!(refused.code == Some(1) && refused.err.contains("chmod 600 it"), "{refused:?}");
    assert!(server.terminate(Duration::from_secs(10)).await.success());
}
