//! Errors of the card, the flows and the authority, as sentences in the person's language.

use card_enrolment::Error;
use card_enrolment::authority::AuthorityError;
use card_pki::certificate::ChainFault;
use card_pki::crl::Reason;
use card_pki::key::Weakness;
use card_pki::refusal::Refusal;
use card_pki::time::shown;
use host_driver::pkcs15;
use host_driver::{Error as CardError, TransportError};

use crate::failure::Failure;
use crate::interrupt;
use crate::texts::Lang;

/// What went wrong with the card that has this serial number, as far as it is known.
pub(crate) fn flow(lang: Lang, serial: &str, error: &Error) -> Failure {
    match error {
        Error::Cancelled => Failure::new("cancelled", interrupt::kept(lang)),
        Error::Card(error) => card(lang, serial, error),
        Error::Token(error) => token(lang, serial, error),
        Error::PinBlocked { serial } => Failure::new("locked", lang.locked(serial)),
        Error::Authority(error) => authority(lang, error),
        Error::Refused(reason) => Failure::new("refused", lang.refused_because(refusal(lang, reason))),
        Error::OtherKey { serial } => Failure::new("other-key", lang.other_key(serial)),
        Error::Chain(reason) => Failure::new("wrong-certificate", lang.wrong_certificate(fault(lang, reason))),
        Error::Revoked(entry) => {
            let reason = Refusal::Revoked { since: entry.at, reason: entry.reason };
            Failure::new("revoked", lang.refused_because(refusal(lang, &reason)))
        }
        Error::Certificate(error) => Failure::new("damaged", lang.damaged(error)),
        Error::NoCertificate => Failure::new("no-certificate", lang.no_certificate()),
        Error::NoSuchCertificate { serial } => Failure::new("no-such-certificate", lang.no_such_certificate(serial)),
        Error::NothingPending => Failure::new("nothing-pending", lang.nothing_pending()),
        Error::StillValid { until } => Failure::new("still-valid", lang.still_valid(shown(*until))),
        Error::NotSuperseded => Failure::new("not-retirable", lang.not_superseded()),
        Error::BadSignature => Failure::new("bad-signature", lang.card_signed_wrongly()),
        Error::NotRegistered { card } => {
            let reason = Refusal::CardUnknown { card: card.clone() };
            Failure::new("refused", lang.refused_because(refusal(lang, &reason)))
        }
        other => Failure::new("failed", lang.other_failure(other)),
    }
}

/// What the authority's side said, or did not.
pub(crate) fn authority(lang: Lang, error: &AuthorityError) -> Failure {
    match error {
        AuthorityError::Unreachable(detail) => {
            Failure::missing("authority-unreachable", lang.authority_unreachable(detail))
        }
        AuthorityError::Malformed(detail) => Failure::new("authority-malformed", lang.authority_malformed(detail)),
        AuthorityError::Missing { what } => Failure::new("authority-missing", lang.authority_missing(what)),
    }
}

/// What is wrong with the application on the card.
fn token(lang: Lang, serial: &str, error: &pkcs15::Error) -> Failure {
    match error {
        pkcs15::Error::Card(error) => card(lang, serial, error),
        pkcs15::Error::Changed { .. } => Failure::new("card-changed", lang.card_changed()),
        pkcs15::Error::Blank => Failure::new("not-personalised", lang.not_personalised()),
        pkcs15::Error::AlreadyPersonalised => Failure::new("already-personalised", lang.already_personalised()),
        pkcs15::Error::Full(what) => Failure::new("card-full", lang.no_room(full(lang, what))),
        pkcs15::Error::ReadBack { .. } => Failure::new("read-back", lang.read_back_differs()),
        pkcs15::Error::Damaged { file, at } => {
            Failure::new("damaged", lang.damaged(format_args!("EF {file:04X}, {at}")))
        }
        other => Failure::new("damaged", lang.damaged(other)),
    }
}

fn full(lang: Lang, what: &pkcs15::Full) -> String {
    use pkcs15::Full;
    match what {
        Full::Slots { slots } => lang.full_slots(slots),
        Full::Files { files } => lang.full_files(files),
        Full::Directory { file, free, needed } => lang.full_directory(format_args!("{file:04X}"), free, needed),
        Full::Memory { needed } => lang.full_memory(needed),
    }
}

/// What the card or the way to it said.
pub(crate) fn card(lang: Lang, serial: &str, error: &CardError) -> Failure {
    match error {
        CardError::Transport(error) => transport(lang, error),
        CardError::Malformed => Failure::new("card-malformed", lang.answer_malformed()),
        CardError::WrongPin { tries } => Failure::wrong("wrong-pin", lang.wrong_pin(tries), *tries),
        CardError::Blocked => Failure::new("locked", lang.locked(serial)),
        CardError::TooLong { len, max } => Failure::new("too-long", lang.too_long(len, max)),
        CardError::Refused(status) => refused_word(lang, serial, status.0),
    }
}

/// Each status word that a card of this service gives, and all others.
fn refused_word(lang: Lang, serial: &str, status: u16) -> Failure {
    let word = format!("{status:04X}");
    match status {
        0x63C0 | 0x6983 => Failure::new("locked", lang.locked(serial)),
        0x6581 => Failure::new("card-memory", lang.card_memory_failed(word)),
        0x6700 => Failure::new("wrong-length", lang.wrong_length(word)),
        0x6982 => Failure::new("not-permitted", lang.not_permitted(word)),
        0x6981 | 0x6985 | 0x6986 => Failure::new("wrong-state", lang.wrong_state(word)),
        0x6A81 | 0x6881 | 0x6882 | 0x6884 | 0x6D00 | 0x6E00 => Failure::new("not-supported", lang.not_supported(word)),
        0x6A82 | 0x6A83 | 0x6A88 | 0x6B00 => Failure::new("file-missing", lang.file_missing(word)),
        0x6A84 => Failure::new("card-full", lang.card_full(word)),
        _ => Failure::new("card-refused", lang.card_refused(word)),
    }
}

