//! TLS: the certificate that connections are answered with, and its change while the server runs.
//!
//! Which protocols and ciphers are spoken is rustls' affair (1.3 and 1.2, on aws-lc-rs); HTTP/1.1 is all
//! that is offered inside.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::config::read_text;

/// How long the handshake may take: as long as a request's head (fault table, "slow-loris").
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// The largest file of certificates or key that is read, in bytes: a chain has some KiB.
const PEM_BYTES_MAX: u64 = 1 << 20;
/// The one protocol offered inside TLS (RFC 7301): sockets need HTTP/1.1.
/// What an encrypted key has in its PEM: in PKCS #8 (RFC 7468 §11), and in the older forms (RFC 1421).
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];
const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

/// Why files are not what TLS can be spoken with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read the {what} {path}: {source}; check the path and who may read it")]
    Io {
        /// Which of the two it is.
        what: TlsFile,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key is open to others than its owner.
    #[error("the TLS key {path} is open to others (mode {mode:04o}); chmod 600 it")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file holds nothing of its kind.
    #[error("there is no {what} in {path}; it must hold one as PEM")]
    Absent {
        /// Which of the two it is.
        what: TlsFile,
        /// Which file.
        path: PathBuf,
    },
    /// A file is no PEM.
    #[error("the {what} {path} is no PEM: a section does not end, or cannot be read")]
    NotPem {
        /// Which of the two it is.
        what: TlsFile,
        /// Which file.
        path: PathBuf,
    },
    /// The key can be read with a passphrase alone.
    #[error(
        "the TLS key {path} is encrypted, and a server has nobody to ask for the passphrase; write it without one: \
         openssl pkey -in {path} -out key.pem"
    )]
    Encrypted {
        /// Which file.
        path: PathBuf,
    },
    /// The key is another certificate's.
    #[error("the TLS key {key} does not belong to the first certificate in {certificate}")]
    NotOfOneAnother {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate or the key is of a form that is not understood.
    #[error("TLS cannot be spoken with {certificate} and {key}: {why}")]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls said.
        why: rustls::Error,
    },
}

/// One of the two files of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFile {
    /// The certificate, with those that lead to its issuer.
    Certificate,
    /// The private key.
    Key,
}

impl fmt::Display for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsFile::Certificate => "TLS certificate",
            TlsFile::Key => "TLS key",
        })
    }
}

/// What a look at the files has led to.
#[derive(Debug)]
pub enum Look {
    /// They are as they were at the last look.
    Same,
    /// They have changed; new connections get the new certificate.
    Changed,
    /// They cannot be used as they are; the certificate in force stays. Told once for each reason.
    Refused(TlsError),
}

/// The certificate in force, read from two files.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: TlsAcceptor,
    in_force: Arc<InForce>,
    seen: Mutex<Seen>,
}

/// What the last looks have found.
struct Seen {
    in_force: PemTexts,
    /// Why the files could not be used, as it was told.
    refused: Option<String>,
}

#[derive(PartialEq, Eq)]
struct PemTexts {
    certificate: String,
    key: String,
}

#[derive(Debug)]
struct InForce(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads the two files.
    ///
    /// # Errors
    /// [`TlsError`] when TLS cannot be spoken with them.
    pub fn read(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let texts = read_texts(&certificate, &key)?;
        let pair = pair(&texts, &certificate, &key, &provider)?;
        let in_force = Arc::new(InForce(ArcSwap::from_pointee(pair)));
        let versions = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12]);
        let builder =
            versions.map_err(|why| TlsError::Unusable { certificate: certificate.clone(), key: key.clone(), why })?;
        let resolver = Arc::clone(&in_force) as Arc<dyn ResolvesServerCert>;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
        let seen = Mutex::new(Seen { in_force: texts, refused: None });
        Ok(Tls { certificate, key, acceptor: TlsAcceptor::from(Arc::new(config)), in_force, seen })
    }

    /// Looks whether the files have changed, and takes up what they hold. Reads files: not for a task that
    /// others wait for.
    pub fn look(&self) -> Look {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read_texts(&self.certificate, &self.key).and_then(|texts| {
            if texts == seen.in_force {
                return Ok(None);
            }
            let pair = pair(&texts, &self.certificate, &self.key, &aws_lc_rs::default_provider())?;
            Ok(Some((texts, pair)))
        });
        match read {
            Ok(None) => {
                seen.refused = None;
                Look::Same
            }
            Ok(Some((texts, pair))) => {
                self.in_force.0.store(Arc::new(pair));
                *seen = Seen { in_force: texts, refused: None };
                Look::Changed
            }
            Err(error) => {
                let told = Some(error.to_string());
                if seen.refused == told {
                    return Look::Same;
                }
                seen.refused = told;
                Look::Refused(error)
            }
        }
    }

    /// Does the handshake of one connection.
    ///
    /// # Errors
    /// When the other side speaks no TLS, or takes too long about it.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shaken = tokio::time::timeout(HANDSHAKE_TIME_MAX, self.acceptor.accept(stream)).await;
        shaken.unwrap_or_else(|_elapsed| Err(io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read_texts(certificate: &Path, key: &Path) -> Result<PemTexts, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Io { what, path, source }
    };
    let mode = fs::metadata(key).map_err(failed(TlsFile::Key, key))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TlsError::Open { path: key.to_owned(), mode });
    }
    Ok(PemTexts {
        certificate: read_text(certificate, PEM_BYTES_MAX).map_err(failed(TlsFile::Certificate, certificate))?,
        key: read_text(key, PEM_BYTES_MAX).map_err(failed(TlsFile::Key, key))?,
    })
}

