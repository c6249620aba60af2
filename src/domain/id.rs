//! Identifiers: newtypes for everything that two arguments could swap.
//!
//! Text ids come from the host application and are checked once, when they are made.

use std::fmt;
use std::sync::Arc;

/// The longest text id that is accepted, in characters (`docs/protocol.md`, "Ids").
pub const ID_LENGTH_MAX: usize = 128;

/// Why a text cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The text has more than [`ID_LENGTH_MAX`] characters.
    #[error("an id may have at most {ID_LENGTH_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// The text has a character that does not print.
    #[error("an id may hold printable characters only, and no white space at its ends")]
    NotPrintable,
}

fn checked(text: &str) -> Result<Arc<str>, IdError> {
    let length = text.chars().count();
    if length == 0 {
        return Err(IdError::Empty);
    }
    if length > ID_LENGTH_MAX {
        return Err(IdError::TooLong(length));
    }
    if text.chars().any(is_unprintable) || text.trim() != text {
        return Err(IdError::NotPrintable);
    }
    Ok(Arc::from(text))
}

/// True for control characters and for the invisible ones that reorder or hide text, the tags of
/// plane 14 among them.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// The same for what people write, where the joiners of Persian, Sinhala and other scripts, and of emoji, belong to the text.
pub fn is_unprintable_in_text(c: char) -> bool {
    is_unprintable(c) && !matches!(c, '\u{200C}' | '\u{200D}')
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a text and makes it an id.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long or not printable.
            pub fn new(text: &str) -> Result<Self, IdError> {
                checked(text).map(Self)
            }

            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

text_id!(
    /// A company that shares the installation; nothing of one is visible to another.
    TenantId
);
text_id!(
    /// An attendant, by the host application's own id; unique within the tenant.
    AgentId
);
text_id!(
    /// A group of agents, by the host application's own id; unique within the tenant.
    TeamId
);
text_id!(
    /// The code of a kind of pause; it never changes, names are translations.
    PauseTypeCode
);
text_id!(
    /// A rule that owes pauses, by the id that the administrator gave it.
    EntitlementRuleId
);
text_id!(
    /// The code of a channel that agents work on.
    ChannelCode
);
text_id!(
    /// An integration that reports occupancy, by the name that it gives itself.
    SourceId
);
text_id!(
    /// Who a credential speaks for: a supervisor, an administrator, an integration.
    PrincipalId
);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number!(
    /// An agent's own event number: 1, 2, 3 … without gaps; 0 before the first event.
    AgentSeq
);
number!(
    /// A tenant's event number: 1, 2, 3 … without gaps; what boards, cursors and the chain use.
    TenantSeq
);
number!(
    /// A version of a tenant's pause policy; 0 before the first is published.
    PolicyVersion
);
number!(
    /// A version of a tenant's directory (teams, people, channels, settings); 0 before the first.
    DirectoryVersion
);
number!(
    /// One open socket of an agent, unique within a run of the server.
    SessionId
);

macro_rules! wide_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            /// Writes the id in the 8-4-4-4-12 form of RFC 9562.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let v = self.0;
                write!(
                    f,
                    "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                    (v >> 96) as u32,
                    (v >> 80) as u16,
                    (v >> 64) as u16,
                    (v >> 48) as u16,
                    v & 0xffff_ffff_ffff
                )
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = WideIdError;
            fn from_str(text: &str) -> Result<Self, WideIdError> {
                parse_wide(text).map(Self).ok_or(WideIdError)
            }
        }
    };
}

/// A text that is not a 128-bit id in the 8-4-4-4-12 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct WideIdError;

fn parse_wide(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    let hyphens = [8, 13, 18, 23];
    if bytes.len() != 36 || hyphens.iter().any(|&at| bytes[at] != b'-') {
        return None;
    }
    let mut value = 0u128;
    for (at, &byte) in bytes.iter().enumerate() {
        if !hyphens.contains(&at) {
            value = value << 4 | u128::from((byte as char).to_digit(16)?);
        }
    }
    Some(value)
}

wide_id!(
    /// A key, an account, an invitation or a login.
    CredentialId
);
wide_id!(
    /// The offer of a slot.
    OfferId
);
wide_id!(
    /// One pause taken. Random and time-ordered; made outside the domain and handed in.
    PauseId
);
wide_id!(
    /// One request for an exception, and the grant that comes of it.
    RequestId
);
wide_id!(
    /// An entitlement that is about to lapse, for as long as it is.
    RiskId
);
wide_id!(
    /// What makes a command safe to send again: one effect for one `op` (semantics §9).
    Op
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_does_not_print() {
        assert_eq!(AgentId::new(""), Err(IdError::Empty));
        assert_eq!(AgentId::new("a\u{0}b"), Err(IdError::NotPrintable));
        assert_eq!(AgentId::new("a\u{202E}b"), Err(IdError::NotPrintable));
        // An Arabic letter mark reorders; a tag of plane 14 is a second, unseen "A".
        for hidden in ["a\u{61C}b", "a\u{206A}b", "a\u{FFF9}b", "a\u{E0041}"] {
            assert_eq!(AgentId::new(hidden), Err(IdError::NotPrintable), "{hidden:?}");
        }
        assert_eq!(AgentId::new(" ana"), Err(IdError::NotPrintable));
        assert_eq!(AgentId::new(&"é".repeat(129)), Err(IdError::TooLong(129)));
        assert!(AgentId::new(&"é".repeat(128)).is_ok());
        assert!(AgentId::new("ana souza@acme").is_ok());
    }

    #[test]
    fn wide_ids_read_back_what_they_print() {
        let id = PauseId(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
        assert_eq!(id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("01890a5dac96774bbcceb302099a8057".parse::<PauseId>(), Err(WideIdError));
        assert_eq!("01890a5d-ac96-774b-bcce-b302099a805g".parse::<PauseId>(), Err(WideIdError));
    }
}
