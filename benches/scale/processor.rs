//! What the kernel says of this process's use of processors: on a machine that is shared, it tells
//! more than a clock.

use std::fs;

/// Ticks a second, on every Linux that there is.
const TICKS: f64 = 100.0;
/// Where the two counts are, after the name in its brackets.
const USER: usize = 11;
const SYSTEM: usize = 12;

/// Seconds of processor time so far, all threads together.
pub(crate) fn seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("the kernel tells");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("ticks are a number");
    (ticks(USER) + ticks(SYSTEM)) / TICKS
}
