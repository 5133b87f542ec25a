"""Judges CloudWatch Logs of a running local SageMaker, as boto3 sees it.

    python judge_logs.py --manifest FILE

FILE is a JSON object with `url`, `region`, `account`, `bucket` and `endpoints`. What is made is taken away
again, but for a job.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping

from calls import client, code_of, fresh
from judging import Judge, read_manifest

# Seconds that a job may take, and that something said may take to be seen.
DEADLINE = 60
GROUP = "/aws/sagemaker/ProcessingJobs"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_groups, judge_streams, judge_events, judge_job, judge_endpoints):
        with judge.section(section.__name__):
            section(judge, manifest)
    return judge.finish()


def until(look: Callable[[], Any]) -> Any:
    """What is found, once it is something; whatever it is at the deadline."""
    end = time.monotonic() + DEADLINE
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def messages(answer: Mapping[str, Any]) -> List[str]:
    return [event["message"] for event in answer["events"]]


def judge_groups(judge: Judge, manifest: Mapping[str, Any]) -> None:
    logs = client(manifest, "logs")
    name = "/" + fresh("logs")
    logs.create_log_group(logGroupName=name, tags={"team": "judges"})
    again = code_of(logs.create_log_group, logGroupName=name)
    judge.equal("a group that is there", again, "ResourceAlreadyExistsException")
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    wrong = code_of(logs.put_retention_policy, logGroupName=name, retentionInDays=31)
    judge.equal("days that are none of the service's", wrong, "InvalidParameterException")
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    judge.equal("a group's days", [one.get("retentionInDays") for one in found], [30])
    logs.delete_retention_policy(logGroupName=name)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    judge.equal("a group without them", [one.get("retentionInDays") for one in found], [None])
    judge.check("a group's ARN", found[0]["arn"].endswith(f":log-group:{name}:*"), found)
    arn = found[0]["logGroupArn"]
    judge.equal("a group's tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"team": "judges"})
    logs.tag_resource(resourceArn=arn, tags={"more": "yes"})
    logs.untag_resource(resourceArn=arn, tagKeys=["team"])
    judge.equal("changed tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"more": "yes"})
    logs.delete_log_group(logGroupName=name)
    gone = code_of(logs.delete_log_group, logGroupName=name)
    judge.equal("a group that is gone", gone, "ResourceNotFoundException")


def judge_streams(judge: Judge, manifest: Mapping[str, Any]) -> None:
    logs = client(manifest, "logs")
    name = "/" + fresh("streams")
    logs.create_log_group(logGroupName=name)
    for stream in range(3):
        logs.create_log_stream(logGroupName=name, logStreamName=f"s/{stream}")
    again = code_of(logs.create_log_stream, logGroupName=name, logStreamName="s/0")
    judge.equal("a stream that is there", again, "ResourceAlreadyExistsException")
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=name, logStreamNamePrefix="s/", PaginationConfig={"PageSize": 2}
    )
    found = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    judge.equal("streams by page", found, ["s/0", "s/1", "s/2"])
    both = code_of(
        logs.describe_log_streams, logGroupName=name, orderBy="LastEventTime", logStreamNamePrefix="s"
    )
    judge.equal("a prefix by time", both, "InvalidParameterException")
    logs.delete_log_stream(logGroupName=name, logStreamName="s/0")
    left = logs.describe_log_streams(logGroupName=name)["logStreams"]
    judge.equal("streams that are left", len(left), 2)
    logs.delete_log_group(logGroupName=name)


def judge_events(judge: Judge, manifest: Mapping[str, Any]) -> None:
    logs = client(manifest, "logs")
    name = "/" + fresh("events")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + at, "message": f"line {at}"} for at in range(5)]
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    backwards = code_of(
        logs.put_log_events, logGroupName=name, logStreamName="s", logEvents=events[::-1]
    )
    judge.equal("events that are not in order", backwards, "InvalidParameterException")
    of: Dict[str, Any] = {"logGroupName": name, "logStreamName": "s"}
    first = logs.get_log_events(**of, startFromHead=True, limit=3)
    judge.equal("the first page", messages(first), ["line 0", "line 1", "line 2"])
    second = logs.get_log_events(**of, startFromHead=True, nextToken=first["nextForwardToken"])
    judge.equal("the second page", messages(second), ["line 3", "line 4"])
    end = logs.get_log_events(**of, startFromHead=True, nextToken=second["nextForwardToken"])
    judge.equal("the end", messages(end), [])
    judge.equal("its token", end["nextForwardToken"], second["nextForwardToken"])
    back = logs.get_log_events(**of, nextToken=second["nextBackwardToken"])
    judge.equal("the way back", messages(back), messages(first))
    judge.equal("the newest", messages(logs.get_log_events(**of, limit=2)), ["line 3", "line 4"])
    search = logs.get_paginator("filter_log_events")
    pages = search.paginate(
        logGroupName=name, filterPattern='line -"line 1"', PaginationConfig={"PageSize": 3}
    )
    found = [message for page in pages for message in messages(page)]
    judge.equal("what is searched for", found, ["line 0", "line 2", "line 3", "line 4"])
    refused = code_of(logs.filter_log_events, logGroupName=name, filterPattern="{ $.a = 1 }")
    judge.equal("a pattern that is not supported", refused, "InvalidParameterException")
    logs.delete_log_group(logGroupName=name)


def judge_job(judge: Judge, manifest: Mapping[str, Any]) -> None:
    """What a job says is there while it runs: it waits until that was seen."""
    sagemaker, logs = client(manifest, "sagemaker"), client(manifest, "logs")
    s3, name = client(manifest, "s3"), fresh("says")
    shell = (
        f"echo first; while ! python3 -c \"import os, urllib.request; urllib.request.urlopen("
        f"os.environ['AWS_ENDPOINT_URL'] + '/{manifest['bucket']}/{name}')\" 2>/dev/null; "
        "do sleep 0.1; done; echo last >&2"
    )
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=f"arn:aws:iam::{manifest['account']}:role/judge",
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["sh", "-c", shell]},
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
        },
        StoppingCondition={"MaxRuntimeInSeconds": DEADLINE},
    )

    def said() -> List[str]:
        if code_of(logs.describe_log_streams, logGroupName=GROUP):
            return []
        found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
        if not found:
            return []
        stream = found[0]["logStreamName"]
        return messages(logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True))

    judge.equal("what a running job says", until(said), ["first"])
    status = sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
    judge.equal("the job while it is read", status, "InProgress")
    s3.put_object(Bucket=manifest["bucket"], Key=name, Body=b"")

    def ended() -> str:
        status = sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
        return "" if status == "InProgress" else str(status)

    judge.equal("the job", until(ended), "Completed")
    judge.equal("all that it said", said(), ["first", "last"])
    streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    stream = streams[0]["logStreamName"].split("/")[1]
    judge.check("its stream's name", stream.startswith("algo-1-") and stream[7:].isdigit(), stream)
    s3.delete_object(Bucket=manifest["bucket"], Key=name)


def judge_endpoints(judge: Judge, manifest: Mapping[str, Any]) -> None:
    """Each instance of an endpoint has a stream."""
    logs = client(manifest, "logs")
    for endpoint in manifest["endpoints"]:
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        names = [stream["logStreamName"].split("/") for stream in streams]
        named = names and all(len(one) == 2 and one[1].startswith("i-") for one in names)
        judge.check(f"the streams of {endpoint}", named, names)


if __name__ == "__main__":
    raise SystemExit(main())
