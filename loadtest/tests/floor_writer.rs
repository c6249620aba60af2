//! The floor's writer as a process of its own: what the load test starts where one process has too few descriptors.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the process with the test.
struct Writer(Child);

impl Drop for Writer {
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
fn the_writer_serves_as_a_process() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intervalo-loadtest"));
    let mut writer = Writer(command.arg("floor-writer").stdout(Stdio::piped()).spawn().expect("it runs"));
    let mut address = String::new();
    BufReader::new(writer.0.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
    let mut orders = connect(address.trim());
    orders.write_all(b"3 20\n").expect("taken");
    let mut readers: Vec<TcpStream> = (0..3).map(|_| connect(address.trim())).collect();
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
