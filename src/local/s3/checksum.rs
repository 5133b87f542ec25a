//! Checksums: which an object came with, and how answers show them.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use data_encoding::{BASE64, HEXLOWER};
use s3s::dto::Checksum;

use crate::local::bodies::hasher;
use crate::world::objects::Object;

/// Checksums by the names that S3's headers have for them.
pub(super) type Checksums = BTreeMap<String, String>;

/// Every algorithm.
const NAMES: &[&str] = &["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];
/// What S3 computes where nothing is asked for.
pub(super) const USUAL: &str = "crc64nvme";

/// The checksums that a request brings, or says that a trailer will.
pub(super) fn named(headers: &HeaderMap) -> Vec<&'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let brings = |name: &&&str| {
        let header = format!("x-amz-checksum-{name}");
        let asked = text("x-amz-sdk-checksum-algorithm");
        headers.contains_key(&header)
            || text("x-amz-trailer").is_some_and(|trailers| {
                let mut trailers = trailers.split(',');
                trailers.any(|trailer| trailer.trim().eq_ignore_ascii_case(&header))
            })
            || asked.is_some_and(|asked| asked.eq_ignore_ascii_case(name))
    };
    NAMES.iter().filter(brings).copied().collect()
}

/// An algorithm by the name that requests have for it.
pub(super) fn algorithm(name: &str) -> Option<&'static str> {
    let mut names = NAMES.iter();
    names.find(|own| own.eq_ignore_ascii_case(name)).copied()
}

/// One checksum of several.
pub(super) fn of<'a>(checksums: &'a Checksum, name: &str) -> Option<&'a String> {
    match name {
        "crc32" => checksums.checksum_crc32.as_ref(),
        "crc32c" => checksums.checksum_crc32c.as_ref(),
        "crc64nvme" => checksums.checksum_crc64nvme.as_ref(),
        "sha1" => checksums.checksum_sha1.as_ref(),
        _ => checksums.checksum_sha256.as_ref(),
    }
}

/// Those of these names.
pub(super) fn picked(checksums: &Checksum, names: &[&str]) -> Checksums {
    let found = names.iter();
    let found = found.filter_map(|name| Some(((*name).to_owned(), of(checksums, name)?.clone())));
    found.collect()
}

/// The checksum of the checksums of parts, in base64, with how many there were.
pub(super) fn composite(name: &str, parts: &[String]) -> Option<String> {
    let mut hasher = hasher(|wanted| wanted == name);
    for part in parts {
        hasher.update(&BASE64.decode(part.as_bytes()).ok()?);
    }
    let whole = hasher.finalize();
    Some(format!("{}-{}", of(&whole, name)?, parts.len()))
}

/// What an answer shows of an object: what it came with, and its SHA-256, which is always known.
pub(super) fn shown(object: &Object) -> Checksums {
    let mut shown = object.checksums.clone();
    if let Ok(digest) = HEXLOWER.decode(object.sha256.as_bytes()) {
        let entry = shown.entry("sha256".to_owned());
        entry.or_insert_with(|| BASE64.encode(&digest));
    }
    shown
}

/// Whether the checksums are of the whole object, or of its parts' checksums.
pub(super) fn kind(checksums: &Checksums) -> &'static str {
    if checksums.values().any(|value| value.contains('-')) {
        "COMPOSITE"
    } else {
        "FULL_OBJECT"
    }
}

/// Puts checksums into an output.
macro_rules! set_checksums {
    ($output:expr, $checksums:expr) => {{
        let checksums = $checksums;
        $output.checksum_crc32 = checksums.get("crc32").cloned();
        $output.checksum_crc32c = checksums.get("crc32c").cloned();
        $output.checksum_crc64nvme = checksums.get("crc64nvme").cloned();
        $output.checksum_sha1 = checksums.get("sha1").cloned();
        $output.checksum_sha256 = checksums.get("sha256").cloned();
    }};
}
pub(super) use set_checksums;

/// Takes checksums out of an input.
macro_rules! given_checksums {
    ($input:expr) => {
        [
            ("crc32", $input.checksum_crc32.as_ref()),
            ("crc32c", $input.checksum_crc32c.as_ref()),
            ("crc64nvme", $input.checksum_crc64nvme.as_ref()),
            ("sha1", $input.checksum_sha1.as_ref()),
            ("sha256", $input.checksum_sha256.as_ref()),
        ]
    };
}
pub(super) use given_checksums;
