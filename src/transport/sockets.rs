//! Counts connections and sessions, so that nobody can have all of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::events::STREAMS_MAX;
use crate::auth::{Principal, Proof};
use crate::domain::id::{PrincipalId, SessionId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::{Kept, Limit};

/// The counts. Bounded by what they count: no entry is without a connection.
#[derive(Debug)]
pub(super) struct Sockets {
    connections_max: usize,
    per_address_max: usize,
    per_principal_max: usize,
    per_tenant_max: Option<usize>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    by_address: HashMap<IpAddr, usize>,
    by_principal: HashMap<(TenantId, PrincipalId), Vec<OpenSession>>,
    by_tenant: HashMap<TenantId, usize>,
    /// The number of the last session of each tenant: its sessions are called by its own numbers, which tell nothing of
    /// what others do. One a tenant.
    last_of_tenant: HashMap<TenantId, u64>,
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// The server has as many as it may have.
    Server,
    /// The address has as many as it may have.
    Address,
}

/// The place of one connection; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPlace {
    sockets: Arc<Sockets>,
    /// None when it is a proxy's, which speaks for many addresses.
    _address: Option<AddressPlace>,
}

/// The place that something takes of those of an address; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct AddressPlace {
    sockets: Arc<Sockets>,
    address: IpAddr,
}

/// The place of one session of a principal; it is free again when this is dropped.
pub(super) struct SessionPlace {
    sockets: Arc<Sockets>,
    key: (TenantId, PrincipalId),
    session: SessionId,
    ended: CancellationToken,
}

/// A session that is open.
#[derive(Debug, Clone)]
pub(super) struct OpenSession {
    pub(super) id: SessionId,
    pub(super) proof: Proof,
    pub(super) since: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) kind: SessionKind,
    ended: CancellationToken,
}

/// What a session is held by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionKind {
    /// A socket.
    Socket,
    /// A stream of events.
    Stream,
}

impl SessionKind {
    /// The stable word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            SessionKind::Socket => "socket",
            SessionKind::Stream => "stream",
        }
    }
}

/// Why a stream of events is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoStream {
    /// The principal has as many streams as it may have.
    Streams,
    /// It, or its tenant, has as many sessions as it may have.
    Sessions,
}

impl Sockets {
    pub(super) fn new(connections_max: usize, per_address_max: usize, per_principal_max: usize) -> Sockets {
        Sockets { connections_max, per_address_max, per_principal_max, per_tenant_max: None, counts: Mutex::default() }
    }

    /// The same with a limit of the sessions of a tenant; none: no limit of its own.
    pub(super) fn with_per_tenant(self, per_tenant_max: Option<usize>) -> Sockets {
        Sockets { per_tenant_max, ..self }
    }

