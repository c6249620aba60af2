//! What the server says without being asked: the names of the notifications of protocol v1.

/// A notification of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notification {
    /// The agent's state has changed.
    AgentChanged,
    /// The limit of a pause nears.
    PauseWarned,
    /// The limit of a pause is reached.
    PauseLimitReached,
    /// A slot is kept for the agent for a while.
    PauseOffered,
    /// The end of a recorded pause of the agent was corrected.
    PauseCorrected,
    /// Something was added to the record of a pause of the agent.
    PauseAnnotated,
    /// An outcome or a code of the watched menu has changed.
    OptionsChanged,
    /// A request for an exception was made, or something became of it.
    RequestChanged,
    /// The next frame of a board.
    BoardChanged,
    /// The credential ends soon.
    SessionExpiring,
    /// The server stops, and says when to come back.
    ServerDraining,
}

impl Notification {
    /// Every notification, in the order of the contract.
    pub const ALL: [Notification; 11] = [
        Notification::AgentChanged,
        Notification::PauseWarned,
        Notification::PauseLimitReached,
        Notification::PauseOffered,
        Notification::PauseCorrected,
        Notification::PauseAnnotated,
        Notification::OptionsChanged,
        Notification::RequestChanged,
        Notification::BoardChanged,
        Notification::SessionExpiring,
        Notification::ServerDraining,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Notification::AgentChanged => "agent.changed",
            Notification::PauseWarned => "pause.warned",
            Notification::PauseLimitReached => "pause.limit_reached",
            Notification::PauseOffered => "pause.offered",
            Notification::PauseCorrected => "pause.corrected",
            Notification::PauseAnnotated => "pause.annotated",
            Notification::OptionsChanged => "options.changed",
            Notification::RequestChanged => "request.changed",
            Notification::BoardChanged => "board.changed",
            Notification::SessionExpiring => "session.expiring",
            Notification::ServerDraining => "server.draining",
        }
    }

    /// The notification of that name.
    pub fn named(name: &str) -> Option<Notification> {
        Notification::ALL.into_iter().find(|known| known.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_notifications_are_one_to_one() {
        for known in Notification::ALL {
            assert_eq!(Notification::named(known.name()), Some(known));
        }
        assert_eq!(Notification::named("agent.change"), None);
    }
}
