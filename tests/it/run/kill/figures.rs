//! Memory and open files of a process over time.

use std::fmt;

use crate::support::processes::{open_files, resident_kib};

/// Files more than before that are no leak: connections come and go.
const FILES_MORE: u64 = 6;
/// Samples that are enough to compare thirds of them.
const SAMPLES_MIN: usize = 30;

/// One look at a process.
#[derive(Debug, Clone, Copy)]
struct Sample {
    kib: u64,
    files: u64,
}

/// Everything seen of one process.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Sample>);

impl Figures {
    /// Looks.
    pub(super) fn look(&mut self, pid: u32) {
        self.0.push(Sample {
            kib: resident_kib(pid),
            files: open_files(pid),
        });
    }

    /// What grew between the first third of the samples and the last, each by its median: memory by
    /// more than so many KiB, or files.
    pub(super) fn growth(&self, kib_more: u64) -> Option<String> {
        self.growth_beyond(kib_more, FILES_MORE)
    }

    /// The same where so many files more are no leak.
    pub(super) fn growth_beyond(&self, kib_more: u64, files_more: u64) -> Option<String> {
        let Some((first, last)) = self.thirds() else {
            return Some(format!("only {} samples", self.0.len()));
        };
        let flat = last.kib <= first.kib + kib_more && last.files <= first.files + files_more;
        (!flat).then(|| self.to_string())
    }

    fn thirds(&self) -> Option<(Sample, Sample)> {
        let third = self.0.len() / 3;
        (self.0.len() >= SAMPLES_MIN)
            .then(|| (median(&self.0[..third]), median(&self.0[2 * third..])))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, last)) = self.thirds() else {
            return f.write_str("hardly seen");
        };
        write!(
            f,
            "{} to {} MiB, {} to {} files",
            first.kib / 1024,
            last.kib / 1024,
            first.files,
            last.files
        )
    }
}

fn median(samples: &[Sample]) -> Sample {
    let middle = |of: fn(&Sample) -> u64| {
        let mut all: Vec<_> = samples.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    Sample {
        kib: middle(|one| one.kib),
        files: middle(|one| one.files),
    }
}

#[test]
fn what_grows_is_noticed() {
    let check = |kib: fn(u64) -> u64, files: fn(u64) -> u64, grows: bool| {
        let samples = (0..90).map(|at| Sample {
            kib: kib(at),
            files: files(at),
        });
        let figures = Figures(samples.collect());
        assert_eq!(figures.growth(1024).is_some(), grows, "{figures}");
    };
    check(|at| 50_000 + at % 7 * 500, |at| 20 + at % 5, false);
    check(|at| 50_000 + at * 100, |_| 20, true);
    check(|_| 50_000, |at| 20 + at / 4, true);
    assert!(
        Figures::default().growth(1024).is_some(),
        "nothing was seen"
    );
}
