//! The directory as a file over HTTP: written out, previewed, and taken in as a whole or not at all, while everybody works.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::store::verify::verify;
use intervalo::transport::{Quotas, Rate, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{Answer, TestServer};

const DIRECTORY: &str = "/v1/directory";
const IMPORT: &str = "/v1/directory/import";
const PREVIEW: &str = "/v1/directory/import?dry_run=true";
const PRUNED: &str = "/v1/directory/import?prune=true";
const CSV: (&str, &str) = ("content-type", "text/csv");
const TOML: (&str, &str) = ("content-type", "application/toml");
const KEY: &str = "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b";
/// Everybody of the test's company, as CSV.
const EVERYBODY: &str = "id,name,teams,zone,capacity\r\n'=davi,'=davi,vendas,,\r\nana,ana,suporte,,\r\n\
                         bruno,bruno,suporte|vendas,,\r\ncarla,carla,vendas,,\r\n";

struct House {
    server: TestServer,
    token: String,
}

impl House {
    async fn open() -> House {
        House::with(Settings { rate: Rate { per_second: 1000, burst: 1000 }, ..Settings::default() }).await
    }

    async fn with(settings: Settings) -> House {
        let server = TestServer::with(settings).await;
        let token = server.token(Role::Admin, "chefe", None);
        House { server, token }
    }

    async fn ask_as(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers: Vec<(&str, &str)> = [("authorization", bearer.as_str())].iter().chain(headers).copied().collect();
        self.server.http(method, path, &headers, body).await
    }

    async fn export(&self, path: &str, accept: &str) -> Answer {
        self.ask_as(&self.token, "GET", path, &[("accept", accept)], "").await
    }

    async fn import(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask_as(&self.token, "POST", path, headers, body).await
    }

    /// What an import that is taken answers.
    async fn imported(&self, path: &str, form: (&str, &str), body: &str) -> Value {
        let answer = self.import(path, &[form], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The status, and the lines of what is wrong with a file.
    async fn refused(&self, form: (&str, &str), body: &str) -> (u16, Vec<(u64, String)>) {
        let answer = self.import(IMPORT, &[form], body).await;
        let (status, code) = answer.problem();
        assert_eq!(code, "invalid_params", "{answer:?}");
        let problems = answer.json()["params"]["problems"].take();
        let told =
            problems.as_array().expect("a list").iter().map(|one| {
                (one["line"].as_u64().expect("a line"), one["message"].as_str().expect("a message").to_owned())
            });
        (status, told.collect())
    }

    async fn version(&self) -> String {
        self.export(DIRECTORY, "application/json").await.headers["etag"].clone()
    }
}

fn counts(answer: &Value) -> [u64; 4] {
    ["added", "changed", "removed", "unchanged"].map(|name| answer[name].as_u64().expect("a number"))
}

#[tokio::test]
async fn a_directory_is_written_in_three_forms_and_taken_in_again_without_a_change() {
    let house = House::open().await;
    let list = house.export(DIRECTORY, "application/json").await.json();
    assert_eq!((&list["version"], &list["tenant"]["id"]), (&json!(1), &json!("acme")));
    assert_eq!(list["agents"][2], json!({"id": "bruno", "name": "bruno", "teams": ["suporte", "vendas"]}));
    assert_eq!(list["teams"][0], json!({"id": "suporte", "name": "suporte"}));
    assert_eq!(list["channels"][0]["code"], "chat");

    let people = house.export(DIRECTORY, "text/csv").await;
    assert_eq!(people.body, EVERYBODY);
    assert_eq!(people.headers["content-type"], "text/csv; charset=utf-8; header=present");
    let for_a_spreadsheet = house.export("/v1/directory?bom=true&separator=semicolon", "text/csv").await;
    assert_eq!(for_a_spreadsheet.body, format!("\u{feff}{}", EVERYBODY.replace(',', ";")));
    let company = house.export(DIRECTORY, "application/toml").await;
    assert!(
        company.body.starts_with("[tenant]\nid = \"acme\"\n") && !company.body.contains("pause_type"),
        "{company:?}"
    );
    for (form, body) in [(CSV, &people.body), (CSV, &for_a_spreadsheet.body), (TOML, &company.body)] {
        let told = house.imported(PRUNED, form, body).await;
        assert_eq!(counts(&told)[..3], [0, 0, 0], "{told}");
        assert_eq!((&told["changes"], &told["more"], &told["version"]), (&json!([]), &json!(0), &json!(1)));
    }
    assert_eq!(house.version().await, "\"1\"", "nothing was written");
}

#[tokio::test]
async fn an_import_is_previewed_and_then_made_as_one_version() {
    let house = House::open().await;
    let mut board = house.server.supervisor(&["suporte"]).await;
    board.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let (mut ana, mut carla) = (house.server.agent("ana").await, house.server.agent("carla").await);
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    // Ana leaves, Bruno stays, Carla moves, Dora comes, and of Davi nothing is other but the name.
    let file = "matrícula;nome;equipes\nbruno;bruno;suporte|vendas\ncarla;carla;Suporte\n\
                dora;Dora;suporte,vendas\n'=davi;Davi;vendas\n";
    let told = house.imported("/v1/directory/import?dry_run=true&prune=true", CSV, file).await;
    assert_eq!((told["dry_run"].clone(), counts(&told)), (json!(true), [1, 2, 1, 1]), "{told}");
    assert_eq!((&told["encoding"], &told["separator"]), (&json!("UTF-8"), &json!("semicolons")));
    assert_eq!(house.version().await, "\"1\"", "a preview writes nothing");
    assert_eq!(house.export(DIRECTORY, "text/csv").await.body, EVERYBODY);

    let made = house.imported(PRUNED, CSV, file).await;
    assert_eq!((made["dry_run"].clone(), counts(&made), &made["version"]), (json!(false), [1, 2, 1, 1], &json!(2)));
    assert_eq!(made["changes"], told["changes"], "what was previewed is what is made");
    let change = |id: &str| made["changes"].as_array().expect("a list").iter().find(|one| one["id"] == id).cloned();
    let moved = json!({
        "kind": "agent", "id": "carla", "what": "changed",
        "before": {"id": "carla", "name": "carla", "teams": ["vendas"]},
        "after": {"id": "carla", "name": "carla", "teams": ["suporte"]},
    });
    assert_eq!(change("carla"), Some(moved));
    let gone = json!({"id": "ana", "name": "ana", "teams": ["suporte"]});
    assert_eq!(change("ana"), Some(json!({"kind": "agent", "id": "ana", "what": "removed", "before": gone})));
    let came = json!({"id": "dora", "name": "Dora", "teams": ["suporte", "vendas"]});
    assert_eq!(change("dora"), Some(json!({"kind": "agent", "id": "dora", "what": "added", "after": came})));

    // Whoever works is told as by PUT and DELETE.
    assert_eq!(ana.closed().await, 4401);
    let mut told = carla.notification("agent.changed").await;
    while told["teams"] != json!(["suporte"]) {
        told = carla.notification("agent.changed").await;
    }
    let (mut came, mut left) = (false, false);
    while !(came && left) {
        let result = board.notification("board.changed").await["result"].take();
        came |= result["agents"].as_array().is_some_and(|rows| rows.iter().any(|row| row["agent"] == "dora"));
        left |= result["removed"].as_array().is_some_and(|ids| ids.contains(&json!("ana")));
    }
    let auditor = house.server.token(Role::Auditor, "audit", None);
    loop {
        let pause = house.server.get(&auditor, "/v1/pauses?agent=ana").await.json()["pauses"][0].take();
        if pause["ended_by"].is_string() {
            assert_eq!(pause["ended_by"], "deactivated");
            break;
        }
    }
    house.server.agent("dora").await.ok("agent.get", json!({})).await;
    verify(house.server.folder()).await.expect("what is on record adds up");
}

#[tokio::test]
async fn one_wrong_line_changes_nothing_and_all_wrong_lines_are_told() {
    let house = House::open().await;
    let mut lines = "id;nome;equipes;fuso\n".to_owned();
    for n in 0..500 {
        lines += &format!("nova-{n};Nova {n};vendas;\n");
    }
    let (status, told) = house.refused(CSV, &format!("{lines}eva;Eva;suporti;\nrui;Rui;;Mars/Base")).await;
    assert_eq!((status, told.len()), (400, 2));
    let team = "agent \"eva\": column \"equipes\": there is no team \"suporti\"; did you mean \"suporte\"?";
    assert_eq!(told[0], (502, team.to_owned()));
    assert!(told[1].0 == 503 && told[1].1.starts_with("agent \"rui\": column \"fuso\": unknown time zone"), "{told:?}");
    let twice = house.refused(CSV, "id,name\neva,Eva\neva,Eva").await.1;
    assert_eq!(twice, [(3, "agent \"eva\" stands here again; it is already on line 2".to_owned())]);
    let many = format!("id,name,teams\n{}", (0..150).map(|n| format!("a{n},A,nenhum\n")).collect::<String>());
    let answer = house.import(IMPORT, &[CSV], &many).await.json();
    assert_eq!(answer["params"]["problems"].as_array().map(Vec::len), Some(100));
    assert_eq!(answer["params"]["more"], 50);
    assert_eq!(house.export(DIRECTORY, "text/csv").await.body, EVERYBODY);
    assert_eq!(house.version().await, "\"1\"");
    assert_eq!(counts(&house.imported(IMPORT, CSV, &lines).await), [500, 0, 0, 0], "without those lines it is made");
    assert_eq!(house.version().await, "\"2\"", "as one version");
}

#[tokio::test]
async fn a_file_of_an_old_spreadsheet_is_read_as_windows_1252() {
    let house = House::open().await;
    let body = b"matr\xEDcula;nome\r\njoao;S\xE3o Jo\xE3o\r\n";
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: text/csv\r\n\
         content-length: {}\r\n\r\n",
        house.token,
        body.len()
    );
    let answer = house.server.raw(&[head.as_bytes(), body].concat()).await;
    assert_eq!((answer.status, &answer.json()["encoding"]), (200, &json!("Windows-1252")), "{answer:?}");
    let joao = house.server.get(&house.token, "/v1/agents/joao").await.json();
    assert_eq!(joao["name"], "São João");
}

#[tokio::test]
async fn an_import_is_made_on_top_of_what_was_read_and_once() {
    let house = House::open().await;
    let etag = house.version().await;
    let (dora, eva) = ("id,name\ndora,Dora", "id,name\neva,Eva");
    let made = house.import(IMPORT, &[CSV, ("if-match", &etag), ("idempotency-key", KEY)], dora).await;
    assert_eq!((made.status, made.headers["etag"].as_str()), (200, "\"2\""));
    for path in [IMPORT, PREVIEW] {
        let stale = house.import(path, &[CSV, ("if-match", &etag)], eva).await;
        assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()), "{path}");
    }
    let again = house.import(IMPORT, &[CSV, ("if-match", &etag), ("idempotency-key", KEY)], dora).await.json();
    let first = json!({
        "dry_run": false, "version": 2, "added": 1, "changed": 0, "removed": 0, "changes": [], "more": 1, "notes": [],
    });
    assert_eq!(again, first, "the first outcome");
    assert_eq!(house.version().await, "\"2\"");
    for (path, body) in [(IMPORT, eva), (PRUNED, dora)] {
        let other = house.import(path, &[CSV, ("idempotency-key", KEY)], body).await;
        assert_eq!(other.problem(), (409, "op_reused".to_owned()), "{path}");
    }
    // What changes nothing is on record where it has an op, and is what was read from then on.
    let nothing = ("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5c");
    let same = house.import(IMPORT, &[CSV, nothing], dora).await;
    assert_eq!((counts(&same.json()), same.headers["etag"].as_str()), ([0, 0, 0, 1], "\"3\""));
    assert_eq!((house.version().await, &same.json()["version"]), ("\"3\"".to_owned(), &json!(3)));
    let answer = house.import(IMPORT, &[CSV, ("idempotency-key", "x")], dora).await;
    assert_eq!((answer.problem().0, &answer.json()["params"]["field"]), (400, &json!("Idempotency-Key")));
}

