//! A daemon that is killed again and again, at any moment, while people push: whatever it was in
//! the middle of, nothing is lost, nothing is done twice and nothing is left behind.
//!
//! The same ordeal as long as one likes, on one local SageMaker:
//! `KILL_MINUTES=480 cargo test --test it run::kill::soak -- --ignored --nocapture`. `KILL_SEED` chooses
//! another one.

mod deeds;
mod each;
mod figures;
mod lives;
mod local;
mod ordeal;
mod passes;
pub(super) mod program;
mod reaper;
pub(super) mod record;

use std::time::Duration;

use tokio::time::Instant;

use self::ordeal::Ordeal;
use crate::sim::setting;

/// What the gate does, unless `KILL_SEED` says otherwise.
const SEED: u64 = 7;
/// How long people push in one round, and daemons die.
const ROUND: Duration = Duration::from_secs(25);
/// Lives that have to end in one round, and those of them that have to have changed something: a
/// killer who never strikes in the middle of anything proves nothing.
const KILLS_MIN: usize = 8;
const BUSY_MIN: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let seed = setting("KILL_SEED").unwrap_or(SEED);
    println!("KILL_SEED={seed}");
    let mut ordeal = Ordeal::begin(seed).await;
    ordeal.round(ROUND).await;
    let told = ordeal.told();
    println!("{told}");
    let (kills, busy) = ordeal.kills();
    assert!(kills >= KILLS_MIN && busy >= BUSY_MIN, "{told}");
    ordeal.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs for as many minutes as KILL_MINUTES says, an hour otherwise"]
async fn soak() {
    let minutes = setting("KILL_MINUTES").unwrap_or(60);
    let end = Instant::now() + Duration::from_mins(minutes);
    let seed = setting("KILL_SEED").unwrap_or(SEED);
    println!("KILL_SEED={seed}");
    let mut ordeal = Ordeal::begin(seed).await;
    while Instant::now() < end {
        ordeal.round(ROUND).await;
        println!("{}", ordeal.told());
    }
    ordeal.end().await;
}
