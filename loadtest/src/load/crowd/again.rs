//! A socket that is lost and comes back under its number. Between turns only: what the system told of the lost one
//! would be taken for news of the new one.

use std::net::{Shutdown, SocketAddr};

use mio::{Interest, Token};

use super::wire::{End, Wire};
use super::{Wires, handshake};
use crate::load::failure::{Outcome, While};

impl Wires {
    /// Ends a socket without a word, as a machine does that is switched off; the ear is told nothing.
    pub(in crate::load) fn cut(&mut self, who: usize) {
        let wire = &mut self.list[who];
        // A socket that is dropped leaves the system's list by itself, and it may have ended already.
        let _ = self.registry.deregister(&mut wire.stream);
        let _ = wire.stream.shutdown(Shutdown::Both);
        wire.end = Some(End::Gone("cut by the load test".to_owned()));
        self.ended.retain(|ended| *ended != who);
    }

    /// Connects anew in the place of a socket that was cut, with a token on the upgrade.
    ///
    /// # Errors
    /// [`crate::load::Failure`] when the system has no socket to give.
    pub(in crate::load) fn open_again(&mut self, who: usize, address: SocketAddr, token: &str) -> Outcome<()> {
        let stream = mio::net::TcpStream::connect(address).while_doing(format!("cannot connect to {address}"))?;
        let mut wire = Wire::connecting(stream, handshake::request(address, Some(token)));
        self.registry
            .register(&mut wire.stream, Token(who), Interest::READABLE | Interest::WRITABLE)
            .while_doing("cannot wait for a socket")?;
        self.list[who] = wire;
        Ok(())
    }
}
