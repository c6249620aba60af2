//! Whatever the domain can say reads back from its stored form as it was.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, Weekday};
use proptest::prelude::*;

use super::*;
use crate::domain::agent::{Agent, Away, Connection, Fired, Pause, ProtectedPause, Resume, Status};
use crate::domain::alert::{Ack, AlertId};
use crate::domain::command::Outcome;
use crate::domain::deferral::{Deferred, DeferredTarget};
use crate::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, ChosenStatus, LimitedClass, OccupancyChanged, PauseEnded, PausePlace,
    PauseStarted, PauseTerms, Pending, PendingTarget, Queued, RequestCreated, Shift,
};
use crate::domain::id::{
    AgentSeq, ChannelCode, OfferId, Op, PauseId, PauseTypeCode, PolicyVersion, RequestId, SourceId, TeamId,
};
use crate::domain::occupancy::{Occupancy, SourceWork, Work};
use crate::domain::op::{OpMemory, OpRecord};
use crate::domain::policy::{
    Approval, AtTimeout, Cap, OnEarlyEnd, OnLimit, PauseKind, PauseRules, PauseType, StartableBy, WhenFull,
    WhenOccupied,
};
use crate::domain::queue::{Offer, Place, Waiting};
use crate::domain::request::{Decided, Grant, Origin, PauseRequest, RequestState, Waives};
use crate::domain::schedule::{WeekDays, Window};
use crate::domain::shift::{Plan, PlannedShift};
use crate::domain::time::Timestamp;
use crate::domain::usage::{Counted, Period, TypeUsage, Usage, Used};
use crate::ports::AgentRecord;

mod owed;
mod shifts;

use owed::{at_risk, right, with_more};

/// Remembers what it named.
#[derive(Default)]
struct Register {
    people: HashMap<PersonId, String>,
    texts: HashMap<Hash, String>,
}

impl Refer for Register {
    fn person(&mut self, kind: PersonKind, host_id: &str) -> PersonId {
        let id = PersonId::of(Salt([7; 16]), "acme", kind, host_id);
        self.people.insert(id, host_id.to_owned());
        id
    }

    fn text(&mut self, text: &str) -> Hash {
        let hash = Hash::of_text(Salt([9; 16]), text);
        self.texts.insert(hash, text.to_owned());
        hash
    }

    fn text_about(&mut self, _agent: &str, text: &str) -> Hash {
        self.text(text)
    }
}

impl Resolve for Register {
    fn host_id(&self, person: PersonId) -> String {
        self.people.get(&person).cloned().unwrap_or_else(|| erased_host_id(person))
    }

    fn name(&self, _person: PersonId) -> String {
        String::new()
    }

    fn text(&self, hash: Hash) -> Option<String> {
        self.texts.get(&hash).cloned()
    }
}

fn at() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

/// Whole milliseconds that fit an `i64`, as every span of the domain does.
fn span() -> impl Strategy<Value = Duration> {
    (0..i64::MAX as u64 / 8).prop_map(Duration::from_millis)
}

fn id() -> impl Strategy<Value = PauseId> {
    any::<u128>().prop_map(PauseId)
}

fn code() -> impl Strategy<Value = PauseTypeCode> {
    "[a-zç€😀\"\\\\]{1,20}".prop_map(|code| PauseTypeCode::new(&code).expect("printable"))
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(any::<String>())
}

fn actor() -> impl Strategy<Value = Actor> {
    let host_id = || "[a-z0-9@é]{1,12}";
    prop_oneof![
        host_id().prop_map(|id| Actor::Agent(AgentId::new(&id).expect("printable"))),
        host_id().prop_map(|id| Actor::Supervisor(PrincipalId::new(&id).expect("printable"))),
        host_id().prop_map(|id| Actor::Admin(PrincipalId::new(&id).expect("printable"))),
        host_id().prop_map(|id| Actor::Integration(PrincipalId::new(&id).expect("printable"))),
        Just(Actor::System),
    ]
}

fn status() -> impl Strategy<Value = ChosenStatus> {
    prop_oneof![Just(ChosenStatus::Offline), Just(ChosenStatus::Available), Just(ChosenStatus::Unavailable)]
}

