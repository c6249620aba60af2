//! One WebSocket: frames in and out, with their limits. It knows nothing of sessions.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as CloseNumber;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::frame_head::FrameHead;
use super::liveness::{Due, Liveness, PingTimes};
use super::outlet::Outlet;
use super::rate_limit::{Meter, Rate};
use super::stall::Reset;
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::protocol::close::CloseCode;

/// The largest message accepted (promise R4).
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// What is read at once. Every socket holds such a buffer, so it is small: most of what agents send fits, and it grows for what does not.
const READ_BUFFER_BYTES: usize = 512;
/// What may wait to be written of what is not text; every message is flushed before the next, so that more never gathers.
const WRITE_BUFFER_BYTES_MAX: usize = 600 * 1024;
/// For how long nothing of a write may be taken before the other side counts as too slow and is cut.
const WRITE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the other side has to answer a close.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);
/// How much is read and thrown away after a close, so that the system does not reset the connection
/// before the other side has read why.
const DISCARD_BYTES_MAX: usize = 1024 * 1024;
/// How many pings and pongs a client may send. Browsers send none, libraries one in 20 s.
const CONTROL_RATE: Rate = Rate { per_second: 2, burst: 20 };
/// The longest reason of a close frame (RFC 6455 §5.5: 125 bytes, two of which are the code).
const REASON_BYTES_MAX: usize = 123;

/// How much may pass through.
#[derive(Debug, Clone, Copy)]
pub(super) struct WireLimits {
    /// The largest message accepted, in however many frames.
    pub(super) message_bytes_max: usize,
    /// What may wait to be written.
    pub(super) write_buffer_bytes_max: usize,
}

impl Default for WireLimits {
    fn default() -> WireLimits {
        WireLimits { message_bytes_max: MESSAGE_BYTES_MAX, write_buffer_bytes_max: WRITE_BUFFER_BYTES_MAX }
    }
}

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a close frame of ours.
    Close(CloseCode, String),
    /// Without a word: the other side is gone, has closed, or cannot be reached.
    Gone(&'static str),
}

/// What came in.
#[derive(Debug)]
pub(super) enum Read {
    /// A message of text.
    Text(Utf8Bytes),
    /// A message of bytes.
    Binary(Bytes),
    /// Something that the connection itself has dealt with.
    Nothing,
    /// The end.
    Ended(Ending),
}

