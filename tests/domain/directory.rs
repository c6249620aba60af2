//! Who is in the directory, as it changes while everybody works (semantics §7, §8).

use std::collections::BTreeMap;
use std::sync::Arc;

use intervalo::domain::command::Actor;
use intervalo::domain::directory::Tenant;
use intervalo::domain::directory::{CAPACITY_MAX, Channel, Person, TEAMS_OF_PERSON_MAX, Team};
use intervalo::domain::directory_change::{
    CHANNELS_MAX, NamedBy, NotRemoved, PEOPLE_MAX, PartChanged, PersonChanged, PersonProblem, TEAMS_MAX, TooMany,
};
use intervalo::domain::id::{AgentId, ChannelCode, PauseTypeCode, TeamId};
use intervalo::domain::policy::Policy;
use intervalo::domain::policy_plans::{PolicyDraft, PolicyPlans, ScheduledPolicy};
use intervalo::domain::time::Timestamp;

use crate::script::check;
use crate::world::World;

fn world() -> World {
    check("team suporte\nteam vendas\nchannel voice blocks capacity 2\nagent ana team suporte")
}

fn team(id: &str) -> TeamId {
    TeamId::new(id).expect("an id")
}

fn person(id: &str, teams: &[&str]) -> Person {
    let (id, name) = (AgentId::new(id).expect("an id"), id.to_owned());
    let teams = teams.iter().map(|id| team(id)).collect();
    Person { id, name, teams, zone: None, capacity: BTreeMap::new(), left_at: None }
}

#[test]
fn a_person_comes_moves_leaves_and_is_back_each_a_version() {
    let world = world();
    let came = world.directory.with_person(person("bia", &["vendas"])).expect("she may");
    assert_eq!((came.what, came.directory.version), (PersonChanged::Came, world.directory.version.next()));
    assert_eq!(came.directory.agents[&came.person.id], came.person);
    assert_eq!(came.directory.agents.len(), world.directory.agents.len() + 1, "and everybody else is still there");

    let bia = person("bia", &["suporte"]);
    let moved = came.directory.with_person(bia.clone()).expect("she may");
    assert_eq!((moved.what, &moved.person.teams), (PersonChanged::Changed, &bia.teams));
    let again = moved.directory.with_person(bia.clone()).expect("she may");
    assert_eq!((again.what, again.directory.version), (PersonChanged::Nothing, moved.directory.version.next()));

    let left = moved.directory.without_person(&bia.id, world.now).expect("she is there");
    assert_eq!((left.what, left.person.left_at), (PersonChanged::Left, Some(world.now)));
    let later = world.now + std::time::Duration::from_secs(60);
    let twice = left.directory.without_person(&bia.id, later).expect("her id is there");
    assert_eq!((twice.what, twice.person.left_at), (PersonChanged::Nothing, Some(world.now)), "when she left first");
    let nobody = AgentId::new("nobody").expect("an id");
    assert_eq!(left.directory.without_person(&nobody, later), None);

    let another = Person { name: "Beatriz".to_owned(), ..bia.clone() };
    assert_eq!(left.directory.with_person(another.clone()), Err(PersonProblem::IdOfAnother));
    let back = left.directory.with_person(bia).expect("she may");
    assert_eq!((back.what, back.person.left_at), (PersonChanged::Changed, None));
    let renamed = back.directory.with_person(another).expect("whoever is there may be called otherwise");
    assert_eq!((renamed.what, renamed.person.name.as_str()), (PersonChanged::Changed, "Beatriz"));
}

