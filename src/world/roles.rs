//! IAM, as far as clients look at the roles that they pass to SageMaker.
//!
//! No role is kept. Here whoever asks is the account, jobs are processes of its own, and nothing is
//! denied: so a role of any name is there, SageMaker may assume it, and it may do everything.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::World;
use super::operations::Operation;
use super::request::{Reply, Request, epoch};
use crate::clock::Timestamp;

/// IAM's operations.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("GetRole", |_, request| World::get_role(request)),
    Operation::special("SimulatePrincipalPolicy", |_, request| {
        World::simulate_policy(request)
    }),
];

impl World {
    fn get_role(request: &Request<'_>) -> Reply {
        let name = request.text("RoleName");
        let (partition, account) = (request.scope.partition(), &request.scope.account);
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }]});
        Ok(json!({"Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROALOCAL00000000",
            "Arn": format!("arn:{partition}:iam::{account}:role/{name}"),
            "CreateDate": epoch(Timestamp::UNIX_EPOCH),
            "AssumeRolePolicyDocument": quoted(&trust.to_string()),
        }}))
    }

    fn simulate_policy(request: &Request<'_>) -> Reply {
        let everywhere = [json!("*")];
        let resources = match request.items("ResourceArns") {
            [] => &everywhere,
            some => some,
        };
        let results: Vec<Value> = request
            .items("ActionNames")
            .iter()
            .flat_map(|action| resources.iter().map(move |on| (action, on)))
            .map(|(action, on)| {
                json!({
                    "EvalActionName": action, "EvalResourceName": on, "EvalDecision": "allowed",
                })
            })
            .collect();
        Ok(json!({"EvaluationResults": results, "IsTruncated": false}))
    }
}

/// A document as IAM shows it: in the form of a part of a URL.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes all");
        }
    }
    out
}
