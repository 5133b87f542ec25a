"""Judges what SNS of a running local SageMaker tells whom, as boto3 sees it.

    python judge_topics.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

import http.server
import json
import queue
import threading
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Mapping, Tuple

from calls import client, code_of
from judging import Judge, read_manifest

# Seconds that something may take to arrive.
DEADLINE = 20


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_queues, judge_filters, judge_web):
        with judge.section(section.__name__):
            section(judge, manifest)
    return judge.finish()


def made(manifest: Mapping[str, Any], name: str) -> Tuple[str, str, str]:
    """A topic's ARN, and the URL and the ARN of a queue of the same name."""
    sns, sqs = client(manifest, "sns"), client(manifest, "sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return topic, url, attributes["QueueArn"]


def received(manifest: Mapping[str, Any], url: str) -> List[Dict[str, Any]]:
    answer = client(manifest, "sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def removed(manifest: Mapping[str, Any], topic: str, url: str) -> None:
    client(manifest, "sns").delete_topic(TopicArn=topic)
    client(manifest, "sqs").delete_queue(QueueUrl=url)


def judge_queues(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sns = client(manifest, "sns")
    topic, url, queue_arn = made(manifest, "judge-told")
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)["SubscriptionArn"]
    listed = [one["SubscriptionArn"] for one in sns.list_subscriptions()["Subscriptions"]]
    judge.check("a subscription is listed", arn in listed, listed)
    attribute = {
        "kind": {"DataType": "String", "StringValue": "a & b"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sns.publish(
        TopicArn=topic, Subject="S", Message="hello <you>", MessageAttributes=attribute
    )
    body = json.loads(received(manifest, url)[0]["Body"])
    judge.equal("a message's id", body["MessageId"], sent["MessageId"])
    judge.equal("a message", (body["Message"], body["Subject"]), ("hello <you>", "S"))
    shown = body["MessageAttributes"]["kind"]
    judge.equal("a message's attribute", shown, {"Type": "String", "Value": "a & b"})
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    judge.equal("a changed attribute", attributes["RawMessageDelivery"], "true")
    batch = [{"Id": "a", "Message": "1", "MessageAttributes": attribute}, {"Id": "b", "Message": "2"}]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=batch)
    judge.equal("a batch", [one["Id"] for one in answer["Successful"]], ["a", "b"])
    raw = received(manifest, url)
    judge.equal("raw messages", [one["Body"] for one in raw], ["1", "2"])
    judge.equal("their attributes", raw[0].get("MessageAttributes"), attribute)
    sns.unsubscribe(SubscriptionArn=arn)
    sns.publish(TopicArn=topic, Message="unheard")
    judge.equal("who has gone is not told", received(manifest, url), [])
    removed(manifest, topic, url)
    judge.equal("a topic that is gone", code_of(sns.publish, TopicArn=topic, Message="a"), "NotFound")


def judge_filters(judge: Judge, manifest: Mapping[str, Any]) -> None:
    sns = client(manifest, "sns")
    topic, url, queue_arn = made(manifest, "judge-filtered")
    policy = {"kind": ["a", {"prefix": "b"}], "size": [{"numeric": [">=", 2]}]}
    attributes = {"FilterPolicy": json.dumps(policy), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes)
    for kind, size in (("a", "2"), ("a", "1"), ("bb", "3"), ("c", "3")):
        attribute = {
            "kind": {"DataType": "String", "StringValue": kind},
            "size": {"DataType": "Number", "StringValue": size},
        }
        sns.publish(TopicArn=topic, Message=f"{kind}{size}", MessageAttributes=attribute)
    found = [one["Body"] for one in received(manifest, url)]
    judge.equal("what a filter lets pass", found, ["a2", "bb3"])
    wrong = code_of(
        sns.subscribe,
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue_arn,
        Attributes={"FilterPolicy": "{"},
    )
    judge.equal("a filter that is none", wrong, "InvalidParameter")
    removed(manifest, topic, url)


def judge_web(judge: Judge, manifest: Mapping[str, Any]) -> None:
    """Confirms by the link that the endpoint was sent; the first message is not taken at once."""
    told: "queue.Queue[Dict[str, Any]]" = queue.Queue()
    refused = iter([False, True])

    class Endpoint(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            no = next(refused, False)
            self.send_response(503 if no else 200)
            self.end_headers()
            if not no:
                told.put({"type": self.headers["x-amz-sns-message-type"], **json.loads(body)})

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sns = client(manifest, "sns")
    topic = sns.create_topic(Name="judge-web")["TopicArn"]
    endpoint = f"http://127.0.0.1:{server.server_port}/hook"
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    judge.equal("an endpoint confirms first", answer["SubscriptionArn"], "pending confirmation")
    asked = told.get(timeout=DEADLINE)
    judge.equal("it is asked to", asked["type"], "SubscriptionConfirmation")
    wrong = code_of(sns.confirm_subscription, TopicArn=topic, Token="x")
    judge.equal("a wrong token", wrong, "InvalidParameter")
    link = asked["SubscribeURL"]
    judge.check("the link leads to this server", link.startswith(manifest["url"]), link)
    with urllib.request.urlopen(link, timeout=DEADLINE) as page:
        judge.check("the link confirms", b"SubscriptionArn" in page.read())
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["Token"][0]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    judge.check("and so does the token", arn.startswith(topic), arn)
    sns.publish(TopicArn=topic, Message="hello")
    judge.equal("what is refused comes again", told.get(timeout=DEADLINE)["Message"], "hello")
    sns.delete_topic(TopicArn=topic)
    server.shutdown()


if __name__ == "__main__":
    raise SystemExit(main())
