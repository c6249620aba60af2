//! Slots and the waiting list on the wire: who waits, who is offered a slot, what others are shown.

use serde_json::json;

use crate::server::TestServer;

#[tokio::test]
async fn who_asks_of_a_full_team_waits_and_is_offered_the_slot() {
    let server = TestServer::start().await;
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    let mut sofia = server.supervisor(&["suporte"]).await;
    ana.ok("pause.start", json!({"type": "rodizio"})).await;
    let menu = bruno.ok("pause.options", json!({"watch": true})).await;
    let line = menu.as_array().expect("a list").last().expect("a line");
    assert_eq!((&line["type"], &line["verdict"]["outcome"]), (&json!("rodizio"), &json!("queued")));
    assert_eq!(line["verdict"]["code"], "slots_full");
    let params = &line["verdict"]["params"];
    assert_eq!((&params["team"], &params["used"], &params["of"]), (&json!("suporte"), &json!(1), &json!(1)));
    assert_eq!(params["position"], 1);
    assert!(params["expected_at"].is_string(), "the pause that runs has a limit: {params}");
    let waits = bruno.ok("pause.start", json!({"type": "rodizio", "note": "já volto"})).await;
    assert_eq!(waits["outcome"], "queued");
    assert_eq!(
        (&waits["agent"]["queue"]["type"], &waits["agent"]["queue"]["position"]),
        (&json!("rodizio"), &json!(1))
    );
    assert_eq!(waits["agent"]["status"], "unavailable", "waiting changes no status");
    // Asked for again it is the same place.
    let again = bruno.ok("pause.start", json!({"type": "rodizio"})).await;
    assert_eq!((&again["outcome"], &again["agent"]["version"]), (&json!("queued"), &waits["agent"]["version"]));

    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    let first = sofia.notification("board.changed").await;
    let rows = first["result"]["agents"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["agent"] == "bruno").expect("a row");
    assert_eq!((&row["queue"]["type"], row["queue"].get("position")), (&json!("rodizio"), None));

    ana.ok("pause.end", json!({})).await;
    let offered = bruno.notification("pause.offered").await;
    assert_eq!(offered["type"], "rodizio");
    assert!(offered["expires_at"].is_string());
    let state = bruno.ok("agent.get", json!({})).await;
    assert_eq!((&state["offer"]["id"], &state["offer"]["expires_at"]), (&offered["offer"], &offered["expires_at"]));
    let foreign = json!({"offer": "01890a5d-ac96-774b-bcce-b302099a8057"});
    assert_eq!(bruno.refused("pause.accept", foreign).await.1, "no_offer");
    let begun = bruno.ok("pause.accept", json!({"offer": offered["offer"]})).await;
    assert_eq!(begun["agent"]["pause"]["note"], "já volto");
    assert_eq!((begun["agent"].get("queue"), begun["agent"].get("offer")), (None, None));
}

#[tokio::test]
async fn a_watched_menu_is_told_when_somebody_else_takes_a_slot() {
    let server = TestServer::start().await;
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    bruno.ok("pause.options", json!({"watch": true})).await;
    ana.ok("pause.start", json!({"type": "rodizio"})).await;
    let changed = bruno.notification("options.changed").await;
    let line = changed.as_array().expect("a list").last().expect("a line");
    assert_eq!((&line["type"], &line["verdict"]["outcome"]), (&json!("rodizio"), &json!("queued")));
}

#[tokio::test]
async fn a_place_in_line_is_given_up() {
    let server = TestServer::start().await;
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    ana.ok("pause.start", json!({"type": "rodizio"})).await;
    assert_eq!(bruno.refused("pause.cancel", json!({"what": "queue"})).await.1, "nothing_pending");
    assert_eq!(bruno.refused("pause.cancel", json!({"what": "lunch"})).await.1, "invalid_params");
    bruno.ok("pause.start", json!({"type": "rodizio"})).await;
    let left = bruno.ok("pause.cancel", json!({"what": "queue"})).await;
    assert_eq!(left["agent"].get("queue"), None);
}

#[tokio::test]
async fn a_supervisor_starts_a_pause_against_the_caps_only_with_a_word() {
    let server = TestServer::start().await;
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    let mut sofia = server.supervisor(&["suporte"]).await;
    ana.ok("pause.start", json!({"type": "rodizio"})).await;
    let wish = json!({"agent": "bruno", "type": "rodizio", "reason": "a hard call"});
    let waits = sofia.ok("agent.start_pause", wish.clone()).await;
    assert_eq!(waits["agent"]["queue"]["type"], "rodizio");
    let mut with_word = wish;
    with_word["override"] = json!(true);
    let begun = sofia.ok("agent.start_pause", with_word).await;
    assert_eq!(begun["agent"]["pause"]["type"], "rodizio");
    loop {
        let changed = bruno.notification("agent.changed").await;
        if changed.get("pause").is_some() {
            assert_eq!((&changed["actor"]["kind"], &changed["reason"]), (&json!("supervisor"), &json!("a hard call")));
            break;
        }
    }
}
