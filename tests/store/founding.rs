//! A tenant that is made while others work: its directory and its first account in one append, beside what its shard has.

use std::sync::Arc;

use crate::support::store_kinds::Store;
use crate::support::store_world::{World, admin};
use intervalo::auth::first_administrator;
use intervalo::domain::access::{AccessEvent, Credential, CredentialChange, Invitation, SecretHash};
use intervalo::domain::event::{Cause, TenantEventBody};
use intervalo::domain::id::{CredentialId, DirectoryVersion, TenantId, TenantSeq};
use intervalo::domain::time::hours;
use intervalo::ports::{AppendError, Batch, Epoch, ShardId, ShardSeq, TenantDefinition};

/// What a tenant begins with, as an operator makes it.
pub(crate) fn founding(world: &mut World) -> (Batch, Vec<Credential>) {
    let changed = TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added: 1, changed: 0, removed: 0 };
    let mut directory = world.directory.clone();
    (directory.teams, directory.agents, directory.channels) = Default::default();
    let directory = TenantDefinition::Directory(Arc::new(directory));
    world.tenant_event(admin(), Cause::Admin, changed, Some(directory));
    let account = first_administrator(world.now);
    let (id, made_at) = (CredentialId(9), world.now);
    let secret = SecretHash([5; 32]);
    let invitation = Invitation { id, account: account.id, secret, made_at, expires_at: made_at + hours(1) };
    let event = TenantEventBody::Access(AccessEvent::AccountInvited { account: account.id, invitation: id });
    let credentials = vec![Credential::Invitation(invitation), Credential::Account(account)];
    let changes = credentials.iter().cloned().map(CredentialChange::Put).collect();
    world.tenant_event(admin(), Cause::Admin, event, Some(TenantDefinition::Credentials(changes)));
    (world.batch(), credentials)
}

/// A tenant of the same shard as another.
fn beside(tenant: &TenantId) -> String {
    let shard = ShardId::of_new_tenant(tenant);
    let mut names = (0..).map(|n| format!("nova-{n}"));
    names.find(|name| ShardId::of_new_tenant(&TenantId::new(name).unwrap()) == shard).expect("there are 256 shards")
}

pub(crate) async fn a_tenant_that_begins_with_its_first_account_is_there_with_it_or_not_at_all(store: &impl Store) {
    let journal = store.open().await;
    let mut old = World::new("acme", Epoch(0));
    old.epoch = journal.head(old.shard).await.unwrap().epoch;
    journal.append(old.founding()).await.unwrap();
    let mut new = World::new(&beside(&old.tenant), old.epoch);
    new.head = old.head;

    // A fence that does not hold writes nothing of it.
    let (batch, _) = founding(&mut new.clone());
    let late = Batch { after: ShardSeq(batch.after.0 + 1), ..batch };
    assert_eq!(journal.append(late).await, Err(AppendError::Fenced));
    assert_eq!(journal.snapshot(old.shard).await.unwrap().tenants.len(), 1);

    let (batch, credentials) = founding(&mut new);
    let mut again = batch.clone();
    journal.append(batch).await.unwrap();
    assert_eq!(journal.head(old.shard).await.unwrap().head, ShardSeq(4));
    again.after = ShardSeq(4);
    assert_eq!(journal.append(again).await, Err(AppendError::Fenced), "there is one of this id");

    drop(journal);
    let journal = store.open().await;
    let shard = journal.snapshot(old.shard).await.unwrap();
    assert_eq!((shard.tenants.len(), shard.head.head), (2, ShardSeq(4)));
    let there = shard.tenants.iter().find(|there| there.directory.tenant.id == new.tenant).expect("it is there");
    assert_eq!((there.head, there.states.len(), there.policy.version.0), (TenantSeq(2), 0, 0));
    assert!(there.server_started.is_none() && there.directory.agents.is_empty());
    let mut found = there.credentials.to_vec();
    found.sort_by_key(Credential::id);
    assert_eq!(found, credentials);
    let summary = store.verify().await.unwrap();
    assert_eq!(summary.tenants.len(), 2);
}
