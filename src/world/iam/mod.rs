//! IAM: roles, who may become them, and policies that say what they may do.
//!
//! It is one for an account, whatever the region. Nobody is hindered by a policy here; what policies
//! come to is told to whoever asks ([`simulate`]), and who may become a role is held to
//! ([`trust`]). A role that was never made counts as there, trusting everybody: what names the roles
//! of a real account runs on a laptop unchanged.

mod aws;
mod condition;
mod decide;
mod document;
mod managed;
mod policies;
mod roles;
mod simulate;
#[cfg(test)]
mod tests;
mod trust;
mod versions;
mod wildcard;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::operations::Operation;
use super::request::{Refusal, Reply, Request};
use super::window::{Rank, Window};
use crate::clock::Timestamp;

pub(super) use trust::assume_role;

/// Items of a page.
const PAGE: usize = 100;

/// IAM's operations.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("CreateRole", World::create_role),
    Operation::special("GetRole", |world, request| world.get_role(request)),
    Operation::special("ListRoles", |world, request| world.list_roles(request)),
    Operation::special("UpdateRole", World::update_role),
    Operation::special("UpdateAssumeRolePolicy", World::update_trust),
    Operation::special("DeleteRole", World::delete_role),
    Operation::special("PutRolePermissionsBoundary", World::put_boundary),
    Operation::special("DeleteRolePermissionsBoundary", World::delete_boundary),
    Operation::special("TagRole", World::tag_role),
    Operation::special("UntagRole", World::untag_role),
    Operation::special("ListRoleTags", |world, request| {
        world.list_role_tags(request)
    }),
    Operation::special("PutRolePolicy", World::put_role_policy),
    Operation::special("GetRolePolicy", |world, request| {
        world.get_role_policy(request)
    }),
    Operation::special("ListRolePolicies", |world, request| {
        world.list_role_policies(request)
    }),
    Operation::special("DeleteRolePolicy", World::delete_role_policy),
    Operation::special("AttachRolePolicy", World::attach_policy),
    Operation::special("DetachRolePolicy", World::detach_policy),
    Operation::special("ListAttachedRolePolicies", |world, request| {
        world.list_attached(request)
    }),
    Operation::special("CreatePolicy", World::create_policy),
    Operation::special("GetPolicy", |world, request| world.get_policy(request)),
    Operation::special("ListPolicies", |world, request| {
        world.list_policies(request)
    }),
    Operation::special("DeletePolicy", World::delete_shared_policy),
    Operation::special("CreatePolicyVersion", World::create_policy_version),
    Operation::special("GetPolicyVersion", |world, request| {
        world.get_policy_version(request)
    }),
    Operation::special("ListPolicyVersions", |world, request| {
        world.list_policy_versions(request)
    }),
    Operation::special("DeletePolicyVersion", World::delete_policy_version),
    Operation::special("SetDefaultPolicyVersion", World::set_default_version),
    Operation::special("SimulatePrincipalPolicy", |world, request| {
        world.simulate_principal(request)
    }),
    Operation::special("SimulateCustomPolicy", |_, request| {
        simulate::custom(request)
    }),
];

/// Every account's roles and policies. A clone shares them until one of the two changes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Iam(BTreeMap<String, Arc<Account>>);

/// Roles and policies of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    /// By their names in lower case: case does not tell them apart.
    roles: BTreeMap<String, Role>,
    /// By their names in lower case.
    policies: BTreeMap<String, Policy>,
    /// The names of roles that were deleted, the earliest first.
    gone: VecDeque<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Role {
    name: String,
    path: String,
    id: String,
    arn: String,
    created: Timestamp,
    description: String,
    /// Seconds that a session may last.
    session: u64,
    /// Who may become it, as it was written.
    trust: String,
    /// The ARN of the policy that bounds it.
    boundary: Option<String>,
    tags: BTreeMap<String, String>,
    /// Policies of its own, as they were written, by their names.
    inline: BTreeMap<String, String>,
    /// The ARNs of policies that it shares with others.
    attached: BTreeSet<String>,
}

