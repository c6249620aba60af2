//! A draft held against what is on record (semantics §5).

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::policy::{admin, available, put_draft};
use crate::server::TestServer;

fn counts(rows: &Value, key: &str) -> Vec<(String, u64)> {
    let rows = rows.as_array().expect("a list").iter();
    let name = |row: &Value| row.get(key).map_or(String::new(), |name| name.to_string().trim_matches('"').to_owned());
    rows.map(|row| (name(row), row["count"].as_u64().expect("a number"))).collect()
}

fn of(name: &str, count: u64) -> Vec<(String, u64)> {
    vec![(name.to_owned(), count)]
}

#[tokio::test]
async fn a_draft_is_held_against_the_starts_of_recorded_days() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    let nothing = chefe.refused("policy.dry_run", json!({})).await;
    assert_eq!((nothing.0, nothing.1.as_str()), (-32004, "not_found"), "as policy.publish answers without a draft");
    let publish = json!({"at": "now", "reason": "r"});
    let (number, code, _) = chefe.refused("policy.publish", publish).await;
    assert_eq!((number, code), (nothing.0, nothing.1));

    let (mut ana, mut carla) = (available(&server, "ana").await, available(&server, "carla").await);
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    ana.ok("pause.end", json!({"then": "available"})).await;
    ana.ok("pause.start", json!({"type": "banheiro"})).await;
    ana.ok("pause.end", json!({"then": "available"})).await;
    ana.ok("pause.start", json!({"type": "descanso"})).await;
    carla.ok("pause.start", json!({"type": "almoco"})).await;
    let (_, code, _) = carla.refused("pause.start", json!({"type": "feedback"})).await;
    assert_eq!(code, "already_paused");

    // Lunch is for sales alone.
    put_draft(&mut chefe, "almoco", json!({"teams": ["vendas"]})).await;
    let found = chefe.ok("policy.dry_run", json!({"days": 2})).await;
    assert_eq!((&found["starts"], &found["unclear"]), (&json!(3), &json!(0)), "{found}");
    let refused = &found["refused"];
    assert_eq!(refused["total"], 1);
    assert_eq!(counts(&refused["by_code"], "code"), of("not_offered", 1));
    assert_eq!(counts(&refused["by_type"], "type"), of("almoco", 1));
    assert_eq!(counts(&refused["by_team"], "team"), of("suporte", 1));
    assert_eq!(counts(&refused["by_hour"], "hour").len(), 1);
    let hour = &refused["by_hour"][0]["hour"];
    let row = json!({"type": "almoco", "team": "suporte", "hour": hour, "code": "not_offered", "count": 1});
    assert_eq!(refused["rows"], json!([row]));
    assert_eq!((&found["version"], &found["draft"]["note"]), (&json!(1), &json!("do RH")));
    assert!(!found.to_string().contains("banheiro"), "{found}");
    for none in ["queued", "pending", "requested", "entitlements_lost", "let_through"] {
        let nothing = json!({"total": 0, "by_code": [], "by_type": [], "by_team": [], "by_hour": [], "rows": []});
        assert_eq!(found[none], nothing);
    }

    put_draft(&mut chefe, "descanso", json!({"enabled": false})).await;
    let found = chefe.ok("policy.dry_run", json!({})).await;
    let lost = &found["entitlements_lost"];
    assert_eq!((&lost["total"], &found["refused"]["total"]), (&json!(1), &json!(1)), "{found}");
    assert_eq!(counts(&lost["by_code"], "code"), of("type_disabled", 1));

    // It publishes nothing, and whoever is on a pause goes on.
    assert_eq!(chefe.ok("policy.get", json!({})).await["version"], 1);
    assert_eq!(ana.ok("agent.get", json!({})).await["pause"]["type"], "descanso");
}

#[tokio::test]
async fn days_without_a_record_have_nothing_to_tell_and_days_that_are_none_are_refused() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    let mut ana = available(&server, "ana").await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    put_draft(&mut chefe, "almoco", json!({"enabled": false})).await;
    let found = chefe.ok("policy.dry_run", json!({"from": "2026-01-05", "to": "2026-01-09"})).await;
    assert_eq!((&found["from"], &found["to"]), (&json!("2026-01-05"), &json!("2026-01-09")));
    assert_eq!((&found["starts"], &found["refused"]["total"]), (&json!(0), &json!(0)), "{found}");
    for (params, field) in [
        (json!({"days": 32}), "days"),
        (json!({"from": "2026-01-05", "to": "2026-02-05"}), "from"),
        (json!({"from": "2026-01-05", "to": "2026-01-04"}), "to"),
        (json!({"from": "2026-01-05T00:00:00Z"}), "from"),
        (json!({"types": []}), "types"),
    ] {
        let (number, code, told) = chefe.refused("policy.dry_run", params.clone()).await;
        assert_eq!((number, code.as_str(), &told["field"]), (-32602, "invalid_params", &json!(field)), "{params}");
    }
    // Another tenant's draft and record are its own.
    let token = server.token_for("outra", Role::Admin, "chefe", None, std::time::Duration::from_secs(60));
    let mut other = server.open(&token).await;
    assert_eq!(other.refused("policy.dry_run", json!({})).await.1, "not_found");
    for role in [Role::Supervisor, Role::Auditor, Role::Integration] {
        let mut client = server.open(&server.token(role, "alguem", Some(&["suporte"]))).await;
        assert_eq!(client.refused("policy.dry_run", json!({})).await.1, "forbidden", "{role}");
    }
}
