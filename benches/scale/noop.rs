//! A pass in which nothing is to be done: time, calls and memory.

use std::path::Path;

use trueup::execute::sweep::Swept;

use super::figures::{Figure, Figures};
use super::fleet::{Fleet, describe, list};
use super::grow;
use super::memory;
use super::processor;
use super::tally::Tally;

/// Passes by lists.
const PASSES: usize = 3;

/// Measures the first look at everything, and the last of some passes by lists. Idle is the program with
/// its mirror and the world in memory.
pub(crate) fn run(folder: &Path, models: usize) -> Vec<Figure> {
    let mut figures = Figures::new("noop", models);
    let cache = tempfile::tempdir().expect("a temporary folder");
    let before = memory::resident();
    let mut world = grow::world(folder);
    figures.tell("the world's own memory", memory::resident() - before, "MiB");
    let now = world.now();
    let mut fleet = Fleet::open(folder, cache.path(), now);
    let folders = fleet.folders();
    assert_eq!(folders.len(), models, "every model is found");
    let idle = memory::resident();
    memory::forget_peak();
    let first = describe(&mut fleet, &folders, &mut world, now);
    assert_eq!(first.unsettled.first(), None, "nothing is left to do");
    figures.tell("first look, by descriptions", first.took.as_secs_f64(), "s");
    let (answering, reading) = (
        first.tally.answering.as_secs_f64(),
        first.reading.as_secs_f64(),
    );
    figures.tell("  of that the world", answering, "s");
    figures.tell("  of that reading and compiling", reading, "s");
    figures.count("  calls", first.tally.all(), "calls");
    let (mut took, mut used, mut tally) = (0.0, 0.0, Tally::default());
    for _ in 0..PASSES {
        (used, tally) = (processor::seconds(), Tally::default());
        let (swept, time) = list(&fleet, &mut world, now, &mut tally);
        (took, used) = (time.as_secs_f64(), processor::seconds() - used);
        assert_eq!(
            swept,
            Swept::default(),
            "nothing differs, and every list was read"
        );
    }
    assert!(tally.changed.is_none(), "nothing is changed");
    figures.hold("pass over what is settled", took, "s", 1.0);
    figures.tell("  of that on a processor", used, "s");
    figures.tell("  of that the world", tally.answering.as_secs_f64(), "s");
    figures.hold_count("calls", tally.all(), "calls", 600);
    figures.hold_count(
        "describes of what is unchanged",
        tally.describes(),
        "calls",
        0,
    );
    for (op, count) in &tally.calls {
        figures.count(format!("  {op}"), *count, "calls");
    }
    let (held, peak) = (memory::resident() - idle, memory::peak() - idle);
    figures.tell("memory above idle after it", held, "MiB");
    figures.hold("memory above idle at its peak", peak, "MiB", 64.0);
    figures.done()
}
