//! The rules of pauses over HTTP: as a whole, and one type at a time (semantics §3, §5).

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::agents::House;
use crate::policy::{admin, available};

const DRAFT: &str = "/v1/policy/draft";
const PUBLISH: &str = "/v1/policy/draft/publish";
const COFFEE: &str = "/v1/pause-types/cafezinho";
const KEY: [(&str, &str); 1] = [("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b")];

/// A draft that changes the limit of lunch, on top of a version.
async fn draft_of(house: &House, limit_s: u64, base_version: u64) -> Value {
    let mut types = house.get("/v1/policy").await.json()["types"].take();
    types[0]["limit_s"] = json!(limit_s);
    json!({"types": types, "base_version": base_version})
}

#[tokio::test]
async fn a_draft_is_put_read_run_dry_and_published_as_over_the_socket() {
    let house = House::open().await;
    let mut chefe = admin(&house.server).await;
    let shown = house.get("/v1/policy").await;
    assert_eq!((shown.status, shown.json()), (200, chefe.ok("policy.get", json!({})).await));
    assert_eq!(house.get("/v1/policy?draft=true").await.problem(), (404, "not_found".to_owned()));

    let put = house.put(DRAFT, draft_of(&house, 5400, 1).await).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(put.json()["difference"][0]["fields"][0]["after"], 5400);
    let read = house.get("/v1/policy?draft=true").await;
    assert_eq!(read.json(), chefe.ok("policy.get", json!({"draft": true})).await);
    let ran = house.ask("POST", "/v1/policy/draft/dry-run", &[], &json!({"days": 1})).await;
    assert_eq!((ran.status, &ran.json()["version"]), (200, &json!(1)), "{ran:?}");

    let now = json!({"at": "now", "reason": "acordo"});
    let published = house.ask("POST", PUBLISH, &[], &now).await;
    assert_eq!((published.status, &published.json()["version"]), (200, &json!(2)));
    assert_eq!(house.get("/v1/policy?version=1").await.json()["types"][0]["limit_s"], 3600);
    assert_eq!(house.get("/v1/policy").await.json()["types"][0]["limit_s"], 5400);
    let page = house.get("/v1/policy/versions?limit=1").await.json();
    assert_eq!(page["versions"][0]["reason"], "acordo");
    let rest = house.get(&format!("/v1/policy/versions?cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest.json()["versions"][0]["version"], 1);
}

#[tokio::test]
async fn a_draft_is_changed_and_published_on_top_of_what_was_read_alone() {
    let house = House::open().await;
    let read = house.get("/v1/policy").await.headers["etag"].clone();
    let draft = draft_of(&house, 5400, 1).await;
    let put = house.ask("PUT", DRAFT, &[("if-match", &read)], &draft).await;
    assert_eq!(put.status, 200);
    let etag = put.headers["etag"].clone();
    assert_eq!(house.get("/v1/policy?draft=true").await.headers["etag"], etag);
    let stale = house.ask("PUT", DRAFT, &[("if-match", &read)], &draft).await;
    assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
    let now = json!({"at": "now", "reason": "acordo"});
    assert_eq!(house.ask("POST", PUBLISH, &[("if-match", &read)], &now).await.problem().0, 412);
    assert_eq!(house.get("/v1/policy").await.json()["version"], 1, "and nothing was published");
    let published = house.ask("POST", PUBLISH, &[("if-match", &etag)], &now).await;
    assert_eq!(published.status, 200);
    assert_eq!(house.get("/v1/policy").await.headers["etag"], published.headers["etag"]);
}

#[tokio::test]
async fn a_key_has_one_effect_and_is_the_op_of_the_socket() {
    let house = House::open().await;
    house.put(DRAFT, draft_of(&house, 5400, 1).await).await;
    let now = json!({"at": "now", "reason": "acordo"});
    for _ in 0..2 {
        let published = house.ask("POST", PUBLISH, &KEY, &now).await;
        assert_eq!((published.status, &published.json()["version"]), (200, &json!(2)));
    }
    let other = json!({"at": "now", "reason": "outro"});
    assert_eq!(house.ask("POST", PUBLISH, &KEY, &other).await.problem(), (409, "op_reused".to_owned()));
    let mut chefe = admin(&house.server).await;
    let op = json!({"at": "now", "reason": "acordo", "op": KEY[0].1});
    assert_eq!(chefe.ok("policy.publish", op.clone()).await["version"], 2);
    let answer = house.ask("POST", PUBLISH, &[], &op).await;
    assert_eq!((answer.problem().0, &answer.json()["params"]["field"]), (400, &json!("op")));
}

#[tokio::test]
async fn a_draft_over_http_may_be_larger_than_a_message_of_the_socket() {
    let house = House::open().await;
    let mut draft = draft_of(&house, 5400, 1).await;
    let types = draft["types"].as_array_mut().expect("a list");
    let locales = ["pt-BR", "en", "es", "fr", "de", "it", "pl", "nl", "sv", "fi"];
    let long: serde_json::Map<String, Value> =
        locales.iter().map(|locale| ((*locale).to_owned(), json!("uma pausa ".repeat(45).trim()))).collect();
    types
        .extend((0..150).map(|n| json!({"code": format!("tipo-{n}"), "name": {"pt-BR": "Tipo"}, "description": long})));
    let bytes = draft.to_string().len();
    assert!((600 * 1024..1024 * 1024).contains(&bytes), "{bytes} bytes");
    let put = house.put(DRAFT, draft).await;
    assert_eq!((put.status, put.json()["difference"].as_array().map(Vec::len)), (200, Some(151)), "{put:?}");
    // A frame of the socket does not hold it, and is no reason to cut the socket.
    let mut chefe = admin(&house.server).await;
    let (_, code, params) = chefe.refused("policy.get", json!({"draft": true})).await;
    assert_eq!((code.as_str(), &params["bytes_max"]), ("too_large", &json!(524_288)));
    let call = |id: u64, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": "policy.get", "params": params});
    chefe.send(json!([call(7, json!({})), call(8, json!({"draft": true})), call(9, json!({}))]).to_string()).await;
    let batch = chefe.receive().await.expect("an answer");
    let is_told = |at: usize| batch[at]["result"]["version"] == 1;
    assert!(is_told(0) && is_told(2) && batch[1]["error"]["data"]["code"] == "too_large", "{batch}");
    let answer = house.put(DRAFT, json!({"types": [], "base_version": 1, "note": "x".repeat(1024 * 1024)})).await;
    assert_eq!(
        (answer.problem(), &answer.json()["params"]["bytes_max"]),
        ((413, "too_large".to_owned()), &json!(1_048_576))
    );
}

#[tokio::test]
async fn a_type_that_is_put_is_in_force_at_once_as_a_version_of_its_own() {
    let house = House::open().await;
    let mut bruno = available(&house.server, "bruno").await;
    bruno.ok("pause.options", json!({"watch": true})).await;
    let coffee = json!({"name": {"pt-BR": "Cafezinho"}, "limit_s": 600, "position": 0});
    let put = house.put(COFFEE, coffee.clone()).await;
    let shown = put.json();
    assert_eq!((put.status, &shown["version"], &shown["affected"]["paused"]), (201, &json!(2), &json!(0)), "{put:?}");
    let read = house.get(COFFEE).await;
    assert_eq!(read.json(), json!({"code": "cafezinho", "name": {"pt-BR": "Cafezinho"}, "limit_s": 600}));
    assert_eq!((&shown["pause_type"], &put.headers["etag"]), (&read.json(), &read.headers["etag"]));
    assert!(bruno.notification("options.changed").await.to_string().contains("cafezinho"), "menus are told");
    assert_eq!(house.get("/v1/policy").await.json()["reason"], "PUT /v1/pause-types/cafezinho");

    let same = house.put(COFFEE, coffee).await;
    assert_eq!((same.status, &same.json()["version"]), (200, &json!(2)), "what changes nothing is no version");
    let since = house.get("/v1/policy").await.json()["in_force_since"].take();
    assert_eq!(same.json()["takes_effect_at"], since, "it has been so since then");
    let changed = json!({"code": "cafezinho", "name": {"pt-BR": "Cafezinho"}, "limit_s": 900});
    let path = format!("{COFFEE}?reason=acordo");
    let put = house.ask("PUT", &path, &[("if-match", &read.headers["etag"])], &changed).await;
    assert_eq!((put.status, &put.json()["version"]), (200, &json!(3)));
    let stale = house.ask("PUT", COFFEE, &[("if-match", &read.headers["etag"])], &changed).await;
    assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
    let only_new = house.ask("PUT", COFFEE, &[("if-none-match", "*")], &changed).await;
    assert_eq!(only_new.problem().0, 412);
    assert_eq!(house.get("/v1/policy").await.json()["reason"], "acordo");
    for _ in 0..2 {
        let put = house.ask("PUT", "/v1/pause-types/novo", &KEY, &json!({"name": {"pt-BR": "Novo"}})).await;
        assert_eq!((put.status / 100, &put.json()["version"]), (2, &json!(4)));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_type_is_told_by_its_field() {
    let house = House::open().await;
    let unfit = json!({
        "name": {"pt-BR": "Café"}, "limit_s": 60, "warn_before_s": [90], "teams": ["nenhum"], "limit": 1,
        "windows": [{"from": "11:30", "until": "25:00"}], "code": "outro",
        "entitlement_rules": [{"id": "r", "min_s": 0}, {"id": "s", "type": "almoco", "min_s": 60}],
    });
    let answer = house.put(COFFEE, unfit).await;
    assert_eq!(answer.problem(), (400, "invalid_params".to_owned()));
    let problems = answer.json()["params"]["problems"].take();
    let fields: Vec<&str> = problems.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    let expected = [
        "code",
        "windows[0].until",
        "warn_before_s",
        "teams",
        "limit",
        "entitlement_rules[1].type",
        "entitlement_rules[0].min_s",
    ];
    assert_eq!(fields, expected);
    let regular = json!({"name": {"pt-BR": "Café"}, "entitlement_rules": [{"id": "r", "min_s": 60}]});
    let answer = house.put(COFFEE, regular).await;
    assert_eq!(answer.json()["params"]["field"], "entitlement_rules[0].type", "a regular pause is owed to nobody");
    let protected = house.put("/v1/pause-types/banheiro", json!({"name": {"pt-BR": "Banheiro"}})).await;
    assert_eq!(protected.json()["params"]["field"], "class", "what is protected stays so");
    for (query, field) in [("at=never", "at"), ("reason=", "reason"), ("x=1", "x"), ("loosen_only=1", "loosen_only")] {
        let answer = house.put(&format!("{COFFEE}?{query}"), json!({"name": {"pt-BR": "Café"}})).await;
        assert_eq!((answer.problem().0, &answer.json()["params"]["field"]), (400, &json!(field)), "{query}");
    }
    assert_eq!(house.get("/v1/policy").await.json()["version"], 1, "nothing was published");
    for (method, path) in [("GET", COFFEE), ("DELETE", COFFEE)] {
        assert_eq!(house.ask(method, path, &[], &json!({})).await.problem(), (403, "forbidden".to_owned()));
    }
}

#[tokio::test]
async fn a_type_that_is_taken_away_is_archived_and_running_pauses_keep_their_terms() {
    let house = House::open().await;
    let mut ana = available(&house.server, "ana").await;
    let mut bruno = available(&house.server, "bruno").await;
    let running = ana.ok("pause.start", json!({"type": "almoco"})).await["agent"]["pause"].take();
    let gone = house.delete("/v1/pause-types/almoco").await;
    assert_eq!((gone.status, &gone.json()["version"]), (200, &json!(2)));
    assert_eq!(gone.json()["affected"]["agents"], json!(["ana"]));
    assert_eq!(ana.ok("agent.get", json!({})).await["pause"], running);
    let code = bruno.refused("pause.start", json!({"type": "almoco"})).await.1;
    assert!(["type_disabled", "unknown_type"].contains(&code.as_str()), "{code}");
    assert_eq!(house.delete("/v1/pause-types/almoco").await.status, 204, "it is gone already");
    assert!(house.get("/v1/pause-types/almoco").await.json()["archived_at"].is_string());
    let codes = |answer: crate::server::Answer| {
        let types = answer.json()["pause_types"].take();
        types.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(house.get("/v1/pause-types?limit=2").await), ["banheiro", "cafe"]);
    assert_eq!(codes(house.get("/v1/pause-types?limit=1&archived=true").await), ["almoco"]);
    assert_eq!(codes(house.get("/v1/pause-types?limit=1&archived=true&cursor=almoco").await), ["banheiro"]);
    let back = house.put("/v1/pause-types/almoco", json!({"name": {"pt-BR": "Almoço"}})).await;
    assert_eq!((back.status, back.json()["pause_type"].get("archived_at")), (200, None));
}

#[tokio::test]
async fn a_type_that_is_owed_stays_until_its_rules_are_taken_out() {
    let house = House::open().await;
    let rest = "/v1/pause-types/descanso";
    let mut shown = house.get(rest).await.json();
    shown["entitlement_rules"] = json!([{"id": "nr17", "min_s": 600, "count": 2}]);
    assert_eq!(house.put(rest, shown.clone()).await.status, 200);
    let owed = house.get(rest).await.json()["entitlement_rules"].take();
    assert_eq!((&owed[0]["id"], &owed[0]["type"]), (&json!("nr17"), &json!("descanso")));
    let refused = house.delete(rest).await;
    assert_eq!(refused.problem(), (409, "in_use".to_owned()));
    assert_eq!(refused.json()["params"]["named_by"], json!([{"kind": "entitlement_rule", "id": "nr17"}]));
    shown.as_object_mut().unwrap().remove("entitlement_rules");
    shown["position"] = json!(9);
    assert_eq!(house.put(rest, shown.clone()).await.status, 200);
    assert_eq!(house.get(rest).await.json()["entitlement_rules"], owed, "left out, they are as in force");
    shown["entitlement_rules"] = json!([]);
    assert_eq!(house.put(rest, shown).await.status, 200);
    assert_eq!(house.delete(rest).await.status, 200);
}

#[tokio::test]
async fn types_for_the_next_business_day_gather_in_one_version_and_one_for_now_takes_its_place() {
    let house = House::open().await;
    let named = |name: &str| json!({"name": {"pt-BR": name}});
    for code in ["um", "dois"] {
        let path = format!("/v1/pause-types/{code}?at=next_business_day&reason=acordo");
        let put = house.put(&path, named(code)).await;
        assert_eq!((put.status, put.json().get("version")), (202, None), "{put:?}");
        assert_eq!(put.json()["pause_type"]["code"], *code);
        let same = house.put(&path, named(code)).await;
        assert_eq!(
            (same.status, same.json()),
            (202, {
                let mut once = put.json();
                once.as_object_mut().unwrap().remove("affected");
                once
            }),
            "what is planned already takes effect when it was to"
        );
        assert_eq!(house.get(&format!("/v1/pause-types/{code}")).await.status, 403, "not today");
        let planned = house.get(&format!("/v1/pause-types/{code}?at=next_business_day")).await;
        assert_eq!((planned.status, &planned.json()), (200, &put.json()["pause_type"]));
        assert!(planned.headers.contains_key("etag"), "what a change of it is made on top of");
    }
    assert_eq!(house.get("/v1/pause-types/um?at=today").await.problem(), (400, "invalid_params".to_owned()));
    let shown = house.get("/v1/policy").await.json();
    let added: Vec<&str> =
        shown["scheduled"]["difference"].as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!((&shown["version"], added), (&json!(1), vec!["dois", "um"]));
    house.put(DRAFT, draft_of(&house, 5400, 1).await).await;
    assert_eq!(house.put(COFFEE, named("Café")).await.status, 201);
    let shown = house.get("/v1/policy").await.json();
    assert_eq!((&shown["version"], shown.get("scheduled")), (&json!(2), None), "as policy.publish");
    assert_eq!(shown["draft"]["base_version"], 1, "the draft stays, on top of an old version");
    let journal = house.get("/v1/audit?limit=1000").await.json();
    let kinds: Vec<&str> =
        journal["events"].as_array().unwrap().iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(kinds.ends_with(&["policy.drafted", "policy.withdrawn", "policy.published"]), "{kinds:?}");
    let now = json!({"at": "now", "reason": "acordo"});
    assert_eq!(house.ask("POST", PUBLISH, &[], &now).await.problem(), (409, "version".to_owned()));
}

#[tokio::test]
async fn promise_a2_the_policy_over_http_is_for_administrators() {
    let house = House::open().await;
    for role in Role::ALL {
        // Each with a rate of their own.
        let id = if role == Role::Agent { "ana".to_owned() } else { format!("{role}") };
        let token = house.server.token(role, &id, Some(&["suporte"]));
        for (method, path) in [
            ("GET", "/v1/policy"),
            ("GET", "/v1/policy/versions"),
            ("PUT", DRAFT),
            ("POST", "/v1/policy/draft/dry-run"),
            ("POST", PUBLISH),
            ("GET", "/v1/pause-types"),
            ("GET", "/v1/pause-types/cafe"),
            ("PUT", "/v1/pause-types/cafe"),
            ("DELETE", "/v1/pause-types/nenhum"),
        ] {
            let answer = house.ask_as(&token, method, path, &[], &json!({"x": 1})).await;
            let is_forbidden = answer.status == 403 && !path.ends_with("nenhum");
            assert_eq!(is_forbidden, role != Role::Admin && !path.ends_with("nenhum"), "{role} {method} {path}");
        }
    }
}
