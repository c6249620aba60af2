//! A disk that fills up: pauses do not begin any more while there is still room to end those that have.

use intervalo_loadtest::{CallError, Client};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::binary::{DataFolder, PATIENCE, Server};
use crate::company::{PROTECTED, TENANT, agent, company};
use crate::disk::{SmallDisk, skipped};

/// How large the disk is.
const DISK_BYTES: usize = 96 << 20;
/// Under how much room it is nearly full, in MiB.
const LOW_MB: usize = 48;
/// What leaves less than that, beside the reserve of 16 MiB, and more than nothing.
const BALLAST_BYTES: usize = 40 << 20;
/// The reserve's file in the data folder.
const RESERVE: &str = "disk.reserve";
/// What the server says when it has made it.
const KEPT: &str = "a reserve of 16 MiB is kept";

/// The code that a call was refused with; none when it was carried out.
async fn refused(client: &Client, method: &str, params: Value) -> Option<String> {
    match client.call(method, params).await {
        Ok(_) => None,
        Err(CallError::Rpc(error)) => Some(error.word().to_owned()),
        Err(error) => panic!("{method}: {error}"),
    }
}

/// Begins a pause and ends it again until the start is answered as it is to be.
async fn until_start_is(client: &Client, expected: Option<&str>, server: &Server) {
    let reached = async {
        loop {
            let answer = refused(client, "pause.start", json!({"type": "cafe"})).await;
            if answer.is_none() {
                assert_eq!(refused(client, "pause.end", json!({})).await, None);
            }
            if answer.as_deref() == expected {
                return;
            }
        }
    };
    if timeout(PATIENCE, reached).await.is_err() {
        panic!("a start is not answered {expected:?}:\n{}", server.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_r6_on_a_disk_that_is_nearly_full_no_pause_begins_and_all_can_end() {
    let folder = DataFolder::empty();
    let _disk = match SmallDisk::mount(&folder.path(), DISK_BYTES) {
        Ok(disk) => disk,
        Err(why) => return skipped(&why),
    };
    folder.found(&company(3, "60s")).await;
    let reserve = folder.path().join(RESERVE);
    let low = format!("INTERVALO_LOW_DISK_MB={LOW_MB}");
    let server = folder.start_under(&["env", &low]).ready().await;
    let mut agents = Vec::new();
    for n in 0..3 {
        let token = folder.token(TENANT, "agent", &agent(n), &[]).await;
        agents.push(Client::connect(&server.url(), &token).await.expect("the server is ready"));
    }
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    server.until_logged(KEPT, 1).await;
    assert!(reserve.exists());
    for early in &agents[..2] {
        assert_eq!(refused(early, "pause.start", json!({"type": "cafe"})).await, None);
    }

    let ballast = folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST_BYTES]).expect("there is room for it");
    until_start_is(&agents[2], Some("low_disk"), &server).await;
    assert!(reserve.exists(), "the reserve is for later");
    assert_eq!(refused(&agents[0], "pause.end", json!({})).await, None, "what is under way can end");
    assert_eq!(refused(&agents[0], "status.set", json!({"status": "available"})).await, None);
    assert_eq!(refused(&agents[2], "pause.start", json!({"type": PROTECTED})).await, None, "and what is never refused");
    assert_eq!(refused(&agents[2], "pause.end", json!({})).await, None);
    assert_eq!(server.get("/readyz", &admin).await.status, 200);
    let figures = server.get("/metrics", &admin).await.body;
    assert!(figures.contains("intervalo_disk_low 1"), "{figures}");

    // All that is left; that it ends with an error is the point.
    let more = folder.path().join("more");
    assert!(std::fs::write(&more, vec![1; DISK_BYTES]).is_err(), "the disk is larger than it should be");
    server.until_logged("the reserve on the disk is given up", 1).await;
    assert!(!reserve.exists());
    let ended = async {
        while let Some(why) = refused(&agents[1], "pause.end", json!({})).await {
            assert_eq!(why, "unavailable", "it can be asked again");
        }
    };
    timeout(PATIENCE, ended).await.expect("the reserve makes room for the ends");
    let signed_out = refused(&agents[0], "session.sign_out", json!({"scope": "this"})).await;
    assert_eq!(signed_out, None);

    std::fs::remove_file(&ballast).expect("the ballast goes");
    std::fs::remove_file(&more).expect("the ballast goes");
    until_start_is(&agents[2], None, &server).await;
    server.until_logged(KEPT, 2).await;
    assert!(reserve.exists());
    server.kill().await;
    let verified = folder.run(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
