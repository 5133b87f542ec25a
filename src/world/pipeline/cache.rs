//! Step caching: what an earlier execution did with the same arguments is not done again.

use serde_json::Value;

use super::definition::Step;
use super::execution::{StepStatus, Taken};
use super::steps::{Started, Within};
use crate::clock::SignedDuration;
use crate::resource::canonical;
use crate::world::World;
use crate::world::kind::Id;
use crate::world::records::{Record, State};
use crate::world::request::{picked, text};

/// Arguments that count, by the type of the step. What lies at an address in S3 does not.
fn counted(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Processing" | "QualityCheck" => &["AppSpecification", "Environment", "ProcessingInputs"],
        "Training" => &[
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ],
        "Tuning" => &[
            "HyperParameterTuningJobConfig",
            "TrainingJobDefinition",
            "TrainingJobDefinitions",
        ],
        "Transform" => &[
            "DataProcessing",
            "Environment",
            "ModelName",
            "TransformInput",
        ],
        _ => return None,
    })
}

/// What a check says besides its arguments, which counts too.
const CHECKED: &[&str] = &[
    "CheckType",
    "FailOnViolation",
    "ModelPackageGroupName",
    "RegisterNewBaseline",
    "SkipCheck",
    "SuppliedBaselineConstraints",
    "SuppliedBaselineStatistics",
];

/// What a resolved step is known by, if it is to be cached.
pub(super) fn signature(kind: &str, body: &Value) -> Option<String> {
    if body["CacheConfig"]["Enabled"] != true {
        return None;
    }
    let mut counted = picked(&body["Arguments"], counted(kind)?);
    if kind == "QualityCheck" {
        counted.extend(picked(body, CHECKED));
    }
    let text = canonical::text(&Value::Object(counted));
    Some(canonical::sha256(text.as_bytes()))
}

impl World {
    /// What the newest step of this name came to that ran with the same arguments, in an execution
    /// of the same pipeline, and not too long ago.
    pub(super) fn cached(
        &self,
        within: Within<'_>,
        step: &Step<'_>,
        signature: &str,
    ) -> Option<Started> {
        let age = duration(text(step.body.get("CacheConfig")?, "ExpireAfter"));
        let start = within.key.place.rsplit('/').nth(2)?;
        let start = format!("{start}/execution/");
        let executions = self.records.under(Id::Execution, within.scope, &start);
        let newest = executions
            .filter_map(|record| {
                let State::Execution(state) = &record.state else {
                    return None;
                };
                let done = state.steps.get(step.name)?;
                let fits = done.status == StepStatus::Succeeded
                    && done.taken.is_none()
                    && done.signature.as_deref() == Some(signature);
                let ended = done.ended.filter(|_| fits)?;
                let fresh = age.is_none_or(|age| self.now.duration_since(ended) <= age);
                fresh.then_some((ended, record, done))
            })
            .max_by_key(|(ended, record, _)| (*ended, record.seq));
        let (_, record, done) = newest?;
        let made = done.made.clone()?;
        self.records.get(&made)?;
        Some(Started {
            made: Some(made),
            metadata: done.metadata.clone(),
            signature: Some(signature.to_owned()),
            taken: Some(Taken::Cached(arn(record))),
            ..Started::new(StepStatus::Succeeded)
        })
    }
}

fn arn(execution: &Record) -> String {
    text(&execution.body, "PipelineExecutionArn").to_owned()
}

/// An ISO 8601 duration, with or without its first letter, whatever the case: `P30D`, `30dT5h`,
/// `T16m`, `5y`. A year has 365 days and a month 30.
pub(super) fn duration(text: &str) -> Option<SignedDuration> {
    const DAY: i64 = 24 * 60 * 60;
    let text = text.to_ascii_uppercase();
    let text = text.strip_prefix('P').unwrap_or(&text);
    let (mut seconds, mut number, mut of_day) = (0_i64, String::new(), false);
    for letter in text.chars() {
        let unit = match (letter, of_day) {
            ('0'..='9', _) => {
                number.push(letter);
                continue;
            }
            ('T', false) if number.is_empty() => {
                of_day = true;
                continue;
            }
            ('Y', false) => 365 * DAY,
            ('M', false) => 30 * DAY,
            ('W', false) => 7 * DAY,
            ('D', false) => DAY,
            ('H', true) => 60 * 60,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        let count: i64 = number.parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        number.clear();
    }
    (!text.is_empty() && number.is_empty()).then(|| SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_both_forms() {
        let check = |text: &str, hours: Option<i64>| {
            let found = duration(text).map(|found| found.as_hours());
            assert_eq!(found, hours, "{text}");
        };
        check("P30D", Some(720));
        check("30d", Some(720));
        check("30dT5h", Some(725));
        check("T120m", Some(2));
        check("PT3600S", Some(1));
        check("5y", Some(5 * 8760));
        check("P1M2W", Some(24 * 44));
        for wrong in ["", "P", "5", "h5", "5h", "T5d", "1TD", "-1D"] {
            check(wrong, None);
        }
    }
}
