//! Credentials in the store: kept as they are put, gone when they are dropped, told of by events that name no secret.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::store_kinds::Store;
use crate::support::store_world::{World, admin};
use intervalo::domain::access::{
    AccessEvent, Account, ApiKey, Credential, CredentialChange, Cut, Door, HistoryPart, Invitation, Login,
    PasswordHash, Rights, SecretHash,
};
use intervalo::domain::command::Actor;
use intervalo::domain::event::{Cause, TenantEventBody};
use intervalo::domain::export::{Export, ExportFilter, ExportFormat, ExportPart};
use intervalo::domain::id::{CredentialId, PrincipalId, TeamId};
use intervalo::domain::role::Role;
use intervalo::domain::time::{hours, minutes};
use intervalo::ports::{Epoch, Journal, ShardSeq, TenantDefinition};

fn rights(subject: &str, role: Role, teams: Option<&[&str]>) -> Rights {
    let team = |team: &&str| TeamId::new(team).unwrap();
    Rights {
        subject: PrincipalId::new(subject).unwrap(),
        roles: BTreeSet::from([role]),
        teams: teams.map(|teams| teams.iter().map(team).collect()),
    }
}

/// One of each kind, with the event that puts it there.
fn one_of_each(world: &World) -> Vec<(AccessEvent, Credential)> {
    let id = CredentialId;
    let (made_at, expires_at) = (world.now, world.now + hours(1));
    let account = Account {
        id: id(2),
        login: "Sofia.Lima@acme".to_owned(),
        rights: rights("sofia", Role::Supervisor, Some(&["support"])),
        password: None,
        change_by: Some(expires_at),
        made_at,
        ended_at: None,
    };
    let key = ApiKey {
        id: id(1),
        name: "the \"router\" é".to_owned(),
        rights: rights("router", Role::Integration, None),
        secret: SecretHash([7; 32]),
        made_at,
        expires_at,
        ended_at: None,
        used_at: None,
    };
    let invitation = Invitation { id: id(3), account: id(2), secret: SecretHash([8; 32]), made_at, expires_at };
    let login = Login { id: id(4), account: id(2), secret: SecretHash([9; 32]), began_at: made_at, expires_at };
    let subject = PrincipalId::new("ana").unwrap();
    let cut = Cut { id: id(5), subject: subject.clone(), until: made_at };
    vec![
        (AccessEvent::KeyMade(id(1)), Credential::Key(key)),
        (AccessEvent::AccountMade(id(2)), Credential::Account(account)),
        (AccessEvent::AccountInvited { account: id(2), invitation: id(3) }, Credential::Invitation(invitation)),
        (AccessEvent::LoginBegan { account: id(2), login: id(4) }, Credential::Login(login)),
        (AccessEvent::AccessCut { subject: Some(subject.to_string()) }, Credential::Cut(cut)),
    ]
}

fn tell(world: &mut World, event: AccessEvent, changes: Vec<CredentialChange>) {
    world.now = world.now + minutes(1);
    let definition = (!changes.is_empty()).then(|| TenantDefinition::Credentials(changes.into()));
    world.tenant_event(admin(), Cause::Admin, TenantEventBody::Access(event), definition);
}

async fn kept(journal: &dyn Journal, world: &World) -> Arc<[Credential]> {
    Arc::clone(&journal.snapshot(world.shard).await.unwrap().tenants[0].credentials)
}

/// Credentials are there as they were put last, across reopening, until they are dropped.
pub(crate) async fn credentials_are_kept_as_they_were_put_last(store: &impl Store) {
    let mut journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    assert_eq!(*kept(&*journal, &world).await, []);
    let all = one_of_each(&world);
    for (event, credential) in all.clone() {
        tell(&mut world, event, vec![CredentialChange::Put(credential)]);
    }
    journal.append(world.batch()).await.unwrap();
    let credentials: Vec<Credential> = all.into_iter().map(|(_, credential)| credential).collect();
    assert_eq!(*kept(&*journal, &world).await, credentials[..]);
    journal = store.open().await;
    world.take_over(journal.heads().await.unwrap()[0]);
    assert_eq!(*kept(&*journal, &world).await, credentials[..], "opened again");

    // In one batch: a password is set by an invitation, which is used up; a login begins, ends, and is put again.
    let [key, Credential::Account(account), invitation, login, cut] = &credentials[..] else { panic!("five of them") };
    let set = Account { password: Some(PasswordHash("$argon2id$x".to_owned())), change_by: None, ..account.clone() };
    let set = Credential::Account(set);
    let drop_login = CredentialChange::Drop(login.id());
    let put_login = CredentialChange::Put(login.clone());
    let used_up = vec![CredentialChange::Put(set.clone()), CredentialChange::Drop(invitation.id())];
    tell(&mut world, AccessEvent::PasswordSet(account.id), used_up);
    tell(&mut world, AccessEvent::LoginEnded(login.id()), vec![drop_login.clone()]);
    tell(&mut world, AccessEvent::LoginBegan { account: account.id, login: login.id() }, vec![put_login]);
    tell(&mut world, AccessEvent::KeyUsed(key.id()), Vec::new());
    let refused = AccessEvent::AccessRefused { door: Door::Key, credential: Some(key.id()), count: 3 };
    world.tenant_event(Actor::System, Cause::Session, TenantEventBody::Access(refused), None);
    let read = AccessEvent::HistoryRead { what: HistoryPart::Audit, role: Role::Auditor, count: 2 };
    world.tenant_event(Actor::System, Cause::Session, TenantEventBody::Access(read), None);
    for filters in [BTreeSet::new(), ExportFilter::ALL.iter().copied().collect()] {
        let export = Export { what: ExportPart::Pauses, format: ExportFormat::Csv, filters };
        let exported = AccessEvent::DataExported { export, rows: 1000, role: Role::Auditor, count: 2 };
        world.tenant_event(Actor::System, Cause::Session, TenantEventBody::Access(exported), None);
    }
    journal.append(world.batch()).await.unwrap();
    assert_eq!(*kept(&*journal, &world).await, [key.clone(), set.clone(), login.clone(), cut.clone()]);
    // What is dropped and is not there is no fault.
    tell(&mut world, AccessEvent::LoginEnded(login.id()), vec![drop_login.clone(), drop_login]);
    tell(&mut world, AccessEvent::AccountEnded(account.id), vec![CredentialChange::Drop(CredentialId(77))]);
    tell(&mut world, AccessEvent::KeyEnded(key.id()), Vec::new());
    journal.append(world.batch()).await.unwrap();
    assert_eq!(*kept(&*journal, &world).await, [key.clone(), set, cut.clone()]);
    assert_eq!(journal.read(world.shard, ShardSeq(0), 1000).await.unwrap(), world.stored);
    store.verify().await.unwrap();
}
