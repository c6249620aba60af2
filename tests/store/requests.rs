//! Requests in the store: found by their id, also when they are not their agent's last.

use crate::support::store_kinds::Store;
use crate::support::store_world::{World, agent};
use intervalo::domain::command::Actor;
use intervalo::domain::id::{RequestId, TenantId};
use intervalo::domain::request::RequestState;
use intervalo::domain::time::{Timestamp, seconds};
use intervalo::ports::Epoch;

/// The contract of `Journal::find_request`.
pub(crate) async fn a_request_is_found_with_what_became_of_it_when_its_agent_has_made_another(store: &impl Store) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    // Four requests of one agent: granted, refused, lapsed and taken back.
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    let find = async |tenant: &TenantId, id: u128, since: i64| {
        journal.find_request(tenant, RequestId(id), Timestamp(since)).await.unwrap()
    };
    let mut made = Vec::new();
    for id in 1..=4 {
        let found = find(&world.tenant, id, 0).await.expect("a request");
        assert_eq!((found.agent.clone(), found.request.id), (agent("ana"), RequestId(id)));
        assert_eq!(found.request.reason.as_deref(), Some("the dentist"));
        let state = match found.request.state {
            RequestState::Granted(_) => "granted",
            RequestState::Refused(_) => "refused",
            RequestState::Expired { .. } => "expired",
            RequestState::Cancelled { .. } => "cancelled",
            RequestState::Open => "open",
        };
        assert_eq!(state, ["granted", "refused", "expired", "cancelled"][id as usize - 1]);
        let by = found.request.closed_by(&found.agent);
        assert_eq!(by, Some(if state == "expired" { Actor::System } else { Actor::Agent(agent("ana")) }));
        made.push(found.request.at);
    }
    assert_eq!(find(&world.tenant, 5, 0).await, None);
    assert_eq!(find(&TenantId::new("globex").unwrap(), 1, 0).await, None);
    assert!(find(&world.tenant, 1, made[0].0).await.is_some());
    assert_eq!(find(&world.tenant, 1, (made[0] + seconds(1)).0).await, None, "made before");
    store.erase(&world.tenant, &agent("ana")).await;
    assert_eq!(find(&world.tenant, 2, 0).await.expect("a request").request.reason, None);
}