    /// A place for one more connection of an address.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<ConnectionPlace, Full> {
        let mut counts = self.counts();
        self.has_room(&counts)?;
        let address = self.count_address(&mut counts, address)?;
        Ok(self.count_connection(&mut counts, Some(address)))
    }

    /// A place for one more connection of a proxy: what it speaks for is counted by [`Sockets::admit_client`].
    pub(super) fn admit_proxy(self: &Arc<Self>) -> Result<ConnectionPlace, Full> {
        let mut counts = self.counts();
        self.has_room(&counts)?;
        Ok(self.count_connection(&mut counts, None))
    }

    /// A place for one more socket of an address that comes by way of a proxy.
    pub(super) fn admit_client(self: &Arc<Self>, address: IpAddr) -> Result<AddressPlace, Full> {
        self.count_address(&mut self.counts(), address)
    }

    fn has_room(&self, counts: &Counts) -> Result<(), Full> {
        if counts.connections >= self.connections_max { Err(Full::Server) } else { Ok(()) }
    }

    fn count_address(self: &Arc<Self>, counts: &mut Counts, address: IpAddr) -> Result<AddressPlace, Full> {
        let address = counted_as(address);
        let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= self.per_address_max {
            return Err(Full::Address);
        }
        counts.by_address.insert(address, of_address + 1);
        Ok(AddressPlace { sockets: Arc::clone(self), address })
    }

    fn count_connection(self: &Arc<Self>, counts: &mut Counts, address: Option<AddressPlace>) -> ConnectionPlace {
        counts.connections += 1;
        metrics::gauge!("intervalo_connections").set(counts.connections as f64);
        ConnectionPlace { sockets: Arc::clone(self), _address: address }
    }

    /// A place for one more session of the principal, if it and its tenant have one.
    pub(super) fn open_session(self: &Arc<Self>, principal: &Principal, since: Timestamp) -> Option<SessionPlace> {
        self.open_in(&mut self.counts(), principal, SessionKind::Socket, since)
    }

    /// The same for a stream of events, of which there are fewer still.
    pub(super) fn open_stream(
        self: &Arc<Self>,
        principal: &Principal,
        since: Timestamp,
    ) -> Result<SessionPlace, NoStream> {
        let mut counts = self.counts();
        let open = counts.by_principal.get(&(principal.tenant.clone(), principal.id.clone()));
        let streams = open.into_iter().flatten().filter(|session| session.kind == SessionKind::Stream).count();
        if streams >= STREAMS_MAX {
            Limit::Streams.reached();
            return Err(NoStream::Streams);
        }
        self.open_in(&mut counts, principal, SessionKind::Stream, since).ok_or(NoStream::Sessions)
    }

    fn open_in(
        self: &Arc<Self>,
        counts: &mut Counts,
        principal: &Principal,
        kind: SessionKind,
        since: Timestamp,
    ) -> Option<SessionPlace> {
        let key = (principal.tenant.clone(), principal.id.clone());
        let of_principal = counts.by_principal.get(&key).map_or(0, Vec::len);
        let of_tenant = counts.by_tenant.get(&key.0).copied().unwrap_or(0);
        if of_principal >= self.per_principal_max {
            Limit::PrincipalSessions.reached();
            return None;
        }
        if self.per_tenant_max.is_some_and(|most| of_tenant >= most) {
            Limit::TenantSessions.reached();
            return None;
        }
        counts.by_tenant.insert(key.0.clone(), of_tenant + 1);
        let last = counts.last_of_tenant.entry(key.0.clone()).or_default();
        *last += 1;
        let id = SessionId(*last);
        let ended = CancellationToken::new();
        let (proof, expires_at) = (principal.proof, principal.expires_at);
        let open = counts.by_principal.entry(key.clone()).or_default();
        open.push(OpenSession { id, proof, since, expires_at, kind, ended: ended.clone() });
        Some(SessionPlace { sockets: Arc::clone(self), key, session: id, ended })
    }

    /// Says for `/metrics` how many addresses and sessions are counted.
    pub(super) fn measure(&self) {
        let counts = self.counts();
        Kept::Addresses.is(counts.by_address.len());
        Kept::Sessions.is(counts.by_tenant.values().sum());
    }

    /// Ends the sessions of a tenant that are meant, at once; answers how many.
    pub(super) fn end(&self, tenant: &TenantId, is_meant: impl Fn(&PrincipalId, &OpenSession) -> bool) -> usize {
        let counts = self.counts();
        let of_tenant = counts.by_principal.iter().filter(|((whose, _), _)| whose == tenant);
        let all = of_tenant.flat_map(|((_, principal), open)| open.iter().map(move |session| (principal, session)));
        let meant = all.filter(|(principal, session)| is_meant(principal, session));
        meant.map(|(_, session)| session.ended.cancel()).count()
    }

    /// The sessions of a tenant that are wanted, by their numbers, after one.
    pub(super) fn list(
        &self,
        tenant: &TenantId,
        after: Option<SessionId>,
        is_wanted: impl Fn(&PrincipalId) -> bool,
        max: usize,
    ) -> Vec<(PrincipalId, OpenSession)> {
        let counts = self.counts();
        let of_tenant = counts.by_principal.iter().filter(|((whose, who), _)| whose == tenant && is_wanted(who));
        let all = of_tenant.flat_map(|((_, principal), open)| open.iter().map(move |session| (principal, session)));
        let mut wanted: Vec<_> = all.filter(|(_, session)| after.is_none_or(|after| session.id > after)).collect();
        wanted.sort_by_key(|(_, session)| session.id);
        wanted.into_iter().take(max).map(|(principal, session)| (principal.clone(), session.clone())).collect()
    }

    /// Nothing under this lock can panic half way, so that a poisoned one is still right.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An IPv6 subscriber has a whole /64 network to send from: it counts as one address.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
    }
}

/// Takes one off a count; nothing is kept of one that comes to nothing.
fn one_fewer<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut counts = self.sockets.counts();
        counts.connections -= 1;
        metrics::gauge!("intervalo_connections").set(counts.connections as f64);
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut counts = self.sockets.counts();
        one_fewer(&mut counts.by_address, &self.address);
    }
}

impl SessionPlace {
    /// What the session is called: a number of the tenant's own.
    pub(super) fn id(&self) -> SessionId {
        self.session
    }

    /// The session goes on with another credential of the same principal.
    pub(super) fn renew(&self, principal: &Principal) {
        let mut counts = self.sockets.counts();
        let open = counts.by_principal.get_mut(&self.key).into_iter().flatten();
        if let Some(session) = { open }.find(|session| session.id == self.session) {
            (session.proof, session.expires_at) = (principal.proof, principal.expires_at);
        }
    }

    /// Completes when somebody has ended what the session came in with.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// True when somebody has.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }
}

