//! What a host does with a card, a few commands at a time.

use card_wire::{Class, Command};

use super::{Grammar, PUK, encode};

/// OpenSC's dialect; PKCS#15; then applications that other cards have, and names that nobody has.
const DIALECT: &[u8] = &[0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];
const NAMES: [&[u8]; 8] = [
    &[0xA0, 0, 0, 0, 0x63, b'P', b'K', b'C', b'S', b'-', b'1', b'5'],
    &[0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0],
    &[0xD2, 0x76, 0, 0x01, 0x24, 0x01],
    &[0xA0, 0, 0, 0x01, 0x51, 0, 0, 0],
    &[0xE8, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x81, 0xC3, 0x1F, 0x02, 0x01],
    &[0xF2, 0x76, 0xA2, 0x88, 0xBC],
    &[0xA0],
    &[],
];
/// Files of PKCS#15 and of this project's profile, and reserved identifiers.
const FILES: [u16; 16] = [
    0x3F00, 0x2F00, 0x5015, 0x5031, 0x5032, 0x4401, 0x4402, 0x4403, 0x4404, 0x4946, 0x3300, 0x3400, 0x1000, 0x3FFF, 0,
    0xFFFF,
];
/// secp256r1 in the order that key generation wants: p, a, b, G, n, cofactor.
const P256: &str = "8120FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF\
8220FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC\
83205AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B\
8441046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296\
4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5\
8520FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551870101";

impl Grammar {
    /// Draws the next few commands.
    pub(super) fn plan(&mut self) {
        if !self.known.selected && self.dice.chance(60) {
            return self.application();
        }
        match self.dice.below(100) {
            0..=4 => self.application(),
            5..=19 => self.select(),
            20..=29 => self.read_file(),
            30..=37 => self.update_file(),
            38..=45 => self.create(),
            46..=48 => self.delete(),
            49..=52 => self.personalise(),
            53..=59 => self.verify(),
            60..=63 => self.change(),
            64..=65 => self.block(),
            66..=70 => self.generate(),
            71..=76 => self.operate(),
            77..=78 => self.import(),
            79..=82 => self.data(),
            83..=88 => self.chain(),
            89..=91 => self.channel(),
            92..=94 => self.rare(),
            _ => self.anything(),
        }
    }

    fn push(&mut self, header: [u8; 4], data: &[u8], le: Option<usize>) {
        let extended = self.dice.rarely(20);
        self.queue.push_back(encode(header, data, le, extended));
    }

    fn le(&mut self) -> Option<usize> {
        let any = self.dice.below(300);
        self.dice.pick(&[None, Some(256), Some(256), Some(256), Some(1), Some(8), Some(any), Some(0x1_0000)])
    }

    fn file(&mut self) -> u16 {
        let any = u16::from_be_bytes([self.dice.byte(), self.dice.byte()]);
        if self.dice.chance(70) && !self.known.files.is_empty() {
            return self.dice.pick(&self.known.files);
        }
        if self.dice.rarely(6) { any } else { self.dice.pick(&FILES) }
    }

    fn application(&mut self) {
        let (p2, le) = (self.dice.pick(&[0, 0, 0, 0x0C, 0x04, 0x02]), self.le());
        let name = if self.dice.chance(70) { DIALECT } else { NAMES[self.dice.below(NAMES.len())] };
        self.push([0, 0xA4, 4, p2], name, le);
        if self.dice.chance(30) {
            self.push([0, 0xCA, 1, 1], &[], Some(3));
        }
    }

    fn select(&mut self) {
        let p1 = self.dice.pick(&[0, 0, 0, 8, 8, 9, 1, 2, 3]);
        let p2 = self.dice.pick(&[0, 0, 0, 0x0C, 0x04, 0x08, 0x02]);
        let mut path = self.file().to_be_bytes().to_vec();
        if matches!(p1, 8 | 9) && self.dice.chance(60) {
            let next = self.file();
            path.extend(next.to_be_bytes());
        }
        if p1 == 3 {
            path.clear();
        }
        let le = if p2 == 0x0C { None } else { self.le() };
        self.push([0, 0xA4, p1, p2], &path, le);
    }

