//! MANAGE CHANNEL.

use super::body::Body;
use super::card::{Call, Card, Outcome, Session};
use super::files::ROOT;
use super::words;

impl Card {
    pub(crate) fn manage_channel(&mut self, call: &Call<'_>) -> Outcome {
        let number = usize::from(call.p2());
        match (call.p1(), call.p2()) {
            (0x00, 0) => {
                if call.case() != 2 {
                    return Err(words::LENGTH);
                }
                let free = self.channels.iter().position(Option::is_none).ok_or(words::UNSUPPORTED)?;
                self.open(free, call)?;
                Ok(Body::known(vec![u8::try_from(free).unwrap_or(0)]))
            }
            (0x00, 1..=3) => {
                call.is_case(&[1])?;
                if self.channels[number].is_some() {
                    return Err(words::CONDITIONS);
                }
                self.open(number, call)?;
                Ok(Body::empty())
            }
            (0x80, 0..=3) => {
                call.is_case(&[1])?;
                let number = if number == 0 { call.channel } else { number };
                if number == 0 || self.channels[number].is_none() {
                    return Err(words::CONDITIONS);
                }
                self.channels[number] = None;
                Ok(Body::empty())
            }
            _ => Err(words::PARAMETERS),
        }
    }

    fn open(&mut self, number: usize, call: &Call<'_>) -> Result<(), u16> {
        let from = self.session(call.channel)?;
        // Where another channel deleted the DF, there is none to begin at.
        if call.channel != 0 && from.lost_df {
            return Err(words::CONDITIONS);
        }
        let df = if call.channel == 0 { ROOT } else { from.df };
        self.channels[number] = Some(Session::at(df));
        Ok(())
    }
}
