//! The card tool as a process: from a script, at a terminal, beside other programs; never a secret where it must not be.

mod desk;
mod gaps;
mod life;
mod refused;
mod store;
mod terminal;
