//! What an endpoint is made of.

use super::kind::{
    Compare, Field, FieldClass, Kind, Naming, Ops, Within, always_ready, never_updated,
};

/// `CreateEndpointConfig`: immutable, so named by its content.
pub const ENDPOINT_CONFIG: Kind = Kind {
    name: "EndpointConfig",
    rank: 70,
    naming: Naming::Digest,
    id: "EndpointConfigName",
    arn: Some("EndpointConfigArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateEndpointConfig"),
        describe: "DescribeEndpointConfig",
        update: None,
        delete: Some("DeleteEndpointConfig"),
    },
    listed: None,
    within: Some(Within {
        op: "ListEndpointConfigs",
        by: "NameContains",
        items: "EndpointConfigs",
        name: "EndpointConfigName",
    }),
    fields: &[
        Field::new("/AsyncInferenceConfig", FieldClass::CreateOnly),
        Field::new("/CrossRegionTrafficConfig", FieldClass::CreateOnly),
        Field::new("/EnableNetworkIsolation", FieldClass::CreateOnly),
        Field::new("/ExecutionRoleArn", FieldClass::CreateOnly),
        Field::new("/ExplainerConfig", FieldClass::CreateOnly),
        Field::new("/KmsKeyId", FieldClass::CreateOnly),
        Field::new("/MetricsConfig", FieldClass::CreateOnly),
        Field::with(
            "/ShadowProductionVariants",
            FieldClass::CreateOnly,
            Compare::Keyed("VariantName"),
        ),
        Field::with(
            "/ShadowProductionVariants/*/ModelName",
            FieldClass::CreateOnly,
            Compare::Reference("Model"),
        ),
        Field::new("/VpcConfig", FieldClass::CreateOnly),
        Field::with(
            "/ProductionVariants",
            FieldClass::CreateOnly,
            Compare::Keyed("VariantName"),
        ),
        Field::with(
            "/ProductionVariants/*/ModelName",
            FieldClass::CreateOnly,
            Compare::Reference("Model"),
        ),
        Field::new("/DataCaptureConfig", FieldClass::CreateOnly),
        Field::with(
            "/DataCaptureConfig/CaptureOptions",
            FieldClass::CreateOnly,
            Compare::Unordered,
        ),
    ],
    status: always_ready,
    update: never_updated,
};
