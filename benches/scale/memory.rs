//! What the kernel says of this process's memory.

use std::fs;

/// In memory now, in MiB.
pub(crate) fn resident() -> f64 {
    field("VmRSS:")
}

/// The most that was in memory since the start or the last [`forget_peak`], in MiB.
pub(crate) fn peak() -> f64 {
    field("VmHWM:")
}

/// Lets the peak count from now.
pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("a process may reset its own peak");
}

fn field(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let words = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = words
        .and_then(|word| word.parse().ok())
        .expect("the kernel tells this in kB");
    kibibytes / 1024.0
}
