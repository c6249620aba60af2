//! Another tenant's ids are answered exactly as ids that exist nowhere, to every role, by every method and at every path; and nothing
//! of the other tenant is told or touched (promises A1, A2). A method or path without a row here does not compile or fails.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::domain::schedule::local_day;
use intervalo::domain::time::hours;
use intervalo::protocol::methods::Method;
use intervalo::protocol::time::to_text;
use intervalo::store::DATABASE_FILE;
use intervalo::transport::{PingTimes, Rate, Settings, paths};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::server::{Client, NEIGHBOUR, TestServer};

/// What the people of the one tenant wrote; nobody of the other may be shown it.
const NOTE: &str = "segredo-da-acme-nota";
const REASON: &str = "segredo-da-acme-motivo";

/// Everything of a tenant that a request can name.
struct Ids {
    agent: String,
    other_agent: String,
    team: String,
    channel: String,
    pause: String,
    request: String,
    offer: String,
    alert: String,
    day: String,
    pause_type: String,
    subscription: String,
    cursor: String,
    op: String,
    version: u64,
    key: String,
    account: String,
    session: String,
    login: String,
    tenant: String,
}

impl Ids {
    /// Ids of the same form that exist in no tenant.
    fn nowhere(day: String) -> Ids {
        let request = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
        Ids {
            agent: "ninguem".to_owned(),
            other_agent: "nenhum-outro".to_owned(),
            team: "lugar-nenhum".to_owned(),
            channel: "canal-nenhum".to_owned(),
            pause: "01890a5d-ac96-774b-bcce-b302099a8058".to_owned(),
            alert: format!("request:{request}"),
            request,
            offer: "01890a5d-ac96-774b-bcce-b302099a8059".to_owned(),
            day,
            pause_type: "coisa-nenhuma".to_owned(),
            subscription: "nowhere".to_owned(),
            cursor: "nowhere".to_owned(),
            op: "01890a5d-ac96-474b-bcce-b302099a8060".to_owned(),
            version: 77,
            key: "01890a5d-ac96-774b-bcce-b302099a8061".to_owned(),
            account: "01890a5d-ac96-774b-bcce-b302099a8062".to_owned(),
            session: "01890a5d-ac96-774b-bcce-b302099a8063".to_owned(),
            login: "ninguem@lugar-nenhum".to_owned(),
            tenant: "empresa-nenhuma".to_owned(),
        }
    }

    /// An answer with each of the ids replaced by what it is of, the longer ones first.
    fn masked(&self, answer: &str) -> String {
        let ids = [
            ("<key>", &self.key),
            ("<account>", &self.account),
            ("<session>", &self.session),
            ("<login>", &self.login),
            ("<alert>", &self.alert),
            ("<request>", &self.request),
            ("<pause>", &self.pause),
            ("<offer>", &self.offer),
            ("<op>", &self.op),
            ("<cursor>", &self.cursor),
            ("<subscription>", &self.subscription),
            ("<type>", &self.pause_type),
            ("<other agent>", &self.other_agent),
            ("<team>", &self.team),
            ("<channel>", &self.channel),
        ];
        let masked = ids.iter().fold(answer.to_owned(), |text, (word, id)| text.replace(id.as_str(), word));
        // Short enough to be part of another word.
        let quoted = |text: String, before: &str, after: &str| {
            text.replace(&format!("{before}{}{after}", self.agent), &format!("{before}<agent>{after}"))
        };
        let masked = quoted(masked, "\"", "\"");
        let masked = quoted(masked, "\\\"", "\\\"");
        let masked = quoted(masked, "agents.", "");
        masked.replace(&format!(", not {};", self.version), ", not <version>;")
    }

    /// What may be in no answer to a request that did not name it.
    fn secrets(&self) -> [&str; 12] {
        let credentials = [&self.key, &self.account, &self.session, &self.login];
        let [key, account, session, login] = credentials.map(String::as_str);
        let (pause, request, offer) = (&self.pause, &self.request, &self.offer);
        let (kind, channel) = (&self.pause_type, &self.channel);
        [NOTE, REASON, pause, request, offer, kind, channel, &self.cursor, key, account, session, login]
    }
}

