//! Corrections and annotations on the wire (semantics §8): who may, what is shown before and after, and what gives nothing away.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::domain::time::Timestamp;
use serde_json::{Value, json};

use crate::server::{Client, TestServer};

const OP: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const NO_PAUSE: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

/// A pause that was taken and is over.
struct Taken {
    id: Value,
    started_at: Timestamp,
}

impl Taken {
    /// An instant so many milliseconds after its start, as it is sent.
    fn after(&self, ms: i64) -> Value {
        let at = chrono::DateTime::from_timestamp_millis(self.started_at.0 + ms).expect("an instant");
        json!(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

fn instant(text: &Value) -> Timestamp {
    let text = text.as_str().expect("an instant");
    Timestamp(chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339").timestamp_millis())
}

async fn begin(agent: &mut Client, pause_type: &str) -> Taken {
    let begun = agent.ok("pause.start", json!({"type": pause_type})).await;
    let pause = &begun["agent"]["pause"];
    Taken { id: pause["id"].clone(), started_at: instant(&pause["started_at"]) }
}

/// One that lasts at least so long.
async fn take(server: &TestServer, agent: &mut Client, pause_type: &str, lasts: Duration) -> Taken {
    let taken = begin(agent, pause_type).await;
    server.clock.sleep_until(taken.started_at + lasts).await;
    agent.ok("pause.end", json!({})).await;
    taken
}

const A_MOMENT: Duration = Duration::from_millis(20);

async fn history(server: &TestServer) -> Value {
    let admin = server.token(Role::Admin, "chefe", None);
    server.get(&admin, "/v1/pauses").await.json()["pauses"].take()
}

/// What an agent was told of this kind up to now.
async fn told(client: &mut Client, method: &str) -> Vec<Value> {
    client.send(json!({"jsonrpc": "2.0", "id": "now", "method": "session.ping"}).to_string()).await;
    let mut told = Vec::new();
    loop {
        let mut message = client.next_message().await;
        if message["id"] == "now" {
            return told;
        }
        if message["method"] == method {
            told.push(message["params"].take());
        }
    }
}

#[tokio::test]
async fn a_supervisor_corrects_an_end_and_the_agent_and_the_history_are_told_who_and_why() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let taken = take(&server, &mut ana, "almoco", A_MOMENT).await;
    let before = history(&server).await[0].take();
    assert_eq!((&before["id"], before.get("corrected"), before.get("annotations")), (&taken.id, None, None));
    let version = ana.ok("agent.get", json!({})).await["version"].clone();

    let wish = json!({"pause": taken.id, "ended_at": taken.after(5), "reason": "voltou antes", "op": OP});
    let corrected = sofia.ok("pause.correct", wish.clone()).await["pause"].take();
    assert_eq!((&corrected["ended_at"], &corrected["duration_ms"]), (&taken.after(5), &json!(5)));
    let by = json!({"kind": "supervisor", "id": "sofia"});
    assert_eq!((&corrected["corrected"]["by"], &corrected["corrected"]["reason"]), (&by, &json!("voltou antes")));
    assert_eq!(corrected["corrected"]["ended_at_before"], before["ended_at"], "the first end is kept");
    assert_eq!(corrected["ended_by"], "agent");
    assert_eq!(history(&server).await, json!([corrected]));

    let told_of_it = told(&mut ana, "pause.corrected").await;
    let at = corrected["corrected"]["at"].clone();
    let expected = json!({
        "pause": taken.id, "type": "almoco", "started_at": before["started_at"], "ended_at": taken.after(5),
        "ended_at_before": before["ended_at"], "at": at, "actor": by, "reason": "voltou antes",
    });
    assert_eq!(told_of_it, [expected]);
    assert_eq!(ana.ok("agent.get", json!({})).await["version"], version, "the agent is where they were");

    // The same op has one effect and the same answer; with other content it is reused.
    assert_eq!(sofia.ok("pause.correct", wish.clone()).await["pause"], corrected);
    let mut other = wish.clone();
    other["ended_at"] = taken.after(6);
    assert_eq!(sofia.refused("pause.correct", other.clone()).await.1, "op_reused");
    // To the end that it has already: a success, and nothing happens.
    let same = json!({"pause": taken.id, "ended_at": taken.after(5), "reason": "igual"});
    assert_eq!(sofia.ok("pause.correct", same).await["pause"], corrected);
    assert_eq!(told(&mut ana, "pause.corrected").await, [] as [Value; 0]);

    // Again: the last one is shown, with the end of before the first.
    other.as_object_mut().expect("an object").remove("op");
    let again = sofia.ok("pause.correct", other).await["pause"].take();
    assert_eq!((&again["ended_at"], &again["duration_ms"]), (&taken.after(6), &json!(6)));
    assert_eq!(again["corrected"]["ended_at_before"], before["ended_at"]);
    assert_eq!(ana.notification("pause.corrected").await["ended_at_before"], taken.after(5));
}

#[tokio::test]
async fn what_follows_from_the_end_is_that_of_the_corrected_one() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let taken = begin(&mut ana, "descanso").await;
    server.clock.sleep_until(taken.started_at + A_MOMENT).await;
    let end = json!({"agent": "ana", "reason": "urgente", "override": true});
    sofia.ok("agent.end_pause", end).await;
    assert_eq!(history(&server).await[0]["short"], true);
    let wish = json!({"pause": taken.id, "ended_at": taken.after(1), "reason": "relógio"});
    let corrected = sofia.ok("pause.correct", wish).await["pause"].take();
    let marks = (&corrected["short"], &corrected["misclick"], &corrected["overrun"], &corrected["estimated"]);
    assert_eq!(marks, (&json!(true), &json!(false), &json!(false), &json!(false)));
    // Over its limit while it ran, not any more by the corrected end.
    let cafe = begin(&mut ana, "cafe").await;
    told(&mut ana, "agent.changed").await;
    while ana.notification("agent.changed").await["status"] == "paused" {}
    let shown = |pauses: &Value| {
        let row = pauses.as_array().expect("a list").iter().find(|row| row["id"] == cafe.id).expect("a row");
        (row["overrun"].clone(), row.get("overran_at").is_some())
    };
    assert_eq!(shown(&history(&server).await), (json!(true), true));
    let wish = json!({"pause": cafe.id, "ended_at": cafe.after(1000), "reason": "voltou"});
    sofia.ok("pause.correct", wish).await;
    assert_eq!(shown(&history(&server).await), (json!(false), false));
}

#[tokio::test]
async fn a_correction_is_refused_with_what_to_do_instead() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let first = take(&server, &mut ana, "almoco", A_MOMENT).await;
    let second = begin(&mut ana, "almoco").await;
    let wish = |pause: &Value, ended_at: Value| json!({"pause": pause, "ended_at": ended_at, "reason": "r"});

    let (number, code, _) = sofia.refused("pause.correct", wish(&second.id, second.after(1))).await;
    assert_eq!((number, code.as_str()), (-32003, "still_running"));
    for ended_at in [first.after(0), first.after(-1), first.after(second.started_at.0 - first.started_at.0 + 1)] {
        let (number, code, params) = sofia.refused("pause.correct", wish(&first.id, ended_at.clone())).await;
        assert_eq!((number, code.as_str()), (-32003, "end_out_of_range"), "{ended_at}");
        assert_eq!(params, json!({"after": first.after(0), "until": second.after(0)}), "the next pause bounds it");
    }
    sofia.ok("pause.correct", wish(&first.id, second.after(0))).await;
    ana.ok("pause.end", json!({})).await;
    let (_, code, params) = sofia.refused("pause.correct", wish(&second.id, second.after(3_600_000))).await;
    assert_eq!((code.as_str(), &params["after"]), ("end_out_of_range", &second.after(0)));
    assert!(instant(&params["until"]) <= server.clock.now(), "not after now");

    let mut herself = server.open(&server.token(Role::Supervisor, "ana", Some(&["suporte"]))).await;
    assert_eq!(herself.refused("pause.correct", wish(&first.id, first.after(1))).await.1, "own_pause");
    for (name, value) in [("reason", json!(" ")), ("reason", json!("x".repeat(201))), ("ended_at", json!(7))] {
        let mut bad = wish(&first.id, first.after(1));
        bad[name] = value;
        let (_, code, params) = sofia.refused("pause.correct", bad).await;
        assert_eq!((code.as_str(), &params["field"]), ("invalid_params", &json!(name)));
    }
    let unknown = json!({"pause": first.id, "ended_at": first.after(1), "reason": "r", "expected_version": 3});
    assert_eq!(sofia.refused("pause.correct", unknown).await.2["field"], "expected_version");
}

#[tokio::test]
async fn promise_a2_who_may_correct_and_annotate_is_as_the_table_of_roles_says() {
    let server = TestServer::start().await;
    let (mut ana, mut carla) = (server.agent("ana").await, server.agent("carla").await);
    let taken = take(&server, &mut ana, "almoco", A_MOMENT).await;
    let correct = json!({"pause": taken.id, "ended_at": taken.after(2), "reason": "r"});
    let annotate = json!({"pause": taken.id, "text": "t"});
    let token = |role, id: &str, teams: Option<&[&str]>| server.token(role, id, teams);
    let forbidden = (-32002, "forbidden".to_owned(), json!({}));
    let mut strangers = [
        server.open(&token(Role::Supervisor, "vera", Some(&["vendas"]))).await,
        server.open(&token(Role::Supervisor, "ninguem", None)).await,
        server.open(&token(Role::Auditor, "audit", None)).await,
        server.open(&token(Role::Operator, "ops", None)).await,
        server.open(&server.token_for("outra", Role::Admin, "chefe", None, Duration::from_secs(60))).await,
    ];
    for stranger in strangers.iter_mut().chain([&mut carla]) {
        assert_eq!(stranger.refused("pause.correct", correct.clone()).await, forbidden);
        assert_eq!(stranger.refused("pause.annotate", annotate.clone()).await, forbidden);
    }
    assert_eq!(ana.refused("pause.correct", correct.clone()).await, forbidden, "not even their own");
    let mut router = server.open(&token(Role::Integration, "router", None)).await;
    assert_eq!(router.refused("pause.annotate", annotate.clone()).await, forbidden);
    let (_, code, params) = router.refused("pause.correct", correct.clone()).await;
    assert_eq!((code.as_str(), &params["field"]), ("forbidden", &json!("on_behalf")));
    assert_eq!(history(&server).await[0].get("corrected"), None, "nothing of it was done");

    let mut on_behalf = correct.clone();
    on_behalf["on_behalf"] = json!(true);
    let corrected = router.ok("pause.correct", on_behalf).await;
    assert_eq!(corrected["pause"]["corrected"]["by"], json!({"kind": "integration", "id": "router"}));
    let mut chefe = server.open(&token(Role::Admin, "chefe", None)).await;
    let later = json!({"pause": taken.id, "ended_at": taken.after(3), "reason": "r"});
    let corrected = chefe.ok("pause.correct", later).await;
    assert_eq!(corrected["pause"]["corrected"]["by"], json!({"kind": "admin", "id": "chefe"}));
    for client in [&mut ana, &mut chefe] {
        assert_eq!(client.ok("pause.annotate", annotate.clone()).await, json!({}));
    }
}

#[tokio::test]
async fn semantics_11_a_protected_pause_is_refused_to_others_byte_by_byte_as_one_that_there_is_not() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut other_tab = server.agent("ana").await;
    let secret = begin(&mut ana, "banheiro").await;
    let tokens = [
        server.token(Role::Supervisor, "sofia", Some(&["suporte"])),
        server.token(Role::Admin, "chefe", None),
        server.token(Role::Integration, "router", None),
        server.token(Role::Agent, "bruno", None),
    ];
    let request = |method: &str, params: &Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    for over in [false, true] {
        if over {
            server.clock.sleep_until(secret.started_at + A_MOMENT).await;
            ana.ok("pause.end", json!({})).await;
        }
        for token in &tokens {
            for on_behalf in [false, true] {
                let correct = |pause: &Value| {
                    let ended_at = secret.after(1);
                    json!({"pause": pause, "ended_at": ended_at, "reason": "r", "on_behalf": on_behalf, "op": OP})
                };
                let of_secret = server.rpc(token, &request("pause.correct", &correct(&secret.id))).await;
                let of_none = server.rpc(token, &request("pause.correct", &correct(&json!(NO_PAUSE)))).await;
                assert_eq!((of_secret.status, of_secret.body), (of_none.status, of_none.body));
            }
            let annotate = |pause: &Value| json!({"pause": pause, "text": "t"});
            let of_secret = server.rpc(token, &request("pause.annotate", &annotate(&secret.id))).await;
            let of_none = server.rpc(token, &request("pause.annotate", &annotate(&json!(NO_PAUSE)))).await;
            assert_eq!(of_secret.json()["error"]["data"]["code"], "forbidden");
            assert_eq!(of_secret.body, of_none.body);
        }
        // To the agent it is there, running and over.
        let text = format!("só meu {over}");
        assert_eq!(ana.ok("pause.annotate", json!({"pause": secret.id, "text": text})).await, json!({}));
        let told = other_tab.notification("pause.annotated").await;
        assert_eq!((&told["pause"], &told["text"]), (&secret.id, &json!(text)));
    }
    assert_eq!(ana.refused("pause.annotate", json!({"pause": NO_PAUSE, "text": "t"})).await.1, "forbidden");
    assert_eq!(history(&server).await, json!([]), "and nobody else is shown any of it");
}

