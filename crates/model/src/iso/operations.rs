//! PERFORM SECURITY OPERATION and INTERNAL AUTHENTICATE: lengths and structure, and signatures where a key is known.

use sha1::{Digest as _, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::body::{Body, Finish};
use super::card::{Call, Card, Outcome};
use super::environment::Template;
use super::rules::Right;
use super::words;
use crate::keys::{Key, KeyView};
use crate::signature::{Check, Scheme};

/// The hash function of an algorithm reference.
fn digest(algorithm: u8, data: &[u8]) -> Vec<u8> {
    match algorithm {
        1 => Sha1::digest(data).to_vec(),
        2 => Sha224::digest(data).to_vec(),
        4 => Sha384::digest(data).to_vec(),
        5 => Sha512::digest(data).to_vec(),
        _ => Sha256::digest(data).to_vec(),
    }
}

/// DigestInfo of a hash, whose length names the function (RFC 8017).
fn digest_info(hash: &[u8]) -> Vec<u8> {
    let sha2 = |last: u8| vec![0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last];
    let oid = match hash.len() {
        20 => vec![0x2B, 0x0E, 0x03, 0x02, 0x1A],
        28 => sha2(4),
        48 => sha2(2),
        64 => sha2(3),
        _ => sha2(1),
    };
    let (mut algorithm, mut inner, mut out) = (Vec::new(), Vec::new(), Vec::new());
    crate::apdu::push(&mut algorithm, &[6], &oid);
    algorithm.extend([5, 0]);
    crate::apdu::push(&mut inner, &[0x30], &algorithm);
    crate::apdu::push(&mut inner, &[4], hash);
    crate::apdu::push(&mut out, &[0x30], &inner);
    out
}

impl Card {
    pub(crate) fn operate(&mut self, call: &Call<'_>) -> Outcome {
        match call.p1p2() {
            0x9E9A => {
                let template = self.session(call.channel)?.environment.signature;
                self.sign(template, call)
            }
            0x8086 => self.decipher(call),
            0x9080 => {
                let session = self.session_mut(call.channel)?;
                let hash = digest(session.environment.hash.unwrap_or(3), call.data());
                session.hash = Some(hash.clone());
                Ok(Body::known(hash))
            }
            _ => Err(words::PARAMETERS),
        }
    }

    pub(crate) fn internal_authenticate(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1p2() != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3, 4])?;
        let template = self.session(call.channel)?.environment.authentication;
        self.sign(template, call)
    }

    /// The key of a template, if the command may use it.
    fn usable_key(&self, template: Option<Template>, call: &Call<'_>) -> Result<(Template, &Key), u16> {
        let template = template.ok_or(words::CONDITIONS)?;
        self.key_file(template.slot, Right::USE, call)?;
        Ok((template, self.key(template.slot).ok_or(words::NO_REFERENCE)?))
    }

    fn sign(&mut self, template: Option<Template>, call: &Call<'_>) -> Outcome {
        let (Template { algorithm, .. }, key) = self.usable_key(template, call)?;
        let message = if call.data().is_empty() {
            let hash = self.session(call.channel)?.hash.clone().ok_or(words::CONDITIONS)?;
            if algorithm == 0x11 { digest_info(&hash) } else { hash }
        } else {
            call.data().to_vec()
        };
        let check = |scheme| {
            let known = self.strict && key.public.is_some();
            known.then(|| Box::new(Check { key: key.clone(), scheme, message: message.clone() }))
        };
        let body = match (key.kind, algorithm) {
            (KeyView::Rsa(len), 0x11) if message.len() <= len - 11 => {
                Body::random(len, len, Finish::Rsa(check(Scheme::Pkcs1)))
            }
            (KeyView::Rsa(len), 0x12) if matches!(message.len(), 20 | 28 | 32 | 48 | 64) => {
                Body::random(len, len, Finish::Rsa(check(Scheme::Pss)))
            }
            (KeyView::Rsa(len), 0x10) if message.len() == len => {
                let large = self.strict && key.public.as_deref().is_some_and(|modulus| &message[..] >= modulus);
                if large || (!self.strict && call.said == Some(words::DATA)) {
                    return Err(words::DATA);
                }
                Body::random(len, len, Finish::Nothing)
            }
            (KeyView::Rsa(_), 0x10..=0x12) => return Err(words::LENGTH),
            (KeyView::Ec(field), 0x21) => Body::random(8, 2 * field + 8, Finish::Ecdsa(field, check(Scheme::Ecdsa))),
            _ => return Err(words::CONDITIONS),
        };
        if call.data().is_empty() {
            self.session_mut(call.channel)?.hash = None;
        }
        Ok(body)
    }

    fn decipher(&self, call: &Call<'_>) -> Outcome {
        call.is_case(&[3, 4])?;
        let (Template { algorithm, .. }, key) =
            self.usable_key(self.session(call.channel)?.environment.confidentiality, call)?;
        let KeyView::Rsa(len) = key.kind else { return Err(words::CONDITIONS) };
        let [0x00, cryptogram @ ..] = call.data() else { return Err(words::DATA) };
        if cryptogram.len() != len {
            return Err(words::LENGTH);
        }
        let too_large = self.strict && key.public.as_deref().is_some_and(|modulus| cryptogram >= modulus);
        if too_large || call.said == Some(words::DATA) {
            return Err(words::DATA);
        }
        Ok(match algorithm {
            0x10 => Body::random(len, len, Finish::Nothing),
            0x13 => Body::random(0, len - 42, Finish::Nothing),
            0x14 => Body::random(0, len - 66, Finish::Nothing),
            _ => Body::random(0, len - 11, Finish::Nothing),
        })
    }
}
