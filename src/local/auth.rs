//! Signature version 4, worked out anew from a request as it arrived.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::collections::BTreeMap;

use axum::http::request::Parts;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::http::header_text;
use crate::clock::{SignedDuration, Timestamp};

/// How far a request's time may be from now.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(15);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The one caller whose requests are answered.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: SecretString,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It is not signed.
    Missing,
    /// Its signature cannot be read.
    Incomplete,
    /// Nobody here has that access key.
    UnknownKey,
    /// It is too old, or of a time to come.
    Expired,
    /// It is signed by somebody who does not know the secret, or was changed since.
    Wrong,
}

/// What a signature says of itself.
struct Claim {
    key_id: String,
    date: String,
    region: String,
    service: String,
    headers: String,
    time: String,
    signature: String,
    /// Seconds for which a presigned URL holds.
    holds: Option<i64>,
}

impl Denied {
    /// The code and the words of a service, S3's own among them.
    pub(super) fn told(self, s3: bool) -> (&'static str, &'static str) {
        match (self, s3) {
            (Self::Missing, false) => (
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            (Self::Missing, true) => ("AccessDenied", "Access Denied"),
            (Self::Incomplete, false) => (
                "IncompleteSignatureException",
                "Authorization header requires Credential, SignedHeaders and Signature, and the \
                 request a date.",
            ),
            (Self::Incomplete, true) => (
                "AuthorizationHeaderMalformed",
                "The authorization that you provided is malformed.",
            ),
            (Self::UnknownKey, false) => (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            (Self::UnknownKey, true) => (
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            (Self::Expired, false) => (
                "InvalidSignatureException",
                "Signature expired, or of a time to come: check the clock.",
            ),
            (Self::Expired, true) => (
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            (Self::Wrong, false) => (
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method.",
            ),
            (Self::Wrong, true) => (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. \
                 Check your key and signing method.",
            ),
        }
    }
}

/// Checks a request's signature. `body` is what it must cover, unless the request names a digest of
/// its own, as those of S3 do.
pub(super) fn check(
    known: &Credentials,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Denied> {
    let claim = Claim::of(parts)?;
    if claim.key_id != known.access_key_id {
        return Err(Denied::UnknownKey);
    }
    let signed_at = Timestamp::strptime("%Y%m%dT%H%M%SZ%z", format!("{}+0000", claim.time))
        .map_err(|_| Denied::Incomplete)?;
    let age = now.duration_since(signed_at);
    let holds = claim.holds.map_or(SKEW_MAX, SignedDuration::from_secs);
    if age > holds || age < -SKEW_MAX || !claim.time.starts_with(&claim.date) {
        return Err(Denied::Expired);
    }
    let canonical = canonical(&claim, parts, body);
    let digest = HEXLOWER.encode(&Sha256::digest(canonical));
    let scope = format!(
        "{}/{}/{}/aws4_request",
        claim.date, claim.region, claim.service
    );
    let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{digest}", claim.time);
    let secret = format!("AWS4{}", known.secret_access_key.expose_secret()).into_bytes();
    let key = scope.split('/').fold(secret, |key, part| {
        keyed(&key, part.as_bytes())
            .finalize()
            .into_bytes()
            .to_vec()
    });
    let given = HEXLOWER
        .decode(claim.signature.as_bytes())
        .map_err(|_| Denied::Wrong)?;
    keyed(&key, to_sign.as_bytes())
        .verify_slice(&given)
        .map_err(|_| Denied::Wrong)
}

fn keyed(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(message);
    mac
}

impl Claim {
    fn of(parts: &Parts) -> Result<Self, Denied> {
        let authorization = header_text(&parts.headers, "authorization");
        if !authorization.is_empty() {
            return Self::of_header(parts, authorization).ok_or(Denied::Incomplete);
        }
        let query: BTreeMap<String, String> = pairs(parts)
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        if !query.contains_key("X-Amz-Signature") {
            return Err(Denied::Missing);
        }
        let get = |name: &str| query.get(name).cloned();
        let found = || {
            let mut claim = Self::of_credential(&get("X-Amz-Credential")?)?;
            claim.headers = get("X-Amz-SignedHeaders")?;
            claim.time = get("X-Amz-Date")?;
            claim.signature = get("X-Amz-Signature")?;
            claim.holds = Some(get("X-Amz-Expires")?.parse().ok()?);
            Some(claim)
        };
        found().ok_or(Denied::Incomplete)
    }

    fn of_header(parts: &Parts, authorization: &str) -> Option<Self> {
        let rest = authorization.strip_prefix(ALGORITHM)?.trim_start();
        let part = |name: &str| {
            let mut all = rest.split(',').map(str::trim);
            all.find_map(|part| part.strip_prefix(name))
        };
        let mut claim = Self::of_credential(part("Credential=")?)?;
        part("SignedHeaders=")?.clone_into(&mut claim.headers);
        part("Signature=")?.clone_into(&mut claim.signature);
        header_text(&parts.headers, "x-amz-date").clone_into(&mut claim.time);
        (!claim.time.is_empty()).then_some(claim)
    }

    fn of_credential(credential: &str) -> Option<Self> {
        // An access key may hold slashes; the scope is the last four parts.
        let mut parts = credential.rsplitn(5, '/');
        (parts.next()? == "aws4_request").then_some(())?;
        let mut next = || parts.next().map(str::to_owned);
        Some(Self {
            service: next()?,
            region: next()?,
            date: next()?,
            key_id: next()?,
            headers: String::new(),
            time: String::new(),
            signature: String::new(),
            holds: None,
        })
    }
}

/// The request in the one form that is signed.
fn canonical(claim: &Claim, parts: &Parts, body: &[u8]) -> String {
    // Paths are written as they came; all services but S3 encode them once more.
    let path = parts.uri.path();
    let path = if claim.service == "s3" {
        path.to_owned()
    } else {
        path.replace('%', "%25")
    };
    let mut query: Vec<_> = pairs(parts)
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .collect();
    query.sort_unstable();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let headers = claim.headers.split(';').map(|name| {
        let values = parts.headers.get_all(name).iter();
        let values: Vec<_> = values
            .filter_map(|value| value.to_str().ok())
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        format!("{name}:{}\n", values.join(","))
    });
    let stated = header_text(&parts.headers, "x-amz-content-sha256");
    let payload = match (claim.holds, claim.service.as_str()) {
        (Some(_), "s3") => "UNSIGNED-PAYLOAD".to_owned(),
        (_, "s3") if !stated.is_empty() => stated.to_owned(),
        _ => HEXLOWER.encode(&Sha256::digest(body)),
    };
    [
        parts.method.as_str(),
        &path,
        &query.join("&"),
        &headers.collect::<String>(),
        &claim.headers,
        &payload,
    ]
    .join("\n")
}

/// The pairs of the query, as they were written.
fn pairs(parts: &Parts) -> impl Iterator<Item = (&str, &str)> {
    let query = parts.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// The example of AWS's own test suite for the algorithm: `get-vanilla-query`.
    fn example(signature: &str) -> Parts {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        let request = Request::get("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization);
        request.body(()).unwrap().into_parts().0
    }

    const SIGNATURE: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    fn known() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        }
    }

    #[test]
    fn a_signature_holds_for_its_request_and_time_only() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let then = at("2015-08-30T12:36:10Z");
        let parts = example(SIGNATURE);
        assert_eq!(check(&known(), &parts, b"", then), Ok(()));
        assert_eq!(check(&known(), &parts, b"x", then), Err(Denied::Wrong));
        let late = at("2015-08-30T12:52:00Z");
        assert_eq!(check(&known(), &parts, b"", late), Err(Denied::Expired));
        let early = at("2015-08-30T12:20:00Z");
        assert_eq!(check(&known(), &parts, b"", early), Err(Denied::Expired));
        let other = example(&SIGNATURE.replace('5', "6"));
        assert_eq!(check(&known(), &other, b"", then), Err(Denied::Wrong));
        let mut nobody = known();
        "AKIDOTHER".clone_into(&mut nobody.access_key_id);
        assert_eq!(check(&nobody, &parts, b"", then), Err(Denied::UnknownKey));
        let bare = Request::get("/").body(()).unwrap().into_parts().0;
        assert_eq!(check(&known(), &bare, b"", then), Err(Denied::Missing));
        let odd = Request::get("/").header("authorization", "Bearer x");
        let odd = odd.body(()).unwrap().into_parts().0;
        assert_eq!(check(&known(), &odd, b"", then), Err(Denied::Incomplete));
    }
}
