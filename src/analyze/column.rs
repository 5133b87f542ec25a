//! One column: everything that is kept of its values.

use std::collections::BTreeSet;

use super::cell::{Cell, Type};
use super::sketch::Sketch;
use super::values::Values;

/// A column.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// The values that the baseline allows, if it names them.
    domain: Option<BTreeSet<String>>,
    integral: u64,
    fractional: u64,
    text: u64,
    outside: u64,
    pub(super) numbers: Numbers,
    pub(super) values: Values,
}

/// What is known of a column's numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    count: u64,
    sum: Sum,
    /// The mean so far, and the sum of squared distances from it.
    mean: f64,
    squares: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) sketch: Sketch,
}

/// A sum that does not lose what is small beside what is large.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    high: f64,
    low: f64,
}

impl Column {
    pub(super) fn new(name: String, domain: Option<BTreeSet<String>>) -> Self {
        Self {
            name,
            domain,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, text: &str) {
        let number = match Cell::read(text) {
            Cell::Missing => return,
            Cell::Integral(number) => {
                self.integral += 1;
                Some(number)
            }
            Cell::Fractional(number) => {
                self.fractional += 1;
                Some(number)
            }
            Cell::Text => {
                self.text += 1;
                None
            }
        };
        // One text makes it a column of texts: its numbers are of no use then.
        match number {
            Some(number) if self.text == 0 => self.numbers.add(number),
            _ => self.numbers = Numbers::default(),
        }
        let value = text.trim();
        if self
            .domain
            .as_ref()
            .is_some_and(|domain| !domain.contains(value))
        {
            self.outside += 1;
        }
        self.values.add(value);
    }

    pub(super) fn present(&self) -> u64 {
        self.integral + self.fractional + self.text
    }

    pub(super) fn inferred(&self) -> Type {
        if self.text > 0 {
            Type::String
        } else if self.fractional > 0 {
            Type::Fractional
        } else if self.integral > 0 {
            Type::Integral
        } else {
            Type::Unknown
        }
    }

    /// How many values could be of a type: a whole number is a number too, and everything a text.
    pub(super) fn of_type(&self, wanted: Type) -> u64 {
        match wanted {
            Type::Integral => self.integral,
            Type::Fractional => self.integral + self.fractional,
            Type::String | Type::Unknown => self.present(),
        }
    }

    /// How many values the baseline does not name.
    pub(super) fn outside(&self) -> u64 {
        self.outside
    }
}

impl Numbers {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn add(&mut self, number: f64) {
        if self.count == 0 {
            (self.min, self.max) = (number, number);
        }
        self.count += 1;
        self.sum.add(number);
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        let before = number - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (number - self.mean);
        self.sketch.add(number);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn sum(&self) -> f64 {
        let Sum { high, low } = self.sum;
        // What is lost of an infinite sum is not a number.
        if high.is_finite() { high + low } else { high }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn mean(&self) -> f64 {
        self.sum() / self.count as f64
    }

    /// The standard deviation of the numbers as a whole population, which is Deequ's.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn deviation(&self) -> f64 {
        (self.squares / self.count as f64).sqrt()
    }
}

impl Sum {
    fn add(&mut self, number: f64) {
        let sum = self.high + number;
        self.low += if self.high.abs() >= number.abs() {
            (self.high - sum) + number
        } else {
            (number - sum) + self.high
        };
        self.high = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> Column {
        let mut column = Column::new("c".to_owned(), Some(["a".to_owned()].into()));
        for value in values {
            column.add(value);
        }
        column
    }

    #[test]
    fn the_type_is_the_one_that_fits_all_values() {
        let check = |values: &[&str], expected| assert_eq!(column(values).inferred(), expected);
        check(&["", "nan"], Type::Unknown);
        check(&["1", ""], Type::Integral);
        check(&["1", "2.5"], Type::Fractional);
        check(&["1", "2.5", "x"], Type::String);
    }

    #[test]
    fn numbers_are_summed_up_until_a_text_comes() {
        let mut column = column(&["1", "3", "", "5"]);
        let numbers = &column.numbers;
        assert_eq!(
            (numbers.count(), numbers.sum(), numbers.mean()),
            (3, 9.0, 3.0)
        );
        assert_eq!((numbers.min, numbers.max), (1.0, 5.0));
        assert!((numbers.deviation() - (8.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        column.add("x");
        column.add("7");
        assert_eq!(column.numbers.count(), 0);
        assert_eq!((column.present(), column.of_type(Type::Integral)), (5, 4));
    }

    #[test]
    fn a_sum_keeps_what_is_small() {
        let column = column(&["1e16", "1.5", "-1e16"]);
        assert_eq!(column.numbers.sum().to_string(), "1.5");
    }

    #[test]
    fn values_that_the_baseline_does_not_name_are_counted() {
        assert_eq!(column(&["a", "b", " a ", "", "c"]).outside(), 2);
        assert_eq!(Column::default().outside(), 0);
    }
}
