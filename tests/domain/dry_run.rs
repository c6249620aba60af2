//! Dry runs: what a draft would have made of a recorded day, with numbers that can be counted by hand (semantics §5).
//!
//! A script has a setting, with types as they are in force (`type`) and as the draft has them (`draft`), and then the
//! lines of the day. The agents decide as they do in the product, and what they decide is the record.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, TimeZone};
use intervalo::domain::agent::{Agent, Context, Live};
use intervalo::domain::command::{Actor, AfterEnd, Command, Rejection, Request};
use intervalo::domain::directory::{Channel, Directory, Person, Team, Tenant};
use intervalo::domain::dry_run::{DryRun, Report, Tally};
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause, ChosenStatus};
use intervalo::domain::id::{AgentId, ChannelCode, DirectoryVersion, PauseId, PolicyVersion, SourceId};
use intervalo::domain::id::{TeamId, TenantId};
use intervalo::domain::occupancy::{self, Reports, Work};
use intervalo::domain::policy::{PauseKind, Policy};
use intervalo::domain::slots::{Slots, Standing};
use intervalo::domain::time::{Timestamp, minutes};

use crate::setting::{Words, pause_type, principal, type_code, zone};
use crate::trace::Entry;
use crate::world::World;

/// What is on record, in its order.
#[derive(Debug, Clone)]
enum Recorded {
    Agent(AgentId, Box<AgentEvent>),
    ServerStarted(Timestamp),
}

/// A company that decides under the policy in force.
struct Office {
    directory: Directory,
    policy: Policy,
    draft: Policy,
    agents: BTreeMap<AgentId, Agent>,
    sessions: BTreeMap<AgentId, usize>,
    reports: BTreeMap<AgentId, Reports>,
    slots: Slots,
    day: NaiveDate,
    now: Timestamp,
    ids: u128,
    record: Vec<Recorded>,
}

fn later(id: &str) -> AgentId {
    AgentId::new(id).expect("an id")
}

fn voice() -> ChannelCode {
    ChannelCode::new("voice").expect("a code")
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day")
}

impl Office {
    fn new() -> Office {
        let tenant = TenantId::new("acme").expect("an id");
        let channel =
            Channel { code: voice(), name: "Voice".to_owned(), enabled: true, blocks_pause: true, capacity: 1 };
        let directory = Directory {
            version: DirectoryVersion(1),
            tenant: Tenant::new(tenant, "Acme".to_owned(), chrono_tz::America::Sao_Paulo),
            teams: BTreeMap::new(),
            agents: BTreeMap::new(),
            closing: None,
            channels: BTreeMap::from([(voice(), channel)]),
        };
        let policy = |version| Policy { version: PolicyVersion(version), types: BTreeMap::new() };
        Office {
            directory,
            policy: policy(1),
            draft: policy(2),
            agents: BTreeMap::new(),
            sessions: BTreeMap::new(),
            reports: BTreeMap::new(),
            slots: Slots::default(),
            day: first_day(),
            now: Timestamp(0),
            ids: 0,
            record: Vec::new(),
        }
    }

