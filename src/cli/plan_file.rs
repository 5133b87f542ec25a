//! Plans in files: what people read, approve, and have carried out to the letter.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::CommandError;
use super::render::words::{instant, many};
use crate::clock::floor_to_minute;
use crate::execute::pass::UnitPass;
use crate::limits::PLAN_FILE_BYTES_MAX;
use crate::plan::approval::{Approved, ApprovedStep, deed, digest_of, digest_of_write};
use crate::plan::report::State;
use crate::reconcile::{Approval, RepositoryPass};
use crate::resource::canonical::digest;
use crate::resource::unit::Unit;
use crate::snapshot::Write;

/// What the file calls itself.
const SCHEMA: &str = "trueup/plan-file.v1";

/// What of a plan file binds.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PlanFile {
    /// The repository, without credentials and branch.
    pub(super) source: String,
    /// The branch that decides.
    pub(super) branch: String,
    /// Its newest commit then.
    pub(super) commit: String,
    /// Where AWS was looked for; absent: at its own addresses.
    pub(super) endpoint_url: Option<String>,
    /// The plans.
    pub(super) units: Vec<PlannedUnit>,
    commits: Vec<PlannedCommit>,
}

/// One unit of a plan file.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PlannedUnit {
    model: String,
    environment: String,
    digest: String,
    steps: Vec<PlannedStep>,
}

#[derive(Debug, Clone, Deserialize)]
struct PlannedStep {
    title: String,
    digest: String,
    does: Value,
}

#[derive(Debug, Clone, Deserialize)]
struct PlannedCommit {
    digest: String,
    reason: String,
    does: Write,
}

/// Where a plan comes from.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Place<'a> {
    /// The repository, without credentials and branch.
    pub(super) source: &'a str,
    /// Where AWS was looked for; `None`: at its own addresses.
    pub(super) endpoint_url: Option<&'a str>,
}

/// What `plan` came to, to be written to a file. What could not be seen is not in it.
pub(super) fn document(pass: &RepositoryPass, place: Place<'_>) -> String {
    let units = planned(pass).map(unit);
    let mut document = json!({
        "schema": SCHEMA,
        "source": place.source,
        "branch": pass.branch,
        "commit": pass.commit.to_string(),
        "at": instant(floor_to_minute(pass.at)),
        "endpoint_url": place.endpoint_url,
        "units": units.collect::<Value>(),
        "commits": super::render::plan::writes(pass).map(commit).collect::<Value>(),
    });
    document["digest"] = digest(&as_read(&document.to_string())).into();
    format!("{document:#}\n")
}

fn planned(pass: &RepositoryPass) -> impl Iterator<Item = &UnitPass> {
    let seen = |unit: &&UnitPass| unit.state() != State::Unknown;
    pass.units().map(|(_, unit)| unit).filter(seen)
}

/// What a plan file holds, in one line.
pub(super) fn summary(pass: &RepositoryPass) -> String {
    let steps = planned(pass).map(|unit| unit.plan.steps.len()).sum();
    let commits = super::render::plan::writes(pass).count();
    format!(
        "{} in {} and {}",
        many(steps, "step"),
        many(planned(pass).count(), "unit"),
        many(commits, "commit")
    )
}

fn unit(unit: &UnitPass) -> Value {
    let approved = Approved::of(&unit.plan);
    let steps = unit.plan.steps.iter().zip(&approved.steps);
    let steps = steps.map(|(step, approved)| {
        json!({
            "title": approved.title,
            "digest": approved.digest,
            "changes": step.changes,
            "reason": step.reason,
            "does": deed(step),
        })
    });
    json!({
        "model": unit.plan.unit.model,
        "environment": unit.plan.unit.place,
        "scope": unit.plan.scope.to_string(),
        "digest": approved.digest,
        "state": unit.state(),
        "notes": unit.report.notes,
        "steps": steps.collect::<Value>(),
    })
}

fn commit(write: &Write) -> Value {
    json!({"digest": digest_of_write(write), "reason": write.reason, "does": write})
}

/// JSON as somebody else reads it; see [`crate::plan::approval`].
fn as_read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON that was just written can be read")
}

/// Writes a plan file.
pub(super) fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    fs::write(file, text).map_err(|error| {
        CommandError::new(&error).context(format!("could not write `{}`", file.display()))
    })
}

