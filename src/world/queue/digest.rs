//! The digests by which clients check what was received: MD5, because the service says so.

use data_encoding::{BASE64, HEXLOWER};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value};

use crate::world::request::text;

/// Says that text follows.
const TEXT: u8 = 1;
/// Says that bytes follow.
const BYTES: u8 = 2;

pub(super) fn of_body(body: &str) -> String {
    HEXLOWER.encode(&Md5::digest(body.as_bytes()))
}

/// The digest of attributes by their names: of each the name, the type and the value, with their
/// lengths before them.
pub(super) fn of_attributes(attributes: &Map<String, Value>) -> String {
    let mut names: Vec<_> = attributes.keys().collect();
    names.sort_unstable();
    let mut digest = Md5::new();
    for name in names {
        let attribute = &attributes[name];
        put(&mut digest, name.as_bytes());
        put(&mut digest, text(attribute, "DataType").as_bytes());
        if let Some(binary) = attribute.get("BinaryValue").and_then(Value::as_str) {
            digest.update([BYTES]);
            let plain = BASE64.decode(binary.as_bytes()).unwrap_or_default();
            put(&mut digest, &plain);
        } else {
            digest.update([TEXT]);
            put(&mut digest, text(attribute, "StringValue").as_bytes());
        }
    }
    HEXLOWER.encode(&digest.finalize())
}

fn put(digest: &mut Md5, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digests_are_those_of_the_service() {
        assert_eq!(of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
        let attribute =
            json!({"timestamp": {"StringValue": "1493147359900", "DataType": "Number"}});
        let digest = of_attributes(attribute.as_object().unwrap());
        assert_eq!(digest, "235c5c510d26fb653d073faed50ae77c");
    }
}
