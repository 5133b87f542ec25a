"""Judges that CloudWatch of a running local SageMaker answers all of its protocols alike.

    python judge_protocols.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

from typing import Any, Mapping

from botocore.exceptions import ClientError

from calls import client, session_of
from judge_neighbours import ALARM
from judging import Judge, read_manifest

PROTOCOLS = ("smithy-rpc-v2-cbor", "json", "query")


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for protocol in PROTOCOLS:
        with judge.section(protocol):
            judge_alarm(judge, spoken(manifest, protocol), protocol)
    return judge.finish()


def spoken(manifest: Mapping[str, Any], protocol: str) -> Any:
    """A client that speaks one protocol, whatever else the model offers."""
    session = session_of(manifest["region"])
    loader = session._session.get_component("data_loader")
    model = loader.load_service_model("cloudwatch", "service-2")
    model["metadata"].update(protocol=protocol, protocols=[protocol])
    found = client(manifest, "cloudwatch", session=session)
    if found.meta.service_model.resolved_protocol != protocol:
        raise RuntimeError(f"the client speaks {found.meta.service_model.resolved_protocol}")
    return found


def judge_alarm(judge: Judge, cloudwatch: Any, protocol: str) -> None:
    alarm = {**ALARM, "AlarmName": "judge é & <b>", "Threshold": 2.5, "ActionsEnabled": False}
    cloudwatch.put_metric_alarm(**alarm, Tags=[{"Key": "team", "Value": "a & b"}])
    found = cloudwatch.describe_alarms(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"][0]
    for member, value in alarm.items():
        judge.equal(f"{protocol}: an alarm's {member}", found.get(member), value)
    judge.check(f"{protocol}: an alarm's time", found["StateUpdatedTimestamp"].year > 2000, found)
    tags = cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]
    judge.equal(f"{protocol}: an alarm's tags", tags, [{"Key": "team", "Value": "a & b"}])
    try:
        cloudwatch.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="a test")
        judge.check(f"{protocol}: a missing alarm", False, "it has a state")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        judge.equal(f"{protocol}: a missing alarm", code, "ResourceNotFound")
    cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])


if __name__ == "__main__":
    raise SystemExit(main())
