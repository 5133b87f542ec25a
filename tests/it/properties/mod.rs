//! What holds of any input: of comparing, ordering, naming, digests, reading and errors.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

pub(crate) mod body;
mod canonical;
mod compare;
mod errors;
mod mutate;
mod names;
mod order;
mod reading;

use proptest::prelude::*;
use serde_json::Value;

/// Any JSON of moderate size; keys are often those that kinds know.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has finite numbers only", |number| number.is_finite())
            // JSON has one zero.
            .prop_map(|number| Value::from(number + 0.0)),
        any::<String>().prop_map(Value::from),
        "\\{\"[a-c]\": ?[0-9]\\}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key(), inner, 0..5)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// A key of an object.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "ProductionVariants",
            "VariantName",
            "ModelName",
            "PrimaryContainer",
            "Containers",
            "Environment",
            "PipelineDefinition",
            "Dimensions",
            "Metrics",
            "Id",
        ])
        .prop_map(str::to_owned),
        "[a-c/~0]{0,3}",
    ]
}
