//! What one value is, by the way it is written.

use serde::{Deserialize, Serialize};

/// The type of a column, or what a value could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Type {
    /// Whole numbers.
    Integral,
    /// Numbers.
    Fractional,
    /// Anything else.
    String,
    /// Nothing is known: every value is missing.
    Unknown,
}

impl Type {
    /// Whether its values are numbers.
    pub(super) fn is_numeric(self) -> bool {
        matches!(self, Self::Integral | Self::Fractional)
    }

    /// Its name in the files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integral => "Integral",
            Self::Fractional => "Fractional",
            Self::String => "String",
            Self::Unknown => "Unknown",
        }
    }
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    /// There is none: nothing is written, or that it is not a number.
    Missing,
    Integral(f64),
    Fractional(f64),
    Text,
}

impl Cell {
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("nan") {
            return Self::Missing;
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            // `inf` and the like are words.
            return Self::Text;
        }
        match text.parse::<f64>() {
            Ok(number) if !number.is_finite() => Self::Text,
            Ok(number) if digits(unsigned) => Self::Integral(number),
            Ok(number) => Self::Fractional(number),
            Err(_) => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_it_looks_like() {
        let check = |text, expected| assert_eq!(Cell::read(text), expected, "{text:?}");
        for missing in ["", "  ", "NaN", "nan"] {
            check(missing, Cell::Missing);
        }
        check("12", Cell::Integral(12.0));
        check(" -3 ", Cell::Integral(-3.0));
        check("+4", Cell::Integral(4.0));
        check("1.0", Cell::Fractional(1.0));
        check(".5", Cell::Fractional(0.5));
        check("-2.", Cell::Fractional(-2.0));
        check("1e3", Cell::Fractional(1000.0));
        for text in [
            "a",
            "true",
            "inf",
            "-",
            ".",
            "1,5",
            "1 2",
            "0x10",
            "1e999",
            "2020-01-01",
        ] {
            check(text, Cell::Text);
        }
    }
}
