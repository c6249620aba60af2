//! Mirrors of the domain's small enums, with the words that they are stored as.

use serde::{Deserialize, Serialize};

use crate::domain::deferral::AtDeadline;
use crate::domain::directory::SignInStatus;
use crate::domain::event::{ChosenStatus, LimitedClass};
use crate::domain::policy::{AtTimeout, OnEarlyEnd, OnLimit, StartableBy, WhenFull, WhenOccupied};

macro_rules! mirror {
    ($form:ident of $domain:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum $form { $(#[serde(rename = $word)] $variant),+ }

        impl $form {
            /// The word that it is stored as.
            #[allow(dead_code, reason = "not every mirror is written to a column of its own")]
            pub(crate) fn as_str(self) -> &'static str {
                match self { $($form::$variant => $word),+ }
            }
        }

        impl From<$domain> for $form {
            fn from(value: $domain) -> $form {
                match value { $($domain::$variant => $form::$variant),+ }
            }
        }

        impl From<$form> for $domain {
            fn from(value: $form) -> $domain {
                match value { $($form::$variant => $domain::$variant),+ }
            }
        }
    };
}

/// The kinds of those who bring something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActorKindForm {
    Agent,
    Supervisor,
    Admin,
    Integration,
    System,
}

impl ActorKindForm {
    /// All of them.
    pub(super) const ALL: [ActorKindForm; 5] = [
        ActorKindForm::Agent,
        ActorKindForm::Supervisor,
        ActorKindForm::Admin,
        ActorKindForm::Integration,
        ActorKindForm::System,
    ];

    /// The stable word, the same as of an actor's kind.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            ActorKindForm::Agent => "agent",
            ActorKindForm::Supervisor => "supervisor",
            ActorKindForm::Admin => "admin",
            ActorKindForm::Integration => "integration",
            ActorKindForm::System => "system",
        }
    }

    /// The kind of a word.
    pub(super) fn from_word(word: &str) -> Option<ActorKindForm> {
        ActorKindForm::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

mirror!(AtTimeoutForm of AtTimeout { Refuse = "refuse", Grant = "grant" });
mirror!(AtDeadlineForm of AtDeadline { Start = "start", Notify = "notify", Cancel = "cancel" });
mirror!(WhenOccupiedForm of WhenOccupied { Defer = "defer", Immediate = "immediate", Refuse = "refuse" });
mirror!(WhenFullForm of WhenFull { Refuse = "refuse", Queue = "queue" });
mirror!(ChosenStatusForm of ChosenStatus { Offline = "offline", Available = "available", Unavailable = "unavailable" });
mirror!(SignInStatusForm of SignInStatus { Available = "available", Unavailable = "unavailable" });
mirror!(LimitedClassForm of LimitedClass { Regular = "regular", Entitlement = "entitlement" });
mirror!(OnEarlyEndForm of OnEarlyEnd { Record = "record", Hold = "hold" });
mirror!(OnLimitForm of OnLimit {
    Mark = "mark",
    EndUnavailable = "end_unavailable",
    EndAvailable = "end_available",
    SignOut = "sign_out",
});
mirror!(StartableByForm of StartableBy { Agent = "agent", Supervisor = "supervisor", Both = "both" });
