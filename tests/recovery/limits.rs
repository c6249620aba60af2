//! Every figure that the register of limits names, asked of a whole server after a small run.

use intervalo_loadtest::Client;
use serde_json::json;

use crate::binary::DataFolder;
use crate::company::{TENANT, agent, company};

/// The register.
const REGISTER: &str = include_str!("../../docs/limits.md");
/// An issuer, for some figures are by issuer.
const ISSUER: &str = "[[issuer]]\niss = \"https://login.example.com/\"\njwks = \"./keys.json\"\naud = \"intervalo\"\n";

/// The figures of the rows: what stands between backquotes in their last cells.
fn named() -> Vec<&'static str> {
    let rows = REGISTER.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    let mut named: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// True when a figure is there: with this label, or whatever labels it has where none is named.
fn shows(figures: &str, name: &str) -> bool {
    let is_it = |line: &str| {
        let rest = line.strip_prefix(name);
        // A histogram has buckets, a sum and a count.
        rest.is_some_and(|rest| [" ", "{", "_sum ", "_count "].iter().any(|after| rest.starts_with(after)))
    };
    figures.lines().any(is_it)
}

/// What a figure says.
fn figure(figures: &str, name: &str) -> f64 {
    let line = figures.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name} is missing:\n{figures}")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_r2_every_figure_of_the_register_of_limits_is_there_after_a_small_run() {
    let folder = DataFolder::with(&company(5, "60s")).await;
    let keys = folder.file("keys.json", "{\"keys\": []}");
    let config = folder.file("intervalo.toml", &ISSUER.replace("./keys.json", crate::binary::text_of(&keys)));
    let server = folder.start_with(&["--config", crate::binary::text_of(&config)]).ready().await;
    let token = folder.token(TENANT, "agent", &agent(0), &[]).await;
    let ana = Client::connect(&server.url(), &token).await.expect("the server is ready");
    ana.call("pause.start", json!({"type": "cafe"})).await.expect("she may");
    let figures = server.get("/metrics", &token).await.body;
    let missing: Vec<&str> = named().into_iter().filter(|name| !shows(&figures, name)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing:\n{figures}");
    assert!(named().len() > 60, "the register was not read");
    assert!(!shows(&figures, "intervalo_none_total"), "the check would pass by seeing nothing");

    // What is counted when somebody looks is what there is.
    let kept = |what: &str| figure(&figures, &format!("intervalo_kept{{what=\"{what}\"}}"));
    assert_eq!((kept("tenants"), kept("people"), kept("agents"), kept("actors")), (1.0, 5.0, 1.0, 1.0));
    assert_eq!((kept("sessions"), kept("addresses"), kept("waiting")), (1.0, 1.0, 0.0));
    let reached = |limit: &str| format!("intervalo_limits_reached_total{{limit=\"{limit}\"}}");
    assert_eq!(figure(&figures, &reached("agent_sessions")), 0.0);

    // One socket too many.
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let mut sockets = vec![ana];
    while sockets.len() < intervalo::actor::session::SESSIONS_MAX {
        let one = Client::connect(&server.url(), &token).await.expect("there is room");
        // A socket is open before its session is: whoever is answered has one.
        one.call("agent.get", json!({})).await.expect("there is room");
        sockets.push(one);
    }
    let refused = match Client::connect(&server.url(), &token).await {
        Ok(one_more) => one_more.call("agent.get", json!({})).await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "there are as many as there may be");
    let figures = server.get("/metrics", &admin).await.body;
    assert_eq!(figure(&figures, &reached("agent_sessions")), 1.0);
}
