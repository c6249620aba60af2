//! The first login of a company, as whoever installs the server gets it: in a file for its owner, in no log, to be
//! changed by the first login.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::DataFolder;
use crate::company::{TENANT, company};

const NEW: &str = "correct horse battery staple";

async fn log_in(address: SocketAddr, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let head = format!(
        "POST /v1/login HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), text)
}

/// The password in the file.
fn handed_out(folder: &DataFolder) -> String {
    let path = folder.path().join("first-login.txt");
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is for its owner");
    let text = std::fs::read_to_string(path).expect("the file");
    assert_eq!(text.matches("password ").count(), 1, "{text}");
    let (_, after) = text.split_once("name admin, password ").expect("a password");
    after.lines().next().expect("its line").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_a4_the_first_login_is_handed_out_in_a_file_and_changed_by_its_use() {
    let folder = DataFolder::with(&company(1, "60s")).await;
    let told = format!("the first login of {TENANT} is in ");
    let server = folder.serve().await;
    server.until_logged(&told, 1).await;
    let lost = handed_out(&folder);
    assert!(!server.log().contains(&lost), "it is in no log");
    server.kill().await;

    let server = folder.serve().await;
    server.until_logged(&told, 1).await;
    let password = handed_out(&folder);
    assert_ne!(password, lost, "each start hands out another until it is used");
    let with = |password: &str| json!({"tenant": TENANT, "login": "admin", "password": password});
    assert_eq!(log_in(server.address, &with(&lost)).await.0, 401, "the one of before is void");
    let (status, text) = log_in(server.address, &with(&password)).await;
    assert!(status == 403 && text.contains("password_change_required"), "{text}");
    let mut change = with(&password);
    change["new_password"] = json!(NEW);
    assert_eq!(log_in(server.address, &change).await.0, 200);
    server.until_logged("first-login.txt is void, and was removed", 1).await;
    assert!(!folder.path().join("first-login.txt").exists(), "it goes at the moment of its use");
    assert_eq!(log_in(server.address, &with(&password)).await.0, 401);
    server.kill().await;

    std::fs::write(folder.path().join("first-login.txt"), "of a start that was cut off").expect("a file");
    let server = folder.serve().await;
    assert!(!folder.path().join("first-login.txt").exists(), "what one of before has left is void");
    let (status, text) = log_in(server.address, &with(NEW)).await;
    assert_eq!(status, 200, "{text}");
    assert!(!server.log().contains(&told), "nothing is handed out to a company that has an administrator");
    server.kill().await;
    assert_eq!(folder.run(&["verify"]).await.code, Some(0));
}
