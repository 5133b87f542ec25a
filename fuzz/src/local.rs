//! The doors of the local SageMaker.

#[path = "../../src/local/protocol/mod.rs"]
mod protocol;

pub fn json(bytes: &[u8]) {
    protocol::any_bytes::json(bytes);
}

pub fn cbor(bytes: &[u8]) {
    protocol::any_bytes::cbor(bytes);
}

pub fn query(bytes: &[u8]) {
    protocol::any_bytes::query(bytes);
}

pub fn rest(bytes: &[u8]) {
    protocol::any_bytes::rest(bytes);
}
