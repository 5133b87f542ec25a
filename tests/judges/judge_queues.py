"""Judges SQS of a running local SageMaker, as boto3 sees it.

    python judge_queues.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Dict, List, Mapping

from calls import client, code_of
from judging import Judge, read_manifest

# Seconds that a receiver waits at most.
WAIT = 10


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_queue, judge_batches, judge_waiting, judge_order, judge_dead):
        with judge.section(section.__name__):
            section(judge, manifest)
    return judge.finish()


def bodies(answer: Mapping[str, Any]) -> List[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


def judge_queue(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sqs = client(manifest, "sqs")
    url = sqs.create_queue(
        QueueName="judge", Attributes={"VisibilityTimeout": "60"}, tags={"team": "judges"}
    )["QueueUrl"]
    judge.check("a queue is at this server", url.startswith(manifest["url"]), url)
    judge.equal("a queue's URL by name", sqs.get_queue_url(QueueName="judge")["QueueUrl"], url)
    urls = sqs.list_queues(QueueNamePrefix="jud")["QueueUrls"]
    judge.check("a queue is listed", url in urls, urls)
    judge.equal("a queue's tags", sqs.list_queue_tags(QueueUrl=url)["Tags"], {"team": "judges"})
    sqs.tag_queue(QueueUrl=url, Tags={"more": "yes"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    judge.equal("changed tags", sqs.list_queue_tags(QueueUrl=url)["Tags"], {"more": "yes"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "30"})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    judge.equal("a changed attribute", attributes["VisibilityTimeout"], "30")
    judge.check("a queue's ARN", attributes["QueueArn"].endswith(":judge"), attributes)
    wrong = code_of(sqs.create_queue, QueueName="judge", Attributes={"VisibilityTimeout": "1"})
    judge.equal("a queue that is not alike", wrong, "QueueAlreadyExists")
    attribute = {
        "kind": {"DataType": "String", "StringValue": "tést"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="<a> & b", MessageAttributes=attribute)
    found = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )["Messages"][0]
    judge.equal("a message's body", found["Body"], "<a> & b")
    judge.equal("a message's id", found["MessageId"], sent["MessageId"])
    judge.equal("a message's attributes", found["MessageAttributes"], attribute)
    for name in ("MD5OfMessageAttributes",):
        judge.equal(f"a message's {name}", found[name], sent[name])
    judge.equal("receipts are counted", found["Attributes"]["ApproximateReceiveCount"], "1")
    handle = found["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    judge.equal("nothing is left", bodies(sqs.receive_message(QueueUrl=url)), [])
    refused = code_of(sqs.delete_message, QueueUrl=url, ReceiptHandle="x")
    judge.equal("a wrong receipt", refused, "ReceiptHandleIsInvalid")
    sqs.purge_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)
    try:
        sqs.get_queue_url(QueueName="judge")
        judge.check("a queue that is gone", False, "it is there")
    except sqs.exceptions.QueueDoesNotExist as gone:
        code = gone.response["Error"]["Code"]
        judge.equal("a queue that is gone", code, "AWS.SimpleQueueService.NonExistentQueue")


def judge_batches(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sqs = client(manifest, "sqs")
    url = sqs.create_queue(QueueName="judge-batches")["QueueUrl"]
    entries = [{"Id": f"m{n}", "MessageBody": f"body {n}"} for n in range(3)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    judge.equal("all are sent", [one["Id"] for one in sent["Successful"]], ["m0", "m1", "m2"])
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    judge.equal("all are received", bodies(found), ["body 0", "body 1", "body 2"])
    handles: List[Dict[str, Any]] = [
        {"Id": f"m{n}", "ReceiptHandle": one["ReceiptHandle"]}
        for n, one in enumerate(found["Messages"])
    ]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{**one, "VisibilityTimeout": 90} for one in handles]
    )
    judge.equal("all are hidden for longer", len(changed["Successful"]), 3)
    gone = sqs.delete_message_batch(
        QueueUrl=url, Entries=[*handles, {"Id": "wrong", "ReceiptHandle": "x"}]
    )
    judge.equal("all are deleted", len(gone["Successful"]), 3)
    judge.equal("what cannot be", [one["Id"] for one in gone["Failed"]], ["wrong"])
    sqs.delete_queue(QueueUrl=url)


def judge_waiting(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sqs = client(manifest, "sqs")
    url = sqs.create_queue(QueueName="judge-waiting")["QueueUrl"]
    start = time.monotonic()
    judge.equal("nobody sends", bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)), [])
    waited = time.monotonic() - start
    judge.check("a receiver waits as long as it asks to", 0.9 < waited < 5, waited)
    answers: List[Mapping[str, Any]] = []
    receiver = threading.Thread(
        target=lambda: answers.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=WAIT))
    )
    start = time.monotonic()
    receiver.start()
    client(manifest, "sqs").send_message(QueueUrl=url, MessageBody="at last")
    receiver.join(timeout=2 * WAIT)
    waited = time.monotonic() - start
    judge.equal("a receiver gets what comes", [bodies(one) for one in answers], [["at last"]])
    judge.check("a receiver is woken", waited < WAIT / 2, waited)
    sqs.delete_queue(QueueUrl=url)


def judge_order(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sqs = client(manifest, "sqs")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="judge.fifo", Attributes=attributes)["QueueUrl"]
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("a2", "a")):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)
    first = sqs.receive_message(QueueUrl=url)["Messages"][0]
    judge.equal("the first comes first", first["Body"], "a1")
    judge.equal("a group waits", bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)), ["b1"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    judge.equal("what is sent twice comes once", bodies(sqs.receive_message(QueueUrl=url)), ["a2"])
    sqs.delete_queue(QueueUrl=url)


def judge_dead(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sqs = client(manifest, "sqs")
    dead = sqs.create_queue(QueueName="judge-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(
        QueueName="judge-living", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    )["QueueUrl"]
    sources = sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]
    judge.equal("whose dead they are", sources, [url])
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    judge.equal("it is received once", bodies(sqs.receive_message(QueueUrl=url)), ["poison"])
    judge.equal("and not again", bodies(sqs.receive_message(QueueUrl=url)), [])
    judge.equal("it is with the dead", bodies(sqs.receive_message(QueueUrl=dead)), ["poison"])
    for one in (url, dead):
        sqs.delete_queue(QueueUrl=one)


if __name__ == "__main__":
    raise SystemExit(main())
