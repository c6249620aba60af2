//! The credentials that tenants hand out, at hand: found by what is presented, each in a few look-ups.
//!
//! It is told of what is durable, by whoever journals it, and journals nothing itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::principal::{Principal, Proof};
use super::secret::Presented;
use tokio::sync::watch;

use crate::domain::access::{Account, ApiKey, Credential, CredentialChange, Invitation, Login, Rights};
use crate::domain::id::{CredentialId, PrincipalId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::{self, Limit};

/// The day of an instant, in UTC: the use of a key is put on record once each.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How many invitations of a tenant that are no more are remembered.
const GONE_MAX: usize = 10_000;

/// All credentials of all tenants. Bounded by what each tenant may have, which is checked where they are made.
#[derive(Debug, Default)]
pub struct Vault {
    inner: RwLock<Inner>,
    /// Moves on with every change.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    all: HashMap<CredentialId, Kept>,
    /// By tenant, in the order of their ids, which is that in which they were made.
    tenants: HashMap<TenantId, BTreeMap<CredentialId, &'static str>>,
    /// Accounts by the name that is typed in, as it is compared.
    names: HashMap<(TenantId, String), CredentialId>,
    /// The logins and invitations of each account.
    of_accounts: HashMap<CredentialId, BTreeSet<CredentialId>>,
    /// Whose invitations were that are used up or void, so that whoever tries one again is put on record. At most
    /// [`GONE_MAX`] a tenant; then its own begin anew, and a start knows none.
    gone: HashMap<CredentialId, TenantId>,
    /// How many of each tenant they are.
    gone_of: HashMap<TenantId, usize>,
    /// What holds no more, by whom.
    cuts: HashMap<(TenantId, PrincipalId), Timestamp>,
}

#[derive(Debug)]
struct Kept {
    tenant: TenantId,
    credential: Arc<Credential>,
}

impl Vault {
    /// Takes up what a tenant had when the server started.
    pub fn load(&self, tenant: &TenantId, credentials: &[Credential]) {
        let mut inner = self.write();
        for credential in credentials {
            inner.put(tenant, credential.clone());
        }
    }

    /// Takes up changes that are durable.
    pub fn apply(&self, tenant: &TenantId, changes: &[CredentialChange]) {
        let mut inner = self.write();
        for change in changes {
            match change {
                CredentialChange::Put(credential) => inner.put(tenant, credential.clone()),
                CredentialChange::Drop(id) => inner.remove(tenant, *id),
            }
        }
        metrics::gauge!("intervalo_credentials").set(inner.all.len() as f64);
        drop(inner);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Tells when something has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The principal of a key; none when it does not hold.
    pub fn by_key(&self, presented: &Presented, now: Timestamp) -> Option<Principal> {
        let inner = self.read();
        let kept = inner.all.get(&presented.id)?;
        let Credential::Key(key) = &*kept.credential else { return None };
        let holds = presented.is(key.secret) && key.holds(now);
        holds.then(|| principal(&kept.tenant, &key.rights, Proof::Key(key.id), key.expires_at))
    }

    /// The principal of a browser that has logged in; none when it does not hold.
    pub fn by_login(&self, presented: &Presented, now: Timestamp) -> Option<Principal> {
        let inner = self.read();
        let kept = inner.all.get(&presented.id)?;
        let Credential::Login(login) = &*kept.credential else { return None };
        let account = inner.account(login.account)?;
        let holds = presented.is(login.secret) && now < login.expires_at && account.ended_at.is_none();
        holds.then(|| principal(&kept.tenant, &account.rights, Proof::Login(login.id), login.expires_at))
    }

    /// The tenant and the account that an invitation is to; none when it does not hold.
    pub fn by_invitation(&self, presented: &Presented, now: Timestamp) -> Option<(TenantId, Invitation, Account)> {
        let inner = self.read();
        let kept = inner.all.get(&presented.id)?;
        let Credential::Invitation(invitation) = &*kept.credential else { return None };
        let account = inner.account(invitation.account)?;
        let holds = presented.is(invitation.secret) && now < invitation.expires_at && account.ended_at.is_none();
        holds.then(|| (kept.tenant.clone(), invitation.clone(), account.clone()))
    }

    /// True when a credential is still what it was when it let somebody in.
    pub fn still_holds(&self, principal: &Principal, now: Timestamp) -> bool {
        let inner = self.read();
        match principal.proof {
            Proof::Token { issued_at } => !inner.is_cut(&principal.tenant, &principal.id, issued_at),
            Proof::Key(id) => {
                let kept = inner.all.get(&id).map(|kept| &*kept.credential);
                matches!(kept, Some(Credential::Key(key)) if key.holds(now))
            }
            Proof::Login(id) => match inner.all.get(&id).map(|kept| &*kept.credential) {
                Some(Credential::Login(login)) => {
                    now < login.expires_at && inner.account(login.account).is_some_and(|one| one.ended_at.is_none())
                }
                Some(Credential::Key(_) | Credential::Account(_) | Credential::Invitation(_) | Credential::Cut(_))
                | None => false,
            },
        }
    }

    /// The account of a tenant that is called so, ended ones too.
    pub fn account_called(&self, tenant: &TenantId, login: &str) -> Option<Account> {
        let inner = self.read();
        let id = inner.names.get(&(tenant.clone(), Account::folded(login)))?;
        inner.account(*id).cloned()
    }

    /// The tenant that a credential is of, or an invitation was of.
    pub fn tenant_of(&self, id: CredentialId) -> Option<TenantId> {
        let inner = self.read();
        inner.all.get(&id).map(|kept| &kept.tenant).or_else(|| inner.gone.get(&id)).cloned()
    }

    /// A credential of a tenant.
    pub fn find(&self, tenant: &TenantId, id: CredentialId) -> Option<Arc<Credential>> {
        let inner = self.read();
        let kept = inner.all.get(&id).filter(|kept| kept.tenant == *tenant)?;
        Some(Arc::clone(&kept.credential))
    }

    /// Those of a kind that a tenant has, in the order in which they were made, after one. `is_wanted` must not ask the
    /// vault itself.
    pub fn list(
        &self,
        tenant: &TenantId,
        kind: &str,
        after: Option<CredentialId>,
        is_wanted: impl Fn(&Credential) -> bool,
        max: usize,
    ) -> Vec<Arc<Credential>> {
        let inner = self.read();
        let Some(ids) = inner.tenants.get(tenant) else { return Vec::new() };
        let from = after.map_or(0, |after| after.0.saturating_add(1));
        let of_kind = ids.range(CredentialId(from)..).filter(|(_, word)| **word == kind);
        let found = of_kind.filter_map(|(id, _)| inner.all.get(id).map(|kept| &kept.credential));
        found.filter(|credential| is_wanted(credential)).take(max).cloned().collect()
    }

    /// The logins of a tenant that are wanted, each with its account, in the order in which they began, after one.
    pub fn logins(
        &self,
        tenant: &TenantId,
        after: Option<CredentialId>,
        is_wanted: impl Fn(&Login, &Account) -> bool,
        max: usize,
    ) -> Vec<(Login, Account)> {
        let inner = self.read();
        let Some(ids) = inner.tenants.get(tenant) else { return Vec::new() };
        let from = after.map_or(0, |after| after.0.saturating_add(1));
        let logins = ids.range(CredentialId(from)..).filter(|(_, word)| **word == "login");
        let with_account = logins.filter_map(|(id, _)| match &*inner.all.get(id)?.credential {
            Credential::Login(login) => Some((login, inner.account(login.account)?)),
            Credential::Key(_) | Credential::Account(_) | Credential::Invitation(_) | Credential::Cut(_) => None,
        });
        let wanted = with_account.filter(|(login, account)| is_wanted(login, account)).take(max);
        wanted.map(|(login, account)| (login.clone(), account.clone())).collect()
    }

    /// How many of a kind a tenant has.
    pub fn count(&self, tenant: &TenantId, kind: &str) -> usize {
        let inner = self.read();
        inner.tenants.get(tenant).map_or(0, |ids| ids.values().filter(|word| **word == kind).count())
    }

    /// True the first time on a day that a key is used; whoever is told puts that on record.
    pub fn is_first_use(&self, tenant: &TenantId, key: CredentialId, now: Timestamp) -> Option<ApiKey> {
        let day = |at: Timestamp| at.0.div_euclid(DAY_MS);
        let is_new = |key: &ApiKey| key.used_at.is_none_or(|at| day(at) < day(now));
        match &*self.find(tenant, key)? {
            Credential::Key(known) if is_new(known) => {}
            Credential::Key(_)
            | Credential::Account(_)
            | Credential::Invitation(_)
            | Credential::Login(_)
            | Credential::Cut(_) => return None,
        }
        // Looked at again with the lock held for writing: of many requests at once one is the first.
        let mut inner = self.write();
        let kept = inner.all.get_mut(&key).filter(|kept| kept.tenant == *tenant)?;
        let Credential::Key(known) = &*kept.credential else { return None };
        let used = is_new(known).then(|| ApiKey { used_at: Some(now), ..known.clone() })?;
        kept.credential = Arc::new(Credential::Key(used.clone()));
        Some(used)
    }

    /// Says for `/metrics` what is kept besides credentials that hold.
    pub fn measure(&self) {
        let inner = self.read();
        limits::Kept::Cuts.is(inner.cuts.len());
        limits::Kept::UsedInvitations.is(inner.gone.len());
    }

    /// The logins and invitations of a tenant's account, in the order in which they were made.
    pub fn of_account(&self, tenant: &TenantId, account: CredentialId) -> Vec<Arc<Credential>> {
        let inner = self.read();
        let ids = inner.of_accounts.get(&account);
        let found = ids.into_iter().flatten().filter_map(|id| inner.all.get(id)).filter(|kept| kept.tenant == *tenant);
        found.map(|kept| Arc::clone(&kept.credential)).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account that a credential is of.
fn account_of(credential: &Credential) -> Option<CredentialId> {
    match credential {
        Credential::Login(login) => Some(login.account),
        Credential::Invitation(invitation) => Some(invitation.account),
        Credential::Key(_) | Credential::Account(_) | Credential::Cut(_) => None,
    }
}

fn principal(tenant: &TenantId, rights: &Rights, proof: Proof, expires_at: Timestamp) -> Principal {
    Principal {
        id: rights.subject.clone(),
        tenant: tenant.clone(),
        roles: rights.roles.clone(),
        teams: rights.teams.clone(),
        expires_at,
        proof,
        newcomer: None,
    }
}

impl Inner {
    fn put(&mut self, tenant: &TenantId, credential: Credential) {
        let id = credential.id();
        self.remove(tenant, id);
        match &credential {
            Credential::Account(account) => {
                self.names.insert((tenant.clone(), Account::folded(&account.login)), id);
            }
            Credential::Cut(cut) => {
                let until = self.cuts.entry((tenant.clone(), cut.subject.clone())).or_insert(cut.until);
                *until = cut.until.max(*until);
            }
            Credential::Key(_) | Credential::Invitation(_) | Credential::Login(_) => {}
        }
        if let Some(account) = account_of(&credential) {
            self.of_accounts.entry(account).or_default().insert(id);
        }
        self.tenants.entry(tenant.clone()).or_default().insert(id, credential.kind());
        self.all.insert(id, Kept { tenant: tenant.clone(), credential: Arc::new(credential) });
    }

    fn remove(&mut self, tenant: &TenantId, id: CredentialId) {
        // An id of another tenant's is none of this one's.
        if self.all.get(&id).is_none_or(|kept| kept.tenant != *tenant) {
            return;
        }
        if let Some(ids) = self.tenants.get_mut(tenant) {
            ids.remove(&id);
        }
        let Some(kept) = self.all.remove(&id) else { return };
        if let Some(account) = account_of(&kept.credential)
            && let Some(ids) = self.of_accounts.get_mut(&account)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.of_accounts.remove(&account);
            }
        }
        match &*kept.credential {
            Credential::Account(account) => {
                let name = (tenant.clone(), Account::folded(&account.login));
                if self.names.get(&name) == Some(&id) {
                    self.names.remove(&name);
                }
            }
            Credential::Cut(cut) => {
                self.cuts.remove(&(tenant.clone(), cut.subject.clone()));
            }
            Credential::Invitation(_) => {
                let count = self.gone_of.entry(tenant.clone()).or_default();
                if *count >= GONE_MAX {
                    Limit::UsedInvitations.reached();
                    self.gone.retain(|_, whose| whose != tenant);
                    *count = 0;
                }
                if self.gone.insert(id, tenant.clone()).is_none() {
                    *count += 1;
                }
            }
            Credential::Key(_) | Credential::Login(_) => {}
        }
    }

    fn account(&self, id: CredentialId) -> Option<&Account> {
        match self.all.get(&id).map(|kept| &*kept.credential) {
            Some(Credential::Account(account)) => Some(account),
            Some(Credential::Key(_) | Credential::Invitation(_) | Credential::Login(_) | Credential::Cut(_)) | None => {
                None
            }
        }
    }

    /// A token that does not say when it was issued may be one of before.
    fn is_cut(&self, tenant: &TenantId, subject: &PrincipalId, issued_at: Option<Timestamp>) -> bool {
        let cut = self.cuts.get(&(tenant.clone(), subject.clone()));
        cut.is_some_and(|until| issued_at.is_none_or(|issued_at| issued_at <= *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Handed, Role, SecretKind};
    use crate::domain::access::{Cut, SecretHash};
    use crate::domain::time::{hours, minutes};

    const NOW: Timestamp = Timestamp(1_795_381_069_123);

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).expect("an id")
    }

    fn rights(subject: &str) -> Rights {
        let subject = PrincipalId::new(subject).expect("an id");
        Rights { subject, roles: BTreeSet::from([Role::Integration]), teams: None }
    }

    fn key(id: u128, secret: SecretHash) -> ApiKey {
        ApiKey {
            id: CredentialId(id),
            name: "router".to_owned(),
            rights: rights("router"),
            secret,
            made_at: NOW,
            expires_at: NOW + hours(1),
            ended_at: None,
            used_at: None,
        }
    }

    fn account(id: u128, login: &str) -> Account {
        Account {
            id: CredentialId(id),
            login: login.to_owned(),
            rights: rights("sofia"),
            password: None,
            change_by: None,
            made_at: NOW,
            ended_at: None,
        }
    }

    fn put(credential: Credential) -> CredentialChange {
        CredentialChange::Put(credential)
    }

    fn read(kind: SecretKind, handed: &Handed) -> Presented {
        Presented::read(kind, handed.reveal()).expect("a secret")
    }

    #[test]
    fn promise_a3_a_key_lets_in_until_it_ends_and_with_its_own_secret_only() {
        let (vault, acme) = (Vault::default(), tenant("acme"));
        let handed = Handed::make(SecretKind::Key, CredentialId(1));
        let kept = key(1, handed.hash);
        vault.apply(&acme, &[put(Credential::Key(kept.clone()))]);
        let presented = read(SecretKind::Key, &handed);
        let principal = vault.by_key(&presented, NOW).expect("it holds");
        assert_eq!((principal.id.as_str(), &principal.tenant), ("router", &acme));
        assert_eq!((principal.proof, principal.expires_at), (Proof::Key(CredentialId(1)), NOW + hours(1)));
        assert!(vault.still_holds(&principal, NOW) && !vault.still_holds(&principal, NOW + hours(1)));
        assert!(vault.by_key(&presented, NOW + hours(1)).is_none(), "it has ended by itself");
        let other = Handed::make(SecretKind::Key, CredentialId(1));
        assert!(vault.by_key(&read(SecretKind::Key, &other), NOW).is_none());
        vault.apply(&acme, &[put(Credential::Key(ApiKey { ended_at: Some(NOW), ..kept }))]);
        assert!(vault.by_key(&presented, NOW).is_none() && !vault.still_holds(&principal, NOW));
        assert!(vault.by_login(&presented, NOW).is_none() && vault.by_invitation(&presented, NOW).is_none());
    }

    #[test]
    fn promise_a3_a_login_ends_with_its_account() {
        let (vault, acme) = (Vault::default(), tenant("acme"));
        let handed = Handed::make(SecretKind::Login, CredentialId(2));
        let (account, expires_at) = (account(1, "Sofia@Acme"), NOW + minutes(30));
        let login = Login { id: CredentialId(2), account: account.id, secret: handed.hash, began_at: NOW, expires_at };
        vault.load(&acme, &[Credential::Login(login.clone()), Credential::Account(account.clone())]);
        let presented = read(SecretKind::Login, &handed);
        let principal = vault.by_login(&presented, NOW).expect("it holds");
        assert!(vault.by_login(&presented, expires_at).is_none());
        assert_eq!(vault.of_account(&acme, account.id), [Arc::new(Credential::Login(login))]);
        assert_eq!(vault.account_called(&acme, "sOFIA@aCME").map(|found| found.id), Some(account.id));
        assert_eq!(vault.account_called(&tenant("globex"), "Sofia@Acme"), None);
        vault.apply(&acme, &[put(Credential::Account(Account { ended_at: Some(NOW), ..account }))]);
        assert!(vault.by_login(&presented, NOW).is_none() && !vault.still_holds(&principal, NOW));
    }

    #[test]
    fn promise_a3_tokens_of_before_a_cut_hold_no_more() {
        let (vault, acme) = (Vault::default(), tenant("acme"));
        let token =
            |issued_at: Option<Timestamp>| principal(&acme, &rights("ana"), Proof::Token { issued_at }, NOW + hours(1));
        assert!(vault.still_holds(&token(None), NOW));
        let subject = PrincipalId::new("ana").expect("an id");
        vault.apply(&acme, &[put(Credential::Cut(Cut { id: CredentialId(1), subject: subject.clone(), until: NOW }))]);
        assert!(!vault.still_holds(&token(None), NOW), "it may be one of before");
        assert!(!vault.still_holds(&token(Some(NOW)), NOW));
        assert!(vault.still_holds(&token(Some(NOW + minutes(1))), NOW));
        let of_globex = Principal { tenant: tenant("globex"), ..token(None) };
        assert!(vault.still_holds(&of_globex, NOW), "another tenant's Ana");
    }

    #[test]
    fn a_tenant_can_neither_see_nor_change_what_is_anothers() {
        let (vault, acme, globex) = (Vault::default(), tenant("acme"), tenant("globex"));
        let handed = Handed::make(SecretKind::Key, CredentialId(1));
        vault.apply(&acme, &[put(Credential::Key(key(1, handed.hash)))]);
        vault.apply(&globex, &[CredentialChange::Drop(CredentialId(1))]);
        assert_eq!(vault.find(&globex, CredentialId(1)), None);
        assert_eq!(vault.list(&globex, "key", None, |_| true, 10), []);
        assert_eq!(vault.is_first_use(&globex, CredentialId(1), NOW), None);
        assert_eq!((vault.count(&acme, "key"), vault.count(&globex, "key")), (1, 0));
        let (account, secret) = (CredentialId(3), handed.hash);
        let login = Login { id: CredentialId(2), account, secret, began_at: NOW, expires_at: NOW + hours(1) };
        vault.apply(&acme, &[put(Credential::Login(login))]);
        assert_eq!(vault.of_account(&acme, account).len(), 1);
        assert_eq!(vault.of_account(&globex, account), []);
        assert!(vault.by_key(&read(SecretKind::Key, &handed), NOW).is_some());
    }

    #[test]
    fn lists_go_on_where_they_ended_and_keep_nothing_of_what_is_dropped() {
        let (vault, acme) = (Vault::default(), tenant("acme"));
        let all: Vec<_> = (1..=5).map(|id| put(Credential::Key(key(id, SecretHash([0; 32]))))).collect();
        vault.apply(&acme, &all);
        vault.apply(&acme, &[put(Credential::Account(account(6, "sofia")))]);
        let ids = |after| -> Vec<u128> {
            vault.list(&acme, "key", after, |one| one.id() != CredentialId(4), 2).iter().map(|one| one.id().0).collect()
        };
        assert_eq!((ids(None), ids(Some(CredentialId(2)))), (vec![1, 2], vec![3, 5]));
        vault.apply(&acme, &(1..=6).map(|id| CredentialChange::Drop(CredentialId(id))).collect::<Vec<_>>());
        let inner = vault.read();
        assert!(inner.all.is_empty() && inner.names.is_empty() && inner.tenants[&acme].is_empty());
    }

    #[test]
    fn the_first_use_on_a_day_is_told_once() {
        let (vault, acme) = (Vault::default(), tenant("acme"));
        vault.apply(&acme, &[put(Credential::Key(key(1, SecretHash([0; 32]))))]);
        let first = |now| vault.is_first_use(&acme, CredentialId(1), now).map(|key| key.used_at);
        assert_eq!(first(NOW), Some(Some(NOW)));
        assert_eq!(first(NOW + minutes(1)), None);
        assert_eq!(first(NOW + hours(24)), Some(Some(NOW + hours(24))));
    }
}
