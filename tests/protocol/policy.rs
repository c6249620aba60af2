//! The rules of pauses, drafted and published while the server runs (semantics §5).

use chrono::{DateTime, Timelike};
use intervalo::auth::Role;
use intervalo::clock::SystemClock;
use intervalo::domain::time::{Timestamp, seconds};
use intervalo::ports::Clock;
use intervalo::transport::{Rate, Settings};
use serde_json::{Value, json};

use crate::server::{Client, TestServer};

pub(crate) async fn admin(server: &TestServer) -> Client {
    server.open(&server.token(Role::Admin, "chefe", None)).await
}

pub(crate) async fn available(server: &TestServer, id: &str) -> Client {
    let mut agent = server.agent(id).await;
    agent.ok("status.set", json!({"status": "available"})).await;
    agent
}

/// The types in force, one of them with other fields.
async fn with_changed(admin: &mut Client, code: &str, changes: Value) -> Value {
    let mut types = admin.ok("policy.get", json!({})).await["types"].take();
    let all = types.as_array_mut().expect("a list");
    let kind = all.iter_mut().find(|kind| kind["code"] == code).expect("the type");
    for (name, value) in changes.as_object().expect("an object") {
        kind[name] = value.clone();
    }
    types
}

pub(crate) async fn put_draft(admin: &mut Client, code: &str, changes: Value) -> Value {
    let types = with_changed(admin, code, changes).await;
    let base_version = admin.ok("policy.get", json!({})).await["version"].clone();
    admin.ok("policy.put_draft", json!({"types": types, "base_version": base_version, "note": "do RH"})).await
}

async fn publish(admin: &mut Client, code: &str, changes: Value, loosen_only: bool) -> Value {
    put_draft(admin, code, changes).await;
    let now = json!({"at": "now", "loosen_only": loosen_only, "reason": "acordo"});
    admin.ok("policy.publish", now).await
}

pub(crate) fn instant(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("no instant: {value}"));
    Timestamp(DateTime::parse_from_rfc3339(text).expect("an instant").timestamp_millis())
}

#[tokio::test]
async fn a_draft_is_kept_and_shown_with_its_difference() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    let shown = chefe.ok("policy.get", json!({})).await;
    assert_eq!((&shown["version"], shown["types"][0]["limit_s"].clone()), (&json!(1), json!(3600)));
    assert!(shown["in_force_since"].is_string(), "{shown}");
    let (number, code, _) = chefe.refused("policy.get", json!({"draft": true})).await;
    assert_eq!((number, code.as_str()), (-32004, "not_found"));

    let put = put_draft(&mut chefe, "almoco", json!({"limit_s": 5400, "quota_count": 1})).await;
    let expected = json!([{"type": "almoco", "change": "changed", "fields": [
        {"field": "limit_s", "before": 3600, "after": 5400}, {"field": "quota_count", "after": 1}
    ]}]);
    assert_eq!(put["difference"], expected);
    assert_eq!(
        (&put["draft"]["base_version"], &put["draft"]["note"], &put["draft"]["by"]),
        (&json!(1), &json!("do RH"), &json!({"kind": "admin", "id": "chefe"}))
    );
    let server = server.restarted_after(Timestamp(0)).await;
    let mut chefe = admin(&server).await;
    let draft = chefe.ok("policy.get", json!({"draft": true})).await;
    assert_eq!((&draft["difference"], &draft["draft"]), (&expected, &put["draft"]), "a restart keeps it");
    assert_eq!(draft["types"][0]["quota_count"], 1);
    assert_eq!(chefe.ok("policy.get", json!({})).await["version"], 1, "and puts nothing in force");

    // What a draft leaves out is archived.
    let lunch = json!([{"code": "almoco", "name": {"pt-BR": "Almoço"}, "limit_s": 3600}]);
    let put = chefe.ok("policy.put_draft", json!({"types": lunch, "base_version": 1})).await;
    let removed = put["difference"].as_array().unwrap().iter().filter(|row| row["change"] == "removed");
    assert_eq!(removed.count(), 7);
}

#[tokio::test]
async fn every_problem_of_a_draft_is_told_at_once() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    let types = json!([
        {"code": "almoco", "name": {"pt-BR": "Almoço"}, "limit_s": 60, "warn_before_s": [90], "windows": [
            {"days": "mon-fri", "from": "11:30", "until": "25:00"}
        ]},
        {"code": "banheiro", "name": {"pt-BR": "Banheiro"}, "class": "protected", "quota_count": 1},
        {"code": "cafe", "name": {"pt-BR": "Café"}, "teams": ["cobranca"], "limit": 60}
    ]);
    let (number, code, params) = chefe.refused("policy.put_draft", json!({"types": types, "base_version": 1})).await;
    assert_eq!((number, code.as_str()), (-32602, "invalid_params"));
    let fields: Vec<&str> =
        params["problems"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(
        fields,
        [
            "types[0].windows[0].until",
            "types[0].warn_before_s",
            "types[1].quota_count",
            "types[2].teams",
            "types[2].limit"
        ]
    );
    assert!(chefe.call("policy.get", json!({"draft": true})).await.get("error").is_some(), "nothing was kept");
}

