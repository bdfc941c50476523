//! Instruction bytes: numbers with names.

use core::fmt;

/// An instruction byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ins(pub u8);

macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $text:literal;)*) => {
        impl Ins {
            $($(#[$doc])* pub const $name: Self = Self($byte);)*

            /// The standard's name of the instruction, if it has one here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($byte => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

instructions! {
    /// ISO/IEC 7816-9.
    DEACTIVATE_FILE = 0x04, "DEACTIVATE FILE";
    /// ISO/IEC 7816-4, even form.
    ERASE_BINARY = 0x0E, "ERASE BINARY";
    /// ISO/IEC 7816-4, odd form.
    ERASE_BINARY_ODD = 0x0F, "ERASE BINARY (odd)";
    /// ISO/IEC 7816-4.
    VERIFY = 0x20, "VERIFY";
    /// ISO/IEC 7816-4.
    MANAGE_SECURITY_ENVIRONMENT = 0x22, "MANAGE SECURITY ENVIRONMENT";
    /// ISO/IEC 7816-4.
    CHANGE_REFERENCE_DATA = 0x24, "CHANGE REFERENCE DATA";
    /// ISO/IEC 7816-4.
    DISABLE_VERIFICATION_REQUIREMENT = 0x26, "DISABLE VERIFICATION REQUIREMENT";
    /// ISO/IEC 7816-4.
    ENABLE_VERIFICATION_REQUIREMENT = 0x28, "ENABLE VERIFICATION REQUIREMENT";
    /// ISO/IEC 7816-8.
    PERFORM_SECURITY_OPERATION = 0x2A, "PERFORM SECURITY OPERATION";
    /// ISO/IEC 7816-4.
    RESET_RETRY_COUNTER = 0x2C, "RESET RETRY COUNTER";
    /// ISO/IEC 7816-9.
    ACTIVATE_FILE = 0x44, "ACTIVATE FILE";
    /// ISO/IEC 7816-8, even form.
    GENERATE_ASYMMETRIC_KEY_PAIR = 0x46, "GENERATE ASYMMETRIC KEY PAIR";
    /// ISO/IEC 7816-4.
    MANAGE_CHANNEL = 0x70, "MANAGE CHANNEL";
    /// ISO/IEC 7816-4.
    EXTERNAL_AUTHENTICATE = 0x82, "EXTERNAL AUTHENTICATE";
    /// ISO/IEC 7816-4.
    GET_CHALLENGE = 0x84, "GET CHALLENGE";
    /// ISO/IEC 7816-4.
    INTERNAL_AUTHENTICATE = 0x88, "INTERNAL AUTHENTICATE";
    /// ISO/IEC 7816-4.
    SEARCH_RECORD = 0xA2, "SEARCH RECORD";
    /// ISO/IEC 7816-4.
    SELECT = 0xA4, "SELECT";
    /// ISO/IEC 7816-4, even form.
    READ_BINARY = 0xB0, "READ BINARY";
    /// ISO/IEC 7816-4, odd form.
    READ_BINARY_ODD = 0xB1, "READ BINARY (odd)";
    /// ISO/IEC 7816-4, even form.
    READ_RECORD = 0xB2, "READ RECORD";
    /// ISO/IEC 7816-4.
    GET_RESPONSE = 0xC0, "GET RESPONSE";
    /// ISO/IEC 7816-4, even form.
    ENVELOPE = 0xC2, "ENVELOPE";
    /// ISO/IEC 7816-4, even form.
    GET_DATA = 0xCA, "GET DATA";
    /// ISO/IEC 7816-4, odd form.
    GET_DATA_ODD = 0xCB, "GET DATA (odd)";
    /// ISO/IEC 7816-4, even form.
    WRITE_BINARY = 0xD0, "WRITE BINARY";
    /// ISO/IEC 7816-4, odd form.
    WRITE_BINARY_ODD = 0xD1, "WRITE BINARY (odd)";
    /// ISO/IEC 7816-4.
    WRITE_RECORD = 0xD2, "WRITE RECORD";
    /// ISO/IEC 7816-4, even form.
    UPDATE_BINARY = 0xD6, "UPDATE BINARY";
    /// ISO/IEC 7816-4, odd form.
    UPDATE_BINARY_ODD = 0xD7, "UPDATE BINARY (odd)";
    /// ISO/IEC 7816-4, even form.
    PUT_DATA = 0xDA, "PUT DATA";
    /// ISO/IEC 7816-4, odd form.
    PUT_DATA_ODD = 0xDB, "PUT DATA (odd)";
    /// ISO/IEC 7816-4, even form.
    UPDATE_RECORD = 0xDC, "UPDATE RECORD";
    /// ISO/IEC 7816-9.
    CREATE_FILE = 0xE0, "CREATE FILE";
    /// ISO/IEC 7816-4.
    APPEND_RECORD = 0xE2, "APPEND RECORD";
    /// ISO/IEC 7816-9.
    DELETE_FILE = 0xE4, "DELETE FILE";
    /// ISO/IEC 7816-9.
    TERMINATE_DF = 0xE6, "TERMINATE DF";
    /// ISO/IEC 7816-9.
    TERMINATE_EF = 0xE8, "TERMINATE EF";
    /// ISO/IEC 7816-9.
    TERMINATE_CARD_USAGE = 0xFE, "TERMINATE CARD USAGE";
}

impl Ins {
    /// Bytes 6X and 9X are not instructions (ISO/IEC 7816-4:2020): as procedure bytes of T=0 they would
    /// be taken for a status word.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        !matches!(self.0 & 0xF0, 0x60 | 0x90)
    }
}

impl fmt::Display for Ins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "INS {:02X}", self.0),
        }
    }
}
