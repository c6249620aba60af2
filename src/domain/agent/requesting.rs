//! Requests for an exception: asked for, decided on, used (semantics §4).

use std::time::Duration;

use super::decide::Course;
use crate::domain::command::{Actor, Outcome, Refusal, Rejection, RequestDecision};
use crate::domain::event::{AgentEventBody, Cause, RequestCreated};
use crate::domain::id::{PauseId, PauseTypeCode, RequestId};
use crate::domain::policy::{APPROVAL_TIMEOUT, Approval, AtTimeout};
use crate::domain::request::{GRANT_LASTS, Grant, Origin, PauseRequest};
use crate::domain::rules::stands_against_asking;
use crate::domain::time::Timestamp;

use super::deferring::Wish;

impl Course<'_> {
    /// An exception is asked for; the latest one counts.
    pub(super) fn create_request(&mut self, code: &PauseTypeCode, extra: Duration) -> Result<Outcome, Rejection> {
        if let Some(refusal) = stands_against_asking(code, self.context()) {
            return Err(refusal.into());
        }
        let same = |open: &PauseRequest| open.pause_type == *code && open.extra == extra && !open.is_of_start();
        if let Some(open) = self.agent.open_request().filter(|open| same(open)) {
            return Ok(Outcome::Asked { request: open.id });
        }
        let approval = Approval { timeout: GRANT_LASTS, at_timeout: AtTimeout::Refuse };
        let request = self.open_request(code, extra, Origin::Asked, approval);
        Ok(Outcome::Asked { request })
    }

    /// A start that somebody has to agree to.
    pub(super) fn ask_for_approval(
        &mut self,
        code: &PauseTypeCode,
        note: Option<String>,
        replaces: Option<PauseId>,
        approval: Option<Approval>,
    ) -> Outcome {
        let same = |open: &PauseRequest| open.pause_type == *code && open.is_of_start();
        if !self.agent.open_request().is_some_and(same) {
            let default = Approval { timeout: APPROVAL_TIMEOUT, at_timeout: AtTimeout::Refuse };
            let origin = Origin::Start { note, replaces };
            self.open_request(code, Duration::ZERO, origin, approval.unwrap_or(default));
        }
        Outcome::Requested
    }

    fn open_request(&mut self, code: &PauseTypeCode, extra: Duration, origin: Origin, approval: Approval) -> RequestId {
        self.drop_request(self.cause(), |_| true);
        let context = self.context();
        let id = RequestId(context.fresh_id.0);
        let created = RequestCreated {
            id,
            pause_type: code.clone(),
            extra,
            origin,
            expires_at: context.now + approval.timeout,
            at_timeout: approval.at_timeout,
        };
        self.happens(self.cause(), AgentEventBody::RequestCreated(Box::new(created)));
        id
    }

    /// Takes an open request back, if it is one of these.
    pub(super) fn drop_request(&mut self, cause: Cause, which: impl Fn(&PauseRequest) -> bool) {
        if let Some(request) = self.agent.open_request().filter(|request| which(request)) {
            let request = request.id;
            self.happens(cause, AgentEventBody::RequestCancelled { request });
        }
    }

    /// The one request that there can be is taken back, whatever its id.
    pub(super) fn cancel_open_request(&mut self) -> Result<Outcome, Rejection> {
        if self.agent.open_request().is_none() {
            return Err(Refusal::NothingPending.into());
        }
        self.drop_request(self.cause(), |_| true);
        Ok(Outcome::Done)
    }

    pub(super) fn cancel_request(&mut self, id: RequestId) -> Result<Outcome, Rejection> {
        self.open(id)?;
        self.happens(self.cause(), AgentEventBody::RequestCancelled { request: id });
        Ok(Outcome::Done)
    }

    pub(super) fn decide_request(&mut self, id: RequestId, decision: RequestDecision) -> Result<Outcome, Rejection> {
        let request = self.open(id)?;
        let own = self.actor().id() == Some(self.context().person.id.as_str());
        if own {
            return Err(Refusal::OwnRequest.into());
        }
        match decision {
            RequestDecision::Refuse => {
                self.happens(self.cause(), AgentEventBody::RequestDecided { request: id, grant: None });
            }
            RequestDecision::Grant { uses, until } => self.grant(request, uses, until, self.cause()),
        }
        Ok(Outcome::Done)
    }

    /// Nobody decided in time.
    pub(super) fn meet_request_timeout(&mut self) {
        let Some(request) = self.agent.open_request().cloned() else { return };
        match request.at_timeout {
            AtTimeout::Refuse => {
                self.happens(Cause::Limit, AgentEventBody::RequestExpired { request: request.id });
            }
            AtTimeout::Grant => self.grant(request, 1, None, Cause::Limit),
        }
    }

    fn open(&self, id: RequestId) -> Result<PauseRequest, Refusal> {
        let request =
            self.agent.request.as_deref().filter(|request| request.id == id).ok_or(Refusal::NothingPending)?;
        let closed_by = request.closed_by(&self.context().person.id);
        closed_by.map_or_else(|| Ok(request.clone()), |by| Err(Refusal::AlreadyDecided { by }))
    }

    fn grant(&mut self, request: PauseRequest, uses: u32, until: Option<Timestamp>, cause: Cause) {
        let now = self.context().now;
        let grant = Grant {
            id: request.id,
            pause_type: request.pause_type.clone(),
            waives: request.waives(),
            extra: request.extra,
            uses: uses.max(1),
            until: until.unwrap_or(now + GRANT_LASTS),
        };
        self.happens(cause, AgentEventBody::RequestDecided { request: request.id, grant: Some(grant) });
        let running = self.agent.pause().filter(|pause| pause.pause_type == request.pause_type);
        let longer =
            running.filter(|pause| pause.terms.limit.is_some() && !request.extra.is_zero()).map(|pause| pause.id);
        if let Some(pause) = longer {
            // More time is asked for in the pause that it is for.
            self.happens(cause, AgentEventBody::PauseExtended { pause, by: request.extra });
            self.happens(cause, AgentEventBody::GrantUsed { grant: request.id, pause });
        }
        if let Origin::Start { note, replaces } = request.origin {
            let code = request.pause_type;
            let wish = Wish { code: &code, note, replaces, overriding: false, waited: false };
            let agent = Actor::Agent(self.context().person.id.clone());
            self.in_the_name_of(agent, None, |course| {
                if let Err(refusal) = course.start_for_them(wish) {
                    course.refused(code.clone(), &refusal);
                }
            });
        }
    }
}
