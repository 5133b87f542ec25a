//! Passes as JSON, for programs. The shapes are versioned by their `schema`; members are added to a
//! version, never taken away or changed.

use serde_json::{Value, json};

use super::plan::Counts;
use super::status::{is_in_sync, rows};
use super::words::instant;
use crate::diagnostic::render::array;
use crate::diagnostic::{Diagnostic, any_error};
use crate::execute::pass::UnitPass;
use crate::reconcile::{ModelReport, RepositoryPass};
use crate::snapshot::Write;

/// What a pass would do: `trueup/plan.v1`.
pub fn plan(pass: &RepositoryPass, source: &str) -> Value {
    let counts = Counts::of(pass);
    let mut document = head("trueup/plan.v1", pass, source);
    document["findings"] = findings(&pass.diagnostics);
    document["changes"] = (!counts.is_empty()).into();
    document["summary"] = json!({
        "create": counts.create,
        "start": counts.start,
        "update": counts.update,
        "delete": counts.delete,
        "mark": counts.mark,
        "commits": counts.commits,
    });
    document["models"] = pass.models.iter().map(model).collect();
    document
}

/// What is: `trueup/status.v1`.
pub fn status(pass: &RepositoryPass, source: &str) -> Value {
    let rows = rows(pass);
    let mut document = head("trueup/status.v1", pass, source);
    document["in_sync"] =
        (!any_error(&pass.diagnostics) && rows.iter().all(|row| is_in_sync(row.state))).into();
    document["units"] = rows.iter().map(super::status::Row::json).collect();
    document["findings"] = findings(&super::findings::all(pass));
    document
}

/// What was done: `trueup/apply.v1`. `result` is one of `settled`, `applied`, `held`, `failed`,
/// `unsettled`, `late` and `stopped`.
pub fn apply(pass: &RepositoryPass, source: &str, result: &str) -> Value {
    let mut document = status(pass, source);
    document["schema"] = "trueup/apply.v1".into();
    document["result"] = result.into();
    document
}

/// What every document of a pass begins with.
pub(super) fn head(schema: &str, pass: &RepositoryPass, source: &str) -> Value {
    json!({
        "schema": schema,
        "source": source,
        "branch": pass.branch,
        "commit": pass.commit.to_string(),
        "at": instant(pass.at),
    })
}

fn model(model: &ModelReport) -> Value {
    let units = model.pass.iter().flat_map(|pass| &pass.units);
    let writes = model.pass.iter().flat_map(|pass| &pass.writes);
    json!({
        "name": model.name,
        "folder": model.folder,
        "state": model.state(),
        "findings": findings(&model.diagnostics),
        "defect": model.defect,
        "units": units.map(unit).collect::<Value>(),
        "commits": writes.map(write).collect::<Value>(),
    })
}

fn unit(unit: &UnitPass) -> Value {
    let mut document = unit.plan.json();
    document["state"] = json!(unit.state());
    document["observed_at"] = json!(unit.report.observed_at.map(instant));
    document["notes"] = json!(unit.report.notes);
    document
}

fn write(write: &Write) -> Value {
    let files: Vec<_> = write.files.keys().collect();
    json!({"branch": write.branch, "reason": write.reason, "files": files})
}

fn findings(findings: &[Diagnostic]) -> Value {
    serde_json::from_str(&array(findings)).unwrap_or_default()
}
