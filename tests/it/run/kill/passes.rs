//! Ten thousand passes of one daemon over a branch that moves: it has as much in memory and as many
//! files open after the last as it had before.

use std::time::Duration;

use tokio::time::{Instant, interval};
use trueup::demo::example::FILES;
use trueup::limits::MIRROR_PACKS_MAX;

use super::figures::Figures;
use super::program::Place;
use crate::support::fleet::model;
use crate::support::repository::TempRepository;

/// Passes.
const PASSES: usize = 10_000;
/// Until everything was made that is made once, and caches are full.
const WARM: usize = 2_000;
/// Models that are passed over beside each other.
const MODELS: usize = 6;
/// How often the branch moves, and commits that have to have been seen.
const MOVES: Duration = Duration::from_secs(1);
const COMMITS_MIN: usize = 40;
/// What the memory may grow by, in KiB.
const GROWTH_KIB: u64 = 4 * 1024;
/// Until all passes have to be over.
const DEADLINE: Duration = Duration::from_mins(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_passes_over_a_moving_branch_leave_memory_and_open_files_as_they_were() {
    let repository = TempRepository::bare();
    let mut place = Place {
        folder: repository.root().canonicalize().unwrap(),
        source: repository.path(),
        ..Place::default()
    };
    fill(&repository);
    let _local = place.pretended();
    let daemon = place.tireless();
    let mut figures = Figures::default();
    let mut ticks = interval(MOVES);
    let (end, mut commits) = (Instant::now() + DEADLINE, 0);
    while daemon.log.all_passes() < PASSES || daemon.log.commits() < COMMITS_MIN {
        ticks.tick().await;
        let words = daemon.log.last_words();
        assert!(
            Instant::now() < end,
            "{} passes\n{words}",
            daemon.log.all_passes()
        );
        commits += 1;
        let name = format!("models/model-{}/MODEL_CARD.md", commits % MODELS);
        repository.commit("main", &[(&name, Some(&format!("Card {commits}\n")))]);
        if daemon.log.all_passes() >= WARM {
            figures.look(daemon.pid());
        }
    }
    // Each fetch brings a pack, which stays open until all are made one.
    let packs = u64::try_from(MIRROR_PACKS_MAX).unwrap();
    let growth = figures.growth_beyond(GROWTH_KIB, packs);
    assert_eq!(growth, None, "it leaks\n{figures}");
    assert_eq!(daemon.log.complaints(), [""; 0]);
    daemon.end().await;
}

/// Several models like the example's.
fn fill(repository: &TempRepository) {
    let shared = FILES
        .iter()
        .find(|file| file.path == "trueup.yaml")
        .unwrap();
    let shared = std::str::from_utf8(shared.bytes).unwrap().to_owned();
    let mut files = vec![("trueup.yaml".to_owned(), shared)];
    files.extend((0..MODELS).flat_map(|number| model(&format!("model-{number}"))));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    repository.commit("main", &files);
}
