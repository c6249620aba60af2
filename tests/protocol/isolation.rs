//! Promise A1: all that a tenant's people are given is the same to the byte, whether another tenant is at rest or busy.
//!
//! A whole server with two tenants whose people, teams, types and ops are called alike. One of them, `filial`, goes through the
//! same day twice: beside a neighbour that does nothing, and beside one that does everything at once. Time moves by the
//! test's hand and ids follow from whom they are for and when, so that nothing in what is compared has to be left out but
//! the `date` of an HTTP answer and the comments of a stream, which tell the time.

#[path = "isolation/day.rs"]
mod day;
#[path = "isolation/rival.rs"]
mod rival;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use intervalo::actor::core::FreshId;
use intervalo::domain::command::Actor;
use intervalo::domain::event::TenantEvent;
use intervalo::domain::id::{AgentId, Op, PauseId, RequestId, TenantId, TenantSeq};
use intervalo::domain::op::OpRecord;
use intervalo::domain::record::{RecordedPause, RecordedRequest};
use intervalo::domain::time::{Timestamp, hours};
use intervalo::ports::{
    AppendError, Batch, BoxFuture, Clock, Journal, ReadError, ShardHead, ShardId, ShardSeq, ShardSnapshot, Stored,
};
use intervalo::server::Stores;
use intervalo::store::PauseHistory;
use intervalo::store::history::{EventFilter, EventPage, PAGE_MAX, PauseFilter, PauseKey, PausePage, PauseRow};
use intervalo::store::history::{PublishedPolicy, Recorded};
use intervalo::transport::{self, PingTimes, Rate, Settings, TenantHistory};
use tokio::sync::watch;

use crate::server::TestServer;

/// Whose day it is.
const OWN: &str = "filial";
/// When it begins: 2026-11-22T09:00:00Z, a Sunday.
const BEGIN: Timestamp = Timestamp(1_795_338_000_000);

/// A clock that the test moves.
struct HandClock(watch::Sender<i64>);

impl HandClock {
    fn pass(&self, ms: i64) {
        self.0.send_modify(|now| *now += ms);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.borrow())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= at.0).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// What is wrong with a server on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leak {
    /// An op is looked up without the tenant.
    UnscopedOp,
    /// A reader of events is told the number of the last one of all tenants of the shard.
    HeadOfShard,
    /// A pause is found by its id alone.
    UnscopedPause,
}

/// What the neighbour does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    Nothing,
    /// Everything at once.
    Everything,
    /// An operator closes it, and opens it again, with somebody in it each time.
    ClosesAndOpens,
}

/// Everything that was given to somebody, in its order.
type Given = BTreeMap<String, Vec<String>>;

/// What differs: whose, and the first line of it.
fn differences(one: &Given, other: &Given) -> BTreeMap<String, String> {
    let empty = Vec::new();
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = names.into_iter().filter_map(|name| {
        let (one, other) = (one.get(name).unwrap_or(&empty), other.get(name).unwrap_or(&empty));
        let place = (0..one.len().max(other.len())).find(|place| one.get(*place) != other.get(*place))?;
        Some((name.clone(), format!("at rest: {:?}; busy: {:?}", one.get(place), other.get(place))))
    });
    differs.collect()
}

/// A name whose shard is that of the own tenant, or another.
fn neighbour(shares_shard: bool) -> String {
    let shard = |name: &str| ShardId::of_new_tenant(&name.parse().expect("an id"));
    let mut names = (0..).map(|n| format!("rival-{n}"));
    names.find(|name| (shard(name) == shard(OWN)) == shares_shard).expect("there are 256 shards")
}

/// Ids by whom they are for and when; those of the neighbour are the smallest that there are, so that anybody can guess
/// them.
fn ids() -> FreshId {
    let drawn = AtomicU64::new(0);
    Arc::new(move |tenant: &TenantId, agent: &AgentId, now: Timestamp| {
        if tenant.as_str() != OWN {
            return PauseId(u128::from(drawn.fetch_add(1, Ordering::SeqCst) + 1));
        }
        let hash = agent
            .as_str()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        PauseId(u128::from(now.0.unsigned_abs()) << 80 | u128::from(hash))
    })
}

