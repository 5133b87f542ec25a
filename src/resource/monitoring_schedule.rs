//! When a monitor runs.

use serde_json::{Value, json};

use super::kind::{Compare, Field, FieldClass, Kind, Listed, Naming, Ops, Status, Update, Within};

/// `CreateMonitoringSchedule`. An update replaces the whole config; every change passes through
/// `Pending`, in which nothing else is accepted.
pub const MONITORING_SCHEDULE: Kind = Kind {
    name: "MonitoringSchedule",
    rank: 100,
    naming: Naming::Mutable,
    id: "MonitoringScheduleName",
    arn: Some("MonitoringScheduleArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateMonitoringSchedule"),
        describe: "DescribeMonitoringSchedule",
        update: Some("UpdateMonitoringSchedule"),
        delete: Some("DeleteMonitoringSchedule"),
    },
    listed: Some(Listed {
        op: "ListMonitoringSchedules",
        resource: None,
        request: || json!({"SortBy": "CreationTime", "SortOrder": "Ascending", "MaxResults": 100}),
        items: "MonitoringScheduleSummaries",
        name: |schedule| Some(schedule["MonitoringScheduleName"].as_str()?.to_owned()),
        members: &[
            "CreationTime",
            "LastModifiedTime",
            "MonitoringScheduleStatus",
        ],
    }),
    within: Some(Within {
        op: "ListMonitoringSchedules",
        by: "NameContains",
        items: "MonitoringScheduleSummaries",
        name: "MonitoringScheduleName",
    }),
    fields: &[
        Field::new("/MonitoringScheduleConfig", FieldClass::Live),
        Field::with(
            "/MonitoringScheduleConfig/MonitoringJobDefinitionName",
            FieldClass::Live,
            Compare::Reference("DataQualityJobDefinition"),
        ),
        Field::new("/MonitoringScheduleStatus", FieldClass::LiveOnly),
    ],
    status,
    update,
};

fn status(body: &Value) -> Status {
    let status = body["MonitoringScheduleStatus"]
        .as_str()
        .unwrap_or_default();
    match status {
        "Scheduled" | "Stopped" => Status::Ready,
        "Failed" => Status::Failed(body["FailureReason"].as_str().unwrap_or(status).to_owned()),
        _ => Status::Moving(status.to_owned()),
    }
}

/// A schedule that somebody stopped is started again by a call of its own.
fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let config = update
        .changes
        .iter()
        .any(|change| change.path.starts_with("/MonitoringScheduleConfig"));
    if config {
        let body = json!({
            "MonitoringScheduleName": update.name,
            "MonitoringScheduleConfig": update.desired["MonitoringScheduleConfig"],
        });
        vec![("UpdateMonitoringSchedule", body)]
    } else {
        vec![(
            "StartMonitoringSchedule",
            json!({"MonitoringScheduleName": update.name}),
        )]
    }
}
