//! The stored form of an event about who may come in. It names credentials by their ids only.

use serde::{Deserialize, Serialize};

use super::{FormError, Hash, Refer, Resolve, WideId};
use crate::domain::access::{AccessEvent, Door, HistoryPart};
use crate::domain::export::{Export, ExportFilter, ExportFormat, ExportPart};
use crate::domain::id::CredentialId;
use crate::domain::role::Role;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum AccessEventForm {
    #[serde(rename = "key.made")]
    KeyMade { key: WideId },
    #[serde(rename = "key.used")]
    KeyUsed { key: WideId },
    #[serde(rename = "key.ended")]
    KeyEnded { key: WideId },
    #[serde(rename = "account.made")]
    AccountMade { account: WideId },
    #[serde(rename = "account.invited")]
    AccountInvited { account: WideId, invitation: WideId },
    #[serde(rename = "account.ended")]
    AccountEnded { account: WideId },
    #[serde(rename = "account.password_set")]
    PasswordSet { account: WideId },
    #[serde(rename = "login.began")]
    LoginBegan { account: WideId, login: WideId },
    #[serde(rename = "login.ended")]
    LoginEnded { login: WideId },
    #[serde(rename = "access.cut")]
    AccessCut {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Hash>,
    },
    #[serde(rename = "access.refused")]
    AccessRefused {
        door: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<WideId>,
        count: u32,
    },
    #[serde(rename = "history.read")]
    HistoryRead { what: String, role: String, count: u32 },
    #[serde(rename = "data.exported")]
    DataExported {
        what: String,
        format: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        filters: Vec<String>,
        rows: u64,
        role: String,
        count: u32,
    },
}

impl AccessEventForm {
    pub(super) fn of(event: &AccessEvent, refer: &mut dyn Refer) -> AccessEventForm {
        match event {
            AccessEvent::KeyMade(key) => AccessEventForm::KeyMade { key: wide(*key) },
            AccessEvent::KeyUsed(key) => AccessEventForm::KeyUsed { key: wide(*key) },
            AccessEvent::KeyEnded(key) => AccessEventForm::KeyEnded { key: wide(*key) },
            AccessEvent::AccountMade(account) => AccessEventForm::AccountMade { account: wide(*account) },
            AccessEvent::AccountInvited { account, invitation } => {
                AccessEventForm::AccountInvited { account: wide(*account), invitation: wide(*invitation) }
            }
            AccessEvent::AccountEnded(account) => AccessEventForm::AccountEnded { account: wide(*account) },
            AccessEvent::PasswordSet(account) => AccessEventForm::PasswordSet { account: wide(*account) },
            AccessEvent::LoginBegan { account, login } => {
                AccessEventForm::LoginBegan { account: wide(*account), login: wide(*login) }
            }
            AccessEvent::LoginEnded(login) => AccessEventForm::LoginEnded { login: wide(*login) },
            AccessEvent::AccessCut { subject } => {
                AccessEventForm::AccessCut { subject: subject.as_deref().map(|subject| refer.text(subject)) }
            }
            AccessEvent::AccessRefused { door, credential, count } => AccessEventForm::AccessRefused {
                door: door.as_str().to_owned(),
                credential: credential.map(wide),
                count: *count,
            },
            AccessEvent::HistoryRead { what, role, count } => AccessEventForm::HistoryRead {
                what: what.as_str().to_owned(),
                role: role.as_str().to_owned(),
                count: *count,
            },
            AccessEvent::DataExported { export, rows, role, count } => AccessEventForm::DataExported {
                what: export.what.as_str().to_owned(),
                format: export.format.as_str().to_owned(),
                filters: export.filters.iter().map(|filter| filter.as_str().to_owned()).collect(),
                rows: *rows,
                role: role.as_str().to_owned(),
                count: *count,
            },
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<AccessEvent, FormError> {
        Ok(match self {
            AccessEventForm::KeyMade { key } => AccessEvent::KeyMade(credential(key)),
            AccessEventForm::KeyUsed { key } => AccessEvent::KeyUsed(credential(key)),
            AccessEventForm::KeyEnded { key } => AccessEvent::KeyEnded(credential(key)),
            AccessEventForm::AccountMade { account } => AccessEvent::AccountMade(credential(account)),
            AccessEventForm::AccountInvited { account, invitation } => {
                AccessEvent::AccountInvited { account: credential(account), invitation: credential(invitation) }
            }
            AccessEventForm::AccountEnded { account } => AccessEvent::AccountEnded(credential(account)),
            AccessEventForm::PasswordSet { account } => AccessEvent::PasswordSet(credential(account)),
            AccessEventForm::LoginBegan { account, login } => {
                AccessEvent::LoginBegan { account: credential(account), login: credential(login) }
            }
            AccessEventForm::LoginEnded { login } => AccessEvent::LoginEnded(credential(login)),
            AccessEventForm::AccessCut { subject } => {
                AccessEvent::AccessCut { subject: subject.and_then(|hash| resolve.text(hash)) }
            }
            AccessEventForm::AccessRefused { door, credential: about, count } => {
                let door = known("a door", &Door::ALL, Door::as_str, &door)?;
                AccessEvent::AccessRefused { door, credential: about.map(credential), count }
            }
            AccessEventForm::HistoryRead { what, role, count } => {
                let what = known("a part of the history", &HistoryPart::ALL, HistoryPart::as_str, &what)?;
                AccessEvent::HistoryRead { what, role: parse_role(&role)?, count }
            }
            AccessEventForm::DataExported { what, format, filters, rows, role, count } => {
                let filter = |word: &String| known("a filter", ExportFilter::ALL, ExportFilter::as_str, word);
                let export = Export {
                    what: known("a part of the data", ExportPart::ALL, ExportPart::as_str, &what)?,
                    format: known("a format", ExportFormat::ALL, ExportFormat::as_str, &format)?,
                    filters: filters.iter().map(filter).collect::<Result<_, _>>()?,
                };
                AccessEvent::DataExported { export, rows, role: parse_role(&role)?, count }
            }
        })
    }
}

/// Finds the one that a word stands for.
fn known<T: Copy>(what: &'static str, all: &[T], as_str: fn(T) -> &'static str, word: &str) -> Result<T, FormError> {
    let found = all.iter().copied().find(|one| as_str(*one) == word);
    found.ok_or_else(|| unknown(what, word))
}

fn parse_role(word: &str) -> Result<Role, FormError> {
    word.parse().map_err(|_| unknown("a role", word))
}

fn unknown(what: &'static str, word: &str) -> FormError {
    FormError::Value { what, value: word.to_owned(), why: "no such word".to_owned() }
}

fn wide(id: CredentialId) -> WideId {
    WideId(id.0.to_be_bytes())
}

fn credential(id: WideId) -> CredentialId {
    CredentialId(u128::from_be_bytes(id.0))
}