fn shift() -> impl Strategy<Value = Shift> {
    let ends_at = proptest::option::of(at());
    (at(), any::<bool>(), ends_at).prop_map(|(started_at, estimated, ends_at)| Shift { started_at, estimated, ends_at })
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (0..80_000).prop_map(|day| NaiveDate::from_num_days_from_ce_opt(700_000 + day).expect("a day"))
}

fn planned() -> impl Strategy<Value = PlannedShift> {
    let start = (-1_i64 << 50..1 << 50).prop_map(Timestamp);
    (day(), start, 1_u64..=24 * 3_600_000, any::<u64>()).prop_map(|(day, start, length_ms, meal_ms)| {
        let length = Duration::from_millis(length_ms);
        let meal = Duration::from_millis(meal_ms % length_ms);
        PlannedShift::new(day, start, start + length, meal).expect("a shift")
    })
}

fn place() -> impl Strategy<Value = PausePlace> {
    let zone = prop_oneof![Just(chrono_tz::America::Sao_Paulo), Just(chrono_tz::UTC), Just(chrono_tz::Asia::Kathmandu)];
    let team = || "[a-z]{1,9}".prop_map(|team| TeamId::new(&team).expect("printable"));
    let slots = proptest::collection::vec(team(), 0..3);
    (zone, any::<i32>(), day(), day(), proptest::option::of(shift()), proptest::option::of(team()), slots).prop_map(
        |(zone, utc_offset_s, local_day, business_day, shift, team, slots)| PausePlace {
            zone,
            utc_offset_s,
            local_day,
            business_day,
            shift,
            team,
            slots: slots.into(),
        },
    )
}

fn on_limit() -> impl Strategy<Value = OnLimit> {
    prop_oneof![Just(OnLimit::Mark), Just(OnLimit::EndUnavailable), Just(OnLimit::EndAvailable), Just(OnLimit::SignOut)]
}

fn early_end() -> impl Strategy<Value = OnEarlyEnd> {
    prop_oneof![Just(OnEarlyEnd::Record), Just(OnEarlyEnd::Hold)]
}

fn spans() -> impl Strategy<Value = Vec<Duration>> {
    proptest::collection::vec(span(), 0..4)
}

fn terms() -> impl Strategy<Value = PauseTerms> {
    let class = prop_oneof![Just(LimitedClass::Regular), Just(LimitedClass::Entitlement)];
    let span_or_none = || proptest::option::of(span());
    let flags = (class, any::<bool>(), any::<bool>(), early_end(), on_limit(), proptest::option::of(right()));
    (flags, span_or_none(), span(), span_or_none(), spans(), span(), spans()).prop_map(
        |(
            (class, paid, counts_as_work, on_early_end, on_limit, right),
            min,
            refund_under,
            limit,
            warn,
            grace,
            escalate,
        )| {
            PauseTerms {
                class,
                paid,
                counts_as_work,
                min_duration: min,
                on_early_end,
                refund_under,
                limit,
                warn_before: warn,
                grace,
                on_limit,
                escalate_after: escalate,
                right,
            }
        },
    )
}

fn pending() -> impl Strategy<Value = Pending> {
    let target = prop_oneof![
        status().prop_map(PendingTarget::Status),
        Just(PendingTarget::Limit),
        Just(PendingTarget::SignOut),
        (code(), any::<bool>()).prop_map(|(pause_type, overriding)| PendingTarget::Pause { pause_type, overriding }),
    ];
    (target, at(), actor(), text()).prop_map(|(target, since, actor, reason)| Pending { target, since, actor, reason })
}

fn started() -> impl Strategy<Value = PauseStarted> {
    let id_or_none = || proptest::option::of(id());
    (id(), code(), proptest::option::of(terms()), id_or_none(), id_or_none(), text(), place()).prop_map(
        |(id, pause_type, terms, inside, replaces, note, place)| PauseStarted {
            id,
            pause_type,
            terms,
            inside,
            replaces,
            note,
            place,
        },
    )
}

