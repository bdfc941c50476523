//! Administration keys: setting them, challenges, EXTERNAL AUTHENTICATE.

use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};

use super::body::{Body, Finish};
use super::card::{Call, Card, Outcome};
use super::rules::Right;
use super::words;

/// AES of one block; `None` for a key of another length.
pub(crate) fn encrypt(key: &[u8], block: [u8; 16]) -> Option<[u8; 16]> {
    let mut block = Array::from(block);
    match key.len() {
        16 => aes::Aes128::new_from_slice(key).ok()?.encrypt_block(&mut block),
        24 => aes::Aes192::new_from_slice(key).ok()?.encrypt_block(&mut block),
        _ => aes::Aes256::new_from_slice(key).ok()?.encrypt_block(&mut block),
    }
    Some(block.into())
}

impl Card {
    /// UPDATE BINARY on a key file.
    pub(crate) fn set_key(&mut self, number: u32, offset: usize, call: &Call<'_>) -> Outcome {
        let (file, secret) = self.held(number)?;
        if !self.memory.is_usable(file) {
            return Err(words::CONDITIONS);
        }
        let may = match &secret.value {
            Some(_) => self.may_set(file, call),
            None => self.allows(file, Right::UPDATE, call),
        };
        if !may {
            return Err(words::SECURITY);
        }
        if offset != 0 {
            return Err(words::OFFSET);
        }
        if call.data().len() != secret.len.0 {
            return Err(words::LENGTH);
        }
        if let Some(secret) = self.memory.secret_mut(number) {
            secret.value = Some(call.data().to_vec());
            secret.tries.left = secret.tries.all;
        }
        self.forget(number, call.channel);
        self.make_current(call.channel, number)?;
        Ok(Body::empty())
    }

    pub(crate) fn get_challenge(&self, call: &Call<'_>) -> Outcome {
        if call.p1p2() != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[2])?;
        let ne = call.apdu.ne;
        Ok(Body::random(ne, ne, Finish::Challenge(call.channel)))
    }

    pub(crate) fn authenticate(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1() != 0 || call.p2() & 0x60 != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[1, 3])?;
        let number = self.reference(call, false)?.number;
        if !matches!(call.data().len(), 0 | 16) {
            return Err(words::LENGTH);
        }
        let Ok(answer) = <[u8; 16]>::try_from(call.data()) else { return self.state(number, call.channel) };
        let key = self.value_below(number)?;
        if self.held(number)?.1.tries.left == 0 && call.said != Some(words::CONDITIONS) {
            return Err(words::BLOCKED);
        }
        let session = self.session_mut(call.channel)?;
        let challenge = session.challenge.take();
        if challenge.is_none() && !std::mem::take(&mut session.unseen) {
            return Err(words::CONDITIONS);
        }
        let right = challenge.is_some_and(|challenge| encrypt(&key, challenge) == Some(answer));
        self.attempt(number, right, call.channel)?;
        self.note_verified(number, call.channel);
        Ok(Body::empty())
    }
}