#[tokio::test]
async fn the_policy_and_other_tenants_are_not_for_a_directorys_file() {
    let house = House::open().await;
    let of_acme = "[tenant]\nid = \"acme\"\n";
    let text =
        format!("{of_acme}[[team]]\nid = \"norte\"\nname = \"Norte\"\n[[agent]]\nid = \"ana\"\nteams = [\"norte\"]\n");
    let told = house.imported(IMPORT, TOML, &text).await;
    assert_eq!(counts(&told), [1, 1, 0, 1], "{told}");
    assert_eq!(told["changes"][0]["after"], json!({"id": "norte", "name": "Norte"}));
    assert_eq!(house.server.get(&house.token, "/v1/agents/ana").await.json()["teams"], json!(["norte"]));
    let kind = format!("{of_acme}[[pause_type]]\ncode = \"cafe\"\nlimit = \"10m\"");
    let (status, problems) = house.refused(TOML, &kind).await;
    assert_eq!((status, problems.len(), problems[0].0), (400, 1, 3));
    assert!(problems[0].1.contains("PUT /v1/policy/draft"), "{problems:?}");
    let other = house.refused(TOML, "[tenant]\nid = \"outra\"\npauses_enabled = false\n").await.1;
    assert_eq!(other, [(1, "tenant \"outra\": this is not the tenant of your credential".to_owned())]);
    // Pruned, the directory is what the file says; the pause types and the teams that they name stay.
    let told = house.imported(PRUNED, TOML, &format!("{of_acme}[[agent]]\nid = \"ana\"")).await;
    assert!(told["notes"].to_string().contains("\\\"suporte\\\" is left out, yet stays"), "{told}");
    let list = house.export(DIRECTORY, "application/json").await.json();
    assert_eq!(
        (list["agents"].as_array().map(Vec::len), &list["teams"]),
        (Some(1), &json!([{"id": "suporte", "name": "suporte"}]))
    );
    let policy = json!({"jsonrpc": "2.0", "id": 1, "method": "policy.get"});
    assert_eq!(house.server.rpc(&house.token, &policy).await.json()["result"]["version"], 1);
}

