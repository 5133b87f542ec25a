//! Names of what is created.

use std::collections::BTreeMap;

use serde_json::Value;

use super::canonical;

/// Longest name of most kinds of SageMaker's.
pub const NAME_MAX: usize = 63;
/// Digits of the digest in a name.
pub const HASH_DIGITS: usize = 10;
/// How many names are tried when something else already has the one that was computed.
pub const NAME_TRIES: u32 = 4;

/// The name of an immutable resource: `<stem>-<10 hex>`, the stem cut so that it fits.
///
/// The digest (v1) is over the kind, the body without its name and tags, and the number of the
/// try: 0, or more where a resource with other content already holds the earlier name. Where the
/// stem is cut it is over the whole stem too: what differs may stand in what was cut off.
pub fn digest_name(kind: &str, stem: &str, body: &Value, attempt: u32) -> String {
    let (version, kind, whole, attempt) = (1.into(), kind.into(), stem.into(), attempt.into());
    let mut content = BTreeMap::from([
        ("v", &version),
        ("kind", &kind),
        ("body", body),
        ("try", &attempt),
    ]);
    let shown = beginning(stem);
    if shown != stem {
        content.insert("stem", &whole);
    }
    let hash = canonical::digest_of(&content);
    format!("{shown}-{}", &hash[..HASH_DIGITS])
}

/// What every name of [`digest_name`] with this stem begins with.
pub fn beginning(stem: &str) -> &str {
    let room = NAME_MAX - HASH_DIGITS - 1;
    stem.get(..room).unwrap_or(stem).trim_end_matches('-')
}

/// Whether a name fits SageMaker's commonest pattern, `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`.
pub fn is_valid(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn golden_v1() {
        let body = json!({"ProductionVariants": [{"VariantName": "AllTraffic"}]});
        assert_eq!(
            digest_name("EndpointConfig", "churn-staging", &body, 0),
            "churn-staging-d5af168522"
        );
    }

    #[test]
    fn long_stems_are_cut_and_names_stay_valid() {
        let long = "a".repeat(51) + "-" + &"b".repeat(40);
        let name = digest_name("Model", &long, &json!({}), 0);
        assert!(is_valid(&name), "{name}");
        assert!(name.len() <= NAME_MAX);
        assert_ne!(name, digest_name("Model", &long, &json!({}), 1));
        for wrong in ["", "-a", "a-", "a_b", "a.b", &"a".repeat(64)] {
            assert!(!is_valid(wrong), "{wrong}");
        }
    }
}
