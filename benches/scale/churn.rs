//! Many passes with a commit each, in virtual time: what is remembered must not grow with them.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::time::Instant;
use trueup::clock::SignedDuration;
use trueup::world::World;

use super::figures::{Figure, Figures};
use super::files;
use super::fleet::{Fleet, Looked};
use super::grow;
use super::jobs::work_off;
use super::memory;
use super::repository;
use super::touched::reconciler;

/// From a commit to the next.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// The part of the passes that warms up.
const WARM: usize = 10;

/// Measures so many commits, model after model, each followed by a pass over what it touched and
/// over what has not settled since.
pub(crate) async fn run(folder: &Path, models: usize, commits: usize) -> Vec<Figure> {
    let mut world = grow::world(folder);
    let mut now = world.now();
    let caches = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let mut reconciler = reconciler(folder, &caches[0], now).await;
    let fetched = reconciler.fetch().await.expect("the repository is there");
    reconciler.revise(&fetched).await.expect("it is whole");
    let mut fleet = Fleet::open(folder, caches[1].path(), now);
    let (mut warm, mut passes, mut changes) = (None, 0, 0);
    let (start, mut moving) = (Instant::now(), BTreeSet::new());
    for count in 0..commits {
        if count == commits / WARM {
            warm = Some((memory::resident(), size(&world)));
        }
        let (number, round) = (count % models, count / models);
        let text = files::config(number, 1 + (round + 1) % 2);
        let path = repository::path(folder);
        repository::commit(&path, &files::config_path(number), &text);
        let fetched = reconciler.fetch().await.expect("the repository is there");
        let touched = reconciler.revise(&fetched).await.expect("it is whole");
        fleet.fetch(now, &touched);
        moving.extend(touched);
        let mut sweep = Looked::default();
        moving.retain(|folder| {
            passes += 1;
            let pass = fleet.pass(folder, (&mut world, now), &mut sweep);
            !pass.is_settled()
        });
        changes += u64::from(sweep.tally.changed.is_some());
        now += PAUSE;
        work_off(&mut world, now);
    }
    let (resident, bytes) = warm.expect("there are commits enough to warm up");
    let mut figures = Figures::new("churn", models);
    figures.count("commits", commits as u64, "");
    figures.count("  that led to a change in their pass", changes, "");
    figures.count("passes over a model", passes, "");
    figures.tell("seconds", start.elapsed().as_secs_f64(), "s");
    figures.tell("memory after warming up", resident, "MiB");
    figures.tell("memory at the end", memory::resident(), "MiB");
    figures.hold("grown", memory::resident() / resident, "times", 1.1);
    figures.count("the world after warming up, as JSON", bytes >> 10, "KiB");
    figures.count("the world at the end, as JSON", size(&world) >> 10, "KiB");
    figures.done()
}

/// Bytes of the world as JSON.
fn size(world: &World) -> u64 {
    struct Counted(u64);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, world).expect("a world is JSON");
    counted.0
}
