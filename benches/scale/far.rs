//! A pass in which nothing is to be done, over HTTP, at a server that is as far away as a region is.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;
use trueup::execute::pass::Mode;

use super::distance::Distance;
use super::figures::{Figure, Figures};
use super::grow;
use super::processor;
use super::server::Server;
use super::touched::calling;

/// From a request to its answer, beside what the answer takes.
const THERE_AND_BACK: Duration = Duration::from_millis(20);

/// Describes everything once from near by, then sweeps from afar.
pub(crate) async fn run(folder: &Path, models: usize) -> Vec<Figure> {
    let mut server = Server::start(folder, models).await;
    let distance = Distance::to(&server.url).await;
    let cache = tempfile::tempdir().expect("a temporary folder");
    let mut reconciler = calling(&distance.url, folder, &cache, grow::time(folder)).await;
    let fetched = reconciler.fetch().await.expect("the repository is there");
    let pass = reconciler.pass(&fetched, Mode::Plan).await;
    let pass = pass.expect("there is a pass");
    let settled = pass.models.iter().all(|model| !model.changed());
    assert!(settled, "nothing is left to do");
    distance.put(THERE_AND_BACK);
    let (before, start, used) = (server.calls().await, Instant::now(), processor::seconds());
    let swept = reconciler.sweep(reconciler.now(), Duration::ZERO).await;
    let swept = swept.expect("there is an installation");
    let (took, used) = (start.elapsed(), processor::seconds() - used);
    assert_eq!(swept.gaps, [], "every list was read");
    let calls = server.calls().await - before;
    let mut figures = Figures::new("far", models);
    figures.tell(
        "pass over what is settled, 20 ms a call",
        took.as_secs_f64(),
        "s",
    );
    figures.tell("  of that on a processor", used, "s");
    figures.tell("calls", calls, "calls");
    figures.tell(
        "  one after the other they would wait",
        calls * THERE_AND_BACK.as_secs_f64(),
        "s",
    );
    figures.count("models to look at", swept.differing.len() as u64, "");
    figures.done()
}
