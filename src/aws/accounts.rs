//! Who a call is made as: an identity of the call's own account, or nobody.
//!
//! An account may name a role that is assumed for it; else the credentials of the standard chain
//! are used. Either way the service is asked once who they are. Where they are another account's,
//! or nobody's, nothing is sent: a call never falls back to whatever identity there is.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::sts::AssumeRoleProvider;
use aws_config::{Region, SdkConfig};
use aws_sdk_sagemaker::config::SharedCredentialsProvider;
use serde_json::json;

use super::answer::{self, Failure};
use crate::resource::call::{Call, OpError, Scope};
use crate::resource::error::Class;

/// What AWS records as the name of an assumed role's session.
const SESSION: &str = "trueup";
/// What a session may do, whatever its role may: the services that trueup calls.
const ACTIONS: [&str; 7] = [
    "application-autoscaling:*",
    "cloudwatch:*",
    "iam:PassRole",
    "s3:*",
    "sagemaker:*",
    "servicequotas:ListServiceQuotas",
    "sns:*",
];

/// The role that is assumed for calls in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, with its path.
    pub name: String,
    /// What its trust policy asks for, where it asks for one.
    pub external_id: Option<String>,
    /// The regions that the session may be used in.
    pub regions: BTreeSet<String>,
}

/// Account to the role that is assumed for it.
pub type Roles = BTreeMap<String, Role>;

/// The configuration for calls in `scope`: as the account's role, if it has one.
pub(super) async fn configure(roles: &Roles, base: &SdkConfig, scope: &Scope) -> SdkConfig {
    let region = Region::new(scope.region.clone());
    let config = base.to_builder().region(region.clone()).build();
    let Some(role) = roles.get(&scope.account) else {
        return config;
    };
    let mut provider = AssumeRoleProvider::builder(role.arn(scope))
        .session_name(SESSION)
        .region(region)
        .policy(role.policy())
        .configure(&config);
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(provider.build().await);
    config.into_builder().credentials_provider(provider).build()
}

impl Role {
    fn arn(&self, scope: &Scope) -> String {
        let partition = match scope.region.split('-').next() {
            Some("cn") => "aws-cn",
            _ if scope.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:iam::{}:role/{}", scope.account, self.name)
    }

    /// A session may do what both its role and this allow.
    fn policy(&self) -> String {
        let statement = json!([{
            "Effect": "Allow",
            "Action": ACTIONS,
            "Resource": "*",
        }, {
            "Effect": "Deny",
            "NotAction": ["iam:*", "s3:*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": self.regions}},
        }]);
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    }
}

/// Asks who these credentials are. `Err`: nobody, or not the account that `call` is for.
pub(super) async fn verify(config: &SdkConfig, call: &Call) -> Result<(), OpError> {
    let client = aws_sdk_sts::Client::new(config);
    let refused = |code, words| answer::own(call.op, Class::Denied, code, words);
    let identity = client.get_caller_identity().send().await.map_err(|error| {
        let words = Failure::of(&error).message();
        refused(
            "NoIdentity",
            format!("it is not known whose the credentials are: {words}"),
        )
    })?;
    let (found, wanted) = (identity.account().unwrap_or_default(), &call.scope.account);
    if found == wanted {
        return Ok(());
    }
    let found = if found.is_empty() {
        "no account"
    } else {
        found
    };
    let words = format!(
        "the credentials are those of {found}, not of {wanted}: use others, or name a role of \
         {wanted} under `accounts` in trueup.yaml"
    );
    Err(refused("WrongAccount", words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_the_accounts_own_and_its_session_stays_in_its_regions() {
        let role = Role {
            name: "deploy/trueup".to_owned(),
            external_id: None,
            regions: ["cn-northwest-1", "cn-north-1"].map(str::to_owned).into(),
        };
        let arn = |region: &str| {
            role.arn(&Scope {
                account: "444455556666".to_owned(),
                region: region.to_owned(),
            })
        };
        assert_eq!(
            arn("cn-north-1"),
            "arn:aws-cn:iam::444455556666:role/deploy/trueup"
        );
        assert!(arn("us-gov-west-1").starts_with("arn:aws-us-gov:"));
        assert!(arn("us-east-1").starts_with("arn:aws:"));
        let policy = role.policy();
        assert!(
            policy.contains(r#"["cn-north-1","cn-northwest-1"]"#),
            "{policy}"
        );
        assert!(policy.len() < 2048, "the service takes no more");
    }
}