    /// Carries a script out.
    fn of(script: &str) -> Office {
        let mut office = Office::new();
        for line in script.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
            let mut words = Words::of(line);
            match words.pop() {
                None => {}
                Some("type") => {
                    let found = Arc::new(pause_type(&mut words));
                    office.policy.types.insert(found.code.clone(), Arc::clone(&found));
                    office.draft.types.insert(found.code.clone(), found);
                    office.slots.count_anew(&office.policy, &office.directory);
                }
                Some("draft") => {
                    let found = pause_type(&mut words);
                    office.draft.types.insert(found.code.clone(), Arc::new(found));
                }
                Some("agent") => {
                    let (id, team) = (words.next(), words.next());
                    office.join(id, team, words.pop());
                }
                Some("day") => office.day = words.next().parse().expect("a day"),
                Some(time) => {
                    office.clock(time);
                    office.play(&mut words);
                }
            }
            words.done(line);
        }
        office
    }

    fn join(&mut self, id: &str, team: &str, of_zone: Option<&str>) {
        let team = TeamId::new(team).expect("a team's id");
        let known = Team { id: team.clone(), name: team.to_string(), zone: None };
        self.directory.teams.insert(team.clone(), known);
        let (id, zone) = (later(id), of_zone.map(zone));
        let person = Person {
            id: id.clone(),
            name: id.to_string(),
            teams: vec![team],
            zone,
            capacity: BTreeMap::new(),
            left_at: None,
        };
        self.directory.agents.insert(id.clone(), Arc::new(person));
        self.agents.insert(id.clone(), Agent::unseen(id));
    }

    /// Lets all fall due until a time of the day, in the tenant's zone.
    fn clock(&mut self, time: &str) {
        let time = NaiveTime::parse_from_str(time, "%H:%M").expect("a time");
        let local =
            self.directory.tenant.zone.from_local_datetime(&self.day.and_time(time)).single().expect("one instant");
        let at = Timestamp(local.timestamp_millis());
        assert!(at >= self.now, "the record goes forward");
        for id in self.agents.keys().cloned().collect::<Vec<_>>() {
            while let Some(due) = self.with(&id, |agent, context| agent.next_deadline(context)).filter(|due| *due <= at)
            {
                self.now = self.now.max(due);
                self.settle(&id);
            }
        }
        self.now = at;
    }

    fn play(&mut self, words: &mut Words) {
        let who = words.next();
        if who == "server" {
            words.expect("started");
            self.record.push(Recorded::ServerStarted(self.now));
            let until = self.now + minutes(1);
            self.agents.values_mut().for_each(|agent| agent.on_server_started(self.now, until));
            self.count_anew();
            self.sessions.clear();
            return;
        }
        let id = later(who);
        match words.next() {
            "in" => {
                self.sessions.insert(id.clone(), 1);
                self.settle(&id);
                self.wish(&id, Command::SetStatus { status: ChosenStatus::Available, after_work: false }, false, words);
            }
            "start" => {
                let code = type_code(words.next());
                let by_superior = words.has("by");
                if by_superior {
                    words.expect("sofia");
                }
                let overriding = words.has("override");
                let replaces = self.agents[&id].pause().map(|pause| pause.id).filter(|_| words.has("instead"));
                let start = Command::StartPause { pause_type: code, note: None, replaces, overriding };
                self.wish(&id, start, by_superior, words);
            }
            "accept" => {
                let offer = self.agents[&id].queue.as_ref().and_then(|waiting| waiting.offer).expect("an offer").id;
                self.wish(&id, Command::AcceptOffer { offer }, false, words);
            }
            "end" => {
                self.wish(&id, Command::EndPause { then: Some(AfterEnd::Available), overriding: false }, false, words);
            }
            "talks" => {
                let (source, seq, ttl) = (SourceId::new("router").expect("an id"), 1, minutes(1));
                let work = Work { open: [(voice(), 1)].into(), wrap_up: false };
                let report = occupancy::Report { source, seq, ttl, work, anew: None };
                self.reports.entry(id.clone()).or_default().take(report, self.now).expect("taken");
                self.settle(&id);
            }
            other => panic!("nobody does {other}"),
        }
    }

    /// Carries a wish out; a refused start is on record like any other.
    fn wish(&mut self, id: &AgentId, command: Command, by_superior: bool, words: &mut Words) {
        let expected = if words.has("refused") { Some(words.next()) } else { None };
        let actor = if by_superior { Actor::Supervisor(principal("sofia")) } else { Actor::Agent(id.clone()) };
        let code = if let Command::StartPause { pause_type, .. } = &command { Some(pause_type.clone()) } else { None };
        let reason = by_superior.then(|| "because".to_owned());
        let request = Request { command, actor: actor.clone(), reason, op: None, expected_version: None };
        match (self.with(id, |agent, context| agent.decide(&request, context)), code) {
            (Ok(decision), _) => {
                assert_eq!(expected, None, "it is not refused");
                decision.events.into_iter().for_each(|event| self.take(id, event));
            }
            (Err(Rejection::Refused(refusal)), Some(pause_type)) => {
                assert_eq!(Some(refusal.code()), expected);
                let code = refusal.code().to_owned();
                self.note(id, actor, Cause::Agent, AgentEventBody::PauseRefused { pause_type, code, count: 1 });
            }
            (Err(other), _) => panic!("{other:?}"),
        }
        for id in self.agents.keys().cloned().collect::<Vec<_>>() {
            self.settle(&id);
        }
    }

    fn note(&mut self, id: &AgentId, actor: Actor, cause: Cause, body: AgentEventBody) {
        let (at, policy_version) = (self.now, self.policy.version);
        let event = AgentEvent { at, due_at: None, actor, cause, reason: None, policy_version, op: None, body };
        self.take(id, event);
    }

    fn settle(&mut self, id: &AgentId) {
        let events = self.with(id, |agent, context| agent.due(context));
        events.into_iter().for_each(|event| self.take(id, event));
    }

    fn take(&mut self, id: &AgentId, event: AgentEvent) {
        let agent = self.agents.get_mut(id).expect("an agent");
        agent.apply(&event).expect("a legal event");
        self.slots.put(id, Standing::of(agent), &self.directory);
        self.record.push(Recorded::Agent(id.clone(), Box::new(event)));
        self.ids += 1;
    }

    fn count_anew(&mut self) {
        let standings = self.agents.iter().map(|(id, agent)| (id.clone(), Standing::of(agent))).collect();
        self.slots = Slots::new(standings, &self.policy, &self.directory);
    }

    fn with<T>(&self, id: &AgentId, ask: impl FnOnce(&Agent, &Context) -> T) -> T {
        let agent = &self.agents[id];
        let silence = Reports::default();
        let sessions = self.sessions.get(id).copied().unwrap_or(0);
        let context = Context {
            now: self.now,
            directory: &self.directory,
            person: &self.directory.agents[id],
            policy: &self.policy,
            slots: self.slots.counts(),
            counted_available: Standing::of(agent).available,
            live: Live { sessions, last_closed_at: None, answered_at: None },
            reports: self.reports.get(id).unwrap_or(&silence),
            recorded: None,
            fresh_id: PauseId(self.ids + 1),
            ready_at: Timestamp(0),
        };
        ask(agent, &context)
    }

    fn run_on(&self, days: RangeInclusive<NaiveDate>) -> Report {
        self.run_under(&self.directory, days)
    }

    fn run_under(&self, directory: &Directory, days: RangeInclusive<NaiveDate>) -> Report {
        let policies = (Arc::new(self.policy.clone()), Arc::new(self.draft.clone()));
        let mut run = DryRun::new(Arc::new(directory.clone()), policies.0, policies.1, days);
        for recorded in &self.record {
            match recorded {
                Recorded::Agent(id, event) => run.on_agent_event(id, event).expect("the record folds"),
                Recorded::ServerStarted(at) => {
                    run.on_server_started(*at, *at + minutes(1), Duration::ZERO);
                }
            }
        }
        run.finish()
    }
}