#[tokio::test]
async fn promise_a2_a_directory_is_for_administrators_and_integrations_of_the_tenant() {
    let house = House::open().await;
    for role in Role::ALL {
        let may = matches!(role, Role::Admin | Role::Integration);
        let token = house.server.token(role, "ana", Some(&["suporte"]));
        for (method, path) in [("GET", DIRECTORY), ("POST", PREVIEW)] {
            let answer = house.ask_as(&token, method, path, &[CSV], "id\nana").await;
            assert_eq!(answer.status == 403, !may, "{role} {method} {path}: {answer:?}");
        }
    }
    let stranger = house.server.token_for("outra", Role::Admin, "x", None, Duration::from_secs(60));
    assert_eq!(house.ask_as(&stranger, "POST", PRUNED, &[CSV], "id,name\nzoe,Zoe").await.status, 200);
    assert_eq!(house.export(DIRECTORY, "text/csv").await.body, EVERYBODY, "nobody of another tenant was touched");
}

#[tokio::test]
async fn promise_a2_the_tenants_own_settings_are_not_changed_by_an_integrations_file() {
    let house = House::open().await;
    let program = house.server.token(Role::Integration, "folha", None);
    let written = house.export(DIRECTORY, "application/toml").await.body;
    for path in [PREVIEW, IMPORT] {
        assert_eq!(house.ask_as(&program, "POST", path, &[TOML], &written).await.status, 200, "as it is: anybody's");
        let off = "[tenant]\nid = \"acme\"\npauses_enabled = false\n[[agent]]\nid = \"nova\"\nname = \"Nova\"\nteams = [\"suporte\"]\n";
        let answer = house.ask_as(&program, "POST", path, &[TOML], off).await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{path}: {answer:?}");
    }
    assert_eq!(house.export(DIRECTORY, "application/toml").await.body, written, "nothing was imported");
    let answer = house.import(IMPORT, &[TOML], "[tenant]\nid = \"acme\"\npauses_enabled = false\n").await;
    assert_eq!((answer.status, counts(&answer.json())), (200, [0, 1, 0, 0]), "an administrator's is taken");
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_before_it_is_read() {
    let house = House::open().await;
    let json = ("content-type", "application/json");
    for form in [&[][..], &[json]] {
        let answer = house.import(IMPORT, form, "id\nana").await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
    }
    assert_eq!(house.export(DIRECTORY, "image/png").await.problem(), (406, "not_acceptable".to_owned()));
    for path in ["/v1/directory?x=1", "/v1/directory?separator=tab", "/v1/directory?bom=1"] {
        assert_eq!(house.export(path, "text/csv").await.problem().0, 400, "{path}");
    }
    for query in ["x=1", "dry_run=1", "prune=yes"] {
        assert_eq!(house.import(&format!("{IMPORT}?{query}"), &[CSV], "id\nana").await.problem().0, 400, "{query}");
    }
    let size = (16 << 20) + 1;
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: text/csv\r\n\
         content-length: {size}\r\n\r\nid\n",
        house.token
    );
    assert_eq!(house.server.raw(head.as_bytes()).await.problem(), (413, "too_large".to_owned()));
    // Far more than any other body may have is taken here.
    let many: String = (0..20_000).map(|n| format!("nova-{n},Nova {n}\n")).collect();
    let told = house.imported(PREVIEW, CSV, &format!("id,name\n{many}")).await;
    assert_eq!((counts(&told)[0], &told["more"]), (20_000, &json!(19_000)));
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(1000));
}

