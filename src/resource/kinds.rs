//! The list of kinds.

use super::kind::Kind;

pub use super::alarm::ALARM;
pub use super::code_object::CODE_OBJECT;
pub use super::data_quality_job_definition::DATA_QUALITY_JOB_DEFINITION;
pub use super::endpoint::ENDPOINT;
pub use super::endpoint_config::ENDPOINT_CONFIG;
pub use super::model::MODEL;
pub use super::model_package::MODEL_PACKAGE;
pub use super::model_package_group::MODEL_PACKAGE_GROUP;
pub use super::monitoring_schedule::MONITORING_SCHEDULE;
pub use super::pipeline::PIPELINE;
pub use super::pipeline_execution::PIPELINE_EXECUTION;
pub use super::scalable_target::SCALABLE_TARGET;
pub use super::scaling_policy::SCALING_POLICY;
pub use super::subscription::SUBSCRIPTION;
pub use super::topic::TOPIC;

/// Every kind, in order of creation.
pub static KINDS: [&Kind; 15] = [
    &CODE_OBJECT,
    &TOPIC,
    &SUBSCRIPTION,
    &MODEL_PACKAGE_GROUP,
    &PIPELINE,
    &PIPELINE_EXECUTION,
    &MODEL_PACKAGE,
    &MODEL,
    &ENDPOINT_CONFIG,
    &ALARM,
    &ENDPOINT,
    &SCALABLE_TARGET,
    &SCALING_POLICY,
    &DATA_QUALITY_JOB_DEFINITION,
    &MONITORING_SCHEDULE,
];

/// The kind of a name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_order_of_the_list() {
        assert!(KINDS.windows(2).all(|pair| pair[0].rank < pair[1].rank));
    }

    #[test]
    fn every_reference_names_a_kind_created_earlier() {
        for one in KINDS {
            for (path, target) in one.references() {
                let target = kind(target).unwrap_or_else(|| panic!("{one:?} {path} names no kind"));
                assert!(target.rank < one.rank, "{one:?} {path}");
            }
        }
    }
}
