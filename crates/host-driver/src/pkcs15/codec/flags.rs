//! Sets of bits. Bit n of the standard, counted from the left of the BIT STRING, is bit n of the number.

/// One set of bits with names.
macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident { $($(#[$bit_doc:meta])* $bit:ident = $number:literal;)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$bit_doc])* pub const $bit: Self = Self(1 << $number);)*

            /// Whether all of these bits are set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// The bits of both.
            #[must_use]
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl core::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                self.and(other)
            }
        }
    )*};
}

flags! {
    /// What holds for an object of any kind.
    ObjectFlags {
        /// Cannot be read or used without a PIN.
        PRIVATE = 0;
        /// Can be changed.
        MODIFIABLE = 1;
    }

    /// What holds for a PIN.
    PinFlags {
        /// The case of letters counts.
        CASE_SENSITIVE = 0;
        /// Belongs to the application, not to the whole card.
        LOCAL = 1;
        /// Cannot be changed.
        CHANGE_DISABLED = 2;
        /// Cannot be unblocked.
        UNBLOCK_DISABLED = 3;
        /// Has a value.
        INITIALIZED = 4;
        /// Is padded to its stored length.
        NEEDS_PADDING = 5;
        /// Unblocks another PIN: a PUK.
        UNBLOCKING_PIN = 6;
        /// Is that of the security officer.
        SO_PIN = 7;
        /// Cannot be switched off.
        DISABLE_ALLOWED = 8;
    }

    /// What a key is for.
    KeyUsage {
        /// Encrypts.
        ENCRYPT = 0;
        /// Decrypts.
        DECRYPT = 1;
        /// Signs a hash value.
        SIGN = 2;
        /// Signs such that the message comes back from the signature.
        SIGN_RECOVER = 3;
        /// Encrypts keys.
        WRAP = 4;
        /// Decrypts keys.
        UNWRAP = 5;
        /// Verifies.
        VERIFY = 6;
        /// Verifies and gives the message back.
        VERIFY_RECOVER = 7;
        /// Derives other keys.
        DERIVE = 8;
        /// Makes signatures that its owner cannot deny.
        NON_REPUDIATION = 9;
    }

    /// What may become of a key.
    KeyAccess {
        /// Never leaves the card in clear.
        SENSITIVE = 0;
        /// Can be read.
        EXTRACTABLE = 1;
        /// Has been sensitive always.
        ALWAYS_SENSITIVE = 2;
        /// Could be read at no time.
        NEVER_EXTRACTABLE = 3;
        /// Was generated on the card.
        LOCAL = 4;
    }

    /// What holds for the whole application.
    TokenFlags {
        /// Nothing can be changed.
        READ_ONLY = 0;
        /// A PIN is needed to use it.
        LOGIN_REQUIRED = 1;
        /// Makes random numbers.
        PRN_GENERATION = 2;
        /// Is laid out as the profile for electronic identification wants it.
        EID_COMPLIANT = 3;
    }
}

impl PinFlags {
    /// Those of the holder's PIN.
    pub const USER: Self = Self::CASE_SENSITIVE.and(Self::INITIALIZED).and(Self::NEEDS_PADDING);
    /// Those of the PUK.
    pub const PUK: Self = Self::CASE_SENSITIVE
        .and(Self::CHANGE_DISABLED)
        .and(Self::UNBLOCK_DISABLED)
        .and(Self::INITIALIZED)
        .and(Self::UNBLOCKING_PIN);
}