const BY_STEPS: (&str, &str) = ("accept", "application/x-ndjson");

/// The lines of an import that is told step by step.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/x-ndjson"), "{answer:?}");
    assert!(answer.body.ends_with('\n'), "{answer:?}");
    answer.body.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[tokio::test]
async fn an_import_is_told_step_by_step_where_that_is_asked_for() {
    let house = House::open().await;
    let file = "id,name\ndora,Dora\neva,Eva\nana,Ana Souza";
    let compared = json!({"step": "compared", "added": 2, "changed": 1, "removed": 0});
    let steps = [json!({"step": "received", "bytes": file.len()}), json!({"step": "read", "records": 3}), compared];

    let plain = house.imported(PREVIEW, CSV, file).await;
    let told = lines(&house.import(PREVIEW, &[CSV, BY_STEPS], file).await);
    assert_eq!(told[..3], steps);
    assert_eq!(told[3..], [json!({"step": "done", "result": plain})], "a preview ends as one without steps");
    assert_eq!(house.version().await, "\"1\"", "and writes nothing");

    let told = lines(&house.import(IMPORT, &[CSV, BY_STEPS, ("idempotency-key", KEY)], file).await);
    assert_eq!(told[..3], steps);
    assert_eq!(told[3], json!({"step": "written", "version": 2}));
    assert_eq!((&told[4]["step"], counts(&told[4]["result"])), (&json!("done"), [2, 1, 0, 0]));
    assert_eq!((told.len(), house.version().await), (5, "\"2\"".to_owned()));
    let again = lines(&house.import(IMPORT, &[CSV, BY_STEPS, ("idempotency-key", KEY)], file).await);
    assert_eq!(
        (again.len(), &again[1]["result"]["more"]),
        (2, &json!(3)),
        "the first outcome, and no steps of it: {again:?}"
    );
}