/// One WebSocket.
pub(super) struct Wire<S> {
    socket: WebSocketStream<S>,
    /// Where others write to it as well.
    outlet: Option<Arc<Outlet>>,
    clock: Arc<dyn Clock>,
    liveness: Liveness,
    control: Meter,
    /// The bytes cannot be read as frames any more.
    broken: bool,
    /// The client has closed.
    is_closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) async fn new(stream: S, clock: Arc<dyn Clock>, ping: PingTimes) -> Wire<S> {
        Wire::with_limits(stream, clock, ping, WireLimits::default()).await
    }

    pub(super) async fn with_limits(stream: S, clock: Arc<dyn Clock>, ping: PingTimes, limits: WireLimits) -> Wire<S> {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(limits.write_buffer_bytes_max)
            .max_message_size(Some(limits.message_bytes_max))
            .max_frame_size(Some(limits.message_bytes_max));
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let liveness = Liveness::new(clock.now(), ping);
        Wire { socket, outlet: None, clock, liveness, control: Meter::default(), broken: false, is_closed: false }
    }

    /// The same, of a connection that others write to as well.
    pub(super) fn shared(self, outlet: Option<Arc<Outlet>>) -> Wire<S> {
        Wire { outlet, ..self }
    }

    pub(super) fn liveness(&mut self) -> &mut Liveness {
        &mut self.liveness
    }

    pub(super) fn next_deadline(&self) -> Timestamp {
        self.liveness.next_deadline()
    }

    /// The next message, or what is in its place. Loses nothing when it is dropped.
    pub(super) async fn read(&mut self) -> Read {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Read::Text(text),
            Some(Ok(Message::Binary(bytes))) => Read::Binary(bytes),
            Some(Ok(Message::Ping(_))) => self.on_control(),
            Some(Ok(Message::Pong(payload))) => {
                self.liveness.on_pong(&payload, self.clock.now());
                self.on_control()
            }
            Some(Ok(Message::Close(_))) => {
                // Nothing comes after the answer, whoever would say it.
                self.is_closed = true;
                if let Some(outlet) = &self.outlet {
                    outlet.hold();
                }
                // The library has made the answer; it goes out with the flush.
                let _ = tokio::time::timeout(CLOSE_TIME_MAX, self.socket.flush()).await;
                Read::Ended(Ending::Gone("closed by the client"))
            }
            // Only messages are read, never raw frames.
            Some(Ok(Message::Frame(_))) => Read::Nothing,
            Some(Err(error)) => {
                self.broken = true;
                Read::Ended(ending_of(&error))
            }
            None => Read::Ended(Ending::Gone("gone")),
        }
    }

    fn on_control(&mut self) -> Read {
        match self.control.count(CONTROL_RATE, self.clock.now()) {
            Ok(()) => Read::Nothing,
            Err(_) => Read::Ended(Ending::Close(CloseCode::Policy, "too many pings".to_owned())),
        }
    }

    /// Sends a text, and waits until the system has taken it. Whoever stops waiting has to end the connection: what was not
    /// taken of the text is missing.
    pub(super) async fn send(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), Ending> {
        let text: Utf8Bytes = text.into();
        self.reserve().await?;
        // What the library has to say, a pong say, comes first. The text goes past it: it would copy each one into a buffer of
        // this socket's own, and keep that as long as the longest.
        in_time(self.socket.flush()).await?;
        write_text(self.socket.get_mut(), text.as_bytes()).await?;
        self.has_written();
        Ok(())
    }

    /// Sends bytes, and waits until the system has taken them.
    pub(super) async fn send_binary(&mut self, bytes: Bytes) -> Result<(), Ending> {
        self.write(Message::Binary(bytes)).await
    }

    /// Does what the liveness asks for at `now`.
    pub(super) async fn keep_alive(&mut self, now: Timestamp) -> Result<(), Ending> {
        match self.liveness.due(now) {
            Due::Nothing => Ok(()),
            Due::Ping(number) => self.ping(number).await,
            Due::Dead => Err(Ending::Gone("no pong in time")),
        }
    }

    /// Waits until a ping is due, and sends it.
    pub(super) async fn ping_when_due(&mut self) -> Result<(), Ending> {
        self.clock.sleep_until(self.liveness.ping_at()).await;
        match self.liveness.ping_due(self.clock.now()) {
            Some(number) => self.ping(number).await,
            None => Ok(()),
        }
    }

    async fn ping(&mut self, number: u32) -> Result<(), Ending> {
        self.write(Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes()))).await
    }

    /// Writes what others have left of a frame. Whoever takes some of it now and then gets all of it.
    pub(super) async fn finish(&mut self) -> Result<(), Ending> {
        self.reserve().await.map(|()| self.has_written())
    }

    /// Sees to it that nobody else writes until the next whole write is done, with what others have left out before it.
    async fn reserve(&mut self) -> Result<(), Ending> {
        if self.is_closed {
            return Err(Ending::Gone("closed by the client"));
        }
        let Some(outlet) = &self.outlet else { return Ok(()) };
        while !outlet.reserve() {
            let written = in_time(async { outlet.write_some_of_the_rest().await.map_err(Error::Io) }).await;
            if let Err(ending) = written {
                // Nobody takes what the system has of it.
                outlet.reset_when_dropped();
                return Err(ending);
            }
        }
        Ok(())
    }

    fn has_written(&self) {
        if let Some(outlet) = &self.outlet {
            outlet.has_written();
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), Ending> {
        self.reserve().await?;
        in_time(self.socket.send(message)).await?;
        self.has_written();
        Ok(())
    }

    /// Ends the connection; takes at most about twice [`CLOSE_TIME_MAX`].
    pub(super) async fn end(mut self, ending: &Ending) {
        let Ending::Close(code, reason) = ending else { return };
        let frame = CloseFrame { code: CloseNumber::from(code.number()), reason: shortened(reason).into() };
        let Ok(Ok(())) = tokio::time::timeout(CLOSE_TIME_MAX, self.socket.close(Some(frame))).await else { return };
        let broken = self.broken;
        let answered = async {
            if broken {
                discard(self.socket.get_mut()).await
            } else {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        // The close has been said; whether it is answered makes no difference here.
        let _ = tokio::time::timeout(CLOSE_TIME_MAX, answered).await;
    }
}

/// A write that may take [`WRITE_TIME_MAX`].
async fn in_time<T>(write: impl Future<Output = Result<T, Error>>) -> Result<T, Ending> {
    match tokio::time::timeout(WRITE_TIME_MAX, write).await {
        Ok(Ok(written)) => Ok(written),
        Ok(Err(error)) => Err(ending_of(&error)),
        Err(_elapsed) => Err(too_slow()),
    }
}

/// The end of whoever takes nothing.
fn too_slow() -> Ending {
    metrics::counter!("intervalo_slow_sockets_total").increment(1);
    Ending::Gone("too slow a reader")
}

/// Writes a text as one frame from where it lies, its head in the same system call. Whoever takes some of it now and then gets all of
/// it, however long that takes.
async fn write_text<S: AsyncWrite + Unpin>(stream: &mut S, text: &[u8]) -> Result<(), Ending> {
    let head = FrameHead::of_text(text.len());
    let mut rest: &mut [IoSlice<'_>] = &mut [IoSlice::new(head.as_bytes()), IoSlice::new(text)];
    while !rest.is_empty() {
        let some = async {
            match stream.write_vectored(rest).await {
                Ok(0) => Err(Error::Io(io::ErrorKind::WriteZero.into())),
                taken => taken.map_err(Error::Io),
            }
        };
        let taken = in_time(some).await?;
        IoSlice::advance_slices(&mut rest, taken);
    }
    in_time(async { stream.flush().await.map_err(Error::Io) }).await
}

/// Says that nothing more comes, then throws away what the other side still sends.
async fn discard<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut buffer = [0u8; 4096];
    let mut discarded = 0;
    while discarded < DISCARD_BYTES_MAX {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(bytes) => discarded += bytes,
        }
    }
}

fn ending_of(error: &Error) -> Ending {
    match error {
        Error::Capacity(_) => {
            Ending::Close(CloseCode::TooBig, format!("a message may have at most {MESSAGE_BYTES_MAX} bytes"))
        }
        Error::Protocol(why) => {
            use tokio_tungstenite::tungstenite::error::ProtocolError;
            if matches!(why, ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing) {
                return Ending::Gone("gone");
            }
            Ending::Close(CloseCode::ProtocolError, why.to_string())
        }
        Error::Utf8(_) => Ending::Close(CloseCode::NotUtf8, "the text is not UTF-8".to_owned()),
        Error::WriteBufferFull(_) => Ending::Close(CloseCode::Policy, "too slow a reader".to_owned()),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => Ending::Gone("gone"),
    }
}

fn shortened(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, DuplexStream};
    use tokio_tungstenite::tungstenite::protocol::Role as End;

    use super::*;
    use crate::clock::SystemClock;

    async fn pair() -> (Wire<DuplexStream>, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        (Wire::new(ours, Arc::new(SystemClock::start(Timestamp(0))), PingTimes::default()).await, theirs)
    }

    /// Sends raw bytes, reads until the connection ends, and gives the code of the close frame.
    async fn close_code_after(bytes: Vec<u8>) -> u16 {
        let (mut wire, mut client) = pair().await;
        let writer = tokio::spawn(async move {
            client.write_all(&bytes).await.expect("written");
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.expect("read");
            answer
        });
        let ending = loop {
            if let Read::Ended(ending) = wire.read().await {
                break ending;
            }
        };
        wire.end(&ending).await;
        let answer = writer.await.expect("no panic");
        let close = answer.iter().rposition(|&byte| byte == 0x88).expect("a close frame");
        u16::from_be_bytes([answer[close + 2], answer[close + 3]])
    }

    /// A masked frame with an all-zero mask.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..=125 => bytes.push(0x80 | short as u8),
            middle @ 126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend((middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(0x80 | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn bad_frames_are_answered_with_the_code_that_the_fault_table_names() {
        assert_eq!(close_code_after(vec![0x81, 0x01, b'x']).await, 1002, "unmasked");
        assert_eq!(close_code_after(frame(0x83, b"x")).await, 1002, "reserved opcode");
        assert_eq!(close_code_after(frame(0xc1, b"x")).await, 1002, "reserved bit");
        assert_eq!(close_code_after(frame(0x81, &[0xff, 0xfe])).await, 1007, "not UTF-8");
        assert_eq!(close_code_after(frame(0x81, &vec![b'x'; MESSAGE_BYTES_MAX + 1])).await, 1009, "one byte too many");
        let endless = [&[0x81, 0x80 | 127][..], &(1u64 << 62).to_be_bytes(), &[0; 4]].concat();
        assert_eq!(close_code_after(endless).await, 1009, "a declared length of 2^62");
    }

    #[tokio::test(start_paused = true)]
    async fn fragments_are_counted_together() {
        let mut bytes = frame(0x01, b"x");
        for _ in 0..200_000 {
            bytes.extend(frame(0x00, b"x"));
        }
        assert_eq!(close_code_after(bytes).await, 1009);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_pings_is_cut() {
        let flood: Vec<u8> = std::iter::repeat_n(frame(0x89, b""), 100).flatten().collect();
        assert_eq!(close_code_after(flood).await, 1008);
    }

    #[tokio::test(start_paused = true)]
    async fn the_largest_message_gets_through() {
        let (mut wire, mut client) = pair().await;
        client.write_all(&frame(0x81, &vec![b'x'; MESSAGE_BYTES_MAX])).await.expect("written");
        assert!(matches!(wire.read().await, Read::Text(text) if text.len() == MESSAGE_BYTES_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn texts_of_every_length_arrive_whole_and_behind_what_was_said_before() {
        // Less than most of them have, so that they are taken in pieces.
        let (ours, theirs) = tokio::io::duplex(1000);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let mut wire = Wire::new(ours, clock, PingTimes::default()).await;
        let mut client = WebSocketStream::from_raw_socket(theirs, End::Client, None).await;
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 500_000];
        let sending = async {
            // Nobody waits until it is taken.
            let _unfinished = wire.ping(7).now_or_never();
            for length in lengths {
                wire.send("x".repeat(length)).await.expect("sent");
            }
        };
        let receiving = async {
            assert!(matches!(client.next().await, Some(Ok(Message::Ping(_)))));
            for length in lengths {
                let Some(Ok(Message::Text(text))) = client.next().await else { panic!("no text of {length}") };
                assert_eq!(text.len(), length);
            }
        };
        tokio::join!(sending, receiving);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_slow_and_steady_gets_all_of_it() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let mut wire = Wire::new(ours, Arc::clone(&clock) as Arc<dyn Clock>, PingTimes::default()).await;
        let reading = async {
            let (mut buffer, mut got) = ([0; 1024], 0);
            while got < 20_000 {
                clock.sleep_until(clock.now() + Duration::from_secs(4)).await;
                got += theirs.read(&mut buffer).await.expect("read");
            }
            got
        };
        let (sent, got) = tokio::join!(wire.send("x".repeat(20_000)), reading);
        assert_eq!((sent, got), (Ok(()), 20_004));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_reading_is_cut_after_five_seconds() {
        let (ours, _theirs) = tokio::io::duplex(1024);
        let clock = Arc::new(SystemClock::start(Timestamp(0)));
        let mut wire = Wire::new(ours, Arc::clone(&clock) as Arc<dyn Clock>, PingTimes::default()).await;
        let start = clock.now();
        assert_eq!(wire.send("x".repeat(10_000)).await, Err(Ending::Gone("too slow a reader")));
        assert_eq!(clock.now().since(start), WRITE_TIME_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_says_its_reason_and_is_answered() {
        let (wire, theirs) = pair().await;
        let mut client = WebSocketStream::from_raw_socket(theirs, End::Client, None).await;
        let ending = Ending::Close(CloseCode::NotOpened, "é".repeat(100));
        let ((), heard) = tokio::join!(wire.end(&ending), client.next());
        let Some(Ok(Message::Close(Some(frame)))) = heard else { panic!("heard {heard:?}") };
        assert_eq!(u16::from(frame.code), 4408);
        assert_eq!(frame.reason.as_str(), "é".repeat(61));
    }
}
