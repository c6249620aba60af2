//! A connection whose other side stops reading is ended: without that, an answer that nobody takes
//! would hold its place and its bytes for as long as the other side cares to stay. What the system keeps of
//! it goes as well.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::ports::{BoxFuture, Clock};

/// How long nothing at all of what is written may be taken. Longer than a WebSocket's own limit, so
/// that this one is met by HTTP answers alone.
const STALL_TIME_MAX: Duration = Duration::from_secs(10);

/// A connection that can be ended at once.
pub(super) trait Reset {
    /// When this is dropped, what was written and not taken is thrown away.
    fn reset_when_dropped(&self);
}

impl Reset for TcpStream {
    fn reset_when_dropped(&self) {
        // What fails leaves an end in order, which is no more than it was.
        let _ = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

/// A stream whose writes fail with `TimedOut` once nothing has been taken for [`STALL_TIME_MAX`].
///
/// When it is dropped while the other side takes nothing, for whichever reason, the connection is reset. An end in order
/// would come after all that was written: the system would keep that, hundreds of KiB, and go on offering it for
/// minutes after the place of the connection is free for the next one that does not read.
pub(super) struct StallGuard<S: Reset> {
    stream: S,
    clock: Arc<dyn Clock>,
    /// Runs from the first write that had to wait to the next that did not.
    until: Option<BoxFuture<'static, ()>>,
}

impl<S: Reset + Unpin> StallGuard<S> {
    pub(super) fn new(stream: S, clock: Arc<dyn Clock>) -> StallGuard<S> {
        StallGuard { stream, clock, until: None }
    }

    fn guard<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.stream), cx);
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let clock = &self.clock;
        let until = self.until.get_or_insert_with(|| clock.sleep_until(clock.now() + STALL_TIME_MAX));
        match until.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                metrics::counter!("intervalo_slow_sockets_total").increment(1);
                Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "nothing was taken for too long")))
            }
        }
    }
}

impl<S: Reset> Drop for StallGuard<S> {
    fn drop(&mut self) {
        if self.until.is_some() {
            self.stream.reset_when_dropped();
        }
    }
}

impl<S: AsyncRead + Reset + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Reset + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.guard(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.guard(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::time::Timestamp;

    impl Reset for DuplexStream {
        fn reset_when_dropped(&self) {}
    }

    /// Both ends of a connection; ours is guarded.
    async fn connection() -> (StallGuard<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let theirs = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (ours, _) = listener.accept().await.expect("accepted");
        (StallGuard::new(ours, Arc::new(SystemClock::start(Timestamp(0)))), theirs)
    }

    #[tokio::test]
    async fn what_nobody_took_goes_with_the_connection() {
        let (mut ours, mut theirs) = connection().await;
        ours.write_all(b"first").await.expect("taken");
        let much = vec![0; 1 << 20];
        // Until the system takes no more for the other side, which reads nothing.
        while ours.write(&much).now_or_never().is_some() {}
        drop(ours);
        let error = theirs.read_to_end(&mut Vec::new()).await.expect_err("the end is not one in order");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn what_was_written_before_an_end_in_order_arrives() {
        let (mut ours, mut theirs) = connection().await;
        ours.write_all(b"last").await.expect("taken");
        drop(ours);
        let mut heard = Vec::new();
        theirs.read_to_end(&mut heard).await.expect("an end in order");
        assert_eq!(heard, b"last");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_takes_fails_after_ten_seconds() {
        let (ours, _theirs) = tokio::io::duplex(100);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let mut guarded = StallGuard::new(ours, Arc::clone(&clock) as Arc<dyn Clock>);
        let begun = clock.now();
        let error = guarded.write_all(&[0; 101]).await.expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(clock.now().since(begun), STALL_TIME_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_takes_something_is_waited_for() {
        let (ours, mut theirs) = tokio::io::duplex(100);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let mut guarded = StallGuard::new(ours, Arc::clone(&clock) as Arc<dyn Clock>);
        let reader = async {
            let mut taken = 0;
            while taken < 1000 {
                clock.sleep_until(clock.now() + STALL_TIME_MAX * 9 / 10).await;
                taken += theirs.read(&mut [0; 100]).await.expect("read");
            }
        };
        let (written, ()) = tokio::join!(guarded.write_all(&[0; 1000]), reader);
        written.expect("all of it");
        assert!(clock.now().0 > 80_000, "it took long");
    }
}
