//! The way out of a connection, which two may use: its own task, and whoever tells a frame to many boards.
//!
//! Each writes whole frames or leaves the rest of one to the task, so that no frame stands in the middle of another.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::frame_head::FrameHead;
use super::read_ahead::ReadAhead;
use super::stall::Reset;
use crate::hub;

/// A connection of which several hold an end.
pub(super) struct Outlet {
    half: OwnedWriteHalf,
    state: Mutex<State>,
    /// Wakes the task when there is a rest.
    left: Notify,
}

#[derive(Default)]
struct State {
    /// The task keeps it for itself: what it is about to say comes first.
    is_held: bool,
    /// The task is about to write, or in the middle of it.
    is_reserved: bool,
    /// The task has written a part of something.
    is_midway: bool,
    /// What the system did not take of a frame that was handed over.
    rest: Option<Rest>,
}

struct Rest {
    head: FrameHead,
    text: Utf8Bytes,
    written: usize,
}

impl Rest {
    fn len(&self) -> usize {
        self.head.as_bytes().len() + self.text.len() - self.written
    }

    fn try_write(&mut self, half: &OwnedWriteHalf) -> io::Result<()> {
        let mut parts = [IoSlice::new(self.head.as_bytes()), IoSlice::new(self.text.as_bytes())];
        let mut parts = parts.as_mut_slice();
        IoSlice::advance_slices(&mut parts, self.written);
        match half.try_write_vectored(parts)? {
            0 => Err(ErrorKind::WriteZero.into()),
            written => {
                self.written += written;
                Ok(())
            }
        }
    }
}

impl Outlet {
    /// Makes two ends of a connection: that which its own task reads and writes, and that which others may write to as well.
    pub(super) fn of(stream: TcpStream) -> (OutletStream, Arc<Outlet>) {
        let (reader, half) = stream.into_split();
        let outlet = Arc::new(Outlet { half, state: Mutex::default(), left: Notify::new() });
        (OutletStream { reader: ReadAhead::new(reader), outlet: Arc::clone(&outlet) }, outlet)
    }

    /// From here on only the task writes.
    pub(super) fn hold(&self) {
        self.state().is_held = true;
    }

    /// Others may write again.
    pub(super) fn release(&self) {
        self.state().is_held = false;
    }

    /// Lets nobody else write until the task has done what it is about to; false where there is a rest to be written first.
    pub(super) fn reserve(&self) -> bool {
        let mut state = self.state();
        state.is_reserved = state.rest.is_none();
        state.is_reserved
    }

    /// The task has written what it was to, all of it.
    pub(super) fn has_written(&self) {
        self.state().is_reserved = false;
    }

    /// Completes once something was left to be written by the task.
    pub(super) async fn is_left_with_a_rest(&self) {
        self.left.notified().await;
    }

    /// Waits until the system takes some of what is left of a frame; at once where nothing is.
    pub(super) async fn write_some_of_the_rest(&self) -> io::Result<()> {
        loop {
            match self.state().write_some(&self.half) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            self.half.writable().await?;
        }
    }

    /// Nothing under this lock can panic half way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is left of a frame, then what `write` writes of so many bytes, without anybody in between.
    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: usize,
        write: impl Fn(&OwnedWriteHalf) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, |state| {
            let written = write(&self.half)?;
            state.is_midway = written < bytes;
            Ok(written)
        })
    }

    /// Writes what is left of a frame.
    fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |_| Ok(()))
    }

    /// Writes what is left of a frame, then does something, as soon as the system takes both.
    fn poll<T>(&self, cx: &mut Context<'_>, then: impl Fn(&mut State) -> io::Result<T>) -> Poll<io::Result<T>> {
        loop {
            let tried = {
                let mut state = self.state();
                state.write_rest(&self.half).and_then(|()| then(&mut state))
            };
            match tried {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.half.as_ref().poll_write_ready(cx))?;
                }
                done => return Poll::Ready(done),
            }
        }
    }
}

impl State {
    fn write_rest(&mut self, half: &OwnedWriteHalf) -> io::Result<()> {
        while self.rest.is_some() {
            self.write_some(half)?;
        }
        Ok(())
    }

    fn write_some(&mut self, half: &OwnedWriteHalf) -> io::Result<()> {
        let Some(rest) = &mut self.rest else { return Ok(()) };
        rest.try_write(half)?;
        if rest.len() == 0 {
            self.rest = None;
        }
        Ok(())
    }
}