fn ended() -> impl Strategy<Value = PauseEnded> {
    let then = prop_oneof![status().prop_map(AfterPause::Status), Just(AfterPause::OuterPause)];
    let end = (any::<bool>(), any::<bool>(), proptest::option::of(at()), proptest::option::of(id()));
    (id(), then, end).prop_map(|(pause, then, (short, misclick, last_seen_at, replaced_by))| PauseEnded {
        pause,
        then,
        short,
        misclick,
        last_seen_at,
        replaced_by,
    })
}

fn body() -> impl Strategy<Value = AgentEventBody> {
    prop_oneof![
        proptest::option::of(shift()).prop_map(|shift| AgentEventBody::Connected { shift }),
        at().prop_map(|until| AgentEventBody::GraceBegan { until }),
        at().prop_map(|last_seen_at| AgentEventBody::ConnectionLost { last_seen_at }),
        (status(), shift()).prop_map(|(status, shift)| AgentEventBody::SignedIn { status, shift }),
        status().prop_map(|status| AgentEventBody::Resumed { status }),
        (status(), status()).prop_map(|(from, to)| AgentEventBody::StatusChanged { from, to }),
        Just(AgentEventBody::SignedOut),
        Just(AgentEventBody::Deactivated),
        (code(), any::<String>(), any::<u32>()).prop_map(|(pause_type, code, count)| AgentEventBody::PauseRefused {
            pause_type,
            code,
            count
        }),
        pending().prop_map(AgentEventBody::PendingSet),
        Just(AgentEventBody::PendingCancelled),
        deferred().prop_map(|deferred| AgentEventBody::Deferred(Box::new(deferred))),
        proptest::option::of(any::<String>()).prop_map(|code| AgentEventBody::DeferralEnded { code }),
        alert().prop_map(|alert| AgentEventBody::AlertAcknowledged { alert }),
        created().prop_map(|created| AgentEventBody::RequestCreated(Box::new(created))),
        (request_id(), proptest::option::of(grant()))
            .prop_map(|(request, grant)| AgentEventBody::RequestDecided { request, grant }),
        request_id().prop_map(|request| AgentEventBody::RequestExpired { request }),
        request_id().prop_map(|request| AgentEventBody::RequestCancelled { request }),
        (request_id(), id()).prop_map(|(grant, pause)| AgentEventBody::GrantUsed { grant, pause }),
        (sources(), any::<bool>()).prop_map(|(sources, blocks)| {
            AgentEventBody::OccupancyChanged(Box::new(OccupancyChanged { sources, blocks }))
        }),
        (code(), text(), some_teams(), proptest::option::of(at())).prop_map(|(pause_type, note, slots, opens_at)| {
            AgentEventBody::Queued(Box::new(Queued { pause_type, note, slots, opens_at }))
        }),
        (code(), proptest::option::of(any::<String>()))
            .prop_map(|(pause_type, code)| AgentEventBody::LeftQueue { pause_type, code }),
        offer_id().prop_map(|offer| AgentEventBody::Offered { offer }),
        (offer_id(), proptest::option::of(place_in_line()))
            .prop_map(|(offer, place)| AgentEventBody::OfferExpired { offer, place }),
        planned().prop_map(AgentEventBody::ShiftPlanned),
        day().prop_map(|day| AgentEventBody::ShiftCancelled { day }),
        started().prop_map(|started| AgentEventBody::PauseStarted(Box::new(started))),
        (id(), span(), any::<bool>()).prop_map(|(pause, before, late)| AgentEventBody::PauseWarned {
            pause,
            before,
            late
        }),
        (id(), any::<bool>()).prop_map(|(pause, late)| AgentEventBody::LimitReached { pause, late }),
        (id(), any::<bool>()).prop_map(|(pause, late)| AgentEventBody::Overran { pause, late }),
        (id(), span(), any::<bool>()).prop_map(|(pause, after, late)| AgentEventBody::Escalated { pause, after, late }),
        (id(), span()).prop_map(|(pause, by)| AgentEventBody::PauseExtended { pause, by }),
        ended().prop_map(AgentEventBody::PauseEnded),
        super::record::any_correction().prop_map(|corrected| AgentEventBody::PauseCorrected(Box::new(corrected))),
        id().prop_map(|pause| AgentEventBody::PauseAnnotated { pause }),
        at_risk().prop_map(|risk| AgentEventBody::EntitlementAtRisk(Box::new(risk))),
        (any::<String>(), proptest::option::of(id()))
            .prop_map(|(code, pause)| AgentEventBody::FindingRecorded { code, pause }),
    ]
}

