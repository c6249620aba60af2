//! The floors' other sides as processes of their own: what the load test starts where one process has too few descriptors.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the process with the test.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a helper by its word; also where it listens.
fn start(word: &str) -> (Helper, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intervalo-loadtest"));
    let mut helper = Helper(command.arg(word).stdout(Stdio::piped()).spawn().expect("it runs"));
    let mut address = String::new();
    BufReader::new(helper.0.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
    (helper, address.trim().to_owned())
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

#[test]
fn the_writer_serves_as_a_process() {
    let (mut writer, address) = start("floor-writer");
    let mut orders = connect(&address);
    orders.write_all(b"3 20\n").expect("taken");
    let mut readers: Vec<TcpStream> = (0..3).map(|_| connect(&address)).collect();
    let mut answers = BufReader::new(orders.try_clone().expect("a handle")).lines();
    let mut answer = || answers.next().expect("an answer").expect("a line");
    assert_eq!(answer(), "ready");
    orders.write_all(b"wwm").expect("taken");
    let nanos: u64 = answer().parse().expect("a number");
    assert!(nanos > 0);
    for reader in &mut readers {
        let mut frames = [0; 2 * 22];
        reader.read_exact(&mut frames).expect("two frames");
        assert_eq!(frames.as_slice(), b"\x81\x14000000000000........\x81\x14000000000001........".as_slice());
    }
    drop(orders);
    drop(answers);
    assert!(writer.0.wait().expect("a child").success(), "it ends when its orders do");
}

#[test]
fn upgrades_are_granted_by_a_process() {
    let (mut doorman, address) = start("bare-handshake");
    let mut orders = connect(&address);
    let mut socket = connect(&address);
    socket.write_all(b"GET / HTTP/1.1\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").expect("taken");
    let mut status = [0; 12];
    socket.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 101");
    orders.write_all(b"m").expect("taken");
    let mut nanos = String::new();
    BufReader::new(orders.try_clone().expect("a handle")).read_line(&mut nanos).expect("a line");
    assert!(nanos.trim().parse::<u64>().expect("a number") > 0);
    orders.shutdown(std::net::Shutdown::Both).expect("ended");
    assert!(doorman.0.wait().expect("a child").success(), "it ends when its orders do");
}
