//! Who may come in: the credentials that a tenant hands out, and what is on record of them.
//!
//! Secrets are not here, only what they are held against: hashes, which the shell makes and compares.

use std::collections::BTreeSet;

use super::export::Export;
use super::id::{CredentialId, PrincipalId, TeamId};
use super::role::Role;
use super::time::Timestamp;

/// Who a credential speaks for, and what they are to the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Who; for an agent, the agent's id.
    pub subject: PrincipalId,
    /// At least one.
    pub roles: BTreeSet<Role>,
    /// The teams that a supervisor is over; absent means none.
    pub teams: Option<BTreeSet<TeamId>>,
}

/// The SHA-256 of a random secret of 256 bits: nothing slower is needed for what nobody can guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// The Argon2id hash of a password, with its salt and costs, in the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What a program comes in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: CredentialId,
    /// What people call it.
    pub name: String,
    /// Who it speaks for.
    pub rights: Rights,
    /// What it is held against.
    pub secret: SecretHash,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
    /// When it was first used on the last day that it was.
    pub used_at: Option<Timestamp>,
}

impl ApiKey {
    /// True while it lets in.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// A person who logs in with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: CredentialId,
    /// The name that is typed in; one account a name, whatever the case of its letters.
    pub login: String,
    /// Who it speaks for.
    pub rights: Rights,
    /// None until the person has chosen one.
    pub password: Option<PasswordHash>,
    /// The password was given out and has to be changed by the first login, at the latest by this instant.
    pub change_by: Option<Timestamp>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
}

impl Account {
    /// The login as it is compared.
    pub fn folded(login: &str) -> String {
        login.to_lowercase()
    }
}

/// A link that lets a person choose the password of an account, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: CredentialId,
    /// The account.
    pub account: CredentialId,
    /// What it is held against.
    pub secret: SecretHash,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A browser that has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: CredentialId,
    /// Whose.
    pub account: CredentialId,
    /// What its cookie is held against.
    pub secret: SecretHash,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Everything that somebody came in with until an instant holds no more, tokens of other issuers included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its id.
    pub id: CredentialId,
    /// Who.
    pub subject: PrincipalId,
    /// Tokens issued until then are void, by the wall clock.
    pub until: Timestamp,
}

/// One of the things that let in, or keep out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A program's key.
    Key(ApiKey),
    /// A person's account.
    Account(Account),
    /// An invitation to one.
    Invitation(Invitation),
    /// A browser that has logged in.
    Login(Login),
    /// What holds no more.
    Cut(Cut),
}

impl Credential {
    /// Its id.
    pub fn id(&self) -> CredentialId {
        match self {
            Credential::Key(key) => key.id,
            Credential::Account(account) => account.id,
            Credential::Invitation(invitation) => invitation.id,
            Credential::Login(login) => login.id,
            Credential::Cut(cut) => cut.id,
        }
    }

    /// The stable word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Credential::Key(_) => "key",
            Credential::Account(_) => "account",
            Credential::Invitation(_) => "invitation",
            Credential::Login(_) => "login",
            Credential::Cut(_) => "cut",
        }
    }
}

