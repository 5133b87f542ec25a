//! Roles: made, shown, changed and deleted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::document::{Document, Purpose};
use super::{
    Role, conflict, exists, no_policy, no_role, page, path, quota, quoted, shown_tags, size, tags,
};
use crate::clock::Timestamp;
use crate::limits::{IAM_ROLES_MAX, IAM_TAGS_MAX, IAM_TRUST_CHARS_MAX};
use crate::world::World;
use crate::world::encode::letters;
use crate::world::request::{Refusal, Reply, Request, epoch};

/// Seconds that a session lasts at most where a role does not say.
const SESSION: u64 = 3600;

impl World {
    pub(super) fn create_role(&mut self, request: &Request<'_>) -> Reply {
        let (scope, name) = (request.scope, request.text("RoleName"));
        let trust = request.text("AssumeRolePolicyDocument");
        check_trust(trust)?;
        if self.iam.role(&scope.account, name).is_some() {
            return Err(exists(format!("Role with name {name} already exists.")));
        }
        let count = self
            .iam
            .account(&scope.account)
            .map_or(0, |all| all.roles.len());
        if count >= IAM_ROLES_MAX {
            return Err(quota("RolesPerAccount", IAM_ROLES_MAX));
        }
        let boundary = Some(request.text("PermissionsBoundary").to_owned());
        let boundary = boundary.filter(|arn| !arn.is_empty());
        if let Some(arn) = &boundary {
            self.policy_text(arn).ok_or_else(|| no_policy(arn))?;
        }
        let tags = tags(request);
        if tags.len() > IAM_TAGS_MAX {
            return Err(quota("TagsPerRole", IAM_TAGS_MAX));
        }
        let (path, number) = (path(request), self.next());
        let id = letters(&format!("role/{number}"), 17).to_ascii_uppercase();
        let role = Role {
            arn: format!(
                "arn:{}:iam::{}:role{path}{name}",
                scope.partition(),
                scope.account
            ),
            name: name.to_owned(),
            path,
            id: format!("AROA{id}"),
            created: request.now,
            description: request.text("Description").to_owned(),
            session: session(request).unwrap_or(SESSION),
            trust: trust.to_owned(),
            boundary,
            tags,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
        };
        let shown = role.shown();
        let account = self.iam.account_mut(&scope.account);
        let place = name.to_ascii_lowercase();
        account.gone.retain(|gone| *gone != place);
        account.roles.insert(place, role);
        Ok(json!({"Role": shown}))
    }

