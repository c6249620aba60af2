//! Declared shifts, byte by byte.

use super::*;

#[test]
fn planned_shifts_are_stored_as_they_always_were() {
    let day = NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day");
    let shift =
        |meal| PlannedShift::new(day, Timestamp(1000), Timestamp(9000), Duration::from_secs(meal)).expect("one");
    let event = |body| {
        let event = AgentEvent {
            at: Timestamp(1),
            due_at: None,
            actor: Actor::System,
            cause: Cause::Admin,
            reason: None,
            policy_version: PolicyVersion(1),
            op: None,
            body,
        };
        write_json(&EventForm::of(&event, &mut Register::default()))
    };
    let planned =
        r#"{"v":1,"event":{"shift.planned":{"day":"2026-11-26","start":1000,"end":9000,"unpaid_meal_ms":3000}}}"#;
    assert_eq!(event(AgentEventBody::ShiftPlanned(shift(3))), planned);
    let without = r#"{"v":1,"event":{"shift.planned":{"day":"2026-11-26","start":1000,"end":9000}}}"#;
    assert_eq!(event(AgentEventBody::ShiftPlanned(shift(0))), without);
    let cancelled = r#"{"v":1,"event":{"shift.cancelled":{"day":"2026-11-26"}}}"#;
    assert_eq!(event(AgentEventBody::ShiftCancelled { day }), cancelled);
    let mut agent = Agent::unseen(AgentId::new("ana").expect("an id"));
    let state = |agent: &Agent| {
        let record = AgentRecord { agent: agent.clone(), ops: OpMemory::default() };
        write_json(&AgentForm::of(&record, &mut Register::default()))
    };
    assert!(!state(&agent).contains("plan"), "nothing is stored of who has no plan");
    agent.plan = Plan::from(vec![shift(3)]);
    assert!(state(&agent).contains(r#""plan":[["2026-11-26",1000,9000,3000]]"#), "{}", state(&agent));
    let broken = planned.replace("9000", "1000");
    let form: EventForm = read_json(FORM, &broken).expect("it reads");
    assert!(matches!(form.into_domain(&Register::default()), Err(FormError::Contradiction(_))));
}