#[tokio::test]
async fn annotations_are_shown_with_who_and_when_and_are_bounded() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let running = begin(&mut ana, "almoco").await;
    let note = |text: &str| json!({"pause": running.id, "text": text});
    let long = "é".repeat(1000);
    let mut with_op = note(&long);
    with_op["op"] = json!(OP);
    for _ in 0..3 {
        assert_eq!(ana.ok("pause.annotate", with_op.clone()).await, json!({}), "the same op is one effect");
    }
    with_op["text"] = json!("another");
    assert_eq!(ana.refused("pause.annotate", with_op).await.1, "op_reused");
    sofia.ok("pause.annotate", note("=visto")).await;
    let told_of_it = told(&mut ana, "pause.annotated").await;
    let texts: Vec<&Value> = told_of_it.iter().map(|told| &told["text"]).collect();
    assert_eq!(texts, [&json!(long), &json!("=visto")]);
    assert_eq!(told_of_it[1]["actor"], json!({"kind": "supervisor", "id": "sofia"}));
    let row = history(&server).await[0].take();
    let expected = json!([
        {"by": {"kind": "agent", "id": "ana"}, "at": told_of_it[0]["at"], "text": long},
        {"by": {"kind": "supervisor", "id": "sofia"}, "at": told_of_it[1]["at"], "text": "=visto"},
    ]);
    assert_eq!((&row["annotations"], row.get("ended_at")), (&expected, None));

    for bad in [json!(""), json!("é".repeat(1001)), json!("a\nb"), json!(7)] {
        let (_, code, params) = sofia.refused("pause.annotate", json!({"pause": running.id, "text": bad})).await;
        assert_eq!((code.as_str(), &params["field"]), ("invalid_params", &json!("text")));
    }
    for _ in 0..9 {
        ana.ok("pause.annotate", note("mais uma")).await;
        sofia.ok("pause.annotate", note("mais uma")).await;
    }
    let (number, code, params) = sofia.refused("pause.annotate", note("demais")).await;
    assert_eq!((number, code.as_str(), params), (-32003, "too_many_annotations", json!({"of": 20})));

    let bearer = format!("Bearer {}", server.token(Role::Auditor, "audit", None));
    let headers = [("authorization", bearer.as_str()), ("accept", "text/csv")];
    let csv = server.http("GET", "/v1/pauses", &headers, "").await.body;
    assert!(csv.lines().next().is_some_and(|line| line.ends_with("\"ended_at_before\",\"annotations\"")), "{csv}");
    assert!(csv.contains("supervisor sofia: =visto | "), "{csv}");
}

