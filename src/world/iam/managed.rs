//! Policies that several roles may have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Document, Purpose};
use super::{
    Iam, Policy, PolicyVersion, aws, conflict, exists, no_policy, page, path, quota, shown_tags,
    size, tags,
};
use crate::limits::{IAM_POLICIES_MAX, IAM_POLICY_CHARS_MAX};
use crate::world::World;
use crate::world::encode::letters;
use crate::world::request::{Refusal, Reply, Request, epoch};

impl World {
    pub(super) fn create_policy(&mut self, request: &Request<'_>) -> Reply {
        let (scope, name) = (request.scope, request.text("PolicyName"));
        let document = request.text("PolicyDocument");
        check_policy(document)?;
        let (place, path) = (name.to_ascii_lowercase(), path(request));
        let number = self.next();
        let account = self.iam.account_mut(&scope.account);
        if account.policies.contains_key(&place) {
            return Err(exists(format!(
                "A policy called {name} already exists. Duplicate names are not allowed."
            )));
        }
        if account.policies.len() >= IAM_POLICIES_MAX {
            return Err(quota("PoliciesPerAccount", IAM_POLICIES_MAX));
        }
        let version = PolicyVersion {
            document: document.to_owned(),
            created: request.now,
        };
        let id = letters(&format!("policy/{number}"), 17).to_ascii_uppercase();
        let policy = Policy {
            arn: format!(
                "arn:{}:iam::{}:policy{path}{name}",
                scope.partition(),
                scope.account
            ),
            name: name.to_owned(),
            path,
            id: format!("ANPA{id}"),
            description: request.text("Description").to_owned(),
            created: request.now,
            updated: request.now,
            default: 1,
            next: 2,
            versions: BTreeMap::from([(1, version)]),
            tags: tags(request),
        };
        let shown = policy.shown(0);
        account.policies.insert(place, policy);
        Ok(json!({"Policy": shown}))
    }

    pub(super) fn get_policy(&self, request: &Request<'_>) -> Reply {
        let policy = self.policy(request)?;
        let mut shown = policy.shown(self.iam.attachments(&policy.arn));
        shown["Description"] = policy.description.as_str().into();
        if !policy.tags.is_empty() {
            shown["Tags"] = shown_tags(&policy.tags).into();
        }
        Ok(json!({"Policy": shown}))
    }

    /// The account's own policies: there is no list of AWS's.
    pub(super) fn list_policies(&self, request: &Request<'_>) -> Reply {
        let account = self.iam.account(&request.scope.account);
        let (start, of) = (request.text("PathPrefix"), request.text("Scope"));
        let attached = request.get("OnlyAttached") == Some(&Value::Bool(true));
        let policies = account
            .into_iter()
            .flat_map(|account| account.policies.iter());
        let shown = policies
            .filter(|(_, policy)| policy.path.starts_with(start) && of != "AWS")
            .map(|(name, policy)| (name, policy, self.iam.attachments(&policy.arn)))
            .filter(|(_, _, count)| *count > 0 || !attached)
            .map(|(name, policy, count)| (name.clone(), policy.shown(count)));
        page(request, "Policies", shown)
    }

    pub(super) fn delete_shared_policy(&mut self, request: &Request<'_>) -> Reply {
        let policy = self.policy(request)?;
        if self.iam.attachments(&policy.arn) > 0 {
            return Err(conflict("Cannot delete a policy attached to entities."));
        }
        if policy.versions.len() > 1 {
            return Err(conflict(
                "This policy has more than one version. Before you delete a policy, you must \
                 delete the policy's versions. The default version is deleted with the policy.",
            ));
        }
        let place = policy.name.to_ascii_lowercase();
        let account = self.iam.account_mut(&request.scope.account);
        account.policies.remove(&place);
        Ok(json!({}))
    }

    /// The policy that a request names, of the caller's own account.
    pub(super) fn policy(&self, request: &Request<'_>) -> Result<&Policy, Refusal> {
        let arn = request.text("PolicyArn");
        let own = self.iam.policy(arn);
        let own = own.filter(|_| arn.split(':').nth(4) == Some(&request.scope.account));
        own.ok_or_else(|| no_policy(arn))
    }

    /// What the policy of an ARN says: the account's own, or AWS's.
    pub(super) fn policy_text(&self, arn: &str) -> Option<String> {
        match self.iam.policy(arn) {
            Some(policy) => {
                let version = policy.versions.get(&policy.default)?;
                Some(version.document.clone())
            }
            None => aws::document(arn),
        }
    }
}

impl Iam {
    /// How many roles have a policy, or are bounded by it.
    fn attachments(&self, arn: &str) -> usize {
        let roles = self.0.values().flat_map(|account| account.roles.values());
        let has = roles
            .filter(|role| role.attached.contains(arn) || role.boundary.as_deref() == Some(arn));
        has.count()
    }
}

impl Policy {
    fn shown(&self, attachments: usize) -> Value {
        json!({
            "PolicyName": self.name,
            "PolicyId": self.id,
            "Arn": self.arn,
            "Path": self.path,
            "DefaultVersionId": format!("v{}", self.default),
            "AttachmentCount": attachments,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": true,
            "CreateDate": epoch(self.created),
            "UpdateDate": epoch(self.updated),
        })
    }
}

/// Refuses what is no document of a shared policy.
pub(super) fn check_policy(document: &str) -> Result<(), Refusal> {
    Document::read(document, Purpose::Identity)?;
    if size(document) > IAM_POLICY_CHARS_MAX {
        return Err(quota("PolicySize", IAM_POLICY_CHARS_MAX));
    }
    Ok(())
}
