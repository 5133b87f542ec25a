//! Code and data in S3, named by their content.

use serde_json::{Value, json};

use super::call::s3_parts;
use super::kind::{Kind, Naming, Ops, always_ready, never_updated};

/// An object whose key carries the digest of what is in it. Its name is its `s3://` URI. Objects
/// cannot be told apart by tags without reading each one: they belong to the model whose prefix
/// they lie under, and are never deleted.
pub const CODE_OBJECT: Kind = Kind {
    name: "Object",
    rank: 10,
    naming: Naming::Mutable,
    id: "Uri",
    arn: None,
    locate: Some(locate),
    ops: Ops {
        create: Some("PutObject"),
        describe: "HeadObject",
        update: None,
        delete: None,
    },
    listed: None,
    within: None,
    fields: &[],
    status: always_ready,
    update: never_updated,
};

fn locate(uri: &str) -> Value {
    let (bucket, key) = s3_parts(uri).unwrap_or_default();
    json!({"Bucket": bucket, "Key": key})
}
