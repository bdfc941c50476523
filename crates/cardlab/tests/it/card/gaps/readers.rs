//! Two readers, two cards; a simulator at a port; a card that comes later.

use std::process::Command;
use std::time::Duration;

use card_wire::{Icc, Protocol};
use testkit::{PrivatePcscd, free_port_pair, require_or_skip};
use virtual_reader::{VirtualReader, VpcdAddress};

use super::super::desk::{CARD, Desk, FIRST, LATER, PIN, Said};
use super::super::store::{in_file, shell, wait_for_cards};
use super::super::terminal::Terminal;
use super::{RENEW, rows};

const NEW: &str = "00AABBCC";
const NEW_PIN: &str = "13572468";

/// A card of another kind: it knows no application.
struct Foreign;

impl Icc for Foreign {
    fn power_on(&mut self, _: Protocol) -> &[u8] {
        self.reset()
    }

    fn reset(&mut self) -> &[u8] {
        &[0x3B, 0x80, 0x80, 0x01, 0x01]
    }

    fn power_off(&mut self) {}

    fn transmit<'r>(&mut self, _: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        response[..2].copy_from_slice(&[0x6A, 0x82]);
        &response[..2]
    }
}

/// The tool over the private service, from a script.
fn card(desk: &Desk, pcscd: &PrivatePcscd, args: &[&str]) -> Said {
    desk.plain(shell(pcscd), &[args, &["--batch", "--now", LATER]].concat())
}

fn second_slot(pcscd: &PrivatePcscd) -> VpcdAddress {
    VpcdAddress::local(pcscd.vpcd_port() + 1)
}

/// A personalised card without a certificate in `new.img`.
fn new_card(desk: &Desk) {
    desk.give("pin", NEW_PIN);
    let init = ["init", "--serial", NEW, "--seed", "6", "--pin-fd", "3", "--batch", "--image", "new.img"];
    desk.plain(Command::new("sh"), &[&init[..], &["--now", LATER]].concat()).ends(0);
}

/// The new card first, the old one second, which is the order of their readers.
fn both(desk: &Desk, pcscd: &PrivatePcscd) -> [VirtualReader; 2] {
    let new = VirtualReader::start(Box::new(in_file(desk, "new.img")), VpcdAddress::local(pcscd.vpcd_port()));
    let old = VirtualReader::start(Box::new(in_file(desk, "card.img")), second_slot(pcscd));
    wait_for_cards(desk, pcscd, 2);
    [new, old]
}

#[test]
fn an_old_card_signs_for_a_new_one_in_another_reader() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let desk = Desk::ready();
    new_card(&desk);
    let who = ["--subscriber", "A123", "--ra-unit", "R1", "--card", NEW, "--cn", "陳筱玲"];
    desk.ca(&[&["register"][..], &who, &["--channel", "channel", "--now", LATER]].concat()).ends(0);
    desk.may_renew();
    let _readers = both(&desk, &pcscd);
    let (first, second) = (pcscd.reader_name(), pcscd.second_reader_name());

    // Two cards of ours: a script must say which, a person is asked.
    card(&desk, &pcscd, &["info"]).ends(2).says(&["more than one reader", &first, &second]);
    card(&desk, &pcscd, &["info", "--reader", "00 01"]).ends(0).says(&[CARD]);
    card(&desk, &pcscd, &["info", "--reader", "00 00"]).ends(0).says(&[NEW]);
    card(&desk, &pcscd, &["info", "--reader", "CardLab"]).ends(2).says(&["Choose one with --reader"]);
    let socket = pcscd.socket_path();
    let variables = [("PCSCLITE_CSOCK_NAME", socket.as_os_str())];
    let Some(mut terminal) = Terminal::start_with(&desk, &format!("info --now {LATER}"), &variables) else { return };
    terminal.shows("Choose the reader").shows(&format!("1. {first}")).shows(&format!("2. {second}"));
    terminal.shows("Number (1-2").types("3\r").shows("not one of").shows("Number (1-2").types("2\r").shows(CARD);
    terminal.ends(0);

    let same = [&RENEW[..], &["--reader", &second, "--other-reader", "00 01"]].concat();
    card(&desk, &pcscd, &same).ends(2).says(&[&second, "is the one that is being renewed"]);

    // PINs come in the order of the cards: the new one's, then the old one's.
    desk.give("pin", &format!("{NEW_PIN}\n{PIN}"));
    let wanted = [&RENEW[..], &["--reader", &first, "--other-reader", &second]].concat();
    let said = card(&desk, &pcscd, &wanted).ends(3);
    said.says(&["further card number 1", &format!("Reader: {second}"), "has been sent"]);
    for code in [3, 0] {
        desk.answered(LATER);
        card(&desk, &pcscd, &["install", "--reader", &first, "--pin-fd", "3"]).ends(code);
    }
    let on_new = rows(&card(&desk, &pcscd, &["certs", "--reader", &first, "--json"]).ends(0).json());
    let on_old = rows(&card(&desk, &pcscd, &["certs", "--reader", &second, "--json"]).ends(0).json());
    assert_eq!((on_new.len(), on_new[0].0.as_str()), (1, "current"), "{on_new:?}");
    assert_eq!(on_old.len(), 1, "the old card keeps what it has: {on_old:?}");
    let shown = desk.ca(&["show", &on_new[0].1, "--json"]).ends(0).out;
    assert!(shown.contains(&on_old[0].1), "it follows the old one: {shown}");
    desk.keeps(&[PIN, NEW_PIN]);
}

