//! AWS's own policies, as far as they are known here.

use serde_json::json;

/// What one of AWS's own policies says, by its ARN. One that is not known here counts as one that
/// allows everything: what is not known hinders nobody.
pub(super) fn document(arn: &str) -> Option<String> {
    let (_, name) = arn.split_once(":iam::aws:policy/")?;
    let name = name.rsplit('/').next().filter(|name| !name.is_empty())?;
    let actions = match name {
        "AmazonS3FullAccess" => json!(["s3:*", "s3-object-lambda:*"]),
        "AmazonS3ReadOnlyAccess" => json!([
            "s3:Get*",
            "s3:List*",
            "s3:Describe*",
            "s3-object-lambda:Get*",
            "s3-object-lambda:List*",
        ]),
        "AmazonSQSFullAccess" => json!("sqs:*"),
        _ => json!("*"),
    };
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    Some(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
}