    /// An offset that is mostly inside the current file.
    fn offset(&mut self) -> [u8; 2] {
        let size = self.known.size.max(16);
        let offset = match self.dice.below(8) {
            0 => size,
            1 => size.saturating_sub(1),
            2 => 0x7FFF,
            3 => 0x8000 | self.dice.below(0x2000),
            4 => self.dice.below(size),
            _ => 0,
        };
        let [.., high, low] = offset.to_be_bytes();
        [high, low]
    }

    fn read_file(&mut self) {
        if self.dice.chance(60) {
            self.select();
        }
        let ([high, low], le) = (self.offset(), self.le());
        if self.dice.rarely(8) {
            let (record, mode) = (self.dice.pick(&[0, 1, 2, 0xFF]), self.dice.pick(&[4, 0x0C, 5, 2, 0]));
            return self.push([0, 0xB2, record, mode], &[], le);
        }
        if self.dice.rarely(10) {
            return self.push([0, 0xB1, 0, 0], &[0x54, 2, high, low], le);
        }
        self.push([0, 0xB0, high, low], &[], le);
    }

    fn update_file(&mut self) {
        let [high, low] = self.offset();
        let len = match self.dice.below(6) {
            0 => 255,
            1 => 256 + self.dice.below(600),
            _ => 1 + self.dice.below(self.known.size.clamp(1, 250)),
        };
        let data = self.dice.bytes(len);
        match self.dice.below(8) {
            0 => self.push([0, 0xDC, 1, 4], &data, None),
            1 => self.push([0, 0xE2, 0, 0], &data, None),
            2 => self.push([0, 0x0E, high, low], &[], None),
            _ => self.push([0, 0xD6, high, low], &data, None),
        }
        if self.dice.chance(40) {
            self.push([0, 0xB0, high, low], &[], Some(256));
        }
    }

    fn create(&mut self) {
        let file = if self.dice.chance(30) { self.file() } else { 0x1000 + u16::from(self.dice.byte() & 0x3F) };
        let size = self.dice.pick(&[0_u16, 1, 16, 64, 128, 128, 512, 4096, 0x7FFF, 0xFFFF]);
        let descriptor = self.dice.pick(&[1, 1, 1, 1, 0x38, 0x38, 2, 6, 0x41, 9, 0]);
        let access = self.dice.pick(&[[0_u8; 7], [0x90; 7], [0x90, 0, 0, 0, 0x90, 0x90, 0], [0xFF; 7]]);
        let ([fh, fl], [sh, sl]) = (file.to_be_bytes(), size.to_be_bytes());
        let iso = self.dice.chance(20);
        let mut fci = vec![if iso { 0x62 } else { 0x6F }, 0, if iso { 0x80 } else { 0x81 }, 2, sh, sl];
        fci.extend([0x82, 1, descriptor, 0x83, 2, fh, fl]);
        if iso {
            fci.extend([0x8A, 1, 5]);
        } else {
            fci.extend([0x86, 8, 0xFF]);
            fci.extend(access);
        }
        fci[1] = u8::try_from(fci.len() - 2).unwrap_or(0);
        self.push([0, 0xE0, 0, 0], &fci, None);
        if self.dice.chance(70) {
            self.push([0, 0xA4, 0, 0], &[fh, fl], Some(256));
            self.update_file();
        }
    }

    fn delete(&mut self) {
        let file = self.file();
        if file == 0x5015 && self.dice.chance(80) {
            return;
        }
        self.push([0, 0xE4, 0, 0], &file.to_be_bytes(), None);
        if self.dice.chance(50) {
            self.push([0, 0xA4, 0, 0], &file.to_be_bytes(), Some(256));
        }
    }

    fn personalise(&mut self) {
        if self.dice.chance(80) {
            self.push([0, 0x24, 1, 2], PUK, None);
        }
        let pin = self.pin.clone();
        self.push([0, 0x24, 1, 1], &pin, None);
        self.right_pin();
        if self.dice.chance(50) {
            let df = [0x6F, 0x10, 0x82, 1, 0x38, 0x83, 2, 0x50, 0x15, 0x86, 7, 0xFF, 0, 0, 0, 0, 0, 0];
            self.push([0, 0xE0, 0, 0], &df, None);
        }
    }

    /// The PIN that should be right, in one of the forms that hosts send.
    fn right_pin(&mut self) {
        let mut pin = self.pin.clone();
        if self.dice.chance(60) {
            pin.resize(pin.len().max(16), 0);
        }
        let reference = self.dice.pick(&[1, 1, 1, 1, 1, 1, 0x81, 0]);
        self.push([0, 0x20, 0, reference], &pin, None);
    }

