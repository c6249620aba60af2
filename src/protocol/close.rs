//! Why the server ends a WebSocket: the codes of `docs/protocol.md`, "Close codes".

/// A close code with its meaning. An error answers one request; a close code ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseCode {
    /// The session was signed out, by the agent itself or by a pause's limit.
    SignedOut,
    /// The other side went away.
    GoingAway,
    /// The bytes are no WebSocket frames as RFC 6455 has them.
    ProtocolError,
    /// Binary messages are not spoken here.
    Unsupported,
    /// A text message is not UTF-8.
    NotUtf8,
    /// Too many faults or pings, or too slow a reader.
    Policy,
    /// The message is larger than accepted.
    TooBig,
    /// The server failed.
    Internal,
    /// The server restarts; come back when it said.
    Restart,
    /// The credential ended, or the person left.
    CredentialEnded,
    /// A supervisor, an administrator or an integration signed the agent out.
    SignedOutByOther,
    /// No session was opened in time.
    NotOpened,
    /// The principal has too many sockets.
    TooManyConnections,
}

impl CloseCode {
    /// Every code, ascending.
    pub const ALL: [CloseCode; 13] = [
        CloseCode::SignedOut,
        CloseCode::GoingAway,
        CloseCode::ProtocolError,
        CloseCode::Unsupported,
        CloseCode::NotUtf8,
        CloseCode::Policy,
        CloseCode::TooBig,
        CloseCode::Internal,
        CloseCode::Restart,
        CloseCode::CredentialEnded,
        CloseCode::SignedOutByOther,
        CloseCode::NotOpened,
        CloseCode::TooManyConnections,
    ];

    /// Whether a connection that ends so has ended for what the client did.
    pub fn is_fault_of_client(self) -> bool {
        match self {
            CloseCode::ProtocolError
            | CloseCode::Unsupported
            | CloseCode::NotUtf8
            | CloseCode::Policy
            | CloseCode::TooBig => true,
            CloseCode::SignedOut
            | CloseCode::GoingAway
            | CloseCode::Internal
            | CloseCode::Restart
            | CloseCode::CredentialEnded
            | CloseCode::SignedOutByOther
            | CloseCode::NotOpened
            | CloseCode::TooManyConnections => false,
        }
    }

    /// The number on the wire: RFC 6455 §7.4.1 below 4000, the application's own from there.
    pub fn number(self) -> u16 {
        match self {
            CloseCode::SignedOut => 1000,
            CloseCode::GoingAway => 1001,
            CloseCode::ProtocolError => 1002,
            CloseCode::Unsupported => 1003,
            CloseCode::NotUtf8 => 1007,
            CloseCode::Policy => 1008,
            CloseCode::TooBig => 1009,
            CloseCode::Internal => 1011,
            CloseCode::Restart => 1012,
            CloseCode::CredentialEnded => 4401,
            CloseCode::SignedOutByOther => 4403,
            CloseCode::NotOpened => 4408,
            CloseCode::TooManyConnections => 4429,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_ascend_and_none_is_used_twice() {
        let numbers: Vec<u16> = CloseCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
