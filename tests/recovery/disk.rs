//! A disk that is full, and one whose syncs fail: errors, reads that go on, and nothing that was
//! acknowledged is lost.

use std::path::{Path, PathBuf};
use std::process::Command;

use intervalo_loadtest::{CallError, Client};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::binary::{DataFolder, PATIENCE, Server, Starting, text_of};
use crate::checks;
use crate::company::{TENANT, agent, company};
use crate::journal;
use crate::worker::Worker;

/// How many agents work.
const WORKERS: usize = 6;
/// How many acknowledgements come before the disk is full, and after which syncs may fail.
const ACKNOWLEDGED_BEFORE: usize = 100;
/// How large the disk is that is filled.
const DISK_BYTES: usize = 16 * 1024 * 1024;
/// From which sync on all fail: after those of the start, and of some hundred commands.
const SYNCS_FAIL_FROM: u32 = 150;

/// Tells that a test cannot be made here; where all must be made, that is a failure.
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "skipped, which CI does not allow: {why}");
    println!("skipped: {why}");
}

/// A disk of its own, in memory, for a folder; gone with the test.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn mount(folder: &Path, bytes: usize) -> Result<SmallDisk, String> {
        std::fs::create_dir_all(folder).expect("a folder");
        let size = format!("size={bytes}");
        let ran = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        match ran {
            Ok(ran) if ran.status.success() => Ok(SmallDisk(folder.to_owned())),
            Ok(ran) => Err(format!("no disk can be mounted: {}", String::from_utf8_lossy(&ran.stderr).trim())),
            Err(why) => Err(format!("mount cannot be run: {why}")),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}

/// Agents at work on a server, and one that is asked whether commands are carried out.
struct Scene {
    server: Server,
    working: JoinSet<Worker>,
    acknowledged: mpsc::Receiver<()>,
    probe: Client,
    admin: String,
    is_available: bool,
}

impl Scene {
    async fn set(folder: &DataFolder, starting: Starting) -> Scene {
        let server = starting.ready().await;
        let (acknowledgements, acknowledged) = mpsc::channel(WORKERS);
        let mut working = JoinSet::new();
        for n in 0..WORKERS {
            let token = folder.token(TENANT, "agent", &agent(n), &[]).await;
            let worker = Worker::new(agent(n), token, n as u64).come_back(server.url()).await;
            working.spawn(worker.work(acknowledgements.clone()));
        }
        let token = folder.token(TENANT, "agent", &agent(WORKERS), &[]).await;
        let admin = folder.token(TENANT, "admin", "rita", &[]).await;
        let probe = Client::connect(&server.url(), &token).await.expect("the server is ready");
        Scene { server, working, acknowledged, probe, admin, is_available: false }
    }

    async fn hear(&mut self, acknowledgements: usize) {
        for n in 0..acknowledgements {
            let heard = timeout(PATIENCE, self.acknowledged.recv()).await.expect("agents are answered");
            assert!(heard.is_some(), "everybody stopped after {n} acknowledgements:\n{}", self.server.log());
        }
    }

    /// A command that is an event when it is carried out.
    async fn command(&mut self) -> Result<Value, CallError> {
        let status = if self.is_available { "unavailable" } else { "available" };
        let answer = self.probe.call("status.set", json!({ "status": status })).await;
        if answer.is_ok() {
            self.is_available = !self.is_available;
        }
        answer
    }

    /// Waits until commands are refused, or no longer. Nothing but `unavailable` may be heard meanwhile.
    async fn until(&mut self, carried_out: bool) {
        let reached = async {
            loop {
                // Nobody may wait for the count.
                while self.acknowledged.try_recv().is_ok() {}
                match self.command().await {
                    Ok(_) if carried_out => return,
                    Ok(_) => {}
                    Err(CallError::Rpc(error)) if error.word() == "unavailable" => {
                        if !carried_out {
                            return;
                        }
                    }
                    Err(error) => panic!("{error}:\n{}", self.server.log()),
                }
            }
        };
        timeout(PATIENCE, reached).await.expect("the disk is noticed");
    }

