//! One task a socket: it alone reads, writes, and ends the connection.
//!
//! Calls run one after the other. While one runs, nothing else is sent but pings, so that its reply
//! precedes what it causes; and nothing is read, so that a client which does not wait fills its own
//! buffers, not ours.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};

use super::App;
use super::agent_session::{Heard, Session, Told};
use super::board_session::Boards;
use super::outlet::Outlet;
use super::wire::{Ending, Read, Wire};
use crate::actor::Notice;
use crate::auth::Principal;
use crate::domain::time::Timestamp;
use crate::hub::BoardFrame;
use crate::protocol::close::CloseCode;
use crate::protocol::notifications::Notification;

/// The soonest that a client is asked to come back after a restart: a process takes about that long
/// to start.
const RECONNECT_AFTER_MS_MIN: u64 = 1_000;
/// Over how long the clients of a restarting server are spread.
const RECONNECT_SPREAD_MS: u64 = 9_000;

/// Who comes by a socket, and from where.
pub(super) struct Arrival {
    /// Where they come to.
    pub(super) app: Arc<App>,
    /// Who has shown a credential with the upgrade.
    pub(super) principal: Option<Principal>,
    /// The address of whoever opens it.
    pub(super) client: IpAddr,
    /// The connection itself, where others may write to it as well.
    pub(super) outlet: Option<Arc<Outlet>>,
    /// Which page opens it, where a browser says so.
    pub(super) origin: Option<String>,
}

/// Serves one socket until it ends.
pub(super) async fn run<S>(stream: S, arrival: Box<Arrival>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // In a box: as locals of this task, the parts would have room in it beside the whole.
    let mut connection = Box::pin(Connection::open(stream, *arrival)).await;
    let _counted = Counted::new();
    let (id, cut) = (connection.session.id(), connection.app.cut.clone());
    let ending = tokio::select! {
        ending = connection.serve() => ending,
        () = cut.cancelled() => Ending::Gone("cut"),
    };
    connection.session.has_ended(&ending);
    Box::pin(cut.run_until_cancelled(connection.end(&ending))).await;
    let (code, why) = match &ending {
        Ending::Close(code, reason) => (code.number(), reason.as_str()),
        Ending::Gone(why) => (0, *why),
    };
    metrics::counter!("intervalo_sockets_ended_total", "code" => code.to_string()).increment(1);
    tracing::debug!(session.id = id.0, code, "socket {id} ended: {why}");
}

/// Takes a socket off the gauge, however its task ends.
struct Counted;

impl Counted {
    fn new() -> Counted {
        metrics::gauge!("intervalo_sockets").increment(1.0);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("intervalo_sockets").decrement(1.0);
    }
}

struct Connection<S> {
    app: Arc<App>,
    wire: Wire<S>,
    session: Session,
    boards: Boards,
    /// Where boards are told frames past this task.
    outlet: Option<Arc<Outlet>>,
    /// When it is read again, while it is not.
    reads_again_at: Option<Timestamp>,
}

/// All that can wake a socket's task.
enum Input {
    Read(Read),
    Notice(Option<Notice>),
    Frame(BoardFrame),
    MenuMoved,
    CredentialEnded,
    /// A frame that was written past this task was not taken whole.
    Rest,
    Time,
    Drain,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn open(stream: S, arrival: Arrival) -> Connection<S> {
        let Arrival { app, principal, client, outlet, origin } = arrival;
        let mut wire = Wire::new(stream, Arc::clone(&app.clock), app.settings.ping).await.shared(outlet.clone());
        let session = Session::new(Arc::clone(&app), principal, origin, client, wire.liveness().answered_at());
        let id = session.id();
        tracing::debug!(session.id = id.0, client = %client, "socket {id} from {client}");
        Connection { app, wire, session, boards: Boards::new(outlet.clone()), outlet, reads_again_at: None }
    }

