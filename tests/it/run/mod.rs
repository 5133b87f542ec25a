//! The daemon as a program, on an origin that `git http-backend` serves: a push is all that it
//! takes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artefact;
mod bots;
mod broken;
mod crowd;
mod daemon;
mod data;
mod faults;
mod hooks;
mod kill;
mod lease;
mod ledger;
mod log;
pub(crate) mod person;
mod python;
mod remote;
mod reverts;
mod rollback;
mod sources;