#[tokio::test]
async fn an_editor_may_ask_at_every_stroke_whether_a_draft_fits() {
    let rate = Rate { per_second: 10, burst: 100 };
    let server = TestServer::with(Settings { rate, ..Settings::default() }).await;
    let mut chefe = admin(&server).await;
    let unfit = json!({"types": [{"code": "cafe", "name": {"pt-BR": "Café"}, "limit_s": 0}], "base_version": 1});
    // More than twice as many as the faults of form that would end the connection.
    for _ in 0..50 {
        assert_eq!(chefe.refused("policy.put_draft", unfit.clone()).await.1, "invalid_params");
    }
    chefe.ok("policy.get", json!({})).await;
}

#[tokio::test]
async fn what_is_published_now_changes_verdicts_and_menus_at_once_and_running_pauses_keep_their_terms() {
    let server = TestServer::start().await;
    let (mut ana, mut bruno) = (available(&server, "ana").await, available(&server, "bruno").await);
    let mut chefe = admin(&server).await;
    let running = ana.ok("pause.start", json!({"type": "almoco"})).await["agent"]["pause"].take();
    let menu = bruno.ok("pause.options", json!({"watch": true})).await;
    assert_eq!(menu[0]["verdict"]["outcome"], "started");

    let published = publish(&mut chefe, "almoco", json!({"limit_s": 5400, "startable_by": "supervisor"}), false).await;
    assert_eq!(published["version"], 2);
    assert_eq!(published["affected"], json!({"paused": 1, "queued": 0, "pending": 0, "agents": ["ana"]}));
    let told = bruno.notification("options.changed").await;
    assert_eq!((&told[0]["type"], &told[0]["verdict"]["code"]), (&json!("almoco"), &json!("not_startable_by")));
    assert_eq!(bruno.refused("pause.start", json!({"type": "almoco"})).await.1, "not_startable_by");
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((&state["pause"]["id"], &state["pause"]["limit_at"]), (&running["id"], &running["limit_at"]));

    let shown = chefe.ok("policy.get", json!({})).await;
    assert_eq!(
        (&shown["version"], &shown["published_by"]["id"], &shown["reason"], shown.get("draft")),
        (&json!(2), &json!("chefe"), &json!("acordo"), None)
    );
    assert_eq!(chefe.ok("policy.get", json!({"version": 1})).await["types"][0]["limit_s"], 3600);
    assert_eq!(chefe.refused("policy.get", json!({"version": 3})).await.1, "not_found");
    let page = chefe.ok("policy.versions", json!({"limit": 1})).await;
    let row = &page["versions"][0];
    assert_eq!((&row["version"], &row["cause"], &row["reason"]), (&json!(2), &json!("admin"), &json!("acordo")));
    assert_eq!(row["summary"], json!({"added": 0, "changed": 1, "removed": 0}));
    let rest = chefe.ok("policy.versions", json!({"limit": 1, "cursor": page["next_cursor"]})).await;
    assert_eq!(rest["versions"][0]["summary"], json!({"added": 8, "changed": 0, "removed": 0}));
    assert!(rest.get("next_cursor").is_none(), "{rest}");
}

#[tokio::test]
async fn loosening_gives_running_pauses_the_longer_limit_and_no_shorter_one() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut chefe = admin(&server).await;
    let running = ana.ok("pause.start", json!({"type": "almoco"})).await["agent"]["pause"].take();
    let began = instant(&running["started_at"]);

    publish(&mut chefe, "almoco", json!({"limit_s": 5400}), true).await;
    let told = limit_moved(&mut ana, began + seconds(3600)).await;
    assert_eq!(instant(&told["pause"]["limit_at"]), began + seconds(5400));
    assert_eq!(told["pause"]["id"], running["id"]);

    // A shorter limit takes nothing away, and the next longer one counts from the start again.
    publish(&mut chefe, "almoco", json!({"limit_s": 60}), true).await;
    publish(&mut chefe, "almoco", json!({"limit_s": 6000}), true).await;
    let told = limit_moved(&mut ana, began + seconds(5400)).await;
    assert_eq!(instant(&told["pause"]["limit_at"]), began + seconds(6000));
}

