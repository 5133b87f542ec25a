//! What must not happen, by number: tables of pains, attacks and rules, each with the tests that
//! show it. A test that is here has its number in its name; one that was elsewhere before is named
//! where it is.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

mod attacks;
pub(crate) mod listed;
mod pains;
mod repositories;
mod rules;
mod secrets;
mod signed;
mod signed_gpg;
