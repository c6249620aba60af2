//! The client against a server of its own that answers as a test tells it.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;

/// A server of one connection that answers each frame with what `answers` makes of it.
async fn server(answers: impl Fn(Value) -> Vec<Message> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1/ws", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, upgrade).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            for answer in answers(serde_json::from_str(&text).unwrap()) {
                if socket.send(answer).await.is_err() {
                    return;
                }
            }
        }
    });
    url
}

#[expect(clippy::result_large_err, reason = "the library's own type of a refusal")]
fn upgrade(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer secret");
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, request.headers()[SEC_WEBSOCKET_PROTOCOL].clone());
    Ok(response)
}

fn text(value: Value) -> Message {
    Message::text(value.to_string())
}

#[tokio::test]
async fn replies_find_their_calls_and_notifications_wait() {
    let url = server(|call| {
        let id = &call["id"];
        let note = json!({ "jsonrpc": "2.0", "method": "note", "params": { "of": id } });
        let reply = match call["method"].as_str() {
            Some("good") => json!({ "jsonrpc": "2.0", "id": id, "result": call["params"] }),
            _ => json!({ "jsonrpc": "2.0", "id": id, "error": {
                "code": -32006, "message": "slow down", "data": { "code": "rate_limited", "params": { "retry_after_ms": 250 } }
            } }),
        };
        vec![text(note), text(reply)]
    })
    .await;
    let mut client = Client::connect(&url, "secret").await.unwrap();
    assert_eq!(client.call("good", json!({ "a": 1 })).await, Ok(json!({ "a": 1 })));
    let Err(CallError::Rpc(error)) = client.call("bad", json!({})).await else { panic!() };
    assert_eq!((error.word(), error.retry_after()), ("rate_limited", Some(Duration::from_millis(250))));
    for id in [1, 2] {
        assert_eq!(client.notification().await.unwrap().params, json!({ "of": id }));
    }
    client.close().await;
}

#[tokio::test]
async fn the_close_code_is_told_to_who_waits() {
    let close = || Message::Close(Some(CloseFrame { code: CloseCode::from(4403), reason: "out".into() }));
    let url = server(move |_| vec![close()]).await;
    let client = Client::connect(&url, "secret").await.unwrap();
    let ended = Ended::Closed { code: 4403, reason: "out".to_owned() };
    assert_eq!(client.call("any", json!({})).await, Err(CallError::Ended(ended.clone())));
    assert_eq!(client.wait_ended().await, ended);
    assert_eq!(client.call("later", json!({})).await, Err(CallError::Ended(ended)));
}

#[tokio::test]
async fn a_call_without_a_reply_ends_in_time() {
    let url = server(|_| Vec::new()).await;
    let client = Client::connect(&url, "secret").await.unwrap();
    let within = Duration::from_millis(50);
    let answer = client.caller().call_within("any", json!({}), within).await;
    assert_eq!(answer, Err(CallError::TimedOut { method: "any".to_owned(), within }));
}

#[tokio::test]
async fn unread_notifications_end_the_client_rather_than_get_lost() {
    let note = || text(json!({ "jsonrpc": "2.0", "method": "note", "params": {} }));
    let url = server(move |_| (0..=NOTIFICATIONS_MAX).map(|_| note()).collect()).await;
    let client = Client::connect(&url, "secret").await.unwrap();
    assert_eq!(client.call("any", json!({})).await, Err(CallError::Ended(Ended::Overflow)));
}
