//! Planned shifts over HTTP.

use std::sync::Arc;

use intervalo::auth::Role;
use intervalo::store::MemoryJournal;
use intervalo::store::memory::Fault;
use serde_json::{Value, json};

use crate::server::{Answer, TestServer};

const DAY: &str = "/v1/agents/ana/shifts/2099-03-02";

struct House {
    server: TestServer,
    token: String,
}

impl House {
    async fn open() -> House {
        House::of(TestServer::start().await)
    }

    fn of(server: TestServer) -> House {
        let token = server.token(Role::Integration, "host", None);
        House { server, token }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_as(&self.token, method, path, &body.to_string()).await
    }

    async fn ask_as(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.server.http(method, path, &[("authorization", &bearer)], body).await
    }

    /// The status, the code and the field of a request that is refused.
    async fn refused(&self, path: &str, body: &Value) -> (u16, String, String) {
        let answer = self.ask("PUT", path, body).await;
        let (status, code) = answer.problem();
        (status, code, answer.json()["params"]["field"].as_str().unwrap_or_default().to_owned())
    }

    async fn planned(&self, agent: &str) -> Value {
        self.ask("GET", &format!("/v1/agents/{agent}/shifts"), &json!({})).await.json()["shifts"].take()
    }
}

fn shift(start: &str, end: &str) -> Value {
    json!({"start": start, "end": end})
}

fn of(agent: &str, day: &str, from: &str, until: &str) -> Value {
    let at = |time: &str| format!("{day}T{time}:00.000Z");
    json!({"agent": agent, "day": day, "start": at(from), "end": at(until)})
}

