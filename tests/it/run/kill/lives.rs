//! One daemon after the other, each killed at a moment that chance chooses.

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use trueup::clock::{Clock as _, SystemClock, Timestamp};

use super::program::Place;
use crate::sim::random::Random;

/// The longest life is this and [`SHORT`] together: until a commit is fetched, read and acted on.
const LONG: u64 = 4_000;
/// Every other life is no longer, in milliseconds: it ends while it begins.
const SHORT: u64 = 1_500;
/// Until the last life has ended.
const DEADLINE: Duration = Duration::from_secs(30);

/// From when to when a daemon lived.
pub(super) type Life = (Timestamp, Timestamp);

/// Lives that go on until they are ended.
pub(super) struct Lives {
    stop: watch::Sender<bool>,
    task: JoinSet<Vec<Life>>,
}

impl Lives {
    /// Starts the first.
    pub(super) fn begin(place: &Place, random: Random) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(live(place.clone(), random, stopped));
        Self { stop, task }
    }

    /// Kills the last; all of them.
    pub(super) async fn end(mut self) -> Vec<Life> {
        self.stop.send_replace(true);
        let ended = timeout(DEADLINE, self.task.join_next()).await;
        ended.unwrap().unwrap().unwrap()
    }
}

async fn live(place: Place, mut random: Random, mut stopped: watch::Receiver<bool>) -> Vec<Life> {
    let mut lives = Vec::new();
    while !*stopped.borrow() {
        let born = SystemClock.now();
        let daemon = place.daemon();
        let more = if random.one_in(2) { LONG } else { 0 };
        let life = Duration::from_millis(random.below(SHORT) + random.below(more + 1));
        tokio::select! {
            () = sleep_until(Instant::now() + life) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        let complaints = daemon.log.complaints();
        drop(daemon);
        assert_eq!(
            complaints,
            [""; 0],
            "a daemon below {}",
            show(&place.folder)
        );
        lives.push((born, SystemClock.now()));
    }
    lives
}

fn show(folder: &Path) -> String {
    folder.display().to_string()
}
