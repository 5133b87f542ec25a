//! What an endpoint is made of.

use super::kind::{Compare, Field, FieldClass, Kind, Naming, Ops, always_ready, never_updated};

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
    fields: &[
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
