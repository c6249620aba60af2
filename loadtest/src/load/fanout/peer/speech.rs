//! What each peer is told: by whoever listens, and by whoever speaks.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::address::{Kind, PeerAddress};
use crate::load::crowd::{BINARY, TEXT, upgrade_to, write_masked};
use crate::load::failure::{Failure, Outcome, While};

/// How long a peer may take to answer while it is spoken to alone.
const PATIENCE: Duration = Duration::from_secs(10);
/// What all listen to.
const SUBJECT: &str = "board";
/// A head that does not end by then is none.
const HEAD_BYTES_MAX: usize = 16 * 1024;

impl Kind {
    /// The path at which sockets are opened, and the subprotocol of MQTT.
    fn door(self) -> (&'static str, Option<&'static str>) {
        match self {
            Kind::Axum | Kind::Nchan | Kind::Ws => ("/sub", None),
            Kind::Nats => ("/", None),
            Kind::Mosquitto => ("/mqtt", Some("mqtt")),
        }
    }

    /// Whoever has a socket hears.
    pub(super) fn is_ready_at_once(self) -> bool {
        self.word_of_readiness().is_empty()
    }

    /// What is answered when a socket hears what is said from now on.
    pub(super) fn word_of_readiness(self) -> &'static [u8] {
        match self {
            Kind::Axum | Kind::Nchan | Kind::Ws => b"",
            Kind::Nats => b"PONG",
            // SUBACK of the packet 1 with quality of service 0 (MQTT 3.1.1 §3.9).
            Kind::Mosquitto => &[0x90, 3, 0, 1, 0],
        }
    }

    /// What a socket says to be let hear.
    fn subscription(self) -> Vec<u8> {
        let mut frames = Vec::new();
        match self {
            Kind::Axum | Kind::Nchan | Kind::Ws => {}
            Kind::Nats => {
                let words = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {SUBJECT} 1\r\nPING\r\n");
                write_masked(&mut frames, TEXT, words.as_bytes());
            }
            Kind::Mosquitto => {
                write_masked(&mut frames, BINARY, &mqtt_connect());
                write_masked(&mut frames, BINARY, &mqtt_subscribe());
            }
        }
        frames
    }
}

/// A socket that listens, with the upgrade behind it.
pub(super) fn watch(address: &PeerAddress) -> Outcome<TcpStream> {
    let doing = || format!("cannot open a socket of {} at {}", address.kind.word(), address.watch);
    let mut stream = connect(address.watch).while_doing(doing())?;
    let (path, subprotocol) = address.kind.door();
    let request = upgrade_to(path, subprotocol, address.watch);
    stream.write_all(&request).while_doing(doing())?;
    let head = read_head(&mut stream).while_doing(doing())?;
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(Failure::new(format!("{}: {}", doing(), head.lines().next().unwrap_or_default())));
    }
    stream.write_all(&address.kind.subscription()).while_doing(doing())?;
    Ok(stream)
}

/// Reads to the end of a head and not a byte further: frames may follow.
fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > HEAD_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whoever speaks.
pub(super) struct Publisher {
    kind: Kind,
    address: SocketAddr,
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Publisher {
    pub(super) fn connect(peer: &PeerAddress) -> Outcome<Publisher> {
        let doing = || format!("cannot speak to {} at {}", peer.kind.word(), peer.publish);
        let mut stream = connect(peer.publish).while_doing(doing())?;
        match peer.kind {
            Kind::Axum | Kind::Nchan | Kind::Ws => {}
            Kind::Nats => {
                stream.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n").while_doing(doing())?
            }
            Kind::Mosquitto => {
                stream.write_all(&mqtt_connect()).while_doing(doing())?;
                // CONNACK (MQTT 3.1.1 §3.2).
                let mut answer = [0; 4];
                stream.read_exact(&mut answer).while_doing(doing())?;
                if answer[3] != 0 {
                    return Err(Failure::new(format!("{}: it refused with {}", doing(), answer[3])));
                }
            }
        }
        stream.set_nonblocking(true).while_doing(doing())?;
        Ok(Publisher { kind: peer.kind, address: peer.publish, stream, bytes: Vec::new() })
    }

    /// Sends a message to all.
    pub(super) fn publish(&mut self, message: &[u8]) -> Outcome<()> {
        self.bytes.clear();
        match self.kind {
            Kind::Axum | Kind::Nchan | Kind::Ws => {
                let head = format!(
                    "POST /pub HTTP/1.1\r\nhost: {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
                    self.address,
                    message.len()
                );
                self.bytes.extend_from_slice(head.as_bytes());
                self.bytes.extend_from_slice(message);
            }
            Kind::Nats => {
                self.bytes.extend_from_slice(format!("PUB {SUBJECT} {}\r\n", message.len()).as_bytes());
                self.bytes.extend_from_slice(message);
                self.bytes.extend_from_slice(b"\r\n");
            }
            Kind::Mosquitto => mqtt_publish(&mut self.bytes, message),
        }
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::new(format!("{} ended: {error}", self.kind.word()))),
            }
        }
        Ok(())
    }

    /// Reads what the peer says to it and throws it away, so that it can go on.
    pub(super) fn forget_answers(&mut self) -> Outcome<()> {
        let mut answers = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut answers) {
                Ok(0) => return Err(Failure::new(format!("{} closed the connection", self.kind.word()))),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::new(format!("{} ended: {error}", self.kind.word()))),
            }
        }
    }
}

/// CONNECT with a clean session, no name and no keep-alive (MQTT 3.1.1 §3.1).
fn mqtt_connect() -> Vec<u8> {
    vec![0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 0x02, 0, 0, 0, 0]
}

/// SUBSCRIBE, packet 1, with quality of service 0 (§3.8).
fn mqtt_subscribe() -> Vec<u8> {
    let length = 2 + 2 + SUBJECT.len() + 1;
    let mut packet = vec![0x82, length as u8, 0, 1, 0, SUBJECT.len() as u8];
    packet.extend_from_slice(SUBJECT.as_bytes());
    packet.push(0);
    packet
}

/// PUBLISH with quality of service 0 (§3.3).
fn mqtt_publish(packet: &mut Vec<u8>, message: &[u8]) {
    packet.push(0x30);
    let mut length = 2 + SUBJECT.len() + message.len();
    // Seven bits a byte, the lowest first (§2.2.3).
    loop {
        let more = length >> 7;
        packet.push((length & 0x7f) as u8 | if more > 0 { 0x80 } else { 0 });
        length = more;
        if length == 0 {
            break;
        }
    }
    packet.extend_from_slice(&[0, SUBJECT.len() as u8]);
    packet.extend_from_slice(SUBJECT.as_bytes());
    packet.extend_from_slice(message);
}
