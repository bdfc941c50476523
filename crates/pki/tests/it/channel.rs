//! The channel: what is put is found, what is wrong names its file, and nobody sees half a file.

use crate::support::{Openssl, now, subject, world};
use card_pki::channel::{
    Answer, Channel, ChannelError, Closed, Confirmation, Kind, Recipient, Registration, SealError, Submission,
    agreement_hash, confirmation_digest, is_name,
};
use card_pki::crl::{Draft, Unsigned};
use card_pki::refusal::Refusal;
use rsa::Oaep;
use sha2::Sha256;
use tempfile::TempDir;

fn channel() -> (TempDir, Channel) {
    let directory = TempDir::new().unwrap();
    let channel = Channel::create(directory.path().join("channel")).unwrap();
    (directory, channel)
}

fn submission(body: usize) -> Submission {
    Submission { kind: Kind::Renewal, card: "AB12".into(), body: vec![7; body] }
}

#[test]
fn what_is_put_is_found() {
    let world = world();
    let (_directory, channel) = channel();
    let key = world.old.public_key().hash();
    assert!(channel.agreement().unwrap().is_none() && channel.chain().unwrap().is_none());
    assert!(channel.crl().unwrap().is_none() && channel.recipient().unwrap().is_none());
    channel.put_agreement("約定條款\n").unwrap();
    assert_eq!(channel.agreement().unwrap().map(|text| agreement_hash(&text)), Some(agreement_hash("約定條款\n")));
    channel.put_chain(&world.chain).unwrap();
    assert_eq!(channel.chain().unwrap().as_ref(), Some(&world.chain));
    let draft = Draft { number: 1, this_update: now(), next_update: now(), revoked: vec![] };
    let unsigned = Unsigned::new(&draft, &world.chain.issuing).unwrap();
    let signature = world.issuing_key.sign(&unsigned.digest());
    channel.put_crl(&unsigned.signed(&signature).unwrap()).unwrap();
    assert_eq!(channel.crl().unwrap().unwrap().number(), 1);
    let registration = Registration {
        subscriber: "S-1".into(),
        ra_unit: "資訊組".into(),
        card: "AB12".into(),
        subject_der: subject("王小明").to_der().unwrap(),
        email: None,
    };
    channel.put_registration(&registration).unwrap();
    assert_eq!(channel.registration("AB12").unwrap(), Some(registration.clone()));
    assert_eq!(channel.registrations().unwrap().pop().unwrap().unwrap(), ("AB12".into(), registration));
    channel.put_nonce("S-1", &[1, 2, 3]).unwrap();
    assert_eq!(channel.nonce("S-1").unwrap(), Some(vec![1, 2, 3]));
    channel.remove_nonce("S-1").unwrap();
    channel.remove_nonce("S-1").unwrap();
    assert_eq!(channel.nonce("S-1").unwrap(), None);
    // The longest renewal fits.
    channel.put_submission(&key, &submission(64 * 1024)).unwrap();
    assert_eq!(channel.submissions().unwrap().pop().unwrap().unwrap(), (key, submission(64 * 1024)));
    channel.remove_submission(&key).unwrap();
    assert!(channel.submissions().unwrap().is_empty() && channel.submission(&key).unwrap().is_none());
    channel.put_closed(&key, &Closed { at: now() }).unwrap();
    assert_eq!(channel.closed(&key).unwrap(), Some(Closed { at: now() }));
    channel.remove_registration("AB12").unwrap();
    assert!(channel.registrations().unwrap().is_empty());
    assert_eq!(Channel::open(channel.path()).unwrap(), channel);
    assert!(matches!(Channel::open(channel.path().join("cards")), Err(ChannelError::NotAChannel(_))));
}