#[tokio::test]
async fn a_shift_is_planned_listed_changed_and_cancelled() {
    let house = House::open().await;
    assert_eq!(house.planned("ana").await, json!([]));
    let wish = json!({"start": "2099-03-02T09:00:00-03:00", "end": "2099-03-02T15:20:00-03:00", "unpaid_meal_s": 3600});
    let planned = json!({
        "agent": "ana", "day": "2099-03-02", "start": "2099-03-02T12:00:00.000Z", "end": "2099-03-02T18:20:00.000Z",
        "unpaid_meal_s": 3600,
    });
    for _ in 0..2 {
        let answer = house.ask("PUT", DAY, &wish).await;
        assert_eq!((answer.status, answer.json()), (200, planned.clone()));
    }
    assert_eq!(house.planned("ana").await, json!([planned]));
    let night = shift("2099-03-03T01:00:00Z", "2099-03-03T09:20:00Z");
    assert_eq!(house.ask("PUT", DAY, &night).await.status, 200);
    let listed = house.planned("ana").await;
    assert_eq!((&listed[0]["start"], &listed[0].get("unpaid_meal_s")), (&json!("2099-03-03T01:00:00.000Z"), &None));
    for _ in 0..2 {
        let answer = house.ask("DELETE", DAY, &json!({})).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    assert_eq!(house.planned("ana").await, json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_shift_is_told_by_its_field() {
    let house = House::open().await;
    let (nine, three) = ("2099-03-02T12:00:00Z", "2099-03-02T18:20:00Z");
    let cases = [
        (shift(three, nine), "end"),
        (shift(nine, nine), "end"),
        (shift(nine, "2099-03-03T12:00:00.001Z"), "end"),
        (shift("09:00", three), "start"),
        (json!({"start": nine}), "end"),
        (json!({"start": nine, "end": null}), "end"),
        (json!({"start": nine, "end": three, "unpaid_meal_s": -1}), "unpaid_meal_s"),
        (json!({"start": nine, "end": three, "unpaid_meal_s": 6 * 3600 + 1200}), "unpaid_meal_s"),
        (json!({"start": nine, "end": three, "day": "2099-03-02"}), "day"),
        (json!({"start": nine, "end": three, "colour": "red"}), "colour"),
        (json!([]), "body"),
        // Another year, by a slip of the pen.
        (shift("2098-03-02T12:00:00Z", "2098-03-02T18:20:00Z"), "day"),
    ];
    for (body, field) in cases {
        assert_eq!(house.refused(DAY, &body).await, (400, "invalid_params".to_owned(), field.to_owned()), "{body}");
    }
    for day in ["2099-02-29", "2099-3-2", "today"] {
        let refused = house.refused(&format!("/v1/agents/ana/shifts/{day}"), &shift(nine, three)).await;
        assert_eq!(refused, (400, "invalid_params".to_owned(), "day".to_owned()), "{day}");
    }
    assert_eq!(house.ask_as(&house.token, "PUT", DAY, "{").await.problem(), (400, "parse_error".to_owned()));
    assert_eq!(house.planned("ana").await, json!([]));
}

#[tokio::test]
async fn a_shift_does_not_overlap_with_that_of_another_day() {
    let house = House::open().await;
    let night = shift("2099-03-03T01:00:00Z", "2099-03-03T09:20:00Z");
    assert_eq!(house.ask("PUT", DAY, &night).await.status, 200);
    let next = "/v1/agents/ana/shifts/2099-03-03";
    let answer = house.ask("PUT", next, &shift("2099-03-03T09:00:00Z", "2099-03-03T15:00:00Z")).await;
    assert_eq!(answer.problem(), (400, "invalid_params".to_owned()));
    let document = answer.json();
    assert_eq!(document["params"]["field"], "start");
    assert!(document["detail"].as_str().is_some_and(|detail| detail.contains("2099-03-02")), "{document}");
    assert_eq!(house.ask("PUT", next, &shift("2099-03-03T09:20:00Z", "2099-03-03T15:00:00Z")).await.status, 200);
}

#[tokio::test]
async fn shifts_are_planned_by_those_who_may() {
    let house = House::open().await;
    let body = shift("2099-03-02T12:00:00Z", "2099-03-02T18:20:00Z").to_string();
    let token = |role| house.server.token(role, "ana", Some(&["suporte", "vendas"]));
    for role in Role::ALL {
        let may = matches!(role, Role::Admin | Role::Integration);
        let put = house.ask_as(&token(role), "PUT", DAY, &body).await.status;
        assert_eq!(put, if may { 200 } else { 403 }, "{role}");
        let many = house.ask_as(&token(role), "PUT", "/v1/shifts", r#"{"shifts": []}"#).await.status;
        assert_eq!(many, if may { 200 } else { 403 }, "{role}");
        let delete = house.ask_as(&token(role), "DELETE", DAY, "").await.status;
        assert_eq!(delete, if may { 204 } else { 403 }, "{role}");
        let list = house.ask_as(&token(role), "GET", "/v1/agents/ana/shifts", "").await.status;
        assert_eq!(list, if may || role == Role::Supervisor { 200 } else { 403 }, "{role}");
    }
    for unknown in ["nobody", "%00"] {
        let path = format!("/v1/agents/{unknown}/shifts/2099-03-02");
        assert_eq!(house.ask_as(&house.token, "PUT", &path, &body).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(house.ask_as(&house.token, "DELETE", &path, "").await.status, 403);
        let list = house.ask_as(&house.token, "GET", &format!("/v1/agents/{unknown}/shifts"), "").await;
        assert_eq!(list.status, 403);
    }
    assert_eq!(house.server.http("PUT", DAY, &[], &body).await.status, 401);
    assert_eq!(house.ask_as(&house.token, "GET", DAY, "").await.problem().0, 405);
    let elsewhere = house.server.token_for("outra", Role::Admin, "root", None, std::time::Duration::from_secs(60));
    assert_eq!(house.ask_as(&elsewhere, "PUT", DAY, &body).await.status, 200, "an agent of the same name");
    assert_eq!(house.planned("ana").await, json!([]));
}

#[tokio::test]
async fn many_are_planned_at_once() {
    let house = House::open().await;
    let wishes = [
        of("ana", "2099-03-02", "12:00", "18:00"),
        of("bruno", "2099-03-02", "12:00", "18:00"),
        of("ana", "2099-03-03", "12:00", "18:00"),
    ];
    let answer = house.ask("PUT", "/v1/shifts", &json!({"shifts": wishes})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"shifts": [wishes[0], wishes[2], wishes[1]]})));
    assert_eq!(house.planned("ana").await, json!([wishes[0], wishes[2]]));
    // Each of them overlaps with what was planned for the day of the other.
    let moved = [of("ana", "2099-03-02", "17:00", "23:00"), of("ana", "2099-03-03", "02:00", "08:00")];
    assert_eq!(house.ask("PUT", "/v1/shifts", &json!({"shifts": moved})).await.status, 200);
    assert_eq!(house.planned("ana").await, json!(moved));
}

#[tokio::test]
async fn nothing_is_planned_while_one_of_many_is_wrong() {
    let house = House::open().await;
    let night = shift("2099-03-03T01:00:00Z", "2099-03-03T09:20:00Z");
    assert_eq!(house.ask("PUT", DAY, &night).await.status, 200);
    let wishes = json!([
        of("bruno", "2099-03-02", "12:00", "18:00"),
        of("nobody", "2099-03-02", "12:00", "18:00"),
        of("carla", "2099-03-02", "18:00", "12:00"),
        of("bruno", "2099-03-02", "18:00", "20:00"),
        "?",
    ]);
    let answer = house.ask("PUT", "/v1/shifts", &json!({"shifts": wishes})).await;
    assert_eq!(answer.problem(), (400, "invalid_params".to_owned()));
    let told = |document: &Value| -> Vec<Value> {
        let errors = document["params"]["errors"].as_array().expect("a list");
        errors.iter().map(|error| json!([error["index"], error["code"], error["params"]["field"]])).collect()
    };
    let expected = [
        json!([1, "forbidden", null]),
        json!([2, "invalid_params", "end"]),
        json!([3, "invalid_params", "day"]),
        json!([4, "invalid_params", "shifts"]),
    ];
    assert_eq!(told(&answer.json()), expected);
    // What stands against one by what is planned already is seen before any is written, too.
    let wishes = json!([of("bruno", "2099-03-02", "12:00", "18:00"), of("ana", "2099-03-03", "09:00", "18:00")]);
    let answer = house.ask("PUT", "/v1/shifts", &json!({"shifts": wishes})).await;
    assert_eq!((answer.status, told(&answer.json())), (400, vec![json!([1, "invalid_params", "start"])]));
    assert_eq!(house.planned("bruno").await, json!([]));
    assert_eq!(house.refused("/v1/shifts", &json!({"shift": []})).await.2, "shifts");
    assert_eq!(house.refused("/v1/shifts", &json!({"shifts": [], "more": 1})).await.2, "more");
    let large = format!(r#"{{"shifts": ["{}"]}}"#, "x".repeat(65 * 1024));
    assert_eq!(house.ask_as(&house.token, "PUT", "/v1/shifts", &large).await.problem(), (413, "too_large".to_owned()));
}

#[tokio::test]
async fn what_the_store_did_not_take_is_told_one_by_one() {
    let journal = Arc::new(MemoryJournal::new(1));
    let house = House::of(TestServer::over(Arc::clone(&journal)).await);
    let wishes =
        json!({"shifts": [of("ana", "2099-03-02", "12:00", "18:00"), of("bruno", "2099-03-02", "12:00", "18:00")]});
    // Both are looked at first, so that what comes next is the writing.
    assert_eq!((house.planned("ana").await, house.planned("bruno").await), (json!([]), json!([])));
    journal.inject(Fault::Unavailable);
    let answer = house.ask("PUT", "/v1/shifts", &wishes).await;
    assert_eq!(answer.status, 207, "{answer:?}");
    let answer = answer.json();
    let (done, failed) = (answer["shifts"].as_array().expect("a list"), answer["errors"].as_array().expect("a list"));
    assert_eq!(done.len() + failed.len(), 2);
    assert!(failed.iter().all(|error| error["code"] == "unavailable"), "{answer}");
    assert_eq!(failed[0]["index"], 0);
    let again = house.ask("PUT", "/v1/shifts", &wishes).await;
    assert_eq!((again.status, again.json()), (200, wishes));
}

#[tokio::test]
async fn a_key_that_was_used_for_another_plan_is_refused() {
    let house = House::open().await;
    let bearer = format!("Bearer {}", house.token);
    let put = async |key: &str, until: &str| {
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        let body = shift("2099-03-02T12:00:00Z", until).to_string();
        house.server.http("PUT", DAY, &headers, &body).await
    };
    let key = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(put(key, "2099-03-02T18:00:00Z").await.status, 200);
    assert_eq!(put(key, "2099-03-02T18:00:00Z").await.status, 200);
    assert_eq!(put(key, "2099-03-02T19:00:00Z").await.problem(), (409, "op_reused".to_owned()));
    assert_eq!(put("1", "2099-03-02T18:00:00Z").await.problem(), (400, "invalid_params".to_owned()));
}

#[tokio::test]
async fn a_plan_is_told_to_nobody_and_moves_no_version() {
    let house = House::open().await;
    let mut ana = house.server.agent("ana").await;
    let before = ana.ok("agent.get", json!({})).await;
    let wish = shift("2099-03-02T12:00:00Z", "2099-03-02T18:20:00Z");
    assert_eq!(house.ask("PUT", DAY, &wish).await.status, 200);
    assert_eq!(ana.ok("agent.get", json!({})).await, before);
}
