//! The different values of a column: each with its count while they are few, and about how many
//! there are when they are not.

use std::collections::BTreeMap;

use crate::limits::{CATEGORY_BYTES_MAX, DISTINCT_VALUES_MAX};

/// Registers of an estimate: with so many it is off by some two per cent.
const REGISTERS: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 12;

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    /// All of them.
    Few(BTreeMap<String, u64>),
    /// The estimate of Flajolet and others: of each of many shares of the values, how rare the
    /// rarest hash is.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Few(BTreeMap::new())
    }
}

impl Values {
    pub(super) fn add(&mut self, value: &str) {
        match self {
            Self::Few(counts) => {
                if let Some(count) = counts.get_mut(value) {
                    *count += 1;
                    return;
                }
                // A long text is no category.
                if counts.len() < DISTINCT_VALUES_MAX && value.len() <= CATEGORY_BYTES_MAX {
                    counts.insert(value.to_owned(), 1);
                    return;
                }
                let mut registers = Box::new([0; REGISTERS]);
                let known = counts.keys().map(String::as_str);
                known
                    .chain([value])
                    .for_each(|value| note(&mut registers, value));
                *self = Self::Many(registers);
            }
            Self::Many(registers) => note(registers, value),
        }
    }

    /// Each value with its count, while they are few.
    pub(super) fn counts(&self) -> Option<&BTreeMap<String, u64>> {
        match self {
            Self::Few(counts) => Some(counts),
            Self::Many(_) => None,
        }
    }

    /// How many there are: exactly while they are few.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn distinct(&self) -> f64 {
        let registers = match self {
            Self::Few(counts) => return counts.len() as f64,
            Self::Many(registers) => registers,
        };
        let size = REGISTERS as f64;
        let rarity: f64 = registers
            .iter()
            .map(|rank| (-f64::from(*rank)).exp2())
            .sum();
        let estimate = 0.7213 / (1.0 + 1.079 / size) * size * size / rarity;
        let unused: f64 = registers
            .iter()
            .map(|rank| f64::from(u8::from(*rank == 0)))
            .sum();
        if estimate <= 2.5 * size && unused > 0.0 {
            (size * (size / unused).ln()).round()
        } else {
            estimate.round()
        }
    }
}

fn note(registers: &mut [u8; REGISTERS], value: &str) {
    let hash = hash(value);
    let index = usize::try_from(hash >> (64 - INDEX_BITS)).unwrap_or_default();
    let rank = (hash << INDEX_BITS).leading_zeros().min(64 - INDEX_BITS) + 1;
    let rank = u8::try_from(rank).unwrap_or(u8::MAX);
    registers[index] = registers[index].max(rank);
}

/// FNV-1a, and after it the finish of `SplitMix64`: the first alone leaves the high bits of short
/// values alike.
fn hash(value: &str) -> u64 {
    let hash = value.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize) -> Values {
        let mut values = Values::default();
        for _ in 0..2 {
            (0..count).for_each(|n| values.add(&format!("value {n}")));
        }
        values
    }

    #[test]
    fn few_values_are_counted_and_many_estimated() {
        let few = values(DISTINCT_VALUES_MAX);
        assert_eq!(few.counts().map(|counts| counts["value 7"]), Some(2));
        assert_eq!(few.distinct().to_string(), DISTINCT_VALUES_MAX.to_string());
        for count in [DISTINCT_VALUES_MAX + 1, 5_000, 20_000, 200_000] {
            let many = values(count);
            assert!(many.counts().is_none());
            let off = many.distinct() / f64::from(u32::try_from(count).unwrap()) - 1.0;
            assert!(
                off.abs() < 0.05,
                "{count} are estimated as {}",
                many.distinct()
            );
        }
    }

    #[test]
    fn a_long_text_is_no_category() {
        let mut values = Values::default();
        values.add(&"x".repeat(CATEGORY_BYTES_MAX));
        assert_eq!(values.counts().map(BTreeMap::len), Some(1));
        values.add(&"x".repeat(CATEGORY_BYTES_MAX + 1));
        assert!(values.counts().is_none());
        assert_eq!(values.distinct().to_string(), "2");
    }
}
