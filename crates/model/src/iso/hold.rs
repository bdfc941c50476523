//! Holding an answer against its prediction, and following what could not be predicted.

use super::body::{Body, Finish};
use super::card::Card;
use super::link::{Reply, Waiting};

impl Card {
    /// Holds an answer against what the card may say. The error is the expected status word and what else was wrong.
    pub(crate) fn step(&mut self, command: &[u8], data: &[u8], got: u16) -> Result<(), (u16, &'static str)> {
        let Reply { channel, outcome, ne, mut seen } = self.perform(command, Some(got));
        let mut body = match outcome {
            Ok(body) => body,
            Err(status) if status == got && data.is_empty() => return Ok(()),
            Err(status) => return Err((status, "no data")),
        };
        let done = seen.len();
        if ne == 0 {
            if let Finish::Challenge(channel) = body.finish
                && let Ok(session) = self.session_mut(channel)
            {
                (session.challenge, session.unseen) = (None, body.len.0 == 16);
            }
            let good = got == body.end && data.is_empty();
            return good.then_some(()).ok_or((body.end, "no data, as there is no Le"));
        }
        let now = done + data.len();
        let is_end = got == body.end;
        match got {
            _ if is_end => body.len = (body.len.0.max(now), body.len.1.min(now)),
            0x6100 => body.len.0 = body.len.0.max(now + 256),
            0x6101..=0x61FF => {
                let all = now + usize::from(got & 0xFF);
                body.len = (body.len.0.max(all), body.len.1.min(all));
            }
            _ => return Err((body.status(done, ne), "what the command reads")),
        }
        if body.len.0 > body.len.1 {
            return Err((body.status(done, ne), "as many bytes as there are"));
        }
        if data.len() > ne || (!is_end && data.len() < ne) {
            return Err((body.status(done, ne), "as many bytes as Le asks for"));
        }
        if !body.matches(done, data) {
            return Err((got, "other bytes"));
        }
        seen.extend_from_slice(data);
        if is_end {
            return self.finish(&body, &seen).map_err(|what| (got, what));
        }
        self.link.waiting = Some(Box::new(Waiting { channel, body, seen }));
        Ok(())
    }

    /// Executes a command whose answer nobody sees, as if everything had gone well that chance decides.
    pub(crate) fn assume(&mut self, command: &[u8]) -> u16 {
        let Reply { channel, outcome, ne, seen } = self.perform(command, None);
        let body = match outcome {
            Ok(body) => body,
            Err(status) => return status,
        };
        let status = body.status(seen.len(), ne);
        if status >> 8 == 0x61 {
            let seen = vec![0; seen.len() + ne];
            self.link.waiting = Some(Box::new(Waiting { channel, body, seen }));
        }
        status
    }

    /// Follows a whole data field.
    fn finish(&mut self, body: &Body, data: &[u8]) -> Result<(), &'static str> {
        let gap = || data.get(body.gap.clone()).unwrap_or_default();
        match &body.finish {
            Finish::Nothing | Finish::Rsa(None) => Ok(()),
            Finish::Challenge(channel) => {
                if let Ok(session) = self.session_mut(*channel) {
                    (session.challenge, session.unseen) = (data.try_into().ok(), false);
                }
                let Some(first) = data.first_chunk::<16>() else { return Ok(()) };
                let again = self.last_challenge.replace(*first) == Some(*first);
                (!again).then_some(()).ok_or("another challenge than the last")
            }
            Finish::PublicKey(slot) => self.adopt(*slot, gap()),
            Finish::Counter => self.counter.see(gap()),
            Finish::Ecdsa(field, check) => {
                crate::signature::is_der(data, *field).then_some(()).ok_or("SEQUENCE of two INTEGERs")?;
                check.as_ref().map_or(Ok(()), |check| check.holds(data))
            }
            Finish::Rsa(Some(check)) => check.holds(data),
        }
    }
}