    async fn serve(&mut self) -> Ending {
        // What runs now and then is kept apart from the task, of which each socket holds all there may ever be.
        Box::pin(self.session.open_at_once()).await;
        loop {
            if let Some(ending) = self.session.take_ending() {
                return ending;
            }
            let input = self.next_input().await;
            if let Err(ending) = Box::pin(self.on_input(input)).await {
                return ending;
            }
        }
    }

    /// The agent is taken off and the boards end at once; saying goodbye may take a moment.
    async fn end(self, ending: &Ending) {
        let Connection { wire, session, boards, .. } = self;
        drop((session, boards));
        wire.end(ending).await;
    }

    async fn next_input(&mut self) -> Input {
        let deadline = self.wire.next_deadline().min(self.session.next_deadline());
        let deadline = self.reads_again_at.map_or(deadline, |at| at.min(deadline));
        let reads = self.reads_again_at.is_none();
        let shows_boards = self.shows_boards();
        tokio::select! {
            () = self.app.draining.cancelled() => Input::Drain,
            read = self.wire.read(), if reads => Input::Read(read),
            heard = self.session.next_heard() => match heard {
                Heard::Notice(notice) => Input::Notice(notice),
                Heard::MenuMoved => Input::MenuMoved,
                Heard::Ended => Input::CredentialEnded,
            },
            // A board that is not asked costs nothing, and goes on where it was with one frame.
            frame = self.boards.next(), if shows_boards => Input::Frame(frame),
            () = self.app.clock.sleep_until(deadline) => Input::Time,
            () = left_with_a_rest(self.outlet.as_deref()) => Input::Rest,
        }
    }

    async fn on_input(&mut self, input: Input) -> Result<(), Ending> {
        match input {
            Input::Read(Read::Text(text)) => self.on_text(&text).await,
            Input::Read(Read::Binary(_)) => {
                Err(Ending::Close(CloseCode::Unsupported, "only text messages are spoken here".to_owned()))
            }
            Input::Read(Read::Nothing) => Ok(()),
            Input::Read(Read::Ended(ending)) => Err(ending),
            Input::CredentialEnded => {
                Err(Ending::Close(CloseCode::CredentialEnded, "the credential was ended".to_owned()))
            }
            Input::Notice(notice) => self.on_notice(notice).await,
            Input::Frame(frame) => self.send_frame(frame).await,
            Input::MenuMoved => {
                self.session.look_at_menu_soon(self.app.clock.now());
                Ok(())
            }
            Input::Rest => self.wire.finish().await,
            Input::Time => self.on_time().await,
            Input::Drain => self.on_drain().await,
        }
    }

    async fn send_frame(&mut self, frame: BoardFrame) -> Result<(), Ending> {
        self.wire.send(frame.text).await?;
        let tells_requests = self.session.wanted().has(Notification::RequestChanged);
        for aside in frame.asides.into_iter().filter(|_| tells_requests) {
            self.wire.send(aside).await?;
        }
        Ok(())
    }

    fn shows_boards(&self) -> bool {
        self.session.wanted().has(Notification::BoardChanged)
    }

    async fn on_text(&mut self, text: &str) -> Result<(), Ending> {
        // What a call causes comes after its reply.
        if let Some(outlet) = &self.outlet {
            outlet.hold();
            self.wire.finish().await?;
        }
        // What is waiting was before whatever the call will lead to.
        self.say_what_waits().await?;
        let began = self.app.clock.now();
        let answer = self.answer(text).await?;
        let now = self.app.clock.now();
        let busy = now.since(began).saturating_sub(self.session.take_held_up());
        self.wire.liveness().was_busy(busy, now);
        if let Some(answer) = answer {
            self.wire.send(answer).await?;
        }
        self.reads_again_at = self.session.take_pause().map(|pause| now + pause);
        if self.session.signed_out() {
            return self.say_what_the_sign_out_led_to().await;
        }
        if self.shows_boards()
            && let Some(outlet) = &self.outlet
        {
            outlet.release();
        }
        Ok(())
    }

