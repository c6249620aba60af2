//! Slots: what the caps leave room for, and that counting on the way is counting anew (semantics §3 `cap`, C6).

use std::collections::BTreeMap;
use std::sync::Arc;

use intervalo::domain::command::{Actor, Refusal};
use intervalo::domain::directory::{Directory, Person, Team, Tenant};
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause};
use intervalo::domain::id::{AgentId, DirectoryVersion, OfferId, PauseTypeCode, PolicyVersion, TeamId, TenantId};
use intervalo::domain::policy::{Cap, PauseKind, PauseRules, PauseType, Policy, WhenFull};
use intervalo::domain::queue::Place;
use intervalo::domain::slots::{Asker, Room, Slots, Standing, Taken, Waiter, slots_of};
use intervalo::domain::time::Timestamp;
use proptest::prelude::*;

use crate::script::check;

const AGENTS: usize = 6;
const TEAMS: [&str; 3] = ["suporte", "vendas", "noite"];
const TYPES: [&str; 3] = ["cafe", "almoco", "lanche"];

fn team(n: usize) -> TeamId {
    TeamId::new(TEAMS[n]).expect("an id")
}

fn agent(n: usize) -> AgentId {
    AgentId::new(&format!("agent-{n}")).expect("an id")
}

fn code(n: usize) -> PauseTypeCode {
    PauseTypeCode::new(TYPES[n]).expect("a code")
}

/// Agents in teams that differ: the first three in one each, the others in two.
fn directory(moved: usize) -> Directory {
    let person = |n: usize| {
        let first = team((n + moved) % TEAMS.len());
        let second = (n >= TEAMS.len()).then(|| team((n + moved + 1) % TEAMS.len()));
        let teams = [first].into_iter().chain(second).collect();
        (
            agent(n),
            Arc::new(Person {
                id: agent(n),
                name: n.to_string(),
                teams,
                zone: None,
                capacity: BTreeMap::new(),
                left_at: None,
            }),
        )
    };
    let a_team = |n: usize| (team(n), Team { id: team(n), name: TEAMS[n].to_owned(), zone: None });
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), chrono_tz::UTC),
        teams: (0..TEAMS.len()).map(a_team).collect(),
        agents: (0..AGENTS).map(person).collect(),
        closing: None,
        channels: BTreeMap::new(),
    }
}

fn policy(caps: &[(usize, usize, Cap)]) -> Policy {
    let of = |n: usize| {
        let cap = caps.iter().filter(|(of, _, _)| *of == n).map(|(_, of, cap)| (team(*of), *cap)).collect();
        let pause_type = PauseType {
            code: code(n),
            name: BTreeMap::new(),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position: 0,
            enabled: true,
            archived_at: None,
            teams: None,
            kind: PauseKind::Regular(PauseRules { cap, ..PauseRules::default() }),
        };
        (code(n), Arc::new(pause_type))
    };
    Policy { version: PolicyVersion(1), types: (0..TYPES.len()).map(of).collect() }
}

fn on(pause_type: usize, teams: &[usize]) -> Standing {
    let teams = teams.iter().map(|n| team(*n)).collect();
    let taken = Taken { pause_type: code(pause_type), teams, ends_at: None };
    Standing { taken: Some(taken), waiting: None, connected: true, available: false }
}

const HERE: Standing = Standing { taken: None, waiting: None, connected: true, available: true };

/// The room of coffee in `suporte` under a cap, with so many on it, connected besides, and available of those.
fn room(cap: Cap, on_it: usize, here: usize, asker_is_available: bool) -> Room {
    let mut slots = Slots::new(BTreeMap::new(), &policy(&[(0, 0, cap)]), &crowd());
    for n in 0..on_it {
        slots.put(&one_of_crowd(n), on(0, &[0]), &crowd());
    }
    for n in on_it..on_it + here {
        slots.put(&one_of_crowd(n), HERE, &crowd());
    }
    slots.counts().room(&code(0), &team(0), cap, Asker { available: asker_is_available, offered: false })
}

fn one_of_crowd(n: usize) -> AgentId {
    AgentId::new(&format!("crowd-{n}")).expect("an id")
}

/// A hundred people of one team.
fn crowd() -> Directory {
    let person = |n: usize| {
        let id = one_of_crowd(n);
        (
            id.clone(),
            Arc::new(Person {
                id,
                name: String::new(),
                teams: vec![team(0)],
                zone: None,
                capacity: BTreeMap::new(),
                left_at: None,
            }),
        )
    };
    Directory { agents: (0..100).map(person).collect(), ..directory(0) }
}

