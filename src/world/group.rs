//! Groups of model packages: numbers of versions, and who else may read them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::records::{Key, State};
use super::request::{Refusal, Reply, Request};
use crate::resource::call::Scope;

/// What a group remembers besides its Describe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupState {
    /// The last version number that was given.
    last: u64,
    policy: Option<String>,
}

impl World {
    /// The number of a group's next version. None is used twice, also after the newest version was
    /// deleted.
    pub(super) fn next_version(&mut self, key: &Key) -> u64 {
        self.group_mut(key).map_or(1, |group| {
            group.last += 1;
            group.last
        })
    }

    pub(super) fn put_policy_of_group(&mut self, request: &Request<'_>) -> Reply {
        let policy = request.text("ResourcePolicy").to_owned();
        if serde_json::from_str::<Value>(&policy).is_err() {
            return Err(Refusal::invalid("The resource policy is not valid JSON."));
        }
        let record = self.find(Id::PackageGroup.kind(), request)?;
        let answer = json!({"ModelPackageGroupArn": record.body["ModelPackageGroupArn"]});
        self.set_policy(request, Some(policy));
        Ok(answer)
    }

    pub(super) fn policy_of_group(&self, request: &Request<'_>) -> Reply {
        let kind = Id::PackageGroup.kind();
        let record = self.find(kind, request)?;
        let policy = match &record.state {
            State::Group(group) => group.policy.as_ref(),
            _ => None,
        };
        let policy = policy.ok_or_else(|| no_policy(&kind.arn(&record.scope, &record.name)))?;
        Ok(json!({"ResourcePolicy": policy}))
    }

    pub(super) fn delete_policy_of_group(&mut self, request: &Request<'_>) -> Reply {
        self.policy_of_group(request)?;
        self.set_policy(request, None);
        Ok(json!({}))
    }

    fn set_policy(&mut self, request: &Request<'_>, policy: Option<String>) {
        let name = request.text("ModelPackageGroupName");
        let key = self.key(Id::PackageGroup.kind(), request.scope, name);
        if let Some(group) = self.group_mut(&key) {
            group.policy = policy;
        }
    }

    fn group_mut(&mut self, key: &Key) -> Option<&mut GroupState> {
        let state = &mut self.records.get_mut(key)?.state;
        if *state == State::Plain {
            *state = State::Group(GroupState::default());
        }
        match state {
            State::Group(group) => Some(group),
            _ => None,
        }
    }

    pub(super) fn delete_group(&mut self, request: &Request<'_>) -> Reply {
        let kind = Id::PackageGroup.kind();
        let group = request.text("ModelPackageGroupName");
        let start = self.group_name(request.scope, group)?;
        let mut versions = self.records.under(Id::Package, request.scope, &start);
        if versions.next().is_some() {
            return Err(Refusal::new(
                "ConflictException",
                format!(
                    "Model Package Group {} cannot be deleted while it contains model packages.",
                    kind.arn(request.scope, group)
                ),
            ));
        }
        drop(versions);
        self.delete(kind, request)
    }

    /// `<group>/` in lower case, of a group that exists.
    pub(super) fn group_name(&self, scope: &Scope, group: &str) -> Result<String, Refusal> {
        let kind = Id::PackageGroup.kind();
        self.records
            .get(&self.key(kind, scope, group))
            .map(|record| format!("{}/", record.name.to_ascii_lowercase()))
            .ok_or_else(|| kind.missing(scope, group))
    }
}

fn no_policy(arn: &str) -> Refusal {
    Refusal::invalid(format!("Cannot find resource policy for {arn}."))
}
