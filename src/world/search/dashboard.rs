//! A model with what is around it, as Search shows it: where it is served, and what watches that.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::resource::call::Scope;
use crate::world::World;
use crate::world::kind::Id;
use crate::world::records::{Key, Record};
use crate::world::request::{items, text};

const ENDPOINT: &[&str] = &[
    "EndpointName",
    "EndpointArn",
    "CreationTime",
    "LastModifiedTime",
    "EndpointStatus",
];

const SCHEDULE: &[&str] = &[
    "MonitoringScheduleArn",
    "MonitoringScheduleName",
    "MonitoringScheduleStatus",
    "MonitoringType",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringScheduleConfig",
    "EndpointName",
    "LastMonitoringExecutionSummary",
];

/// The surroundings of all models of an account in a region.
pub(super) struct Dashboard<'a> {
    /// Endpoints, by the models that they serve.
    endpoints: BTreeMap<&'a str, Vec<&'a Record>>,
    /// Schedules, by the endpoints that they watch.
    schedules: BTreeMap<&'a str, Vec<&'a Record>>,
    /// The newest transform jobs, by their models.
    transforms: BTreeMap<&'a str, &'a Record>,
}

impl<'a> Dashboard<'a> {
    pub(super) fn of(world: &'a World, scope: &Scope) -> Self {
        let mut endpoints: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for endpoint in world.records.under(Id::Endpoint, scope, "") {
            let name = text(&endpoint.body, "EndpointConfigName");
            let key = Key::new(Id::EndpointConfig, scope, name);
            let Some(config) = world.records.get(&key) else {
                continue;
            };
            let variants = ["ProductionVariants", "ShadowProductionVariants"];
            let variants = variants.map(|member| items(&config.body, member));
            let mut models: Vec<_> = variants
                .into_iter()
                .flatten()
                .map(|one| text(one, "ModelName"))
                .collect();
            models.sort_unstable();
            models.dedup();
            for model in models {
                endpoints.entry(model).or_default().push(endpoint);
            }
        }
        let mut schedules: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for schedule in world.records.under(Id::Schedule, scope, "") {
            let watched = text(&schedule.body, "EndpointName");
            schedules.entry(watched).or_default().push(schedule);
        }
        let mut transforms = BTreeMap::new();
        for job in world.records.by_age(Id::TransformJob, scope, None, true) {
            transforms.insert(text(&job.body, "ModelName"), job);
        }
        Self {
            endpoints,
            schedules,
            transforms,
        }
    }

    /// A model as it is searched for.
    pub(super) fn around(&self, model: Value) -> Value {
        let name = text(&model, "ModelName").to_owned();
        let served = self.endpoints.get(&*name).into_iter().flatten();
        let watching = served.clone().flat_map(|endpoint| {
            let name = text(&endpoint.body, "EndpointName");
            self.schedules.get(name).into_iter().flatten()
        });
        let endpoints: Vec<_> = served.map(|record| some(record, ENDPOINT)).collect();
        let schedules: Vec<_> = watching.map(|record| some(record, SCHEDULE)).collect();
        let mut shown = json!({
            "Model": model, "Endpoints": endpoints, "MonitoringSchedules": schedules,
        });
        if let Some(job) = self.transforms.get(&*name) {
            shown["LastBatchTransformJob"] = job.body.clone();
        }
        shown
    }
}

/// Some members of a record.
fn some(record: &Record, members: &[&str]) -> Value {
    let found = members.iter().filter_map(|member| {
        let value = record.body.get(member)?;
        Some(((*member).to_owned(), value.clone()))
    });
    Value::Object(found.collect::<Map<_, _>>())
}
