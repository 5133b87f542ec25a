//! Application Auto Scaling's operations: one line each. It speaks JSON, so the bodies go out as
//! they are.

use aws_sdk_applicationautoscaling::Client;

use super::verbatim::operations;

operations! {
    "DeleteScalingPolicy" => delete_scaling_policy,
    "DeregisterScalableTarget" => deregister_scalable_target,
    "DescribeScalableTargets" => describe_scalable_targets,
    "DescribeScalingPolicies" => describe_scaling_policies,
    "PutScalingPolicy" => put_scaling_policy,
    "RegisterScalableTarget" => register_scalable_target,
    "application-autoscaling:ListTagsForResource" => list_tags_for_resource,
    "application-autoscaling:TagResource" => tag_resource,
}
