//! The iso card: the model beside it, beside broken ones, and beside cards whose power went.

mod cards;
mod content;
mod create;
mod keys;
mod machine;
mod maker;
mod secrets;
