//! Numbers in the files: JSON has none for what is not finite, so that is a word.

use serde::{Deserialize as _, Deserializer, Serializer, de};
use serde_json::Value;

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
pub(super) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(*number)
    } else if number.is_nan() {
        serializer.serialize_str("NaN")
    } else if *number > 0.0 {
        serializer.serialize_str("Infinity")
    } else {
        serializer.serialize_str("-Infinity")
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let word = || value.as_str().and_then(|word| word.parse().ok());
    let number = value.as_f64().or_else(word);
    number.ok_or_else(|| de::Error::custom("expected a number"))
}