/// The parameters that a method is called with, one call after the other.
fn calls(method: Method, ids: &Ids) -> Vec<Value> {
    let stale = json!({"expected_version": 999_999});
    let on = |more: Value| {
        let mut params = json!({"agent": ids.agent, "reason": "motivo", "op": ids.op});
        for (name, value) in more.as_object().expect("an object") {
            params[name] = value.clone();
        }
        let mut on_behalf = params.clone();
        on_behalf["on_behalf"] = json!(true);
        vec![params, on_behalf]
    };
    match method {
        Method::RpcDiscover => vec![json!({})],
        Method::SessionOpen | Method::SessionPing | Method::AgentGet | Method::PauseOptions => vec![json!({})],
        Method::RequestList => vec![json!({})],
        Method::SessionRefresh => vec![json!({"token": "nenhum"})],
        Method::SessionSignOut => vec![json!({"scope": "this"})],
        Method::StatusSet => vec![json!({"status": "unavailable", "expected_version": 999_999})],
        Method::PauseStart => vec![
            json!({"type": ids.pause_type, "op": ids.op}),
            json!({"type": "rodizio", "replaces": ids.pause, "expected_version": 999_999}),
        ],
        Method::PauseAccept => vec![json!({"offer": ids.offer, "op": ids.op})],
        Method::PauseEnd => vec![stale],
        Method::PauseCancel => vec![json!({"what": "queue"})],
        Method::PauseAnnotate => vec![json!({"pause": ids.pause, "text": "lido", "op": ids.op})],
        Method::RequestCreate => vec![json!({"type": ids.pause_type, "reason": "motivo", "op": ids.op})],
        Method::RequestCancel => vec![json!({"request": ids.request, "op": ids.op})],
        Method::RequestDecide => ["grant", "refuse"]
            .map(|word| json!({"request": ids.request, "decision": word, "reason": "motivo", "op": ids.op}))
            .to_vec(),
        Method::AlertAck => vec![json!({"alert": ids.alert, "op": ids.op})],
        Method::AgentSetStatus => on(json!({"status": "unavailable"})),
        Method::AgentStartPause => on(json!({"type": "almoco"})),
        Method::AgentEndPause | Method::AgentSignOut => on(json!({})),
        Method::PauseExtend => on(json!({"by_ms": 60_000})),
        Method::PauseCorrect => [false, true]
            .map(|on_behalf| {
                json!({"pause": ids.pause, "ended_at": "2026-11-22T20:57:49.123Z", "reason": "motivo",
                       "on_behalf": on_behalf, "op": ids.op})
            })
            .to_vec(),
        Method::OccupancySet => vec![json!({"agent": ids.agent, "source": "s", "seq": 1, "channels": {"chat": 1}})],
        Method::PolicyGet => vec![json!({}), json!({"version": ids.version})],
        Method::PolicyVersions => vec![json!({}), json!({"cursor": ids.version.to_string()})],
        Method::PolicyPutDraft => vec![json!({"types": [], "base_version": ids.version})],
        Method::PolicyDryRun => vec![json!({})],
        Method::PolicyPublish => vec![json!({"at": "now", "reason": "motivo"})],
        Method::BoardSubscribe => vec![
            json!({"teams": [ids.team]}),
            json!({"teams": ["norte", ids.team]}),
            json!({"teams": "all", "cursor": ids.cursor}),
        ],
        Method::BoardUnsubscribe => vec![json!({"subscription": ids.subscription})],
        Method::RpcOn | Method::RpcOff => vec![json!({"names": ["agent.changed"]})],
    }
}

