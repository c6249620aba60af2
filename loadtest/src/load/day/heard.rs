//! What everybody is told, and what comes of it.

use std::time::Instant;

use super::people::{AGAIN_AFTER, Item, People, What, Who};
use super::plan::Deed;
use crate::load::arrivals::{FIRST_CALL, put_off};
use crate::load::crowd::{Ear, Heard, Wires};
use crate::load::failure::Failure;
use crate::load::fanout::Stand;
use crate::load::message::{Commanded, Message, Opened, Wish, call, read, read_part};

impl People<'_> {
    fn on_agent(&mut self, wires: &mut Wires, agent: usize, text: &[u8], now: Instant) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        if message.method.as_deref() == Some("agent.changed") {
            self.accounts[agent].notified(&read_part("params", message.params)?);
            return Ok(());
        }
        let Some(id) = message.id else { return Ok(()) };
        if !self.lines[agent].is_there {
            return self.on_signed_in(wires, agent, &message, now);
        }
        let call = self.lines[agent].call.take().filter(|call| call.id == id);
        let call = call.ok_or_else(|| format!("a reply to call {id} came out of turn"))?;
        if let Some(intended) = call.intended {
            self.taken.replies.record(now.saturating_duration_since(intended));
        }
        self.ready.push(agent);
        let minute = self.setting.minute;
        let after = |minutes: f64| now + minute.mul_f64(minutes);
        let (wish, again) = match call.what {
            What::Leave => {
                read_part::<serde::de::IgnoredAny>("result", message.result)
                    .map_err(|why| format!("signing out: {why}"))?;
                self.accounts[agent].left();
                let line = &mut self.lines[agent];
                (line.has_left, line.is_there) = (true, false);
                return Ok(());
            }
            What::Start { kind, minutes, tries } => {
                let again = (tries > 0).then(|| Deed::Start { kind, minutes, tries: tries - 1 });
                (Wish::Start, Some((minutes, again)))
            }
            What::End => (Wish::End, None),
        };
        if let Some(error) = message.error {
            let Some((_, again)) = again else { return Err(format!("an end was refused: {error}")) };
            *self.taken.refused.entry(error.data.code).or_default() += 1;
            again.into_iter().for_each(|deed| self.plan(after(AGAIN_AFTER), Item::Agent(agent, deed)));
            return Ok(());
        }
        let reply: Commanded<'_> = read_part("result", message.result)?;
        self.accounts[agent].acked(wish, reply.outcome.as_deref(), &reply.agent, &mut self.breaches);
        self.signs.replied(agent, self.accounts[agent].version(), now);
        if let Some((minutes, _)) = again {
            self.plan(after(minutes), Item::Agent(agent, Deed::End));
        }
        Ok(())
    }

    fn on_signed_in(
        &mut self,
        wires: &mut Wires,
        agent: usize,
        message: &Message<'_>,
        now: Instant,
    ) -> Result<(), String> {
        if let Some(error) = &message.error {
            let after = put_off(error).ok_or_else(|| error.to_string())?;
            self.plan(now + after, Item::AskAgain(agent));
            return Ok(());
        }
        let opened: Opened<'_> = read_part("result", message.result)?;
        let line = &mut self.lines[agent];
        self.accounts[agent].signed_in(&opened.agent, line.call.is_none(), &mut self.breaches);
        let since = line.since.replace(now).unwrap_or(now);
        self.taken.sign_ins.record(now.saturating_duration_since(since));
        line.is_there = true;
        match (&mut line.call, line.socket) {
            // Sent again under its op: done once, whether it had come through or not.
            (Some(call), Some(socket)) => {
                call.intended = None;
                wires.send(socket, &call.text);
            }
            (_, _) => self.ready.push(agent),
        }
        Ok(())
    }

    fn on_board(&mut self, board: usize, text: &[u8], now: Instant) -> Result<(), String> {
        self.signs.counts = self.seats[board].is_there;
        self.stand.told(board, text, now, &mut self.signs)?;
        self.seats[board].is_there = self.stand.is_back(board);
        Ok(())
    }
}

impl Ear for People<'_> {
    fn heard(&mut self, wires: &mut Wires, socket: usize, heard: Heard<'_>, now: Instant) {
        let who = self.who[socket];
        let done = match (heard, who) {
            (Heard::Opened, Who::Agent(_)) => {
                wires.send(socket, &call(FIRST_CALL, "session.open", "{}"));
                Ok(())
            }
            (Heard::Opened, Who::Board(_)) => {
                wires.send(socket, &Stand::first_call());
                Ok(())
            }
            (Heard::Text(text), Who::Agent(agent)) => self.on_agent(wires, agent, text, now),
            (Heard::Text(text), Who::Board(board)) => self.on_board(board, text, now),
            // Whoever has signed out is closed by the server.
            (Heard::Ended(_), Who::Agent(agent)) if self.lines[agent].has_left => Ok(()),
            (Heard::Ended(end), _) => Err(end.to_string()),
        };
        if let Err(why) = done {
            self.fault.get_or_insert(Failure::new(format!("{who:?}: {why}")));
        }
    }
}
