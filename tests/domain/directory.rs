//! Who is in the directory, as it changes while everybody works (semantics §7, §8).

use std::collections::BTreeMap;

use intervalo::domain::directory::{CAPACITY_MAX, Channel, Person, TEAMS_OF_PERSON_MAX, Team};
use intervalo::domain::directory_change::{PersonChanged, PersonProblem};
use intervalo::domain::id::{AgentId, ChannelCode, TeamId};

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
