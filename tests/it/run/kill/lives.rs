//! One daemon after the other, each killed at a moment that chance chooses.

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until, timeout};
use trueup::clock::{Clock as _, SystemClock, Timestamp};

use super::program::Place;
use crate::run::log::Log;
use crate::sim::random::Random;

/// Every other daemon is killed so soon after its start, in milliseconds, the others so soon after
/// their first pass: however slow the machine is, some of them die while they begin and some while
/// they work.
const MOMENT: u64 = 2_500;
/// How long the first pass is waited for.
const BEGINS: Duration = Duration::from_secs(15);
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
        let (works, moment) = (random.one_in(2), random.below(MOMENT));
        let life = async {
            if works {
                let _in_time = timeout(BEGINS, passed(&daemon.log)).await;
            }
            sleep_until(Instant::now() + Duration::from_millis(moment)).await;
        };
        tokio::select! {
            () = life => {}
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

/// Until a daemon has passed over something.
async fn passed(log: &Log) {
    let mut ticks = interval(Duration::from_millis(20));
    while !log.has_passed() {
        ticks.tick().await;
    }
}

fn show(folder: &Path) -> String {
    folder.display().to_string()
}