#[test]
fn answers() {
    let world = world();
    let (_directory, channel) = channel();
    let key = world.old.public_key().hash();
    let issued = |certificate: &card_pki::Certificate| Answer::Issued { certificate: certificate.clone() };
    let refused = Answer::Refused { refusal: Refusal::NonceUsed };
    for answer in [Answer::Pending, issued(&world.old), refused, Answer::Pending] {
        channel.put_answer(&key, &answer).unwrap();
        assert_eq!(channel.answer(&key).unwrap(), answer);
    }
    channel.put_answer(&key, &issued(&world.other)).unwrap();
    assert!(matches!(channel.answer(&key), Err(ChannelError::Garbage { .. })), "a certificate for another key");
}

#[test]
fn confirmations() {
    let world = world();
    let (_directory, channel) = channel();
    let key = world.old.public_key().hash();
    let signature = world.old_key.sign(&confirmation_digest(&world.old));
    let confirmation = Confirmation { serial: world.old.serial().into(), signature };
    channel.put_confirmation(&key, &confirmation).unwrap();
    let (found, read) = channel.confirmations().unwrap().pop().unwrap().unwrap();
    assert!(found == key && read.is_for(&world.old) && !read.is_for(&world.other));
    let forged = Confirmation { signature: world.new_key.sign(&confirmation_digest(&world.old)), ..confirmation };
    assert!(!forged.is_for(&world.old));
    channel.remove_confirmation(&key).unwrap();
    assert!(channel.confirmation(&key).unwrap().is_none());
}

#[test]
fn names() {
    for good in ["a", "AB12", "S-1_x.y", &"x".repeat(64)] {
        assert!(is_name(good), "{good}");
    }
    let (_directory, channel) = channel();
    for bad in ["", ".", "..", ".hidden", "../x", "a/b", "a\\b", "a b", "王", "a\0", "C:", &"x".repeat(65)] {
        assert!(!is_name(bad), "{bad}");
        assert!(matches!(channel.registration(bad), Err(ChannelError::Name(_))), "{bad}");
        assert!(matches!(channel.put_nonce(bad, &[1]), Err(ChannelError::Name(_))), "{bad}");
        assert!(matches!(channel.remove_sealed(bad), Err(ChannelError::Name(_))), "{bad}");
    }
}