    /// A role as it is; one that was never made as one that trusts SageMaker.
    pub(super) fn get_role(&self, request: &Request<'_>) -> Reply {
        let name = request.text("RoleName");
        let account = &request.scope.account;
        if let Some(role) = self.iam.role(account, name) {
            return Ok(json!({"Role": role.shown()}));
        }
        if self.knows_no(account, name) {
            return Err(no_role(name));
        }
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }]});
        Ok(json!({"Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROALOCAL00000000",
            "Arn": format!("arn:{}:iam::{account}:role/{name}", request.scope.partition()),
            "CreateDate": epoch(Timestamp::UNIX_EPOCH),
            "AssumeRolePolicyDocument": quoted(&trust.to_string()),
        }}))
    }

    /// Whether a role that is not kept counts as one that there is not.
    pub(super) fn knows_no(&self, account: &str, name: &str) -> bool {
        self.settings.known_roles_only || self.iam.is_gone(account, name)
    }

    pub(super) fn list_roles(&self, request: &Request<'_>) -> Reply {
        let account = self.iam.account(&request.scope.account);
        let start = request.text("PathPrefix");
        let roles = account.into_iter().flat_map(|account| account.roles.iter());
        let roles = roles.filter(|(_, role)| role.path.starts_with(start));
        page(
            request,
            "Roles",
            roles.map(|(name, role)| (name.clone(), role.listed())),
        )
    }

    pub(super) fn update_role(&mut self, request: &Request<'_>) -> Reply {
        let role = self.role_mut(request)?;
        if let Some(description) = request.get("Description").and_then(Value::as_str) {
            description.clone_into(&mut role.description);
        }
        role.session = session(request).unwrap_or(role.session);
        Ok(json!({}))
    }

    pub(super) fn update_trust(&mut self, request: &Request<'_>) -> Reply {
        let trust = request.text("PolicyDocument");
        check_trust(trust)?;
        trust.clone_into(&mut self.role_mut(request)?.trust);
        Ok(json!({}))
    }

    pub(super) fn delete_role(&mut self, request: &Request<'_>) -> Reply {
        let role = self.role_mut(request)?;
        if !role.attached.is_empty() {
            return Err(conflict(
                "Cannot delete entity, must detach all policies first.",
            ));
        }
        if !role.inline.is_empty() {
            return Err(conflict(
                "Cannot delete entity, must delete policies first.",
            ));
        }
        let place = request.text("RoleName").to_ascii_lowercase();
        let account = self.iam.account_mut(&request.scope.account);
        account.roles.remove(&place);
        account.gone.push_back(place);
        if account.gone.len() > IAM_ROLES_MAX {
            account.gone.pop_front();
        }
        Ok(json!({}))
    }

    pub(super) fn put_boundary(&mut self, request: &Request<'_>) -> Reply {
        let arn = request.text("PermissionsBoundary");
        self.policy_text(arn).ok_or_else(|| no_policy(arn))?;
        self.role_mut(request)?.boundary = Some(arn.to_owned());
        Ok(json!({}))
    }

    pub(super) fn delete_boundary(&mut self, request: &Request<'_>) -> Reply {
        self.role_mut(request)?.boundary = None;
        Ok(json!({}))
    }

    pub(super) fn tag_role(&mut self, request: &Request<'_>) -> Reply {
        let role = self.role_mut(request)?;
        let mut all = role.tags.clone();
        all.extend(tags(request));
        if all.len() > IAM_TAGS_MAX {
            return Err(quota("TagsPerRole", IAM_TAGS_MAX));
        }
        role.tags = all;
        Ok(json!({}))
    }

    pub(super) fn untag_role(&mut self, request: &Request<'_>) -> Reply {
        let role = self.role_mut(request)?;
        for key in request.items("TagKeys").iter().filter_map(Value::as_str) {
            role.tags.remove(key);
        }
        Ok(json!({}))
    }

    pub(super) fn list_role_tags(&self, request: &Request<'_>) -> Reply {
        let tags = &self.role(request)?.tags;
        let items = tags.keys().cloned().zip(shown_tags(tags));
        page(request, "Tags", items)
    }

    /// The role that a request names, if it was made.
    pub(super) fn role(&self, request: &Request<'_>) -> Result<&Role, Refusal> {
        let name = request.text("RoleName");
        let role = self.iam.role(&request.scope.account, name);
        role.ok_or_else(|| no_role(name))
    }

    pub(super) fn role_mut(&mut self, request: &Request<'_>) -> Result<&mut Role, Refusal> {
        self.role(request)?;
        let name = request.text("RoleName");
        let account = self.iam.account_mut(&request.scope.account);
        let role = account.roles.get_mut(&name.to_ascii_lowercase());
        role.ok_or_else(|| no_role(name))
    }
}

impl Role {
    /// What a list shows.
    fn listed(&self) -> Value {
        json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": epoch(self.created),
            "AssumeRolePolicyDocument": quoted(&self.trust),
            "Description": self.description,
            "MaxSessionDuration": self.session,
        })
    }

    fn shown(&self) -> Value {
        let mut shown = self.listed();
        if let Some(arn) = &self.boundary {
            shown["PermissionsBoundary"] =
                json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
        }
        if !self.tags.is_empty() {
            shown["Tags"] = shown_tags(&self.tags).into();
        }
        shown
    }
}

fn session(request: &Request<'_>) -> Option<u64> {
    request.get("MaxSessionDuration").and_then(Value::as_u64)
}

fn check_trust(document: &str) -> Result<(), Refusal> {
    Document::read(document, Purpose::Trust)?;
    if size(document) > IAM_TRUST_CHARS_MAX {
        return Err(quota("ACLSizePerRole", IAM_TRUST_CHARS_MAX));
    }
    Ok(())
}
