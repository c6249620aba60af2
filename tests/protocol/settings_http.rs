//! Teams, channels and settings over HTTP, and what supervisors may list (semantics §1, §2, §3).

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::agents::House;
use crate::policy::available;

const NORTH: &str = "/v1/teams/norte-novo";
const MAIL: &str = "/v1/channels/mail";
const ACME: &str = "/v1/tenants/acme";
const KEY: [(&str, &str); 1] = [("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b")];

fn names(list: &Value, field: &str) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|one| one[field].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn a_team_comes_has_people_and_goes_when_nobody_names_it() {
    let house = House::open().await;
    let put = house.put(NORTH, json!({"name": "Norte", "zone": "America/Manaus"})).await;
    let shown = json!({"id": "norte-novo", "name": "Norte", "zone": "America/Manaus"});
    assert_eq!((put.status, put.json()), (201, shown.clone()));
    let read = house.get(NORTH).await;
    assert_eq!((read.json(), &read.headers["etag"]), (shown.clone(), &put.headers["etag"]));
    assert_eq!(house.put(NORTH, shown).await.status, 200, "as it was read");
    let page = house.get("/v1/teams?limit=2").await.json();
    assert_eq!(
        (names(&page["teams"], "id"), &page["next_cursor"]),
        (vec!["norte-novo".into(), "suporte".into()], &json!("suporte"))
    );
    assert_eq!(names(&house.get("/v1/teams?cursor=suporte").await.json()["teams"], "id"), ["vendas"]);

    let dora = json!({"name": "Dora", "teams": ["norte-novo"]});
    assert_eq!(house.put("/v1/agents/dora", dora).await.status, 201);
    let mut agent = house.server.agent("dora").await;
    assert_eq!(agent.ok("agent.get", json!({})).await["zone"], "America/Manaus");
    let kind = json!({"name": {"pt-BR": "Café"}, "cap": {"norte-novo": 1}});
    assert_eq!(house.put("/v1/pause-types/cafezinho", kind).await.status, 201);
    let refused = house.delete(NORTH).await;
    assert_eq!(refused.problem(), (409, "in_use".to_owned()));
    let by = json!([{"kind": "agent", "id": "dora"}, {"kind": "pause_type", "id": "cafezinho", "field": "cap"}]);
    assert_eq!((&refused.json()["params"]["named_by"], &refused.json()["params"]["count"]), (&by, &json!(2)));
    assert_eq!(house.delete("/v1/agents/dora").await.status, 204);
    assert_eq!(house.put("/v1/pause-types/cafezinho", json!({"name": {"pt-BR": "Café"}})).await.status, 200);
    assert_eq!(house.delete(NORTH).await.status, 204);
    assert_eq!(house.get(NORTH).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(house.delete(NORTH).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(house.get("/v1/agents/dora").await.json()["teams"], json!([]), "who left is of it no more");
}

#[tokio::test]
async fn another_zone_of_a_team_is_that_of_its_people_at_once_and_boards_go_on() {
    let house = House::open().await;
    let mut board = house.server.supervisor(&["suporte"]).await;
    board.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let mut ana = available(&house.server, "ana").await;
    let running = ana.ok("pause.start", json!({"type": "almoco"})).await["agent"]["pause"].take();
    assert_eq!(house.put("/v1/teams/suporte", json!({"name": "Suporte", "zone": "America/Manaus"})).await.status, 200);
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((&state["zone"], &state["pause"]), (&json!("America/Manaus"), &running));
    loop {
        let result = board.notification("board.changed").await["result"].take();
        let rows = result["agents"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["agent"] == "ana" && row["zone"] == "America/Manaus") {
            break;
        }
    }
    ana.ok("pause.end", json!({})).await;
}

#[tokio::test]
async fn a_channel_that_is_off_gets_no_work_and_one_that_is_new_does() {
    let house = House::open().await;
    let put = house.put(MAIL, json!({"name": "Mail", "capacity": 2})).await;
    let shown = json!({"code": "mail", "name": "Mail", "enabled": true, "blocks_pause": false, "capacity": 2});
    assert_eq!((put.status, put.json()), (201, shown));
    let _ana = available(&house.server, "ana").await;
    let report = json!({"source": "router", "seq": 1, "channels": {"mail": 1}});
    assert_eq!(house.put("/v1/agents/ana/occupancy", report).await.status, 200);
    let question = "/v1/routable?team=suporte&channel=mail&agent=ana";
    assert_eq!(house.get(question).await.json()["routable"], true);
    assert_eq!(
        house.put(MAIL, json!({"name": "Mail", "enabled": false, "capacity": 2})).await.json()["enabled"],
        false
    );
    let answer = house.get(question).await.json();
    assert_eq!((&answer["routable"], &answer["reason"]), (&json!(false), &json!("channel_disabled")));

    let own = json!({"name": "ana", "teams": ["suporte"], "capacity": {"mail": 3}});
    assert_eq!(house.put("/v1/agents/ana", own).await.status, 200);
    let refused = house.delete(MAIL).await;
    assert_eq!(refused.json()["params"]["named_by"], json!([{"kind": "agent", "id": "ana"}]));
    assert_eq!(house.put("/v1/agents/ana", json!({"name": "ana", "teams": ["suporte"]})).await.status, 200);
    assert_eq!(house.delete(MAIL).await.status, 204);
    assert_eq!(names(&house.get("/v1/channels").await.json()["channels"], "code"), ["chat", "fax", "voice"]);
    assert_eq!(house.put("/v1/channels/voice", json!({"name": "Voz"})).await.json()["blocks_pause"], true);
}

#[tokio::test]
async fn settings_hold_at_once_and_the_feature_can_be_switched_off() {
    let house = House::open().await;
    let mut ana = available(&house.server, "ana").await;
    let read = house.get(ACME).await;
    let mut settings = read.json();
    assert_eq!((&settings["id"], &settings["business_day_start"]), (&json!("acme"), &json!("04:00")));
    settings["pauses_enabled"] = json!(false);
    settings["zone"] = json!("America/Manaus");
    let put = house.ask("PUT", ACME, &[("if-match", &read.headers["etag"])], &settings).await;
    assert_eq!((put.status, put.json()), (200, settings.clone()));
    assert_eq!(ana.refused("pause.start", json!({"type": "almoco"})).await.1, "pauses_disabled");
    assert_eq!(ana.ok("agent.get", json!({})).await["zone"], "America/Manaus");
    let stale = house.ask("PUT", ACME, &[("if-match", &read.headers["etag"])], &settings).await;
    assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
    assert_eq!(house.get(ACME).await.headers["etag"], put.headers["etag"]);

    let defaults = house.put(ACME, json!({"name": "Acme", "zone": "America/Sao_Paulo"})).await.json();
    assert_eq!((&defaults["pauses_enabled"], &defaults["connection_grace_s"]), (&json!(true), &json!(60)));
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let cases = [
        (json!({"name": "Acme"}), "zone"),
        (json!({"name": "Acme", "zone": "Mars/Olympus"}), "zone"),
        (json!({"name": "", "zone": "UTC"}), "name"),
        (json!({"name": "Acme", "zone": "UTC", "id": "outra"}), "id"),
        (json!({"name": "Acme", "zone": "UTC", "defer_for_s": 0}), "defer_for_s"),
        (json!({"name": "Acme", "zone": "UTC", "abandon_after_s": 86_401}), "abandon_after_s"),
        (json!({"name": "Acme", "zone": "UTC", "business_day_start": "4:00"}), "business_day_start"),
        (json!({"name": "Acme", "zone": "UTC", "status_on_sign_in": "paused"}), "status_on_sign_in"),
        (json!({"name": "Acme", "zone": "UTC", "quota": 1}), "quota"),
    ];
    for (body, field) in cases {
        assert_eq!(house.refused(ACME, body.clone()).await, (400, "invalid_params".into(), field.into()), "{body}");
    }
    assert_eq!(house.get("/v1/tenants/outra").await.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_with_a_team_or_a_channel_is_told_by_its_field() {
    let house = House::open().await;
    let long = format!("/v1/teams/{}", "x".repeat(129));
    let cases = [
        (NORTH, json!({}), "name"),
        (NORTH, json!({"name": "Norte", "zone": "here"}), "zone"),
        (NORTH, json!({"name": "Norte", "id": "sul"}), "id"),
        (NORTH, json!({"name": "Norte", "agents": []}), "agents"),
        (long.as_str(), json!({"name": "Norte"}), "id"),
        (MAIL, json!({"name": "Mail", "capacity": 0}), "capacity"),
        (MAIL, json!({"name": "Mail", "capacity": 1001}), "capacity"),
        (MAIL, json!({"name": "Mail", "enabled": "yes"}), "enabled"),
        (MAIL, json!([]), "body"),
    ];
    for (path, body, field) in cases {
        assert_eq!(house.refused(path, body.clone()).await, (400, "invalid_params".into(), field.into()), "{body}");
    }
    for path in ["/v1/teams?limit=0", "/v1/teams?x=1", "/v1/channels?cursor="] {
        assert_eq!(house.get(path).await.problem().0, 400, "{path}");
    }
}

#[tokio::test]
async fn a_part_that_is_put_again_under_its_key_is_put_once() {
    let house = House::open().await;
    let north = json!({"name": "Norte"});
    assert_eq!(house.ask("PUT", NORTH, &KEY, &north).await.status, 201);
    assert_eq!(house.put(NORTH, json!({"name": "Sul"})).await.status, 200);
    let again = house.ask("PUT", NORTH, &KEY, &north).await;
    assert_eq!((again.status, again.json()["name"].clone()), (200, json!("Sul")), "as it is by now");
    let other = house.ask("PUT", MAIL, &KEY, &json!({"name": "Mail"})).await;
    assert_eq!(other.problem(), (409, "op_reused".to_owned()));
    assert_eq!(house.ask("PUT", NORTH, &[("if-none-match", "*")], &north).await.problem().0, 412);
    let server = house.server.restarted_after(intervalo::domain::time::Timestamp(0)).await;
    let token = server.token(Role::Admin, "chefe", None);
    assert_eq!(server.get(&token, NORTH).await.json()["name"], "Sul", "a restart keeps it");
}

#[tokio::test]
async fn promise_a2_settings_are_for_those_whom_the_table_of_roles_names() {
    let house = House::open().await;
    for role in Role::ALL {
        // Each with a rate of their own.
        let id = if role == Role::Agent { "ana".to_owned() } else { format!("{role}") };
        let token = house.server.token(role, &id, Some(&["suporte"]));
        let directory = matches!(role, Role::Admin | Role::Integration);
        for (path, may) in [
            ("/v1/teams", directory),
            ("/v1/teams/suporte", directory),
            ("/v1/channels", directory),
            ("/v1/channels/chat", directory),
            (ACME, role == Role::Admin),
            ("/v1/tenants", role == Role::Operator),
            ("/v1/requests", matches!(role, Role::Agent | Role::Supervisor | Role::Admin)),
            ("/v1/entitlements", matches!(role, Role::Supervisor | Role::Admin | Role::Auditor)),
        ] {
            assert_eq!(house.server.get(&token, path).await.status == 200, may, "{role} {path}");
        }
        // An operator's is read as well: it could be of a tenant that there is not.
        let of_tenant = matches!(role, Role::Admin | Role::Operator);
        for (path, may) in [(NORTH, directory), (MAIL, directory), (ACME, of_tenant)] {
            let answer = house.ask_as(&token, "PUT", path, &[], &json!({"x": 1})).await;
            assert_eq!(answer.status == 403, !may, "{role} {path}: {}", answer.status);
        }
    }
    let operator = house.server.token(Role::Operator, "op", None);
    let all = house.server.get(&operator, "/v1/tenants").await.json();
    let acme = json!({"id": "acme", "name": "Acme"});
    assert_eq!((names(&all["tenants"], "id"), &all["tenants"][0]), (vec!["acme".into(), "outra".into()], &acme));
    let page = house.server.get(&operator, "/v1/tenants?limit=1").await.json();
    assert_eq!(page["next_cursor"], "acme");
    assert_eq!(names(&house.server.get(&operator, "/v1/tenants?cursor=acme").await.json()["tenants"], "id"), ["outra"]);
}

#[tokio::test]
async fn requests_are_listed_by_state_agent_and_team_a_page_at_a_time() {
    let house = House::open().await;
    let (mut ana, mut carla) = (available(&house.server, "ana").await, available(&house.server, "carla").await);
    let wish = async |agent: &mut crate::server::Client| {
        let made = agent.ok("request.create", json!({"type": "medico", "reason": "consulta"})).await;
        made["request"]["id"].as_str().expect("an id").to_owned()
    };
    let (first, second) = (wish(&mut ana).await, wish(&mut carla).await);
    let of = |list: Value| names(&list["requests"], "id");
    let page = house.get("/v1/requests?limit=1").await.json();
    let rest = house.get(&format!("/v1/requests?cursor={}", page["next_cursor"].as_str().expect("more"))).await.json();
    assert_eq!((of(page), of(rest.clone())), (vec![first.clone()], vec![second.clone()]));
    assert!(rest.get("next_cursor").is_none(), "{rest}");
    assert_eq!(of(house.get("/v1/requests?team=vendas").await.json()), [second.as_str()]);
    assert_eq!(of(house.get("/v1/requests?agent=ana").await.json()), [first.as_str()]);
    let sofia = house.server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    assert_eq!(of(house.server.get(&sofia, "/v1/requests").await.json()), [first.as_str()]);
    assert!(of(house.server.get(&sofia, "/v1/requests?agent=carla").await.json()).is_empty(), "out of reach");
    for team in ["vendas", "nenhuma"] {
        for list in ["requests", "entitlements", "routable"] {
            let answer = house.server.get(&sofia, &format!("/v1/{list}?team={team}")).await;
            assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{list} of {team}");
        }
        let own = house.server.token(Role::Agent, "ana", None);
        assert_eq!(house.server.get(&own, &format!("/v1/requests?team={team}")).await.problem().0, 403, "{team}");
    }
    for list in ["requests", "entitlements", "agents", "events"] {
        let answer = house.get(&format!("/v1/{list}?team=nenhuma")).await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{list} of a team that there is not");
    }
    let mut supervisor = house.server.open(&sofia).await;
    supervisor.ok("request.decide", json!({"request": first, "decision": "refuse", "reason": "pico"})).await;
    assert_eq!(of(house.get("/v1/requests").await.json()), [second.as_str()]);
    assert_eq!(of(house.get("/v1/requests?state=refused").await.json()), [first.as_str()]);
    let token = house.server.token(Role::Agent, "ana", None);
    assert_eq!(of(house.server.get(&token, "/v1/requests").await.json()), [first.as_str()], "her last one");
    for query in ["state=lost", "cursor=x", "agent=", "x=1"] {
        assert_eq!(house.get(&format!("/v1/requests?{query}")).await.problem().0, 400, "{query}");
    }
}

#[tokio::test]
async fn what_is_owed_is_listed_for_those_who_answer_for_it() {
    let house = House::open().await;
    let rest = json!({
        "name": {"pt-BR": "Descanso"}, "class": "entitlement", "teams": ["suporte"],
        "entitlement_rules": [{"id": "nr17", "min_s": 600, "count": 2}],
    });
    assert_eq!(house.put("/v1/pause-types/descanso", rest).await.status, 200);
    let mut ana = available(&house.server, "ana").await;
    let menu = ana.ok("pause.options", json!({})).await;
    let line = menu.as_array().unwrap().iter().find(|line| line["type"] == "descanso").expect("on the menu").clone();
    let sofia = house.server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let shown = house.server.get(&sofia, "/v1/entitlements").await.json();
    assert_eq!(names(&shown["entitlements"], "agent"), ["ana", "bruno"]);
    let owed = &shown["entitlements"][0]["owed"][0];
    assert_eq!((&owed["type"], &owed["rule"], &owed["owed"]), (&json!("descanso"), &json!("nr17"), &json!(2)));
    assert_eq!((&owed["satisfied"], &owed["at_risk"]), (&json!(0), &json!(false)));
    assert_eq!(owed["latest_start_at"], line["entitlement"]["latest_start_at"], "as the agent's own menu: {line}");
    assert!(
        names(&house.server.get(&sofia, "/v1/entitlements?agent=carla").await.json()["entitlements"], "agent")
            .is_empty()
    );
    let page = house.get("/v1/entitlements?limit=3").await.json();
    assert_eq!((names(&page["entitlements"], "agent").len(), &page["next_cursor"]), (3, &json!("bruno")));
    let last = house.get("/v1/entitlements?cursor=bruno").await.json();
    assert_eq!((names(&last["entitlements"], "agent"), last.get("next_cursor")), (vec!["carla".into()], None));
    assert_eq!(last["entitlements"][0]["owed"], json!([]), "it is not offered to her team");
}