    async fn reads_go_on(&self) {
        for n in 0..=WORKERS {
            let answer = self.server.get(&format!("/v1/agents/{}/state", agent(n)), &self.admin).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let history = self.server.get("/v1/pauses", &self.admin).await;
        assert_eq!(history.status, 200, "{history:?}");
        let alive = self.server.get("/healthz", &self.admin).await;
        assert_eq!(alive.status, 200, "{alive:?}");
    }

    /// Kills the server and holds the journal against what the agents were told; then once more after
    /// they have come back to a server that has nothing in its way.
    async fn end(self, folder: &DataFolder) {
        let Scene { server, mut working, acknowledged, probe, .. } = self;
        drop(acknowledged);
        server.kill().await;
        drop(probe);
        let mut workers = Vec::new();
        let gone = async {
            while let Some(worker) = working.join_next().await {
                workers.push(worker.expect("a worker ends"));
            }
        };
        timeout(PATIENCE, gone).await.expect("connections end with the server");
        check(folder, &workers).await;
        let server = folder.serve().await;
        let mut back = Vec::new();
        for worker in workers {
            back.push(worker.come_back(server.url()).await);
        }
        server.kill().await;
        check(folder, &back).await;
    }
}

async fn check(folder: &DataFolder, workers: &[Worker]) {
    let journal = journal::read(&folder.path()).await;
    let mut wrong = [checks::gaps(&journal), checks::broken_pauses(&journal)].concat();
    let mut acknowledged = 0;
    for worker in workers {
        acknowledged += worker.account.acknowledged.len();
        wrong.extend(worker.account.faults.clone());
        wrong.extend(checks::lost_or_doubled(&worker.account.acknowledged, &journal));
        wrong.extend(checks::unequal_repeats(&worker.account.repeats));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(acknowledged >= ACKNOWLEDGED_BEFORE, "{acknowledged} acknowledged");
    let verified = folder.run(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_d4_a_full_disk_is_an_error_reads_go_on_and_commands_too_once_there_is_room() {
    let folder = DataFolder::empty();
    let _disk = match SmallDisk::mount(&folder.path(), DISK_BYTES) {
        Ok(disk) => disk,
        Err(why) => return skipped(&why),
    };
    folder.found(&company(WORKERS + 1, "60s")).await;
    let mut scene = Scene::set(&folder, folder.start()).await;
    scene.hear(ACKNOWLEDGED_BEFORE).await;
    let ballast = folder.path().join("ballast");
    // As much as there is room for; that it ends with an error is the point.
    let filled = std::fs::write(&ballast, vec![1; DISK_BYTES]);
    assert!(filled.is_err(), "the disk is larger than it should be");
    scene.until(false).await;
    scene.reads_go_on().await;
    std::fs::remove_file(&ballast).expect("the ballast goes");
    scene.until(true).await;
    scene.reads_go_on().await;
    scene.end(&folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_d4_after_a_failed_sync_of_the_real_disk_nothing_is_acknowledged_until_a_new_start() {
    if let Err(why) = Command::new("strace").arg("--version").output() {
        return skipped(&format!("strace cannot be run: {why}"));
    }
    let folder = DataFolder::with(&company(WORKERS + 1, "60s")).await;
    let trace = folder.file("trace", "");
    let inject = format!("inject=fsync,fdatasync:error=EIO:when={SYNCS_FAIL_FROM}+");
    // With -D the server itself is the child, and strace watches from beside it.
    let wrapper = ["strace", "-D", "-f", "-qq", "-o", text_of(&trace), "-e", "trace=fsync,fdatasync", "-e", &inject];
    let mut scene = Scene::set(&folder, folder.start_under(&wrapper)).await;
    scene.until(false).await;
    scene.reads_go_on().await;
    // It stays so: a handle whose sync has failed is not tried again.
    for _ in 0..10 {
        let answer = scene.command().await;
        let refused = matches!(&answer, Err(CallError::Rpc(error)) if error.word() == "unavailable");
        assert!(refused, "{answer:?}:\n{}", scene.server.log());
    }
    let ready = scene.server.get("/readyz", &scene.admin).await;
    assert_eq!(ready.status, 503, "{ready:?}");
    let traced = std::fs::read_to_string(&trace).expect("a trace");
    assert!(traced.contains("EIO"), "no sync failed:\n{traced}");
    scene.end(&folder).await;
}
