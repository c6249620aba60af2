//! Reads more at once than is asked for, once a small buffer came back full.
//!
//! Every socket keeps a buffer, so that it is small; a message of 64 KiB would then be read in a hundred calls of the system, which took
//! longer than all else about it. What was read ahead is kept until it is asked for, and no longer.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// What is read ahead at once.
const AHEAD_BYTES: usize = 4 * 1024;

/// A reader that reads ahead.
pub(super) struct ReadAhead<R> {
    reader: R,
    /// What was read and not yet asked for, at most [`AHEAD_BYTES`].
    left: VecDeque<u8>,
}

impl<R: AsyncRead + Unpin> ReadAhead<R> {
    pub(super) fn new(reader: R) -> ReadAhead<R> {
        ReadAhead { reader, left: VecDeque::new() }
    }

    /// Where there is nothing yet, this wakes whoever reads as any read does. An end comes again with the next read, and so does a failure: perhaps
    /// as an end, for the system tells it once.
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        let mut ahead = [0; AHEAD_BYTES];
        let mut ahead = ReadBuf::new(&mut ahead);
        if let Poll::Ready(Ok(())) = Pin::new(&mut self.reader).poll_read(cx, &mut ahead) {
            self.left.extend(ahead.filled());
        }
    }

    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let (front, _) = self.left.as_slices();
        let given = front.len().min(buf.remaining());
        buf.put_slice(&front[..given]);
        self.left.drain(..given);
        if self.left.is_empty() {
            self.left = VecDeque::new();
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for ReadAhead<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.left.is_empty() {
            self.give(buf);
            return Poll::Ready(Ok(()));
        }
        let room = buf.remaining();
        ready!(Pin::new(&mut self.reader).poll_read(cx, buf))?;
        if room > 0 && buf.remaining() == 0 && room < AHEAD_BYTES {
            self.read_ahead(cx);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Gives as much as it is asked for, so often, and then the end; counts how often it is asked.
    struct Source {
        bytes: Vec<u8>,
        given: usize,
        reads: usize,
    }

    impl AsyncRead for Source {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let count = buf.remaining().min(self.bytes.len() - self.given);
            buf.put_slice(&self.bytes[self.given..self.given + count]);
            self.given += count;
            self.reads += 1;
            Poll::Ready(Ok(()))
        }
    }

    /// Reads all of so many bytes with a buffer of this size; how often the source was read.
    async fn reads(bytes: usize, buffer: usize) -> usize {
        let bytes: Vec<u8> = (0..bytes).map(|at| (at * 31 % 251) as u8).collect();
        let mut reader = ReadAhead::new(Source { bytes: bytes.clone(), given: 0, reads: 0 });
        let (mut all, mut part) = (Vec::<u8>::new(), vec![0; buffer]);
        loop {
            let count = reader.read(&mut part).await.expect("read");
            if count == 0 {
                break;
            }
            all.extend(&part[..count]);
            assert!(reader.left.len() <= AHEAD_BYTES);
        }
        assert_eq!(all, bytes);
        assert_eq!(reader.left.capacity(), 0, "kept for nothing");
        reader.reader.reads
    }

    #[tokio::test]
    async fn what_is_long_is_read_in_few_calls_and_what_is_short_in_one() {
        assert_eq!(reads(300, 512).await, 2, "the bytes, and the end");
        let long = reads(64 * 1024, 512).await;
        assert!(long <= 2 * 64 * 1024 / (AHEAD_BYTES + 512) + 4, "{long} reads of 64 KiB");
        assert_eq!(reads(64 * 1024, AHEAD_BYTES).await, 17, "whoever has a large buffer needs no help");
        for bytes in [511, 512, 513, 4_607, 4_608, 4_609, 9_000] {
            reads(bytes, 512).await;
        }
    }

    #[tokio::test]
    async fn a_read_of_nothing_reads_nothing() {
        let mut reader = ReadAhead::new(Source { bytes: vec![1; 8], given: 0, reads: 0 });
        assert_eq!(reader.read(&mut []).await.expect("read"), 0);
        assert_eq!((reader.left.len(), reader.reader.given), (0, 0));
    }
}