impl Reset for Outlet {
    fn reset_when_dropped(&self) {
        self.half.as_ref().reset_when_dropped();
    }
}

impl hub::Outlet for Outlet {
    fn take(&self, frame: &Utf8Bytes) -> bool {
        let mut state = self.state();
        if state.is_held || state.is_reserved || state.is_midway || state.rest.is_some() {
            return false;
        }
        let mut rest = Rest { head: FrameHead::of_text(frame.len()), text: frame.clone(), written: 0 };
        // Whatever is wrong with the connection, its task finds when it writes the frame itself.
        if rest.try_write(&self.half).is_err() {
            return false;
        }
        if rest.len() > 0 {
            state.rest = Some(rest);
            self.left.notify_one();
        }
        true
    }
}

/// A connection as its own task reads and writes it.
pub(super) struct OutletStream {
    reader: ReadAhead<OwnedReadHalf>,
    outlet: Arc<Outlet>,
}

impl Reset for OutletStream {
    fn reset_when_dropped(&self) {
        self.outlet.reset_when_dropped();
    }
}

impl AsyncRead for OutletStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl AsyncWrite for OutletStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.outlet.poll_write(cx, buf.len(), |half| half.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = bufs.iter().map(|buf| buf.len()).sum();
        self.outlet.poll_write(cx, bytes, |half| half.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet.poll_rest(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.outlet.poll_rest(cx))?;
        match socket2::SockRef::from(self.outlet.half.as_ref()).shutdown(Shutdown::Write) {
            // Whoever is gone needs no end.
            Err(error) if error.kind() == ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::time::Timestamp;
    use crate::hub::Outlet as _;
    use crate::ports::Clock;
    use crate::transport::accept::prepare;
    use crate::transport::liveness::PingTimes;
    use crate::transport::wire::{Ending, Read, Wire};

    type Client = WebSocketStream<TcpStream>;

    /// The two ends of a connection, ours prepared as every one is.
    async fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let theirs = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (ours, _) = listener.accept().await.expect("accepted");
        prepare(&ours).expect("prepared");
        (ours, theirs)
    }

    /// A connection to which others may write as well, and whoever reads it.
    async fn connection() -> (Wire<OutletStream>, Arc<Outlet>, Client) {
        let (ours, theirs) = sockets().await;
        let (stream, outlet) = Outlet::of(ours);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let wire = Wire::new(stream, clock, PingTimes::default()).await.shared(Some(Arc::clone(&outlet)));
        (wire, outlet, WebSocketStream::from_raw_socket(theirs, Role::Client, None).await)
    }

    /// A text by which it is seen whether it is whole: its number, and as many of a letter as it says.
    fn text(letter: char, number: usize) -> Utf8Bytes {
        let length = number * 7919 % 20_000 + 1;
        format!("{number} {length} {}", letter.to_string().repeat(length)).into()
    }

    /// The letter and the number of a text that is whole.
    fn read(text: &str) -> (char, usize) {
        let (number, rest) = text.split_once(' ').expect("a number");
        let (length, letters) = rest.split_once(' ').expect("a length");
        let letter = letters.chars().next().expect("one letter at least");
        assert_eq!(letters.chars().filter(|other| *other == letter).count().to_string(), length);
        (letter, number.parse().expect("a number"))
    }

    async fn next(client: &mut Client) -> (char, usize) {
        let Some(Ok(Message::Text(text))) = client.next().await else { panic!("no text") };
        read(text.as_str())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn frames_of_two_who_write_are_whole_and_each_in_its_order() {
        const EACH: usize = 2_000;
        let (mut wire, outlet, mut client) = connection().await;
        let left = Arc::clone(&outlet);
        let own = tokio::spawn(async move {
            for number in 1..=EACH {
                wire.send(text('o', number)).await.expect("sent");
            }
            loop {
                left.is_left_with_a_rest().await;
                wire.finish().await.expect("finished");
            }
        });
        let handing_over = tokio::task::spawn_blocking(move || {
            for number in 1..=EACH {
                while !outlet.take(&text('h', number)) {
                    std::thread::yield_now();
                }
            }
        });
        let mut seen = [0, 0];
        while seen != [EACH, EACH] {
            let (letter, number) = next(&mut client).await;
            let before = &mut seen[usize::from(letter == 'h')];
            assert_eq!(number, *before + 1, "{letter}");
            *before = number;
        }
        handing_over.await.expect("no panic");
        own.abort();
    }

    #[tokio::test]
    async fn what_the_system_does_not_take_of_a_frame_is_finished_by_the_task() {
        let (mut wire, outlet, mut client) = connection().await;
        // More than the system has room for.
        let length = 8 << 20;
        let long: Utf8Bytes = format!("1 {length} {}", "h".repeat(length)).into();
        assert!(outlet.take(&long));
        assert!(outlet.state().rest.is_some());
        assert!(!outlet.take(&text('h', 2)), "nobody else writes until it is out");
        let sending = async {
            outlet.is_left_with_a_rest().await;
            wire.finish().await.expect("finished");
            wire.send(text('o', 2)).await.expect("sent");
        };
        let reading = async { [next(&mut client).await, next(&mut client).await] };
        let ((), read) = tokio::join!(sending, reading);
        assert_eq!(read, [('h', 1), ('o', 2)]);
        assert!(outlet.take(&text('h', 3)));
        assert_eq!(next(&mut client).await, ('h', 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_goes_to_whoever_takes_some_of_it_now_and_then_and_whoever_stops_is_cut_after_five_seconds() {
        let (ours, theirs) = sockets().await;
        let (stream, outlet) = Outlet::of(ours);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let wire = Wire::new(stream, Arc::clone(&clock) as Arc<dyn Clock>, PingTimes::default()).await;
        let mut wire = wire.shared(Some(Arc::clone(&outlet)));
        let long: Utf8Bytes = "h".repeat(8 << 20).into();
        assert!(outlet.take(&long));
        let reading = async {
            let (mut buffer, mut got) = (vec![0; 1 << 20], 0);
            while got < long.len() {
                clock.sleep_until(clock.now() + Duration::from_secs(4)).await;
                while let Ok(some) = theirs.try_read(&mut buffer) {
                    got += some;
                }
            }
        };
        let begun = clock.now();
        let (finished, ()) = tokio::join!(wire.finish(), reading);
        assert_eq!(finished, Ok(()));
        assert!(clock.now().since(begun) > Duration::from_secs(10), "it took longer than anything may stand still");

        assert!(outlet.take(&long));
        let begun = clock.now();
        assert_eq!(wire.finish().await, Err(Ending::Gone("too slow a reader")));
        assert_eq!(clock.now().since(begun), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn nobody_writes_into_the_middle_of_what_the_task_writes() {
        let (ours, theirs) = sockets().await;
        let (mut stream, outlet) = Outlet::of(ours);
        let mut client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let own = text('o', 1);
        let mut frame = FrameHead::of_text(own.len()).as_bytes().to_vec();
        frame.extend_from_slice(own.as_bytes());
        let more = vec![0u8; 8 << 20];
        // The system takes the first, and a part of the second.
        let written = stream.write_vectored(&[IoSlice::new(&frame), IoSlice::new(&more)]).await.expect("written");
        assert!((frame.len()..frame.len() + more.len()).contains(&written), "{written}");
        assert_eq!(next(&mut client).await, ('o', 1));
        stream.flush().await.expect("flushed");
        outlet.half.writable().await.expect("there is room again");
        assert!(outlet.state().is_midway, "to flush is not to finish");
        assert!(!outlet.take(&text('h', 1)));
    }

    #[tokio::test]
    async fn nothing_is_written_after_the_answer_to_a_close() {
        let (mut wire, outlet, mut client) = connection().await;
        client.close(None).await.expect("said");
        assert!(matches!(wire.read().await, Read::Ended(_)));
        assert!(!outlet.take(&text('h', 1)));
        assert_eq!(wire.send(text('o', 1)).await, Err(Ending::Gone("closed by the client")));
        assert!(matches!(client.next().await, Some(Ok(Message::Close(_)))));
    }

    #[tokio::test]
    async fn while_the_task_holds_it_nobody_else_writes() {
        let (mut wire, outlet, mut client) = connection().await;
        outlet.hold();
        assert!(!outlet.take(&text('h', 1)));
        wire.send(text('o', 1)).await.expect("sent");
        outlet.release();
        assert!(outlet.take(&text('h', 2)));
        assert_eq!([next(&mut client).await, next(&mut client).await].map(|(letter, _)| letter), ['o', 'h']);
    }

    #[tokio::test]
    async fn whoever_is_gone_takes_nothing() {
        let (_wire, outlet, client) = connection().await;
        drop(client);
        let gone = async {
            while outlet.take(&text('h', 1)) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.expect("its end is noticed");
    }
}