/// The addresses and bodies that a path is asked with.
fn requests(method: &str, path: &str, ids: &Ids) -> Vec<(String, String)> {
    let here = path.replace("{id}", &ids.agent).replace("{day}", &ids.day);
    let plain = |addresses: &[String]| addresses.iter().map(|address| (address.clone(), String::new())).collect();
    let (start, end) = (format!("{}T12:00:00Z", ids.day), format!("{}T18:00:00Z", ids.day));
    let of = |id: &String| path.replace("{id}", id);
    match (method, path) {
        ("GET", "/healthz" | "/readyz" | "/metrics" | "/v1/ws" | "/v1/agents/{id}") => plain(&[here]),
        ("GET", "/v1/me" | "/v1/keys" | "/v1/accounts" | "/invitation" | "/invitation.css" | "/invitation.js") => {
            plain(&[here])
        }
        ("GET", "/v1/openapi.json" | "/v1/openrpc.json" | "/docs") => plain(&[here]),
        ("POST", "/v1/tickets" | "/v1/logout") => plain(&[here]),
        ("POST", "/v1/login") => {
            let wrong = "this is not the password";
            vec![(here, json!({"tenant": ids.tenant, "login": ids.login, "password": wrong}).to_string())]
        }
        ("POST", "/v1/keys") => {
            vec![(here, json!({"name": "k", "roles": ["supervisor"], "teams": [ids.team]}).to_string())]
        }
        ("POST", "/v1/invitations") => {
            let one = json!({"login": "novo", "roles": ["supervisor"], "teams": [ids.team]});
            vec![(here, json!({"invitations": [one]}).to_string())]
        }
        ("POST", "/v1/invitations/accept") => {
            vec![(here, json!({"invitation": "nenhum", "password": "nenhuma senha daqui"}).to_string())]
        }
        ("GET" | "DELETE", "/v1/keys/{id}") => plain(&[of(&ids.key)]),
        ("GET" | "DELETE", "/v1/accounts/{id}") => plain(&[of(&ids.account)]),
        ("DELETE", "/v1/sessions/{id}") => plain(&[of(&ids.session)]),
        ("GET", "/v1/sessions") => plain(&[here.clone(), format!("{here}?subject={}", ids.agent)]),
        ("DELETE", "/v1/sessions") => plain(&[format!("{here}?subject={}", ids.agent)]),
        ("GET", "/v1/agents/{id}/state" | "/v1/agents/{id}/shifts") => plain(&[here]),
        ("DELETE", "/v1/agents/{id}" | "/v1/agents/{id}/shifts/{day}") => plain(&[here]),
        ("POST", "/v1/rpc") => {
            let body = |method: &Method| {
                let name = method.name();
                let call =
                    move |params| json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}).to_string();
                calls(*method, ids).into_iter().map(call)
            };
            Method::ALL.iter().flat_map(body).map(|body| (here.clone(), body)).collect()
        }
        ("GET", "/v1/agents") => plain(&[
            here.clone(),
            format!("{here}?left=true"),
            format!("{here}?team={}", ids.team),
            format!("{here}?cursor=zz-{}", ids.agent),
        ]),
        ("GET", "/v1/directory") => plain(&[here]),
        ("POST", "/v1/directory/import") => vec![
            (format!("{here}?dry_run=true"), format!("id,name,teams\n{},Nova,norte", ids.agent)),
            (format!("{here}?dry_run=true&prune=true"), format!("id,teams\n{},norte", ids.agent)),
            (here, "id,name,teams\nxisto,xisto,sul".to_owned()),
        ],
        ("PUT", "/v1/agents/{id}") => vec![
            (here.clone(), json!({"name": "Nova", "teams": [ids.team]}).to_string()),
            (here, json!({"name": "Nova", "teams": ["norte"]}).to_string()),
        ],
        ("PUT", "/v1/agents/{id}/occupancy") => {
            vec![(here, json!({"source": "s", "seq": 1, "channels": {"chat": 1}}).to_string())]
        }
        ("PUT", "/v1/occupancy") => {
            let set = json!({"source": "s", "seq": 1, "agents": {ids.agent.as_str(): {"channels": {"chat": 1}}}});
            vec![(here, set.to_string())]
        }
        ("GET", "/v1/routable") => plain(&[
            format!("{here}?team={}", ids.team),
            format!("{here}?agent={}", ids.agent),
            format!("{here}?team=norte&channel=chat&agent={}", ids.agent),
            format!("{here}?team=norte&channel=chat"),
        ]),
        ("PUT", "/v1/agents/{id}/shifts/{day}") => vec![(here, json!({"start": start, "end": end}).to_string())],
        ("PUT", "/v1/shifts") => {
            let shift = json!({"agent": ids.agent, "day": ids.day, "start": start, "end": end});
            let own = json!({"agent": "xisto", "day": ids.day, "start": start, "end": end});
            vec![(here, json!({"shifts": [shift, own]}).to_string())]
        }
        ("GET", "/v1/teams" | "/v1/channels" | "/v1/tenants") => {
            plain(&[here.clone(), format!("{here}?cursor=a"), format!("{here}?limit=1")])
        }
        ("GET" | "DELETE", "/v1/teams/{id}") => plain(&[of(&ids.team)]),
        ("PUT", "/v1/teams/{id}") => vec![(of(&ids.team), json!({"name": "Nova"}).to_string())],
        ("GET" | "DELETE", "/v1/channels/{code}") => plain(&[path.replace("{code}", &ids.channel)]),
        ("PUT", "/v1/channels/{code}") => {
            vec![(path.replace("{code}", &ids.channel), json!({"name": "Nova"}).to_string())]
        }
        ("GET" | "DELETE", "/v1/tenants/{id}") => plain(&[of(&ids.tenant)]),
        ("PUT", "/v1/tenants/{id}") => vec![(of(&ids.tenant), json!({"name": "Nova", "zone": "UTC"}).to_string())],
        ("GET", "/v1/pause-types") => plain(&[here.clone(), format!("{here}?archived=true")]),
        ("GET" | "DELETE", "/v1/pause-types/{code}") => plain(&[path.replace("{code}", &ids.pause_type)]),
        ("PUT", "/v1/pause-types/{code}") => {
            // None that could be: whatever is put is a version of its own, so that the next answer is another.
            let unfit =
                json!({"name": {"pt-BR": "Nova"}, "limit_s": 0, "teams": [ids.team], "cap": {ids.team.as_str(): 1}});
            vec![(path.replace("{code}", &ids.pause_type), unfit.to_string())]
        }
        ("GET", "/v1/policy") => {
            plain(&[here.clone(), format!("{here}?draft=true"), format!("{here}?version={}", ids.version)])
        }
        ("GET", "/v1/policy/versions") => plain(&[here.clone(), format!("{here}?cursor={}", ids.version)]),
        ("PUT", "/v1/policy/draft") => {
            vec![(here, json!({"types": [], "base_version": ids.version}).to_string())]
        }
        ("POST", "/v1/policy/draft/dry-run") => plain(&[here]),
        ("POST", "/v1/policy/draft/publish") => vec![(here, json!({"at": "now", "reason": "motivo"}).to_string())],
        ("GET", "/v1/requests") => plain(&[
            here.clone(),
            format!("{here}?state=open&agent={}", ids.agent),
            format!("{here}?team={}", ids.team),
            format!("{here}?cursor=1.{}", ids.request),
        ]),
        ("GET", "/v1/entitlements") => {
            plain(&[here.clone(), format!("{here}?agent={}", ids.agent), format!("{here}?team={}", ids.team)])
        }
        ("GET", "/v1/pauses") => plain(&[
            here.clone(),
            format!("{here}?agent={}", ids.agent),
            format!("{here}?team={}", ids.team),
            format!("{here}?type={}", ids.pause_type),
        ]),
        ("GET", "/v1/audit") => {
            plain(&[here.clone(), format!("{here}?agent={}", ids.agent), format!("{here}?actor={}", ids.agent)])
        }
        // A number that the journal does not have ends the answer at once; a stream of nothing would not end.
        ("GET", "/v1/events") => plain(&[
            format!("{here}?after=9999999&agent={}", ids.agent),
            format!("{here}?after=9999999&team={}", ids.team),
        ]),
        (method, path) => panic!("{method} {path} has no row here"),
    }
}

