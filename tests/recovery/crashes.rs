//! Crashes of one server under agents who never stop, supervisors, and two boards that look on. Gathers
//! the evidence; what it must show is asserted by the tests in `recovery.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use intervalo_loadtest::check::{Expected, disagreements};
use intervalo_loadtest::{BoardWatcher, Random, Row, Teams, WatchError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::binary::{DataFolder, Ran, Server, text_of};
use crate::checks;
use crate::company::{NEIGHBOUR, PROTECTED, TEAMS, TENANT, agent, agent_of, company, company_of};
use crate::journal::{self, Entry};
use crate::worker::{Account, Worker};

/// How many agents work, all under the eyes of boards.
const WATCHED: usize = 12;
/// How many more work for the other tenant.
const UNWATCHED: usize = 4;
/// How many more do nothing themselves: a supervisor acts on each.
const SUPERVISED: usize = 2;
/// How many work, or are worked on.
pub(crate) const AGENTS: usize = WATCHED + UNWATCHED + SUPERVISED;
/// How often the server is killed at work, unless `RECOVERY_CYCLES` says otherwise.
const CYCLES: usize = 20;
/// Every so many cycles it is also killed before it is ready.
const KILLED_AT_START_EVERY: usize = 5;
/// The fewest and the most acknowledgements between two crashes.
const ACKNOWLEDGED: (u64, u64) = (30, 150);
/// Every so many cycles the journal is verified beside the server at work.
const VERIFIED_AT_WORK_EVERY: usize = 4;
/// How long a board may take to be right after it came back (promise V1).
const CONVERGED_WITHIN: Duration = Duration::from_secs(5);
/// How long a task may take to notice that its connection is gone.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);

/// How often the server is killed at work.
pub(crate) fn cycles() -> usize {
    std::env::var("RECOVERY_CYCLES").ok().map_or(CYCLES, |cycles| cycles.parse().expect("a number"))
}

/// What the crashes left behind.
pub(crate) struct Evidence {
    /// What the agents went through, all together.
    pub(crate) account: Account,
    /// The journal at the end.
    pub(crate) journal: Vec<Entry>,
    /// How often the server was killed.
    pub(crate) kills: usize,
    /// `intervalo verify` after each crash, at the end, and now and then beside the server at work.
    pub(crate) verified: Vec<Ran>,
    /// What was wrong with the journal after each crash.
    pub(crate) wrong_at_once: Vec<String>,
    /// How often a board was held against the truth.
    pub(crate) convergences: usize,
    /// What boards showed that was not so.
    pub(crate) astray: Vec<String>,
    /// What boards were sent against the contract.
    pub(crate) violations: Vec<String>,
    /// Agents who know something else of themselves than everybody is told.
    pub(crate) contradictions: Vec<String>,
}

struct Scene {
    folder: DataFolder,
    random: Random,
    workers: Vec<Worker>,
    /// One over everybody that always comes back by its cursor, one over a team that every other
    /// time begins anew.
    boards: Vec<Lookout>,
    admin: String,
    evidence: Evidence,
}

/// A board with the team that it shows; none: everybody.
struct Lookout {
    watcher: BoardWatcher,
    team: Option<&'static str>,
}

/// Kills a server as often as [`cycles`] says, at moments that the seed chooses.
pub(crate) async fn crashes(seed: u64) -> Evidence {
    let mut scene = Scene::set(seed).await;
    for cycle in 0..cycles() {
        if cycle % KILLED_AT_START_EVERY == KILLED_AT_START_EVERY - 1 {
            let starting = scene.folder.start();
            if scene.random.below(2) == 0 {
                starting.kill_when_listening().await
            } else {
                starting.kill().await
            }
            scene.evidence.kills += 1;
        }
        let server = scene.folder.serve().await;
        scene.come_back(&server, cycle).await;
        scene.work_until_killed(server, cycle).await;
        scene.look_at_once().await;
        if scene.has_gone_wrong() {
            // What follows from the first fault only hides it.
            return scene.end().await;
        }
    }
    let server = scene.folder.serve().await;
    scene.come_back(&server, cycles()).await;
    server.kill().await;
    scene.evidence.kills += 1;
    scene.end().await
}

impl Scene {
    async fn set(seed: u64) -> Scene {
        let folder = DataFolder::with(&company(WATCHED + SUPERVISED, "60s")).await;
        let neighbour = folder.file("neighbour.toml", &company_of(NEIGHBOUR, UNWATCHED, "60s"));
        let imported = folder.run(&["import", text_of(&neighbour)]).await;
        assert_eq!(imported.code, Some(0), "{imported:?}");
        let mut random = Random::of(seed);
        let mut workers = Vec::new();
        let watched = (0..WATCHED).map(|n| (TENANT, n));
        for (tenant, n) in watched.chain((0..UNWATCHED).map(|n| (NEIGHBOUR, n))) {
            let token = folder.token(tenant, "agent", &agent_of(tenant, n), &[]).await;
            workers.push(Worker::new(agent_of(tenant, n), token, random.draw()));
        }
        let boss = folder.token(TENANT, "supervisor", "sofia", &["--teams", &TEAMS.join(",")]).await;
        for n in WATCHED..WATCHED + SUPERVISED {
            let token = folder.token(TENANT, "agent", &agent(n), &[]).await;
            workers.push(Worker::supervised(agent(n), token, boss.clone(), random.draw()));
        }
        let admin = folder.token(TENANT, "admin", "rita", &[]).await;
        let evidence = Evidence {
            account: Account::default(),
            journal: Vec::new(),
            kills: 0,
            verified: Vec::new(),
            wrong_at_once: Vec::new(),
            convergences: 0,
            astray: Vec::new(),
            violations: Vec::new(),
            contradictions: Vec::new(),
        };
        Scene { folder, random, workers, boards: Vec::new(), admin, evidence }
    }

    /// Everybody comes back and sends again what is open; then it is still, and boards are held
    /// against the truth.
    async fn come_back(&mut self, server: &Server, cycle: usize) {
        let mut coming = JoinSet::new();
        for worker in self.workers.drain(..) {
            coming.spawn(worker.come_back(server.url()));
        }
        // Boards come back in the middle of it.
        self.bring_boards(server, cycle).await;
        let mut workers = coming.join_all().await;
        workers.sort_by(|a, b| a.id.cmp(&b.id));
        self.workers = workers;
        let truth = self.truth(server).await;
        for board in &mut self.boards {
            self.evidence.convergences += 1;
            if let Some(astray) = astray(board, &truth).await {
                self.evidence.astray.push(format!("cycle {cycle}: {astray}"));
            }
        }
        let protected = BTreeSet::from([PROTECTED.to_owned()]);
        let watched = self.workers.iter().filter(|worker| truth.contains_key(&worker.id));
        let own = watched.map(|worker| (worker.id.clone(), Expected::of_own_state(&worker.state, &protected)));
        self.evidence.contradictions.extend(disagreements(&truth, &own.collect()));
    }

    async fn bring_boards(&mut self, server: &Server, cycle: usize) {
        let (url, token) = (server.url(), self.admin.clone());
        if cycle.is_multiple_of(2) && self.boards.len() == 2 {
            self.drop_board();
        }
        for board in &mut self.boards {
            board.watcher.resume(&url, &token).await.expect("a board may come back");
        }
        for team in [None, Some(TEAMS[0])].into_iter().skip(self.boards.len()) {
            let teams = team.map_or(Teams::All, |team| Teams::Only(vec![team.to_owned()]));
            let mut watcher = BoardWatcher::open(&url, &token, teams).await.expect("an administrator may have a board");
            watcher.board_mut().hide_types([PROTECTED]);
            self.boards.push(Lookout { watcher, team });
        }
    }

    fn drop_board(&mut self) {
        if let Some(Lookout { watcher, .. }) = self.boards.pop() {
            self.evidence.violations.extend(watcher.board().violations().iter().map(ToString::to_string));
        }
    }

    /// Every agent as the server tells it to others.
    async fn truth(&self, server: &Server) -> BTreeMap<String, Row> {
        let mut truth = BTreeMap::new();
        for n in 0..WATCHED + SUPERVISED {
            let answer = server.get(&format!("/v1/agents/{}/state", agent(n)), &self.admin).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            truth.insert(agent(n), serde_json::from_str(&answer.body).expect("a state is a row"));
        }
        truth
    }

    /// Lets everybody work until enough was acknowledged, and kills the server in the midst of it.
    async fn work_until_killed(&mut self, server: Server, cycle: usize) {
        let (acknowledgements, mut acknowledged) = mpsc::channel(AGENTS);
        let (mut working, mut watching) = (JoinSet::new(), JoinSet::new());
        for worker in self.workers.drain(..) {
            working.spawn(worker.work(acknowledgements.clone()));
        }
        drop(acknowledgements);
        for board in self.boards.drain(..) {
            watching.spawn(watch(board));
        }
        let (least, most) = ACKNOWLEDGED;
        let mut left = least + self.random.below(most - least);
        let verify = self.folder.run(&["verify"]);
        tokio::pin!(verify);
        let mut is_verifying = cycle.is_multiple_of(VERIFIED_AT_WORK_EVERY);
        while left > 0 || is_verifying {
            tokio::select! {
                ran = &mut verify, if is_verifying => {
                    is_verifying = false;
                    self.evidence.verified.push(ran);
                }
                acknowledgement = acknowledged.recv() => match acknowledgement {
                    Some(()) => left = left.saturating_sub(1),
                    // Nobody works any more: the reason is told with the faults.
                    None => break,
                }
            }
        }
        server.kill().await;
        self.evidence.kills += 1;
        drop(acknowledged);
        let gone = async { (working.join_all().await, watching.join_all().await) };
        let (mut workers, mut boards) = timeout(NOTICED_WITHIN, gone).await.expect("connections end with the server");
        workers.sort_by(|a, b| a.id.cmp(&b.id));
        // In the order in which they are made.
        boards.sort_by_key(|board| board.team);
        (self.workers, self.boards) = (workers, boards);
    }

    /// What can be told of the data folder between a crash and the next start.
    async fn look_at_once(&mut self) {
        let data = self.folder.path();
        let (verified, journal) = tokio::join!(self.folder.run(&["verify"]), journal::read(&data));
        self.evidence.verified.push(verified);
        let account = self.account();
        let wrong = &mut self.evidence.wrong_at_once;
        wrong.extend(checks::lost_or_doubled(&account.acknowledged, &journal));
        wrong.extend(checks::invented_or_doubled(&account.sent, &journal));
        wrong.extend(checks::gaps(&journal));
        wrong.extend(checks::broken_pauses(&journal));
    }

    fn has_gone_wrong(&self) -> bool {
        !self.evidence.wrong_at_once.is_empty() || self.workers.iter().any(|worker| !worker.account.faults.is_empty())
    }

    fn account(&self) -> Account {
        let mut all = Account::default();
        for Account { sent, acknowledged, repeats, returns, found_done, found_undone, farewells, faults } in
            self.workers.iter().map(|worker| worker.account.clone())
        {
            all.sent.extend(sent);
            all.acknowledged.extend(acknowledged);
            all.repeats.extend(repeats);
            all.returns.extend(returns);
            all.found_done += found_done;
            all.found_undone += found_undone;
            all.farewells.extend(farewells);
            all.faults.extend(faults);
        }
        all
    }

    async fn end(mut self) -> Evidence {
        while !self.boards.is_empty() {
            self.drop_board();
        }
        self.evidence.account = self.account();
        self.evidence.verified.push(self.folder.run(&["verify"]).await);
        self.evidence.journal = journal::read(&self.folder.path()).await;
        self.evidence
    }
}

/// Waits until a board shows the truth; tells what it shows instead when it does not in time.
async fn astray(Lookout { watcher, team }: &mut Lookout, truth: &BTreeMap<String, Row>) -> Option<String> {
    let is_shown = |row: &Row| team.is_none_or(|team| row.teams.iter().any(|of| of == team));
    let mut expected = truth.clone();
    expected.retain(|_, row| is_shown(row));
    let shown = watcher.until(CONVERGED_WITHIN, |board| board.is_whole() && *board.table() == expected).await;
    let error = shown.err()?;
    let table = watcher.board().table();
    let wrong = expected.iter().find(|(agent, row)| table.get(*agent) != Some(row));
    let instead = wrong.map(|(agent, _)| table.get(agent));
    Some(format!("{error}; {} rows of {}, {wrong:?} is shown as {instead:?}", table.len(), expected.len()))
}

/// Looks at a board until its connection ends.
async fn watch(mut board: Lookout) -> Lookout {
    loop {
        match board.watcher.next().await {
            Ok(_) => {}
            Err(WatchError::Ended(_)) => return board,
            Err(error @ (WatchError::Connect(_) | WatchError::Call(_) | WatchError::TimedOut(_))) => {
                panic!("a board that looks on: {error}")
            }
        }
    }
}
