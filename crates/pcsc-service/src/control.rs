//! What a reader answers itself: control codes (PC/SC part 10) and attributes.

use crate::proto::Rv;

/// `CM_IOCTL_GET_FEATURE_REQUEST`, and the value it had in old clients.
const FEATURE_REQUEST: [u32; 2] = [0x4200_0D48, 0x0031_3520];
/// Tag and control code of the reader's properties as TLV; the code is the CCID driver's.
const TLV_PROPERTIES: (u8, u32) = (0x12, 0x4233_0012);

/// How long APDUs the reader says it can carry. It carries any; programs believe what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApduSize {
    /// Short APDUs only: programs chain longer commands, or do without.
    Short,
    /// Extended APDUs of up to 65,536 bytes of data.
    #[default]
    Extended,
}

/// The answer to a control code.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` for a code that the reader does not have.
pub(crate) fn control(code: u32, size: ApduSize) -> Result<Vec<u8>, Rv> {
    let (tag, properties) = TLV_PROPERTIES;
    if FEATURE_REQUEST.contains(&code) {
        return Ok([&[tag, 4][..], &properties.to_be_bytes()].concat());
    }
    if code != properties {
        return Err(Rv::UNSUPPORTED_FEATURE);
    }
    // dwMaxAPDUDataSize in bytes; 0 is a reader for short APDUs.
    let most = match size {
        ApduSize::Short => 0u32,
        ApduSize::Extended => 0x0001_0000,
    };
    // wLcdLayout, bTimeOut2 and bPPDUSupport are none; wIdVendor and wIdProduct are pid.codes' for tests, because
    // OpenSC and scdaemon treat some real ones in their own ways.
    let fixed = [1, 2, 0, 0, 3, 1, 0, 9, 1, 0, 0x0B, 2, 0x09, 0x12, 0x0C, 2, 0x01, 0x00];
    Ok([&fixed[..], &[0x0A, 4], &most.to_le_bytes()].concat())
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

    #[test]
    fn features_lead_to_the_properties() {
        let features = control(0x4200_0D48, ApduSize::Extended).unwrap();
        assert_eq!(features[..2], [0x12, 4]);
        let code = u32::from_be_bytes(features[2..].try_into().unwrap());
        let properties = control(code, ApduSize::Extended).unwrap();
        assert!(properties.ends_with(&[0x0A, 4, 0, 0, 1, 0]), "{properties:02X?}");
        assert!(control(0x4233_0012, ApduSize::Short).unwrap().ends_with(&[0x0A, 4, 0, 0, 0, 0]));
        assert_eq!(control(0x4233_0006, ApduSize::Extended), Err(Rv::UNSUPPORTED_FEATURE));
    }
}