fn op() -> impl Strategy<Value = OpRecord> {
    let outcome = prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::Queued),
        Just(Outcome::Requested),
        request_id().prop_map(|request| Outcome::Asked { request }),
        Just(Outcome::Deferred),
        id().prop_map(|pause| Outcome::Started { pause })
    ];
    (any::<u128>(), actor(), any::<u64>(), at(), outcome).prop_map(|(op, by, fingerprint, at, outcome)| OpRecord {
        op: Op(op),
        by,
        fingerprint,
        at,
        outcome,
    })
}

fn pause() -> impl Strategy<Value = Pause> {
    let fired = (any::<u32>(), any::<bool>(), proptest::option::of(at()), any::<u32>())
        .prop_map(|(warnings, limit, overran_at, escalations)| Fired { warnings, limit, overran_at, escalations });
    let after = (fired, proptest::option::of(at()));
    (id(), code(), terms(), any::<u64>(), at(), span(), text(), place(), after).prop_map(
        |(id, pause_type, terms, version, started_at, extended_by, note, place, (fired, worked_at))| Pause {
            id,
            pause_type,
            terms,
            policy_version: PolicyVersion(version),
            started_at,
            extended_by,
            note,
            place,
            fired,
            worked_at,
        },
    )
}

fn protected() -> impl Strategy<Value = ProtectedPause> {
    (id(), code(), at(), text()).prop_map(|(id, pause_type, started_at, note)| ProtectedPause {
        id,
        pause_type,
        started_at,
        note,
    })
}

fn agent_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Offline),
        Just(Status::Available),
        Just(Status::Unavailable),
        pause().prop_map(|pause| Status::Paused(Away::Pause(Box::new(pause)))),
        protected().prop_map(|inner| Status::Paused(Away::Protected(inner))),
        (pause(), protected())
            .prop_map(|(outer, inner)| Status::Paused(Away::ProtectedInside { outer: Box::new(outer), inner })),
    ]
}

fn place_in_line() -> impl Strategy<Value = Place> {
    (at(), any::<u32>()).prop_map(|(asked_at, behind)| Place { asked_at, behind })
}

fn offer_id() -> impl Strategy<Value = OfferId> {
    any::<u128>().prop_map(OfferId)
}

fn some_teams() -> impl Strategy<Value = Box<[TeamId]>> {
    let team = "[a-z]{1,9}".prop_map(|team| TeamId::new(&team).expect("printable"));
    proptest::collection::vec(team, 0..3).prop_map(Into::into)
}

fn waiting() -> impl Strategy<Value = Waiting> {
    let offer = (offer_id(), span(), proptest::option::of(at())).prop_map(|(id, left, runs_since)| Offer {
        id,
        left,
        runs_since,
    });
    let asked = (code(), text(), at(), place_in_line(), (some_teams(), proptest::option::of(at())));
    let offers =
        (any::<u8>(), proptest::option::of(offer_id()), proptest::option::of(offer), proptest::option::of(at()));
    (asked, offers).prop_map(|((pause_type, note, since, place, (slots, opens_at)), rest)| {
        let (let_pass, last_expired, offer, lost_at) = rest;
        Waiting { pause_type, note, since, place, slots, opens_at, let_pass, last_expired, offer, lost_at }
    })
}

fn sources() -> impl Strategy<Value = Box<[SourceWork]>> {
    let channel = "[a-z]{1,9}".prop_map(|code| ChannelCode::new(&code).expect("printable"));
    let open = proptest::collection::btree_map(channel, 1_u32..9, 0..3);
    let source = "[a-z]{1,9}".prop_map(|source| SourceId::new(&source).expect("printable"));
    let one = (source, any::<bool>(), open, any::<bool>()).prop_map(|(source, known, open, wrap_up)| SourceWork {
        source,
        known,
        work: Work::of(&open, wrap_up),
    });
    proptest::collection::vec(one, 0..3).prop_map(Into::into)
}