    fn verify(&mut self) {
        let reference = self.dice.pick(&[1, 1, 1, 1, 1, 2, 3, 0x80, 0x81, 0]);
        match self.dice.below(10) {
            0..=3 => self.right_pin(),
            4 | 5 => {
                let len = 4 + self.dice.below(13);
                let wrong = self.dice.bytes(len);
                self.push([0, 0x20, 0, reference], &wrong, None);
                self.push([0, 0x20, 0, reference], &[], None);
                self.right_pin();
            }
            6 => {
                let len = self.dice.pick(&[1, 3, 17, 32, 64, 255]);
                let wrong = self.dice.bytes(len);
                self.push([0, 0x20, 0, reference], &wrong, None);
            }
            7 => self.push([0, 0x20, 0xFF, reference], &[], None),
            _ => self.push([0, 0x20, 0, reference], &[], None),
        }
    }

    fn padded(&mut self, right: bool) -> Vec<u8> {
        let mut pin = if right { self.pin.clone() } else { self.dice.bytes(16) };
        pin.resize(16, 0);
        pin
    }

    fn change(&mut self) {
        let right = self.dice.chance(70);
        let new_len = self.dice.pick(&[4, 6, 8, 16, 16, 3, 17]);
        let mut new: Vec<u8> = self.dice.bytes(new_len).iter().map(|byte| b'0' + byte % 10).collect();
        if self.dice.chance(80) {
            new.resize(16, 0);
        }
        if self.dice.chance(60) {
            let data = [self.padded(right), new].concat();
            return self.push([0, 0x24, 0, 1], &data, None);
        }
        let puk = if right { PUK.to_vec() } else { self.dice.bytes(16) };
        let p1 = self.dice.pick(&[0, 0, 0, 1, 2, 3]);
        self.push([0, 0x2C, p1, 1], &[puk, new].concat(), None);
    }

    /// Spends all tries, looks, and gets the PIN back.
    fn block(&mut self) {
        for _ in 0..4 {
            let wrong = self.dice.bytes(16);
            self.push([0, 0x20, 0, 1], &wrong, None);
        }
        self.push([0, 0x20, 0, 1], &[], None);
        let data = [PUK.to_vec(), self.padded(true)].concat();
        self.push([0, 0x2C, 0, 1], &data, None);
        self.right_pin();
    }

    fn environment(&mut self, algorithm: u8, slot: u8, template: u8) {
        if template == 0 {
            return self.push([0, 0x22, 0x41, 0], &[0x80, 1, algorithm, 0x84, 1, slot], None);
        }
        self.push([0, 0x22, 0x41, template], &[0x80, 1, algorithm, 0x81, 2, 0x50, 0x15, 0x84, 1, slot], None);
    }

    fn generate(&mut self) {
        self.right_pin();
        let slot = self.dice.pick(&[0, 0, 1, 2, 15, 16]);
        // RSA takes a simulator a second, and with it the whole run.
        if self.dice.rarely(40) {
            self.environment(0xF3, slot, 0);
            return self.push([0, 0x46, 0x42, 0], &[], Some(256));
        }
        self.environment(0xEC, slot, 0);
        let curve = hex::decode(P256).unwrap_or_default();
        self.push([0, 0x46, 0, 0], &curve, Some(256));
    }

    fn operate(&mut self) {
        if self.dice.chance(60) {
            self.right_pin();
        }
        let (slot, rsa) = if self.known.keys.is_empty() { (0, false) } else { self.dice.pick(&self.known.keys) };
        if self.dice.rarely(4) {
            self.environment(0x11, slot, 0xB8);
            let mut cryptogram = self.dice.bytes(257);
            cryptogram[0] = 0;
            return self.push([0, 0x2A, 0x80, 0x86], &cryptogram, Some(256));
        }
        let rsa_form = self.dice.pick(&[0x11, 0x12]);
        self.environment(if rsa { rsa_form } else { 0x21 }, slot, 0xB6);
        let len = self.dice.pick(&[32, 32, 20, 51, 48, 64, 0, 1, 245, 246]);
        let digest = self.dice.bytes(len);
        if self.dice.rarely(6) {
            return self.push([0, 0x88, 0, 0], &digest, Some(256));
        }
        self.push([0, 0x2A, 0x9E, 0x9A], &digest, Some(256));
    }