#[test]
fn garbage_names_its_file_and_leaves_the_rest_readable() {
    let (_directory, channel) = channel();
    let key = world().old.public_key().hash();
    channel.put_submission(&key, &submission(10)).unwrap();
    let place = channel.path().join("requests");
    let hash = |digit: &str| format!("{}.json", digit.repeat(64));
    let hidden = ".half-written";
    for (file, content) in [
        (hash("1"), vec![]),
        (hash("2"), b"{\"kind\":\"renewal\"}".to_vec()),
        (hash("3"), vec![b' '; 200 * 1024]),
        (hash("4"), b"{\"kind\":\"renewal\",\"card\":\"x\",\"body\":\"!\"}".to_vec()),
        ("short.json".into(), serde_json::to_vec(&submission(1)).unwrap()),
        ("README".into(), vec![1]),
        (hidden.into(), vec![1]),
    ] {
        std::fs::write(place.join(file), content).unwrap();
    }
    std::fs::create_dir(place.join(hash("5"))).unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = channel.submissions().unwrap().into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    let mut named: Vec<_> = bad.into_iter().map(|error| error.unwrap_err().to_string()).collect();
    named.sort();
    assert_eq!(named.len(), 7, "{named:?}");
    let files = [hash("1"), hash("2"), hash("3"), hash("4"), hash("5"), "README".into(), "short.json".into()];
    for (error, file) in named.iter().zip(files) {
        assert!(error.contains(&file), "{error} does not name {file}");
    }
    for file in ["agreement.txt", "chain.pem", "crl.der", "recipient.pem", "nonces/S"] {
        std::fs::write(channel.path().join(file), [0xFF, 0xFE]).unwrap();
    }
    let errors = [
        channel.agreement().unwrap_err(),
        channel.chain().unwrap_err(),
        channel.crl().unwrap_err(),
        channel.recipient().unwrap_err(),
        channel.nonce("S").unwrap_err(),
    ];
    assert!(errors.iter().all(|error| matches!(error, ChannelError::Garbage { .. })), "{errors:?}");
    std::fs::write(channel.path().join("agreement.txt"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    assert!(matches!(channel.agreement(), Err(ChannelError::TooLarge { .. })));
    assert!(matches!(channel.put_agreement(&"x".repeat(1024 * 1024 + 1)), Err(ChannelError::TooLarge { .. })));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out() {
    let (directory, channel) = channel();
    std::fs::write(directory.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(directory.path().join("secret"), channel.path().join("agreement.txt")).unwrap();
    assert!(matches!(channel.agreement(), Err(ChannelError::Garbage { .. })));
    channel.put_agreement("new").unwrap();
    assert_eq!(channel.agreement().unwrap().as_deref(), Some("new"));
    assert_eq!(std::fs::read_to_string(directory.path().join("secret")).unwrap(), "secret");
}

#[test]
fn nobody_sees_half_a_file() {
    let (_directory, channel) = channel();
    let key = world().old.public_key().hash();
    channel.put_submission(&key, &submission(0)).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2_usize {
            let channel = &channel;
            scope.spawn(move || {
                for count in 0..40 {
                    channel.put_submission(&key, &submission((count + writer) * 1000)).unwrap();
                }
            });
        }
        for _ in 0..200 {
            let read = channel.submission(&key).unwrap().unwrap();
            assert!(read.body.len() % 1000 == 0 && read.body.iter().all(|byte| *byte == 7));
            assert_eq!(channel.submissions().unwrap().len(), 1);
        }
    });
    let left = std::fs::read_dir(channel.path().join("requests")).unwrap().count();
    assert_eq!(left, 1, "temporary files stayed");
}

#[test]
fn sealed_puks() {
    let world = world();
    let (_directory, channel) = channel();
    channel.put_recipient(&Recipient::new(world.issuing_key.public.clone())).unwrap();
    let recipient = channel.recipient().unwrap().unwrap();
    let sealed = recipient.seal(b"12345678", "AB12").unwrap();
    assert_ne!(sealed, recipient.seal(b"12345678", "AB12").unwrap(), "sealing is random");
    channel.put_sealed(&sealed).unwrap();
    let (card, read) = channel.sealed().unwrap().pop().unwrap().unwrap();
    assert_eq!((card.as_str(), channel.sealed_puk("AB12").unwrap().as_ref()), ("AB12", Some(&read)));
    let open = |label: &str| {
        world.issuing_key.private().decrypt(Oaep::<Sha256>::new_with_label(label.as_bytes()), &read.ciphertext)
    };
    assert_eq!(open("AB12").unwrap(), b"12345678");
    open("AB13").unwrap_err();
    channel.remove_sealed("AB12").unwrap();
    assert!(channel.sealed().unwrap().is_empty());
    assert_eq!(recipient.seal(&[1; 200], "AB12"), Err(SealError::Key));
    assert_eq!(recipient.seal(&[1; 8], "../x"), Err(SealError::Card));
    // Under another card's name it is refused before anybody tries to open it.
    let json = serde_json::to_vec(&sealed).unwrap();
    std::fs::write(channel.path().join("sealed/AB13.json"), json).unwrap();
    channel.sealed_puk("AB13").unwrap_err();
}

#[test]
fn openssl_opens_a_sealed_puk() {
    let Some(openssl) = Openssl::find() else { return };
    let key = &world().issuing_key;
    let sealed = Recipient::new(key.public.clone()).seal(b"12345678", "AB12").unwrap();
    openssl.write("key.der", key.pkcs8());
    openssl.write("sealed", &sealed.ciphertext);
    let label = "41423132";
    let decrypt = "pkeyutl -decrypt -keyform DER -inkey key.der -in sealed -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256";
    assert_eq!(openssl.expect(&format!("{decrypt} -pkeyopt rsa_oaep_label:{label}")), "12345678");
    assert!(!openssl.run(decrypt).0);
}

#[test]
fn weak_recipients_are_refused() {
    let weak = card_pki::PublicKey { exponent: vec![3], ..world().issuing_key.public.clone() };
    Recipient::from_pem(&weak.to_pem()).unwrap_err();
}