/// What was counted, a line for each count that is not nothing.
fn told(report: &Report) -> String {
    let Report { starts, refusals, unclear, .. } = report;
    let mut lines = vec![format!("{starts} starts, {refusals} refusals, {unclear} unclear")];
    let tallies = [
        ("refused", &report.refused),
        ("queued", &report.queued),
        ("pending", &report.pending),
        ("requested", &report.requested),
        ("entitlements lost", &report.entitlements_lost),
        ("let through", &report.let_through),
    ];
    lines.extend(
        tallies.iter().filter(|(_, tally)| tally.total > 0).map(|(name, tally)| format!("{name} {}", line(tally))),
    );
    lines.join("\n")
}

fn line(tally: &Tally) -> String {
    let codes = tally.by_code.iter().map(|(code, count)| format!("{code}={count}"));
    let types = tally.by_type.iter().map(|(code, count)| format!("{code}={count}"));
    let team = |team: &Option<TeamId>| team.as_ref().map_or("nobody's".to_owned(), TeamId::to_string);
    let teams = tally.by_team.iter().map(|(of, count)| format!("{}={count}", team(of)));
    let hours = tally.by_hour.iter().map(|(hour, count)| format!("{hour}h={count}"));
    let parts = [codes.collect::<Vec<_>>(), types.collect(), teams.collect(), hours.collect()];
    let of_case = tally.by_case.values().sum::<u64>();
    let sums = [of_case, tally.by_code.values().sum(), tally.by_type.values().sum(), tally.by_hour.values().sum()];
    assert!(sums.iter().all(|sum| *sum == tally.total), "each way of counting comes to the same");
    format!("{}: {}", tally.total, parts.map(|part| part.join(" ")).join(" | "))
}

