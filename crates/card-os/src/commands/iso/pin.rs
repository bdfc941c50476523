//! VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, ENABLE and DISABLE VERIFICATION REQUIREMENT.

use card_wire::tlv::{self, Tag};
use card_wire::{Case, Command, Ins, Status};

use super::status;
use crate::commands::{Context, expect_case};
use crate::fs::attributes::{Attributes, Internal};
use crate::fs::fcp;
use crate::fs::internal::{self, Scope};
use crate::fs::life;
use crate::fs::rule::{self, Act, Verdict};
use crate::nvm::index::Entry;
use crate::platform::Platform;
use crate::reference::{self, CAN_BE_DISABLED, Policy, State, Value};
use crate::session::{FileRef, VERIFIED};

/// P2: whose PIN or key is meant, and its number.
#[derive(Clone, Copy)]
pub(super) struct Reference {
    scope: Scope,
    number: u8,
}

impl TryFrom<u8> for Reference {
    type Error = Status;

    fn try_from(p2: u8) -> Result<Self, Status> {
        if p2 & 0x60 != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        let scope = if p2 & 0x80 == 0 { Scope::Global } else { Scope::Specific };
        Ok(Self { scope, number: p2 & 0x1F })
    }
}

impl Reference {
    /// The file of the PIN or key.
    ///
    /// # Errors
    /// 6985 on a card whose use was terminated, 6A88.
    pub(super) fn find<P: Platform>(self, context: &Context<'_, P>, kind: Internal) -> Result<Entry, Status> {
        context.expect_in_use()?;
        let df = context.current_df()?;
        let found = internal::referenced(context.store.index(), &df, self.scope, kind, self.number);
        found.copied().ok_or(Status::REFERENCE_NOT_FOUND)
    }
}

impl<P: Platform> Context<'_, P> {
    fn is_verified(&self, file: &Entry) -> bool {
        self.iso().verified.contains(&FileRef::of(file))
    }

    /// Counts a PIN or key as verified. The oldest makes room.
    pub(super) fn note_verified(&mut self, file: &Entry) {
        let new = FileRef::of(file);
        let held = self.iso().verified;
        let others = held.iter().filter(|other| **other != new && other.resolve(self.store.index()).is_some());
        let surplus = (others.clone().count() + 1).saturating_sub(held.len());
        let mut verified = [FileRef::NONE; VERIFIED];
        for (place, file) in verified.iter_mut().zip(others.skip(surplus).chain([&new])) {
            *place = *file;
        }
        self.iso_mut().verified = verified;
    }

    /// Counts a PIN or key as not verified.
    pub(super) fn forget_verified(&mut self, file: &Entry) {
        if self.is_verified(file) {
            let gone = FileRef::of(file);
            self.iso_mut().verified.iter_mut().filter(|held| **held == gone).for_each(|held| *held = FileRef::NONE);
        }
    }

    /// What becomes of a try. A PIN or key that was tried and was wrong does not count as verified.
    pub(super) fn conclude(&mut self, file: &Entry, result: Result<(), reference::Error>) -> Result<(), Status> {
        let Err(error) = result else { return Ok(()) };
        if !matches!(error, reference::Error::Blocked | reference::Error::NotSet) {
            self.forget_verified(file);
        }
        Err(error.status(self.preset.blocked, Status::REFERENCE_DATA_UNUSABLE))
    }

    /// What can be said of a PIN or key that can be used.
    ///
    /// # Errors
    /// 6985; 6984 where it was never set.
    fn set_state(&mut self, file: &Entry) -> Result<State, Status> {
        self.expect_usable(file)?;
        self.asked_state(file)
    }

    /// The same where only verification is asked for, below a deactivated DF too.
    ///
    /// # Errors
    /// 6985; 6984 where it was never set.
    pub(super) fn asked_state(&mut self, file: &Entry) -> Result<State, Status> {
        life::expect_askable(self.store.index(), file).map_err(status)?;
        let state = reference::state(self.store, file)?;
        if state.set { Ok(state) } else { Err(Status::REFERENCE_DATA_UNUSABLE) }
    }

    /// VERIFY or EXTERNAL AUTHENTICATE without data: 9000 where nothing needs to be verified, else the tries left.
    pub(super) fn tell(&mut self, file: &Entry) -> Result<(), Status> {
        let state = self.asked_state(file)?;
        match state.left {
            _ if self.is_verified(file) || is_disabled(file) => Ok(()),
            0 => Err(self.preset.blocked),
            left => Err(Status::tries_left(left)),
        }
    }
}

