//! CREATE FILE, DELETE FILE, and the commands of the life cycle (ISO/IEC 7816-9).

use card_wire::{Case, Command, Status};

use super::status;
use crate::commands::{Context, expect_case};
use crate::fs::life::{self, Change};
use crate::fs::rule::Act;
use crate::fs::{self, fcp};
use crate::nvm::index::Entry;
use crate::nvm::object::{Kind, ROOT};
use crate::platform::Platform;

/// CREATE FILE; case 3. The new file is current.
pub(super) fn create<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    let df = context.current_df()?;
    context.expect_usable(&df)?;
    let file = fcp::parse(command.data, &context.preset.limits).map_err(status)?;
    let act = if file.kind == Kind::Df { Act::CreateDf } else { Act::CreateEf };
    context.expect_access(command, &df, act)?;
    let created = if file.id == fs::MF_ID {
        fs::replace_master_file(context.store, &file)
    } else {
        fs::create_iso(context.store, &context.preset.limits, &df, &file)
    };
    let created = created.map_err(status)?;
    let entry = *created.resolve(context.store.index()).ok_or(Status::MEMORY_FAILURE)?;
    context.make_current(&entry)
}

/// The file that DELETE FILE and the life-cycle commands mean: without data the current EF or DF, else that child of the
/// current DF, or the current DF itself.
fn meant<P: Platform>(context: &Context<'_, P>, command: &Command<'_>) -> Result<Entry, Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    let id = match (command.case(), <[u8; 2]>::try_from(command.data)) {
        (Case::One, _) => None,
        (Case::Three, Ok(id)) => Some(u16::from_be_bytes(id)),
        _ => return Err(Status::WRONG_LENGTH),
    };
    let df = context.current_df()?;
    let Some(id) = id else {
        // An EF that another channel deleted does not make the DF meant.
        let has_ef = context.session_copy()?.ef.is_some();
        return if has_ef { context.current_ef() } else { Ok(df) };
    };
    let child = context.store.index().child(df.page, id).copied();
    child.or((df.id == id).then_some(df)).ok_or(Status::NOT_FOUND)
}

/// DELETE FILE; cases 1 and 3. The DF that held the file is current then, without a current EF.
pub(super) fn delete<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let entry = meant(context, command)?;
    if entry.parent == ROOT || !life::is_reachable(context.store.index(), &entry) {
        return Err(Status::CONDITIONS);
    }
    context.expect_access(command, &entry, Act::DeleteSelf)?;
    let above = *fs::parent(context.store.index(), &entry);
    context.expect_access(command, &above, Act::DeleteChild)?;
    let parent = fs::delete_iso(context.store, &entry).map_err(status)?;
    context.keys.keep_held(context.store);
    let parent = *parent.resolve(context.store.index()).ok_or(Status::MEMORY_FAILURE)?;
    context.make_current(&parent)
}

/// ACTIVATE FILE, DEACTIVATE FILE and, behind the checks of their own, TERMINATE EF and DF; cases 1 and 3.
pub(super) fn change_state<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    change: Change,
) -> Result<(), Status> {
    let entry = meant(context, command)?;
    apply(context, command, &entry, change)
}

fn apply<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    entry: &Entry,
    change: Change,
) -> Result<(), Status> {
    life::expect_changeable(context.store.index(), entry, change).map_err(status)?;
    let act = match change {
        Change::Activate => Act::Activate,
        Change::Deactivate => Act::Deactivate,
        Change::Terminate => Act::Terminate,
    };
    context.expect_access(command, entry, act)?;
    life::apply(context.store, entry, change).map_err(status)
}

/// TERMINATE EF and TERMINATE DF; cases 1 and 3. The master file is terminated with the card only.
pub(super) fn terminate<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    kind: Kind,
) -> Result<(), Status> {
    let entry = meant(context, command)?;
    if entry.parent == ROOT && kind == Kind::Df {
        return Err(Status::CONDITIONS);
    }
    life::expect_changeable(context.store.index(), &entry, Change::Terminate).map_err(status)?;
    if entry.kind != kind {
        return Err(Status::INCOMPATIBLE_FILE);
    }
    apply(context, command, &entry, Change::Terminate)
}

/// TERMINATE CARD USAGE; case 1.
pub(super) fn terminate_card<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::One)?;
    let mf = *fs::mf(context.store.index()).map_err(status)?;
    apply(context, command, &mf, Change::Terminate)
}