/// One agent's record under the policy that it was made under, in place of a draft; without the caps, for what others
/// had taken is not in it.
pub(crate) fn of_what_is_in_force(world: &World) -> Report {
    let mut policy = world.policy.clone();
    for found in policy.types.values_mut() {
        if let PauseKind::Regular(rules) | PauseKind::Entitlement(rules) = &mut Arc::make_mut(found).kind {
            rules.cap.clear();
        }
    }
    let (directory, policy) = (Arc::new(world.directory.clone()), Arc::new(policy));
    let mut run = DryRun::new(directory, Arc::clone(&policy), policy, NaiveDate::MIN..=NaiveDate::MAX);
    for entry in &world.journal {
        match entry {
            Entry::Event(event) => run.on_agent_event(&world.id, event).expect("the record folds"),
            Entry::ServerStarted { at, grace_until } => run.on_server_started(*at, *grace_until, Duration::ZERO),
        }
    }
    run.finish()
}

#[track_caller]
fn check(script: &str, expected: &str) {
    let office = Office::of(script);
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(told(&office.run_on(first_day()..=first_day())), expected.join("\n"));
    // What is in force is to blame for nothing, and explains everything.
    let in_force = Office { draft: office.policy.clone(), ..office };
    let report = in_force.run_on(first_day()..=first_day());
    assert_eq!(told(&report), format!("{} starts, {} refusals, 0 unclear", report.starts, report.refusals));
}

#[test]
fn semantics_5_a_dry_run_counts_starts_outside_the_windows_of_the_draft_by_type_team_and_hour() {
    check(
        "
        agent ana suporte
        agent bia vendas
        type almoco
        type cafe
        draft almoco windows mon-fri 12:00-14:00
        08:00 ana in
        08:00 bia in
        10:30 bia start cafe
        10:40 bia end
        11:30 ana start almoco
        11:59 bia start almoco
        12:30 ana end
        12:40 bia end
        13:00 ana start almoco        # within it
        13:20 ana end
        ",
        "4 starts, 0 refusals, 0 unclear
         refused 2: outside_window=2 | almoco=2 | suporte=1 vendas=1 | 11h=2",
    );
}

#[test]
fn semantics_5_a_dry_run_counts_quotas_and_cooldowns_on_what_really_was_before() {
    // The second and the third are over the quota: that the second would not have been does not make the third one's.
    check(
        "
        agent ana suporte
        type cafe
        draft cafe quota 1
        08:00 ana in
        09:00 ana start cafe
        09:10 ana end
        11:00 ana start cafe
        11:10 ana end
        15:00 ana start cafe
        15:10 ana end
        ",
        "3 starts, 0 refusals, 0 unclear
         refused 2: quota_count=2 | cafe=2 | suporte=2 | 11h=1 15h=1",
    );
    check(
        "
        agent ana suporte
        type cafe
        type agua
        draft cafe cooldown_any 30m
        08:00 ana in
        09:00 ana start agua
        09:10 ana end
        09:39 ana start cafe          # 29 minutes after
        09:50 ana end
        10:00 ana start agua
        10:20 ana start cafe instead  # at once
        10:30 ana end
        11:00 ana start cafe          # 30 minutes after
        ",
        "5 starts, 0 refusals, 0 unclear
         refused 2: cooldown=2 | cafe=2 | suporte=2 | 9h=1 10h=1",
    );
}

#[test]
fn semantics_5_a_dry_run_counts_who_would_wait_in_line_and_who_would_be_turned_away() {
    let day = "
        08:00 ana in
        08:00 bia in
        08:00 caio in
        10:00 ana start cafe
        10:05 bia start cafe
        10:10 caio start cafe         # of the other team
        10:20 ana end
        10:21 ana start agua
        10:22 bia end
        10:40 bia start cafe
        ";
    let setting = "
        agent ana suporte
        agent bia suporte
        agent caio vendas
        type cafe
        type agua
        ";
    check(
        &format!("{setting} draft cafe cap suporte=1,vendas=1 \n {day}"),
        "5 starts, 0 refusals, 0 unclear
         queued 1: slots_full=1 | cafe=1 | suporte=1 | 10h=1",
    );
    check(
        &format!("{setting} draft cafe cap suporte=1,vendas=1 full refuse \n {day}"),
        "5 starts, 0 refusals, 0 unclear
         refused 1: slots_full=1 | cafe=1 | suporte=1 | 10h=1",
    );
    // Two of the team are there, and one of them is to stay: nobody may while the other is away.
    check(
        &format!("{setting} draft cafe cap suporte=keep1 full refuse \n {day}"),
        "5 starts, 0 refusals, 0 unclear
         refused 2: slots_full=2 | cafe=2 | suporte=2 | 10h=2",
    );
}

