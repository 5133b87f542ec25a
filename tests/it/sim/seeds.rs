//! Thousands of seeds: each with its own people, faults and order of events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::{FAULTS, Fired};
use super::ledger::Violation;
use super::reasons::{REASONS, Seen};
use super::scenario::{Ended, STORMS, Scenario, replay};
use super::storm::Storm;

/// How many seeds the gate runs.
const SEEDS: u64 = 10_000;
/// How often each fault must fire in so many seeds.
const FIRED: u64 = 100;

/// What many seeds came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) seeds: u64,
    pub(crate) fired: Fired,
    pub(crate) seen: Seen,
    pub(crate) calls: u64,
    /// The sum of their traces: what runs the same sums up to the same.
    pub(crate) trace: u64,
    /// Seeds that failed, and why.
    pub(crate) failed: Vec<(u64, Violation)>,
}

impl Report {
    fn add(&mut self, seed: u64, ended: Result<Ended, Violation>) {
        self.seeds += 1;
        match ended {
            Ok(ended) => {
                self.fired.merge(&ended.fired);
                self.seen.merge(ended.seen);
                self.calls += ended.calls.0;
                self.trace = self.trace.wrapping_add(ended.trace);
            }
            Err(bad) => self.failed.push((seed, bad)),
        }
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.fired.merge(&other.fired);
        self.seen.merge(other.seen);
        self.calls += other.calls;
        self.trace = self.trace.wrapping_add(other.trace);
        self.failed.extend(other.failed);
        self.failed.sort_by_key(|(seed, _)| *seed);
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{} seeds, {} calls, trace {:016x}",
            self.seeds, self.calls, self.trace
        )?;
        for fault in FAULTS {
            writeln!(f, "{:>9} {fault:?}", self.fired.count(fault))?;
        }
        let missing = self.seen.missing();
        writeln!(
            f,
            "{} of {} reasons",
            REASONS.len() - missing.len(),
            REASONS.len()
        )?;
        for parts in missing {
            writeln!(f, "    never: {}", parts.join("…"))?;
        }
        for text in &self.seen.unlisted {
            writeln!(f, "    not in the table: {text}")?;
        }
        for (seed, bad) in self.failed.iter().take(12) {
            writeln!(f, "seed {seed}: {bad}")?;
            writeln!(
                f,
                "replay: SIM_SEED={seed} cargo test --test it sim::seeds::one -- --ignored --nocapture"
            )?;
        }
        Ok(())
    }
}

/// Runs a range of seeds on so many threads. Which thread runs which seeds makes no difference.
pub(crate) fn run(seeds: std::ops::Range<u64>, threads: usize) -> Report {
    let next = AtomicU64::new(seeds.start / STORMS);
    let worker = || {
        let mut report = Report::default();
        loop {
            let first = next.fetch_add(1, Ordering::Relaxed) * STORMS;
            if first >= seeds.end || report.failed.len() > 40 {
                return report;
            }
            block(first..(first + STORMS).min(seeds.end), &mut report);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let mut whole = Report::default();
        for worker in workers {
            whole.merge(worker.join().expect("a worker catches what its seeds do"));
        }
        whole
    })
}

/// Seeds of one scenario.
fn block(seeds: std::ops::Range<u64>, report: &mut Report) {
    let scenario = guarded(|| Scenario::new(seeds.start));
    let scenario = match scenario {
        Ok(scenario) => scenario,
        Err(bad) => return report.add(seeds.start, Err(bad)),
    };
    for seed in seeds {
        report.add(seed, guarded(|| scenario.play(seed, Storm::new(seed))));
    }
}

/// A panic is a violation like any other.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Violation {
            oracle: "never panics",
            what: text.unwrap_or_default(),
        })
    })
}

#[test]
fn storms_end_as_runs_without() {
    let count = super::setting("SIM_SEEDS").unwrap_or(SEEDS);
    let report = run(0..count, 2);
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
    if count < SEEDS {
        return;
    }
    for fault in FAULTS {
        let fired = report.fired.count(fault);
        assert!(
            fired * SEEDS >= FIRED * count,
            "{fault:?} fired only {fired} times\n{report}"
        );
    }
    let seen = REASONS.len() - report.seen.missing().len();
    assert!(
        seen * 100 >= REASONS.len() * 95,
        "too few reasons\n{report}"
    );
}

#[test]
fn the_same_seed_is_the_same_run_on_any_number_of_threads() {
    let traces = |threads: usize| -> Vec<_> {
        let next = AtomicU64::new(0);
        let worker = || {
            let mut found = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= 40 {
                    return found;
                }
                found.push((seed, replay(seed * 7).map(|ended| ended.trace)));
            }
        };
        let mut all: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .flat_map(|one| one.join().expect("it ends"))
                .collect()
        });
        all.sort_by_key(|(seed, _)| *seed);
        all
    };
    assert_eq!(traces(1), traces(4));
}

#[test]
fn a_throttled_run_asks_at_most_half_as_much_again() {
    let (mut asked, mut plain) = (0, 0);
    for seed in (0..40).map(|seed| seed * STORMS) {
        let ended =
            Scenario::new(seed).and_then(|scenario| scenario.play(seed, Storm::throttling(seed)));
        let ended = ended.unwrap_or_else(|bad| panic!("seed {seed}: {bad}"));
        asked += ended.calls.0;
        plain += ended.calls.1;
    }
    assert!(
        asked * 2 <= plain * 3,
        "{asked} calls, {plain} without throttling"
    );
}

#[test]
#[ignore = "replays the seed that SIM_SEED names"]
fn one() {
    let seed = super::setting("SIM_SEED").expect("SIM_SEED names a seed");
    let storm = Storm::new(seed);
    let scenario = Scenario::new(seed).unwrap_or_else(|bad| panic!("without faults: {bad}"));
    println!(
        "seed {seed}: {:?} in {:?}",
        scenario.deeds(seed),
        storm.kinds()
    );
    match scenario.play(seed, storm) {
        Ok(ended) => println!("it passes: {ended:?}"),
        Err(bad) => panic!("{bad}"),
    }
}

#[test]
#[ignore = "runs until it is stopped, from the seed that SIM_SEED names"]
fn soak() {
    let mut first = super::setting("SIM_SEED").unwrap_or(0) / STORMS * STORMS;
    loop {
        let report = run(first..first + SEEDS, 2);
        println!("from seed {first}: {report}");
        assert!(report.failed.is_empty(), "{report}");
        first += SEEDS;
    }
}
