//! A certificate's whole life under real programs: an authority with its records on disk, a card in a private reader, our
//! flows through PC/SC, and Debian's OpenSC and OpenSSL before, between and after them.

mod clerk;
mod crowd;
mod desk;
mod foreign;
mod locked;
mod mixed;
mod stages;
mod stranger;
mod ways;
