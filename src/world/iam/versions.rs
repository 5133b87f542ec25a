//! Versions of the policies that roles share.

use serde_json::{Value, json};

use super::managed::check_policy;
use super::{Policy, PolicyVersion, conflict, page, quoted};
use crate::limits::IAM_VERSIONS_MAX;
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request, epoch};

impl World {
    pub(super) fn create_policy_version(&mut self, request: &Request<'_>) -> Reply {
        let document = request.text("PolicyDocument");
        check_policy(document)?;
        self.policy(request)?;
        let policy = self.iam.policy_mut(request.text("PolicyArn"))?;
        if policy.versions.len() >= IAM_VERSIONS_MAX {
            let words = format!(
                "A managed policy can have up to {IAM_VERSIONS_MAX} versions. Before you create a \
                 new version, you must delete an existing version."
            );
            return Err(Refusal::new("LimitExceeded", words));
        }
        let number = policy.next;
        policy.next += 1;
        let version = PolicyVersion {
            document: document.to_owned(),
            created: request.now,
        };
        policy.versions.insert(number, version);
        policy.updated = request.now;
        if request.get("SetAsDefault") == Some(&Value::Bool(true)) {
            policy.default = number;
        }
        Ok(json!({"PolicyVersion": policy.version_shown(number)}))
    }

    pub(super) fn get_policy_version(&self, request: &Request<'_>) -> Reply {
        let policy = self.policy(request)?;
        let (number, version) = policy.version(request.text("VersionId"))?;
        let mut shown = policy.version_shown(number);
        shown["Document"] = quoted(&version.document).into();
        Ok(json!({"PolicyVersion": shown}))
    }

    pub(super) fn list_policy_versions(&self, request: &Request<'_>) -> Reply {
        let policy = self.policy(request)?;
        let newest_first = policy.versions.keys().map(|number| {
            let rank = format!("{:010}", u32::MAX - number);
            (rank, policy.version_shown(*number))
        });
        page(request, "Versions", newest_first)
    }

    pub(super) fn delete_policy_version(&mut self, request: &Request<'_>) -> Reply {
        let policy = self.policy(request)?;
        let (number, _) = policy.version(request.text("VersionId"))?;
        if number == policy.default {
            return Err(conflict("Cannot delete the default version of a policy."));
        }
        let policy = self.iam.policy_mut(request.text("PolicyArn"))?;
        policy.versions.remove(&number);
        Ok(json!({}))
    }

    pub(super) fn set_default_version(&mut self, request: &Request<'_>) -> Reply {
        let (number, _) = self.policy(request)?.version(request.text("VersionId"))?;
        let policy = self.iam.policy_mut(request.text("PolicyArn"))?;
        policy.default = number;
        policy.updated = request.now;
        Ok(json!({}))
    }
}

impl Policy {
    /// A version by its id (`v1`).
    fn version(&self, id: &str) -> Result<(u32, &PolicyVersion), Refusal> {
        let number = id.strip_prefix('v').and_then(|number| number.parse().ok());
        let found = number.and_then(|number| Some((number, self.versions.get(&number)?)));
        found.ok_or_else(|| {
            let words = format!(
                "Policy {} version {id} does not exist or is not attachable.",
                self.arn
            );
            Refusal::new("NoSuchEntity", words)
        })
    }

    fn version_shown(&self, number: u32) -> Value {
        json!({
            "VersionId": format!("v{number}"),
            "IsDefaultVersion": number == self.default,
            "CreateDate": self.versions.get(&number).map(|version| epoch(version.created)),
        })
    }
}