#[tokio::test]
async fn both_work_over_http_and_an_agent_needs_a_session_to_annotate() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let taken = take(&server, &mut ana, "almoco", A_MOMENT).await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "pause.correct",
         "params": {"pause": taken.id, "ended_at": taken.after(4), "reason": "r"}},
        {"jsonrpc": "2.0", "id": 2, "method": "pause.annotate", "params": {"pause": taken.id, "text": "t"}},
    ]);
    let answer = server.rpc(&server.token(Role::Supervisor, "sofia", Some(&["suporte"])), &batch).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()[0]["result"]["pause"]["ended_at"], taken.after(4));
    assert_eq!(answer.json()[1]["result"], json!({}));
    ana.ok("session.sign_out", json!({})).await;
    let own =
        json!({"jsonrpc": "2.0", "id": 1, "method": "pause.annotate", "params": {"pause": taken.id, "text": "t"}});
    let answer = server.rpc(&server.token(Role::Agent, "ana", None), &own).await.json();
    assert_eq!(answer["error"]["data"]["code"], "agent_offline");
}

#[tokio::test]
async fn a_watched_menu_is_told_what_a_correction_changes() {
    let server = TestServer::start().await;
    let mut chefe = server.open(&server.token(Role::Admin, "chefe", None)).await;
    let almoco = json!({"code": "almoco", "name": {"pt-BR": "Almoço"}, "refund_under_s": 1, "cooldown_s": 3600});
    let base = chefe.ok("policy.get", json!({})).await["version"].clone();
    chefe.ok("policy.put_draft", json!({"types": [almoco], "base_version": base})).await;
    chefe.ok("policy.publish", json!({"at": "now", "reason": "acordo"})).await;
    let mut ana = server.agent("ana").await;
    let taken = take(&server, &mut ana, "almoco", Duration::from_millis(1100)).await;
    let menu = ana.ok("pause.options", json!({"watch": true})).await;
    assert_eq!(menu[0]["verdict"]["code"], "cooldown", "{menu}");
    let mut sofia = server.supervisor(&["suporte"]).await;
    let wish = json!({"pause": taken.id, "ended_at": taken.after(10), "reason": "engano"});
    assert_eq!(sofia.ok("pause.correct", wish).await["pause"]["misclick"], true);
    let menu = ana.notification("options.changed").await;
    assert_eq!(menu[0]["verdict"], json!({"outcome": "started", "also": []}), "{menu}");
}

