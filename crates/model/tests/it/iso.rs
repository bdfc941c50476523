//! The iso card: the model beside it, beside broken ones, and beside cards whose power went.

mod broken;
mod cards;
mod content;
mod create;
mod cuts;
mod flaws;
mod keys;
mod machine;
mod maker;
mod mutants;
mod robust;
mod secrets;
