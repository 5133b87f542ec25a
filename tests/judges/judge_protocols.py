"""Judges that CloudWatch and SQS of a running local SageMaker answer all of their protocols alike.

    python judge_protocols.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from typing import Any, List, Mapping, Tuple
from xml.etree import ElementTree

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
    with judge.section("forms to queues"):
        judge_forms(judge, manifest)
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


# The forms of SQS that older clients send; botocore knows them no more.
VERSION = "2012-11-05"


def sent(url: str, method: str = "POST", **fields: str) -> Tuple[int, ElementTree.Element]:
    """The status and the XML that a form is answered with."""
    form = urllib.parse.urlencode({"Version": VERSION, **fields})
    data = form.encode() if method == "POST" else None
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/sqs/aws4_request, "
        "SignedHeaders=host, Signature=none",
    }
    address = url if data else f"{url}/?{form}"
    request = urllib.request.Request(address, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, ElementTree.fromstring(error.read())


def texts(xml: ElementTree.Element, name: str) -> List[str]:
    """The texts of all elements of a name."""
    return [one.text or "" for one in xml.iter(f"{{http://queue.amazonaws.com/doc/{VERSION}/}}{name}")]


def judge_forms(judge: Judge, manifest: Mapping[str, Any]) -> None:
    here = manifest["url"]
    attribute = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "60"}
    tag = {"Tag.1.Key": "team", "Tag.1.Value": "a & b"}
    _, made = sent(here, Action="CreateQueue", QueueName="judge-forms", **attribute, **tag)
    url = texts(made, "QueueUrl")[0]
    judge.check("a form makes a queue", url.endswith("/judge-forms"), url)
    _, listed = sent(here, Action="ListQueues", QueueNamePrefix="judge-f")
    judge.equal("a form lists it", texts(listed, "QueueUrl"), [url])
    names = {"AttributeName.1": "VisibilityTimeout"}
    _, found = sent(url, Action="GetQueueAttributes", **names)
    judge.equal("its URL may be where the form is sent", texts(found, "Value"), ["60"])
    _, tags = sent(here, Action="ListQueueTags", QueueUrl=url)
    judge.equal("a form tells tags", (texts(tags, "Key"), texts(tags, "Value")), (["team"], ["a & b"]))
    own = {
        "MessageAttribute.1.Name": "n",
        "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "v",
    }
    _, one = sent(url, Action="SendMessage", MessageBody="<b>é", **own)
    entry = "SendMessageBatchRequestEntry"
    batch = {f"{entry}.1.Id": "a", f"{entry}.1.MessageBody": "x", f"{entry}.2.Id": "b", f"{entry}.2.MessageBody": "y"}
    _, many = sent(here, Action="SendMessageBatch", QueueUrl=url, **batch)
    judge.equal("a form sends many", texts(many, "Id"), ["a", "b"])
    asked = {"AttributeName.1": "All", "MessageAttributeName.1": "All", "MaxNumberOfMessages": "10"}
    _, taken = sent(here, Action="ReceiveMessage", QueueUrl=url, **asked)
    judge.equal("a form receives", texts(taken, "Body"), ["<b>é", "x", "y"])
    judge.equal("its digests", texts(taken, "MD5OfBody")[0], texts(one, "MD5OfMessageBody")[0])
    judge.equal("its attributes", texts(taken, "StringValue"), ["v"])
    entry = "DeleteMessageBatchRequestEntry"
    handles = enumerate(texts(taken, "ReceiptHandle"), start=1)
    gone = {}
    for number, handle in handles:
        gone |= {f"{entry}.{number}.Id": f"m{number}", f"{entry}.{number}.ReceiptHandle": handle}
    _, deleted = sent(here, Action="DeleteMessageBatch", QueueUrl=url, **gone)
    judge.equal("a form deletes many", len(texts(deleted, "Id")), 3)
    status, _ = sent(url, method="GET", Action="DeleteQueue")
    judge.equal("a form in place of a query", status, 200)
    status, refused = sent(here, Action="GetQueueUrl", QueueName="judge-forms")
    judge.equal("a queue that is gone", texts(refused, "Code"), ["AWS.SimpleQueueService.NonExistentQueue"])
    judge.equal("its status", status, 400)


if __name__ == "__main__":
    raise SystemExit(main())
