//! What a reader answers itself: control codes (PC/SC part 10) and attributes.

use crate::pin_pad::MAX_DIGITS;
use crate::proto::Rv;

/// `CM_IOCTL_GET_FEATURE_REQUEST`, and the value it had in old clients.
const FEATURE_REQUEST: [u32; 2] = [0x4200_0D48, 0x0031_3520];
/// Features by tag and control code; the codes are the CCID driver's. Of each reader its properties as TLV, and of those
/// with a PIN pad what the pad does and is like.
const TLV_PROPERTIES: (u8, u32) = (0x12, 0x4233_0012);
const VERIFY_PIN_DIRECT: (u8, u32) = (0x06, 0x4233_0006);
const MODIFY_PIN_DIRECT: (u8, u32) = (0x07, 0x4233_0007);
const PIN_PROPERTIES: (u8, u32) = (0x0A, 0x4233_000A);
/// What ends an entry: any of the three conditions.
const CONDITIONS: u8 = 7;

/// How long APDUs the reader says it can carry. It carries any; programs believe what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApduSize {
    /// Short APDUs only: programs chain longer commands, or do without.
    Short,
    /// Extended APDUs of up to 65,536 bytes of data.
    #[default]
    Extended,
}

/// What a control code wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// This answer.
    Answer(Vec<u8>),
    /// A PIN typed and verified; the data say how.
    Verify,
    /// A PIN typed and replaced.
    Modify,
}

/// What a control code wants of a reader with or without a PIN pad.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` for a code that the reader does not have.
pub(crate) fn control(code: u32, size: ApduSize, has_pad: bool) -> Result<Control, Rv> {
    if FEATURE_REQUEST.contains(&code) {
        let pad = [VERIFY_PIN_DIRECT, MODIFY_PIN_DIRECT, PIN_PROPERTIES];
        let features = pad.into_iter().filter(|_| has_pad).chain([TLV_PROPERTIES]);
        let row = |(tag, code): (u8, u32)| [&[tag, 4][..], &code.to_be_bytes()].concat();
        return Ok(Control::Answer(features.flat_map(row).collect()));
    }
    let is = |(_, other): (u8, u32)| code == other;
    if is(TLV_PROPERTIES) {
        return Ok(Control::Answer(properties(size, has_pad)));
    }
    if has_pad && is(PIN_PROPERTIES) {
        // wLcdLayout: none; bTimeOut2: not told from bTimeOut.
        return Ok(Control::Answer(vec![0, 0, CONDITIONS, 0]));
    }
    match has_pad {
        true if is(VERIFY_PIN_DIRECT) => Ok(Control::Verify),
        true if is(MODIFY_PIN_DIRECT) => Ok(Control::Modify),
        _ => Err(Rv::UNSUPPORTED_FEATURE),
    }
}

fn properties(size: ApduSize, has_pad: bool) -> Vec<u8> {
    // dwMaxAPDUDataSize in bytes; 0 is a reader for short APDUs.
    let most = match size {
        ApduSize::Short => 0u32,
        ApduSize::Extended => 0x0001_0000,
    };
    // bEntryValidationCondition, bMinPINSize, bMaxPINSize
    let pad: &[u8] = if has_pad { &[2, 1, CONDITIONS, 6, 1, 0, 7, 1, MAX_DIGITS] } else { &[] };
    // wLcdLayout, bTimeOut2 and bPPDUSupport are none; wIdVendor and wIdProduct are pid.codes' for tests, because
    // OpenSC and scdaemon treat some real ones in their own ways.
    let fixed = [1, 2, 0, 0, 3, 1, 0, 9, 1, 0, 0x0B, 2, 0x09, 0x12, 0x0C, 2, 0x01, 0x00];
    [pad, &fixed[..], &[0x0A, 4], &most.to_le_bytes()].concat()
}

/// What attributes are answered from.
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a str,
    pub(crate) atr: &'a [u8],
    pub(crate) present: bool,
    pub(crate) powered: bool,
}

/// The value of an attribute, at most 264 bytes.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` for an attribute that the reader does not have.
pub(crate) fn attribute(id: u32, facts: &Facts<'_>) -> Result<Vec<u8>, Rv> {
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    Ok(match id {
        // SCARD_ATTR_VENDOR_NAME, _VENDOR_IFD_VERSION (0xMMmmbbbb), _VENDOR_IFD_SERIAL_NO
        0x0001_0100 => text("CardLab"),
        0x0001_0102 => 0x0001_0000u32.to_le_bytes().to_vec(),
        0x0001_0103 => text("0"),
        // SCARD_ATTR_CHANNEL_ID: a USB device, 0020 in the high half
        0x0002_0110 => 0x0020_0000u32.to_le_bytes().to_vec(),
        // SCARD_ATTR_MAXINPUT
        0x0007_A007 => 0x0001_0000u32.to_le_bytes().to_vec(),
        // SCARD_ATTR_ICC_PRESENCE, _ICC_INTERFACE_STATUS, _ATR_STRING
        0x0009_0300 => vec![if facts.present { 2 } else { 0 }],
        0x0009_0301 => vec![u8::from(facts.powered)],
        0x0009_0303 => facts.atr.to_vec(),
        // SCARD_ATTR_DEVICE_FRIENDLY_NAME_A and _DEVICE_SYSTEM_NAME_A; pcsc-sys 1.3 has the class as 0
        0x7FFF_0003 | 0x7FFF_0004 | 0x0000_0003 => text(facts.name),
        _ => return Err(Rv::UNSUPPORTED_FEATURE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u32, size: ApduSize, has_pad: bool) -> Vec<u8> {
        match control(code, size, has_pad) {
            Ok(Control::Answer(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn features_lead_to_the_properties() {
        let features = answer(0x4200_0D48, ApduSize::Extended, false);
        assert_eq!(features[..2], [0x12, 4]);
        let code = u32::from_be_bytes(features[2..].try_into().unwrap());
        let properties = answer(code, ApduSize::Extended, false);
        assert!(properties.ends_with(&[0x0A, 4, 0, 0, 1, 0]), "{properties:02X?}");
        assert!(answer(0x4233_0012, ApduSize::Short, false).ends_with(&[0x0A, 4, 0, 0, 0, 0]));
    }

    #[test]
    fn only_a_reader_with_a_pad_takes_pins() {
        let features = answer(0x4200_0D48, ApduSize::Extended, true);
        let (rows, rest) = features.as_chunks::<6>();
        assert!(rest.is_empty());
        let found: Vec<_> = rows.iter().map(|row| (row[0], row[1], row[2..].to_vec())).collect();
        let row = |tag: u8| (tag, 4, vec![0x42, 0x33, 0x00, tag]);
        assert_eq!(found, [6, 7, 0x0A, 0x12].map(row));
        assert_eq!(control(0x4233_0006, ApduSize::Extended, true), Ok(Control::Verify));
        assert_eq!(control(0x4233_0007, ApduSize::Extended, true), Ok(Control::Modify));
        assert_eq!(answer(0x4233_000A, ApduSize::Extended, true), [0, 0, 7, 0]);
        assert!(answer(0x4233_0012, ApduSize::Extended, true).starts_with(&[2, 1, 7, 6, 1, 0, 7, 1, 32]));
        for code in [0x4233_0006, 0x4233_0007, 0x4233_000A, 0x4233_0008] {
            assert_eq!(control(code, ApduSize::Extended, false), Err(Rv::UNSUPPORTED_FEATURE));
        }
        assert_eq!(control(0x4233_0008, ApduSize::Extended, true), Err(Rv::UNSUPPORTED_FEATURE));
    }
}
