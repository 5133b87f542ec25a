"""Judges Application Auto Scaling, CloudWatch and SNS of a running local SageMaker, as boto3 sees them.

    python judge_neighbours.py --manifest FILE

FILE is a JSON object with `url`, `region` and `endpoints` (a list of names). What is made is taken
away again.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from calls import client, code_of
from judging import Judge, read_manifest

ALARM = {
    "AlarmName": "judge",
    "Namespace": "AWS/SageMaker",
    "MetricName": "Invocation5XXErrors",
    "Dimensions": [{"Name": "EndpointName", "Value": "judge"}],
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_alarms, judge_topics, judge_scaling, judge_search, judge_identity):
        with judge.section(section.__name__):
            section(judge, manifest)
    return judge.finish()


def judge_alarms(judge: Judge, manifest: Mapping[str, Any]) -> None:
    cloudwatch = client(manifest, "cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM, Tags=[{"Key": "team", "Value": "judges"}])
    found = cloudwatch.describe_alarms(AlarmNames=["judge"])["MetricAlarms"]
    judge.equal("one alarm of that name", len(found), 1)
    alarm: Dict[str, Any] = found[0]
    for member, value in ALARM.items():
        judge.equal(f"alarm's {member}", alarm.get(member), value)
    judge.equal("a new alarm's state", alarm["StateValue"], "INSUFFICIENT_DATA")
    judge.check("an alarm has a time", alarm["StateUpdatedTimestamp"].year > 2000)
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    judge.equal("an alarm's tags", tags, [{"Key": "team", "Value": "judges"}])
    judge_retagged(judge, cloudwatch, "an alarm", ResourceARN=alarm["AlarmArn"])
    cloudwatch.set_alarm_state(AlarmName="judge", StateValue="ALARM", StateReason="a test")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(StateValue="ALARM")
    names = [one["AlarmName"] for page in pages for one in page["MetricAlarms"]]
    judge.check("an alarm that goes off is found by its state", "judge" in names, names)
    refused = code_of(
        cloudwatch.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="a test"
    )
    judge.check("a missing alarm has no state", refused.startswith("ResourceNotFound"), refused)
    cloudwatch.delete_alarms(AlarmNames=["judge"])
    judge.equal("no alarm is left", cloudwatch.describe_alarms(AlarmNames=["judge"])["MetricAlarms"], [])


def judge_retagged(judge: Judge, service: Any, what: str, **named: str) -> None:
    """A tag more, and a tag less."""
    service.tag_resource(**named, Tags=[{"Key": "more", "Value": "yes"}, {"Key": "less", "Value": ""}])
    service.untag_resource(**named, TagKeys=["less", "team"])
    tags = service.list_tags_for_resource(**named)["Tags"]
    judge.equal(f"the changed tags of {what}", tags, [{"Key": "more", "Value": "yes"}])


def judge_topics(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sns = client(manifest, "sns")
    tags = [{"Key": "team", "Value": "judges & co"}]
    arn = sns.create_topic(Name="judge", Attributes={"DisplayName": "Judge"}, Tags=tags)["TopicArn"]
    judge.check("a topic's ARN ends in its name", arn.endswith(":judge"), arn)
    judge.equal("a topic is made once", sns.create_topic(Name="judge")["TopicArn"], arn)
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    judge.equal("a topic's name for people", attributes["DisplayName"], "Judge")
    judge.check("a topic's policy is JSON", json.loads(attributes["Policy"])["Statement"])
    judge.equal("a topic's tags", sns.list_tags_for_resource(ResourceArn=arn)["Tags"], tags)
    judge_retagged(judge, sns, "a topic", ResourceArn=arn)
    address = "judge+1@acme.test"
    answer = sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=address)
    judge.equal("mail is confirmed first", answer["SubscriptionArn"], "pending confirmation")
    listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    judge.equal("who subscribes", [one["Endpoint"] for one in listed], [address])
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="<J>")
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    judge.equal("a topic's changed name", attributes["DisplayName"], "<J>")
    topics = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
    judge.check("a topic is listed", arn in topics, topics)
    sns.delete_topic(TopicArn=arn)
    judge.equal("a topic that is gone", code_of(sns.get_topic_attributes, TopicArn=arn), "NotFound")


def judge_scaling(judge: Judge, manifest: Mapping[str, Any]) -> None:
    scaling, sagemaker = client(manifest, "application-autoscaling"), client(manifest, "sagemaker")
    endpoint = manifest["endpoints"][0]
    variants = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{variants[0]['VariantName']}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    none = {**target, "ResourceId": f"endpoint/{endpoint}/variant/none"}
    refused = code_of(scaling.register_scalable_target, **none, MinCapacity=1, MaxCapacity=2)
    judge.equal("no such variant", refused, "ValidationException")
    arn = scaling.register_scalable_target(
        **target, MinCapacity=1, MaxCapacity=4, Tags={"team": "judges"}
    )["ScalableTargetARN"]
    try:
        found = scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]]
        )["ScalableTargets"]
        judge.equal("bounds", [(one["MinCapacity"], one["MaxCapacity"]) for one in found], [(1, 4)])
        judge.check("a target has a time", found[0]["CreationTime"].year > 2000)
        tags = scaling.list_tags_for_resource(ResourceARN=arn)["Tags"]
        judge.equal("a target's tags", tags, {"team": "judges"})
        config = {
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
            },
        }
        put = scaling.put_scaling_policy(
            **target,
            PolicyName="judge",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=config,
        )
        judge.equal("a policy makes its alarms", len(put["Alarms"]), 2)
        policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        found = [one for one in policies if one["PolicyName"] == "judge"]
        judge.equal(
            "a policy", [one["TargetTrackingScalingPolicyConfiguration"] for one in found], [config]
        )
        scaling.tag_resource(ResourceARN=arn, Tags={"more": "yes"})
        scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
        tags = scaling.list_tags_for_resource(ResourceARN=arn)["Tags"]
        judge.equal("a target's changed tags", tags, {"more": "yes"})
        scaling.delete_scaling_policy(**target, PolicyName="judge")
        policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        judge.check("a policy that is gone", "judge" not in [one["PolicyName"] for one in policies])
        words = code_of(sagemaker.delete_endpoint, EndpointName=endpoint)
        judge.equal("a target is in the way of a deletion", words, "ValidationException")
    finally:
        scaling.deregister_scalable_target(**target)
    refused = code_of(scaling.deregister_scalable_target, **target)
    judge.equal("a target that is gone", refused, "ObjectNotFoundException")


def judge_search(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sagemaker = client(manifest, "sagemaker")
    endpoint = manifest["endpoints"][0]
    expression = {"Filters": [{"Name": "EndpointName", "Operator": "Equals", "Value": endpoint}]}
    found = sagemaker.search(Resource="Endpoint", SearchExpression=expression)["Results"]
    names = [one["Endpoint"]["EndpointName"] for one in found]
    judge.equal("an endpoint is found by its name", names, [endpoint])
    owners = [tag["Value"] for tag in found[0]["Endpoint"]["Tags"] if tag["Key"] == "trueup:owner"]
    expression["Filters"][0] = {"Name": "Tags.trueup:owner", "Operator": "Equals", "Value": owners[0]}
    found = sagemaker.search(Resource="Endpoint", SearchExpression=expression)["Results"]
    names = [one["Endpoint"]["EndpointName"] for one in found]
    judge.equal("and by its tag", names, [endpoint])
    pipelines = ("Pipeline", "PipelineExecution", "PipelineVersion")
    for resource in (*pipelines, "ModelPackage", "ModelPackageGroup", "Model"):
        found = sagemaker.search(Resource=resource)["Results"]
        judge.check(f"{resource} is found", found and all(resource in one for one in found), found)


def judge_identity(judge: Judge, manifest: Mapping[str, Any]) -> None:
    caller = client(manifest, "sts").get_caller_identity()
    judge.equal("whose account it is", caller["Account"], manifest["account"])
    iam, role = client(manifest, "iam"), f"arn:aws:iam::{manifest['account']}:role/judge"
    judge.equal("a role's name", iam.get_role(RoleName="judge")["Role"]["RoleName"], "judge")
    asked = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"]}
    results = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    judge.equal("what a role may", [one["EvalActionName"] for one in results], ["s3:GetObject"])


if __name__ == "__main__":
    raise SystemExit(main())
