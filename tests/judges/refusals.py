"""What the services around SageMaker refuse: a request for something that there is not, or that is wrong,
and the code, for each operation."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple

Refusals = List[Tuple[str, Dict[str, Any], str]]

NONE = "judge-there-is-not"


def arn(manifest: Mapping[str, Any], service: str, resource: str) -> str:
    return f"arn:aws:{service}:{manifest['region']}:{manifest['account']}:{resource}"


def of_scaling(manifest: Mapping[str, Any]) -> Refusals:
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{NONE}/variant/{NONE}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    missing, invalid = "ObjectNotFoundException", "ValidationException"
    place = arn(manifest, "application-autoscaling", "scalable-target/0")
    return [
        ("deregister_scalable_target", target, missing),
        ("delete_scaling_policy", {**target, "PolicyName": NONE}, missing),
        ("put_scaling_policy", {**target, "PolicyName": NONE, "PolicyType": NONE}, invalid),
        ("register_scalable_target", {**target, "MinCapacity": 2, "MaxCapacity": 1}, invalid),
        ("describe_scalable_targets", {"ServiceNamespace": NONE}, invalid),
        ("describe_scaling_policies", {"ServiceNamespace": NONE}, invalid),
        ("list_tags_for_resource", {"ResourceARN": place}, "ResourceNotFoundException"),
        ("tag_resource", {"ResourceARN": place, "Tags": {"a": "b"}}, "ResourceNotFoundException"),
        ("untag_resource", {"ResourceARN": place, "TagKeys": ["a"]}, "ResourceNotFoundException"),
    ]


def of_cloudwatch(manifest: Mapping[str, Any]) -> Refusals:
    metric = {"Namespace": "judge", "MetricName": "a"}
    ago = {"StartTime": 1_700_000_000, "EndTime": 1_600_000_000}
    place = arn(manifest, "cloudwatch", f"alarm:{NONE}")
    value, missing = "InvalidParameterValue", "ResourceNotFoundException"
    return [
        ("delete_alarms", {}, "ValidationError"),
        ("set_alarm_state", {"AlarmName": NONE, "StateValue": "OK", "StateReason": "a"}, "ResourceNotFound"),
        ("describe_alarms", {"StateValue": "JUDGED"}, "ValidationError"),
        ("describe_alarm_history", {"HistoryItemType": "Judged"}, "ValidationError"),
        ("describe_alarms_for_metric", {**metric, "Statistic": "Judged"}, "ValidationError"),
        ("disable_alarm_actions", {}, "ValidationError"),
        ("enable_alarm_actions", {}, "ValidationError"),
        ("get_metric_data", {**ago, "MetricDataQueries": [{"Id": "A"}]}, value),
        ("get_metric_statistics", {**metric, **ago, "Period": 60, "Statistics": ["Sum"]}, value),
        ("list_metrics", {"Namespace": ""}, "ValidationError"),
        ("put_metric_alarm", {"AlarmName": NONE}, "ValidationError"),
        ("put_metric_data", {"Namespace": "AWS/Judge", "MetricData": [{"MetricName": "a", "Value": 1.0}]}, value),
        ("list_tags_for_resource", {"ResourceARN": place}, missing),
        ("tag_resource", {"ResourceARN": place, "Tags": [{"Key": "a", "Value": "b"}]}, missing),
        ("untag_resource", {"ResourceARN": place, "TagKeys": ["a"]}, missing),
    ]


def of_events(manifest: Mapping[str, Any]) -> Refusals:
    missing, place = "ResourceNotFoundException", arn(manifest, "events", f"rule/{NONE}")
    invalid = "ValidationException"
    return [
        ("describe_rule", {"Name": NONE}, missing),
        ("delete_rule", {}, invalid),
        ("disable_rule", {"Name": NONE}, missing),
        ("enable_rule", {"Name": NONE}, missing),
        ("list_rule_names_by_target", {"TargetArn": ""}, invalid),
        ("list_rules", {"Limit": 101}, invalid),
        ("list_targets_by_rule", {"Rule": NONE}, missing),
        ("put_events", {"Entries": []}, invalid),
        ("put_rule", {"Name": NONE, "EventPattern": "{"}, "InvalidEventPatternException"),
        ("put_targets", {"Rule": NONE, "Targets": [{"Id": "a", "Arn": place}]}, missing),
        ("remove_targets", {"Rule": NONE, "Ids": ["a"]}, missing),
        ("test_event_pattern", {"EventPattern": "{", "Event": "{}"}, "InvalidEventPatternException"),
        ("list_tags_for_resource", {"ResourceARN": place}, missing),
        ("tag_resource", {"ResourceARN": place, "Tags": [{"Key": "a", "Value": "b"}]}, missing),
        ("untag_resource", {"ResourceARN": place, "TagKeys": ["a"]}, missing),
    ]


def of_tagging(manifest: Mapping[str, Any]) -> Refusals:
    wrong, queue = "InvalidParameterException", arn(manifest, "sqs", NONE)
    return [
        ("get_resources", {"ResourcesPerPage": 101}, wrong),
        ("get_tag_keys", {"PaginationToken": "a" * 3000}, "ValidationException"),
        ("get_tag_values", {}, "ValidationException"),
        ("tag_resources", {"ResourceARNList": [queue], "Tags": {}}, "ValidationException"),
        ("untag_resources", {"ResourceARNList": [queue], "TagKeys": []}, "ValidationException"),
    ]


def of_scheduler(manifest: Mapping[str, Any]) -> Refusals:
    missing, place = "ResourceNotFoundException", arn(manifest, "scheduler", f"schedule-group/{NONE}")
    schedule = {
        "Name": NONE,
        "ScheduleExpression": "never",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": arn(manifest, "sqs", NONE), "RoleArn": "arn:aws:iam::111122223333:role/judge"},
    }
    rightly = {**schedule, "ScheduleExpression": "rate(1 hour)"}
    return [
        ("create_schedule", schedule, "ValidationException"),
        ("create_schedule_group", {"Name": "default"}, "ConflictException"),
        ("delete_schedule", {"Name": NONE}, missing),
        ("delete_schedule_group", {"Name": NONE}, missing),
        ("get_schedule", {"Name": NONE}, missing),
        ("get_schedule_group", {"Name": NONE}, missing),
        ("list_schedule_groups", {"MaxResults": 101}, "ValidationException"),
        ("list_schedules", {"MaxResults": 101}, "ValidationException"),
        ("list_tags_for_resource", {"ResourceArn": place}, missing),
        ("tag_resource", {"ResourceArn": place, "Tags": [{"Key": "a", "Value": "b"}]}, missing),
        ("untag_resource", {"ResourceArn": place, "TagKeys": ["a"]}, missing),
        ("update_schedule", rightly, missing),
    ]


def of_sns(manifest: Mapping[str, Any]) -> Refusals:
    topic, wrong, missing = arn(manifest, "sns", NONE), "InvalidParameter", "NotFound"
    subscription = f"{topic}:00000000-0000-0000-0000-000000000000"
    entry = {"Id": "a", "Message": "a"}
    attribute = {"AttributeName": "DisplayName", "AttributeValue": "a"}
    raw = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
    return [
        ("confirm_subscription", {"TopicArn": topic, "Token": "a"}, missing),
        ("create_topic", {"Name": "a b"}, wrong),
        ("delete_topic", {"TopicArn": "a"}, wrong),
        ("get_subscription_attributes", {"SubscriptionArn": subscription}, missing),
        ("get_topic_attributes", {"TopicArn": topic}, missing),
        ("list_subscriptions", {"NextToken": "a"}, wrong),
        ("list_subscriptions_by_topic", {"TopicArn": topic}, missing),
        ("list_tags_for_resource", {"ResourceArn": topic}, "ResourceNotFound"),
        ("list_topics", {"NextToken": "a"}, wrong),
        ("publish", {"TopicArn": topic, "Message": "a"}, missing),
        ("publish_batch", {"TopicArn": topic, "PublishBatchRequestEntries": [entry]}, missing),
        ("set_subscription_attributes", {"SubscriptionArn": subscription, **raw}, missing),
        ("set_topic_attributes", {"TopicArn": topic, **attribute}, missing),
        ("subscribe", {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@acme.test"}, missing),
        ("tag_resource", {"ResourceArn": topic, "Tags": [{"Key": "a", "Value": "b"}]}, "ResourceNotFound"),
        ("unsubscribe", {"SubscriptionArn": "a"}, wrong),
        ("untag_resource", {"ResourceArn": topic, "TagKeys": ["a"]}, "ResourceNotFound"),
    ]


def of_sqs(manifest: Mapping[str, Any]) -> Refusals:
    missing = "AWS.SimpleQueueService.NonExistentQueue"
    queue = {"QueueUrl": f"{manifest['url']}/{manifest['account']}/{NONE}"}
    received = {"ReceiptHandle": "a"}
    entry = {"Id": "a", "ReceiptHandle": "a"}
    return [
        ("change_message_visibility", {**queue, **received, "VisibilityTimeout": 1}, missing),
        ("change_message_visibility_batch", {**queue, "Entries": [{**entry, "VisibilityTimeout": 1}]}, missing),
        ("create_queue", {"QueueName": "a b"}, "InvalidParameterValue"),
        ("delete_message", {**queue, **received}, missing),
        ("delete_message_batch", {**queue, "Entries": [entry]}, missing),
        ("delete_queue", queue, missing),
        ("get_queue_attributes", {**queue, "AttributeNames": ["All"]}, missing),
        ("get_queue_url", {"QueueName": NONE}, missing),
        ("list_dead_letter_source_queues", queue, missing),
        ("list_queue_tags", queue, missing),
        ("list_queues", {"MaxResults": 1001}, "InvalidParameterValue"),
        ("purge_queue", queue, missing),
        ("receive_message", queue, missing),
        ("send_message", {**queue, "MessageBody": "a"}, missing),
        ("send_message_batch", {**queue, "Entries": [{"Id": "a", "MessageBody": "a"}]}, missing),
        ("set_queue_attributes", {**queue, "Attributes": {"DelaySeconds": "1"}}, missing),
        ("tag_queue", {**queue, "Tags": {"a": "b"}}, missing),
        ("untag_queue", {**queue, "TagKeys": ["a"]}, missing),
    ]


def of_s3(manifest: Mapping[str, Any]) -> Refusals:
    bucket, missing = {"Bucket": NONE}, "NoSuchBucket"
    entry = {**bucket, "Key": "a"}
    part = {**entry, "UploadId": NONE, "PartNumber": 1}
    source = {"CopySource": {"Bucket": NONE, "Key": "a"}}
    here = {"Bucket": manifest["bucket"], "Key": "judge/none", "UploadId": NONE}
    parts = {"Parts": [{"PartNumber": 1, "ETag": "a"}]}
    enabled = {"VersioningConfiguration": {"Status": "Enabled"}}
    return [
        ("abort_multipart_upload", here, "NoSuchUpload"),
        ("complete_multipart_upload", {**here, "MultipartUpload": parts}, "NoSuchUpload"),
        ("copy_object", {**entry, **source}, missing),
        ("create_bucket", {"Bucket": "A"}, "InvalidBucketName"),
        ("create_multipart_upload", entry, missing),
        ("delete_bucket", bucket, missing),
        ("delete_object", entry, missing),
        ("delete_object_tagging", entry, missing),
        ("delete_objects", {**bucket, "Delete": {"Objects": [{"Key": "a"}]}}, missing),
        ("get_bucket_location", bucket, missing),
        ("get_bucket_notification_configuration", bucket, missing),
        ("get_bucket_versioning", bucket, missing),
        ("get_object", entry, missing),
        ("get_object_tagging", entry, missing),
        ("head_bucket", bucket, "404"),
        ("head_object", entry, "404"),
        ("list_multipart_uploads", bucket, missing),
        ("list_object_versions", bucket, missing),
        ("list_objects", bucket, missing),
        ("list_objects_v2", bucket, missing),
        ("put_bucket_versioning", {**bucket, **enabled}, missing),
        ("put_object", {**entry, "Body": b""}, missing),
        ("upload_part", {**part, "Body": b""}, "NoSuchUpload"),
        ("upload_part_copy", {**part, **source}, "NoSuchUpload"),
    ]


def of_iam(manifest: Mapping[str, Any]) -> Refusals:
    role, missing = {"RoleName": NONE}, "NoSuchEntity"
    policy = {"PolicyArn": f"arn:aws:iam::{manifest['account']}:policy/{NONE}"}
    document, malformed = {"PolicyDocument": "{}"}, "MalformedPolicyDocument"
    action = {"ActionNames": ["s3:GetObject"]}
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    return [
        ("attach_role_policy", {**role, **policy}, missing),
        ("create_policy_version", {**policy, **document}, malformed),
        ("delete_policy_version", {**policy, "VersionId": "v1"}, missing),
        ("delete_role_permissions_boundary", role, missing),
        ("delete_role_policy", {**role, "PolicyName": NONE}, missing),
        ("detach_role_policy", {**role, **policy}, missing),
        ("get_policy_version", {**policy, "VersionId": "v1"}, missing),
        ("get_role", {"RoleName": "a b"}, "ValidationError"),
        ("get_role_policy", {**role, "PolicyName": NONE}, missing),
        ("list_attached_role_policies", role, missing),
        ("list_policies", {"MaxItems": 1001}, "ValidationError"),
        ("list_policy_versions", policy, missing),
        ("list_role_policies", role, missing),
        ("list_role_tags", role, missing),
        ("list_roles", {"MaxItems": 1001}, "ValidationError"),
        ("put_role_permissions_boundary", {**role, "PermissionsBoundary": policy["PolicyArn"]}, missing),
        ("put_role_policy", {**role, "PolicyName": NONE, **document}, malformed),
        ("set_default_policy_version", {**policy, "VersionId": "v1"}, missing),
        ("simulate_custom_policy", {"PolicyInputList": ["{"], **action}, "InvalidInput"),
        ("simulate_principal_policy", {"PolicySourceArn": "a", **action}, "ValidationError"),
        ("tag_role", {**role, **tags}, missing),
        ("untag_role", {**role, "TagKeys": ["a"]}, missing),
        ("update_assume_role_policy", {**role, **document}, malformed),
        ("update_role", role, missing),
    ]


def of_logs(manifest: Mapping[str, Any]) -> Refusals:
    group, missing = {"logGroupName": NONE}, "ResourceNotFoundException"
    stream = {**group, "logStreamName": NONE}
    place = {"resourceArn": arn(manifest, "logs", f"log-group:{NONE}")}
    return [
        ("delete_log_stream", stream, missing),
        ("delete_retention_policy", group, missing),
        ("describe_log_groups", {"limit": 51}, "ValidationException"),
        ("get_log_events", stream, missing),
        ("list_tags_for_resource", place, missing),
        ("tag_resource", {**place, "tags": {"a": "b"}}, missing),
        ("untag_resource", {**place, "tagKeys": ["a"]}, missing),
    ]


def of_runtime(_: Mapping[str, Any]) -> Refusals:
    endpoint, code = {"EndpointName": NONE}, "ValidationError"
    return [
        ("invoke_endpoint", {**endpoint, "Body": b""}, code),
        ("invoke_endpoint_async", {**endpoint, "InputLocation": "s3://judge/none"}, code),
        ("invoke_endpoint_with_response_stream", {**endpoint, "Body": b""}, code),
    ]


REFUSALS: Dict[str, Callable[[Mapping[str, Any]], Refusals]] = {
    "application-autoscaling": of_scaling,
    "cloudwatch": of_cloudwatch,
    "events": of_events,
    "iam": of_iam,
    "logs": of_logs,
    "resourcegroupstaggingapi": of_tagging,
    "s3": of_s3,
    "sagemaker-runtime": of_runtime,
    "scheduler": of_scheduler,
    "sns": of_sns,
    "sqs": of_sqs,
}
