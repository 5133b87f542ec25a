//! The typed `trueup.yaml` of a repository.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::LintSettings;
use crate::limits::{ROBOTS_MAX, TURNS_MIN, TURNS_PERCENT, UNCONFIRMED_PERCENT};
use crate::resource::call::Scope;
use crate::resource::lifecycle::Drift;

/// What a whole repository shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field is the file's key")]
pub struct Installation {
    /// Major version of the format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Who owns what is created: the first part of every owner tag.
    #[schemars(extend("pattern" = r"^[a-z0-9](-?[a-z0-9])*$",
        "x-expected" = "lower-case letters, digits and single hyphens between them"))]
    #[schemars(length(max = 63))]
    pub installation: String,
    /// What is observed, `<account>/<region>` each.
    #[schemars(length(min = 1, max = 1000), extend("items" = {
        "type": "string",
        "pattern": "^[0-9]{12}/[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        "x-expected": "an account and a region, such as `111122223333/eu-west-1`",
    }))]
    pub scopes: Vec<String>,
    /// Where the models' files are.
    #[serde(default = "default_models")]
    pub models: String,
    /// Accounts by id.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
    /// What is done about a branch that no longer contains the commit in force.
    #[serde(default)]
    pub history: History,
    /// Whose commits are acted on.
    #[serde(default)]
    pub commits: Commits,
    /// What is done about a change that no commit made, where a model does not say otherwise.
    #[serde(default)]
    pub drift: Drift,
    /// How strict the linter is.
    #[serde(default)]
    pub lint: LintSettings,
    /// How much of an account a change may reach at once.
    #[serde(default)]
    pub turns: Turns,
    /// Changes that are meant, though they reach more of production than an unconfirmed one may: the
    /// first 12 digits of the commit that trueup names.
    #[serde(default)]
    #[schemars(length(max = 100), extend("items" = {
        "type": "string",
        "pattern": "^[0-9a-f]{12}$",
        "x-expected": "the 12 digits that trueup names",
    }))]
    pub confirm_rollouts: Vec<String>,
    /// Removals that are meant, though they take down more than one commit may: the digests that
    /// trueup names.
    #[serde(default)]
    #[schemars(length(max = 100), extend("items" = {
        "type": "string",
        "pattern": "^[0-9a-f]{12}$",
        "x-expected": "the 12 digits that trueup names",
    }))]
    pub confirm_removals: Vec<String>,
}

/// How many of an account's endpoints roll, and how many of its pipelines run, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turns {
    /// So many, where there are few.
    #[serde(default = "default_turns")]
    #[schemars(range(min = 1, max = 1000))]
    pub min: usize,
    /// So many in a hundred, where there are many.
    #[serde(default = "default_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: usize,
    /// So many in a hundred of the production endpoints are rolled by one change before it is
    /// confirmed; `min` of them in any case.
    #[serde(default = "default_unconfirmed")]
    #[schemars(range(min = 1, max = 100))]
    pub unconfirmed: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            min: TURNS_MIN,
            percent: TURNS_PERCENT,
            unconfirmed: UNCONFIRMED_PERCENT,
        }
    }
}

fn default_turns() -> usize {
    TURNS_MIN
}

fn default_percent() -> usize {
    TURNS_PERCENT
}

fn default_unconfirmed() -> usize {
    UNCONFIRMED_PERCENT
}

/// What is done about a branch that no longer contains the commit in force: its history was rewritten,
/// or a server that lags behind tells where it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// The commit stays in force until the branch contains it again.
    #[default]
    Hold,
    /// The branch decides, wherever it is.
    Follow,
}

/// Whose commits are acted on. What the commit in force says counts, never what the new one says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commits {
    /// Which commits must be signed by a key of the list.
    #[serde(default)]
    pub verify: Verify,
    /// The list of keys, in the form of OpenSSH's `allowed_signers`: a path from the repository's root.
    #[serde(default = "default_signers")]
    #[schemars(length(min = 1, max = 1024))]
    pub allowed_signers: String,
    /// Who of that list is a program: its commits may change nothing but what trueup writes, which are
    /// the models' releases and what they quarantine.
    #[serde(default)]
    #[schemars(length(max = ROBOTS_MAX), inner(length(min = 1, max = 256)))]
    pub robots: Vec<String>,
    /// The public keys of GPG that count as people's, as `gpg --armor --export` writes them: a path from
    /// the repository's root. `gpgv` has to be installed.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub gpg_keys: Option<String>,
    /// The same of Git hosts, which sign what is merged on their pages: such a commit may do nothing but
    /// merge, without a change of its own.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub gpg_merge_keys: Option<String>,
}

impl Commits {
    /// The files that say whose signatures count.
    pub fn lists(&self) -> impl Iterator<Item = &str> {
        let gpg = [&self.gpg_keys, &self.gpg_merge_keys];
        let gpg = gpg.into_iter().flatten();
        [&self.allowed_signers]
            .into_iter()
            .chain(gpg)
            .map(String::as_str)
    }
}

impl Default for Commits {
    fn default() -> Self {
        Self {
            verify: Verify::default(),
            allowed_signers: default_signers(),
            robots: Vec::new(),
            gpg_keys: None,
            gpg_merge_keys: None,
        }
    }
}

fn default_signers() -> String {
    ".trueup/allowed_signers".to_owned()
}

/// Which commits must be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// None.
    #[default]
    Off,
    /// The newest of the branch; below commits of programs, the newest that is not one's.
    Head,
    /// All that the branch gains, those that a merge brings included.
    Every,
}

/// One AWS account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// A name for people.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether it had Model Monitor before AWS closed it to new customers.
    #[serde(default)]
    pub legacy: bool,
    /// The name of the role that trueup assumes for calls in this account, with its path. Default:
    /// the credentials of the standard chain, which must be this account's.
    #[serde(default)]
    #[schemars(length(min = 1, max = 576), extend("pattern" = r"^[\w+=,.@/-]+$",
        "x-expected" = "the name of a role, without its ARN"))]
    pub role: Option<String>,
    /// What the role's trust policy asks for, where it asks for one.
    #[serde(default)]
    #[schemars(length(min = 2, max = 1224))]
    pub external_id: Option<String>,
    /// Where code, data and artefacts go. Default: `sagemaker-<region>-<account>`, as in AWS's SDK.
    #[serde(default)]
    pub bucket: Option<String>,
}

/// The pattern of paths to models' files where `trueup.yaml` gives none.
pub const DEFAULT_MODELS: &str = "models/*/config.yaml";

fn default_models() -> String {
    DEFAULT_MODELS.to_owned()
}

impl Installation {
    /// What is observed, as scopes. Text that is no scope is left out; [`super::load()`] has
    /// reported it.
    pub fn scopes(&self) -> Vec<Scope> {
        self.scopes
            .iter()
            .filter_map(|text| parse_scope(text))
            .collect()
    }

    /// The bucket of an account and region.
    pub fn bucket(&self, scope: &Scope) -> String {
        self.accounts
            .get(&scope.account)
            .and_then(|account| account.bucket.clone())
            .unwrap_or_else(|| format!("sagemaker-{}-{}", scope.region, scope.account))
    }
}

/// Reads `<account>/<region>`.
pub fn parse_scope(text: &str) -> Option<Scope> {
    let (account, region) = text.split_once('/')?;
    let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (digits && !region.is_empty() && !region.contains('/')).then(|| Scope {
        account: account.to_owned(),
        region: region.to_owned(),
    })
}
