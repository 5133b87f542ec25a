//! IAM, as far as clients look at the roles that they pass to SageMaker.
//!
//! No role is kept. Here whoever asks is the account, jobs are processes of its own, and nothing is
//! denied: so a role of any name is there, SageMaker may assume it, and it may do everything.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::operations::Operation;
use super::request::{Request, epoch};
use crate::clock::Timestamp;

/// IAM's operations.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("GetRole", |_, request| Ok(get_role(request))),
    Operation::special("SimulatePrincipalPolicy", |_, request| {
        Ok(simulate_policy(request))
    }),
];

fn get_role(request: &Request<'_>) -> Value {
    let name = request.text("RoleName");
    let (partition, account) = (request.scope.partition(), &request.scope.account);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    json!({"Role": {
        "Path": "/",
        "RoleName": name,
        "RoleId": "AROALOCAL00000000",
        "Arn": format!("arn:{partition}:iam::{account}:role/{name}"),
        "CreateDate": epoch(Timestamp::UNIX_EPOCH),
        "AssumeRolePolicyDocument": quoted(&trust.to_string()),
    }})
}

fn simulate_policy(request: &Request<'_>) -> Value {
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
    json!({"EvaluationResults": results, "IsTruncated": false})
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