/// The other tenant: people at work, on a pause, with a request, an offer, an alert and a shift of their own.
struct House {
    server: TestServer,
    ids: Ids,
    /// Their sockets, so that nothing changes by itself.
    _held: Vec<Client>,
}

async fn house() -> House {
    let day_long = Duration::from_secs(24 * 3600);
    let settings = Settings {
        rate: Rate { per_second: 1000, burst: 10_000 },
        // Nobody here reads between calls, so that no ping is answered.
        ping: PingTimes { every: day_long, answered_within: day_long },
        ..Settings::default()
    };
    let server = TestServer::with_neighbour(settings).await;
    let mut admin = server.open(&server.token(Role::Admin, "chefe", None)).await;
    let policy = admin.ok("policy.get", json!({})).await;
    let mut types = policy["types"].as_array().expect("a list").clone();
    types.push(json!({"code": "segredo-da-acme", "name": {"pt-BR": "Segredo"}, "limit_s": 600}));
    admin.ok("policy.put_draft", json!({"types": types, "base_version": policy["version"]})).await;
    let version = admin.ok("policy.publish", json!({"at": "now", "reason": REASON})).await;
    let version = version["version"].as_u64().unwrap_or(2);

    let (mut ana, mut bruno, mut carla) =
        (server.agent("ana").await, server.agent("bruno").await, server.agent("carla").await);
    ana.ok("pause.start", json!({"type": "rodizio"})).await;
    bruno.ok("pause.start", json!({"type": "rodizio"})).await;
    ana.ok("pause.end", json!({})).await;
    let offer = bruno.notification("pause.offered").await;
    // Given up, so that it does not lapse while it is asked for.
    bruno.ok("pause.cancel", json!({"what": "queue"})).await;
    let op = "01890a5d-ac96-474b-bcce-b302099a8070";
    let started = ana.ok("pause.start", json!({"type": "almoco", "note": NOTE, "op": op})).await;
    let request = carla.ok("request.create", json!({"type": "medico", "reason": REASON})).await;
    let request = text(&request["request"]["id"]);
    let mut sofia = server.supervisor(&["suporte", "vendas"]).await;
    let subscription = sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    let frame = sofia.notification("board.changed").await;

    let wall = server.clock.wall() + hours(24);
    let day = local_day(wall, chrono_tz::America::Sao_Paulo).to_string();
    let host = format!("Bearer {}", server.token(Role::Integration, "host", None));
    let shift = json!({"start": to_text(wall), "end": to_text(wall + hours(4))}).to_string();
    let channel = json!({"name": "Canal", "capacity": 2}).to_string();
    let put = server.http("PUT", "/v1/channels/segredo-do-canal", &[("authorization", &host)], &channel).await;
    assert_eq!(put.status, 201, "{put:?}");
    let planned =
        server.http("PUT", &format!("/v1/agents/ana/shifts/{day}"), &[("authorization", &host)], &shift).await;
    assert_eq!(planned.status, 200, "{planned:?}");
    let admin_token = server.token(Role::Admin, "chefe", None);
    let bearer = format!("Bearer {admin_token}");
    let post = async |path: &str, body: Value| {
        let made = server.http("POST", path, &[("authorization", &bearer)], &body.to_string()).await;
        assert!(made.status < 300, "{made:?}");
        made.json()
    };
    let key = post("/v1/keys", json!({"name": "roteador", "roles": ["integration"]})).await;
    let login = "sofia@acme.example";
    let one = json!({"login": login, "subject": "sofia", "roles": ["supervisor"], "teams": ["suporte"]});
    let invited = post("/v1/invitations", json!({"invitations": [one]})).await["invitations"][0].take();
    let password = "correct horse battery staple";
    post("/v1/invitations/accept", json!({"invitation": invited["invitation"], "password": password})).await;
    post("/v1/login", json!({"tenant": "acme", "login": login, "password": password})).await;
    let sessions = server.get(&admin_token, "/v1/sessions?limit=1000").await.json();
    let sessions = sessions["sessions"].as_array().expect("a list");
    let session = sessions.iter().find(|one| one["kind"] == "login").expect("a login");
    let ids = Ids {
        key: text(&key["id"]),
        account: text(&invited["account"]),
        session: text(&session["id"]),
        login: login.to_owned(),
        tenant: "acme".to_owned(),
        agent: "ana".to_owned(),
        other_agent: "bruno".to_owned(),
        team: "suporte".to_owned(),
        channel: "segredo-do-canal".to_owned(),
        pause: text(&started["agent"]["pause"]["id"]),
        alert: format!("request:{request}"),
        request,
        offer: text(&offer["offer"]),
        day,
        pause_type: "segredo-da-acme".to_owned(),
        subscription: text(&subscription),
        cursor: text(&frame["result"]["cursor"]),
        op: op.to_owned(),
        version,
    };
    House { server, ids, _held: vec![admin, ana, bruno, carla, sofia] }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl House {
    /// A credential of the neighbour. Its teams are written as it likes: the directory decides.
    fn stranger(&self, role: Role) -> String {
        let id = if role == Role::Agent { "zeca" } else { "estranho" };
        let teams: &[&str] = &["norte", "sul", "suporte", "vendas", "lugar-nenhum"];
        self.server.token_for(NEIGHBOUR, role, id, Some(teams), Duration::from_secs(3600))
    }

    /// All that is on record of the tenant, and all that its own people are shown.
    async fn facts(&self) -> Value {
        let path = self.server.folder().join(DATABASE_FILE);
        let mut database =
            SqliteConnectOptions::new().filename(path).read_only(true).connect().await.expect("a database");
        // Looking at it here is on record itself, a minute later.
        let query = "SELECT count(*), max(seq) FROM journal WHERE tenant = 'acme' AND kind <> 'history.read'";
        let row = sqlx::query(query).fetch_one(&mut database).await.expect("a row");
        let (count, last): (i64, i64) = (row.get(0), row.get(1));
        let token = self.server.token(Role::Admin, "chefe", None);
        let mut shown = Vec::new();
        for path in [
            "/v1/agents?left=true",
            "/v1/pauses",
            "/v1/agents/ana/shifts",
            "/v1/agents/ana/state",
            "/v1/agents/bruno/state",
            "/v1/agents/carla/state",
            "/v1/keys",
            "/v1/accounts",
            "/v1/sessions",
            "/v1/teams",
            "/v1/channels",
            "/v1/pause-types?archived=true",
            "/v1/tenants/acme",
        ] {
            shown.push(self.server.get(&token, path).await.body);
        }
        for method in [Method::RequestList, Method::PolicyGet, Method::PolicyVersions] {
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": method.name()});
            shown.push(self.server.rpc(&token, &call).await.body);
        }
        json!({"count": count, "last": last, "shown": shown})
    }
}

/// What of the other tenant is in an answer to a request that did not name it.
fn leak(ids: &Ids, asked: &str, answer: &str) -> Option<String> {
    // Whoever names a person is told of that person of theirs.
    let rows =
        ["\"agent\":\"ana\"", "\"id\":\"ana\"", "\"agent\":\"bruno\"", "\"id\":\"carla\"", "\"teams\":[\"suporte\""];
    let words = ids.secrets().into_iter().chain(rows.into_iter().filter(|_| !asked.contains(&ids.agent)));
    let told = words.filter(|word| !asked.contains(word)).find(|word| answer.contains(word));
    told.map(|word| format!("{asked} was told {word}: {answer}"))
}

/// How the answers to both kinds of ids differ.
fn difference(ids: (&Ids, &Ids), asked: &str, answers: (&str, &str)) -> Option<String> {
    let (foreign, unknown) = (ids.0.masked(answers.0), ids.1.masked(answers.1));
    (foreign != unknown).then(|| format!("{asked}\n is answered with {foreign}\n and not with {unknown}"))
}

#[tokio::test]
async fn another_tenants_ids_are_like_none_to_every_method_and_role() {
    let house = house().await;
    let nowhere = Ids::nowhere(house.ids.day.clone());
    let before = house.facts().await;
    // Connected and on a pause, so that what is asked of its agent gets further than that.
    let mut at_work = house.server.open(&house.stranger(Role::Agent)).await;
    at_work.ok("pause.start", json!({"type": "almoco"})).await;
    let (mut compared, mut asked_once) = (0, 0);
    for role in Role::ALL {
        let token = house.stranger(role);
        for method in Method::ALL {
            for (foreign, unknown) in calls(*method, &house.ids).into_iter().zip(calls(*method, &nowhere)) {
                let what = format!("{} {foreign} as {}", method.name(), role.as_str());
                let has_ids = foreign != unknown;
                let answer = called(&house.server, &token, *method, foreign).await;
                assert_eq!(leak(&house.ids, &what, &answer), None);
                if !has_ids {
                    asked_once += 1;
                    continue;
                }
                let unknown = called(&house.server, &token, *method, unknown).await;
                assert_eq!(difference((&house.ids, &nowhere), &what, (&answer, &unknown)), None);
                compared += 1;
            }
        }
    }
    assert!(compared > 6 * 25 && asked_once > 6 * 12, "{compared} compared, {asked_once} asked once");
    assert_eq!(house.facts().await, before, "the other tenant was touched");
}

/// Calls on a socket of its own. Gives the answer; of a board the first frame as well.
async fn called(server: &TestServer, token: &str, method: Method, params: Value) -> String {
    let mut client = server.connect(&[("authorization", &format!("Bearer {token}"))]).await.expect("a socket");
    let mut answer = client.call(method.name(), params).await;
    let mut shown = json!([answer["error"].take(), answer["result"].take()]);
    if method == Method::BoardSubscribe && shown[1].is_string() {
        let mut frame = client.notification("board.changed").await["result"].take();
        // Where a board stands moves with every frame of its view.
        for moves in ["to", "cursor"] {
            frame[moves].take();
        }
        // A reader who is there or not makes no difference to whom the rows are of.
        let agents: Vec<Value> =
            frame["agents"].as_array().into_iter().flatten().map(|row| row["agent"].clone()).collect();
        shown[1] = json!([shown[1], frame["kind"], agents]);
    }
    shown.to_string()
}

#[tokio::test]
async fn another_tenants_ids_are_like_none_at_every_path_and_to_every_role() {
    let house = house().await;
    let nowhere = Ids::nowhere(house.ids.day.clone());
    let before = house.facts().await;
    let mut at_work = house.server.open(&house.stranger(Role::Agent)).await;
    at_work.ok("pause.start", json!({"type": "almoco"})).await;
    let all: Vec<(&str, &str)> =
        paths().into_iter().flat_map(|(path, methods)| methods.split(", ").map(move |method| (method, path))).collect();
    assert!(all.len() >= 18, "the paths were not listed: {all:?}");
    // Whoever puts something makes one of that id in their own tenant: from there on it exists there.
    let makes = ["/v1/agents/{id}", "/v1/channels/{code}", "/v1/teams/{id}"];
    let (makers, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(method, path)| *method == "PUT" && makes.contains(path));
    // What is asked for by name stands in one's own journal from there on: it is read before.
    let (journal, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, path)| *path == "/v1/audit");
    let mut compared = 0;
    for (method, path) in journal.into_iter().chain(others).chain(makers) {
        for role in Role::ALL {
            if role == Role::Operator && (method, path) == ("DELETE", "/v1/tenants/{id}") {
                // It is theirs to close: `closing.rs` does.
                continue;
            }
            let asked = Asked { method, path, ids: (&house.ids, &nowhere), token: house.stranger(role) };
            for answered in asked.of(&house.server).await {
                // Which tenants there are is an operator's to see, and one that is not there is made.
                let sees_ids = role == Role::Operator && (method, path) == ("PUT", "/v1/tenants/{id}");
                let difference = answered.difference.filter(|_| !sees_ids);
                assert_eq!((answered.leak, difference), (None, None), "{} {}", role.as_str(), answered.what);
                compared += usize::from(answered.was_compared);
            }
        }
    }
    assert!(compared > 6 * 40, "{compared} compared");
    assert_eq!(house.facts().await, before, "the other tenant was touched");
}