/// The own tenant's day beside a neighbour; what its people were given, and how many events the neighbour has.
async fn day_beside(neighbour: &str, does: Neighbour, leak: Option<Leak>) -> (Given, u64) {
    let clock = Arc::new(HandClock(watch::Sender::new(BEGIN.0)));
    let settings = Settings {
        // What nobody answers while time jumps is no fault of theirs.
        ping: PingTimes { every: hours(1), answered_within: hours(1) },
        rate: Rate { per_second: 10, burst: 2_000 },
        ..Settings::default()
    };
    let (own, other): (TenantId, TenantId) = (OWN.parse().expect("an id"), neighbour.parse().expect("an id"));
    let made = |stores: Stores| {
        let history = Arc::clone(&stores.history);
        let leaky = Leaky { inner: Arc::clone(&stores.journal), other: other.clone(), leak };
        let history: Arc<dyn transport::PauseHistory> = match leak {
            Some(Leak::HeadOfShard) => Arc::new(LeakyHistory { inner: history, other: other.clone() }),
            Some(Leak::UnscopedOp | Leak::UnscopedPause) | None => history,
        };
        Stores { journal: Arc::new(leaky), history, fresh_id: ids(), ..stores }
    };
    let server = TestServer::standing_on(Arc::clone(&clock) as Arc<dyn Clock>, &[OWN, neighbour], settings, made).await;
    // Whoever is answered finds the server started, at the instant at which the day begins.
    assert_eq!(server.raw(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.status, 200);
    let rival = rival::Rival::new(&server, neighbour);
    let beside = async {
        match does {
            Neighbour::Nothing => std::future::pending().await,
            Neighbour::Everything => rival.rage().await,
            Neighbour::ClosesAndOpens => rival.close_and_open().await,
        }
    };
    let progress = (does != Neighbour::Nothing).then(|| rival.progress());
    let mut given = tokio::select! {
        given = day::Day::new(&server, &clock, progress).live() => given,
        () = beside => unreachable!("it has no end"),
    };
    let data = server.stopped_on().await;
    let history = PauseHistory::open(data.path()).await.expect("the history");
    let written = history.of(&own).events(&EventFilter::default(), TenantSeq(0), PAGE_MAX).await.expect("a page");
    assert_eq!(written.reached, written.head, "one page has it all");
    given.insert("journal".to_owned(), written.events.iter().map(|entry| format!("{entry:?}")).collect());
    let theirs = history.of(&other).head().await.expect("a number");
    history.close().await;
    (given, theirs.0)
}

/// A store that finds for a tenant what is another's.
struct Leaky {
    inner: Arc<dyn Journal>,
    other: TenantId,
    leak: Option<Leak>,
}

impl Journal for Leaky {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        self.inner.append(batch)
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        self.inner.snapshot(shard)
    }

    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        self.inner.read(shard, after, max)
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        self.inner.heads()
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        self.inner.head(shard)
    }

    fn broken(&self) -> Option<String> {
        self.inner.broken()
    }

    fn is_in_doubt(&self) -> bool {
        self.inner.is_in_doubt()
    }

    fn find_pause<'a>(
        &'a self,
        tenant: &'a TenantId,
        pause: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(async move {
            let found = self.inner.find_pause(tenant, pause).await?;
            if found.is_none() && self.leak == Some(Leak::UnscopedPause) {
                return self.inner.find_pause(&self.other, pause).await;
            }
            Ok(found)
        })
    }

    fn find_request<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RequestId,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        self.inner.find_request(tenant, request, since)
    }

    fn find_op<'a>(
        &'a self,
        tenant: &'a TenantId,
        agent: &'a AgentId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        self.inner.find_op(tenant, agent, op, by)
    }

    fn find_change<'a>(
        &'a self,
        tenant: &'a TenantId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        Box::pin(async move {
            let found = self.inner.find_change(tenant, op, by).await?;
            if found.is_none() && self.leak == Some(Leak::UnscopedOp) {
                return self.inner.find_change(&self.other, op, by).await;
            }
            Ok(found)
        })
    }
}

