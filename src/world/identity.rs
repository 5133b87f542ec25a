//! STS, as far as clients ask it who they are.

use serde_json::json;

use super::iam::assume_role;
use super::operations::Operation;

/// The operations of STS.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("AssumeRole", assume_role),
    Operation::special("GetCallerIdentity", |_, request| {
        let account = &request.scope.account;
        let partition = request.scope.partition();
        Ok(json!({
            "Account": account,
            "Arn": format!("arn:{partition}:iam::{account}:user/local"),
            "UserId": "AIDALOCAL",
        }))
    }),
];