fn pair(texts: &PemTexts, certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(texts.certificate.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| not_pem(TlsFile::Certificate, certificate, error))?;
    if chain.is_empty() {
        return Err(TlsError::Absent { what: TlsFile::Certificate, path: certificate.to_owned() });
    }
    if ENCRYPTED.iter().any(|mark| texts.key.contains(mark)) {
        return Err(TlsError::Encrypted { path: key.to_owned() });
    }
    let private =
        PrivateKeyDer::from_pem_slice(texts.key.as_bytes()).map_err(|error| not_pem(TlsFile::Key, key, error))?;
    CertifiedKey::from_der(chain, private, provider).map_err(|why| {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        if matches!(why, rustls::Error::InconsistentKeys(_)) {
            TlsError::NotOfOneAnother { certificate, key }
        } else {
            TlsError::Unusable { certificate, key, why }
        }
    })
}

fn not_pem(what: TlsFile, path: &Path, error: pem::Error) -> TlsError {
    let path = path.to_owned();
    if matches!(error, pem::Error::NoItemsFound) {
        return TlsError::Absent { what, path };
    }
    // What the error shows of the text is left out: it may be a piece of the key.
    TlsError::NotPem { what, path }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    struct Files {
        folder: tempfile::TempDir,
    }

    impl Files {
        fn new() -> Files {
            let files = Files { folder: tempfile::tempdir().expect("a folder") };
            let (certificate, key) = made();
            files.write(&certificate, &key, 0o600);
            files
        }

        fn certificate(&self) -> PathBuf {
            self.folder.path().join("certificate.pem")
        }

        fn key(&self) -> PathBuf {
            self.folder.path().join("key.pem")
        }

        fn write(&self, certificate: &str, key: &str, mode: u32) {
            fs::write(self.certificate(), certificate).expect("written");
            fs::write(self.key(), key).expect("written");
            fs::set_permissions(self.key(), Permissions::from_mode(mode)).expect("set");
        }

        fn refused(&self) -> String {
            Tls::read(&self.certificate(), &self.key()).expect_err("refused").to_string()
        }
    }

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn files_that_tls_cannot_be_spoken_with_are_refused_by_name() {
        let files = Files::new();
        let ((certificate, key), (_, foreign)) = (made(), made());
        files.write(&certificate, &key, 0o600);
        assert!(Tls::read(&files.certificate(), &files.key()).is_ok());
        files.write(&certificate, &key, 0o640);
        assert!(
            files.refused().ends_with("key.pem is open to others (mode 0640); chmod 600 it"),
            "{}",
            files.refused()
        );
        files.write(&certificate, &foreign, 0o600);
        assert!(
            files.refused().contains("key.pem does not belong to the first certificate in "),
            "{}",
            files.refused()
        );
        files.write("nothing", &key, 0o600);
        assert!(files.refused().starts_with("there is no TLS certificate in "), "{}", files.refused());
        files.write(&certificate, &certificate, 0o600);
        assert!(files.refused().starts_with("there is no TLS key in "), "{}", files.refused());
        let older = key.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1);
        for encrypted in [key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), older] {
            files.write(&certificate, &encrypted, 0o600);
            let told = files.refused();
            assert!(told.contains("key.pem is encrypted") && told.contains("openssl pkey -in "), "{told}");
        }
        files.write(&certificate, &key.replace("END", "ENDE"), 0o600);
        let told = files.refused();
        assert!(told.contains("key.pem is no PEM") && !told.contains("ENDE"), "{told}");
        fs::remove_file(files.certificate()).expect("removed");
        files.write(&certificate, &key, 0o600);
        fs::remove_file(files.key()).expect("removed");
        assert!(files.refused().starts_with("cannot read the TLS key "), "{}", files.refused());
    }

    #[test]
    fn a_changed_pair_is_taken_up_and_a_bad_one_is_told_once_and_leaves_the_old_one() {
        let files = Files::new();
        let tls = Tls::read(&files.certificate(), &files.key()).expect("a pair");
        let shown = |tls: &Tls| tls.in_force.0.load().cert[0].to_vec();
        let first = shown(&tls);
        assert!(matches!(tls.look(), Look::Same));
        let (certificate, key) = made();
        fs::write(files.certificate(), &certificate).expect("written");
        assert!(matches!(tls.look(), Look::Refused(TlsError::NotOfOneAnother { .. })), "half of a change");
        assert!(matches!(tls.look(), Look::Same), "it is told once");
        assert_eq!(shown(&tls), first);
        files.write(&certificate, &key, 0o600);
        assert!(matches!(tls.look(), Look::Changed));
        assert_ne!(shown(&tls), first);
        assert!(matches!(tls.look(), Look::Same));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_does_not_come_is_given_up_after_five_seconds() {
        let files = Files::new();
        let tls = Tls::read(&files.certificate(), &files.key()).expect("a pair");
        let (ours, _theirs) = tokio::io::duplex(1000);
        let error = tls.accept(ours).await.expect_err("given up");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