#[tokio::test]
async fn loosening_reaches_a_pause_around_a_protected_one() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut chefe = admin(&server).await;
    let running = ana.ok("pause.start", json!({"type": "almoco"})).await["agent"]["pause"].take();
    ana.ok("pause.start", json!({"type": "banheiro"})).await;
    publish(&mut chefe, "almoco", json!({"limit_s": 5400}), true).await;
    let wanted = instant(&running["started_at"]) + seconds(5400);
    loop {
        let told = ana.notification("agent.changed").await;
        let around = &told["pause"]["inside"];
        if around["limit_at"].is_string() && instant(&around["limit_at"]) == wanted {
            assert_eq!((&told["pause"]["type"], &around["id"]), (&json!("banheiro"), &running["id"]));
            return;
        }
    }
}

/// The first notification with another limit than this one.
async fn limit_moved(agent: &mut Client, from: Timestamp) -> Value {
    loop {
        let told = agent.notification("agent.changed").await;
        if told["pause"]["limit_at"].is_string() && instant(&told["pause"]["limit_at"]) != from {
            return told;
        }
    }
}

#[tokio::test]
async fn a_version_waits_for_the_next_business_day_and_can_be_withdrawn() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    assert_eq!(chefe.refused("policy.publish", json!({"reason": "r"})).await.1, "not_found");
    assert_eq!(chefe.refused("policy.publish", json!({"at": "never"})).await.1, "nothing_pending");
    put_draft(&mut chefe, "almoco", json!({"limit_s": 5400})).await;
    let answer = chefe.ok("policy.publish", json!({"reason": "acordo"})).await;
    assert!(instant(&answer["takes_effect_at"]) > server.clock.now());
    assert!(answer.get("version").is_none(), "{answer}");
    let server = server.restarted_after(Timestamp(0)).await;
    let mut chefe = admin(&server).await;
    let shown = chefe.ok("policy.get", json!({})).await;
    assert_eq!(shown["version"], 1);
    assert_eq!(
        (&shown["scheduled"]["takes_effect_at"], &shown["scheduled"]["reason"]),
        (&answer["takes_effect_at"], &json!("acordo"))
    );
    let withdrawn = chefe.ok("policy.publish", json!({"at": "never", "reason": "engano"})).await;
    assert_eq!(withdrawn["draft"]["note"], "do RH", "it is the draft again");
    assert!(chefe.ok("policy.get", json!({})).await.get("scheduled").is_none());
    chefe.ok("policy.publish", json!({"at": "now", "reason": "acordo"})).await;
    assert_eq!(chefe.ok("policy.get", json!({})).await["version"], 2);
}

/// A server of whose tenants the next business day begins in some seconds, and when that is.
pub(crate) async fn shortly_before_a_day() -> (TestServer, Timestamp) {
    const SOON_MS: i64 = 6_000;
    let now = SystemClock::start(Timestamp(0)).now();
    let begins = DateTime::from_timestamp_millis(now.0 + SOON_MS).expect("an instant");
    let begins = begins.with_timezone(&chrono_tz::America::Sao_Paulo).with_nanosecond(0).expect("a whole second");
    (TestServer::with_days_from(begins.time()).await, Timestamp(begins.timestamp_millis()))
}

#[tokio::test]
async fn a_scheduled_version_takes_effect_when_the_day_begins() {
    let (server, begins) = shortly_before_a_day().await;
    let mut bruno = available(&server, "bruno").await;
    let mut chefe = admin(&server).await;
    bruno.ok("pause.options", json!({"watch": true})).await;
    put_draft(&mut chefe, "almoco", json!({"startable_by": "supervisor"})).await;
    let answer = chefe.ok("policy.publish", json!({"reason": "acordo"})).await;
    assert_eq!(instant(&answer["takes_effect_at"]), begins);
    let told = bruno.notification("options.changed").await;
    assert_eq!(told[0]["verdict"]["code"], "not_startable_by");
    let shown = chefe.ok("policy.get", json!({})).await;
    assert!(instant(&shown["in_force_since"]) >= begins);
    assert_eq!((&shown["version"], &shown["published_by"]["id"]), (&json!(2), &json!("chefe")));
    assert!(shown.get("scheduled").is_none() && shown.get("draft").is_none(), "{shown}");
}

#[tokio::test]
async fn a_server_that_was_down_when_the_day_began_publishes_at_its_start() {
    let (server, begins) = shortly_before_a_day().await;
    let mut chefe = admin(&server).await;
    put_draft(&mut chefe, "almoco", json!({"limit_s": 5400})).await;
    chefe.ok("policy.publish", json!({"reason": "acordo"})).await;
    let server = server.restarted_after(begins).await;
    let mut chefe = admin(&server).await;
    let shown = chefe.ok("policy.get", json!({})).await;
    assert_eq!((&shown["version"], &shown["types"][0]["limit_s"]), (&json!(2), &json!(5400)));
}

