//! The event stream: what happens is told in order, and no secret is in it.

use card_os::platform::{Event, Events, Parts};
use card_os::sim::{SimNvm, SimPlatform, SoftRsa, seeded_rng};
use card_os::{Card, Preset};
use card_wire::Protocol;

use crate::support::{SELECT_AID, SET_PIN, VERIFY, VERIFY_WRONG};

/// Keeps every event as text.
#[derive(Default)]
struct Diary(Vec<String>);

impl Events for Diary {
    fn event(&mut self, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

#[test]
fn events_come_in_order_and_without_secrets() {
    let preset = Preset::isoapplet();
    let nvm = SimNvm::new(preset.nvm_len as usize);
    let parts = Parts { nvm, rng: seeded_rng(1, 0), rsa: SoftRsa, events: Diary::default() };
    let mut card: Card<SimPlatform<SoftRsa, Diary>> = Card::create(parts, &preset).unwrap();
    card.power_on(Protocol::T1);
    for command in [SELECT_AID, SET_PIN, VERIFY_WRONG, VERIFY] {
        let mut buffer = [0; 300];
        card.transmit(&hex::decode(command).unwrap(), &mut buffer);
    }
    card.reset();
    card.power_off();
    let diary = std::mem::take(&mut card.events_mut().0);
    let told = |text: &str| {
        diary.iter().position(|event| event.contains(text)).unwrap_or_else(|| panic!("{text}: {diary:#?}"))
    };
    let wrong = told("PinTry { reference: 1, success: false, tries_left: 2 }");
    let right = told("PinTry { reference: 1, success: true, tries_left: 3 }");
    assert_eq!(diary[0], "PowerOn");
    assert!(told("Command([0, 164, 4, 0])") < told("Answer { status: Status(36864), len: 3 }"));
    assert!(wrong < told("Answer { status: Status(25538)") && told("Answer { status: Status(25538)") < right);
    assert!(told("MemoryWritten") < wrong, "setting the PIN wrote before");
    assert_eq!(diary[diary.len() - 2..], ["Reset", "PowerOff"]);
    for secret in ["123456", "31, 32, 33", "49, 50, 51", "923456", "57, 50, 51"] {
        assert!(!diary.iter().any(|event| event.contains(secret)), "{secret} in {diary:#?}");
    }
}
