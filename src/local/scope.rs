//! Which region a request is for: its signature says so, and nothing else of it is looked at.

/// The region of a request without a signature.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// The region and service in the credential scope of an `Authorization` header
/// (`AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …`).
pub(super) fn credential_scope(authorization: &str) -> Option<(&str, &str)> {
    let rest = authorization.strip_prefix("AWS4-")?;
    let start = rest.find("Credential=")? + "Credential=".len();
    let credential = rest[start..].split([',', ' ']).next()?;
    // An access key may hold slashes; the scope is the last four parts.
    let mut parts = credential.rsplit('/');
    if parts.next()? != "aws4_request" {
        return None;
    }
    let service = parts.next()?;
    let region = parts.next()?;
    let date = parts.next()?;
    parts.next()?;
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    (plain(region) && plain(service) && date.len() == 8).then_some((region, service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_read_and_nothing_else() {
        let check = |header, expected| assert_eq!(credential_scope(header), expected, "{header}");
        let good = Some(("eu-west-1", "sagemaker"));
        check(
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sagemaker/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=abc",
            good,
        );
        check(
            "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=a/b/20260101/eu-west-1/sagemaker/aws4_request",
            good,
        );
        check(
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/aws4_request",
            None,
        );
        check(
            "AWS4-HMAC-SHA256 Credential=A/20260101/../sagemaker/aws4_request",
            None,
        );
        check("Bearer x", None);
        check("", None);
    }
}