#[test]
fn semantics_5_a_dry_run_knows_whose_turn_it_was() {
    check(
        "
        agent ana suporte
        agent bia suporte
        agent caio suporte
        type cafe cap suporte=1
        draft cafe cap suporte=1 quota 1
        08:00 ana in
        08:00 bia in
        08:00 caio in
        09:00 bia start cafe
        09:05 bia end
        10:00 ana start cafe
        10:01 caio start cafe         # waits in line
        10:02 bia start cafe          # behind him
        10:05 ana end                 # his turn
        10:05 caio accept
        10:10 caio end
        10:10 bia accept              # her second
        10:15 bia end
        ",
        "4 starts, 0 refusals, 0 unclear
         refused 1: quota_count=1 | cafe=1 | suporte=1 | 10h=1",
    );
}

#[test]
fn semantics_5_a_dry_run_tells_of_other_teams_of_approval_and_of_work_that_is_open() {
    check(
        "
        agent ana suporte
        agent bia vendas
        type cafe occupied immediate
        type medico
        type agua
        draft cafe
        draft medico approval 10m
        draft agua teams vendas
        08:00 ana in
        08:00 bia in
        09:00 ana start agua          # hers no more
        09:00 bia start agua
        09:05 ana end
        09:05 bia end
        10:00 ana talks
        10:00 ana start cafe
        10:10 ana end
        11:00 bia start medico
        11:10 bia end
        ",
        "4 starts, 0 refusals, 0 unclear
         refused 1: not_offered=1 | agua=1 | suporte=1 | 9h=1
         pending 1: occupied=1 | cafe=1 | suporte=1 | 10h=1
         requested 1: approval_required=1 | medico=1 | vendas=1 | 11h=1",
    );
}

#[test]
fn semantics_11_protected_pauses_are_in_no_count_and_in_nobodys_way() {
    check(
        "
        agent ana suporte
        type banheiro protected
        type cafe
        draft banheiro protected disabled
        draft cafe cooldown_any 2h quota 1
        08:00 ana in
        08:50 ana start banheiro
        08:55 ana end
        09:00 ana start cafe          # nothing is before it
        09:05 ana start banheiro      # inside it
        09:07 ana end
        09:10 ana end
        12:00 ana start banheiro
        12:05 ana end
        ",
        "1 starts, 0 refusals, 0 unclear",
    );
}

#[test]
fn semantics_5_a_dry_run_counts_entitlements_that_would_be_lost() {
    check(
        "
        agent ana suporte
        type descanso entitlement
        type cafe
        draft descanso entitlement windows all 09:00-10:00
        draft cafe windows all 09:00-10:00
        08:00 ana in
        09:30 ana start descanso
        09:40 ana end
        14:00 ana start descanso
        14:10 ana end
        15:00 ana start cafe
        15:10 ana end
        ",
        "3 starts, 0 refusals, 0 unclear
         refused 2: outside_window=2 | cafe=1 descanso=1 | suporte=2 | 14h=1 15h=1
         entitlements lost 1: outside_window=1 | descanso=1 | suporte=1 | 14h=1",
    );
}

#[test]
fn semantics_5_a_dry_run_counts_refusals_that_the_draft_lets_through() {
    check(
        "
        agent ana suporte
        agent bia suporte
        type almoco windows all 12:00-14:00
        type cafe quota 1
        draft almoco windows all 11:00-14:00
        08:00 ana in
        08:00 bia in
        10:30 ana start almoco refused outside_window   # still too early
        11:30 ana start almoco refused outside_window
        11:31 bia start cafe
        11:35 bia start almoco instead refused outside_window
        11:40 bia start almoco refused already_paused   # stays so
        11:45 bia end
        12:00 ana start almoco
        12:30 ana end
        13:00 bia start cafe refused quota_count        # in the draft as well
        ",
        "2 starts, 5 refusals, 0 unclear
         let through 2: outside_window=2 | almoco=2 | suporte=2 | 11h=2",
    );
}

