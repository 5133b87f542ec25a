"""Judges EventBridge, its Scheduler and the Resource Groups Tagging API of a running local SageMaker.

    python judge_events.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

import datetime
import json
import time
from typing import Any, Callable, Dict, List, Mapping

from calls import client, code_of
from judge_topics import made, removed
from judging import Judge, read_manifest

# Seconds that something may take to arrive.
DEADLINE = 20
ROLE = "arn:aws:iam::111122223333:role/judge"
GROUP = "judge-events"


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_rules, judge_changes, judge_schedules, judge_groups, judge_tagging):
        with judge.section(section.__name__):
            section(judge, manifest)
    return judge.finish()


def told(manifest: Mapping[str, Any], url: str, enough: Callable[[List[Any]], bool]) -> List[Any]:
    """What a queue was told, once it is enough."""
    sqs, found, end = client(manifest, "sqs"), [], time.monotonic() + DEADLINE
    while not enough(found) and time.monotonic() < end:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        found += [json.loads(one["Body"]) for one in answer.get("Messages", [])]
    return found


def judge_rules(judge: Judge, manifest: Mapping[str, Any]) -> None:
    events = client(manifest, "events")
    topic, url, queue = made(manifest, GROUP)
    pattern = {"source": ["judge"], "detail": {"n": [{"numeric": [">", 1]}]}}
    arn = events.put_rule(
        Name="judge", EventPattern=json.dumps(pattern), Tags=[{"Key": "team", "Value": "judges"}]
    )["RuleArn"]
    transformer = {
        "InputPathsMap": {"n": "$.detail.n"},
        "InputTemplate": '{"n": <n>, "by": "<aws.events.rule-name>"}',
    }
    put = events.put_targets(
        Rule="judge",
        Targets=[
            {"Id": "whole", "Arn": queue},
            {"Id": "part", "Arn": queue, "InputTransformer": transformer},
        ],
    )
    judge.equal("targets are put", put["FailedEntryCount"], 0)
    entries = [
        {"Source": "judge", "DetailType": "t", "Detail": json.dumps({"n": n}), "Resources": ["arn:x"]}
        for n in (1, 2)
    ]
    answer = events.put_events(Entries=[*entries, {"Source": "judge", "DetailType": "t", "Detail": "{"}])
    judge.equal("what is no event", answer["Entries"][2].get("ErrorCode"), "MalformedDetail")
    found = told(manifest, url, lambda all: len(all) >= 2)
    whole = [one for one in found if "detail" in one]
    judge.equal("who is told", [one["id"] for one in whole], [answer["Entries"][1]["EventId"]])
    judge.check("a transformed event", {"n": 2, "by": "judge"} in found, found)
    judge.equal("a rule", events.describe_rule(Name="judge")["State"], "ENABLED")
    events.disable_rule(Name="judge")
    judge.equal("a disabled rule", events.describe_rule(Name="judge")["State"], "DISABLED")
    events.enable_rule(Name="judge")
    names = [one["Name"] for one in events.list_rules(NamePrefix="jud")["Rules"]]
    judge.equal("rules", names, ["judge"])
    names = events.list_rule_names_by_target(TargetArn=queue)["RuleNames"]
    judge.equal("rules of a target", names, ["judge"])
    targets = events.list_targets_by_rule(Rule="judge")["Targets"]
    judge.equal("targets of a rule", sorted(one["Id"] for one in targets), ["part", "whole"])
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "more", "Value": "yes"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["team"])
    tags = events.list_tags_for_resource(ResourceARN=arn)["Tags"]
    judge.equal("a rule's tags", tags, [{"Key": "more", "Value": "yes"}])
    event = {"id": "1", "account": "1", "source": "judge", "time": "t", "region": "r",
             "resources": [], "detail-type": "t", "detail": {"n": 2}}
    result = events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
    judge.equal("a pattern that is tried", result["Result"], True)
    judge.equal("a rule with targets stays", code_of(events.delete_rule, Name="judge"), "ValidationException")
    events.remove_targets(Rule="judge", Ids=["whole", "part"])
    events.delete_rule(Name="judge")
    judge.equal("a rule that is gone", code_of(events.describe_rule, Name="judge"), "ResourceNotFoundException")
    removed(manifest, topic, url)


def judge_changes(judge: Judge, manifest: Mapping[str, Any]) -> None:
    """A package that is approved tells a topic, which tells a queue."""
    events, sns = client(manifest, "events"), client(manifest, "sns")
    sagemaker = client(manifest, "sagemaker")
    topic, url, queue = made(manifest, GROUP)
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=attributes)
    pattern: Dict[str, Any] = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [GROUP], "ModelApprovalStatus": ["Approved"]},
    }
    events.put_rule(Name="judge-changes", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="judge-changes", Targets=[{"Id": "1", "Arn": topic}])
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a:1"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    found = told(manifest, url, lambda all: len(all) >= 1)
    judge.equal("a package tells that it is approved", [one["resources"] for one in found], [[arn]])
    events.remove_targets(Rule="judge-changes", Ids=["1"])
    events.delete_rule(Name="judge-changes")
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP)
    removed(manifest, topic, url)


def judge_schedules(judge: Judge, manifest: Mapping[str, Any]) -> None:
    scheduler, sagemaker = client(manifest, "scheduler"), client(manifest, "sagemaker")
    topic, url, queue = made(manifest, GROUP)
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    once = f"at({at:%Y-%m-%dT%H:%M:%S})"
    window = {"Mode": "OFF"}
    target = {"Arn": queue, "RoleArn": ROLE, "Input": '{"hello": 1}'}
    arn = scheduler.create_schedule(
        Name="judge", ScheduleExpression=once, FlexibleTimeWindow=window, Target=target
    )["ScheduleArn"]
    found = scheduler.get_schedule(Name="judge")
    judge.equal("a schedule", (found["Arn"], found["Target"]), (arn, target))
    judge.check("a schedule has a time", found["CreationDate"].year > 2000, found)
    judge.equal("it tells its target", told(manifest, url, bool), [{"hello": 1}])
    ask = {
        "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:createModelPackageGroup",
        "RoleArn": ROLE,
        "Input": json.dumps({"ModelPackageGroupName": "judge-scheduled"}),
        "DeadLetterConfig": {"Arn": queue},
    }
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    scheduler.update_schedule(
        Name="judge",
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        Target=ask,
    )
    end, there = time.monotonic() + DEADLINE, False
    while not there and time.monotonic() < end:
        there = not code_of(
            sagemaker.describe_model_package_group, ModelPackageGroupName="judge-scheduled"
        )
        time.sleep(0.2)
    judge.check("it asks for what it names", there)
    sagemaker.delete_model_package_group(ModelPackageGroupName="judge-scheduled")
    names = [one["Name"] for one in scheduler.list_schedules(NamePrefix="jud")["Schedules"]]
    judge.equal("schedules", names, ["judge"])
    scheduler.delete_schedule(Name="judge")
    gone = code_of(scheduler.get_schedule, Name="judge")
    judge.equal("a schedule that is gone", gone, "ResourceNotFoundException")
    removed(manifest, topic, url)


def judge_groups(judge: Judge, manifest: Mapping[str, Any]) -> None:
    scheduler = client(manifest, "scheduler")
    tags = [{"Key": "team", "Value": "judges & co"}]
    arn = scheduler.create_schedule_group(Name="judge", Tags=tags)["ScheduleGroupArn"]
    again = code_of(scheduler.create_schedule_group, Name="judge")
    judge.equal("a group is made once", again, "ConflictException")
    judge.equal("a group", scheduler.get_schedule_group(Name="judge")["State"], "ACTIVE")
    names = [one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]]
    judge.check("groups", {"default", "judge"} <= set(names), names)
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "more", "Value": "yes"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["more"])
    judge.equal("a group's tags", scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"], tags)
    scheduler.create_schedule(
        Name="in-group",
        GroupName="judge",
        ScheduleExpression="cron(0 9 ? * MON-FRI *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:eu-west-1:111122223333:q", "RoleArn": ROLE},
    )
    listed = scheduler.list_schedules(GroupName="judge", MaxResults=5)["Schedules"]
    judge.equal("schedules of a group", [one["Name"] for one in listed], ["in-group"])
    scheduler.delete_schedule_group(Name="judge")
    gone = code_of(scheduler.get_schedule_group, Name="judge")
    judge.equal("a group that is gone", gone, "ResourceNotFoundException")
    judge.equal("with its schedules", scheduler.list_schedules(GroupName="judge")["Schedules"], [])


def judge_tagging(judge: Judge, manifest: Mapping[str, Any]) -> None:
    tagging = client(manifest, "resourcegroupstaggingapi")
    topic, url, queue = made(manifest, GROUP)
    none = f"{queue}-none"
    failed = tagging.tag_resources(
        ResourceARNList=[topic, queue, none], Tags={"judge-team": "a", "judge-cost": "1"}
    )["FailedResourcesMap"]
    judge.equal("what cannot be tagged", list(failed), [none])
    filters = [{"Key": "judge-team", "Values": ["a", "b"]}]
    pages = tagging.get_paginator("get_resources").paginate(TagFilters=filters, ResourcesPerPage=1)
    found = [one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]]
    judge.equal("what has a tag", sorted(found), sorted([topic, queue]))
    found = tagging.get_resources(TagFilters=filters, ResourceTypeFilters=["sqs"])
    arns = [one["ResourceARN"] for one in found["ResourceTagMappingList"]]
    judge.equal("queues that have a tag", arns, [queue])
    keys = tagging.get_tag_keys()["TagKeys"]
    judge.check("keys", {"judge-team", "judge-cost"} <= set(keys), keys)
    judge.equal("values", tagging.get_tag_values(Key="judge-team")["TagValues"], ["a"])
    tagging.untag_resources(ResourceARNList=[topic], TagKeys=["judge-team"])
    tags = client(manifest, "sns").list_tags_for_resource(ResourceArn=topic)["Tags"]
    judge.equal("tags that are left", tags, [{"Key": "judge-cost", "Value": "1"}])
    removed(manifest, topic, url)


if __name__ == "__main__":
    raise SystemExit(main())
