//! A connection whose other side stops reading is ended: without that, an answer that nobody takes
//! would hold its place and its bytes for as long as the other side cares to stay.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ports::{BoxFuture, Clock};

/// How long nothing at all of what is written may be taken. Longer than a WebSocket's own limit, so
/// that this one is met by HTTP answers alone.
const STALL_TIME_MAX: Duration = Duration::from_secs(10);

/// A stream whose writes fail with `TimedOut` once nothing has been taken for [`STALL_TIME_MAX`].
pub(super) struct StallGuard<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    /// Runs from the first write that had to wait to the next that did not.
    until: Option<BoxFuture<'static, ()>>,
}

impl<S: Unpin> StallGuard<S> {
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

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::time::Timestamp;

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