fn is_disabled(file: &Entry) -> bool {
    matches!(internal::identity(file), Some((Internal::Pin, _))) && Attributes(file.attributes).is_disabled()
}

/// A PIN as it was sent, if the policy of the file allows its length.
fn candidate<P: Platform>(context: &mut Context<'_, P>, file: &Entry, bytes: &[u8]) -> Result<Value, Status> {
    let State { min, max, .. } = reference::state(context.store, file)?;
    let fits = (usize::from(min)..=usize::from(max)).contains(&bytes.len());
    Value::pin(bytes).filter(|_| fits).ok_or(Status::WRONG_LENGTH)
}

/// A new PIN, whose length without the zeros at its end the policy of the file must allow.
fn new_pin<P: Platform>(context: &mut Context<'_, P>, file: &Entry, bytes: &[u8]) -> Result<Value, Status> {
    let State { min, max, .. } = reference::state(context.store, file)?;
    let new = Value::pin(bytes).filter(|new| (min..=max).contains(&new.len())).ok_or(Status::WRONG_LENGTH)?;
    // Where a padded PIN was cut in the wrong place, its padding would begin the new one.
    if bytes.starts_with(&[0]) { Err(Status::WRONG_DATA) } else { Ok(new) }
}

/// The PIN of `old`, exactly as long as it is, and the new PIN of `file` behind it; or both padded to their longest, which
/// no pair of unpadded ones is.
fn split<'d, P: Platform>(
    context: &mut Context<'_, P>,
    old: &Entry,
    file: &Entry,
    data: &'d [u8],
) -> Result<(Value, &'d [u8]), Status> {
    let State { len, max, .. } = context.set_state(old)?;
    let longest = usize::from(max) + usize::from(reference::state(context.store, file)?.max);
    let at = usize::from(if data.len() == longest { max } else { len });
    let (old, rest) = data.split_at_checked(at).ok_or(Status::WRONG_LENGTH)?;
    Ok((Value::pin(old).ok_or(Status::WRONG_LENGTH)?, rest))
}

/// VERIFY. P1 00: case 3 verifies, case 1 asks. P1 FF, case 1: forgets one verification or, for P2 00, all.
pub(super) fn verify<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let logs_out = match command.p1 {
        0x00 => false,
        0xFF => true,
        _ => return Err(Status::WRONG_P1_P2),
    };
    let reference = Reference::try_from(command.p2)?;
    match command.case() {
        Case::One => (),
        Case::Three if !logs_out => (),
        _ => return Err(Status::WRONG_LENGTH),
    }
    if logs_out && command.p2 == 0 {
        context.expect_in_use()?;
        context.iso_mut().verified = [FileRef::NONE; VERIFIED];
        return Ok(());
    }
    let file = reference.find(context, Internal::Pin)?;
    if logs_out {
        context.asked_state(&file)?;
        context.forget_verified(&file);
        return Ok(());
    }
    if command.data.is_empty() {
        return context.tell(&file);
    }
    let candidate = candidate(context, &file, command.data)?;
    context.asked_state(&file)?;
    let result = reference::verify(context.store, context.events, &file, &candidate);
    context.conclude(&file, result)?;
    context.note_verified(&file);
    Ok(())
}

/// CHANGE REFERENCE DATA; case 3. P1 00 takes the old PIN and the new one, P1 01 the new one alone.
pub(super) fn change<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let knows_old = match command.p1 {
        0x00 => true,
        0x01 => false,
        _ => return Err(Status::WRONG_P1_P2),
    };
    let reference = Reference::try_from(command.p2)?;
    expect_case(command, Case::Three)?;
    let file = reference.find(context, Internal::Pin)?;
    if knows_old {
        let (old, rest) = split(context, &file, &file, command.data)?;
        let new = new_pin(context, &file, rest)?;
        let result = reference::change(context.store, context.events, &file, &old, &new);
        context.conclude(&file, result)?;
    } else {
        context.expect_usable(&file)?;
        let new = new_pin(context, &file, command.data)?;
        if reference::state(context.store, &file)?.set {
            expect_rule(context, command, &file)?;
        }
        reference::set(context.store, &file, &new)?;
    }
    context.forget_verified(&file);
    Ok(())
}

/// A rule allows to set the PIN, or its life-cycle state leaves writing free. No rule is not enough.
///
/// # Errors
/// 6982.
pub(super) fn expect_rule<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    file: &Entry,
) -> Result<(), Status> {
    let asker = context.asker(command);
    match rule::judge(context.store, &asker, file, Act::Update)? {
        Verdict::Granted | Verdict::Open => Ok(()),
        Verdict::Unruled | Verdict::Refused => Err(Status::SECURITY_STATUS),
    }
}

