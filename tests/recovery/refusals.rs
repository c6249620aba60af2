//! What the binary refuses to run on, in one clear line: a folder that another process owns, a port
//! that is taken, a database of a newer version, settings that are wrong.

use intervalo_loadtest::Client;
use serde_json::json;
use sqlx::Row;

use crate::binary::{DataFolder, Ran, run, text_of};
use crate::company::{TENANT, agent, company};
use crate::journal::open_to_alter;

/// The one line that tells why; anything more would have to be searched for it.
#[track_caller]
fn refusal(ran: &Ran) -> &str {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let mut lines = ran.err.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.next()) {
        (Some(line), None) => line,
        _ => panic!("not one line: {ran:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_data_is_refused_and_told_the_owner() {
    let folder = DataFolder::with(&company(1, "60s")).await;
    let token = folder.token(TENANT, "agent", &agent(0), &[]).await;
    let server = folder.serve().await;
    let client = Client::connect(&server.url(), &token).await.expect("the server is ready");

    let owner = format!("process {}", server.pid());
    let serve = folder.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(refusal(&serve).contains(&owner), "{serve:?}");
    let file = folder.file("more.toml", &company(2, "60s"));
    let import = folder.run(&["import", text_of(&file)]).await;
    assert!(refusal(&import).contains(&owner), "{import:?}");
    assert!(refusal(&import).contains("stop that server"), "{import:?}");

    // The owner did not notice.
    client.call("status.set", json!({ "status": "available" })).await.expect("the owner still serves");
    let verify = folder.run(&["verify"]).await;
    assert_eq!(verify.code, Some(0), "verify runs beside a server: {verify:?}");
    server.kill().await;
    // A lock does not outlive its process.
    let import = folder.run(&["import", text_of(&file)]).await;
    assert_eq!(import.code, Some(0), "{import:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_named_in_one_line() {
    let (folder, other) = (DataFolder::with(&company(1, "60s")).await, DataFolder::empty());
    let server = folder.serve().await;
    let address = server.address.to_string();
    let serve = other.run(&["serve", "--listen", &address]).await;
    assert!(refusal(&serve).contains(&format!("cannot listen on {address}")), "{serve:?}");
    server.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    /// A migration that no version of this program will ever have.
    const NEWER: i64 = 99_991_231_235_959;
    let folder = DataFolder::with(&company(1, "60s")).await;
    folder.serve().await.kill().await;
    let epochs = async || {
        let mut connection = open_to_alter(&folder.path()).await;
        let row = sqlx::query("SELECT sum(epoch) FROM shards").fetch_one(&mut connection).await.expect("epochs");
        row.get::<i64, _>(0)
    };
    let mut connection = open_to_alter(&folder.path()).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (?1, 'newer', 1, x'00', 0)",
    )
    .bind(NEWER)
    .execute(&mut connection)
    .await
    .expect("a row");
    let before = epochs().await;
    let file = folder.file("more.toml", &company(2, "60s"));
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["import", text_of(&file)], &["verify"]] {
        let ran = folder.run(words).await;
        let line = refusal(&ran);
        assert!(line.contains(&NEWER.to_string()) && line.contains("newer"), "{words:?}: {line}");
    }
    assert_eq!(epochs().await, before, "a refused start took the shards");
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = ?1")
        .bind(NEWER)
        .execute(&mut connection)
        .await
        .expect("no row");
    drop(connection);
    folder.serve().await.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_are_refused_with_the_nearest_key_and_nothing_is_made() {
    let folder = DataFolder::empty();
    let cases = [
        ("rate_per_secnd = 5\n", "`rate_per_second`"),
        ("rate_per_second = \"many\"\n", "rate_per_second"),
        ("listen = [\"0.0.0.0:8080\"]\n", "allow_plaintext"),
        ("rate_burst\n", "line 1: this is not TOML"),
    ];
    for (text, expected) in cases {
        let file = folder.file("intervalo.toml", text);
        for command in ["serve", "check-config"] {
            let ran = run(&[command, "--config", text_of(&file), "--data", text_of(&folder.path())]).await;
            let line = refusal(&ran);
            assert!(line.contains("intervalo.toml") && line.contains(expected), "{command} on {text:?}: {line}");
        }
    }
    let missing = folder.run(&["serve", "--config", "/nowhere/intervalo.toml"]).await;
    assert!(refusal(&missing).contains("/nowhere/intervalo.toml"), "{missing:?}");
    assert!(!folder.path().exists(), "a refused start made the data folder");
}
