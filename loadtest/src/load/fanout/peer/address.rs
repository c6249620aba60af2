//! Which peer, and where it is: `nats=127.0.0.1:8002/127.0.0.1:4222@4711`.

use std::net::SocketAddr;
use std::str::FromStr;

/// What is spoken with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::load) enum Kind {
    /// A server of a few lines over axum and a broadcast channel (`loadtest/examples/broadcast.rs`).
    Axum,
    /// mosquitto: MQTT 3.1.1 over WebSocket.
    Mosquitto,
    /// nats-server: its own protocol over WebSocket.
    Nats,
    /// nginx with nchan.
    Nchan,
    /// A server of a few lines over Node's `ws` (`loadtest/peers/ws.mjs`).
    Ws,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Axum, Kind::Mosquitto, Kind::Nats, Kind::Nchan, Kind::Ws];

    pub(in crate::load) fn word(self) -> &'static str {
        match self {
            Kind::Axum => "axum",
            Kind::Mosquitto => "mosquitto",
            Kind::Nats => "nats",
            Kind::Nchan => "nchan",
            Kind::Ws => "ws",
        }
    }
}

/// A peer that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::load) struct PeerAddress {
    /// What is spoken with it.
    pub(in crate::load) kind: Kind,
    /// Where sockets are opened.
    pub(in crate::load) watch: SocketAddr,
    /// Where messages are sent to.
    pub(in crate::load) publish: SocketAddr,
    /// Its processes, for what they use.
    pub(in crate::load) pids: Vec<u32>,
}

impl FromStr for PeerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<PeerAddress, String> {
        let kinds = || Kind::ALL.map(Kind::word).join(", ");
        let (kind, place) = text.split_once('=').ok_or("must be KIND=ADDRESS[/ADDRESS][@PID+PID]")?;
        let kind = Kind::ALL.into_iter().find(|known| known.word() == kind);
        let kind = kind.ok_or_else(|| format!("the kinds are {}", kinds()))?;
        let (addresses, pids) = place.split_once('@').unwrap_or((place, ""));
        let (watch, publish) = addresses.split_once('/').unwrap_or((addresses, addresses));
        let address = |text: &str| text.parse().map_err(|_| format!("{text:?} is no address: 127.0.0.1:8001"));
        let pids = pids.split('+').filter(|pid| !pid.is_empty());
        let pids = pids.map(|pid| pid.parse().map_err(|_| format!("{pid:?} is no number of a process")));
        Ok(PeerAddress {
            kind,
            watch: address(watch)?,
            publish: address(publish)?,
            pids: pids.collect::<Result<Vec<u32>, String>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_where_and_whose() {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let nats = PeerAddress { kind: Kind::Nats, watch: local(1), publish: local(2), pids: vec![3, 4] };
        assert_eq!("nats=127.0.0.1:1/127.0.0.1:2@3+4".parse(), Ok(nats));
        let ws = PeerAddress { kind: Kind::Ws, watch: local(1), publish: local(1), pids: Vec::new() };
        assert_eq!("ws=127.0.0.1:1".parse(), Ok(ws));
        for wrong in ["nats", "redis=127.0.0.1:1", "ws=localhost", "ws=127.0.0.1:1@x"] {
            assert!(wrong.parse::<PeerAddress>().is_err(), "{wrong}");
        }
    }
}
