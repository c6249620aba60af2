//! A handle on an agent's actor: a sender with methods. Nobody outside sees the messages.

use tokio::sync::oneshot;

use super::reply::{CommandError, Reply};
use super::session::SessionLink;
use crate::domain::command::{Actor, Command, Request};
use crate::domain::id::{AgentSeq, SessionId};
use crate::domain::menu::PauseOption;
use crate::domain::occupancy::Report;
use crate::domain::presence::AgentView;
use crate::domain::shift::Plan;
use crate::limits::Limit;
use crate::sync::{NotTaken, Receiver, Sender, may_switch, queue};
use std::sync::Arc;

/// How many messages may wait for one agent. A person sends one at a time; supervisors add a few.
/// More than this is answered `busy`.
pub(super) const MAILBOX_MAX: usize = 32;

/// What an actor can be told. Boxed in the mailbox, so that an idle mailbox stays small.
#[derive(Debug)]
pub(crate) enum Message {
    Execute {
        request: Request,
        reply: oneshot::Sender<Result<Reply, CommandError>>,
    },
    Attach {
        session: SessionLink,
        reply: oneshot::Sender<Result<Arc<AgentView>, CommandError>>,
    },
    Detach {
        session: SessionId,
    },
    SignOutSession {
        session: SessionId,
        request: Request,
        reply: oneshot::Sender<Result<(), CommandError>>,
    },
    Report {
        report: Report,
        expected_version: Option<AgentSeq>,
        reply: oneshot::Sender<Result<Reply, CommandError>>,
    },
    /// A source that has told all that it knows did not name the agent.
    ReportNothing {
        report: Report,
    },
    /// The company is being closed: whatever runs or waits ends.
    Leave {
        by: Actor,
        reply: oneshot::Sender<Result<(), CommandError>>,
    },
    View {
        reply: oneshot::Sender<Arc<AgentView>>,
    },
    PublicView {
        reply: oneshot::Sender<Arc<AgentView>>,
    },
    Options {
        reply: oneshot::Sender<Vec<PauseOption>>,
    },
    Shifts {
        reply: oneshot::Sender<Plan>,
    },
    /// A definition was put in force, or it is the agent's turn in a line: what is due may be something else.
    Look,
}

impl Message {
    /// True for what is said of pauses on record, which needs nobody who is there.
    pub(super) fn is_about_record(&self) -> bool {
        let Message::Execute { request, .. } = self else { return false };
        matches!(request.command, Command::CorrectPause { .. } | Command::AnnotatePause { .. })
    }
}

/// A way to one agent's actor. It may have gone by the time a message is sent; the registry then
/// gives another.
#[derive(Debug, Clone)]
pub(super) struct AgentHandle {
    pub(super) generation: u64,
    mailbox: Sender<Box<Message>>,
}

/// Why a message did not get through; it comes back.
pub(super) enum NotSent {
    Full,
    Gone(Box<Message>),
}

impl AgentHandle {
    pub(super) fn new(generation: u64) -> (AgentHandle, Receiver<Box<Message>>) {
        let (mailbox, receiver) = queue(MAILBOX_MAX);
        (AgentHandle { generation, mailbox }, receiver)
    }

    pub(super) fn offer(&self, message: Box<Message>) -> Result<(), NotSent> {
        may_switch();
        self.mailbox.try_send(message).map_err(|error| match error {
            NotTaken::Full(_) => {
                Limit::Mailbox.reached();
                NotSent::Full
            }
            NotTaken::Closed(message) => NotSent::Gone(message),
        })
    }

    /// Waits for room: for what must not be lost.
    pub(super) async fn send(&self, message: Box<Message>) -> Result<(), NotSent> {
        may_switch();
        self.mailbox.send(message).await.map_err(NotSent::Gone)
    }
}
