//! A server that has no descriptors left: it waits without turning, and is back by itself when some are free.

use std::time::Duration;

use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo_loadtest::Client;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::binary::{DataFolder, PATIENCE, Server};
use crate::company::{TENANT, company};

/// The descriptors of the server: what it has open by itself, and some tens of sockets.
const DESCRIPTORS: usize = 64;
/// More sockets than that leaves room for.
const SOCKETS: usize = DESCRIPTORS;
/// What the server says when it has no more.
const WAITS: &str = "cannot accept connections, waiting";
/// Over how many of its waits its work is measured: some seconds, for the longest wait is one.
const WAITS_MEASURED: usize = 6;
/// What `/proc` counts processor time in (`USER_HZ`, proc(5)): the same on every machine that CI has.
const TICKS_PER_SECOND: f64 = 100.0;
/// The promise: less than this share of one processor.
const CPU_MAX: f64 = 0.05;
/// The promise: answered again so soon after descriptors are free.
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// What the process has computed so far, of itself and for it in the system.
fn cpu_time(server: &Server) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("it runs");
    // The name, in parentheses, may hold anything; the 14th and 15th fields are counted from after it.
    let (_, after) = text.rsplit_once(") ").expect("a name");
    let ticks: u64 = after.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_r3_without_descriptors_the_server_waits_at_rest_and_is_back_in_two_seconds() {
    let folder = DataFolder::with(&company(1, "60s")).await;
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let limit = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    let server = folder.start_under(&["sh", "-c", &limit]).ready().await;
    let clock = SystemClock::start(Timestamp(0));

    // Sockets with a session stay; connections that say nothing would be cut after some seconds.
    let (mut sockets, mut unanswered) = (Vec::new(), Vec::new());
    while !server.log().contains(WAITS) {
        assert!(sockets.len() < SOCKETS, "there are descriptors left:\n{}", server.log());
        let answered = timeout(Duration::from_secs(2), Client::connect(&server.url(), &admin)).await;
        if let Ok(Ok(client)) = answered {
            sockets.push(client);
        }
    }
    assert!(sockets.len() >= 8, "only {} sockets had room", sockets.len());
    // The system goes on to take connections, which wait for the server.
    for _ in 0..8 {
        unanswered.push(TcpStream::connect(server.address).await.expect("the system takes it"));
    }

    let waited = server.log().matches(WAITS).count();
    server.until_logged(WAITS, waited + 2).await;
    let (began, before) = (clock.now(), cpu_time(&server));
    server.until_logged(WAITS, waited + 2 + WAITS_MEASURED).await;
    let (took, worked) = (clock.now().since(began), cpu_time(&server) - before);
    let share = worked.as_secs_f64() / took.as_secs_f64();
    println!("{worked:?} of {took:?} without descriptors");
    assert!(took >= Duration::from_secs(3), "it waits {took:?} in all: not a second each");
    assert!(share < CPU_MAX, "it worked {worked:?} of {took:?}");
    // Whoever is in is served meanwhile.
    let held = sockets.first().expect("a socket");
    held.call("session.ping", serde_json::json!({})).await.expect("an answer");

    let freed = clock.now();
    drop((sockets, unanswered));
    let answered = timeout(PATIENCE, server.get("/healthz", &admin)).await.expect("it is back");
    let back = clock.now().since(freed);
    println!("answered {back:?} after descriptors were free");
    assert_eq!(answered.status, 200);
    assert!(back <= BACK_WITHIN, "it was back after {back:?}");
}
