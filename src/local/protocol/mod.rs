//! AWS's protocols: bytes to requests, answers to bytes, by the shapes of the service model. No file
//! here knows a service.
//!
//! Inside, a request and an answer are JSON: an instant is seconds since the epoch, bytes are base64.

#[cfg(any(test, fuzzing))]
pub(super) mod any_bytes;
pub(super) mod cbor;
pub(super) mod json;
pub(super) mod query;
pub(super) mod rest;
pub(super) mod xml;

/// Why bytes are not a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// What every form of an error tells.
pub(super) struct Refused<'a> {
    /// The error's name in the model.
    pub(super) name: &'a str,
    /// Its code in the query protocol.
    pub(super) code: &'a str,
    /// The service's words.
    pub(super) message: &'a str,
}
