//! Boards on a socket: who gets which, in which order.

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::server::TestServer;

fn agents(frame: &Value) -> Vec<String> {
    let rows = frame["result"]["agents"].as_array().expect("rows");
    rows.iter().map(|row| row["agent"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn the_reply_precedes_the_snapshot_and_changes_follow() {
    let server = TestServer::start().await;
    let mut sofia = server.supervisor(&["suporte", "vendas"]).await;
    let request = json!({"jsonrpc": "2.0", "id": 9, "method": "board.subscribe", "params": {"teams": ["suporte"]}});
    sofia.send(request.to_string()).await;
    let reply = sofia.receive().await.expect("open");
    assert_eq!(reply["id"], 9);
    let subscription = reply["result"].as_str().expect("an id").to_owned();
    let first = sofia.receive().await.expect("open");
    assert_eq!(first["method"], "board.changed");
    assert_eq!(first["params"]["subscription"], subscription.as_str());
    assert_eq!(first["params"]["result"]["kind"], "snapshot");
    assert_eq!(agents(&first["params"]), ["ana", "bruno"], "offline ones too");
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let mut last_to = first["params"]["result"]["to"].as_u64().expect("a number");
    loop {
        let frame = sofia.notification("board.changed").await;
        let result = &frame["result"];
        if result["kind"] == "changes" {
            assert_eq!(result["from"], last_to, "promise V2: dense");
            last_to = result["to"].as_u64().expect("a number");
            if result["agents"][0]["status"] == "available" {
                break;
            }
        }
    }
    assert_eq!(sofia.ok("board.unsubscribe", json!([subscription])).await, json!(true));
    assert_eq!(sofia.refused("board.unsubscribe", json!({"subscription": subscription})).await.0, -32004);
}

#[tokio::test]
async fn a_board_reaches_as_far_as_its_viewer() {
    let server = TestServer::start().await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    for teams in [json!(["vendas"]), json!(["suporte", "vendas"]), json!(["nowhere"])] {
        assert_eq!(sofia.refused("board.subscribe", json!({"teams": teams})).await.0, -32002);
    }
    let all = sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    assert_eq!(agents(&sofia.notification("board.changed").await), ["ana", "bruno"]);
    let (number, code, params) = sofia.refused("board.subscribe", json!({"teams": ["suporte"]})).await;
    assert_eq!((number, code.as_str()), (-32005, "subscribed"));
    assert_eq!(params["subscription"], all, "the id is a function of the view");
    let mut admin = server.open(&server.token(Role::Admin, "root", None)).await;
    admin.ok("board.subscribe", json!({"teams": "all"})).await;
    assert_eq!(agents(&admin.notification("board.changed").await), ["=davi", "ana", "bruno", "carla"]);
    let mut teamless = server.open(&server.token(Role::Supervisor, "sofia", None)).await;
    assert_eq!(teamless.refused("board.subscribe", json!({"teams": "all"})).await.0, -32002);
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_left_off() {
    let server = TestServer::start().await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let snapshot = sofia.notification("board.changed").await;
    let (to, cursor) = (snapshot["result"]["to"].clone(), snapshot["result"]["cursor"].clone());
    sofia.vanish();
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let mut again = server.supervisor(&["suporte"]).await;
    again.ok("board.subscribe", json!({"teams": ["suporte"], "cursor": cursor})).await;
    let first = again.notification("board.changed").await;
    match first["result"]["kind"].as_str() {
        Some("changes") => assert_eq!(first["result"]["from"], to),
        Some("snapshot") => assert!(first["result"]["to"].as_u64() > to.as_u64()),
        other => panic!("{other:?}"),
    }
    assert!(first["result"]["agents"].as_array().expect("rows").iter().any(|row| row["status"] == "available"));
}

#[tokio::test]
async fn a_refresh_with_fewer_teams_ends_the_boards_out_of_reach() {
    let server = TestServer::start().await;
    let mut sofia = server.supervisor(&["suporte", "vendas"]).await;
    sofia.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let lost = sofia.ok("board.subscribe", json!({"teams": ["suporte", "vendas"]})).await;
    let fewer = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let refreshed = sofia.ok("session.refresh", json!({"token": fewer})).await;
    assert_eq!(refreshed["ended_subscriptions"], json!([lost]));
    assert_eq!(
        sofia.refused("agent.set_status", json!({"agent": "carla", "status": "available", "reason": "x"})).await.0,
        -32002
    );
}
