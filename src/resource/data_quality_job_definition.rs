//! What a data-quality monitor does.

use super::kind::{
    Compare, Field, FieldClass, Kind, Naming, Ops, Within, always_ready, never_updated,
};

/// `CreateDataQualityJobDefinition`: immutable, so named by its content.
pub const DATA_QUALITY_JOB_DEFINITION: Kind = Kind {
    name: "DataQualityJobDefinition",
    rank: 90,
    naming: Naming::Digest,
    id: "JobDefinitionName",
    arn: Some("JobDefinitionArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateDataQualityJobDefinition"),
        describe: "DescribeDataQualityJobDefinition",
        update: None,
        delete: Some("DeleteDataQualityJobDefinition"),
    },
    listed: None,
    within: Some(Within {
        op: "ListDataQualityJobDefinitions",
        by: "NameContains",
        items: "JobDefinitionSummaries",
        name: "MonitoringJobDefinitionName",
    }),
    fields: &[
        Field::new("/DataQualityAppSpecification", FieldClass::CreateOnly),
        Field::with(
            "/DataQualityAppSpecification/Environment",
            FieldClass::CreateOnly,
            Compare::WholeMap,
        ),
        Field::new("/DataQualityBaselineConfig", FieldClass::CreateOnly),
        Field::new("/NetworkConfig", FieldClass::CreateOnly),
        Field::new("/DataQualityJobInput", FieldClass::CreateOnly),
        Field::new("/DataQualityJobOutputConfig", FieldClass::CreateOnly),
        Field::new("/JobResources", FieldClass::CreateOnly),
        Field::new("/StoppingCondition", FieldClass::CreateOnly),
        Field::new("/RoleArn", FieldClass::CreateOnly),
    ],
    status: always_ready,
    update: never_updated,
};
