//! Alerts: what a supervisor should look at, and that one has (semantics §5, §8).

use std::fmt;
use std::str::FromStr;

use super::agent::Agent;
use super::command::Actor;
use super::findings::WORK_DURING_PAUSE;
use super::id::{PauseId, RequestId, RiskId, WideIdError};
use super::time::Timestamp;

/// The stable word for a pause that is owed and about to lapse.
const AT_RISK: &str = "at_risk";

/// An alert: the same for as long as it lasts, on every board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertId {
    /// A pause is over limit and grace.
    Overrun(PauseId),
    /// More work came in during a pause.
    WorkDuringPause(PauseId),
    /// A request is open.
    Request(RequestId),
    /// A pause that is owed is about to lapse.
    AtRisk(RiskId),
}

/// A supervisor has seen an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The alert.
    pub alert: AlertId,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl AlertId {
    /// The stable word of its kind.
    pub fn kind(self) -> &'static str {
        match self {
            AlertId::Overrun(_) => "overrun",
            AlertId::WorkDuringPause(_) => WORK_DURING_PAUSE,
            AlertId::Request(_) => "request",
            AlertId::AtRisk(_) => AT_RISK,
        }
    }
}

impl fmt::Display for AlertId {
    /// Writes `kind:id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind())?;
        match self {
            AlertId::Overrun(pause) | AlertId::WorkDuringPause(pause) => write!(f, "{pause}"),
            AlertId::Request(request) => write!(f, "{request}"),
            AlertId::AtRisk(risk) => write!(f, "{risk}"),
        }
    }
}

/// A text that is no alert's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an alert's id such as overrun:01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct AlertIdError;

impl From<WideIdError> for AlertIdError {
    fn from(_: WideIdError) -> AlertIdError {
        AlertIdError
    }
}

impl FromStr for AlertId {
    type Err = AlertIdError;

    fn from_str(text: &str) -> Result<AlertId, AlertIdError> {
        match text.split_once(':').ok_or(AlertIdError)? {
            ("overrun", id) => Ok(AlertId::Overrun(id.parse()?)),
            (WORK_DURING_PAUSE, id) => Ok(AlertId::WorkDuringPause(id.parse()?)),
            ("request", id) => Ok(AlertId::Request(id.parse()?)),
            (AT_RISK, id) => Ok(AlertId::AtRisk(id.parse()?)),
            (_, _) => Err(AlertIdError),
        }
    }
}

impl Agent {
    /// True while an alert lasts.
    pub fn has_alert(&self, alert: AlertId) -> bool {
        let pause = |id: PauseId| self.pause().filter(|pause| pause.id == id);
        match alert {
            AlertId::Overrun(id) => pause(id).is_some_and(|pause| pause.fired.overran_at.is_some()),
            AlertId::WorkDuringPause(id) => pause(id).is_some_and(|pause| pause.worked_at.is_some()),
            AlertId::Request(id) => self.open_request().is_some_and(|request| request.id == id),
            AlertId::AtRisk(id) => self.at_risk.iter().any(|risk| risk.id == id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_print() {
        let alerts = [
            AlertId::Overrun(PauseId(7)),
            AlertId::WorkDuringPause(PauseId(8)),
            AlertId::Request(RequestId(9)),
            AlertId::AtRisk(RiskId(10)),
        ];
        for alert in alerts {
            assert_eq!(alert.to_string().parse(), Ok(alert));
        }
        for bad in ["", "overrun", "overrun:", "late:01890a5d-ac96-774b-bcce-b302099a8057", "overrun:x"] {
            assert_eq!(bad.parse::<AlertId>(), Err(AlertIdError), "{bad}");
        }
    }
}
