//! Tenants that are made while the server is killed: who was answered is there, whole; who was not is there whole, or not at all.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::binary::DataFolder;

/// How often the server is killed.
const KILLS: usize = 6;
/// How many make tenants side by side.
const MAKERS: usize = 3;
/// How many are answered before each kill.
const ANSWERED_BEFORE_KILL: usize = 7;

/// Makes a tenant; the status and the body, or none where the server went away before it answered.
async fn make(address: SocketAddr, token: &str, id: &str) -> Option<(u16, Value)> {
    let body = json!({"name": id, "zone": "UTC"}).to_string();
    let text = format!(
        "PUT /v1/tenants/{id} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok())?;
    Some((status, serde_json::from_str(body).ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_d1_a_tenant_that_was_answered_is_there_whole_after_any_kill() {
    let folder = DataFolder::empty();
    let operator = folder.token("casa", "operator", "olga", &[]).await;
    let (mut answered, mut asked) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..KILLS {
        let server = folder.serve().await;
        let (told, mut acknowledged) = mpsc::channel(1);
        let makers: Vec<_> = (0..MAKERS)
            .map(|maker| {
                let (address, operator, told) = (server.address, operator.clone(), told.clone());
                tokio::spawn(async move {
                    let mut asked = Vec::new();
                    for n in 0.. {
                        let id = format!("nova-{round}-{maker}-{n}");
                        asked.push(id.clone());
                        let Some((status, body)) = make(address, &operator, &id).await else { break };
                        assert_eq!((status, body["invitation"]["login"].as_str()), (201, Some("admin")), "{body}");
                        // Nobody listens after the kill.
                        let _ = told.send(id).await;
                    }
                    asked
                })
            })
            .collect();
        drop(told);
        for _ in 0..ANSWERED_BEFORE_KILL {
            answered.insert(acknowledged.recv().await.expect("the makers go on"));
        }
        server.kill().await;
        // Who was answered just before it was, too.
        while let Some(id) = acknowledged.recv().await {
            answered.insert(id);
        }
        for maker in makers {
            asked.extend(maker.await.expect("no panic"));
        }
    }

    let server = folder.serve().await;
    let list: Value = serde_json::from_str(&server.get("/v1/tenants?limit=1000", &operator).await.body).expect("JSON");
    let listed =
        list["tenants"].as_array().expect("a list").iter().map(|one| one["id"].as_str().expect("an id").to_owned());
    let listed: BTreeSet<String> = listed.collect();
    assert!(answered.is_subset(&listed), "lost: {:?}", answered.difference(&listed));
    assert!(listed.is_subset(&asked), "invented: {:?}", listed.difference(&asked));
    assert!(answered.len() >= KILLS * ANSWERED_BEFORE_KILL, "{} answered", answered.len());
    for id in &listed {
        let again = make(server.address, &operator, id).await.expect("an answer");
        let login = again.1["invitation"]["login"].as_str();
        assert_eq!((again.0, login), (200, Some("admin")), "{id} has its first account: {}", again.1);
    }
    // Those that were not there can be made after all.
    for id in asked.difference(&listed) {
        assert_eq!(make(server.address, &operator, id).await.expect("an answer").0, 201, "{id}");
    }
    assert!(!folder.path().join("first-login.txt").exists(), "whoever has an account gets no first login");
    server.kill().await;
    let verified = folder.run(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