#[test]
fn a_replaced_card_signs_no_more_and_the_new_one_is_applied_for() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let desk = Desk::ready();
    new_card(&desk);
    let replace = ["replace", "--subscriber", "A123", "--lost", CARD, "--card", NEW, "--now", LATER];
    desk.ca(&[&replace[..], &["--channel", "channel"]].concat()).ends(0).says(&["application of its own"]);
    desk.may_renew();
    let [_new, old] = both(&desk, &pcscd);
    let first = pcscd.reader_name();
    let wanted = [&RENEW[..], &["--reader", &first, "--other-reader", "00 01"]].concat();
    card(&desk, &pcscd, &wanted).ends(1).says(&["was revoked on 2026-12-20 10:00:00"]);
    let apply = ["apply", "--reader", &first, "--pin-fd", "3", "--accept-agreement", "channel/agreement.txt"];
    card(&desk, &pcscd, &apply).ends(3);
    // The lost card's place is taken by one of another kind: ours is found without a name.
    old.stop();
    wait_for_cards(&desk, &pcscd, 1);
    let _foreign = VirtualReader::start(Box::new(Foreign), second_slot(&pcscd));
    wait_for_cards(&desk, &pcscd, 2);
    for code in [3, 0] {
        desk.answered(LATER);
        card(&desk, &pcscd, &["install", "--pin-fd", "3"]).ends(code);
    }
    let found = rows(&card(&desk, &pcscd, &["certs", "--json"]).ends(0).json());
    assert_eq!((found.len(), found[0].0.as_str()), (1, "current"), "{found:?}");
    let info = card(&desk, &pcscd, &["info", "--reader", "00 01"]);
    assert_eq!(info.code, Some(1), "{info:?}");
    info.says(&["6A82"]);
}

#[test]
fn a_simulator_at_a_port_is_a_card_too() {
    let desk = Desk::ready();
    let port = free_port_pair().unwrap();
    let reader = VirtualReader::start(Box::new(in_file(&desk, "card.img")), VpcdAddress::local(port));
    let number = port.to_string();
    let at_port = ["--vpcd", &number, "--batch", "--now", LATER];
    let run = |args: &[&str]| desk.plain(Command::new("sh"), &[args, &at_port].concat());
    run(&["info"]).ends(0).says(&[CARD, "vpcd"]);
    desk.may_renew();
    run(&RENEW).ends(3);
    for code in [3, 0] {
        desk.answered(LATER);
        run(&["install", "--pin-fd", "3"]).ends(code);
    }
    assert_eq!(rows(&run(&["certs", "--json"]).ends(0).json())[0].0, "current");
    reader.stop();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let said = run(&["info"]);
    assert!(said.code != Some(0), "{said:?}");
    said.says(&["cannot listen at 127.0.0.1", &number]);
    drop(taken);
}

#[test]
fn a_card_is_waited_for() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let desk = Desk::ready();
    card(&desk, &pcscd, &["info"]).ends(2).says(&["The card is not in the reader", "insert the card"]);
    let options = ["info", "--batch", "--now", FIRST, "--wait", "60"];
    let socket = pcscd.socket_path();
    let variables = [("PCSCLITE_CSOCK_NAME", socket.as_os_str())];
    let words = format!("info --now {FIRST}");
    let Some(mut terminal) = Terminal::start_with(&desk, &words, &variables) else { return };
    terminal.shows("Insert the card into the reader").shows("Waiting for the card");
    let script = desk.begin(shell(&pcscd), &options);
    let reader = VirtualReader::start(Box::new(in_file(&desk, "card.img")), second_slot(&pcscd));
    terminal.shows(CARD);
    terminal.ends(0);
    Said::of(&script.wait_with_output().unwrap()).ends(0).says(&[CARD]);
    reader.remove();
    wait_for_cards(&desk, &pcscd, 0);
    let Some(mut terminal) = Terminal::start_with(&desk, &words, &variables) else { return };
    terminal.shows("Waiting for the card");
    std::thread::sleep(Duration::from_millis(100));
    terminal.types("\u{3}").shows("Cancelled. Nothing was changed.");
    let screen = terminal.ends(130);
    assert!(!screen.contains("must stay in the reader"), "there is no card: {screen}");
}
