//! A model: an image, an artefact and an environment.

use super::kind::{
    Compare, Field, FieldClass, Kind, Naming, Ops, Within, always_ready, never_updated,
};

/// `CreateModel`: immutable, so named by its content.
pub const MODEL: Kind = Kind {
    name: "Model",
    rank: 60,
    naming: Naming::Digest,
    id: "ModelName",
    arn: Some("ModelArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateModel"),
        describe: "DescribeModel",
        update: None,
        delete: Some("DeleteModel"),
    },
    listed: None,
    within: Some(Within {
        op: "ListModels",
        by: "NameContains",
        items: "Models",
        name: "ModelName",
    }),
    fields: &[
        Field::new("/Containers", FieldClass::CreateOnly),
        Field::with(
            "/Containers/*/Environment",
            FieldClass::CreateOnly,
            Compare::WholeMap,
        ),
        Field::new("/EnableNetworkIsolation", FieldClass::CreateOnly),
        Field::new("/InferenceExecutionConfig", FieldClass::CreateOnly),
        Field::new("/PrimaryContainer", FieldClass::CreateOnly),
        Field::with(
            "/PrimaryContainer/Environment",
            FieldClass::CreateOnly,
            Compare::WholeMap,
        ),
        Field::new("/ExecutionRoleArn", FieldClass::CreateOnly),
        Field::with(
            "/VpcConfig/SecurityGroupIds",
            FieldClass::CreateOnly,
            Compare::Unordered,
        ),
        Field::with(
            "/VpcConfig/Subnets",
            FieldClass::CreateOnly,
            Compare::Unordered,
        ),
        Field::new("/VpcConfig", FieldClass::CreateOnly),
    ],
    status: always_ready,
    update: never_updated,
};
