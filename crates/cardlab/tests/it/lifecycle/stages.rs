//! Stage by stage: whatever our flows leave on the card, the stock programs read and use it.

use super::clerk::{Clerk, PIN};
use super::desk::{Desk, Look, listed};
use crate::recovery::in_own_process;

#[test]
fn stock_programs_read_and_use_the_card_at_every_stage() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let chain = clerk.records.chain().clone();
        let look = || Look { pin: PIN, chain: &chain, authorities: 2, caching: true };
        desk.used_by_all(&look(), &[]);
        let first = clerk.applied(&mut desk.card());
        desk.used_by_all(&look(), &listed(&[&first]));
        let second = clerk.renewed(&mut desk.card(), &first);
        desk.used_by_all(&look(), &listed(&[&first, &second]));
        assert_eq!(clerk.retired(&mut desk.card()).as_ref(), Some(&first));
        desk.used_by_all(&look(), &listed(&[&second]));
        let third = clerk.renewed(&mut desk.card(), &second);
        desk.used_by_all(&look(), &listed(&[&third, &second]));
    });
}

#[test]
fn what_opensc_keeps_on_the_disk_is_never_taken_for_a_later_certificate() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let first = clerk.applied(&mut desk.card());
        let place = |id: &str| {
            let dump = desk.done_caching("pkcs15-tool --list-certificates");
            let lines: Vec<&str> = dump.lines().map(str::trim).collect();
            let at = lines.iter().position(|line| line.ends_with(id)).unwrap_or_else(|| panic!("{id}\n{dump}"));
            lines[..at].iter().rev().find_map(|line| line.strip_prefix("Path           : ")).unwrap().to_owned()
        };
        let reads = |certificate: &card_pki::certificate::Certificate| {
            let id = listed(&[certificate]).remove(0).id;
            desk.reads_caching(&id, certificate);
            desk.done_caching("pkcs15-tool -D");
            desk.reads(&id, certificate);
            place(&id)
        };
        let file = reads(&first);
        assert_eq!(file, "3f0050153400");
        assert!(desk.cached() > 0, "nothing was kept, so nothing can be stale");
        let second = clerk.renewed(&mut desk.card(), &first);
        assert_eq!((reads(&first), reads(&second)), (file.clone(), "3f0050153401".into()));
        assert_eq!(clerk.retired(&mut desk.card()).as_ref(), Some(&first));
        reads(&second);
        let third = clerk.renewed(&mut desk.card(), &second);
        assert_eq!(reads(&third), file, "the first certificate's file is to be used again");
        reads(&second);
        let old = listed(&[&first]).remove(0).id;
        let dump = desk.done_caching("pkcs15-tool -D");
        assert!(!dump.contains(&old), "{dump}");
    });
}