macro_rules! as_kind {
    ($($(#[$doc:meta])* $name:ident, $variant:ident, $kind:ty;)+) => {
        impl Credential {
            $(
                $(#[$doc])*
                pub fn $name(&self) -> Option<&$kind> {
                    if let Credential::$variant(credential) = self { Some(credential) } else { None }
                }
            )+
        }
    };
}

as_kind! {
    /// The key that it is.
    key, Key, ApiKey;
    /// The account that it is.
    account, Account, Account;
    /// The login that it is.
    login, Login, Login;
}

/// What becomes of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialChange {
    /// It is there, as it is here.
    Put(Credential),
    /// It is no more.
    Drop(CredentialId),
}

impl CredentialChange {
    /// Of which credential.
    pub fn id(&self) -> CredentialId {
        match self {
            CredentialChange::Put(credential) => credential.id(),
            CredentialChange::Drop(id) => *id,
        }
    }
}

/// What is on record of who may come in. Names and secrets are not: they can be erased, this cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessEvent {
    /// A key was made.
    KeyMade(CredentialId),
    /// A key was used for the first time on a day.
    KeyUsed(CredentialId),
    /// A key was ended.
    KeyEnded(CredentialId),
    /// An account was made.
    AccountMade(CredentialId),
    /// Somebody was invited to choose the password of an account.
    AccountInvited {
        /// The account.
        account: CredentialId,
        /// The invitation.
        invitation: CredentialId,
    },
    /// An account was ended.
    AccountEnded(CredentialId),
    /// The password of an account was set.
    PasswordSet(CredentialId),
    /// Somebody logged in.
    LoginBegan {
        /// The account.
        account: CredentialId,
        /// The login.
        login: CredentialId,
    },
    /// A login was ended.
    LoginEnded(CredentialId),
    /// All that somebody came in with was ended.
    AccessCut {
        /// Who; erasable text.
        subject: Option<String>,
    },
    /// Somebody was kept out; repeats within the minute are counted, not listed.
    AccessRefused {
        /// What they came with.
        door: Door,
        /// Which account or key it was about, where that is known.
        credential: Option<CredentialId>,
        /// How many refusals this event stands for.
        count: u32,
    },
    /// Somebody, the event's actor, read what is on record of other people; repeats within the minute are counted, not
    /// listed.
    HistoryRead {
        /// What of it.
        what: HistoryPart,
        /// As what they were allowed to.
        role: Role,
        /// How many readings this event stands for.
        count: u32,
    },
    /// Data left as files for somebody, the event's actor; files of one kind within the minute are counted, not listed.
    DataExported {
        /// What they are.
        export: Export,
        /// How many records are in them, all together.
        rows: u64,
        /// As what they were allowed to.
        role: Role,
        /// How many files this event stands for.
        count: u32,
    },
}

impl AccessEvent {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            AccessEvent::KeyMade(_) => "key.made",
            AccessEvent::KeyUsed(_) => "key.used",
            AccessEvent::KeyEnded(_) => "key.ended",
            AccessEvent::AccountMade(_) => "account.made",
            AccessEvent::AccountInvited { .. } => "account.invited",
            AccessEvent::AccountEnded(_) => "account.ended",
            AccessEvent::PasswordSet(_) => "account.password_set",
            AccessEvent::LoginBegan { .. } => "login.began",
            AccessEvent::LoginEnded(_) => "login.ended",
            AccessEvent::AccessCut { .. } => "access.cut",
            AccessEvent::AccessRefused { .. } => "access.refused",
            AccessEvent::HistoryRead { .. } => "history.read",
            AccessEvent::DataExported { .. } => "data.exported",
        }
    }
}

/// What somebody came with who was kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Door {
    /// A name and a password.
    Login,
    /// A key.
    Key,
    /// A link that was used, or has ended.
    Invitation,
    /// A ticket that was used, has ended, or was another's.
    Ticket,
}

impl Door {
    /// Every one.
    pub const ALL: [Door; 4] = [Door::Login, Door::Key, Door::Invitation, Door::Ticket];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Login => "login",
            Door::Key => "key",
            Door::Invitation => "invitation",
            Door::Ticket => "ticket",
        }
    }
}

/// What of the history somebody read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistoryPart {
    /// The pauses, a page at a time.
    Pauses,
    /// The journal as a list, a page at a time.
    Audit,
    /// The journal as a stream, each time that one begins.
    Events,
}

impl HistoryPart {
    /// Every one.
    pub const ALL: [HistoryPart; 3] = [HistoryPart::Pauses, HistoryPart::Audit, HistoryPart::Events];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            HistoryPart::Pauses => "pauses",
            HistoryPart::Audit => "audit",
            HistoryPart::Events => "events",
        }
    }
}
