//! Cursors: where the next page of a list goes on, as text that means nothing to a client.
//!
//! Each place in a list has one text. Whatever else could be read as the same place was never handed out, and is refused.

use super::pauses;
use super::requests::RequestPlace;
use super::sessions::SessionName;
use crate::domain::id::{AgentId, ChannelCode, CredentialId, PauseTypeCode, TeamId, TenantId, TenantSeq};
use crate::store::history::PauseKey;

/// A place in a list.
pub(super) trait Place: Sized {
    /// Reads a text that may stand for one.
    fn read(text: &str) -> Option<Self>;

    /// The text that is handed out for it.
    fn write(&self) -> String;
}

/// The place that a cursor stands for; none when it was not handed out.
pub(super) fn place<P: Place>(cursor: &str) -> Option<P> {
    P::read(cursor).filter(|place| place.write() == cursor)
}

macro_rules! place_by_name {
    ($($name:ident),+) => {
        $(impl Place for $name {
            fn read(text: &str) -> Option<$name> {
                text.parse().ok()
            }

            fn write(&self) -> String {
                self.to_string()
            }
        })+
    };
}

place_by_name!(AgentId, ChannelCode, CredentialId, PauseTypeCode, TeamId, TenantId);

impl Place for TenantSeq {
    fn read(text: &str) -> Option<TenantSeq> {
        text.parse().ok().map(TenantSeq)
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Place for PauseKey {
    fn read(text: &str) -> Option<PauseKey> {
        pauses::cursor(text)
    }

    fn write(&self) -> String {
        pauses::cursor_text(*self)
    }
}

/// What hands cursors out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// `GET /v1/agents` and `GET /v1/entitlements`.
    Agents,
    /// `GET /v1/audit`, its `after`, and `Last-Event-ID` of `GET /v1/events`.
    Events,
    /// `GET /v1/channels`.
    Channels,
    /// `GET /v1/keys` and `GET /v1/accounts`.
    Credentials,
    /// `GET /v1/pauses`.
    Pauses,
    /// `GET /v1/pause-types`.
    PauseTypes,
    /// `GET /v1/requests`.
    Requests,
    /// `GET /v1/sessions`.
    Sessions,
    /// `GET /v1/teams`.
    Teams,
    /// `GET /v1/tenants`.
    Tenants,
}

impl List {
    /// All of them.
    pub const ALL: [List; 10] = [
        List::Agents,
        List::Events,
        List::Channels,
        List::Credentials,
        List::Pauses,
        List::PauseTypes,
        List::Requests,
        List::Sessions,
        List::Teams,
        List::Tenants,
    ];

    /// A cursor of this list read and written again, for who holds the one against the other from outside (`fuzz/`); none when
    /// the list refuses it.
    pub fn again(self, cursor: &str) -> Option<String> {
        fn of<P: Place>(cursor: &str) -> Option<String> {
            place::<P>(cursor).map(|place| place.write())
        }
        match self {
            List::Agents => of::<AgentId>(cursor),
            List::Events => of::<TenantSeq>(cursor),
            List::Channels => of::<ChannelCode>(cursor),
            List::Credentials => of::<CredentialId>(cursor),
            List::Pauses => of::<PauseKey>(cursor),
            List::PauseTypes => of::<PauseTypeCode>(cursor),
            List::Requests => of::<RequestPlace>(cursor),
            List::Sessions => of::<SessionName>(cursor),
            List::Teams => of::<TeamId>(cursor),
            List::Tenants => of::<TenantId>(cursor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_in_the_one_form_that_is_handed_out() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let pause = format!("1795381069123_{id}");
        let request = format!("1795381069123.{id}");
        let cases = [
            (List::Events, "7", &["+7", "07", "7.0", "-1", "", "18446744073709551616"][..]),
            (List::Sessions, "7", &["+7", "07", "x"]),
            (List::Sessions, id, &["01890A5D-AC96-774B-BCCE-B302099A8057"]),
            (List::Credentials, id, &["01890A5D-AC96-774B-BCCE-B302099A8057", "7"]),
            (List::Pauses, &pause, &["+1_01890a5d-ac96-774b-bcce-b302099a8057", "1", "_"]),
            (List::Requests, &request, &["01.01890a5d-ac96-774b-bcce-b302099a8057", "1.", "."]),
            (List::Agents, "ana souza", &["", " ana", "a\u{0}"]),
        ];
        for (list, right, wrong) in cases {
            assert_eq!(list.again(right).as_deref(), Some(right), "{list:?}");
            for wrong in wrong {
                assert_eq!(list.again(wrong), None, "{list:?}: {wrong:?}");
            }
        }
    }
}