impl Drop for SessionPlace {
    fn drop(&mut self) {
        let mut counts = self.sockets.counts();
        if let Some(open) = counts.by_principal.get_mut(&self.key) {
            open.retain(|session| session.id != self.session);
            if open.is_empty() {
                counts.by_principal.remove(&self.key);
            }
        }
        one_fewer(&mut counts.by_tenant, &self.key.0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::auth::Role;
    use crate::domain::id::CredentialId;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn principal() -> Principal {
        Principal {
            id: PrincipalId::new("p").expect("an id"),
            tenant: TenantId::new("acme").expect("an id"),
            roles: BTreeSet::from([Role::Admin]),
            teams: None,
            expires_at: Timestamp(9),
            proof: Proof::Key(CredentialId(1)),
            newcomer: None,
        }
    }

    #[test]
    fn promise_a3_those_who_are_meant_are_ended_and_nobody_else() {
        let sockets = Arc::new(Sockets::new(9, 9, 9));
        let place = |by| {
            let principal = Principal { proof: Proof::Key(CredentialId(by)), ..principal() };
            sockets.open_session(&principal, Timestamp(1)).expect("a place")
        };
        let (first, second, third) = (place(7), place(8), place(8));
        third.renew(&Principal { proof: Proof::Key(CredentialId(7)), ..principal() });
        let is_meant = |_: &PrincipalId, session: &OpenSession| session.proof == Proof::Key(CredentialId(7));
        assert_eq!(sockets.end(&TenantId::new("globex").expect("an id"), is_meant), 0, "another tenant's");
        assert_eq!(sockets.end(&principal().tenant, is_meant), 2);
        assert!(first.ended.is_cancelled() && !second.ended.is_cancelled() && third.ended.is_cancelled());
        let listed = sockets.list(&principal().tenant, Some(SessionId(1)), |_| true, 9);
        assert_eq!(listed.iter().map(|(_, session)| session.id.0).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn an_address_has_its_share_and_gets_places_back() {
        let sockets = Arc::new(Sockets::new(3, 2, 1));
        let first = sockets.admit(address("10.0.0.1")).expect("a place");
        let _second = sockets.admit(address("::ffff:10.0.0.1")).expect("a place for the same address");
        assert_eq!(sockets.admit(address("10.0.0.1")).err(), Some(Full::Address));
        let _third = sockets.admit(address("10.0.0.2")).expect("a place");
        assert_eq!(sockets.admit(address("10.0.0.3")).err(), Some(Full::Server));
        drop(first);
        assert!(sockets.admit(address("10.0.0.1")).is_ok());
    }

    #[test]
    fn a_proxy_has_no_share_of_its_own_and_those_it_speaks_for_have() {
        let sockets = Arc::new(Sockets::new(3, 1, 1));
        let proxy = [sockets.admit_proxy().expect("a place"), sockets.admit_proxy().expect("a place")];
        let client = sockets.admit_client(address("10.0.0.1")).expect("a place");
        assert_eq!(sockets.admit_client(address("10.0.0.1")).err(), Some(Full::Address));
        assert!(sockets.admit_client(address("10.0.0.2")).is_ok());
        let _direct = sockets.admit(address("10.0.0.3")).expect("a place");
        assert_eq!(sockets.admit_proxy().err(), Some(Full::Server));
        drop((proxy, client));
        assert!(sockets.admit(address("10.0.0.1")).is_ok());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one_address() {
        let sockets = Arc::new(Sockets::new(9, 1, 1));
        let _place = sockets.admit(address("2001:db8::1")).expect("a place");
        assert_eq!(sockets.admit(address("2001:db8::ffff:1")).err(), Some(Full::Address));
        assert!(sockets.admit(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_tenant_has_its_share_of_sessions_whoever_opens_them() {
        let sockets = Arc::new(Sockets::new(9, 9, 2).with_per_tenant(Some(2)));
        let open = |name: &str, id: &str| {
            let (tenant, id) = (TenantId::new(name).expect("an id"), PrincipalId::new(id).expect("an id"));
            sockets.open_session(&Principal { tenant, id, ..principal() }, Timestamp(1))
        };
        let held = (open("acme", "a"), open("acme", "b"));
        assert!(held.0.is_some() && held.1.is_some());
        assert!(open("acme", "c").is_none());
        assert_eq!(open("outra", "c").map(|place| place.id()), Some(SessionId(1)), "a number of its own");
        drop(held);
        assert!(open("acme", "c").is_some());
    }

    #[test]
    fn nothing_is_kept_of_connections_and_sessions_that_are_gone() {
        let sockets = Arc::new(Sockets::new(9, 9, 1));
        let place = sockets.admit(address("10.0.0.1")).ok();
        let session = sockets.open_session(&principal(), Timestamp(1));
        assert!(session.is_some());
        assert!(sockets.open_session(&principal(), Timestamp(1)).is_none());
        drop((place, session));
        let counts = sockets.counts();
        assert!(counts.by_address.is_empty() && counts.by_principal.is_empty() && counts.by_tenant.is_empty());
        assert_eq!(counts.connections, 0);
    }
}
