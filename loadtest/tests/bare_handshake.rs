//! The bare handshake as a process of its own: what the load test starts where one process has too few descriptors.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the process with the test.
struct Doorman(Child);

impl Drop for Doorman {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

#[test]
fn upgrades_are_granted_by_a_process() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intervalo-loadtest"));
    let mut doorman = Doorman(command.arg("bare-handshake").stdout(Stdio::piped()).spawn().expect("it runs"));
    let mut address = String::new();
    BufReader::new(doorman.0.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
    let mut orders = connect(address.trim());
    let mut socket = connect(address.trim());
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