    /// Runs the calls of a message; pings go on meanwhile.
    async fn answer(&mut self, text: &str) -> Result<Option<String>, Ending> {
        let Connection { wire, session, boards, .. } = self;
        let mut answering = Box::pin(session.answer(text, boards));
        loop {
            tokio::select! {
                biased;
                answer = &mut answering => return Ok(answer),
                pinged = wire.ping_when_due() => pinged?,
            }
        }
    }

    /// A session that signed out is told what that led to, which is waiting already, and ends.
    async fn say_what_the_sign_out_led_to(&mut self) -> Result<(), Ending> {
        self.say_what_waits().await?;
        Err(Ending::Close(CloseCode::SignedOut, "signed out".to_owned()))
    }

    async fn say_what_waits(&mut self) -> Result<(), Ending> {
        while let Some(notice) = self.session.waiting_notice() {
            self.on_notice(Some(notice)).await?;
        }
        Ok(())
    }

    async fn on_notice(&mut self, notice: Option<Notice>) -> Result<(), Ending> {
        let now = self.app.clock.now();
        match self.session.on_notice(notice, now) {
            Told::Send(text) => self.send(text).await,
            Told::SendAndPing(text) => {
                self.wire.liveness().hurry(now);
                self.send(text).await
            }
            // While the server drains, everybody is told when to come back.
            Told::End(Ending::Gone(_)) if self.app.draining.is_cancelled() => self.on_drain().await,
            Told::End(ending) => Err(ending),
        }
    }

    async fn send(&mut self, text: Option<String>) -> Result<(), Ending> {
        match text {
            Some(text) => self.wire.send(text).await,
            None => Ok(()),
        }
    }

    async fn on_time(&mut self) -> Result<(), Ending> {
        let now = self.app.clock.now();
        self.reads_again_at = self.reads_again_at.filter(|at| *at > now);
        self.wire.keep_alive(now).await?;
        for text in Box::pin(self.session.on_time(now)).await? {
            self.wire.send(text).await?;
        }
        Ok(())
    }

    async fn on_drain(&mut self) -> Result<(), Ending> {
        let after = match self.session.name() {
            Some(name) => reconnect_after_ms(name),
            None => reconnect_after_ms(self.session.id()),
        };
        let params = json!({"reconnect_after_ms": after});
        self.send(self.session.wanted().text(Notification::ServerDraining, &params)).await?;
        Err(Ending::Close(CloseCode::Restart, "the server restarts".to_owned()))
    }
}

/// Completes once others have left something to be finished; never, where nobody else writes.
async fn left_with_a_rest(outlet: Option<&Outlet>) {
    match outlet {
        Some(outlet) => outlet.is_left_with_a_rest().await,
        None => std::future::pending().await,
    }
}

/// When whoever is called something is to come back: spread evenly by a hash of it, so that nothing random is
/// needed and neighbours do not come together.
pub(super) fn reconnect_after_ms(name: impl Hash) -> u64 {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
    RECONNECT_AFTER_MS_MIN + hash % RECONNECT_SPREAD_MS
}

#[cfg(test)]
mod tests {
    use hyper::upgrade::Upgraded;
    use hyper_util::rt::TokioIo;

    use super::*;

    /// How many bytes of a task what an asynchronous function does takes.
    fn task_bytes<A, B, F: Future>(_: impl FnOnce(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn promise_r1_the_task_of_a_socket_holds_little_while_nothing_is_asked_of_it() {
        let bytes = task_bytes(run::<TokioIo<Upgraded>>);
        assert!(bytes <= 3 * 1024, "{bytes} bytes of the 16 KiB that a connection may take");
    }

    #[test]
    fn clients_are_asked_to_come_back_spread_over_the_whole_time() {
        let waits: Vec<u64> = (1..=9_000_u64).map(reconnect_after_ms).collect();
        assert!(waits.iter().all(|ms| (1_000..10_000).contains(ms)));
        for second in 1..10 {
            let share = waits.iter().filter(|ms| **ms / 1000 == second).count();
            assert!((800..1200).contains(&share), "{share} of 9000 in second {second}");
        }
    }
}
