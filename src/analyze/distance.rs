//! How far two distributions are apart.

use std::collections::BTreeMap;

use super::constraints::Method;
use super::sketch::Ranks;

/// The largest difference of two samples that is put down to chance, for one value of each: it
/// belongs to a probability of three in a thousand.
const CHANCE: f64 = 1.8;

/// The distance between the numbers of two columns: the largest difference between the shares of
/// numbers up to any number.
pub(super) fn of_numbers(one: &Ranks, other: &Ranks, method: Method) -> f64 {
    let (n, m) = (share_of(one.total()), share_of(other.total()));
    let (mut at, mut most) = ((0, 0), 0.0_f64);
    let rank = |ranks: &Ranks, next: usize| match next {
        0 => 0.0,
        next => share_of(ranks.steps[next - 1].1),
    };
    loop {
        let number = match (one.steps.get(at.0), other.steps.get(at.1)) {
            (Some((one, _)), Some((other, _))) => one.min(*other),
            (Some((number, _)), None) | (None, Some((number, _))) => *number,
            (None, None) => break,
        };
        let passed = |ranks: &Ranks, next: usize| {
            let step = ranks.steps.get(next);
            next + usize::from(step.is_some_and(|(step, _)| *step <= number))
        };
        at = (passed(one, at.0), passed(other, at.1));
        most = most.max((rank(one, at.0) / n - rank(other, at.1) / m).abs());
    }
    adjusted(most, n, m, method)
}

/// The distance between the values of two columns: the largest difference between the shares of a
/// value.
pub(super) fn of_categories(
    one: &BTreeMap<&str, u64>,
    other: &BTreeMap<&str, u64>,
    method: Method,
) -> f64 {
    let (n, m) = (share_of(one.values().sum()), share_of(other.values().sum()));
    let count = |of: &BTreeMap<&str, u64>, value| share_of(of.get(value).copied().unwrap_or(0));
    let differences = one.keys().chain(other.keys());
    let differences =
        differences.map(|value| (count(one, *value) / n - count(other, *value) / m).abs());
    adjusted(differences.fold(0.0, f64::max), n, m, method)
}

fn adjusted(distance: f64, n: f64, m: f64, method: Method) -> f64 {
    match method {
        Method::Simple => distance,
        Method::Robust => (distance - CHANCE * ((n + m) / (n * m)).sqrt()).max(0.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn share_of(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::super::sketch::Sketch;
    use super::*;

    fn ranks(numbers: &[f64]) -> Ranks {
        let mut sketch = Sketch::default();
        for number in numbers {
            sketch.add(*number);
        }
        sketch.ranks()
    }

    #[test]
    fn the_largest_difference_counts() {
        let check = |one: &[f64], other: &[f64], expected: f64| {
            for (one, other) in [(one, other), (other, one)] {
                let found = of_numbers(&ranks(one), &ranks(other), Method::Simple);
                assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
            }
        };
        check(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 0.0);
        check(&[1.0, 2.0], &[5.0, 6.0, 7.0], 1.0);
        check(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0], 0.5);
        check(&[1.0, 1.0, 1.0, 2.0], &[1.0, 2.0], 0.25);
    }

    #[test]
    fn small_samples_are_excused() {
        let numbers: Vec<f64> = (0..100).map(f64::from).collect();
        let moved: Vec<f64> = numbers.iter().map(|number| number + 50.0).collect();
        let found = of_numbers(&ranks(&numbers), &ranks(&moved), Method::Robust);
        assert!(
            (found - (0.5 - 1.8 * 0.02_f64.sqrt())).abs() < 1e-12,
            "{found}"
        );
        let few = of_numbers(&ranks(&[1.0]), &ranks(&[2.0]), Method::Robust);
        assert!(few.abs() < 1e-12, "{few}");
    }

    #[test]
    fn values_are_compared_by_their_shares() {
        let one = [("a", 3), ("b", 1)].into();
        let other = [("a", 1), ("c", 1)].into();
        let found = of_categories(&one, &other, Method::Simple);
        assert!((found - 0.5).abs() < 1e-12, "{found}");
        let same = of_categories(&one, &one, Method::Simple);
        assert!(same.abs() < 1e-12, "{same}");
    }
}