#[test]
fn a_cap_allows_so_many_at_once() {
    assert_eq!(room(Cap::AtMost(2), 0, 5, true), Room { used: 0, of: 2 });
    assert!(!room(Cap::AtMost(2), 1, 5, true).is_full());
    assert!(room(Cap::AtMost(2), 2, 5, true).is_full());
    // Lowered under its use it ends nobody, and lets nobody in.
    assert!(room(Cap::AtMost(1), 2, 5, true).is_full());
}

#[test]
fn a_percentage_is_of_those_who_are_connected_rounded_down_but_one_at_least() {
    assert_eq!(room(Cap::Percent(20), 1, 13, true), Room { used: 1, of: 2 });
    assert_eq!(room(Cap::Percent(20), 2, 12, true), Room { used: 2, of: 2 });
    assert_eq!(room(Cap::Percent(20), 2, 13, true), Room { used: 2, of: 3 });
    assert_eq!(room(Cap::Percent(20), 0, 3, true), Room { used: 0, of: 1 });
    assert_eq!(room(Cap::Percent(100), 3, 4, true), Room { used: 3, of: 7 });
}

#[test]
fn so_many_stay_available_whether_or_not_the_asker_was_one_of_them() {
    // Of six, one may go when five are to stay; of five none.
    assert_eq!(room(Cap::KeepAvailable(5), 0, 6, true), Room { used: 0, of: 1 });
    assert!(room(Cap::KeepAvailable(5), 0, 5, true).is_full());
    // Who took `unavailable` first is not counted, and may go only if the others are enough.
    assert!(!room(Cap::KeepAvailable(5), 0, 5, false).is_full());
    assert!(room(Cap::KeepAvailable(5), 0, 4, false).is_full());
    assert_eq!(room(Cap::KeepAvailable(1), 3, 4, true), Room { used: 3, of: 6 });
}

#[test]
fn a_pause_takes_slots_of_the_agents_teams_that_it_is_offered_to() {
    let teams = [team(0), team(1)];
    let mut pause_type = PauseType::clone(&policy(&[]).types[&code(0)]);
    assert_eq!(*slots_of(&teams, &pause_type), teams);
    pause_type.teams = Some([team(1), team(2)].into());
    assert_eq!(*slots_of(&teams, &pause_type), [team(1)]);
}

#[test]
fn promise_c6_an_offer_let_pass_costs_the_place_behind_whoever_is_next_when_it_is_written() {
    let (directory, policy) = (crowd(), policy(&[(0, 0, Cap::AtMost(2))]));
    let waits = |place: Place| {
        let waiter = Waiter {
            pause_type: code(0),
            teams: [team(0)].into(),
            place,
            offered: true,
            opens_at: None,
            lapsing: false,
            ready: true,
            available: true,
        };
        Standing { waiting: Some(Arc::new(waiter)), ..HERE }
    };
    let places = [1, 2, 3].map(|at| Place::at(Timestamp(at)));
    let standings = places.iter().enumerate().map(|(n, place)| (one_of_crowd(n), waits(*place)));
    let mut slots = Slots::new(standings.collect(), &policy, &directory);
    let lets_pass = |place: Option<Place>| {
        let body = AgentEventBody::OfferExpired { offer: OfferId(1), place };
        AgentEvent {
            at: Timestamp(9),
            due_at: None,
            actor: Actor::System,
            cause: Cause::Queue,
            reason: None,
            policy_version: policy.version,
            op: None,
            body,
        }
    };
    let allows = |slots: &Slots, n: usize, place: Option<Place>| {
        slots.allow(&one_of_crowd(n), &[lets_pass(place)], &policy, &directory)
    };
    assert!(allows(&slots, 1, Some(places[2].next())));
    // The first one's offer was let pass at the same time, and is written before: there is somebody else behind the second.
    let behind = places[1].next();
    assert!(allows(&slots, 0, Some(behind)));
    slots.put(&one_of_crowd(0), waits(behind), &directory);
    assert!(!allows(&slots, 1, Some(places[2].next())), "it was looked up in the line of before");
    assert!(allows(&slots, 1, Some(behind.next())));
    // The seat can be lost at any time.
    assert!(allows(&slots, 1, None));
}

