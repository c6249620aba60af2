//! A crowd against servers of its own, which write what a test tells them byte by byte.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::*;

/// Only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves one connection after its upgrade.
fn server(
    serve: impl FnOnce(TcpStream) -> io::Result<()> + Send + 'static,
) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let head = read_head(&mut stream)?;
        assert!(head.contains("authorization: Bearer secret\r\n"), "{head}");
        serve(stream)
    });
    (address, serving)
}

fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn accepted() -> Vec<u8> {
    let accept = derive_accept_key(b"aW50ZXJ2YWxvLWxvYWQtMQ==");
    format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {accept}\r\n\r\n").into_bytes()
}

fn text(payload: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_plain_text(&mut bytes, payload.as_bytes());
    bytes
}

/// Notes everything.
#[derive(Debug, Default)]
struct Notes(Vec<String>);

impl Ear for Notes {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, _: Instant) {
        self.0.push(match heard {
            Heard::Opened => {
                wires.send(who, "hello");
                format!("{who} open")
            }
            Heard::Text(text) => format!("{who} {}", String::from_utf8_lossy(text)),
            Heard::Ended(end) => format!("{who} ended: {end}"),
        });
    }
}

fn listen(address: SocketAddr, serving: JoinHandle<io::Result<()>>) -> Vec<String> {
    let mut crowd = Crowd::new(Interrupt::none()).expect("a crowd");
    let who = crowd.wires().open(address, "secret").expect("a socket");
    assert_eq!(who, 0);
    let mut notes = Notes::default();
    let ended = |notes: &Notes| notes.0.last().is_some_and(|note| note.contains("ended"));
    let done = crowd.turn_until(Instant::now() + PATIENCE, &mut notes, ended).expect("turned");
    assert!(done, "{notes:?}");
    serving.join().expect("no panic").expect("served");
    notes.0
}

#[test]
fn messages_come_whole_however_they_are_cut() {
    let long = "x".repeat(70_000);
    let bytes = [accepted(), text("one"), text(""), text("three"), text(&long)].concat();
    let (address, serving) = server(move |mut stream| {
        // Cut in the head of the answer, in a frame's head, in its payload; the rest at once.
        let mut rest = &bytes[..];
        for cut in [10, 70, 60, 3, 1, 1, 2, 9] {
            let (part, after) = rest.split_at(cut.min(rest.len()));
            stream.write_all(part)?;
            rest = after;
        }
        stream.write_all(rest)?;
        // What is not read when a connection is closed would break it off.
        stream.read_exact(&mut [0; 2 + 4 + 5])
    });
    let notes = listen(address, serving);
    let expected =
        ["0 open", "0 one", "0 ", "0 three", &format!("0 {long}"), "0 ended: the server closed the connection"];
    assert!(notes == expected, "{:?}", notes.iter().map(|note| &note[..note.len().min(60)]).collect::<Vec<_>>());
}

#[test]
fn what_is_said_arrives_and_pings_are_answered() {
    let (address, serving) = server(|mut stream| {
        stream.write_all(&accepted())?;
        stream.write_all(&[0x89, 2, b'h', b'i'])?;
        let mut heard = vec![0; (2 + 4 + 5) + (2 + 4 + 2)];
        stream.read_exact(&mut heard)?;
        let unmasked = |frame: &[u8]| -> Vec<u8> {
            frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(byte, key)| byte ^ key).collect()
        };
        assert_eq!((heard[0], heard[1], unmasked(&heard[..11])), (0x81, 0x85, b"hello".to_vec()));
        assert_eq!((heard[11], heard[12], unmasked(&heard[11..])), (0x8a, 0x82, b"hi".to_vec()));
        stream.write_all(&[&[0x88, 5][..], &4403u16.to_be_bytes(), b"out"].concat())?;
        // The close is answered.
        let mut answer = [0; 8];
        stream.read_exact(&mut answer)?;
        assert_eq!(answer[..2], [0x88, 0x82]);
        Ok(())
    });
    assert_eq!(listen(address, serving), ["0 open", "0 ended: closed by the server, 4403 out"]);
}

#[test]
fn what_ends_a_socket_is_told() {
    let (address, serving) =
        server(|mut stream| stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno"));
    assert_eq!(listen(address, serving), ["0 ended: the upgrade was answered with 401 no"]);
    let (address, serving) = server(|mut stream| {
        stream.write_all(&[accepted(), vec![0x82, 0]].concat())?;
        // The other side closes at once.
        let _ = stream.read_to_end(&mut Vec::new());
        Ok(())
    });
    assert_eq!(listen(address, serving), ["0 open", "0 ended: the server sent a binary message"]);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let notes = listen(free, std::thread::spawn(|| Ok(())));
    assert!(notes[0].starts_with("0 ended: "), "{notes:?}");
}

#[test]
fn pings_are_answered_while_something_else_is_done() {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let (address, serving) = server(move |mut stream| {
        stream.write_all(&[accepted(), vec![0x89, 0]].concat())?;
        let mut heard = [0; 11 + 6];
        stream.read_exact(&mut heard)?;
        assert_eq!(heard[11..13], [0x8a, 0x80]);
        tell.send(()).map_err(io::Error::other)
    });
    let mut crowd = Crowd::new(Interrupt::none()).expect("a crowd");
    crowd.wires().open(address, "secret").expect("a socket");
    let answered = crowd.turn_during(&mut Notes::default(), move || Ok(told.recv_timeout(PATIENCE).is_ok()));
    assert_eq!(answered, Ok(true));
    serving.join().expect("no panic").expect("served");
}

#[test]
fn an_interrupt_ends_the_wait() {
    let interrupt = Interrupt::none();
    let mut crowd = Crowd::new(interrupt.clone()).expect("a crowd");
    interrupt.raise();
    let turned = crowd.turn(Instant::now() + PATIENCE, &mut Notes::default());
    assert_eq!(turned, Err(Failure::new("interrupted")));
}

#[test]
fn a_socket_that_is_cut_ends_at_the_other_side_and_comes_back_under_its_number() {
    let until_the_end = |stream: &mut TcpStream| {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).map(|_| ())
    };
    let (before, serving_before) = server(move |mut stream| {
        stream.write_all(&[accepted(), text("one")].concat())?;
        until_the_end(&mut stream)
    });
    let (after, serving_after) = server(move |mut stream| {
        stream.write_all(&[accepted(), text("two")].concat())?;
        until_the_end(&mut stream)
    });
    let mut crowd = Crowd::new(Interrupt::none()).expect("a crowd");
    let who = crowd.wires().open(before, "secret").expect("a socket");
    let mut notes = Notes::default();
    let mut heard = |crowd: &mut Crowd, what: &str| {
        let is_there = |notes: &Notes| notes.0.last().is_some_and(|note| note == what);
        assert!(
            crowd.turn_until(Instant::now() + PATIENCE, &mut notes, is_there).expect("turned"),
            "{what}: {notes:?}"
        );
    };
    heard(&mut crowd, "0 one");
    crowd.wires().cut(who);
    serving_before.join().expect("no panic").expect("it has met the end");
    crowd.wires().open_again(who, after, "secret").expect("a socket");
    heard(&mut crowd, "0 two");
    crowd.wires().cut(who);
    serving_after.join().expect("no panic").expect("it has met the end");
    assert_eq!(notes.0, ["0 open", "0 one", "0 open", "0 two"], "nobody is told of an end that was wanted");
}
