//! The load test against the real binary: each scenario for a second or two, and its report.
//!
//! What is asked here is that the figures are there and every promise held; how fast it was is no subject of a
//! test. That a breach would be found is shown beside the checkers in `loadtest/src/load`.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use intervalo_loadtest::load;
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/binary.rs"]
#[expect(dead_code, reason = "shared with the crash tests, which use more of it")]
mod binary;

#[path = "support/postgres.rs"]
mod postgres;

/// One load at a time: two would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the load test with these words; its exit code and its report.
fn run(words: &[&str], folder: &Path) -> (u8, Value) {
    let json = folder.join("report.json");
    let more = ["--dir", binary::text_of(folder), "--json", binary::text_of(&json)];
    let code = load::run_with([&["intervalo-loadtest"], words, &more].concat());
    let report = std::fs::read_to_string(json).unwrap_or_default();
    (code, serde_json::from_str(&report).unwrap_or_default())
}

fn on_a_server_of_its_own(words: &[&str]) -> Value {
    let folder = TempDir::new().expect("a temporary folder");
    let (code, report) = run(&[words, &["--server", env!("CARGO_BIN_EXE_intervalo")]].concat(), folder.path());
    assert_eq!((code, &report["checks"]["first"]), (0, &serde_json::json!([])), "{report:#}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("one")).collect();
    assert_eq!(left.len(), 1, "only the report is left behind: {left:?}");
    report
}

#[track_caller]
fn assert_positive(report: &Value, pointers: &[&str]) {
    for pointer in pointers {
        let figure = report.pointer(pointer).and_then(Value::as_f64);
        assert!(figure.is_some_and(|figure| figure > 0.0), "{pointer} is {figure:?}: {report:#}");
    }
}

#[test]
fn durable_commands_are_measured_beside_their_floor() {
    let _alone = alone();
    let words = "commands --connections 3 --rate 50 --warm-up 50ms --time 2s --pairs 1";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    assert_eq!((&report["scenario"], &report["server"]["store"]), (&"commands".into(), &"sqlite".into()));
    assert_eq!(report["figures"]["record_bytes_measured"], true);
    assert_eq!(report["figures"]["loads"][1]["server"]["latency"]["count"], 100, "all that was due in 2 s at 50/s");
    assert_eq!(report["figures"]["loads"][1]["floor"]["latency"]["count"], 100);
    assert_positive(
        &report,
        &[
            "/figures/record_bytes",
            "/figures/sync/p50_us",
            "/figures/loads/0/server/per_second/median",
            "/figures/loads/0/floor/per_second/median",
            "/figures/loads/0/per_second_of_floor/median",
            "/figures/loads/0/server_cpu_s_per_1000/median",
        ],
    );
}

#[test]
fn idle_agents_are_weighed_and_come_back() {
    let _alone = alone();
    let words = "idle --agents 30 --in-flight 7 --rounds 2 --storms 1 --hold 100ms";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(report["figures"]["sign_in"]["count"], 60);
    assert_eq!(report["figures"]["resident_bytes_per_connection"]["count"], 2);
    assert_eq!(report["figures"]["storm_sign_ins_per_second"]["count"], 2);
    let above_zero = ["/figures/resident_before_kib/min", "/figures/sign_ins_per_second/min", "/figures/ready_ms/min"];
    assert_positive(&report, &above_zero);
}

#[test]
fn boards_hear_of_every_change_beside_their_floor() {
    let _alone = alone();
    let words = "fanout --boards 20 --agents 5 --rate 20 --window 3 --warm-up 50ms --time 2s --pairs 1";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    for side in ["server", "floor"] {
        let open = &report["figures"]["loads"][0][side];
        assert_eq!(open["from_asking"]["all"]["count"], 20 * 2 * 20, "each change to each board: {report:#}");
        assert_positive(
            &report["figures"]["loads"][1][side],
            &["/deliveries_per_second/median", "/changes_per_second/median", "/from_first_sign/p99_us/median"],
        );
    }
    assert_positive(&report, &["/figures/loads/0/frame_bytes/min", "/figures/loads/1/deliveries_of_floor/min"]);
}

#[test]
fn promise_r5_commands_are_timed_and_held_to_without_hostile_clients_and_with_each_kind_of_them() {
    let _alone = alone();
    let words = "hostile --connections 100 --boards 3 --callers 20 --rate 20 --warm-up 1s --time 12s --pairs 1";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    assert_eq!((&report["settings"]["agents"], &report["settings"]["server_limits"]), (&87.into(), &"shipped".into()));
    for side in ["without", "with"] {
        let rounds = &report["figures"][side];
        assert_eq!(rounds["replies"]["latency"]["count"], 240, "all that was due in 12 s at 20/s: {report:#}");
        assert_eq!(rounds["deliveries"]["latency"]["count"], 240 * 3, "each on each board");
        assert_positive(rounds, &["/server_peak_kib/min", "/server_descriptors/min", "/server_cores/min"]);
    }
    let answers = report["figures"]["answers"].as_object().expect("kinds");
    assert_eq!(answers.len(), 8, "{report:#}");
    assert_positive(
        &report,
        &[
            "/figures/p99_by_without/min",
            "/figures/memory/bound_kib",
            "/figures/answers/stalled-boards/cut",
            "/figures/answers/slow-heads/cut",
            "/figures/answers/ping-flood/closes/1008",
            "/figures/answers/junk/closes/1008",
            "/figures/answers/flood/rate_limited",
            "/figures/answers/bad-tokens/statuses/401",
            "/figures/answers/fragments/closes/1002",
            "/figures/answers/fragments/closes/1009",
            "/figures/answers/churn/let_in",
        ],
    );
}

#[test]
fn agents_sign_in_from_nothing_beside_their_floor() {
    let _alone = alone();
    let words = "signin --agents 30 --in-flight 7 --pairs 2";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    for side in ["server", "floor"] {
        assert_eq!(report["figures"][side]["latency"]["count"], 60, "{report:#}");
        assert_positive(&report["figures"][side], &["/per_second/min", "/p99_us/min"]);
    }
    let above_zero =
        ["/figures/floor_cpu_us_per_sign_in/min", "/figures/longest_sync_ms/min", "/figures/longest_ms/min"];
    assert_positive(&report, &above_zero);
    assert_eq!(report["figures"]["cpu_by_floor"]["count"], 2);
}

#[test]
fn a_rush_for_few_slots_is_served_in_order() {
    let _alone = alone();
    let words = "lunch-rush --agents 24 --slots 6 --pause 500ms --boards 2 --rounds 2";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(report["figures"]["asked"]["all"]["count"], 48, "{report:#}");
    assert_eq!(report["figures"]["accepted"]["all"]["count"], report["figures"]["waited"]);
    assert_eq!(report["figures"]["ideal_ms"], 2000.0);
    let above_zero = ["/figures/waited", "/figures/pauses_per_second/min", "/figures/boards/p99_us/min"];
    assert_positive(&report, &above_zero);
}

#[test]
fn everybody_is_lost_and_comes_back_while_others_stay() {
    let _alone = alone();
    let words = "reconnect --agents 40 --team-size 20 --callers 10 --boards 5 --stayers 2 --in-flight 7 --rate 50 \
                 --storms 2 --warm-up 50ms --time 500ms";
    let report = on_a_server_of_its_own(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!((&report["figures"]["movers"], &report["figures"]["first"]["count"]), (&35.into(), &35.into()));
    assert_eq!(report["figures"]["back"]["latency"]["count"], 70, "{report:#}");
    let above_zero = ["/figures/back_of_first/min", "/figures/disturbed/from_first_sign/p99_us/min"];
    assert_positive(&report, &above_zero);
}

#[test]
fn everybody_comes_back_to_a_server_that_was_killed() {
    let _alone = alone();
    let words = "reconnect --agents 40 --team-size 20 --callers 10 --boards 5 --stayers 2 --in-flight 7 --rate 50 \
                 --storms 1 --warm-up 50ms --time 500ms --restart";
    let report = on_a_server_of_its_own(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!(report["figures"]["back"]["latency"]["count"], 35, "{report:#}");
    assert_eq!(report["figures"].get("disturbed"), None);
    assert_positive(&report, &["/figures/ready_ms/min", "/figures/undisturbed/from_asking/p50_us/min"]);
}

#[test]
fn a_long_run_tells_whether_anything_grows_while_connections_are_lost() {
    let _alone = alone();
    let words = "soak --agents 30 --boards 3 --rate 60 --churn 10% --time 3s --every 300ms";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    let samples = report["figures"]["samples"].as_array().map_or(0, Vec::len);
    assert!((8..=10).contains(&samples), "{samples} in ten times 300 ms: {report:#}");
    assert_eq!(report["figures"]["descriptors"]["flat"], true);
    assert_positive(&report, &["/figures/lost", "/figures/memory/allowed", "/figures/deliveries/p99_us"]);
}

#[test]
fn a_day_is_lived_to_its_end() {
    let _alone = alone();
    let words = "day --agents 20 --boards 3 --speed 9600";
    let report = on_a_server_of_its_own(&words.split(' ').collect::<Vec<_>>());
    let phases = report["figures"]["phases"].as_array().expect("a list");
    let words: Vec<&str> = phases.iter().filter_map(|phase| phase["phase"].as_str()).collect();
    assert_eq!(words, ["sign_in", "morning", "lunch", "afternoon", "end"], "{report:#}");
    assert_positive(&report, &["/figures/phases/2/refused/slots_full", "/figures/deliveries/p99_us"]);
}

#[test]
fn a_profile_is_run_into_one_page() {
    let _alone = alone();
    let folder = TempDir::new().expect("a temporary folder");
    let (profile, page) = (folder.path().join("profile.toml"), folder.path().join("page.html"));
    let idle = "[[load]]\nscenario = \"idle\"\nname = \"<few>\"\nagents = 5\nrounds = 1\n";
    let commands =
        "[[load]]\nscenario = \"commands\"\nconnections = 2\nrate = 0\npairs = 1\nwarm-up = \"50ms\"\ntime = \"1s\"\n";
    std::fs::write(&profile, [idle, commands].concat()).expect("written");
    let words = ["intervalo-loadtest", "run", binary::text_of(&profile), "--server", env!("CARGO_BIN_EXE_intervalo")];
    let reports = folder.path().join("reports");
    let more = [
        "--dir",
        binary::text_of(folder.path()),
        "--json",
        binary::text_of(&reports),
        "--html",
        binary::text_of(&page),
    ];
    assert_eq!(load::run_with(words.into_iter().chain(more)), 0);
    let html = std::fs::read_to_string(page).expect("a page");
    assert!(html.contains("&lt;few&gt; (idle)") && html.contains("commands") && html.contains("<svg"), "{html}");
    assert!(reports.join("01-idle.json").is_file() && reports.join("02-commands.json").is_file());
    std::fs::write(&profile, "[[load]]\nscenario = \"idle\"\nboards = 3\n").expect("written");
    assert_eq!(load::run_with(words), 2, "an unknown key is wrong usage");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_runs_already_can_be_put_under_load() {
    let data = binary::DataFolder::with(&load::import_file("acme", 10)).await;
    // A key is made at its first use.
    data.token("acme", "agent", "agente-00000", &[]).await;
    let server = data.serve().await;
    let (url, pid) = (server.url(), server.pid().to_string());
    let key = data.path().join("token.key");
    let measured = tokio::task::spawn_blocking(move || {
        let _alone = alone();
        let folder = TempDir::new().expect("a temporary folder");
        let words = ["--url", &url, "--key", binary::text_of(&key), "--tenant", "acme"];
        let enough = [&["idle", "--agents", "10", "--rounds", "1", "--pid", &pid], &words[..]].concat();
        let too_many = [&["idle", "--agents", "11", "--rounds", "1"], &words[..]].concat();
        (run(&enough, folder.path()), run(&too_many, &folder.path().join("nowhere")), run(&too_many, folder.path()).0)
    });
    let ((code, report), nowhere, too_many) = measured.await.expect("no panic");
    assert_eq!((code, &report["checks"]["held"]), (0, &true.into()), "{report:#}");
    assert_eq!(report["server"], serde_json::json!({ "started_here": false, "store": "unknown" }));
    assert_positive(&report, &["/figures/resident_before_kib/min"]);
    assert_eq!(nowhere.0, 1, "there is no folder for what is temporary");
    assert_eq!(too_many, 1, "an agent is missing in the company");
    assert!(server.get("/readyz", "").await.status == 200, "the server goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_postgresql_can_be_put_under_load() {
    let Some(database) = postgres::PrivatePostgres::start() else { return };
    let store = database.database().await;
    let measured = tokio::task::spawn_blocking(move || {
        let _alone = alone();
        let words = "commands --connections 3 --rate 0 --warm-up 50ms --time 2s --pairs 1 --store";
        let words: Vec<&str> = words.split(' ').chain([postgres::url_of(&store)]).collect();
        on_a_server_of_its_own(&words)
    });
    let report = measured.await.expect("no panic");
    assert_eq!(report["server"]["store"], "postgresql");
    assert_eq!(report["figures"]["record_bytes_measured"], false, "its data is not seen from here");
    assert_positive(&report, &["/figures/loads/0/per_second_of_floor/median"]);
}

#[test]
fn wrong_words_are_usage() {
    assert_eq!(load::run_with(["intervalo-loadtest", "commands", "--pairs", "0"]), 2);
    assert_eq!(load::run_with(["intervalo-loadtest", "fanout", "--agents", "3", "--server", "/bin/true"]), 1);
    assert_eq!(load::run_with(["intervalo-loadtest", "hostile", "--connections", "50", "--server", "/bin/true"]), 1);
    assert_eq!(load::run_with(["intervalo-loadtest", "reconnect", "--agents", "20", "--server", "/bin/true"]), 1);
    assert_eq!(load::run_with(["intervalo-loadtest", "--version"]), 0);
}