impl PlanFile {
    /// Reads a plan file. Anything else, and one that is not as it was written, is a matter of usage.
    pub(super) fn read(file: &Path) -> Result<Self, CommandError> {
        let shown = file.display();
        let mut text = String::new();
        let opened = File::open(file).and_then(|opened| {
            opened
                .take(PLAN_FILE_BYTES_MAX + 1)
                .read_to_string(&mut text)
        });
        opened
            .map_err(|error| CommandError::usage(format!("could not read `{shown}`: {error}")))?;
        Self::parse(&text).map_err(|why| {
            CommandError::usage(format!("`{shown}` is no plan that can be applied: {why}"))
                .help("make one with `trueup plan --out FILE`, and do not edit it")
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() as u64 > PLAN_FILE_BYTES_MAX {
            return Err(format!("it has more than {PLAN_FILE_BYTES_MAX} bytes"));
        }
        let mut document: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        if document["schema"] != SCHEMA {
            return Err(format!(
                "its schema is {}, not \"{SCHEMA}\"",
                document["schema"]
            ));
        }
        let sum = document.as_object_mut().and_then(|it| it.remove("digest"));
        if sum != Some(digest(&document).into()) {
            return Err("it is not as it was written: its digest differs".to_owned());
        }
        let file: Self = serde_json::from_value(document).map_err(|error| error.to_string())?;
        file.check()?;
        Ok(file)
    }

    /// What is shown must be what is approved.
    fn check(&self) -> Result<(), String> {
        for unit in &self.units {
            let steps = unit.steps.iter();
            let edited = steps.clone().find(|step| digest(&step.does) != step.digest);
            if let Some(step) = edited {
                return Err(format!(
                    "the digest of `{}` is not that of its call",
                    step.title
                ));
            }
            if digest_of(steps.map(|step| step.digest.as_str())) != unit.digest {
                return Err(format!(
                    "the digest of `{}` is not that of its steps",
                    unit.unit()
                ));
            }
        }
        let commits = self.commits.iter();
        match commits
            .clone()
            .find(|one| digest_of_write(&one.does) != one.digest)
        {
            Some(one) => Err(format!(
                "the digest of `{}` is not that of its files",
                one.reason
            )),
            None => Ok(()),
        }
    }

    /// What may be done.
    pub(super) fn approval(&self) -> Approval {
        let units = self.units.iter();
        Approval {
            units: units
                .map(|unit| (unit.unit(), unit.approved()))
                .collect::<BTreeMap<_, _>>(),
            writes: self
                .commits
                .iter()
                .map(|commit| commit.digest.clone())
                .collect(),
        }
    }

    /// Why each approved commit is made, by its digest.
    pub(super) fn commits(&self) -> impl Iterator<Item = (&str, &str)> {
        let commits = self.commits.iter();
        commits.map(|commit| (commit.digest.as_str(), commit.reason.as_str()))
    }
}

impl PlannedUnit {
    /// Which one.
    pub(super) fn unit(&self) -> Unit {
        Unit {
            model: self.model.clone(),
            place: self.environment.clone(),
        }
    }

    fn approved(&self) -> Approved {
        let steps = self.steps.iter();
        Approved {
            digest: self.digest.clone(),
            steps: steps
                .map(|step| ApprovedStep {
                    title: step.title.clone(),
                    digest: step.digest.clone(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;

    const PLACE: Place<'_> = Place {
        source: "/srv/models.git",
        endpoint_url: None,
    };

    /// Edits a plan file; what is said about it.
    fn check(edit: impl Fn(&mut Value), sign: bool) -> String {
        let mut edited = as_read(&document(&sample::changing(), PLACE));
        edit(&mut edited);
        if sign {
            edited.as_object_mut().unwrap().remove("digest");
            edited["digest"] = digest(&edited).into();
        }
        PlanFile::parse(&edited.to_string()).unwrap_err()
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let pass = sample::changing();
        let file = PlanFile::parse(&document(&pass, PLACE)).unwrap();
        assert_eq!(file.units.len(), 3);
        assert_eq!(file.branch, "main");
        let approval = file.approval();
        for (_, unit) in pass.units() {
            assert_eq!(approval.units[&unit.plan.unit].differs(&unit.plan), None);
        }
        assert_eq!(approval.writes.len(), 1);
        assert_eq!(summary(&pass), "4 steps in 3 units and 1 commit");
    }

    #[test]
    fn what_could_not_be_seen_is_not_approved() {
        let file = PlanFile::parse(&document(&sample::unknown(), PLACE)).unwrap();
        assert!(file.units.is_empty());
    }

    #[test]
    fn an_edited_plan_is_none() {
        let commit = |file: &mut Value| file["commit"] = "0".repeat(40).into();
        assert_eq!(
            check(commit, false),
            "it is not as it was written: its digest differs"
        );
        let call = |file: &mut Value| file["units"][0]["steps"][0]["does"]["call"] = "X".into();
        assert_eq!(
            check(call, true),
            "the digest of `start PipelineExecution 0123abcd` is not that of its call"
        );
        let step = |file: &mut Value| drop(file["units"][1]["steps"].as_array_mut().unwrap().pop());
        assert_eq!(
            check(step, true),
            "the digest of `churn/staging` is not that of its steps"
        );
        let text = |file: &mut Value| {
            file["commits"][0]["does"]["files"]["models/churn/releases/staging.yaml"] = "x".into();
        };
        assert_eq!(
            check(text, true),
            "the digest of `release(churn): staging serves version 3` is not that of its files"
        );
        let foreign = |file: &mut Value| file["schema"] = "trueup/plan.v1".into();
        assert_eq!(
            check(foreign, true),
            "its schema is \"trueup/plan.v1\", not \"trueup/plan-file.v1\""
        );
        assert!(
            PlanFile::parse("{")
                .unwrap_err()
                .starts_with("it is not JSON")
        );
    }
}