    fn import(&mut self) {
        self.right_pin();
        let slot = self.dice.pick(&[0, 3, 15]);
        let mut inner = hex::decode(P256).unwrap_or_default();
        inner.extend([0x88, 0x20]);
        inner.extend(self.dice.bytes(32));
        let algorithm = if self.dice.rarely(3) { 0xF3 } else { 0xEC };
        self.environment(algorithm, slot, 0);
        let [.., high, low] = inner.len().to_be_bytes();
        let outer: &[u8] = if algorithm == 0xEC { &[0xE0, 0x82] } else { &[0x7F, 0x48, 0x82] };
        let data = [outer, &[high, low], &inner].concat();
        self.push([0, 0xDB, 0x3F, 0xFF], &data, None);
    }

    fn data(&mut self) {
        let (le, len) = (self.le(), self.dice.below(40));
        match self.dice.below(7) {
            0 => self.push([0, 0x84, 0, 0], &[], Some(8)),
            1 => self.push([0, 0x84, 0, 0], &[], le),
            2 => self.push([0, 0xCB, 0x3F, 0xFF], &[0x5C, 1, 0x7E], Some(256)),
            3 => self.push([0, 0xCB, 0x3F, 0xFF], &[0x5C, 3, 0x5F, 0xC1, 2], Some(256)),
            4 => {
                let value = self.dice.bytes(len);
                self.push([0, 0xDA, 1, 1], &value, None);
            }
            _ => {
                let (p1, p2) = (self.dice.pick(&[0, 1, 0x5F, 0xDF, 0x7F]), self.dice.byte());
                self.push([0, 0xCA, p1, p2], &[], le);
            }
        }
    }

    /// Cuts what another plan sends into a chain, and sometimes breaks the chain.
    fn chain(&mut self) {
        match self.dice.below(4) {
            0 => self.generate(),
            1 => self.import(),
            2 => self.operate(),
            _ => self.update_file(),
        }
        let Some(last) = self.queue.pop_back() else { return };
        let Ok(command) = Command::parse(&last) else { return };
        let size = self.dice.pick(&[255, 255, 100, 16, 1]).max(command.data.len() / 40 + 1);
        let header = [command.cla.0, command.ins.0, command.p1, command.p2];
        let pieces: Vec<&[u8]> = command.data.chunks(size).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let ends = index + 1 == pieces.len();
            let class = if ends { header[0] } else { header[0] | Class::CHAIN_BIT };
            if self.dice.rarely(25) {
                self.read_file();
            }
            if ends && self.dice.rarely(10) {
                return;
            }
            let le = if ends && command.ne > 0 { Some(command.ne.min(256)) } else { None };
            self.push([class, header[1], header[2], header[3]], piece, le);
        }
    }

    fn channel(&mut self) {
        let number = 1 + u8::try_from(self.dice.below(3)).unwrap_or(0);
        self.push([0, 0x70, 0, 0], &[], Some(1));
        if self.dice.chance(30) {
            self.push([0, 0x70, 0, number], &[], None);
        }
        let before = self.queue.len();
        self.application();
        self.read_file();
        for command in self.queue.iter_mut().skip(before) {
            command[0] |= number;
        }
        let class = self.dice.pick(&[0, number]);
        self.push([class, 0x70, 0x80, number], &[], None);
    }

    /// Instructions that few cards have: life cycle, authentication, envelopes.
    fn rare(&mut self) {
        let len = self.dice.below(24);
        let (data, le) = (self.dice.bytes(len), self.le());
        let ins = self
            .dice
            .pick(&[0x04, 0x44, 0xE6, 0x82, 0x88, 0x86, 0x87, 0xC0, 0xC2, 0xC3, 0x10, 0xA2, 0xD2, 0xE2, 0x47, 0x34]);
        self.push([0, ins, 0, 0], &data, le);
    }

    fn anything(&mut self) {
        let mut header = [0, self.dice.byte(), self.dice.byte(), self.dice.byte()];
        if self.dice.rarely(3) {
            header[0] = self.dice.byte();
        }
        let len = self.dice.pick(&[0, 0, 1, 2, 8, 32, 255]);
        let (data, le) = (self.dice.bytes(len), self.le());
        self.push(header, &data, le);
    }
}
