//! Simulation: the same machines that run in production, over the world in process, in virtual
//! time. A crash forks the whole state where it happens; nothing is replayed.
//!
//! A crash between two changes leaves the same world whichever look it falls on, so the crash
//! points of a workload are: before and after every call that changes something, and before and
//! after every commit that trueup makes.

pub(crate) mod checks;
mod crash;
mod drift;
mod fault;
pub(crate) mod forge;
pub(crate) mod kinds;
mod lease;
mod ledger;
mod mutants;
mod orders;
mod passing;
pub(crate) mod present;
mod promotions;
pub(crate) mod random;
mod reasons;
mod removal;
pub(crate) mod repository;
mod reverts;
mod rollout;
mod runs;
mod scenario;
mod seeds;
pub(crate) mod stage;
mod storm;
mod suspend;
mod sweeps;
mod turns;
mod upstream;
pub(crate) mod weather;
pub(crate) mod workload;

use trueup::clock::Timestamp;
use trueup::plan::planner::Hints;

/// What a daemon tells the planner.
fn hints(settled_at: Option<Timestamp>) -> Hints {
    Hints {
        settled_at,
        ..Hints::default()
    }
}

/// A number from the environment: for people who run a test by hand.
#[expect(
    clippy::disallowed_methods,
    reason = "a test run by hand is told what to do so"
)]
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