/// A policy that several roles may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Policy {
    name: String,
    path: String,
    id: String,
    arn: String,
    description: String,
    created: Timestamp,
    updated: Timestamp,
    /// The version that counts.
    default: u32,
    /// The number of the next version.
    next: u32,
    versions: BTreeMap<u32, PolicyVersion>,
    tags: BTreeMap<String, String>,
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PolicyVersion {
    document: String,
    created: Timestamp,
}

impl Iam {
    fn account(&self, account: &str) -> Option<&Account> {
        self.0.get(account).map(|account| &**account)
    }

    fn account_mut(&mut self, account: &str) -> &mut Account {
        Arc::make_mut(self.0.entry(account.to_owned()).or_default())
    }

    fn role(&self, account: &str, name: &str) -> Option<&Role> {
        self.account(account)?.roles.get(&name.to_ascii_lowercase())
    }

    /// Whether a role of that name was deleted and not made again.
    fn is_gone(&self, account: &str, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let account = self.account(account);
        account.is_some_and(|account| account.gone.contains(&name))
    }

    /// A policy of an account by its ARN.
    fn policy(&self, arn: &str) -> Option<&Policy> {
        let (account, name) = account_and_name(arn, "policy")?;
        let policy = self
            .account(account)?
            .policies
            .get(&name.to_ascii_lowercase());
        policy.filter(|policy| policy.arn == arn)
    }

    fn policy_mut(&mut self, arn: &str) -> Result<&mut Policy, Refusal> {
        self.policy(arn).ok_or_else(|| no_policy(arn))?;
        let (account, name) = account_and_name(arn, "policy").ok_or_else(|| no_policy(arn))?;
        let policies = &mut self.account_mut(account).policies;
        policies
            .get_mut(&name.to_ascii_lowercase())
            .ok_or_else(|| no_policy(arn))
    }
}

/// The account and the name without its path of an ARN such as `arn:aws:iam::1:role/path/name`.
fn account_and_name<'a>(arn: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, rest] = parts[..] else {
        return None;
    };
    let (found, path) = rest.split_once('/')?;
    let name = path.rsplit('/').next()?;
    (found == kind && !name.is_empty()).then_some((account, name))
}

fn no_role(name: &str) -> Refusal {
    let words = format!("The role with name {name} cannot be found.");
    Refusal::new("NoSuchEntity", words)
}

fn no_policy(arn: &str) -> Refusal {
    let words = format!("Policy {arn} does not exist or is not attachable.");
    Refusal::new("NoSuchEntity", words)
}

fn exists(words: impl Into<String>) -> Refusal {
    Refusal::new("EntityAlreadyExists", words)
}

fn conflict(words: &str) -> Refusal {
    Refusal::new("DeleteConflict", words)
}

/// The refusal of more than a quota allows.
fn quota(what: &str, most: usize) -> Refusal {
    Refusal::new(
        "LimitExceeded",
        format!("Cannot exceed quota for {what}: {most}"),
    )
}

/// Characters of a document that count.
fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// The path that a request gives, or the usual one.
fn path(request: &Request<'_>) -> String {
    let given = request.text("Path");
    if given.is_empty() { "/" } else { given }.to_owned()
}

/// The tags of a request, by their keys.
fn tags(request: &Request<'_>) -> BTreeMap<String, String> {
    let text = super::request::text;
    let given = request.items("Tags").iter();
    given
        .map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}

fn shown_tags(tags: &BTreeMap<String, String>) -> Vec<Value> {
    let each = tags.iter();
    each.map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// A page of items, each with the name that they are sorted by.
fn page(
    request: &Request<'_>,
    member: &str,
    items: impl Iterator<Item = (String, Value)>,
) -> Reply {
    let items = items.map(|(name, item)| ((Rank::Text(name), 0), item));
    let window = Window::marked(request, PAGE);
    let (page, next) = window
        .and_then(|window| window.whole(items))
        .map_err(|refusal| Refusal::new("ValidationError", refusal.message))?;
    let mut answer = json!({"IsTruncated": next.is_some()});
    answer[member] = page.into();
    if let Some(next) = next {
        answer["Marker"] = next.into();
    }
    Ok(answer)
}

/// A document as IAM shows it: in the form of a part of a URL.
fn quoted(text: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, PLAIN).to_string()
}
