//! The words by which the protocol, the journal and the import file name things: they never change.

use intervalo::domain::alert::AlertId;
use intervalo::domain::closing::ClosingStep;
use intervalo::domain::command::{Actor, AfterEnd, Cancelled, PauseAtSignOut, Refusal};
use intervalo::domain::event::{AgentEventBody, Cause, ChosenStatus, TenantEventBody};
use intervalo::domain::id::{AgentId, DirectoryVersion, PauseId, PolicyVersion, PrincipalId, RequestId};
use intervalo::domain::overrides::RuleField;
use intervalo::domain::policy::{OnLimit, PauseClass};
use intervalo::domain::policy_plans::PolicyStep;
use intervalo::domain::policy_words::{CLASSES, LIMIT_ENDS, word_of};
use intervalo::domain::request::{Decided, RequestState, Waives};
use intervalo::domain::rules::VerdictOutcome;
use intervalo::domain::shift::PlanError;
use intervalo::domain::time::Timestamp;

#[test]
fn whoever_acts_is_named_by_kind_and_id() {
    let principal = || PrincipalId::new("sofia").expect("an id");
    let actors = [
        (Actor::Agent(AgentId::new("ana").expect("an id")), "agent", Some("ana")),
        (Actor::Supervisor(principal()), "supervisor", Some("sofia")),
        (Actor::Admin(principal()), "admin", Some("sofia")),
        (Actor::Integration(principal()), "integration", Some("sofia")),
        (Actor::System, "system", None),
    ];
    for (actor, kind, id) in actors {
        assert_eq!((actor.kind(), actor.id()), (kind, id));
    }
}

#[test]
fn choices_have_their_words() {
    let cancelled = [Cancelled::Pending, Cancelled::Queue, Cancelled::Request];
    assert_eq!(cancelled.map(Cancelled::as_str), ["pending", "queue", "request"]);
    assert_eq!([AfterEnd::Available, AfterEnd::Unavailable].map(AfterEnd::as_str), ["available", "unavailable"]);
    assert_eq!([PauseAtSignOut::KeepEntitlement, PauseAtSignOut::End].map(PauseAtSignOut::as_str), ["keep", "end"]);
    let statuses = [ChosenStatus::Offline, ChosenStatus::Available, ChosenStatus::Unavailable];
    assert_eq!(statuses.map(ChosenStatus::as_str), ["offline", "available", "unavailable"]);
    let classes = [PauseClass::Regular, PauseClass::Entitlement, PauseClass::Protected];
    assert_eq!(classes.map(PauseClass::as_str), ["regular", "entitlement", "protected"]);
    assert_eq!(classes.map(|class| word_of(&CLASSES, &class)), classes.map(PauseClass::as_str));
    assert_eq!(word_of(&LIMIT_ENDS, &OnLimit::SignOut), "sign_out");
    let outcomes = [
        VerdictOutcome::Started,
        VerdictOutcome::Queued,
        VerdictOutcome::Pending,
        VerdictOutcome::Requested,
        VerdictOutcome::Refused,
    ];
    assert_eq!(outcomes.map(VerdictOutcome::as_str), ["started", "queued", "pending", "requested", "refused"]);
    assert!(outcomes.is_sorted(), "requested > pending > queued > started (semantics §4)");
}

#[test]
fn semantics_4_requests_and_what_a_grant_waives_have_their_words() {
    let at = Timestamp(1);
    let decided = || Decided { by: Actor::System, at, reason: None };
    let states = [
        (RequestState::Open, "open", false),
        (RequestState::Granted(decided()), "granted", true),
        (RequestState::Refused(decided()), "refused", true),
        (RequestState::Expired { at }, "expired", false),
        (RequestState::Cancelled { at }, "cancelled", false),
    ];
    for (state, word, is_decided) in states {
        assert_eq!((state.as_str(), state.decided().is_some()), (word, is_decided));
    }
    assert_eq!(Waives::Approval.codes(), ["approval_required"]);
    let all = [
        "outside_window",
        "shift_head",
        "shift_tail",
        "cooldown",
        "quota_count",
        "quota_time",
        "approval_required",
        "held",
    ];
    assert_eq!(Waives::All.codes(), all);
    for (code, by_approval, by_all) in
        [("approval_required", true, true), ("cooldown", false, true), ("slots_full", false, false)]
    {
        assert_eq!((Waives::Approval.has(code), Waives::All.has(code)), (by_approval, by_all), "{code}");
    }
}

#[test]
fn semantics_10_events_and_causes_have_their_names() {
    let pause = PauseId(7);
    let of_agents = [
        (AgentEventBody::Connected { shift: None }, "agent.connected"),
        (AgentEventBody::SignedOut, "agent.signed_out"),
        (AgentEventBody::PauseAnnotated { pause }, "pause.annotated"),
        (AgentEventBody::RequestExpired { request: RequestId(7) }, "request.expired"),
    ];
    for (body, name) in of_agents {
        assert_eq!(body.name(), name);
    }
    let planned = |step| TenantEventBody::PolicyPlanned { step, reason: None };
    let closing = |step| TenantEventBody::Closing { step, version: DirectoryVersion(2) };
    let at = Timestamp(1);
    let of_tenants = [
        (TenantEventBody::PolicyPublished { version: PolicyVersion(2), reason: None }, "policy.published"),
        (planned(PolicyStep::Drafted { base_version: PolicyVersion(1) }), "policy.drafted"),
        (planned(PolicyStep::Scheduled { takes_effect_at: at, loosen_only: false }), "policy.scheduled"),
        (planned(PolicyStep::Withdrawn), "policy.withdrawn"),
        (
            TenantEventBody::DirectoryChanged { version: DirectoryVersion(2), added: 0, changed: 1, removed: 0 },
            "directory.changed",
        ),
        (closing(ClosingStep::Closed), "tenant.closed"),
        (closing(ClosingStep::Reopened), "tenant.reopened"),
    ];
    for (body, name) in of_tenants {
        assert_eq!(body.name(), name);
    }
    let causes = [Cause::Agent, Cause::Supervisor, Cause::Limit, Cause::Abandoned, Cause::ChangedType];
    assert_eq!(causes.map(Cause::as_str), ["agent", "supervisor", "limit", "abandoned", "changed_type"]);
}

#[test]
fn refusals_alerts_and_plans_that_cannot_be_have_their_words() {
    assert_eq!((Refusal::AgentOffline.code(), Refusal::NoOffer.code()), ("agent_offline", "no_offer"));
    let alerts = [
        (AlertId::Overrun(PauseId(7)), "overrun"),
        (AlertId::WorkDuringPause(PauseId(7)), "work_during_pause"),
        (AlertId::Request(RequestId(7)), "request"),
    ];
    for (alert, kind) in alerts {
        assert_eq!(alert.kind(), kind);
        assert_eq!(alert.to_string().parse::<AlertId>(), Ok(alert));
    }
    assert_eq!([PlanError::TooMany.field(), PlanError::TooLong.field()], ["day", "end"]);
}

#[test]
fn semantics_3_every_rule_is_found_by_its_name() {
    let names: Vec<&str> = RuleField::ALL.into_iter().map(RuleField::name).collect();
    for (at, field) in RuleField::ALL.into_iter().enumerate() {
        assert_eq!(RuleField::of_name(field.name()), Some(field));
        assert_eq!(names.iter().position(|name| *name == field.name()), Some(at), "each name is another one");
    }
    assert_eq!(RuleField::Limit.name(), "limit");
    assert_eq!(RuleField::of_name("cap"), None, "a cap is of the type alone");
}
