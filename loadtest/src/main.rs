//! The program: hands over to the library and gives its exit code back.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    intervalo_loadtest::load::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: the load test reads /proc and waits with epoll: it runs on Linux only");
    ExitCode::FAILURE
}