fn request_id() -> impl Strategy<Value = RequestId> {
    any::<u128>().prop_map(RequestId)
}

fn alert() -> impl Strategy<Value = AlertId> {
    prop_oneof![
        id().prop_map(AlertId::Overrun),
        id().prop_map(AlertId::WorkDuringPause),
        request_id().prop_map(AlertId::Request),
    ]
}

fn origin() -> impl Strategy<Value = Origin> {
    let start = (text(), proptest::option::of(id())).prop_map(|(note, replaces)| Origin::Start { note, replaces });
    prop_oneof![Just(Origin::Asked), start]
}

fn created() -> impl Strategy<Value = RequestCreated> {
    let at_timeout = prop_oneof![Just(AtTimeout::Refuse), Just(AtTimeout::Grant)];
    (request_id(), code(), span(), origin(), at(), at_timeout).prop_map(
        |(id, pause_type, extra, origin, expires_at, at_timeout)| RequestCreated {
            id,
            pause_type,
            extra,
            origin,
            expires_at,
            at_timeout,
        },
    )
}

fn grant() -> impl Strategy<Value = Grant> {
    let waives = prop_oneof![Just(Waives::Approval), Just(Waives::All)];
    (request_id(), code(), waives, span(), any::<u32>(), at())
        .prop_map(|(id, pause_type, waives, extra, uses, until)| Grant { id, pause_type, waives, extra, uses, until })
}

fn pause_request() -> impl Strategy<Value = PauseRequest> {
    let decided = || (actor(), at(), text()).prop_map(|(by, at, reason)| Decided { by, at, reason });
    let state = prop_oneof![
        Just(RequestState::Open),
        decided().prop_map(RequestState::Granted),
        decided().prop_map(RequestState::Refused),
        at().prop_map(|at| RequestState::Expired { at }),
        at().prop_map(|at| RequestState::Cancelled { at }),
    ];
    (created(), text(), at(), state).prop_map(|(created, reason, at, state)| {
        let RequestCreated { id, pause_type, extra, origin, expires_at, at_timeout } = created;
        PauseRequest { id, pause_type, reason, extra, origin, at, expires_at, at_timeout, state }
    })
}

fn deferred() -> impl Strategy<Value = Deferred> {
    let pause = (code(), text(), proptest::option::of(id()), any::<bool>(), proptest::option::of(offer_id())).prop_map(
        |(pause_type, note, replaces, overriding, offer)| DeferredTarget::Pause {
            pause_type,
            note,
            replaces,
            overriding,
            offer,
        },
    );
    let target = prop_oneof![status().prop_map(DeferredTarget::Status), pause];
    (target, at(), proptest::option::of(at()), actor(), text(), proptest::option::of(at())).prop_map(
        |(target, since, deadline_at, actor, reason, lost_at)| Deferred {
            target,
            since,
            deadline_at,
            actor,
            reason,
            lost_at,
        },
    )
}

fn usage() -> impl Strategy<Value = Usage> {
    let day =
        (0..40_000).prop_map(|day| Period::BusinessDay(NaiveDate::from_num_days_from_ce_opt(day).expect("a day")));
    let period = prop_oneof![at().prop_map(Period::Shift), day];
    let of_type =
        (code(), any::<u32>(), span(), any::<u32>(), at()).prop_map(|(pause_type, count, time, satisfied, last)| {
            TypeUsage { pause_type, used: Used { count, time }, satisfied, last }
        });
    let counted = (period, at(), at(), proptest::collection::vec(of_type, 0..3))
        .prop_map(|(period, since, last, types)| Usage::from(Counted { period, since, last, types: types.into() }));
    prop_oneof![Just(Usage::default()), counted]
}

