//! A peer that this test plays.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::round::{self, Asking};
use super::*;
use crate::load::crowd::write_plain_text;
use crate::load::drive::Plan;
use crate::load::interrupt::Interrupt;

const PLAN: Plan = Plan { warm_up: Duration::from_millis(20), time: Duration::from_millis(200) };

fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length > 0) {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

/// Lets so many sockets listen, then says to each what is posted; `bend` may change what is said.
fn serve(listener: TcpListener, sockets: usize, bend: fn(usize, Vec<u8>) -> Vec<u8>) {
    let mut watching = Vec::new();
    for _ in 0..sockets {
        let (mut stream, _) = listener.accept().expect("a socket");
        let asked = head(&mut stream);
        assert!(asked.starts_with("GET /sub HTTP/1.1\r\n"), "{asked}");
        let key = asked.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("a key");
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {accept}\r\n\r\n");
        stream.write_all(answer.as_bytes()).expect("written");
        watching.push(stream);
    }
    let (mut speaker, _) = listener.accept().expect("a speaker");
    for said in 0.. {
        let asked = head(&mut speaker);
        let Some(length) = asked.lines().find_map(|line| line.strip_prefix("content-length: ")) else { return };
        let mut message = vec![0; length.parse().expect("a number")];
        speaker.read_exact(&mut message).expect("a message");
        let mut frame = Vec::new();
        write_plain_text(&mut frame, &bend(said, message));
        // Whoever has seen enough is gone.
        watching.iter_mut().for_each(|stream| drop(stream.write_all(&frame)));
        if speaker.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn peer(sockets: usize, bend: fn(usize, Vec<u8>) -> Vec<u8>) -> (PeerAddress, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let pid = std::process::id();
    let serving = std::thread::spawn(move || serve(listener, sockets, bend));
    (format!("ws={address}@{pid}").parse().expect("an address"), serving)
}

fn round(asking: Asking, bend: fn(usize, Vec<u8>) -> Vec<u8>) -> Outcome<round::Measured> {
    let (address, serving) = peer(5, bend);
    let mut crowd = Crowd::new(Interrupt::none()).expect("a crowd");
    let mut peer = Peer::start(&mut crowd, &address, 5, 700).expect("a peer");
    let measured = round::run(&mut crowd, &mut peer, asking, PLAN);
    drop((peer, crowd));
    serving.join().expect("no panic");
    measured
}

#[test]
fn every_socket_hears_every_message() {
    let open = round(Asking::Open { per_second: 100.0 }, |_, message| message).expect("measured");
    assert_eq!(open.spread.percentiles().map(|told| told.count), Some(20 * 5));
    assert!(open.cpu.is_some());
    let closed = round(Asking::Closed { window: 4 }, |_, message| message).expect("measured");
    assert!(closed.window.deliveries > 0 && closed.window.bytes >= closed.window.frames * 700, "{closed:?}");
}

#[test]
fn a_message_that_is_left_out_or_comes_twice_is_found() {
    let again = |said, message: Vec<u8>| if said == 3 { scanner::message(2, message.len()) } else { message };
    let left_out = |said, message: Vec<u8>| if said == 3 { scanner::message(4, message.len()) } else { message };
    for bend in [again, left_out] {
        let failure = round(Asking::Open { per_second: 100.0 }, bend).expect_err("a fault").to_string();
        assert!(failure.contains("came where 3 was due"), "{failure}");
    }
}
