//! What a pass saw of each resource, for people who ask.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::plan::observed::{Look, Observed};
use crate::plan::resolve::{Resolved, resolution};
use crate::resource::desired::{Change, Desired, Origin};
use crate::resource::kind::{Kind, Status};
use crate::resource::kinds::kind;
use crate::resource::owner::COMMIT;

/// One resource as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// Its kind.
    pub kind: &'static str,
    /// Its name; a role or stem where it has none yet.
    pub name: String,
    /// How it is.
    pub status: Presence,
    /// The service's own word for that, such as `Updating`, or why it failed.
    pub detail: Option<String>,
    /// The commit that created it.
    pub commit: Option<String>,
    /// Whether the commit asks for it. What an endpoint still names, for instance, it may not.
    pub declared: bool,
    /// How what runs differs from what is declared.
    pub changes: Vec<Change>,
    /// Where it is declared.
    pub origin: Option<Origin>,
}

/// How a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is there.
    Ready,
    /// The service is at work on it.
    Moving,
    /// It is broken.
    Failed,
    /// It is not there.
    Absent,
    /// Something of that name is there, and is not ours.
    NotOurs,
    /// It was not, or could not be, looked at.
    Unknown,
}

/// One execution of the pipeline as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenRun {
    /// The run digest.
    pub digest: String,
    /// Which attempt.
    pub attempt: Option<u32>,
    /// The service's word.
    pub status: String,
    /// The commit that it was started for.
    pub commit: String,
    /// The package that it made, where that was looked at: its ARN.
    pub package: Option<String>,
}

impl Presence {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Moving => "moving",
            Self::Failed => "failed",
            Self::Absent => "absent",
            Self::NotOurs => "not ours",
            Self::Unknown => "unknown",
        }
    }
}

/// Every resource that was looked at: what is declared in order of creation, then the rest.
pub fn resources(desired: &Desired, observed: &Observed) -> Vec<Seen> {
    let resolution = resolution(desired, observed);
    let mut named = BTreeSet::new();
    let mut all = Vec::new();
    for resource in &desired.resources {
        let (name, presence, changes) = match resolution.resources.get(&resource.key) {
            Some(Resolved::Exists { name, changes, .. }) => (name, None, changes.clone()),
            Some(Resolved::Create { name, .. }) => (name, Some(Presence::Absent), Vec::new()),
            Some(Resolved::Foreign { name }) => (name, Some(Presence::NotOurs), Vec::new()),
            Some(Resolved::Unknown { name }) => (name, Some(Presence::Unknown), Vec::new()),
            Some(Resolved::Stuck { .. }) | None => {
                (&resource.stem, Some(Presence::Unknown), Vec::new())
            }
        };
        named.insert((resource.kind.name, name.clone()));
        let mut seen = look(resource.kind, name, observed.look(resource.kind, name));
        seen.status = presence.unwrap_or(seen.status);
        all.push(Seen {
            declared: true,
            changes,
            origin: resource.origin.clone(),
            ..seen
        });
    }
    let others = observed.looks().filter_map(|(word, name, found)| {
        let undeclared = !named.contains(&(word, name.to_owned())) && *found != Look::Absent;
        undeclared.then(|| Some(look(kind(word)?, name, Some(found))))?
    });
    all.extend(others);
    all
}

fn look(kind: &Kind, name: &str, found: Option<&Look>) -> Seen {
    let (status, detail, commit) = match found {
        None => (Presence::Unknown, None, None),
        Some(Look::Absent) => (Presence::Absent, None, None),
        Some(Look::Unknown(error)) => (Presence::Unknown, Some(error.to_string()), None),
        Some(Look::Present(object)) => {
            let (status, detail) = match (kind.status)(&object.body) {
                Status::Ready => (Presence::Ready, None),
                Status::Moving(word) => (Presence::Moving, Some(word)),
                Status::Deleting => (Presence::Moving, Some("Deleting".to_owned())),
                Status::Failed(reason) => (Presence::Failed, Some(reason)),
            };
            (status, detail, object.tags.get(COMMIT).cloned())
        }
    };
    Seen {
        kind: kind.name,
        name: name.to_owned(),
        status,
        detail,
        commit,
        declared: false,
        changes: Vec::new(),
        origin: None,
    }
}

/// The executions that were looked at, and the one that made the candidate.
pub fn runs(observed: &Observed) -> Vec<SeenRun> {
    let executions = observed.executions.iter().flat_map(|newest| &newest.items);
    let made = observed.candidate.iter().filter_map(|candidate| {
        let released = candidate.released().ok()?;
        Some(SeenRun {
            digest: released.run,
            attempt: None,
            status: "Succeeded".to_owned(),
            commit: released.commit,
            package: Some(released.arn),
        })
    });
    executions.filter_map(run).chain(made).collect()
}

fn run(summary: &Value) -> Option<SeenRun> {
    let name = summary["PipelineExecutionDisplayName"].as_str()?;
    let (digest, attempt) = name.split_once("-a")?;
    let about = summary["PipelineExecutionDescription"].as_str()?;
    let commit = about.strip_prefix("commit ")?.split(' ').next()?;
    Some(SeenRun {
        digest: digest.to_owned(),
        attempt: attempt.parse().ok(),
        status: summary["PipelineExecutionStatus"].as_str()?.to_owned(),
        commit: commit.to_owned(),
        package: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::observed::{Newest, Object};
    use crate::resource::call::OpError;
    use crate::resource::kinds::{ENDPOINT, MODEL};
    use crate::resource::owner::Tags;
    use crate::resource::unit::Unit;

    #[test]
    fn what_is_there_undeclared_is_seen_with_its_commit_and_what_is_gone_is_not() {
        let mut observed = Observed::default();
        let object = Object {
            body: json!({"EndpointName": "churn", "EndpointStatus": "Updating"}),
            tags: Tags::from([(COMMIT.to_owned(), "9f2c".to_owned())]),
        };
        observed.record(&ENDPOINT, "churn", Look::Present(object));
        observed.record(&MODEL, "gone", Look::Absent);
        let error = OpError::refused("DescribeModel", "AccessDeniedException", "no");
        observed.record(&MODEL, "hidden", Look::Unknown(error));
        let desired = Desired::nothing(Unit::environment("churn", "staging"));
        let seen = resources(&desired, &observed);
        let shown: Vec<_> = seen
            .iter()
            .map(|one| (one.name.as_str(), one.status, one.commit.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("churn", Presence::Moving, Some("9f2c")),
                ("hidden", Presence::Unknown, None),
            ]
        );
        assert_eq!(seen[0].detail.as_deref(), Some("Updating"));
    }

    #[test]
    fn a_run_is_known_by_its_name_and_its_commit() {
        let items = vec![
            json!({"PipelineExecutionDisplayName": "00ff-a2",
                   "PipelineExecutionDescription": "commit 1a2b gates 77",
                   "PipelineExecutionStatus": "Failed"}),
            json!({"PipelineExecutionDisplayName": "by hand"}),
        ];
        let mut observed = Observed::default();
        observed.executions = Some(Newest { items, cut: false });
        let [run] = runs(&observed).try_into().unwrap();
        let SeenRun {
            digest,
            attempt,
            status,
            commit,
            ..
        } = run;
        assert_eq!((digest.as_str(), attempt), ("00ff", Some(2)));
        assert_eq!((status.as_str(), commit.as_str()), ("Failed", "1a2b"));
    }
}
