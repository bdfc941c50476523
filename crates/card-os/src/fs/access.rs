//! Access rules of files: the dialect's security attributes (tag 86).

/// What is to be done with a file. The numbers are positions in the security attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Delete the file itself.
    DeleteSelf = 0,
    /// Create a DF below this DF.
    CreateDf = 4,
    /// Create an EF below this DF, or update this EF.
    CreateEf = 5,
    /// Read this EF.
    Read = 6,
}

#[expect(non_upper_case_globals, reason = "a second name of a variant, as the dialect gives the position two meanings")]
impl Operation {
    /// Update this EF.
    pub(crate) const Update: Self = Self::CreateEf;
}

/// Seven condition bytes and a flag byte, as an object's attributes hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access(pub(crate) [u8; 8]);

/// Flag: the control information has a DF name.
pub(crate) const NAMED: u8 = 0x01;

impl Access {
    /// No security attributes: everything is allowed.
    pub(crate) const FREE: Self = Self([0; 8]);

    /// From the eight bytes of tag 86: FF and seven conditions. The first byte says nothing.
    pub(crate) const fn from_attributes(bytes: [u8; 8]) -> Self {
        let [_, a, b, c, d, e, f, g] = bytes;
        Self([a, b, c, d, e, f, g, 0])
    }

    /// The same rules for a DF with a name.
    pub(crate) const fn with_name(self) -> Self {
        let [a, b, c, d, e, f, g, flags] = self.0;
        Self([a, b, c, d, e, f, g, flags | NAMED])
    }

    pub(crate) const fn is_named(self) -> bool {
        self.0[7] & NAMED != 0
    }

    /// Whether the operation is allowed: 00 always, 90 (and what equals 10 under the mask 9F) with the user PIN,
    /// everything else never.
    pub(crate) fn allows(self, operation: Operation, authenticated: bool) -> bool {
        match self.0[operation as usize] {
            0x00 => true,
            0x90 => authenticated,
            other => other & 0x9F == 0x10 && authenticated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_free_pin_and_never() {
        let access = Access::from_attributes([0xFF, 0x90, 0xFF, 0x10, 0x30, 0x00, 0x70, 0x50]);
        assert!(!access.allows(Operation::DeleteSelf, false) && access.allows(Operation::DeleteSelf, true));
        assert!(access.allows(Operation::CreateDf, false));
        assert!(!access.allows(Operation::Update, false) && access.allows(Operation::Update, true));
        assert!(access.allows(Operation::Read, true));
        let never = Access::from_attributes([0xFF; 8]);
        assert!(!never.allows(Operation::Read, true));
        assert!(Access::FREE.allows(Operation::Read, false));
    }
}
