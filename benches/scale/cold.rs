//! The first start: nothing is cached, every model is read, and every one compiled.

use std::path::Path;

use tokio::time::Instant;

use super::figures::{Figure, Figures};
use super::fleet::Fleet;
use super::grow;
use super::memory;
use super::processor;
use super::touched::reconciler;

/// Measures it once.
pub(crate) async fn run(folder: &Path, models: usize) -> Vec<Figure> {
    let mut figures = Figures::new("cold", models);
    let now = grow::time(folder);
    let cache = tempfile::tempdir().expect("a temporary folder");
    let idle = memory::resident();
    memory::forget_peak();
    let (start, used) = (Instant::now(), processor::seconds());
    let mut reconciler = reconciler(folder, &cache, now).await;
    let fetched = reconciler.fetch().await.expect("the repository is there");
    let cloned = start.elapsed();
    let touched = reconciler.revise(&fetched).await.expect("it is whole");
    let known = start.elapsed();
    assert_eq!(touched.len(), models, "every model is new");
    drop(reconciler);
    let fleet = Fleet::open(folder, cache.path(), now);
    for folder in &touched {
        // Compiled, and let go of.
        drop(fleet.read(folder));
    }
    let whole = start.elapsed();
    figures.tell("clone", cloned.as_secs_f64(), "s");
    figures.tell(
        "index and census",
        known.saturating_sub(cloned).as_secs_f64(),
        "s",
    );
    figures.tell(
        "read and compile all",
        whole.saturating_sub(known).as_secs_f64(),
        "s",
    );
    figures.tell("cold start", whole.as_secs_f64(), "s");
    let used = processor::seconds() - used;
    figures.tell("  of that on a processor", used, "s");
    figures.tell("memory at its peak", memory::peak(), "MiB");
    figures.tell(
        "memory above idle at its peak",
        memory::peak() - idle,
        "MiB",
    );
    figures.done()
}