#[tokio::test]
async fn to_whom_they_belong_ids_are_not_like_none_and_that_is_found() {
    let house = house().await;
    let nowhere = Ids::nowhere(house.ids.day.clone());
    let (mut leaks, mut differences) = (0, 0);
    for (path, _) in paths().into_iter().filter(|(_, methods)| methods.starts_with("GET")) {
        let token = house.server.token(Role::Admin, "chefe", None);
        let asked = Asked { method: "GET", path, ids: (&house.ids, &nowhere), token };
        for answered in asked.of(&house.server).await {
            leaks += usize::from(answered.leak.is_some());
            differences += usize::from(answered.difference.is_some());
        }
    }
    // The lists tell; a person, their state, their shifts, the team's list and its routers' questions differ.
    assert!(leaks >= 2 && differences >= 5, "{leaks} leaks and {differences} differences were found");
}

/// A path that is asked with both kinds of ids.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    ids: (&'a Ids, &'a Ids),
    token: String,
}

/// What came of it.
struct Answered {
    what: String,
    leak: Option<String>,
    difference: Option<String>,
    was_compared: bool,
}

impl Asked<'_> {
    async fn of(&self, server: &TestServer) -> Vec<Answered> {
        let bearer = format!("Bearer {}", self.token);
        let ask = async |address: &str, body: &str| {
            let form = if address.starts_with("/v1/directory/import") { "text/csv" } else { "application/json" };
            let headers = [("authorization", bearer.as_str()), ("content-type", form)];
            let answer = server.http(self.method, address, &headers, body).await;
            format!("{} {}", answer.status, answer.body)
        };
        let mut all = Vec::new();
        let foreign = requests(self.method, self.path, self.ids.0);
        for (foreign, unknown) in foreign.into_iter().zip(requests(self.method, self.path, self.ids.1)) {
            let what = format!("{} {} {}", self.method, foreign.0, foreign.1);
            let answer = ask(&foreign.0, &foreign.1).await;
            let leak = leak(self.ids.0, &what, &answer);
            let was_compared = foreign != unknown;
            let difference = if was_compared {
                difference(self.ids, &what, (&answer, &ask(&unknown.0, &unknown.1).await))
            } else {
                None
            };
            all.push(Answered { what, leak, difference, was_compared });
        }
        all
    }
}
