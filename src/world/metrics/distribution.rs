//! What is kept of many values: their count, sum and bounds, and how they are spread.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Neighbouring bins are this far apart, so that a percentile is right to one per cent.
const BIN_RATIO: f64 = 1.02;

/// Values that were measured within one second.
///
/// Spread is kept in bins of logarithmic width: a few hundred bins hold any number of values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    count: f64,
    sum: f64,
    least: f64,
    most: f64,
    /// Counts by the logarithm of the value; `None` where the values are not known one by one, or
    /// one of them is negative.
    bins: Option<BTreeMap<i32, f64>>,
}

impl Distribution {
    /// `value`, that many times.
    pub fn of(value: f64, count: f64) -> Self {
        Self {
            count,
            sum: value * count,
            least: value,
            most: value,
            bins: (value >= 0.0).then(|| BTreeMap::from([(bin(value), count)])),
        }
    }

    /// Values of which only this is known.
    pub(super) fn summed(count: f64, sum: f64, least: f64, most: f64) -> Self {
        let alike = least.total_cmp(&most).is_eq();
        Self {
            count,
            sum,
            least,
            most,
            bins: (alike && least >= 0.0).then(|| BTreeMap::from([(bin(least), count)])),
        }
    }

    /// Adds the values of another.
    pub fn merge(&mut self, other: &Self) {
        if self.count == 0.0 {
            self.clone_from(other);
            return;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.bins = match (self.bins.take(), &other.bins) {
            (Some(mut bins), Some(others)) => {
                for (bin, count) in others {
                    *bins.entry(*bin).or_default() += count;
                }
                Some(bins)
            }
            _ => None,
        };
    }

    /// A statistic by the service's name for it: `Sum`, `p99.9`. `None` where there is none of that
    /// name, or these values do not have it.
    pub(super) fn statistic(&self, name: &str) -> Option<f64> {
        if self.count <= 0.0 {
            return None;
        }
        match name {
            "SampleCount" => Some(self.count),
            "Sum" => Some(self.sum),
            "Average" => Some(self.sum / self.count),
            "Minimum" => Some(self.least),
            "Maximum" => Some(self.most),
            name => self.percentile(percent(name)?),
        }
    }

    fn percentile(&self, percent: f64) -> Option<f64> {
        let bins = self.bins.as_ref()?;
        let wanted = self.count * percent / 100.0;
        let mut seen = 0.0;
        let found = bins.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        let value = found.map_or(self.most, |(bin, _)| middle(*bin));
        Some(value.clamp(self.least, self.most))
    }
}

/// The percentage that `p99.9` names.
pub(super) fn percent(name: &str) -> Option<f64> {
    let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a float is within thousands of bins"
)]
fn bin(value: f64) -> i32 {
    if value > 0.0 {
        (value.ln() / BIN_RATIO.ln()).ceil() as i32
    } else {
        i32::MIN
    }
}

/// The value that stands for a bin.
fn middle(bin: i32) -> f64 {
    if bin == i32::MIN {
        return 0.0;
    }
    BIN_RATIO.powi(bin) * 2.0 / (1.0 + BIN_RATIO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_values() {
        let mut all = Distribution::default();
        assert_eq!(all.statistic("Sum"), None);
        for value in 0..=1000_u32 {
            all.merge(&Distribution::of(f64::from(value), 1.0));
        }
        let check = |name, expected: f64| {
            let found = all.statistic(name).unwrap();
            let close = (found - expected).abs() <= expected.abs() * 0.011;
            assert!(close, "{name}: {found}, not {expected}");
        };
        check("SampleCount", 1001.0);
        check("Sum", 500_500.0);
        check("Average", 500.0);
        check("Minimum", 0.0);
        check("Maximum", 1000.0);
        check("p50", 500.0);
        check("p99.9", 999.0);
        check("p0", 0.0);
        check("p100", 1000.0);
        assert_eq!(all.statistic("p101"), None);
        assert_eq!(all.statistic("tm90"), None);
    }

    #[test]
    fn what_is_not_known_one_by_one_has_no_percentiles() {
        let mut some = Distribution::summed(4.0, 10.0, 1.0, 4.0);
        assert_eq!(some.statistic("p50"), None);
        assert_eq!(some.statistic("Average"), Some(2.5));
        some.merge(&Distribution::of(8.0, 1.0));
        assert_eq!(some.statistic("p50"), None);
        assert_eq!(some.statistic("Maximum"), Some(8.0));
        assert_eq!(Distribution::of(-1.0, 1.0).statistic("p50"), None);
        let alike = Distribution::summed(3.0, 6.0, 2.0, 2.0);
        assert_eq!(alike.statistic("p50"), Some(2.0));
    }
}