#[tokio::test]
async fn a_draft_on_an_old_version_is_a_conflict() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    let (number, code, params) = chefe.refused("policy.put_draft", json!({"types": [], "base_version": 0})).await;
    assert_eq!((number, code.as_str(), params), (-32005, "version", json!({"current": 1})));
    // A draft that was put there while another one waited is on an old version once that is in force.
    put_draft(&mut chefe, "almoco", json!({"limit_s": 5400})).await;
    chefe.ok("policy.publish", json!({"reason": "r"})).await;
    put_draft(&mut chefe, "almoco", json!({"limit_s": 1800})).await;
    chefe.ok("policy.publish", json!({"at": "now", "reason": "r"})).await;
    let shown = chefe.ok("policy.get", json!({})).await;
    assert_eq!((&shown["version"], shown.get("scheduled")), (&json!(2), None), "another publish takes its place");
    assert_eq!(shown["types"][0]["limit_s"], 1800);
}

#[tokio::test]
async fn only_administrators_manage_the_policy() {
    let server = TestServer::start().await;
    for role in Role::ALL {
        let id = if role == Role::Agent { "ana".to_owned() } else { format!("{role}") };
        let token = server.token(role, &id, Some(&["suporte"]));
        for method in ["policy.get", "policy.versions", "policy.put_draft", "policy.publish"] {
            let params = match method {
                "policy.put_draft" => json!({"types": [], "base_version": 0}),
                "policy.publish" => json!({"reason": "r"}),
                _ => json!({}),
            };
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let answer = server.rpc(&token, &call).await.json();
            let forbidden = answer["error"]["data"]["code"] == "forbidden";
            assert_eq!(forbidden, role != Role::Admin, "{role} {method}: {answer}");
        }
    }
}

const OP: &str = "0f6e1c1a-7c5b-4d2e-9a3f-5b6c7d8e9f01";
const OTHER_OP: &str = "0f6e1c1a-7c5b-4d2e-9a3f-5b6c7d8e9f02";

#[tokio::test]
async fn promise_d3_a_policy_command_that_is_sent_again_is_carried_out_once() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    let types = with_changed(&mut chefe, "almoco", json!({"limit_s": 5400})).await;
    let draft = json!({"types": types, "base_version": 1, "note": "do RH", "op": OP});
    let first = chefe.ok("policy.put_draft", draft.clone()).await;
    assert_eq!(chefe.ok("policy.put_draft", draft.clone()).await, first);
    let other = json!({"types": types, "base_version": 1, "op": OP});
    assert_eq!(chefe.refused("policy.put_draft", other).await.1, "op_reused");

    let publish = json!({"at": "now", "reason": "acordo", "op": OTHER_OP});
    let published = chefe.ok("policy.publish", publish.clone()).await;
    assert_eq!(published["version"], 2);
    assert_eq!(chefe.ok("policy.publish", publish.clone()).await, published, "there is no draft any more");
    let again = chefe.ok("policy.put_draft", draft.clone()).await;
    assert_eq!((&again["draft"], again.get("difference")), (&first["draft"], None), "it has been published");
    assert_eq!(chefe.refused("policy.get", json!({"draft": true})).await.1, "not_found", "and is not there anew");

    let server = server.restarted_after(Timestamp(0)).await;
    let mut chefe = admin(&server).await;
    assert_eq!(chefe.ok("policy.publish", publish.clone()).await, published, "across a restart");
    let mut other = server.open(&server.token(Role::Admin, "outra", None)).await;
    assert_eq!(other.refused("policy.publish", publish).await.1, "not_found", "an op is its sender's");
    assert_eq!(chefe.ok("policy.get", json!({})).await["version"], 2);
}

#[tokio::test]
async fn promise_d3_a_plan_and_its_withdrawal_that_are_sent_again_are_carried_out_once() {
    let server = TestServer::start().await;
    let mut chefe = admin(&server).await;
    put_draft(&mut chefe, "almoco", json!({"limit_s": 5400})).await;
    let plan = json!({"reason": "acordo", "op": OP});
    let planned = chefe.ok("policy.publish", plan.clone()).await;
    assert_eq!(chefe.ok("policy.publish", plan.clone()).await, planned);
    let withdraw = json!({"at": "never", "reason": "engano", "op": OTHER_OP});
    let withdrawn = chefe.ok("policy.publish", withdraw.clone()).await;
    assert_eq!(chefe.ok("policy.publish", withdraw.clone()).await, withdrawn);
    assert!(withdrawn["draft"].is_object(), "{withdrawn}");
    let again = chefe.ok("policy.publish", plan).await;
    assert_eq!(again["takes_effect_at"], planned["takes_effect_at"]);
    assert_eq!(chefe.ok("policy.get", json!({})).await.get("scheduled"), None, "what was withdrawn waits no more");
    let other = json!({"at": "never", "reason": "engano", "op": OP});
    assert_eq!(chefe.refused("policy.publish", other).await.1, "op_reused");
}