/// What kept a command or its answer from arriving.
pub(crate) fn transport(lang: Lang, error: &TransportError) -> Failure {
    match error {
        TransportError::CardGone => Failure::missing("card-gone", lang.card_gone()),
        TransportError::CardReset => Failure::missing("card-reset", lang.card_reset()),
        TransportError::Unresponsive => Failure::missing("card-mute", lang.card_mute()),
        TransportError::Timeout => Failure::missing("card-timeout", lang.card_timeout()),
        TransportError::NoService => Failure::missing("no-service", lang.no_service()),
        TransportError::NoReader { wanted } if wanted.is_empty() => Failure::missing("no-reader", lang.no_reader()),
        TransportError::NoReader { wanted } => Failure::missing("no-reader", lang.no_such_reader(wanted)),
        TransportError::AmbiguousReader { candidates, .. } => {
            Failure::missing("many-readers", lang.many_readers(candidates.join(", ")))
        }
        TransportError::Busy => Failure::missing("card-busy", lang.card_busy()),
        other => Failure::missing("connection", lang.connection_failed(other)),
    }
}

/// Why the answer is no.
pub(crate) fn refusal(lang: Lang, refusal: &Refusal) -> String {
    match refusal {
        Refusal::TooEarly { opens, closes } => lang.refusal_too_early(shown(*opens), shown(*closes)),
        Refusal::Expired { since } => lang.refusal_expired(shown(*since)),
        Refusal::Revoked { since, reason: why } => lang.refusal_revoked(shown(*since), reason(lang, *why)),
        Refusal::NotDer { what } => lang.refusal_not_der(what),
        Refusal::TooLarge { len, max } => lang.refusal_too_large(len, max),
        Refusal::Signers { count } => lang.refusal_signers(count),
        Refusal::NoSignedAttributes => lang.refusal_no_signed_attributes(),
        Refusal::WeakDigest => lang.refusal_weak_digest(),
        Refusal::BadSignature => lang.refusal_bad_signature(),
        Refusal::BadRequestSignature => lang.refusal_bad_request_signature(),
        Refusal::WeakKey { weakness: which } => lang.refusal_weak_key(weakness(lang, *which)),
        Refusal::KeyReused => lang.refusal_key_reused(),
        Refusal::KeySeen => lang.refusal_key_seen(),
        Refusal::SubjectDiffers { registered, requested } => lang.refusal_subject_differs(registered, requested),
        Refusal::SubjectAltNameDiffers => lang.refusal_san_differs(),
        Refusal::RenewalCertificateMissing => lang.refusal_renewal_missing(),
        Refusal::RenewalCertificateDiffers => lang.refusal_renewal_differs(),
        Refusal::NotIssuedByUs => lang.refusal_not_issued_by_us(),
        Refusal::UnknownCertificate => lang.refusal_unknown_certificate(),
        Refusal::OtherSubscriber => lang.refusal_other_subscriber(),
        Refusal::NonceUnknown => lang.refusal_nonce_unknown(),
        Refusal::NonceUsed => lang.refusal_nonce_used(),
        Refusal::NonceExpired { since } => lang.refusal_nonce_expired(shown(*since)),
        Refusal::AgreementMissing => lang.refusal_agreement_missing(),
        Refusal::AgreementOutdated => lang.refusal_agreement_outdated(),
        Refusal::CardUnknown { card } => lang.refusal_card_unknown(card),
        Refusal::CardOfAnother { card } => lang.refusal_card_of_another(card),
        Refusal::CardReplaced { card } => lang.refusal_card_replaced(card),
        Refusal::NotRegistered => lang.refusal_not_registered(),
        Refusal::AlreadyRenewed { by } => lang.refusal_already_renewed(by),
        Refusal::StillValid { until } => lang.still_valid(shown(*until)),
    }
}

fn weakness(lang: Lang, weakness: Weakness) -> String {
    match weakness {
        Weakness::Short { bits } => lang.weakness_short(bits),
        Weakness::Long { bits } => lang.weakness_long(bits),
        Weakness::Exponent => lang.weakness_exponent(),
        Weakness::EvenOrSmallFactor => lang.weakness_factor(),
        Weakness::Roca => lang.weakness_roca(),
    }
}

/// Why a certificate was revoked.
pub(crate) fn reason(lang: Lang, reason: Reason) -> String {
    match reason {
        Reason::Unspecified => lang.reason_unspecified(),
        Reason::KeyCompromise => lang.reason_key_compromise(),
        Reason::AffiliationChanged => lang.reason_affiliation_changed(),
        Reason::Superseded => lang.reason_superseded(),
        Reason::CessationOfOperation => lang.reason_cessation(),
    }
}

/// Why a certificate does not pass.
pub(crate) fn fault(lang: Lang, fault: &ChainFault) -> String {
    match fault {
        ChainFault::NotIssuedByUs => lang.fault_not_ours(),
        ChainFault::BadSignature => lang.fault_signature(),
        ChainFault::NotYetValid { from } => lang.fault_not_yet(shown(*from)),
        ChainFault::Expired { since } => lang.fault_expired(shown(*since)),
        ChainFault::AuthorityExpired { since } => lang.fault_authority_expired(shown(*since)),
        ChainFault::NotForSigning => lang.fault_not_for_signing(),
    }
}
