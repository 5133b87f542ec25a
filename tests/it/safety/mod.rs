//! What must not happen, by number: one table of pains and one of attacks, each with the tests that
//! show it. A test that is here has its number in its name; one that was elsewhere before is named
//! where it is.

mod attacks;
mod listed;
mod pains;
mod repositories;
mod secrets;
