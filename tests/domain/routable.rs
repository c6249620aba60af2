//! May work be routed to an agent, and the first of the reasons why not (semantics §1).

use intervalo::domain::id::{ChannelCode, TeamId};
use intervalo::domain::presence::NotRoutable;
use intervalo::domain::routable::{Wanted, not_routable};

use crate::script::check;

const TEAM: &str = r#"
    team suporte
    team vendas
    channel voice blocks capacity 1
    channel chat capacity 2
    channel fax off
    agent ana team suporte
    type cafe
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
    09:00 ana status available              -> available
"#;

/// What is answered of work of a team and a channel, where one is named.
fn asked(script: &str, team: &str, channel: &str) -> Option<NotRoutable> {
    let world = check(&format!("{TEAM}\n{script}"));
    let (team, channel) = (TeamId::new(team).ok(), ChannelCode::new(channel).ok());
    let wanted = Wanted { team: team.as_ref(), channel: channel.as_ref() };
    not_routable(&world.public_view(), wanted, &world.directory)
}

#[test]
fn whoever_is_ready_gets_work_of_their_teams_on_channels_that_are_open() {
    for (team, channel, why) in [
        ("", "", None),
        ("suporte", "voice", None),
        ("suporte", "chat", None),
        ("vendas", "", Some(NotRoutable::NotInTeam)),
        ("", "fax", Some(NotRoutable::ChannelDisabled)),
        ("", "telex", Some(NotRoutable::ChannelDisabled)),
        ("vendas", "fax", Some(NotRoutable::NotInTeam)),
    ] {
        assert_eq!(asked("", team, channel), why, "{team} {channel}");
    }
}

#[test]
fn of_several_reasons_the_first_is_told() {
    let talks = "09:01 ana works voice=1 -> works voice=1";
    for (script, channel, why) in [
        (talks, "voice", Some(NotRoutable::AtCapacity)),
        (talks, "chat", None),
        (talks, "", None),
        ("09:01 ana works voice=1,chat=2 -> works chat=2 voice=1", "", Some(NotRoutable::AtCapacity)),
        ("09:01 ana works wrap_up -> works wrap_up", "chat", Some(NotRoutable::WrapUp)),
        ("09:01 ana status unavailable -> unavailable", "fax", Some(NotRoutable::Unavailable)),
        ("09:01 ana pause.start cafe -> started cafe", "", Some(NotRoutable::Paused)),
        ("09:01 ana disconnects -> grace until 09:02", "", Some(NotRoutable::Disconnected)),
        ("09:01 ana sign_out -> signed_out (sign_out)", "", Some(NotRoutable::Offline)),
    ] {
        assert_eq!(asked(script, "vendas", channel), why.or(Some(NotRoutable::NotInTeam)), "{script} {channel}");
        assert_eq!(asked(script, "suporte", channel), why, "{script} {channel}");
    }
    let waits = format!("{talks}\n09:02 ana pause.start cafe -> pending cafe until 09:12");
    assert_eq!(asked(&waits, "", ""), Some(NotRoutable::Pending));
}
