//! A commit that touches one model of many: from the fetch to the first call that changes
//! something.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;
use trueup::aws::{self, Aws};
use trueup::clock::{ManualClock, Timestamp};
use trueup::git::Author;
use trueup::reconcile::{Options, Reconciler};

use super::figures::{Figure, Figures};
use super::files;
use super::fleet::{Fleet, Looked};
use super::grow;
use super::plain::Plain;
use super::repository::{self, source};

/// Commits that are measured, each of another model.
const COMMITS: usize = 11;

/// A reconciler of the fleet that is never asked to call anything: it fetches, and says what a
/// commit touched.
pub(crate) async fn reconciler(folder: &Path, cache: &TempDir, now: Timestamp) -> Reconciler {
    calling("http://127.0.0.1:1", folder, cache, now).await
}

/// A reconciler of the fleet that calls the local SageMaker at `url`.
pub(crate) async fn calling(
    url: &str,
    folder: &Path,
    cache: &TempDir,
    now: Timestamp,
) -> Reconciler {
    let aws = Aws::connect(aws::Options::local(url)).await;
    let options = Options {
        source: source(folder),
        cache: cache.path().to_owned(),
        author: Author::default(),
        clock: Arc::new(ManualClock::new(now)),
        probe: None,
    };
    Reconciler::open(options, aws).await.expect("a mirror")
}

/// Our own time in milliseconds: without what the world took to answer, and without what a plain fetch
/// of the same commit takes.
#[derive(Default)]
struct Times {
    plain: Vec<f64>,
    fetching: Vec<f64>,
    revising: Vec<f64>,
    reading: Vec<f64>,
    looking: Vec<f64>,
    whole: Vec<f64>,
}

/// Measures some commits, one after the other.
pub(crate) async fn run(folder: &Path, models: usize) -> Vec<Figure> {
    let mut world = grow::world(folder);
    let now = world.now();
    let caches = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let mut reconciler = reconciler(folder, &caches[0], now).await;
    let fetched = reconciler.fetch().await.expect("the repository is there");
    reconciler.revise(&fetched).await.expect("it is whole");
    let mut fleet = Fleet::open(folder, caches[1].path(), now);
    let plain = Plain::open(folder, caches[2].path());
    let (mut touched_most, mut compiled_most, mut files_most) = (0, 0, 0);
    let mut times = Times::default();
    for count in 0..COMMITS.min(models) {
        let number = count * models / COMMITS.min(models);
        let text = files::config(number, 2);
        let path = repository::path(folder);
        repository::commit(&path, &files::config_path(number), &text);

        let transport = plain.fetch();
        let start = Instant::now();
        let fetched = reconciler.fetch().await.expect("the repository is there");
        let fetched_at = start.elapsed();
        let touched = reconciler.revise(&fetched).await.expect("it is whole");
        let revising = start.elapsed().saturating_sub(fetched_at);
        let fetching = fetched_at.saturating_sub(transport);
        touched_most = touched_most.max(touched.len());
        // The same commit in the mirror that passes over the world in process read from.
        fleet.fetch(now, &touched);
        let mut compiled = 0;
        for folder in &touched {
            let mut sweep = Looked::default();
            let start = Instant::now();
            fleet.pass(folder, (&mut world, now), &mut sweep);
            compiled += sweep.read;
            let (answering, at) = sweep.tally.changed.expect("more instances are a change");
            let looking = at
                .duration_since(start)
                .saturating_sub(answering + sweep.reading);
            times.push(fetching, revising, sweep.reading, looking);
            times.plain.push(milliseconds(transport));
            files_most = files_most.max(fleet.read(folder).files.files.len());
        }
        compiled_most = compiled_most.max(compiled);
    }
    let mut figures = Figures::new("touched", models);
    times.tell(&mut figures);
    figures.hold_count("models touched by a commit", touched_most as u64, "", 1);
    figures.hold_count("models compiled for a commit", compiled_most, "", 1);
    figures.count(
        "files of a model and the shared ones",
        files_most as u64,
        "",
    );
    figures.done()
}

impl Times {
    fn push(
        &mut self,
        fetching: Duration,
        revising: Duration,
        reading: Duration,
        looking: Duration,
    ) {
        self.fetching.push(milliseconds(fetching));
        self.revising.push(milliseconds(revising));
        self.reading.push(milliseconds(reading));
        self.looking.push(milliseconds(looking));
        self.whole
            .push(milliseconds(fetching + revising + reading + looking));
    }

    fn tell(mut self, figures: &mut Figures) {
        let whole = median(&mut self.whole);
        figures.hold(
            "from fetch to first change, our own time",
            whole,
            "ms",
            100.0,
        );
        let worst = self.whole.last().copied().unwrap_or_default();
        figures.tell("  the slowest", worst, "ms");
        figures.tell("  of that fetching", median(&mut self.fetching), "ms");
        figures.tell(
            "  of that finding what it touched",
            median(&mut self.revising),
            "ms",
        );
        figures.tell(
            "  of that reading and compiling",
            median(&mut self.reading),
            "ms",
        );
        figures.tell(
            "  of that looking and deciding",
            median(&mut self.looking),
            "ms",
        );
        let plain = median(&mut self.plain);
        figures.tell("beside that, the transport by itself", plain, "ms");
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle one; sorts them.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
