//! The class byte: logical channel, chaining, secure messaging (ISO/IEC 7816-4:2020).
//!
//! Decoded here and not by `iso7816`, whose channel and secure-messaging answers are wrong for CLA 40-7F.

/// A class byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class(pub u8);

/// What a class byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassKind {
    /// First or further interindustry class.
    Interindustry {
        /// Logical channel, 0 to 19.
        channel: u8,
        /// Secure messaging is indicated in any form.
        secure_messaging: bool,
        /// Further commands of the same chain follow.
        chained: bool,
    },
    /// Reserved, proprietary or invalid (20-3F, 80-FF).
    Other,
}

impl Class {
    /// Interindustry, basic channel, no chaining, no secure messaging.
    pub const PLAIN: Self = Self(0x00);
    /// As [`Class::PLAIN`], with more commands of the chain to follow.
    pub const CHAINED: Self = Self(0x10);
    /// The bit that says that more commands of the chain follow.
    pub const CHAIN_BIT: u8 = 0x10;

    /// Decodes the byte.
    #[must_use]
    pub const fn kind(self) -> ClassKind {
        let chained = self.0 & Self::CHAIN_BIT != 0;
        match self.0 {
            0x00..=0x1F => {
                ClassKind::Interindustry { channel: self.0 & 0x03, secure_messaging: self.0 & 0x0C != 0, chained }
            }
            0x40..=0x7F => {
                ClassKind::Interindustry { channel: (self.0 & 0x0F) + 4, secure_messaging: self.0 & 0x20 != 0, chained }
            }
            _ => ClassKind::Other,
        }
    }

    /// The byte without its chaining bit.
    #[must_use]
    pub const fn unchained(self) -> Self {
        match self.kind() {
            ClassKind::Interindustry { .. } => Self(self.0 & !Self::CHAIN_BIT),
            ClassKind::Other => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_follow_the_two_interindustry_forms() {
        let channel = |cla| match Class(cla).kind() {
            ClassKind::Interindustry { channel, .. } => Some(channel),
            ClassKind::Other => None,
        };
        assert_eq!(channel(0x03), Some(3));
        assert_eq!(channel(0x40), Some(4));
        assert_eq!(channel(0x4F), Some(19));
        assert_eq!(channel(0x20), None);
        assert_eq!(channel(0x80), None);
        assert_eq!(channel(0xFF), None);
    }

    #[test]
    fn secure_messaging_and_chaining_bits() {
        let kind = |cla| Class(cla).kind();
        let expect =
            |channel, secure_messaging, chained| ClassKind::Interindustry { channel, secure_messaging, chained };
        assert_eq!(kind(0x0C), expect(0, true, false));
        assert_eq!(kind(0x10), expect(0, false, true));
        assert_eq!(kind(0x60), expect(4, true, false));
        assert_eq!(kind(0x51), expect(5, false, true));
        assert_eq!(Class(0x11).unchained(), Class(0x01));
        assert_eq!(Class(0x90).unchained(), Class(0x90));
    }
}