#[test]
fn a_full_team_refuses_and_the_verdict_says_which_and_how_full() {
    let mut world = check(
        r#"
        team suporte
        team vendas
        agent ana team vendas,suporte
        type cafe windows all 08:00-18:00
        mon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable
        "#,
    );
    let caps = BTreeMap::from([(team(0), Cap::AtMost(1)), (team(1), Cap::AtMost(9))]);
    let coffee = Arc::make_mut(world.policy.types.get_mut(&code(0)).expect("coffee"));
    let PauseKind::Regular(rules) = &mut coffee.kind else { panic!("a regular pause") };
    (rules.cap, rules.when_full) = (caps, WhenFull::Refuse);
    world.count_anew();
    world.other_stands(&agent(1), on(0, &[0]));
    let actor = Actor::Agent(world.id.clone());
    let verdict = world.ask(&actor, &code(0), None, false);
    assert_eq!(
        verdict.code,
        Some(Refusal::SlotsFull { team: team(0), used: 1, of: 1, position: None, expected_at: None })
    );
    assert_eq!((verdict.also, verdict.next_change_at.is_some()), (vec![], true));
}

#[derive(Debug, Clone)]
enum Step {
    Stands(usize, Standing),
    TakenBack,
    Policy(Vec<(usize, usize, Cap)>),
    Directory(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let slots = || (0..TYPES.len(), proptest::sample::subsequence(vec![0, 1, 2], 0..=2));
    let teams = |teams: Vec<usize>| teams.into_iter().map(team).collect();
    let taken = (slots(), proptest::option::of(0_i64..5)).prop_map(move |((n, of), ends_at)| Taken {
        pause_type: code(n),
        teams: teams(of),
        ends_at: ends_at.map(Timestamp),
    });
    let opens_at = proptest::option::of((0_i64..5).prop_map(Timestamp));
    let waiter = (slots(), 0_i64..4, opens_at, any::<[bool; 4]>()).prop_map(
        move |((n, of), at, opens_at, [offered, lapsing, ready, available])| {
            let (pause_type, teams, place) = (code(n), teams(of), Place::at(Timestamp(at)));
            Arc::new(Waiter { pause_type, teams, place, offered, opens_at, lapsing, ready, available })
        },
    );
    let standing = (proptest::option::of(taken), proptest::option::of(waiter), any::<bool>(), any::<bool>())
        .prop_map(|(taken, waiting, connected, available)| Standing { taken, waiting, connected, available });
    let cap = prop_oneof![Just(Cap::AtMost(2)), Just(Cap::Percent(30)), Just(Cap::KeepAvailable(1))];
    let caps = proptest::collection::vec((0..TYPES.len(), 0..TEAMS.len(), cap), 0..5);
    prop_oneof![
        12 => (0..AGENTS, standing).prop_map(|(n, standing)| Step::Stands(n, standing)),
        4 => Just(Step::TakenBack),
        1 => caps.prop_map(Step::Policy),
        1 => (0..TEAMS.len()).prop_map(Step::Directory),
    ]
}

proptest! {
    #[test]
    fn counting_on_the_way_is_counting_anew(steps in proptest::collection::vec(step(), 1..80)) {
        let (mut policy_in_force, mut directory_in_force) = (policy(&[(0, 0, Cap::AtMost(1))]), directory(0));
        let mut slots = Slots::new(BTreeMap::new(), &policy_in_force, &directory_in_force);
        let mut standings: BTreeMap<AgentId, Standing> = BTreeMap::new();
        let mut undo: Vec<(AgentId, Standing)> = Vec::new();
        for step in steps {
            match step {
                Step::Stands(n, standing) => {
                    standings.insert(agent(n), standing.clone());
                    undo.push((agent(n), slots.put(&agent(n), standing, &directory_in_force)));
                }
                Step::TakenBack => {
                    let Some((who, before)) = undo.pop() else { continue };
                    standings.insert(who.clone(), before.clone());
                    slots.put(&who, before, &directory_in_force);
                }
                Step::Policy(caps) => {
                    policy_in_force = policy(&caps);
                    slots.count_anew(&policy_in_force, &directory_in_force);
                }
                Step::Directory(moved) => {
                    directory_in_force = directory(moved);
                    slots.count_anew(&policy_in_force, &directory_in_force);
                }
            }
            let anew = Slots::new(standings.clone(), &policy_in_force, &directory_in_force);
            prop_assert_eq!(slots.counts(), anew.counts());
        }
    }
}
