//! `intervalo serve`: listens, hands over to the server, and passes signals on.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use socket2::SockRef;

use super::args::Settings;
use super::failure::Failure;
use super::first_login;
use super::runtime::{cancelled_by_signals, wait_for};
use super::settings::loaded;
use crate::config::{Log, LogFormat, LogLevel};
use crate::server;
use crate::telemetry;

pub(super) fn run(flags: &Settings) -> Result<(), Failure> {
    let config = loaded(flags)?.config;
    start_logs(config.log)?;
    wait_for(async {
        let shutdown = cancelled_by_signals()?;
        let listeners = config.listen.iter().map(|address| listen(*address)).collect::<Result<Vec<_>, _>>()?;
        let data = config.data.clone();
        server::run(config, listeners, shutdown, Some(first_login::desk(data))).await.map_err(Failure::new)
    })
}

/// Begins to write log lines as the settings say.
pub(super) fn start_logs(log: Log) -> Result<(), Failure> {
    let format = match log.format {
        LogFormat::Text => telemetry::LogFormat::Text,
        LogFormat::Json => telemetry::LogFormat::Json,
    };
    telemetry::start_logs(format, &filter(log.level)).map_err(Failure::new)
}

/// The level holds for this program; of the libraries, only what may become a failure is written.
fn filter(level: LogLevel) -> String {
    match level {
        LogLevel::Error => "error".to_owned(),
        LogLevel::Warn | LogLevel::Info | LogLevel::Debug | LogLevel::Trace => {
            format!("warn,intervalo={}", level.as_str())
        }
    }
}

/// How many connections the system keeps for the server that it has not taken yet. The standard library asks for 128: of those who all
/// come back at once, whoever found no room tried again after a second. What the system allows at most holds (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Takes an address.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let hints = [
            (ErrorKind::AddrInUse, "; stop the program that has it, or choose another with --listen"),
            (ErrorKind::PermissionDenied, "; ports under 1024 need rights, choose another with --listen"),
            (ErrorKind::AddrNotAvailable, "; no interface of this machine has it"),
        ];
        let hint = hints.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, hint)| hint);
        Failure::new(format_args!("cannot listen on {address}: {error}{hint}"))
    })?;
    let prepared = SockRef::from(&listener).listen(BACKLOG).and_then(|()| listener.set_nonblocking(true));
    prepared.map_err(|error| Failure::new(format_args!("cannot listen on {address}: {error}")))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn whoever_all_come_at_once_find_room_until_they_are_taken() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let allowed =
            std::fs::read_to_string("/proc/sys/net/core/somaxconn").map_or(4096, |text| text.trim().parse().unwrap());
        // More than the library's 128, where the system allows them; who finds no room is not connected.
        let wait = std::time::Duration::from_secs(10);
        let come: Vec<_> = (0..allowed.min(400)).map(|_| TcpStream::connect_timeout(&address, wait).unwrap()).collect();
        assert_eq!(come.len(), allowed.min(400));
    }

    #[test]
    fn a_taken_port_is_refused_in_one_line_with_the_way_out() {
        let first = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = first.local_addr().unwrap();
        let line = format!("{:?}", listen(address).unwrap_err());
        assert!(line.contains(&format!("cannot listen on {address}: ")), "{line}");
        assert!(line.contains("choose another with --listen"), "{line}");
    }
}
