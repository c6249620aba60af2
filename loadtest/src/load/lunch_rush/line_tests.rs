//! A rush of three with one slot as it must be, and every way in which it could not be.

use serde_json::json;

use super::*;

fn event(seq: u64, kind: &str, agent: &str) -> Event {
    let data = if [STARTED, ENDED].contains(&kind) { json!({ "pause": format!("p-{agent}") }) } else { json!({}) };
    let at = format!("2026-11-22T23:59:{:02}.000Z", 30 + seq);
    serde_json::from_value(json!({ "seq": seq, "at": at, "kind": kind, "agent": agent, "data": data }))
        .expect("an event")
}

/// Ana is let in, bruno and carla wait and follow.
fn journal() -> Vec<Event> {
    let events = [
        (STARTED, "ana"),
        (QUEUED, "bruno"),
        (QUEUED, "carla"),
        (ENDED, "ana"),
        (STARTED, "bruno"),
        (ENDED, "bruno"),
        (STARTED, "carla"),
        (ENDED, "carla"),
    ];
    (1..).zip(events).map(|(seq, (kind, agent))| event(seq, kind, agent)).collect()
}

/// Offers that end at these times, of bruno and carla.
fn told(ends: [&str; 2]) -> Told {
    let wait = |position, end: &str| {
        vec![Wait {
            position: Some(position),
            line_was_whole: true,
            expires_at: Some(format!("2026-11-23T{end}.000Z")),
        }]
    };
    let pauses = |agent: &str| vec![format!("p-{agent}")];
    let agents = BTreeMap::from([
        ("ana".to_owned(), (pauses("ana"), Vec::new())),
        ("bruno".to_owned(), (pauses("bruno"), wait(1, ends[0]))),
        ("carla".to_owned(), (pauses("carla"), wait(2, ends[1]))),
    ]);
    Told { agents }
}

const IN_ORDER: [&str; 2] = ["00:00:34", "00:00:36"];

fn found(journal: &[Event], told: &Told) -> Vec<String> {
    check(journal, told, 1, 1).list().to_vec()
}

/// The same with two events in each other's place.
fn swapped(one: usize, other: usize) -> Vec<Event> {
    let mut journal = journal();
    journal.swap(one, other);
    journal
}

#[test]
fn a_rush_as_it_must_be_is_held() {
    assert_eq!(found(&journal(), &told(IN_ORDER)), [""; 0]);
}

#[test]
fn a_planted_slot_too_many_is_found() {
    let found = found(&swapped(3, 4), &told(IN_ORDER));
    assert!(found.contains(&"event 5: 2 are away, 1 may be".to_owned()), "{found:?}");
}

#[test]
fn a_planted_pause_too_many_or_too_few_is_found() {
    let told = told(IN_ORDER);
    let twice = [journal(), vec![event(9, STARTED, "ana"), event(10, ENDED, "ana")]].concat();
    let found_twice = found(&twice, &told);
    assert!(found_twice.contains(&"ana had 2 pauses in 1 rounds".to_owned()), "{found_twice:?}");
    let found_missing = found(&journal()[..6], &told);
    assert!(found_missing.contains(&"carla stands in line at the end".to_owned()), "{found_missing:?}");
    assert!(found_missing.contains(&"carla had 0 pauses in 1 rounds".to_owned()), "{found_missing:?}");
    let found_open = found(&journal()[..7], &told);
    assert_eq!(found_open, ["carla is on the pause p-carla at the end"]);
    let mut other = told.clone();
    other.agents.insert("ana".to_owned(), (vec!["p-9".to_owned()], Vec::new()));
    assert_eq!(found(&journal(), &other), ["ana was acknowledged [\"p-9\"], the journal has [\"p-ana\"]"]);
}

#[test]
fn a_planted_line_out_of_order_is_found() {
    let backwards = found(&journal(), &told(["00:00:36", "00:00:34"]));
    let expected = "carla (event 3) was offered a slot while 1 were free and 1 stood in line before";
    assert_eq!(backwards, [expected]);
    // Ana comes when bruno and carla wait, and is let in before either is offered a slot.
    let mut jumped = vec![event(1, STARTED, "bia"), event(2, ENDED, "bia")];
    jumped[0].at = "2026-11-22T23:59:20.000Z".to_owned();
    jumped.extend([event(2, QUEUED, "bruno"), event(3, STARTED, "ana"), event(4, ENDED, "ana")]);
    jumped.extend([event(5, STARTED, "bruno"), event(6, ENDED, "bruno")]);
    let mut of_three = told(IN_ORDER);
    of_three.agents.remove("carla");
    of_three.agents.insert("bia".to_owned(), (vec!["p-bia".to_owned()], Vec::new()));
    let found_jumped = found(&jumped, &of_three);
    assert_eq!(found_jumped, ["ana (event 3) was let in at once while 1 were free and 1 stood in line before"]);
}

#[test]
fn planted_places_and_losses_are_found() {
    let mut placed = told(IN_ORDER);
    placed.agents.get_mut("carla").expect("carla").1[0].position = Some(3);
    assert_eq!(found(&journal(), &placed), ["event 3: carla stands behind 1 to 1 others and was told place 3"]);
    let lost = [journal(), vec![event(9, EXPIRED, "ana"), event(10, QUEUED, "eva")]].concat();
    let lost = found(&lost, &told(IN_ORDER));
    assert_eq!(lost, ["event 9: ana had pause.offer_expired", "event 10 is of Some(\"eva\"), who asked for nothing"]);
    let never = found(&journal(), &{
        let mut told = told(IN_ORDER);
        told.agents.get_mut("carla").expect("carla").1[0].expires_at = None;
        told
    });
    assert_eq!(never, ["carla waited and was offered nothing"]);
}

#[test]
fn instants_are_read() {
    assert_eq!(millis_of_day("2026-11-22T01:02:03.004Z"), Some(3_723_004));
    assert_eq!((millis_of_day("2026-11-22"), millis_of_day("x")), (None, None));
}
