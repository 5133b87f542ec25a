//! Signature version 4, worked out anew from a request as it arrived.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::server::Seen;

/// What the signature covers, if it holds.
pub(super) struct Signed {
    pub(super) key_id: String,
    pub(super) region: String,
    pub(super) service: String,
}

/// Checks a request's signature against the body that came with it.
pub(super) fn verify(request: &Seen, secret: &str) -> Signed {
    let authorization = request.header("authorization");
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").unwrap();
    let part = |name: &str| {
        let found = rest.split(", ").find_map(|part| part.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{name} in {authorization}"))
    };
    let credential: Vec<&str> = part("Credential=").split('/').collect();
    let [key_id, date, region, service, "aws4_request"] = credential[..] else {
        panic!("{credential:?}")
    };
    let signed_headers = part("SignedHeaders=");

    let payload = HEXLOWER.encode(&Sha256::digest(&request.body));
    let stated = request.header("x-amz-content-sha256");
    assert!(
        stated.is_empty() || stated == payload,
        "the stated hash is {stated}"
    );

    let headers: Vec<String> = signed_headers
        .split(';')
        .map(|name| format!("{name}:{}\n", request.header(name).trim()))
        .collect();
    let mut query: Vec<&str> = request.query.split('&').collect();
    query.sort_unstable();
    let canonical = [
        request.method.as_str(),
        &request.path,
        &query.join("&"),
        &headers.concat(),
        signed_headers,
        &payload,
    ]
    .join("\n");

    let scope = format!("{date}/{region}/{service}/aws4_request");
    let time = request.header("x-amz-date");
    let digest = HEXLOWER.encode(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    let key = [date, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, text| {
            hmac(&key, text.as_bytes())
        });
    assert_eq!(
        part("Signature="),
        HEXLOWER.encode(&hmac(&key, to_sign.as_bytes()))
    );

    Signed {
        key_id: key_id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
