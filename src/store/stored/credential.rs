//! The stored form of a credential. Its row is erasable, and so it may name people as they are called.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FormError, Hash, parse, read_json};
use crate::domain::access::{Account, ApiKey, Credential, Cut, Invitation, Login, PasswordHash, Rights, SecretHash};
use crate::domain::id::{CredentialId, PrincipalId, TeamId};
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::store::row::CredentialRow;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CredentialForm {
    Key {
        name: String,
        rights: RightsForm,
        secret: Hash,
        made_at: i64,
        expires_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended_at: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        used_at: Option<i64>,
    },
    Account {
        login: String,
        rights: RightsForm,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change_by: Option<i64>,
        made_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended_at: Option<i64>,
    },
    Invitation {
        account: String,
        secret: Hash,
        made_at: i64,
        expires_at: i64,
    },
    Login {
        account: String,
        secret: Hash,
        began_at: i64,
        expires_at: i64,
    },
    Cut {
        subject: String,
        until: i64,
    },
}

/// Who a credential speaks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RightsForm {
    subject: String,
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<String>>,
}

impl CredentialForm {
    pub(crate) fn of(credential: &Credential) -> CredentialForm {
        let ms = |at: Option<Timestamp>| at.map(|at| at.0);
        match credential {
            Credential::Key(key) => CredentialForm::Key {
                name: key.name.clone(),
                rights: RightsForm::of(&key.rights),
                secret: Hash(key.secret.0),
                made_at: key.made_at.0,
                expires_at: key.expires_at.0,
                ended_at: ms(key.ended_at),
                used_at: ms(key.used_at),
            },
            Credential::Account(account) => CredentialForm::Account {
                login: account.login.clone(),
                rights: RightsForm::of(&account.rights),
                password: account.password.as_ref().map(|hash| hash.0.clone()),
                change_by: ms(account.change_by),
                made_at: account.made_at.0,
                ended_at: ms(account.ended_at),
            },
            Credential::Invitation(invitation) => CredentialForm::Invitation {
                account: invitation.account.to_string(),
                secret: Hash(invitation.secret.0),
                made_at: invitation.made_at.0,
                expires_at: invitation.expires_at.0,
            },
            Credential::Login(login) => CredentialForm::Login {
                account: login.account.to_string(),
                secret: Hash(login.secret.0),
                began_at: login.began_at.0,
                expires_at: login.expires_at.0,
            },
            Credential::Cut(cut) => CredentialForm::Cut { subject: cut.subject.to_string(), until: cut.until.0 },
        }
    }

    /// The credential of a row.
    pub(crate) fn read(row: &CredentialRow) -> Result<Credential, FormError> {
        let id = CredentialId(u128::from_be_bytes(row.id.0));
        let credential = read_json::<CredentialForm>(row.form, &row.body)?.into_domain(id)?;
        if credential.kind() != row.kind {
            return Err(FormError::Contradiction(format!("it is no {}", row.kind)));
        }
        Ok(credential)
    }

    fn into_domain(self, id: CredentialId) -> Result<Credential, FormError> {
        let at = |ms: Option<i64>| ms.map(Timestamp);
        Ok(match self {
            CredentialForm::Key { name, rights, secret, made_at, expires_at, ended_at, used_at } => {
                Credential::Key(ApiKey {
                    id,
                    name,
                    rights: rights.into_domain()?,
                    secret: SecretHash(secret.0),
                    made_at: Timestamp(made_at),
                    expires_at: Timestamp(expires_at),
                    ended_at: at(ended_at),
                    used_at: at(used_at),
                })
            }
            CredentialForm::Account { login, rights, password, change_by, made_at, ended_at } => {
                Credential::Account(Account {
                    id,
                    login,
                    rights: rights.into_domain()?,
                    password: password.map(PasswordHash),
                    change_by: at(change_by),
                    made_at: Timestamp(made_at),
                    ended_at: at(ended_at),
                })
            }
            CredentialForm::Invitation { account, secret, made_at, expires_at } => Credential::Invitation(Invitation {
                id,
                account: parse("an account", &account)?,
                secret: SecretHash(secret.0),
                made_at: Timestamp(made_at),
                expires_at: Timestamp(expires_at),
            }),
            CredentialForm::Login { account, secret, began_at, expires_at } => Credential::Login(Login {
                id,
                account: parse("an account", &account)?,
                secret: SecretHash(secret.0),
                began_at: Timestamp(began_at),
                expires_at: Timestamp(expires_at),
            }),
            CredentialForm::Cut { subject, until } => {
                Credential::Cut(Cut { id, subject: parse("a principal's id", &subject)?, until: Timestamp(until) })
            }
        })
    }
}

impl RightsForm {
    fn of(rights: &Rights) -> RightsForm {
        RightsForm {
            subject: rights.subject.to_string(),
            roles: rights.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            teams: rights.teams.as_ref().map(|teams| teams.iter().map(ToString::to_string).collect()),
        }
    }

    fn into_domain(self) -> Result<Rights, FormError> {
        let roles = self.roles.iter().map(|word| parse::<Role>("a role", word));
        let teams = self.teams.map(|teams| teams.iter().map(|team| parse::<TeamId>("a team's id", team)).collect());
        Ok(Rights {
            subject: parse::<PrincipalId>("a principal's id", &self.subject)?,
            roles: roles.collect::<Result<BTreeSet<_>, _>>()?,
            teams: teams.transpose()?,
        })
    }
}
