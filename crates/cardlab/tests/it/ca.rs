//! `cardlab ca` as a process: every command, its exit code and its JSON; killed at any moment and asked again.

mod commands;
mod kill;
mod site;
