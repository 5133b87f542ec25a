//! Quality checks: a processing job with the monitors' analyzer, whose baseline is held against an
//! earlier one.

use serde_json::{Map, Value, json};

use super::definition::{Definition, Step};
use super::execution::StepStatus;
use super::steps::{Started, Within};
use crate::world::World;
use crate::world::kind::Id;
use crate::world::objects::split_uri;
use crate::world::records::Key;
use crate::world::request::{items, text};

/// Where the analyzer finds the earlier baseline.
const BASELINE: &str = "/opt/ml/processing/baseline";
/// Files of a baseline: what an earlier one is called in a step, the variable that names it to the
/// analyzer, and its file.
const FILES: [(&str, &str, &str); 2] = [
    ("Statistics", "baseline_statistics", "statistics.json"),
    ("Constraints", "baseline_constraints", "constraints.json"),
];
const VIOLATIONS: &str = "constraint_violations.json";

impl World {
    /// Starts the job of a check.
    pub(super) fn start_check(
        &mut self,
        within: Within<'_>,
        step: &Step<'_>,
        body: &Value,
        mut arguments: Value,
    ) -> Started {
        let kind = text(body, "CheckType");
        let (skips, registers) = (
            body["SkipCheck"] == true,
            body["RegisterNewBaseline"] == true,
        );
        let output = arguments
            .pointer("/ProcessingOutputConfig/Outputs/0/S3Output/S3Uri")
            .and_then(Value::as_str);
        let Some(output) = output.map(|uri| uri.trim_end_matches('/').to_owned()) else {
            return Started::failed("ClientError: the check has no output in S3");
        };
        let mut facts = Map::new();
        for member in ["CheckType", "ModelPackageGroupName"] {
            facts.insert(member.to_owned(), body[member].clone());
        }
        facts.insert("SkipCheck".to_owned(), json!(skips));
        facts.insert("RegisterNewBaseline".to_owned(), json!(registers));
        for (what, variable, file) in FILES {
            let calculated = format!("{output}/{file}");
            facts.insert(format!("CalculatedBaseline{what}"), json!(calculated));
            let earlier = self.earlier(within, body, what);
            if earlier.is_none() && !(skips && registers) {
                return Started::failed(&format!(
                    "ClientError: there is no earlier baseline of {kind} to use: neither \
                     SuppliedBaseline{what} nor the newest approved package of {} names one",
                    body["ModelPackageGroupName"]
                ));
            }
            if let Some(earlier) = earlier.as_ref().filter(|_| !skips) {
                give(&mut arguments, variable, file, earlier);
            }
            let used = if registers { Some(calculated) } else { earlier };
            facts.insert(format!("BaselineUsedForDriftCheck{what}"), json!(used));
        }
        facts.retain(|_, value| !value.is_null());
        match self.launch_for(within, step, Id::ProcessingJob, arguments) {
            Err(reason) => Started::failed(&reason),
            Ok((key, arn)) => {
                facts.insert("CheckJobArn".to_owned(), arn);
                let metadata = json!({"QualityCheck": facts});
                Started::made(key, metadata, StepStatus::Executing)
            }
        }
    }

    /// The baseline before: the one that the step is given, or the newest approved package's.
    fn earlier(&self, within: Within<'_>, body: &Value, what: &str) -> Option<String> {
        if let Some(given) = body[format!("SuppliedBaseline{what}")].as_str() {
            return Some(given.to_owned());
        }
        let group = text(body, "ModelPackageGroupName").to_ascii_lowercase();
        let versions = format!("{group}/");
        let packages = self.records.under(Id::Package, within.scope, &versions);
        let approved = packages.filter(|record| record.body["ModelApprovalStatus"] == "Approved");
        let newest = approved.max_by_key(|record| record.seq)?;
        let member = match text(body, "CheckType") {
            "MODEL_QUALITY" => "ModelQuality",
            _ => "ModelDataQuality",
        };
        let uri = &newest.body["DriftCheckBaselines"][member][what]["S3Uri"];
        uri.as_str().map(str::to_owned)
    }

    /// What the violations of a check whose job has ended well make of its step: a reason to fail.
    pub(super) fn violated(&mut self, key: &Key, name: &str) -> Option<String> {
        let state = self.execution_mut(key)?;
        let document = std::sync::Arc::clone(&state.document);
        let facts = state.steps.get_mut(name)?.metadata.as_mut()?;
        let facts = facts.get_mut("QualityCheck")?;
        if facts["SkipCheck"] == true {
            return None;
        }
        let calculated = text(facts, "CalculatedBaselineConstraints");
        let folder = calculated.rsplit_once('/').map_or("", |(folder, _)| folder);
        let report = format!("{folder}/{VIOLATIONS}");
        let (bucket, file) = split_uri(&report)?;
        let object = self.objects.head(bucket, file)?;
        // A report that is too long to be kept at hand names violations.
        let found = object.inline.as_deref().map_or(usize::MAX, |bytes| {
            let report: Value = serde_json::from_slice(bytes).unwrap_or_default();
            items(&report, "violations").len()
        });
        if found == 0 {
            return None;
        }
        let facts = self
            .execution_mut(key)?
            .steps
            .get_mut(name)?
            .metadata
            .as_mut();
        facts?["QualityCheck"]["ViolationReport"] = json!(report);
        let definition = Definition::read(&document).ok()?;
        let snapshot = self.snapshot(key)?.1;
        let fails = definition.step(name)?.body.get("FailOnViolation");
        let fails = fails.is_none_or(|fails| {
            let fails = self.around(&snapshot, &definition, |around| around.resolve(fails));
            fails != Ok(Value::Bool(false))
        });
        fails.then(|| format!("ClientError: the baseline before is violated: see {report}"))
    }
}

/// Gives the job a file of the baseline before.
fn give(arguments: &mut Value, variable: &str, file: &str, uri: &str) {
    let folder = format!("{BASELINE}/{variable}");
    let input = json!({
        "InputName": variable,
        "S3Input": {
            "S3Uri": uri, "LocalPath": folder, "S3DataType": "S3Prefix", "S3InputMode": "File",
        },
    });
    match arguments["ProcessingInputs"].as_array_mut() {
        Some(inputs) => inputs.push(input),
        None => arguments["ProcessingInputs"] = json!([input]),
    }
    // The file keeps the name that it has in S3.
    let name = uri.rsplit('/').next().unwrap_or(file);
    arguments["Environment"][variable] = json!(format!("{folder}/{name}"));
}