#[tokio::test]
async fn what_is_on_record_of_whoever_left_can_still_be_set_right() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let lunch = begin(&mut ana, "almoco").await;
    server.clock.sleep_until(lunch.started_at + A_MOMENT).await;
    let admin = server.token(Role::Admin, "chefe", None);
    let bearer = format!("Bearer {admin}");
    assert_eq!(server.http("DELETE", "/v1/agents/ana", &[("authorization", &bearer)], "").await.status, 204);
    assert_eq!(ana.closed().await, 4401);

    let correct = json!({"pause": lunch.id, "ended_at": lunch.after(1), "reason": "saiu antes"});
    let mut vera = server.supervisor_named("vera", &["vendas"]).await;
    assert_eq!(vera.refused("pause.correct", correct.clone()).await.1, "forbidden");
    let mut sofia = server.supervisor(&["suporte"]).await;
    let corrected = sofia.ok("pause.correct", correct).await["pause"].take();
    assert_eq!((&corrected["ended_at"], &corrected["ended_by"]), (&lunch.after(1), &json!("deactivated")));
    sofia.ok("pause.annotate", json!({"pause": lunch.id, "text": "conferido"})).await;
    assert_eq!(history(&server).await[0]["annotations"][0]["text"], "conferido");

    // Of themselves whoever left says nothing any more, and nothing else is done to them.
    let own = server.token(Role::Agent, "ana", None);
    let annotate = json!({"jsonrpc": "2.0", "id": 1, "method": "pause.annotate",
                          "params": {"pause": lunch.id, "text": "eu"}});
    assert_eq!(server.rpc(&own, &annotate).await.json()["error"]["data"]["code"], "forbidden");
    assert_eq!(sofia.refused("agent.get", json!({})).await.1, "forbidden");
    let end = json!({"agent": "ana", "reason": "r"});
    assert_eq!(sofia.refused("agent.end_pause", end).await.1, "forbidden");
}
