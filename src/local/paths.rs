//! Paths of the container, as paths of this machine.

/// Where a container finds everything.
pub(super) const CONTAINER_ROOT: &str = "/opt/ml";

/// Replaces every `/opt/ml` in `text` that starts a path of its own by `root`. Those inside a
/// longer path or name (`s3://bucket/opt/ml`, `/opt/mlflow`) stay.
pub(super) fn rewrite(text: &str, root: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(CONTAINER_ROOT) {
        let (before, found) = rest.split_at(at);
        let after = &found[CONTAINER_ROOT.len()..];
        let starts = out.is_empty() && before.is_empty()
            || !before
                .chars()
                .next_back()
                .or_else(|| out.chars().next_back())
                .is_some_and(|c| in_name(c) || c == '/');
        let ends = !after.chars().next().is_some_and(in_name);
        out.push_str(before);
        out.push_str(if starts && ends { root } else { CONTAINER_ROOT });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~')
}

/// Bucket and key of an `s3://` URI; the key may be empty.
pub(super) fn s3_uri(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("s3://")?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, key))
}

/// Where the object `key`, found under `prefix`, lies below a channel's folder: the key without the
/// prefix, or, where the prefix ends within a name or is the key, from that name on.
pub(super) fn below_prefix<'a>(key: &'a str, prefix: &str) -> &'a str {
    let rest = key.strip_prefix(prefix).unwrap_or(key);
    if prefix.is_empty() || (prefix.ends_with('/') && !rest.is_empty()) {
        return rest;
    }
    if let Some(rest) = rest.strip_prefix('/')
        && !rest.is_empty()
    {
        return rest;
    }
    let folder = prefix
        .trim_end_matches('/')
        .rfind('/')
        .map_or(0, |at| at + 1);
    &key[folder..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_container_paths_are_rewritten() {
        let check = |text: &str, expected: &str| assert_eq!(rewrite(text, "/w"), expected);
        check("/opt/ml", "/w");
        check("/opt/ml/model", "/w/model");
        check(
            "cd /opt/ml/processing/input/code && tar -xzf a.tar.gz -C /opt/ml/code",
            "cd /w/processing/input/code && tar -xzf a.tar.gz -C /w/code",
        );
        check("--out=/opt/ml/output,\"/opt/ml\"", "--out=/w/output,\"/w\"");
        check(
            "/opt/mlflow /opt/ml-x /opt/ml.d",
            "/opt/mlflow /opt/ml-x /opt/ml.d",
        );
        check("s3://bucket/opt/ml/model", "s3://bucket/opt/ml/model");
        check("/opt/ml:/opt/ml", "/w:/w");
        check("/opt/ml/opt/ml", "/w/opt/ml");
        check("nothing", "nothing");
    }

    #[test]
    fn uris_are_split() {
        assert_eq!(s3_uri("s3://b/k/l"), Some(("b", "k/l")));
        assert_eq!(s3_uri("s3://b"), Some(("b", "")));
        assert_eq!(s3_uri("s3:///k"), None);
        assert_eq!(s3_uri("https://b/k"), None);
    }

    #[test]
    fn prefixes_are_stripped() {
        let check = |key, prefix, expected| assert_eq!(below_prefix(key, prefix), expected);
        check("data/train/a.csv", "data/train", "a.csv");
        check("data/train/a.csv", "data/train/", "a.csv");
        check("data/train/x/a.csv", "data/train", "x/a.csv");
        check("data/train.csv", "data/train.csv", "train.csv");
        check("data/train.csv", "data/tr", "train.csv");
        check("a.csv", "", "a.csv");
        check("a.csv", "a", "a.csv");
    }
}