#[tokio::test]
async fn what_goes_wrong_after_the_first_step_is_the_last_line() {
    let house = House::open().await;
    let wrong = "id,name\ndora\ndora,Dora";
    let plain = house.import(IMPORT, &[CSV], wrong).await.json();
    let told = lines(&house.import(IMPORT, &[CSV, BY_STEPS], wrong).await);
    assert_eq!(told.last(), Some(&json!({"step": "failed", "problem": plain})), "{told:?}");
    let stale = lines(&house.import(IMPORT, &[CSV, BY_STEPS, ("if-match", "\"7\"")], "id\nana").await);
    assert_eq!((stale.len(), &stale[1]["problem"]["status"]), (2, &json!(412)), "{stale:?}");
    // What is known before has its status.
    for (headers, status) in [(vec![BY_STEPS], 415), (vec![CSV, BY_STEPS, ("idempotency-key", "x")], 400)] {
        assert_eq!(house.import(IMPORT, &headers, "id\nana").await.problem().0, status);
    }
    let agent = house.server.token(Role::Agent, "ana", None);
    assert_eq!(house.ask_as(&agent, "POST", IMPORT, &[CSV, BY_STEPS], "id\nana").await.problem().0, 403);
    assert_eq!(house.imported(IMPORT, CSV, "id,name\ndora,Dora").await["added"], 1, "the place was given back");
}

#[tokio::test]
async fn a_file_that_never_comes_holds_up_its_own_tenant_and_gives_the_place_back() {
    let house = House::open().await;
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: text/csv\r\n\
         content-length: 1000\r\nexpect: 100-continue\r\n\r\n",
        house.token
    );
    let mut held = tokio::net::TcpStream::connect(house.server.address).await.expect("connected");
    held.write_all(head.as_bytes()).await.expect("sent");
    // It is read from: the place is taken.
    let mut answer = [0; 12];
    held.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 100");
    assert_eq!(house.import(PREVIEW, &[CSV], "id\nana").await.problem(), (503, "unavailable".to_owned()));
    let other = house.server.token_for("outra", Role::Admin, "x", None, Duration::from_secs(60));
    assert_eq!(house.ask_as(&other, "POST", PREVIEW, &[CSV], "id\nana").await.status, 200);
    drop(held);
    while house.import(PREVIEW, &[CSV], "id\nana").await.status == 503 {}
}

#[tokio::test]
async fn an_import_is_held_to_the_quota_of_people() {
    let quotas = Quotas { agents_max: Some(5), ..Quotas::default() };
    let house = House::with(Settings { quotas, ..Settings::default() }).await;
    for path in [PREVIEW, IMPORT] {
        let answer = house.import(path, &[CSV], "id,name\ndora,Dora\neva,Eva").await;
        assert_eq!(answer.problem(), (409, "quota_exceeded".to_owned()), "{path}");
    }
    assert_eq!(house.imported(PRUNED, CSV, "id,name\ndora,Dora\neva,Eva").await["added"], 2, "four leave for them");
}
