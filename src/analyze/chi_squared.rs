//! How likely it is that the counts of values differ from expected ones by chance.

use std::collections::BTreeMap;

/// Of only two values, each must be expected so often for the test to say anything.
const EXPECTED_OF_TWO: f64 = 10.0;
/// Of more, four fifths must be expected so often.
const EXPECTED_OF_MANY: f64 = 5.0;
/// Terms of a series, and of a fraction: far more than it takes.
const TERMS_MAX: u32 = 10_000;

/// The probability of counts at least as far from the expected ones. `None` where there are fewer
/// than two values to compare. What was not expected at all is left out: it breaks another
/// constraint.
pub(super) fn probability(
    found: &BTreeMap<&str, u64>,
    expected: &BTreeMap<&str, u64>,
) -> Option<f64> {
    let cells = regrouped(cells(found, expected));
    let free = u32::try_from(cells.len()).ok()?.checked_sub(1)?;
    if free == 0 {
        return None;
    }
    let distance = |(found, expected): &(f64, f64)| (found - expected).powi(2) / expected;
    let statistic: f64 = cells.iter().map(distance).sum();
    Some(upper_gamma(f64::from(free) / 2.0, statistic / 2.0))
}

/// Found and expected counts of the same values, the latter scaled to the same total.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn cells(found: &BTreeMap<&str, u64>, expected: &BTreeMap<&str, u64>) -> Vec<(f64, f64)> {
    let of = |value: &str| found.get(value).copied().unwrap_or(0);
    let total: u64 = expected.keys().map(|value| of(value)).sum();
    let whole: u64 = expected.values().sum();
    let scale = total as f64 / whole as f64;
    let cells = expected.iter().filter(|(_, count)| **count > 0);
    cells
        .map(|(value, count)| (of(value) as f64, *count as f64 * scale))
        .collect()
}

/// Joins the least expected two until enough are expected often enough.
fn regrouped(mut cells: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    cells.sort_by(|one, other| other.1.total_cmp(&one.1));
    while cells.len() >= 2 {
        let (least, most_rare) = if cells.len() == 2 {
            (EXPECTED_OF_TWO, 0)
        } else {
            (EXPECTED_OF_MANY, cells.len() / 5)
        };
        let rare = cells.iter().filter(|(_, expected)| *expected < least);
        if rare.count() <= most_rare {
            break;
        }
        let Some((found, expected)) = cells.pop() else {
            break;
        };
        if let Some(next) = cells.last_mut() {
            next.0 += found;
            next.1 += expected;
        }
        cells.sort_by(|one, other| other.1.total_cmp(&one.1));
    }
    cells
}

/// The regularized upper incomplete gamma function.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        1.0 - scale * lower_series(a, x)
    } else {
        scale * upper_fraction(a, x)
    }
}

/// 1/a + x/(a(a+1)) + x²/(a(a+1)(a+2)) + …
fn lower_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for n in 1..TERMS_MAX {
        term *= x / (a + f64::from(n));
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- …))), by Lentz's method.
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut below = x + 1.0 - a;
    let mut over = 1.0 / TINY;
    let mut under = 1.0 / not_zero(below);
    let mut value = under;
    for term in 1..TERMS_MAX {
        let term = f64::from(term);
        let above = -term * (term - a);
        below += 2.0;
        under = 1.0 / not_zero(above * under + below);
        over = not_zero(below + above / over);
        value *= under * over;
        if (under * over - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function: Lanczos' approximation with g = 7 and nine terms, for
/// arguments from one half on.
fn ln_gamma(a: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let a = a - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (n, term) in (1_u8..).zip(TERMS) {
        sum += term / (a + f64::from(n));
    }
    let at = a + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (a + 0.5) * at.ln() - at + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_the_tables() {
        let check = |free: f64, statistic: f64, expected: f64| {
            let found = upper_gamma(free / 2.0, statistic / 2.0);
            assert!((found - expected).abs() < 5e-7, "{found} for {expected}");
        };
        check(1.0, 3.841_458_8, 0.05);
        check(2.0, 5.991_464_5, 0.05);
        check(10.0, 23.209_251_2, 0.01);
        check(30.0, 20.599_234_6, 0.9);
        check(4.0, 0.0, 1.0);
    }

    #[test]
    fn rare_values_are_taken_together() {
        let expected = [("a", 50), ("b", 40), ("c", 4), ("d", 3), ("e", 3)].into();
        let cells = cells(&[("a", 40), ("b", 50), ("c", 10)].into(), &expected);
        assert_eq!(cells.len(), 5);
        // Of five one may be rare, of four none: 3 + 3, and then 4 + 6.
        assert_eq!(regrouped(cells), [(40.0, 50.0), (50.0, 40.0), (10.0, 10.0)]);
    }

    #[test]
    fn two_values_are_the_least() {
        let one = [("a", 50)].into();
        assert_eq!(probability(&one, &one), None);
        assert_eq!(probability(&BTreeMap::new(), &BTreeMap::new()), None);
        let two = [("a", 50), ("b", 50)].into();
        assert_eq!(probability(&two, &two), Some(1.0));
        let far = probability(&[("a", 90), ("b", 10), ("z", 5)].into(), &two);
        assert!(far.is_some_and(|found| found < 1e-10), "{far:?}");
    }
}
