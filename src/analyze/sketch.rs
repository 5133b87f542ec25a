//! A sketch of many numbers: of every value, how many are at most as large, nearly.
//!
//! It is the sketch of Karnin, Lang and Liberty. A level that is full is sorted, every second
//! number of it goes one level up and stands for twice as many, and the others go. Which half goes
//! up alternates, so that the same numbers give the same sketch.

use serde::{Deserialize, Serialize};

/// Numbers that the highest level holds.
const SIZE: f64 = 2048.0;
/// How much smaller each level below is.
const SHRINK: f64 = 0.64;

/// A sketch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sketch {
    /// Numbers of the level `l` stand for 2^l each.
    levels: Vec<Vec<f64>>,
    odd: bool,
}

/// A sketch in the form of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Written {
    parameters: Parameters,
    data: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Parameters {
    c: f64,
    k: f64,
}

impl Sketch {
    pub(super) fn add(&mut self, number: f64) {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        // Zero has two signs, and is one number.
        self.levels[0].push(number + 0.0);
        let mut level = 0;
        while self.is_full(level) {
            self.compact(level);
            level += 1;
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "there are at most 64 levels of at most some thousand numbers"
    )]
    fn is_full(&self, level: usize) -> bool {
        let depth = self.levels.len() - 1 - level;
        let room = (SIZE * SHRINK.powi(depth as i32)).ceil().max(2.0);
        self.levels[level].len() as f64 >= room
    }

    fn compact(&mut self, level: usize) {
        let mut full = std::mem::take(&mut self.levels[level]);
        full.sort_by(f64::total_cmp);
        // Of an odd number one stays, so that the whole weight stays what it is.
        let stays = (full.len() % 2 == 1).then(|| full.pop()).flatten();
        self.levels[level].extend(stays);
        if level + 1 == self.levels.len() {
            self.levels.push(Vec::new());
        }
        let chosen = full.iter().skip(usize::from(self.odd)).step_by(2);
        self.levels[level + 1].extend(chosen);
        self.odd = !self.odd;
    }

    /// What it says of every number that it kept.
    pub(super) fn ranks(&self) -> Ranks {
        Ranks::of(&self.levels)
    }

    pub(super) fn written(&self) -> Written {
        let parameters = Parameters { c: SHRINK, k: SIZE };
        let data = self.levels.clone();
        Written { parameters, data }
    }
}

impl Written {
    pub(super) fn ranks(&self) -> Ranks {
        Ranks::of(&self.data)
    }
}

/// Numbers in ascending order, and how many are at most as large as each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ranks {
    pub(super) steps: Vec<(f64, u64)>,
}

impl Ranks {
    fn of(levels: &[Vec<f64>]) -> Self {
        let weighted = levels.iter().take(64).enumerate();
        let weighted = weighted.flat_map(|(level, numbers)| {
            let weight = 1_u64 << level;
            numbers.iter().map(move |number| (*number, weight))
        });
        let mut steps: Vec<(f64, u64)> = weighted.collect();
        steps.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut below = 0_u64;
        for (_, weight) in &mut steps {
            below = below.saturating_add(*weight);
            *weight = below;
        }
        // Of equal numbers the last says how many there are up to them all.
        steps.reverse();
        steps.dedup_by(|one, other| one.0.total_cmp(&other.0).is_eq());
        steps.reverse();
        Self { steps }
    }

    /// How many numbers there are.
    pub(super) fn total(&self) -> u64 {
        self.steps.last().map_or(0, |(_, below)| *below)
    }

    /// How many are smaller than `number`.
    pub(super) fn below(&self, number: f64) -> u64 {
        let at = self.steps.partition_point(|(step, _)| *step < number);
        at.checked_sub(1).map_or(0, |at| self.steps[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(numbers: impl Iterator<Item = u32>) -> Sketch {
        let mut sketch = Sketch::default();
        numbers.for_each(|number| sketch.add(f64::from(number)));
        sketch
    }

    /// The numbers below `count`, in an order without any.
    fn mixed(count: u32) -> impl Iterator<Item = u32> {
        (0..count).map(move |n| u32::try_from(u64::from(n) * 7_919 % u64::from(count)).unwrap())
    }

    #[test]
    fn few_numbers_are_all_kept() {
        let ranks = sketch([3, 1, 2, 2].into_iter()).ranks();
        assert_eq!(ranks.steps, [(1.0, 1), (2.0, 3), (3.0, 4)]);
        assert_eq!(
            (ranks.below(1.0), ranks.below(2.0), ranks.below(9.0)),
            (0, 1, 4)
        );
        assert_eq!(Ranks::default().total(), 0);
    }

    #[test]
    fn many_numbers_are_counted_and_nearly_in_their_places() {
        for count in [2_048, 10_007, 300_007] {
            for sketch in [
                sketch(0..count),
                sketch((0..count).rev()),
                sketch(mixed(count)),
            ] {
                let kept: usize = sketch.levels.iter().map(Vec::len).sum();
                assert!(kept < 6_000, "{kept} kept of {count}");
                let ranks = sketch.ranks();
                assert_eq!(ranks.total(), u64::from(count));
                for (number, rank) in ranks.steps {
                    let rank = f64::from(u32::try_from(rank).unwrap());
                    let off = (rank - number - 1.0).abs() / f64::from(count);
                    assert!(off < 0.002, "{number} of {count} has the rank {rank}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_says_the_same() {
        let sketch = sketch(mixed(20_011));
        let text = serde_json::to_string(&sketch.written()).unwrap();
        assert!(text.starts_with(r#"{"parameters":{"c":0.64,"k":2048.0},"data":[["#));
        let read: Written = serde_json::from_str(&text).unwrap();
        assert_eq!(read.ranks(), sketch.ranks());
    }
}
