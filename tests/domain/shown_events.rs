//! What others are shown of events: of an agent on a protected pause the same as of the shadow, who chose `unavailable`
//! instead (semantics §11). `World` compares the two after every step.

use intervalo::domain::agent::{Agent, Connection, Status};
use intervalo::domain::event::{AgentEvent, AgentEventBody, ChosenStatus};
use intervalo::domain::id::PauseId;
use intervalo::domain::shown_event::{Around, Next, Protected, Shown, shown};

/// An event as it is shown, as far as it must not differ.
pub(crate) type Told = String;

/// What others are shown of the events of one step, which begins at this state.
pub(crate) fn told(agent: &Agent, events: &[AgentEvent], protected: &Protected) -> Vec<Told> {
    let mut agent = agent.clone();
    let mut told = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let around = Around {
            status: chosen(&agent),
            lost: matches!(agent.connection, Connection::Disconnected { .. }),
            next: events[place + 1..].iter().map(next).find(|next| *next != Next::Other).unwrap_or_default(),
        };
        match shown(event, protected, around) {
            Shown::AsItIs => told.push(text(event)),
            Shown::Instead(event) => told.push(text(&event)),
            Shown::Nothing => {}
        }
        agent.apply(event).expect("what was decided follows");
    }
    told
}

/// The protected pause that begins with an event.
pub(crate) fn protected_begun(event: &AgentEvent) -> Option<PauseId> {
    let AgentEventBody::PauseStarted(started) = &event.body else { return None };
    started.terms.is_none().then_some(started.id)
}

fn chosen(agent: &Agent) -> Option<ChosenStatus> {
    match &agent.status {
        Status::Offline => Some(ChosenStatus::Offline),
        Status::Available => Some(ChosenStatus::Available),
        Status::Unavailable => Some(ChosenStatus::Unavailable),
        Status::Paused(_) => None,
    }
}

fn next(event: &AgentEvent) -> Next {
    let (leaves, comes) = (["agent.signed_out", "agent.deactivated"], ["agent.signed_in", "agent.resumed"]);
    match event.body.name() {
        name if leaves.contains(&name) => Next::Leave,
        name if comes.contains(&name) => Next::SignIn,
        _ => Next::Other,
    }
}

/// Without what is not shown (`shift`, offers) or is of each of the two alone (ids, what is used up).
fn text(event: &AgentEvent) -> Told {
    let status = |status: ChosenStatus| status.as_str();
    let data = if let AgentEventBody::StatusChanged { from, to } = event.body {
        format!("{} to {}", status(from), status(to))
    } else if let AgentEventBody::SignedIn { status: to, .. } | AgentEventBody::Resumed { status: to } = event.body {
        status(to).to_owned()
    } else if let AgentEventBody::PauseStarted(started) = &event.body {
        format!("{} replaces {:?}", started.pause_type, started.replaces.is_some())
    } else if let AgentEventBody::PauseEnded(ended) = &event.body {
        format!("{:?} replaced by {:?}", ended.then, ended.replaced_by.is_some())
    } else {
        String::new()
    };
    let (name, cause) = (event.body.name(), event.cause.as_str());
    format!("{name} {data} by {:?} ({cause}) because {:?} due {:?}", event.actor, event.reason, event.due_at)
}
