//! The policies that a role has: of its own, and shared with others.

use serde_json::json;

use super::document::{Document, Purpose};
use super::{account_and_name, no_policy, page, quota, quoted, size};
use crate::limits::{IAM_ATTACHED_MAX, IAM_INLINE_CHARS_MAX};
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request};

impl World {
    pub(super) fn put_role_policy(&mut self, request: &Request<'_>) -> Reply {
        let (name, document) = (request.text("PolicyName"), request.text("PolicyDocument"));
        Document::read(document, Purpose::Identity)?;
        let role = self.role_mut(request)?;
        let others = role.inline.iter().filter(|(own, _)| *own != name);
        let others: usize = others.map(|(_, text)| size(text)).sum();
        if others + size(document) > IAM_INLINE_CHARS_MAX {
            let words = format!(
                "Maximum policy size of {IAM_INLINE_CHARS_MAX} bytes exceeded for role {}",
                role.name
            );
            return Err(Refusal::new("LimitExceeded", words));
        }
        role.inline.insert(name.to_owned(), document.to_owned());
        Ok(json!({}))
    }

    pub(super) fn get_role_policy(&self, request: &Request<'_>) -> Reply {
        let (role, name) = (self.role(request)?, request.text("PolicyName"));
        let document = role.inline.get(name).ok_or_else(|| no_inline(name))?;
        Ok(json!({
            "RoleName": role.name,
            "PolicyName": name,
            "PolicyDocument": quoted(document),
        }))
    }

    pub(super) fn list_role_policies(&self, request: &Request<'_>) -> Reply {
        let names = self.role(request)?.inline.keys();
        page(
            request,
            "PolicyNames",
            names.map(|name| (name.clone(), name.as_str().into())),
        )
    }

    pub(super) fn delete_role_policy(&mut self, request: &Request<'_>) -> Reply {
        let name = request.text("PolicyName");
        let removed = self.role_mut(request)?.inline.remove(name);
        removed.ok_or_else(|| no_inline(name))?;
        Ok(json!({}))
    }

    /// Gives a role a policy; one that it has is as good.
    pub(super) fn attach_policy(&mut self, request: &Request<'_>) -> Reply {
        let arn = request.text("PolicyArn");
        self.policy_text(arn).ok_or_else(|| no_policy(arn))?;
        let role = self.role_mut(request)?;
        if !role.attached.contains(arn) && role.attached.len() >= IAM_ATTACHED_MAX {
            return Err(quota("PoliciesPerRole", IAM_ATTACHED_MAX));
        }
        role.attached.insert(arn.to_owned());
        Ok(json!({}))
    }

    pub(super) fn detach_policy(&mut self, request: &Request<'_>) -> Reply {
        let arn = request.text("PolicyArn");
        if !self.role_mut(request)?.attached.remove(arn) {
            let words = format!("Policy {arn} was not found.");
            return Err(Refusal::new("NoSuchEntity", words));
        }
        Ok(json!({}))
    }

    pub(super) fn list_attached(&self, request: &Request<'_>) -> Reply {
        let arns = self.role(request)?.attached.iter();
        let start = format!("policy{}", request.text("PathPrefix"));
        let under = arns.filter(|arn| {
            let own = arn.rsplit(':').next();
            own.is_some_and(|own| own.starts_with(&start))
        });
        let shown = under.map(|arn| {
            let name = account_and_name(arn, "policy").map_or("", |(_, name)| name);
            let item = json!({"PolicyName": name, "PolicyArn": arn});
            (name.to_owned(), item)
        });
        page(request, "AttachedPolicies", shown)
    }
}

fn no_inline(name: &str) -> Refusal {
    let words = format!("The role policy with name {name} cannot be found.");
    Refusal::new("NoSuchEntity", words)
}
