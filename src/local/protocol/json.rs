//! AWS JSON: what is inside goes over the wire as it is.

use serde_json::{Value, json};

use super::{Malformed, Refused};

/// The body of a request; an empty one is an object without members.
pub(in crate::local) fn read(bytes: &[u8]) -> Result<Value, Malformed> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let value = serde_json::from_slice(bytes).ok().filter(Value::is_object);
    value.ok_or(Malformed("the request's body is not a JSON object"))
}

/// The body of an answer.
pub(in crate::local) fn write(answer: &Value) -> String {
    match answer {
        Value::Null => "{}".to_owned(),
        answer => answer.to_string(),
    }
}

/// The body of an error. Modelled errors carry `Message`, others `message`: clients accept either.
pub(in crate::local) fn write_error(refused: &Refused<'_>) -> String {
    let Refused { name, message, .. } = refused;
    json!({"__type": name, "message": message, "Message": message}).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_an_object() {
        assert_eq!(read(b""), Ok(json!({})));
        assert_eq!(read(b"{\"A\": [1]}"), Ok(json!({"A": [1]})));
        assert!(read(b"[1]").is_err());
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
        assert_eq!(write(&Value::Null), "{}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = read(&bytes) {
                prop_assert_eq!(read(write(&value).as_bytes()), Ok(value));
            }
        }
    }
}