/// What P1 of RESET RETRY COUNTER says: who resets, and whether there is a new PIN.
#[derive(Clone, Copy)]
struct Reset {
    by_pin: bool,
    renews: bool,
}

impl TryFrom<u8> for Reset {
    type Error = Status;

    fn try_from(p1: u8) -> Result<Self, Status> {
        match p1 {
            0x00..=0x03 => Ok(Self { by_pin: p1 < 2, renews: p1 & 1 == 0 }),
            _ => Err(Status::WRONG_P1_P2),
        }
    }
}

/// RESET RETRY COUNTER; case 3, case 1 where it brings nothing.
pub(super) fn reset<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let reset = Reset::try_from(command.p1)?;
    let reference = Reference::try_from(command.p2)?;
    expect_case(command, if reset.by_pin || reset.renews { Case::Three } else { Case::One })?;
    let file = reference.find(context, Internal::Pin)?;
    if reset.by_pin
        && !reset.renews
        && let Ok(by) = resetting_pin(context, &file)
    {
        // The data field is that PIN and nothing else: its length goes before the state of either.
        candidate(context, &by, command.data)?;
    }
    context.set_state(&file)?;
    if reset.by_pin {
        reset_by_pin(context, command, &file, reset.renews)?;
    } else {
        let new = if reset.renews { Some(new_pin(context, &file, command.data)?) } else { None };
        expect_rule(context, command, &file)?;
        reference::reset(context.store, &file, new.as_ref())?;
    }
    if reset.renews {
        context.forget_verified(&file);
    }
    Ok(())
}

fn reset_by_pin<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    file: &Entry,
    renews: bool,
) -> Result<(), Status> {
    let by = resetting_pin(context, file)?;
    let (candidate, new) = if renews {
        let (candidate, rest) = split(context, &by, file, command.data)?;
        (candidate, Some(new_pin(context, file, rest)?))
    } else {
        let candidate = candidate(context, &by, command.data)?;
        context.set_state(&by)?;
        (candidate, None)
    };
    let result = reference::reset_by(context.store, context.events, file, &by, &candidate, new.as_ref());
    context.conclude(&by, result)
}

/// What the control information says of a PIN: the number of the PIN that resets it, and its flags.
fn policy<P: Platform>(context: &mut Context<'_, P>, file: &Entry) -> Result<(Option<u8>, u8), Status> {
    let object = context.store.object(file.page)?;
    match tlv::find(fcp::body(object.info()), Tag(0xA5)).ok().flatten().and_then(Policy::parse) {
        Some(Policy::Pin { resets_by, flags, .. }) => Ok((resets_by, flags)),
        _ => Err(Status::MEMORY_FAILURE),
    }
}

/// The PIN that resets this one: in the first DF that has it, from the master file down to this one's.
fn resetting_pin<P: Platform>(context: &mut Context<'_, P>, file: &Entry) -> Result<Entry, Status> {
    let number = policy(context, file)?.0.ok_or(Status::CONDITIONS)?;
    let index = context.store.index();
    let found = internal::foremost(index, internal::home(index, file), Internal::Pin, number);
    found.copied().ok_or(Status::REFERENCE_NOT_FOUND)
}

/// ENABLE and DISABLE VERIFICATION REQUIREMENT. P1 00, case 3: with the PIN; P1 01, case 1: after its verification.
pub(super) fn require<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let by_pin = match command.p1 {
        0x00 => true,
        0x01 => false,
        _ => return Err(Status::WRONG_P1_P2),
    };
    let reference = Reference::try_from(command.p2)?;
    expect_case(command, if by_pin { Case::Three } else { Case::One })?;
    let file = reference.find(context, Internal::Pin)?;
    let candidate = if by_pin { Some(candidate(context, &file, command.data)?) } else { None };
    context.set_state(&file)?;
    if policy(context, &file)?.1 & CAN_BE_DISABLED == 0 {
        return Err(Status::CONDITIONS);
    }
    context.expect_access(command, &file, Act::Write)?;
    let required = command.ins == Ins::ENABLE_VERIFICATION_REQUIREMENT;
    match candidate {
        Some(candidate) => {
            let result = reference::require_by(context.store, context.events, &file, &candidate, required);
            context.conclude(&file, result)
        }
        None if context.is_verified(&file) || is_disabled(&file) => {
            Ok(reference::require(context.store, &file, required)?)
        }
        None => Err(Status::SECURITY_STATUS),
    }
}