#[test]
fn what_a_person_names_must_be_there() {
    let mut directory = world().directory;
    let problem = |directory: &intervalo::domain::directory::Directory, person| {
        let problem: PersonProblem = directory.with_person(person).expect_err("refused");
        (problem.field(), problem.to_string())
    };
    let (field, text) = problem(&directory, person("bia", &["suporte", "nenhum"]));
    assert_eq!((field, text.as_str()), ("teams", "names team \"nenhum\", which does not exist"));
    let twice = person("bia", &["suporte", "vendas", "suporte"]);
    assert_eq!(problem(&directory, twice), ("teams", "names team \"suporte\" twice".to_owned()));
    let telex = ChannelCode::new("telex").expect("a code");
    let with = |code: &ChannelCode| Person {
        capacity: BTreeMap::from([(code.clone(), CAPACITY_MAX)]),
        ..person("bia", &["suporte"])
    };
    assert_eq!(problem(&directory, with(&telex)).0, "capacity");
    let (code, name) = (telex.clone(), "Telex".to_owned());
    let channel = Channel { code, name, enabled: true, blocks_pause: false, capacity: 1 };
    directory.channels.insert(telex.clone(), channel);
    assert!(directory.with_person(with(&telex)).is_ok());

    let names: Vec<String> = (0..=TEAMS_OF_PERSON_MAX).map(|n| format!("t{n}")).collect();
    for name in &names {
        directory.teams.insert(team(name), Team { id: team(name), name: name.clone(), zone: None });
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(directory.with_person(person("bia", &names[1..])).is_ok());
    assert_eq!(directory.with_person(person("bia", &names)), Err(PersonProblem::TooManyTeams));
    assert_eq!(PersonProblem::IdOfAnother.field(), "name");
}

fn named(id: &str) -> Team {
    Team { id: team(id), name: id.to_owned(), zone: None }
}

fn channel(code: &str) -> Channel {
    let code = ChannelCode::new(code).expect("a code");
    Channel { name: code.as_str().to_owned(), code, enabled: true, blocks_pause: false, capacity: 1 }
}

#[test]
fn a_team_or_a_channel_comes_changes_and_goes_each_a_version() {
    let world = world();
    let (none, no_plans) = (Policy::empty(), PolicyPlans::default());
    let came = world.directory.with_team(named("norte")).expect("it may");
    assert_eq!((came.what, came.directory.version), (PartChanged::Added, world.directory.version.next()));
    let same = came.directory.with_team(named("norte")).expect("it may");
    assert_eq!((same.what, same.directory.version), (PartChanged::Nothing, came.directory.version.next()));
    let zoned = Team { zone: Some(chrono_tz::UTC), ..named("norte") };
    let changed = came.directory.with_team(zoned.clone()).expect("it may");
    assert_eq!((changed.what, &changed.directory.teams[&zoned.id]), (PartChanged::Changed, &zoned));
    let gone = changed.directory.without_team(&zoned.id, &none, &no_plans).expect("nobody names it");
    assert_eq!((gone.what, gone.directory.teams.len()), (PartChanged::Removed, 2));
    assert_eq!(gone.directory.without_team(&zoned.id, &none, &no_plans), Err(NotRemoved::NoSuchPart));

    let came = world.directory.with_channel(channel("chat")).expect("it may");
    assert_eq!(came.what, PartChanged::Added);
    let off = Channel { enabled: false, ..channel("chat") };
    assert_eq!(came.directory.with_channel(off.clone()).expect("it may").what, PartChanged::Changed);
    let gone = came.directory.without_channel(&off.code).expect("nobody names it");
    assert_eq!((gone.what, &gone.directory.channels), (PartChanged::Removed, &world.directory.channels));
    assert_eq!(gone.directory.without_channel(&off.code), Err(NotRemoved::NoSuchPart));
}

#[test]
fn what_somebody_names_is_not_taken_out_and_who_left_names_nothing() {
    let world = check(
        "team suporte\nteam vendas\nchannel voice blocks capacity 2\nagent ana team suporte\ntype cafe cap suporte=1",
    );
    let (ana, cafe) = (AgentId::new("ana").expect("an id"), PauseTypeCode::new("cafe").expect("a code"));
    let draft = Arc::new(PolicyDraft {
        base_version: world.policy.version,
        at: world.now,
        by: Actor::System,
        note: None,
        types: world.policy.types.clone(),
    });
    let scheduled = Arc::new(ScheduledPolicy {
        draft: Arc::clone(&draft),
        takes_effect_at: world.now,
        loosen_only: false,
        by: Actor::System,
        reason: "r".to_owned(),
    });
    let plans = PolicyPlans { draft: Some(draft), scheduled: Some(scheduled), ..PolicyPlans::default() };
    let by_all = vec![
        NamedBy::Person(ana.clone()),
        NamedBy::PauseType(cafe.clone(), "cap"),
        NamedBy::Scheduled(cafe.clone(), "cap"),
        NamedBy::Draft(cafe, "cap"),
    ];
    let suporte = team("suporte");
    let refused = world.directory.without_team(&suporte, &world.policy, &plans);
    assert_eq!(refused, Err(NotRemoved::Named(by_all)));
    let left = world.directory.without_person(&ana, world.now).expect("she is there").directory;
    let gone = left.without_team(&suporte, &Policy::empty(), &PolicyPlans::default()).expect("nobody names it");
    assert!(gone.directory.agents[&ana].teams.is_empty());

    let voice = ChannelCode::new("voice").expect("a code");
    let capacity = BTreeMap::from([(voice.clone(), 3)]);
    let with_own = world.directory.with_person(Person { capacity, ..person("ana", &["suporte"]) }).expect("she may");
    let by_her = vec![NamedBy::Person(ana.clone())];
    assert_eq!(with_own.directory.without_channel(&voice), Err(NotRemoved::Named(by_her)));
    let left = with_own.directory.without_person(&ana, world.now).expect("she is there").directory;
    let gone = left.without_channel(&voice).expect("nobody names it");
    assert!(gone.directory.agents[&ana].capacity.is_empty());
}

#[test]
fn there_are_so_many_teams_and_channels_and_no_more() {
    let mut directory = world().directory;
    for n in directory.teams.len()..TEAMS_MAX {
        directory.teams.insert(team(&format!("t{n}")), named(&format!("t{n}")));
    }
    assert_eq!(directory.with_team(named("novo")), Err(TooMany { most: TEAMS_MAX }));
    assert!(directory.with_team(Team { zone: Some(chrono_tz::UTC), ..named("vendas") }).is_ok());
    for n in directory.channels.len()..CHANNELS_MAX {
        let channel = channel(&format!("c{n}"));
        directory.channels.insert(channel.code.clone(), channel);
    }
    assert_eq!(directory.with_channel(channel("novo")), Err(TooMany { most: CHANNELS_MAX }));
}

#[test]
fn there_are_so_many_people_and_no_more_those_who_left_included() {
    let mut directory = world().directory;
    let gone = Arc::new(Person { left_at: Some(Timestamp(1)), ..person("quem", &[]) });
    let ids = (directory.agents.len()..PEOPLE_MAX).map(|n| AgentId::new(&format!("p{n:07}")).expect("an id"));
    let others: Vec<_> = ids.map(|id| (id, Arc::clone(&gone))).collect();
    directory.agents.extend(others);
    assert_eq!(directory.with_person(person("bia", &["vendas"])), Err(PersonProblem::TooManyPeople));
    assert!(directory.with_person(person("ana", &["vendas"])).is_ok(), "whoever is there may move");
}

#[test]
fn settings_change_and_the_tenant_stays_the_one_that_it_is() {
    let world = world();
    let other = intervalo::domain::id::TenantId::new("another").expect("an id");
    let settings = Tenant { id: other, pauses_enabled: false, ..world.directory.tenant.clone() };
    let changed = world.directory.with_settings(settings);
    assert_eq!((changed.what, changed.directory.tenant.pauses_enabled), (PartChanged::Changed, false));
    assert_eq!(changed.directory.tenant.id, world.directory.tenant.id);
    let same = changed.directory.with_settings(changed.directory.tenant.clone());
    assert_eq!((same.what, same.directory.version), (PartChanged::Nothing, changed.directory.version.next()));
}

#[test]
fn a_company_is_closed_and_opened_again_by_versions_of_its_directory() {
    let as_founded = Arc::new(world().directory);
    assert_eq!((as_founded.closed_at(), as_founded.reopened(Timestamp(4))), (None, None), "it was never closed");
    let closed = as_founded.closed(Timestamp(5), Timestamp(9));
    assert_eq!((closed.closed_at(), closed.version), (Some(Timestamp(5)), as_founded.version.next()));
    let open = closed.reopened(Timestamp(7)).expect("it is closed");
    assert_eq!((open.is_closed(), open.version, open.reopened(Timestamp(8))), (false, closed.version.next(), None));
    let closing = open.closing.expect("it is known of");
    assert_eq!((closing.at, closing.wall_at, closing.versions), (Timestamp(5), Timestamp(9), 2));
    // What was put into it is another matter than how often it was closed.
    assert_eq!([&*as_founded, &closed, &open].map(|one| one.is_as_founded()), [true; 3]);
    let settled = open.with_settings(Tenant { pauses_enabled: false, ..open.tenant.clone() }).directory;
    assert_eq!((settled.closing, settled.is_as_founded()), (open.closing, false));
    let again = settled.closed(Timestamp(9), Timestamp(9));
    assert_eq!((again.closed_at(), again.is_as_founded()), (Some(Timestamp(9)), false));
}