#[test]
fn semantics_5_what_a_supervisor_sets_aside_is_set_aside_under_the_draft_too() {
    check(
        "
        agent ana suporte
        type almoco windows all 12:00-14:00
        draft almoco windows all 12:00-14:00 quota 1
        08:00 ana in
        10:00 ana start almoco by sofia override
        10:30 ana end
        12:10 ana start almoco by sofia                 # nothing was set aside
        12:30 ana end
        13:00 ana start almoco by sofia override        # nothing had to be: the quota is new
        13:30 ana end
        15:00 ana start almoco by sofia override
        15:30 ana end
        ",
        "4 starts, 0 refusals, 0 unclear
         refused 2: quota_count=2 | almoco=2 | suporte=2 | 12h=1 13h=1",
    );
}

#[test]
fn semantics_5_what_gives_way_to_what_is_owed_is_nobodys_override() {
    check(
        "
        agent ana suporte
        type rest entitlement not_in_first 1h owed n4 1 of 10m over 4h up_to 6h
        draft rest entitlement not_in_first 1h owed n4 1 of 10m over 4h up_to 6h windows all 12:00-13:00
        08:00 ana in
        08:30 ana start rest by sofia
        08:45 ana end
        ",
        "1 starts, 0 refusals, 0 unclear
         refused 1: outside_window=1 | rest=1 | suporte=1 | 8h=1
         entitlements lost 1: outside_window=1 | rest=1 | suporte=1 | 8h=1",
    );
}

#[test]
fn semantics_5_the_draft_is_not_blamed_for_what_is_not_on_record() {
    let office = Office::of(
        "
        agent ana suporte
        agent bia suporte
        type cafe teams suporte
        draft cafe teams suporte quota 1
        08:00 ana in
        08:00 bia in
        09:00 ana start cafe
        09:10 ana end
        09:30 ana start cafe
        09:40 ana end
        10:00 bia start cafe
        10:10 bia end
        ",
    );
    let day = first_day()..=first_day();
    let counted = "3 starts, 0 refusals, 0 unclear\nrefused 1: quota_count=1 | cafe=1 | suporte=1 | 9h=1";
    assert_eq!(told(&office.run_on(day.clone())), counted);

    // Ana has moved since, and Bia is not known any more: the policy in force would refuse them just as well.
    let mut moved = office.directory.clone();
    moved.agents.remove(&later("bia"));
    let ana = moved.agents.get_mut(&later("ana")).expect("a person");
    *ana = Arc::new(Person { teams: vec![TeamId::new("vendas").expect("an id")], ..(**ana).clone() });
    assert_eq!(told(&office.run_under(&moved, day)), "3 starts, 0 refusals, 3 unclear");
}

#[test]
fn semantics_5_days_are_those_of_the_agents_zone_and_what_was_before_them_counts() {
    let office = Office::of(
        "
        agent ana suporte
        agent aki vendas Asia/Tokyo                     # twelve hours on
        type cafe
        draft cafe cooldown 12h
        08:00 ana in
        08:00 aki in
        22:00 aki start cafe                            # 10:00 of the next day
        22:10 aki end
        22:20 aki start cafe
        22:30 aki end
        22:40 ana start cafe
        23:00 ana end
        23:10 server started
        day 2026-11-24
        08:00 ana in
        08:05 ana start cafe                            # nine hours after yesterday's
        08:10 ana end
        22:00 ana start cafe
        22:10 ana end
        ",
    );
    let second_day = first_day().succ_opt().expect("a day");
    assert_eq!(told(&office.run_on(first_day()..=first_day())), "1 starts, 0 refusals, 0 unclear");
    assert_eq!(
        told(&office.run_on(second_day..=second_day)),
        "4 starts, 0 refusals, 0 unclear\nrefused 2: cooldown=2 | cafe=2 | suporte=1 vendas=1 | 8h=1 10h=1"
    );
    let run = |days| {
        DryRun::new(
            Arc::new(office.directory.clone()),
            Arc::new(office.policy.clone()),
            Arc::new(office.policy.clone()),
            days,
        )
    };
    assert!(!run(first_day()..=first_day()).is_over_at(office.now));
    assert!(run(first_day()..=first_day()).is_over_at(office.now + minutes(60 * 30)));
}