/// A history that counts another tenant's events.
struct LeakyHistory {
    inner: Arc<dyn transport::PauseHistory>,
    other: TenantId,
}

struct LeakyEvents {
    inner: Box<dyn TenantHistory>,
    other: Box<dyn TenantHistory>,
}

impl transport::PauseHistory for LeakyHistory {
    fn of(&self, tenant: &TenantId) -> Box<dyn TenantHistory> {
        Box::new(LeakyEvents { inner: self.inner.of(tenant), other: self.inner.of(&self.other) })
    }
}

impl TenantHistory for LeakyEvents {
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>> {
        self.inner.page(filter, after, limit)
    }

    fn pause(&self, id: PauseId) -> BoxFuture<'_, Result<Option<PauseRow>, ReadError>> {
        self.inner.pause(id)
    }

    fn policies(
        &self,
        up_to: intervalo::domain::id::PolicyVersion,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<PublishedPolicy>, ReadError>> {
        self.inner.policies(up_to, limit)
    }

    fn recorded(&self) -> BoxFuture<'_, Result<Recorded, ReadError>> {
        self.inner.recorded()
    }

    fn head(&self) -> BoxFuture<'_, Result<TenantSeq, ReadError>> {
        Box::pin(async move { Ok(TenantSeq(self.inner.head().await?.0 + self.other.head().await?.0)) })
    }

    fn events<'a>(
        &'a self,
        filter: &'a EventFilter,
        after: TenantSeq,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, ReadError>> {
        self.inner.events(filter, after, limit)
    }
}

async fn same_beside_both(shares_shard: bool, does: Neighbour, at_least: u64) {
    let neighbour = neighbour(shares_shard);
    let (at_rest, few) = day_beside(&neighbour, Neighbour::Nothing, None).await;
    let (busy, many) = day_beside(&neighbour, does, None).await;
    assert!(many > few + at_least, "the neighbour is busy: {many} events beside {few}");
    let lines: usize = at_rest.values().map(Vec::len).sum();
    assert!(lines > 100, "enough was given: {lines}");
    assert_eq!(differences(&at_rest, &busy), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_a1_a_tenant_is_given_the_same_beside_a_busy_one_of_its_shard() {
    same_beside_both(true, Neighbour::Everything, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_a1_a_tenant_is_given_the_same_beside_a_busy_one_of_another_shard() {
    same_beside_both(false, Neighbour::Everything, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_a1_a_tenant_is_given_the_same_beside_one_of_its_shard_that_is_closed_and_opened_again() {
    same_beside_both(true, Neighbour::ClosesAndOpens, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_leak_is_found() {
    let neighbour = neighbour(true);
    let (at_rest, _) = day_beside(&neighbour, Neighbour::Nothing, None).await;
    let leaks = [
        (Leak::UnscopedOp, "PUT /v1/teams/tarde"),
        (Leak::HeadOfShard, "chefe: GET /v1/events?after=1000000"),
        (Leak::UnscopedPause, "chefe: answers"),
    ];
    for (leak, shows_in) in leaks {
        let (busy, _) = day_beside(&neighbour, Neighbour::Everything, Some(leak)).await;
        let found = differences(&at_rest, &busy);
        assert!(found.contains_key(shows_in), "{leak:?}: {found:?}");
    }
    // One frame of the neighbour's is enough, and so is one digit of a number.
    let mut mixed_in = at_rest.clone();
    mixed_in.get_mut("sofia: board.changed").expect("frames").insert(1, "{}".to_owned());
    assert_eq!(differences(&at_rest, &mixed_in).into_keys().collect::<Vec<_>>(), ["sofia: board.changed"]);
    let mut bent = at_rest.clone();
    let line = bent.get_mut("ana: answers").expect("answers").first_mut().expect("one");
    *line = line.replacen("\"version\":", "\"version\":1", 1);
    assert_eq!(differences(&at_rest, &bent).into_keys().collect::<Vec<_>>(), ["ana: answers"]);
}