fn record() -> impl Strategy<Value = AgentRecord> {
    let connection = prop_oneof![
        Just(Connection::Connected),
        (at(), at()).prop_map(|(since, until)| Connection::Grace { since, until }),
        proptest::option::of(at()).prop_map(|last_seen_at| Connection::Disconnected { last_seen_at }),
    ];
    let resume = (status(), at()).prop_map(|(status, lost_at)| Resume { status, lost_at });
    let ops = proptest::collection::vec(op(), 0..5).prop_map(OpMemory::from_records);
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    let chosen = (at(), actor(), proptest::sample::select(Cause::ALL.to_vec()), text());
    let queue = proptest::option::of(waiting().prop_map(Box::new));
    let occupancy = (sources(), any::<bool>(), at(), at())
        .prop_map(|(sources, blocks, at, presence_since)| Box::new(Occupancy { sources, blocks, at, presence_since }));
    let asked = (
        proptest::option::of(pause_request().prop_map(Box::new)),
        proptest::collection::vec(grant(), 0..3).prop_map(Into::into),
        proptest::collection::vec((alert(), actor(), at()).prop_map(|(alert, by, at)| Ack { alert, by, at }), 0..3)
            .prop_map(Into::into),
        proptest::collection::vec(at_risk(), 0..2).prop_map(Into::into),
    );
    let work = (proptest::option::of(deferred().prop_map(Box::new)), proptest::option::of(occupancy), asked);
    let plan = proptest::collection::vec(planned(), 0..3).prop_map(Plan::from);
    let shifts = (proptest::option::of(shift()), plan);
    // Boxed, or the stack of a test is too small for all of it in one value.
    let work = (queue.boxed(), work.boxed()).boxed();
    let (pending, resume) = (proptest::option::of(pending()).boxed(), proptest::option::of(resume).boxed());
    let rest = (pending, shifts.boxed(), resume, usage().boxed(), work).boxed();
    let (status, ops) = (agent_status().boxed(), ops.boxed());
    (numbers, connection.boxed(), status, chosen.boxed(), rest, ops).prop_map(
        |((seq, version, public), connection, status, (since, actor, cause, reason), rest, ops)| {
            let (pending, (shift, plan), resume, usage, (queue, (deferred, occupancy, asked))) = rest;
            let (request, grants, acks, at_risk) = asked;
            let agent = Agent {
                seq: AgentSeq(seq),
                version: AgentSeq(version),
                public_version: AgentSeq(public),
                connection,
                status,
                since,
                actor,
                cause,
                reason,
                pending,
                deferred,
                request,
                grants,
                acks,
                at_risk,
                occupancy,
                queue,
                shift,
                plan,
                resume,
                usage,
            };
            AgentRecord { agent, ops }
        },
    )
}

fn time() -> impl Strategy<Value = NaiveTime> {
    (0..86_400_u32).prop_map(|s| NaiveTime::from_num_seconds_from_midnight_opt(s, 0).expect("a time"))
}

fn window() -> impl Strategy<Value = Window> {
    let days = proptest::sample::subsequence(
        vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun],
        1..=7,
    );
    (days, time(), time())
        .prop_filter_map("from is until", |(days, from, until)| Window::new(WeekDays::of(days), from, until).ok())
}

