//! What is remembered of an endpoint update: a tag on the endpoint config, written before the call.
//!
//! `<release attempt>.<k>@<LastModifiedTime of the endpoint before>`. The same time later: the call
//! never landed. Moved, with a `FailureReason`: attempt k failed. Losing the tag costs one attempt
//! more.

use serde_json::Value;

use crate::limits::UPDATE_ATTEMPTS_MAX;
use crate::resource::owner::{Tags, UPDATE};

/// A remembered attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The release's attempt.
    pub release: u32,
    /// How often it was tried for that.
    pub count: u32,
    /// The endpoint's `LastModifiedTime` before it, as it was printed.
    pub before: String,
}

/// What to do about an endpoint that does not name the wanted config.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Try, and note this first.
    Try(Attempt),
    /// It failed; these are SageMaker's words.
    Failed(String),
}

/// The endpoint's `LastModifiedTime` as it is noted.
pub fn modified(endpoint: &Value) -> String {
    endpoint["LastModifiedTime"].to_string()
}

/// Decides by the tags of the wanted config and the endpoint's description.
pub fn next(config_tags: &Tags, endpoint: &Value, release: u32) -> Next {
    let now = modified(endpoint);
    let fresh = |count| {
        Next::Try(Attempt {
            release,
            count,
            before: now.clone(),
        })
    };
    let Some(last) = config_tags
        .get(UPDATE)
        .and_then(|text| Attempt::parse(text))
    else {
        return fresh(1);
    };
    let failure = endpoint["FailureReason"]
        .as_str()
        .filter(|reason| !reason.is_empty());
    match failure {
        _ if release > last.release => fresh(1),
        _ if last.before == now => fresh(last.count),
        None => fresh(1),
        Some(reason) if is_awss_fault(reason) && last.count < UPDATE_ATTEMPTS_MAX => {
            fresh(last.count + 1)
        }
        Some(reason) => Next::Failed(reason.to_owned()),
    }
}

/// Reasons that may be gone next time.
fn is_awss_fault(reason: &str) -> bool {
    [
        "Request to service failed",
        "InternalServerError",
        "InternalFailure",
    ]
    .iter()
    .any(|prefix| reason.starts_with(prefix))
        || reason.contains("insufficient capacity")
        || reason.contains("InsufficientInstanceCapacity")
}

impl Attempt {
    fn parse(text: &str) -> Option<Self> {
        let (counts, before) = text.split_once('@')?;
        let (release, count) = counts.split_once('.')?;
        Some(Self {
            release: release.parse().ok()?,
            count: count.parse().ok()?,
            before: before.to_owned(),
        })
    }

    /// The tag's value.
    pub fn text(&self) -> String {
        format!("{}.{}@{}", self.release, self.count, self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(
        tag: Option<&str>,
        modified: f64,
        failure: Option<&str>,
        release: u32,
        expect: Result<(u32, u32), &str>,
    ) {
        let tags = tag
            .map(|tag| (UPDATE.to_owned(), tag.to_owned()))
            .into_iter()
            .collect();
        let endpoint = json!({"LastModifiedTime": modified, "FailureReason": failure});
        let found = match next(&tags, &endpoint, release) {
            Next::Try(attempt) => {
                assert_eq!(Attempt::parse(&attempt.text()), Some(attempt.clone()));
                Ok((attempt.release, attempt.count))
            }
            Next::Failed(reason) => Err(reason),
        };
        assert_eq!(
            found,
            expect.map_err(str::to_owned),
            "{tag:?} {modified} {failure:?}"
        );
    }

    #[test]
    fn an_update_is_tried_again_only_where_that_can_help() {
        check(None, 5.0, None, 1, Ok((1, 1)));
        check(Some("1.1@5.0"), 5.0, None, 1, Ok((1, 1)));
        check(
            Some("1.1@5.0"),
            9.0,
            Some("the ping health check"),
            1,
            Err("the ping health check"),
        );
        check(
            Some("1.1@5.0"),
            9.0,
            Some("the ping health check"),
            2,
            Ok((2, 1)),
        );
        check(
            Some("1.1@5.0"),
            9.0,
            Some("Request to service failed"),
            1,
            Ok((1, 2)),
        );
        check(
            Some("1.3@5.0"),
            9.0,
            Some("Request to service failed"),
            1,
            Err("Request to service failed"),
        );
        check(Some("1.1@5.0"), 9.0, None, 1, Ok((1, 1)));
        check(Some("nonsense"), 9.0, None, 1, Ok((1, 1)));
    }
}
