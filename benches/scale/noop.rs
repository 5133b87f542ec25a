//! A pass in which nothing is to be done: time, calls and memory.

use std::path::Path;

use super::figures::{Figure, Figures};
use super::fleet::{Fleet, sweep};
use super::grow;
use super::memory;
use super::processor;

/// Passes that are measured. The first finds nothing read.
const PASSES: usize = 3;

/// Measures the last of some passes. Idle is the program with its mirror and the world in memory.
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
    let first = sweep(&mut fleet, &folders, &mut world, now);
    figures.tell("first pass", first.took.as_secs_f64(), "s");
    let (mut last, mut used) = (first, processor::seconds());
    for _ in 1..PASSES {
        used = processor::seconds();
        last = sweep(&mut fleet, &folders, &mut world, now);
    }
    let used = processor::seconds() - used;
    assert_eq!(last.unsettled.first(), None, "nothing is left to do");
    assert!(last.tally.changed.is_none(), "nothing is changed");
    let (took, answering) = (last.took.as_secs_f64(), last.tally.answering.as_secs_f64());
    figures.hold("pass", took, "s", 1.0);
    figures.tell("  of that on a processor", used, "s");
    figures.tell("  of that the world", answering, "s");
    let reading = last.reading.as_secs_f64();
    figures.tell("  of that reading and compiling", reading, "s");
    let deciding = took - answering - reading;
    figures.tell("  of that looking and deciding", deciding, "s");
    figures.count("models read and compiled", last.read, "");
    figures.hold_count("calls", last.tally.all(), "calls", 600);
    let describes = last.tally.describes();
    figures.hold_count("describes of what is unchanged", describes, "calls", 0);
    for (op, count) in &last.tally.calls {
        figures.count(format!("  {op}"), *count, "calls");
    }
    let (held, peak) = (memory::resident() - idle, memory::peak() - idle);
    figures.tell("memory above idle after it", held, "MiB");
    figures.hold("memory above idle at its peak", peak, "MiB", 64.0);
    figures.done()
}
