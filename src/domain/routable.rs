//! May work be routed to an agent, and why not (semantics §1).

use super::directory::Directory;
use super::id::{ChannelCode, TeamId};
use super::occupancy::Load;
use super::presence::{AgentView, ConnectionWord, NotRoutable, StatusWord};

/// The work that is to be routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted<'a> {
    /// For this team; none means any.
    pub team: Option<&'a TeamId>,
    /// On this channel; none means any.
    pub channel: Option<&'a ChannelCode>,
}

/// Why no such work may be routed to an agent, by what everybody is shown of them; none when it may. Of several reasons
/// the first in the order of [`NotRoutable`].
pub fn not_routable(view: &AgentView, wanted: Wanted<'_>, directory: &Directory) -> Option<NotRoutable> {
    let load = &view.load;
    let left = view.person.left_at.is_some();
    of_status(view.status, view.connection, view.deferred.is_some())
        .or_else(|| left.then_some(NotRoutable::Offline))
        .or_else(|| of_load(load))
        .or_else(|| is_full(view, wanted.channel, directory).then_some(NotRoutable::AtCapacity))
        .or_else(|| load.unknown.then_some(NotRoutable::OccupancyUnknown))
        .or_else(|| {
            let foreign = |team: &TeamId| !view.person.teams.contains(team);
            wanted.team.is_some_and(foreign).then_some(NotRoutable::NotInTeam)
        })
        .or_else(|| {
            let closed = |code: &ChannelCode| directory.channels.get(code).is_none_or(|channel| !channel.enabled);
            wanted.channel.is_some_and(closed).then_some(NotRoutable::ChannelDisabled)
        })
}

fn of_status(status: StatusWord, connection: ConnectionWord, pending: bool) -> Option<NotRoutable> {
    match (status, connection) {
        (StatusWord::Offline, _) => Some(NotRoutable::Offline),
        (_, ConnectionWord::Grace | ConnectionWord::Disconnected) => Some(NotRoutable::Disconnected),
        (StatusWord::Paused, ConnectionWord::Connected) => Some(NotRoutable::Paused),
        (_, ConnectionWord::Connected) if pending => Some(NotRoutable::Pending),
        (StatusWord::Unavailable, ConnectionWord::Connected) => Some(NotRoutable::Unavailable),
        (StatusWord::Available, ConnectionWord::Connected) => None,
    }
}

fn of_load(load: &Load) -> Option<NotRoutable> {
    load.wrap_up.then_some(NotRoutable::WrapUp)
}

fn is_full(view: &AgentView, channel: Option<&ChannelCode>, directory: &Directory) -> bool {
    match channel {
        Some(channel) => view.load.fills(channel, &view.person, directory),
        None => view.load.fills_all(&view.person, directory),
    }
}
