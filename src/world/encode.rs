//! Names that look like the service's, and bytes in what is written down.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// A digest in `length` lower-case letters and digits: names that look like the service's.
pub(super) fn letters(seed: &str, length: usize) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    Sha256::digest(seed.as_bytes())
        .iter()
        .take(length)
        .map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]))
        .collect()
}

/// An id in the form of a version of S3's: 32 letters, digits and signs.
pub(super) fn version_id(seed: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(seed.as_bytes())[..24])
}

/// A key of S3's as its lists and records write it in the form of a URL.
pub fn key_of_url(key: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'*')
        .remove(b'/');
    utf8_percent_encode(key, PLAIN).to_string()
}

/// An id in the form of a UUID.
pub(super) fn uuid(seed: &str) -> String {
    uuid_of(Sha256::digest(seed.as_bytes()).into())
}

/// A digest in the form of a UUID.
pub fn uuid_of(digest: [u8; 32]) -> String {
    let digits = HEXLOWER.encode(&digest);
    format!(
        "{}-{}-4{}-8{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..32]
    )
}

/// A number from 0 up to 1 that follows from another and looks like chance.
pub(super) fn dice(number: u64) -> f64 {
    dice_of(Sha256::digest(number.to_le_bytes()).into())
}

/// A digest as a number from 0 up to 1, evenly spread.
pub fn dice_of([a, b, c, d, ..]: [u8; 32]) -> f64 {
    f64::from(u32::from_le_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

/// Bytes as base64 for serde.
pub(super) mod bytes {
    use std::sync::Arc;

    use data_encoding::BASE64;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(in crate::world) fn serialize<S: Serializer>(
        bytes: &Option<Arc<[u8]>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        bytes
            .as_deref()
            .map(|bytes| BASE64.encode(bytes))
            .serialize(to)
    }

    pub(in crate::world) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Arc<[u8]>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| {
            BASE64
                .decode(text.as_bytes())
                .map(Arc::from)
                .map_err(serde::de::Error::custom)
        })
        .transpose()
    }
}
