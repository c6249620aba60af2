//! The codes of findings: what labour law or the rules would call irregular, on record as `finding.recorded`.

/// A superior ended an entitlement under its minimum.
pub const ENTITLEMENT_ENDED_EARLY: &str = "entitlement_ended_early";
/// More work came in during a pause.
pub const WORK_DURING_PAUSE: &str = "work_during_pause";

/// What the code of a rule that was set aside begins with.
const WAIVED: &str = "waived_";

/// A superior set a rule aside, by the rule's code.
pub fn waived(code: &str) -> String {
    format!("{WAIVED}{code}")
}

/// True for the code of a rule that was set aside.
pub fn is_waived(finding: &str) -> bool {
    finding.starts_with(WAIVED)
}
