//! A wall clock that is set while the server runs: on record once for each tenant, and felt by no pause (semantics §2).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use intervalo::auth::Role;
use intervalo::clock::{Machine, MachineTime, ThisMachine};
use intervalo::domain::time::Timestamp;
use intervalo::store::DATABASE_FILE;
use intervalo::store::verify::verify;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::policy::{available, instant};
use crate::server::TestServer;

const HOUR_MS: i64 = 3_600_000;
/// Longer than a look at the clocks and a commit take; only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much later than it was due something may come on a busy machine.
const SLACK_MS: i64 = 1_000;

/// This machine, with its wall clock set otherwise.
#[derive(Default)]
struct Planted {
    set_by_ms: AtomicI64,
}

impl Planted {
    fn step(&self, by_ms: i64) {
        self.set_by_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Machine for Planted {
    fn read(&self) -> MachineTime {
        let MachineTime { wall, asleep } = ThisMachine.read();
        MachineTime { wall: Timestamp(wall.0 + self.set_by_ms.load(Ordering::SeqCst)), asleep }
    }
}

/// The steps on record, by tenant and number.
async fn steps(server: &TestServer) -> Vec<(String, i64)> {
    let path = server.folder().join(DATABASE_FILE);
    let mut connection =
        SqliteConnectOptions::new().filename(path).read_only(true).connect().await.expect("the database");
    let rows = sqlx::query("SELECT tenant, body FROM journal WHERE kind = 'clock.stepped' ORDER BY tenant, seq");
    let rows = rows.fetch_all(&mut connection).await.expect("rows");
    let step = |row: &sqlx::sqlite::SqliteRow| {
        let body: Value = serde_json::from_str(row.get(1)).expect("JSON");
        (row.get(0), body["event"]["clock.stepped"]["by_ms"].as_i64().expect("a number"))
    };
    rows.iter().map(step).collect()
}

async fn wait_for_steps(server: &TestServer, count: usize) -> Vec<(String, i64)> {
    let found = async {
        loop {
            let found = steps(server).await;
            if found.len() >= count {
                return found;
            }
            server.clock.sleep_until(server.clock.now() + Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("the steps are on record in time")
}

/// The steps by tenant, each within the time between two reads of what was planted.
fn assert_steps(found: &[(String, i64)], planted: &[i64]) {
    let tenants = ["acme", "outra"];
    let expected = tenants.iter().flat_map(|tenant| planted.iter().map(move |by_ms| (*tenant, *by_ms)));
    assert_eq!(found.len(), tenants.len() * planted.len(), "{found:?}");
    for ((tenant, by_ms), (of, planted)) in found.iter().zip(expected) {
        assert_eq!(tenant, of);
        assert!((by_ms - planted).abs() < 200, "{by_ms} of {planted}");
    }
}

#[tokio::test]
async fn promise_t3_a_step_is_on_record_once_a_tenant_and_no_limit_comes_early_or_late() {
    let machine = Arc::new(Planted::default());
    let server = TestServer::on_machine(Arc::clone(&machine) as _).await;
    let mut planted = Vec::new();
    for by_ms in [HOUR_MS, -2 * HOUR_MS] {
        let mut ana = available(&server, "ana").await;
        let began = ana.ok("pause.start", json!({"type": "cafe"})).await;
        let began = instant(&began["agent"]["pause"]["started_at"]);
        machine.step(by_ms);
        planted.push(by_ms);
        let reached = ana.notification("pause.limit_reached").await;
        let after_ms = instant(&reached["at"]).0 - began.0;
        assert!((2_000..2_000 + SLACK_MS).contains(&after_ms), "{after_ms} ms after a step by {by_ms} ms");
        assert_steps(&wait_for_steps(&server, 2 * planted.len()).await, &planted);
    }
    // The server's time is an hour ahead by now: a token that has half of one left by the wall has it here as well.
    let token = server.token_for("acme", Role::Agent, "ana", None, Duration::from_secs(1_800));
    let mut ana = server.open(&token).await;
    assert_eq!(ana.ok("agent.get", json!({})).await["status"], "unavailable");
    // Two looks later there are no more of them.
    server.clock.sleep_until(server.clock.now() + Duration::from_millis(2_500)).await;
    assert_steps(&steps(&server).await, &planted);
}

#[tokio::test]
async fn promise_t3_a_tenant_that_comes_after_a_step_has_it_on_record() {
    let machine = Arc::new(Planted::default());
    let server = TestServer::on_machine(Arc::clone(&machine) as _).await;
    machine.step(HOUR_MS);
    machine.step(HOUR_MS);
    wait_for_steps(&server, 2).await;
    let operator = format!("Bearer {}", server.token(Role::Operator, "olga", None));
    let settings = json!({"name": "Nova", "zone": "UTC"}).to_string();
    let made = server.http("PUT", "/v1/tenants/nova", &[("authorization", &operator)], &settings).await;
    assert_eq!(made.status, 201, "{made:?}");
    let found = wait_for_steps(&server, 3).await;
    let of_nova: Vec<i64> = found.iter().filter(|(tenant, _)| tenant == "nova").map(|(_, by_ms)| *by_ms).collect();
    assert!(matches!(of_nova[..], [by_ms] if (by_ms - 2 * HOUR_MS).abs() < 200), "{found:?}");
    machine.step(-HOUR_MS);
    let found = wait_for_steps(&server, 6).await;
    assert_eq!(found.iter().filter(|(tenant, _)| tenant == "nova").count(), 2, "{found:?}");
}

#[tokio::test]
async fn promise_t3_a_pause_that_runs_over_the_start_after_a_step_keeps_its_limit() {
    let machine = Arc::new(Planted::default());
    let server = TestServer::on_machine(Arc::clone(&machine) as _).await;
    let mut ana = available(&server, "ana").await;
    let began = instant(&ana.ok("pause.start", json!({"type": "almoco"})).await["agent"]["pause"]["started_at"]);
    machine.step(HOUR_MS);
    wait_for_steps(&server, 2).await;
    let stopping_at = server.clock.now();
    let server = server.restarted_on(machine).await;
    let mut ana = server.agent("ana").await;
    let pause = ana.ok("agent.get", json!({})).await["pause"].take();
    let (shown, limit) = (instant(&pause["started_at"]), instant(&pause["limit_at"]));
    assert!((shown.0 - began.0 - HOUR_MS).abs() < 200, "it is moved with the clock: {pause}");
    assert_eq!(limit.0 - shown.0, HOUR_MS, "and no shorter");
    assert_eq!(pause["overrun"], false);
    assert!(server.clock.now().since(stopping_at) >= Duration::from_millis(HOUR_MS as u64 - 200), "it is at the wall");
    let summary = verify(server.folder()).await.expect("the states are the fold of the journal");
    assert_eq!(summary.agents, 1);
}