fn pause_type() -> impl Strategy<Value = PauseType> {
    let startable = prop_oneof![Just(StartableBy::Agent), Just(StartableBy::Supervisor), Just(StartableBy::Both)];
    let quotas = (proptest::option::of(1_u32..1000), proptest::option::of(span()));
    let full = prop_oneof![Just(WhenFull::Refuse), Just(WhenFull::Queue)];
    let occupied = prop_oneof![Just(WhenOccupied::Defer), Just(WhenOccupied::Immediate), Just(WhenOccupied::Refuse)];
    let at_timeout = prop_oneof![Just(AtTimeout::Refuse), Just(AtTimeout::Grant)];
    let approval = (span(), at_timeout).prop_map(|(timeout, at_timeout)| Approval { timeout, at_timeout });
    let full = (full, occupied, proptest::option::of(approval));
    let spans = (span(), span(), span(), span());
    let cap = prop_oneof![
        (1_u32..100).prop_map(Cap::AtMost),
        (1_u8..=100).prop_map(Cap::Percent),
        (1_u32..100).prop_map(Cap::KeepAvailable),
    ];
    let caps = proptest::collection::btree_map(
        "[a-z]{1,9}".prop_map(|team| TeamId::new(&team).expect("printable")),
        cap,
        0..3,
    );
    let rules = (terms(), proptest::collection::vec(window(), 0..3), startable, quotas, spans, (caps, full)).prop_map(
        |(
            terms,
            windows,
            startable_by,
            (quota_count, quota_time),
            (not_in_first, not_in_last, cooldown, cooldown_any),
            (cap, (when_full, when_occupied, approval)),
        )| {
            PauseRules {
                paid: terms.paid,
                counts_as_work: terms.counts_as_work,
                min_duration: terms.min_duration,
                on_early_end: terms.on_early_end,
                refund_under: terms.refund_under,
                limit: terms.limit,
                warn_before: terms.warn_before.into_iter().collect(),
                grace: terms.grace,
                on_limit: terms.on_limit,
                escalate_after: terms.escalate_after.into_iter().collect(),
                windows,
                not_in_first,
                not_in_last,
                quota_count,
                quota_time,
                cooldown,
                cooldown_any,
                cap,
                approval,
                when_occupied,
                when_full,
                startable_by,
                ..PauseRules::default()
            }
        },
    );
    let kind = (rules, 0..3).prop_map(|(rules, class)| match class {
        0 => PauseKind::Regular(rules),
        1 => PauseKind::Entitlement(rules),
        _ => PauseKind::Protected,
    });
    let names = || proptest::collection::btree_map("[a-z]{2}", any::<String>(), 0..3);
    let team = "[a-z]{1,9}".prop_map(|team| TeamId::new(&team).expect("printable"));
    let teams = proptest::option::of(proptest::collection::btree_set(team, 0..3));
    let rest = (text(), text(), any::<i32>(), any::<bool>(), proptest::option::of(at()), teams);
    (code(), names(), names(), rest, kind).prop_map(
        |(code, name, description, (icon, color, position, enabled, archived_at, teams), kind)| PauseType {
            code,
            name,
            description,
            icon,
            color,
            position,
            enabled,
            archived_at,
            teams,
            kind,
        },
    )
}

proptest! {
    #[test]
    fn events_read_back_as_they_were(body in body(), reason in text(), actor in actor(), op in proptest::option::of(op())) {
        let event = AgentEvent {
            at: Timestamp(1), due_at: None, actor, cause: Cause::Agent, reason, policy_version: PolicyVersion(1), op, body,
        };
        let mut register = Register::default();
        let json = write_json(&EventForm::of(&event, &mut register));
        let form: EventForm = read_json(FORM, &json).expect("it reads");
        let (reason, body) = form.into_domain(&register).expect("it is of the domain");
        prop_assert_eq!((reason, body), (event.reason, event.body));
        let actor = ActorForm::of(&event.actor, &mut register).into_domain(&register);
        prop_assert_eq!(actor, Ok(event.actor));
        if let Some(op) = event.op {
            let columns = OpColumns::of(&op, &mut register);
            prop_assert_eq!(columns.into_domain(&register), Ok(op));
        }
    }

    #[test]
    fn states_read_back_as_they_were(record in record()) {
        let mut register = Register::default();
        let json = write_json(&AgentForm::of(&record, &mut register));
        let form: AgentForm = read_json(FORM, &json).expect("it reads");
        prop_assert_eq!(form.into_domain(&register), Ok(record));
    }

    #[test]
    fn pause_types_read_back_as_they_were(pause_type in pause_type().prop_flat_map(with_more)) {
        let mut register = Register::default();
        let form = PauseTypeForm::of(&pause_type, &mut register);
        prop_assert_eq!(form.into_domain(&register), Ok(pause_type));
    }
}

#[test]
fn a_form_of_a_newer_program_is_refused() {
    let read = read_json::<TenantEventForm>(FORM + 1, "{}");
    assert_eq!(read, Err(FormError::UnknownForm(2)));
    let json = r#"{"v":2,"event":{"server.started":{"grace_until":5}}}"#;
    let form: TenantEventForm = read_json(FORM, json).expect("it reads");
    assert_eq!(form.into_domain(&Register::default()), Err(FormError::UnknownForm(2)));
    let json = r#"{"v":1,"event":{"server.started":{"grace_until":5,"more":1}}}"#;
    assert!(matches!(read_json::<TenantEventForm>(FORM, json), Err(FormError::Json(_))));
}
