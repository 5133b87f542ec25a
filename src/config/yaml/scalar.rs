//! Plain scalars by the YAML 1.2 core schema.

use serde_json::{Number, Value};

/// Why a plain scalar has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// An integer that 64 bits do not hold.
    Large,
    /// An infinity or not a number.
    NotFinite,
}

/// The value of an unquoted scalar.
pub(super) fn resolve(text: &str) -> Result<Value, Unusable> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err(Unusable::NotFinite),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err(Unusable::NotFinite);
    }
    if let Some(number) = integer(text, unsigned) {
        return number.map(Value::Number);
    }
    if is_float(unsigned) {
        let number = text.parse().ok().and_then(Number::from_f64);
        return number.map(Value::Number).ok_or(Unusable::NotFinite);
    }
    Ok(Value::String(text.to_owned()))
}

/// An integer, if the text has the form of one: decimal with a sign, or `0o17`, or `0x1f`.
fn integer(text: &str, unsigned: &str) -> Option<Result<Number, Unusable>> {
    let radixes = [("0o", 8), ("0x", 16)];
    for (prefix, radix) in radixes {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            let value = u64::from_str_radix(digits, radix).map(Number::from);
            return Some(value.map_err(|_| Unusable::Large));
        }
    }
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let signed = text.parse::<i64>().map(Number::from);
    let value = signed.or_else(|_| text.parse::<u64>().map(Number::from));
    Some(value.map_err(|_| Unusable::Large))
}

/// Whether the text matches `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}
