//! The boards of one socket.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use serde_json::Value;

use super::outlet::Outlet;
use super::{App, rpc};
use crate::auth::{Action, Principal, Scope};
use crate::domain::directory::Directory;
use crate::domain::id::TeamId;
use crate::hub::{self, Board, BoardFrame, HubError};
use crate::limits::Limit;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::methods::TeamsWanted;

/// The most boards on one socket: a person looks at a few, and each one's frames go through the same
/// pipe.
pub(super) const BOARDS_MAX: usize = 8;
/// When to try again for a board that the server cannot give at the moment.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The boards of one socket.
pub(super) struct Boards {
    viewed: Vec<Viewed>,
    /// Where frames go past the socket's own task.
    outlet: Option<Arc<Outlet>>,
}

struct Viewed {
    board: Board,
    teams: BTreeSet<TeamId>,
}

impl Boards {
    /// None yet.
    pub(super) fn new(outlet: Option<Arc<Outlet>>) -> Boards {
        Boards { viewed: Vec::new(), outlet }
    }

    /// Begins a board. Its first frame comes out of [`Boards::next`], after the reply.
    pub(super) fn subscribe(
        &mut self,
        app: &App,
        principal: &Principal,
        wanted: &TeamsWanted,
        cursor: Option<&str>,
    ) -> Result<Value, WireError> {
        let scope = principal.scope(Action::WatchBoard).map_err(|_| WireError::forbidden())?;
        let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
        let teams = reached(wanted, &scope, &facts.directory).ok_or_else(WireError::forbidden)?;
        // Looked for by what it shows: making a board that is not kept would cost the view a frame.
        if let Some(known) = self.viewed.iter().find(|viewed| viewed.teams == teams) {
            let message = "This socket has that board already.";
            return Err(WireError::new(ErrorKind::Conflict, "subscribed", message)
                .with("subscription", known.board.subscription()));
        }
        if self.viewed.len() >= BOARDS_MAX {
            Limit::Boards.reached();
            let message = format!("A socket has at most {BOARDS_MAX} boards; end one first.");
            return Err(WireError::new(ErrorKind::Refused, "too_many_boards", message).with("max", BOARDS_MAX));
        }
        let outlet = self.outlet.clone().map(|outlet| outlet as Arc<dyn hub::Outlet>);
        let board = app.hub.board_through(outlet, &principal.tenant, &teams, cursor).map_err(refused)?;
        let subscription = Value::from(board.subscription());
        self.viewed.push(Viewed { board, teams });
        Ok(subscription)
    }

    /// Ends a board.
    pub(super) fn unsubscribe(&mut self, subscription: &str) -> Result<Value, WireError> {
        let Some(at) = self.viewed.iter().position(|viewed| viewed.board.subscription() == subscription) else {
            return Err(WireError::new(ErrorKind::NotFound, "not_found", "This socket has no such board."));
        };
        self.viewed.remove(at);
        Ok(rpc::ended())
    }

    /// Ends the boards that the principal does not reach, and names them.
    pub(super) fn keep_reached_by(&mut self, principal: &Principal) -> Vec<String> {
        let scope = principal.scope(Action::WatchBoard);
        let (kept, ended) = std::mem::take(&mut self.viewed).into_iter().partition(|viewed| match &scope {
            Ok(Scope::Tenant) => true,
            Ok(Scope::Teams(own)) => viewed.teams.is_subset(own),
            Err(_) => false,
        });
        self.viewed = kept;
        ended.iter().map(|viewed| viewed.board.subscription().to_owned()).collect()
    }

    /// The next frame of any board; never, when there is none. Loses nothing when it is dropped.
    pub(super) async fn next(&mut self) -> BoardFrame {
        if self.viewed.is_empty() {
            return pending().await;
        }
        let nexts = self.viewed.iter_mut().map(|viewed| Box::pin(viewed.board.next()));
        let (frame, at, rest) = select_all(nexts).await;
        drop(rest);
        // The board that had its turn goes last, so that a busy one does not starve the others.
        self.viewed[at..].rotate_left(1);
        frame
    }
}

/// The teams that a board is to show; `None` when one of them is out of reach, or there is none.
fn reached(wanted: &TeamsWanted, scope: &Scope, directory: &Directory) -> Option<BTreeSet<TeamId>> {
    let is_reached = |team: &TeamId| {
        directory.teams.contains_key(team)
            && match scope {
                Scope::Tenant => true,
                Scope::Teams(own) => own.contains(team),
            }
    };
    let teams: BTreeSet<TeamId> = match wanted {
        TeamsWanted::All => directory.teams.keys().filter(|team| is_reached(team)).cloned().collect(),
        TeamsWanted::These(teams) => teams.iter().all(is_reached).then(|| teams.clone())?,
    };
    (!teams.is_empty()).then_some(teams)
}

fn refused(error: HubError) -> WireError {
    match error {
        HubError::UnknownTenant => WireError::forbidden(),
        HubError::Draining => WireError::unavailable(RETRY_AFTER),
        HubError::TooManyViews => {
            let message = "The tenant has as many different boards open as there may be.";
            WireError::new(ErrorKind::Refused, "too_many_boards", message)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::directory::{Team, Tenant};
    use crate::domain::id::{DirectoryVersion, TenantId};

    fn team(id: &str) -> TeamId {
        TeamId::new(id).expect("an id")
    }

    fn teams(ids: &[&str]) -> BTreeSet<TeamId> {
        ids.iter().map(|id| team(id)).collect()
    }

    #[test]
    fn one_foreign_or_unknown_team_is_enough_to_be_refused() {
        let tenant = Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), chrono_tz::UTC);
        let known = ["suporte", "vendas", "cobranca"]
            .map(|id| (team(id), Team { id: team(id), name: id.to_owned(), zone: None }));
        let directory = Directory {
            version: DirectoryVersion(1),
            tenant,
            teams: BTreeMap::from(known),
            agents: BTreeMap::new(),
            closing: None,
            channels: BTreeMap::new(),
        };
        let these = |ids| TeamsWanted::These(teams(ids));
        let own = Scope::Teams(teams(&["suporte", "vendas", "gone"]));
        let check = |wanted: &TeamsWanted, scope: &Scope| reached(wanted, scope, &directory);
        assert_eq!(check(&these(&["suporte"]), &own), Some(teams(&["suporte"])));
        assert_eq!(check(&these(&["suporte", "cobranca"]), &own), None, "foreign");
        assert_eq!(check(&these(&["suporte", "gone"]), &own), None, "unknown, though the credential names it");
        assert_eq!(check(&TeamsWanted::All, &own), Some(teams(&["suporte", "vendas"])));
        assert_eq!(check(&TeamsWanted::All, &Scope::Tenant), Some(teams(&["suporte", "vendas", "cobranca"])));
        assert_eq!(check(&these(&["nowhere"]), &Scope::Tenant), None);
        assert_eq!(check(&TeamsWanted::All, &Scope::Teams(BTreeSet::new())), None);
    }
}
