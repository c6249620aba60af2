//! Where a set of keys comes from: an address or a file, read as a whole within bounds.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::set::SET_BYTES_MAX;
use crate::config::{KeysAt, read_text};
use crate::ports::BoxFuture;

/// How long a set may take to arrive, from the name of its host to its last byte.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Why a set could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadError {
    /// Not in time.
    #[error("there was no whole answer within {} s", READ_WITHIN.as_secs())]
    TooSlow,
    /// The answer was another one than 200; where it points elsewhere, nobody goes there.
    #[error("the answer was {0}, not 200")]
    Status(u16),
    /// Too long.
    #[error("it has more than {SET_BYTES_MAX} bytes")]
    TooLong,
    /// The system, the network, or the other end.
    #[error("{0}")]
    Failed(String),
}

/// Gives the document as it is; a test has its own.
pub(super) trait Source: Send + Sync + 'static {
    /// Reads it.
    fn read(&self) -> BoxFuture<'static, Result<Vec<u8>, ReadError>>;
}

impl Source for KeysAt {
    fn read(&self) -> BoxFuture<'static, Result<Vec<u8>, ReadError>> {
        match self {
            KeysAt::Url(url) => Box::pin(in_time(fetch(url.clone()))),
            KeysAt::File(path) => Box::pin(in_time(read_file(path.clone()))),
        }
    }
}

async fn in_time(reading: impl Future<Output = Result<Vec<u8>, ReadError>>) -> Result<Vec<u8>, ReadError> {
    tokio::time::timeout(READ_WITHIN, reading).await.unwrap_or(Err(ReadError::TooSlow))
}

async fn read_file(path: PathBuf) -> Result<Vec<u8>, ReadError> {
    let reading = tokio::task::spawn_blocking(move || read_text(&path, SET_BYTES_MAX as u64));
    let text = reading.await.map_err(failed)?.map_err(failed)?;
    Ok(text.into_bytes())
}

/// Each time with a client of its own: it is asked once in minutes, and so keeps no connection open meanwhile and knows the
/// certificates that the machine trusts by then.
async fn fetch(url: String) -> Result<Vec<u8>, ReadError> {
    let uri: Uri = url.parse().map_err(failed)?;
    let is_secure = uri.scheme_str() == Some("https");
    let request = Request::get(uri).header(header::ACCEPT, "application/jwk-set+json, application/json");
    let request = request.body(Empty::<Bytes>::new()).map_err(failed)?;
    let response = if is_secure {
        let connector = tokio::task::spawn_blocking(secure_connector).await.map_err(failed)??;
        Client::builder(TokioExecutor::new()).build(connector).request(request).await
    } else {
        Client::builder(TokioExecutor::new()).build(HttpConnector::new()).request(request).await
    };
    let response = response.map_err(|error| ReadError::Failed(with_causes(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(ReadError::Status(response.status().as_u16()));
    }
    let body = Limited::new(response.into_body(), SET_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { ReadError::TooLong } else { ReadError::Failed(with_causes(&*error)) }
    })?;
    Ok(body.to_bytes().to_vec())
}

/// A connector that trusts what the machine trusts.
fn secure_connector() -> Result<HttpsConnector<HttpConnector>, ReadError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider).map_err(failed)?;
    Ok(builder.https_only().enable_http1().build())
}

fn failed(error: impl std::fmt::Display) -> ReadError {
    ReadError::Failed(error.to_string())
}

/// An error with what caused it: the outermost one says little more than that there is one.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with these bytes; gives what is read by whoever asks, and what was asked.
    async fn read_from(answer: Vec<u8>) -> (Result<Vec<u8>, ReadError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys?v=1", listener.local_addr().expect("an address"));
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a request"));
            }
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
            String::from_utf8(head).expect("text")
        });
        let read = KeysAt::Url(url).read().await;
        (read, answering.await.expect("asked"))
    }

    fn answer(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[tokio::test]
    async fn a_set_is_asked_for_as_any_client_would() {
        let (read, asked) = read_from(answer("200 OK", "{\"keys\": []}")).await;
        assert_eq!(read, Ok(b"{\"keys\": []}".to_vec()));
        assert!(asked.starts_with("GET /keys?v=1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("accept: application/jwk-set+json, application/json\r\n"), "{asked}");
        assert!(asked.contains("host: 127.0.0.1:"), "{asked}");
    }

    #[tokio::test]
    async fn only_a_whole_200_of_bounded_length_counts() {
        let full = "x".repeat(SET_BYTES_MAX);
        assert_eq!(read_from(answer("200 OK", &full)).await.0.map(|body| body.len()), Ok(SET_BYTES_MAX));
        assert_eq!(read_from(answer("200 OK", &format!("{full}x"))).await.0, Err(ReadError::TooLong));
        let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..20 {
            endless.extend(format!("1000\r\n{}\r\n", "y".repeat(0x1000)).bytes());
        }
        assert_eq!(read_from(endless).await.0, Err(ReadError::TooLong), "without saying how long it is");
        for status in [204, 404, 500, 503] {
            assert_eq!(read_from(answer(&format!("{status} X"), "")).await.0, Err(ReadError::Status(status)));
        }
        let short = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"keys\"".to_vec();
        assert!(matches!(read_from(short).await.0, Err(ReadError::Failed(_))));
        assert!(matches!(read_from(b"nonsense".to_vec()).await.0, Err(ReadError::Failed(_))));
    }

    #[tokio::test]
    async fn nobody_goes_where_an_answer_points() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let location = format!("http://{}/keys", elsewhere.local_addr().expect("an address"));
        for status in ["301 X", "302 X", "307 X", "308 X"] {
            let redirect = format!("HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let (read, _) = read_from(redirect.into_bytes()).await;
            assert!(matches!(read, Err(ReadError::Status(300..400))), "{read:?}");
        }
        let visit = futures_util::FutureExt::now_or_never(elsewhere.accept());
        assert!(visit.is_none(), "nobody came");
    }

    #[tokio::test]
    async fn an_end_that_does_not_answer_is_given_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::time::pause();
        assert_eq!(KeysAt::Url(url.clone()).read().await, Err(ReadError::TooSlow));
        tokio::time::resume();
        drop(listener);
        assert!(matches!(KeysAt::Url(url).read().await, Err(ReadError::Failed(_))));
    }

    #[tokio::test]
    async fn a_plain_answer_is_no_secure_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody");
            let _ = stream.write_all(&answer("200 OK", "{\"keys\": []}")).await;
        });
        assert!(matches!(KeysAt::Url(url).read().await, Err(ReadError::Failed(_))));
        answering.abort();
    }

    #[tokio::test]
    async fn a_file_is_read_within_the_same_bounds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        let keys = KeysAt::File(path.clone());
        assert!(matches!(keys.read().await, Err(ReadError::Failed(_))));
        std::fs::write(&path, "{\"keys\": []}").expect("written");
        assert_eq!(keys.read().await, Ok(b"{\"keys\": []}".to_vec()));
        std::fs::write(&path, "x".repeat(SET_BYTES_MAX + 1)).expect("written");
        assert!(keys.read().await.is_err());
    }
}
