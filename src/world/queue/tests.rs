//! Queues over a clock.

use serde_json::{Value, json};

use crate::limits::{QUEUE_FLIGHT_MAX, QUEUE_MESSAGES_MAX, QUEUES_MAX};
use crate::resource::call::Call;
use crate::world::tests::{Bench, scope};

/// A bench with a queue, and its URL.
fn queue(name: &str, attributes: Value) -> (Bench, String) {
    let mut bench = Bench::new();
    let url = make(&mut bench, name, attributes);
    (bench, url)
}

fn make(bench: &mut Bench, name: &str, attributes: Value) -> String {
    let body = json!({"QueueName": name, "Attributes": attributes});
    let made = bench.ask("CreateQueue", body);
    made["QueueUrl"].as_str().unwrap().to_owned()
}

fn send(bench: &mut Bench, url: &str, body: &str, more: Value) -> Value {
    let mut request = json!({"QueueUrl": url, "MessageBody": body});
    request
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    bench.ask("SendMessage", request)
}

fn receive(bench: &mut Bench, url: &str) -> Vec<Value> {
    let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 10,
        "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]});
    let answer = bench.ask("ReceiveMessage", request);
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn bodies(messages: &[Value]) -> Vec<&str> {
    let bodies = messages
        .iter()
        .map(|message| message["Body"].as_str().unwrap());
    bodies.collect()
}

fn drop_it(bench: &mut Bench, url: &str, message: &Value) {
    bench.ask(
        "DeleteMessage",
        json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}),
    );
}

fn counts(bench: &mut Bench, url: &str) -> [String; 3] {
    let request = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let found = bench.ask("GetQueueAttributes", request)["Attributes"].clone();
    ["", "NotVisible", "Delayed"].map(|kind| {
        let name = format!("ApproximateNumberOfMessages{kind}");
        found[name].as_str().unwrap().to_owned()
    })
}

#[test]
fn a_message_is_hidden_until_it_is_deleted_or_comes_back() {
    let (mut bench, url) = queue("q", json!({"VisibilityTimeout": "20"}));
    let sent = send(&mut bench, &url, "hello", json!({}));
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let first = receive(&mut bench, &url);
    assert_eq!(bodies(&first), ["hello"]);
    assert_eq!(first[0]["MessageId"], sent["MessageId"]);
    assert_eq!(first[0]["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(counts(&mut bench, &url), ["0", "1", "0"]);
    bench.wait(19);
    assert_eq!(receive(&mut bench, &url), [] as [Value; 0]);
    bench.wait(1);
    let second = receive(&mut bench, &url);
    assert_eq!(second[0]["Attributes"]["ApproximateReceiveCount"], "2");
    drop_it(&mut bench, &url, &second[0]);
    drop_it(&mut bench, &url, &second[0]);
    bench.wait(60);
    assert_eq!(receive(&mut bench, &url), [] as [Value; 0]);
}

#[test]
fn visibility_is_changed_by_the_newest_receipt_only() {
    let (mut bench, url) = queue("q", json!({}));
    send(&mut bench, &url, "a", json!({}));
    let message = receive(&mut bench, &url).remove(0);
    let change = |seconds: i64| {
        json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"],
            "VisibilityTimeout": seconds})
    };
    bench.ask("ChangeMessageVisibility", change(0));
    let again = receive(&mut bench, &url);
    assert_eq!(bodies(&again), ["a"]);
    bench.refused(
        "ChangeMessageVisibility",
        change(5),
        "MessageNotInflight",
        "not available",
    );
    bench.refused(
        "ChangeMessageVisibility",
        change(43_201),
        "InvalidParameterValue",
        "between 0 and 43200",
    );
    let wrong = json!({"QueueUrl": url, "ReceiptHandle": "x"});
    bench.refused(
        "DeleteMessage",
        wrong,
        "ReceiptHandleIsInvalid",
        "not a valid",
    );
}

#[test]
fn messages_wait_for_their_delay_and_go_after_their_time() {
    let kept = json!({"DelaySeconds": "5", "MessageRetentionPeriod": "60"});
    let (mut bench, url) = queue("q", kept);
    send(&mut bench, &url, "late", json!({}));
    send(&mut bench, &url, "now", json!({"DelaySeconds": 0}));
    assert_eq!(counts(&mut bench, &url), ["1", "0", "1"]);
    assert_eq!(bodies(&receive(&mut bench, &url)), ["now"]);
    bench.wait(5);
    assert_eq!(bodies(&receive(&mut bench, &url)), ["late"]);
    bench.wait(55);
    assert_eq!(counts(&mut bench, &url), ["0", "0", "0"]);
    assert_eq!(receive(&mut bench, &url), [] as [Value; 0]);
}

#[test]
fn attributes_are_shown_to_whom_asks_for_them() {
    let (mut bench, url) = queue("q", json!({}));
    let attributes = json!({
        "trace.a": {"DataType": "String", "StringValue": "1"},
        "trace.b": {"DataType": "Binary", "BinaryValue": "AQID"},
        "else": {"DataType": "Number.int", "StringValue": "7"},
    });
    let sent = send(
        &mut bench,
        &url,
        "a",
        json!({"MessageAttributes": attributes}),
    );
    let ask = |names: Value| json!({"QueueUrl": url, "VisibilityTimeout": 0, "MessageAttributeNames": names});
    let found = bench.ask("ReceiveMessage", ask(json!(["All"])))["Messages"][0].clone();
    assert_eq!(found["MessageAttributes"], attributes);
    assert_eq!(
        found["MD5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    assert_eq!(found.get("Attributes"), None);
    let found = bench.ask("ReceiveMessage", ask(json!(["trace.*"])))["Messages"][0].clone();
    assert_eq!(found["MessageAttributes"].as_object().unwrap().len(), 2);
    assert_ne!(
        found["MD5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    let found = bench.ask("ReceiveMessage", ask(json!([])))["Messages"][0].clone();
    assert_eq!(found.get("MessageAttributes"), None);
}

#[test]
fn groups_come_in_order_and_one_at_a_time() {
    let (mut bench, url) = queue("q.fifo", json!({"FifoQueue": "true"}));
    for (body, group) in [("a1", "a"), ("b1", "b"), ("a2", "a")] {
        let more = json!({"MessageGroupId": group, "MessageDeduplicationId": body});
        let sent = send(&mut bench, &url, body, more);
        assert_eq!(sent["SequenceNumber"].as_str().unwrap().len(), 20);
    }
    let one = json!({"QueueUrl": url});
    let first = bench.ask("ReceiveMessage", one.clone())["Messages"][0].clone();
    assert_eq!(first["Body"], "a1");
    let second = bench.ask("ReceiveMessage", one)["Messages"][0].clone();
    assert_eq!(second["Body"], "b1", "a group in flight waits");
    assert_eq!(receive(&mut bench, &url), [] as [Value; 0]);
    drop_it(&mut bench, &url, &first);
    let third = receive(&mut bench, &url);
    assert_eq!(bodies(&third), ["a2"]);
    assert_eq!(third[0]["Attributes"]["MessageGroupId"], "a");
    bench.wait(30);
    assert_eq!(bodies(&receive(&mut bench, &url)), ["b1", "a2"]);
    bench.refused(
        "DeleteMessage",
        json!({"QueueUrl": url, "ReceiptHandle": second["ReceiptHandle"]}),
        "InvalidParameterValue",
        "expired",
    );
}

#[test]
fn what_is_sent_twice_within_five_minutes_is_sent_once() {
    let attributes = json!({"FifoQueue": "true", "ContentBasedDeduplication": "true"});
    let (mut bench, url) = queue("q.fifo", attributes);
    let group = json!({"MessageGroupId": "g"});
    let first = send(&mut bench, &url, "a", group.clone());
    assert_eq!(send(&mut bench, &url, "a", group.clone()), first);
    let other = json!({"MessageGroupId": "g", "MessageDeduplicationId": "other"});
    send(&mut bench, &url, "a", other);
    let found = receive(&mut bench, &url);
    assert_eq!(bodies(&found), ["a", "a"]);
    for message in &found {
        drop_it(&mut bench, &url, message);
    }
    bench.wait(299);
    send(&mut bench, &url, "a", group.clone());
    assert_eq!(
        receive(&mut bench, &url),
        [] as [Value; 0],
        "a deletion does not change that"
    );
    bench.wait(1);
    send(&mut bench, &url, "a", group);
    assert_eq!(bodies(&receive(&mut bench, &url)), ["a"]);
}

#[test]
fn what_was_received_too_often_goes_to_the_dead() {
    let (mut bench, dead) = queue("dead", json!({}));
    let policy = json!({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111122223333:dead",
        "maxReceiveCount": 2});
    let attributes = json!({"RedrivePolicy": policy.to_string(), "VisibilityTimeout": "0"});
    let url = make(&mut bench, "q", attributes);
    send(&mut bench, &url, "poison", json!({}));
    send(&mut bench, &url, "good", json!({"DelaySeconds": 1}));
    for _ in 0..2 {
        assert_eq!(bodies(&receive(&mut bench, &url)), ["poison"]);
    }
    bench.wait(1);
    assert_eq!(bodies(&receive(&mut bench, &url)), ["good"]);
    let found = receive(&mut bench, &dead);
    assert_eq!(bodies(&found), ["poison"]);
    let source = &found[0]["Attributes"]["DeadLetterQueueSourceArn"];
    assert_eq!(source, "arn:aws:sqs:eu-west-1:111122223333:q");
    let sources = bench.ask("ListDeadLetterSourceQueues", json!({"QueueUrl": dead}));
    assert_eq!(sources["queueUrls"], json!([url]));
}

#[test]
fn a_queue_is_made_once_changed_listed_tagged_purged_and_deleted() {
    let (mut bench, url) = queue("q", json!({"DelaySeconds": "1"}));
    assert_eq!(make(&mut bench, "q", json!({"DelaySeconds": "1"})), url);
    bench.refused(
        "CreateQueue",
        json!({"QueueName": "q", "Attributes": {"DelaySeconds": "2"}}),
        "QueueNameExists",
        "attribute DelaySeconds",
    );
    make(&mut bench, "other", json!({}));
    let listed = bench.ask("ListQueues", json!({"QueueNamePrefix": "q"}));
    assert_eq!(listed["QueueUrls"], json!([url]));
    for wanted in [0, 1001] {
        let odd = json!({"MaxResults": wanted});
        bench.refused("ListQueues", odd, "InvalidParameterValue", "MaxResults");
    }
    let set = json!({"QueueUrl": url, "Attributes": {"DelaySeconds": "0"}});
    bench.ask("SetQueueAttributes", set);
    let shown = json!({"QueueUrl": url, "AttributeNames": ["DelaySeconds", "QueueArn"]});
    assert_eq!(
        bench.ask("GetQueueAttributes", shown)["Attributes"],
        json!({"DelaySeconds": "0", "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:q"})
    );
    bench.ask(
        "TagQueue",
        json!({"QueueUrl": url, "Tags": {"a": "b", "c": "d"}}),
    );
    bench.ask("UntagQueue", json!({"QueueUrl": url, "TagKeys": ["a"]}));
    let tags = bench.ask("ListQueueTags", json!({"QueueUrl": url}));
    assert_eq!(tags, json!({"Tags": {"c": "d"}}));
    send(&mut bench, &url, "a", json!({}));
    bench.ask("PurgeQueue", json!({"QueueUrl": url}));
    assert_eq!(counts(&mut bench, &url), ["0", "0", "0"]);
    bench.refused(
        "PurgeQueue",
        json!({"QueueUrl": url}),
        "PurgeQueueInProgress",
        "60 seconds",
    );
    bench.ask("DeleteQueue", json!({"QueueUrl": url}));
    bench.refused(
        "GetQueueUrl",
        json!({"QueueName": "q"}),
        "QueueDoesNotExist",
        "does not exist",
    );
}

#[test]
fn what_no_queue_takes_is_refused() {
    let (mut bench, url) = queue("q", json!({}));
    for (attributes, code) in [
        (json!({"DelaySeconds": "901"}), "InvalidAttributeValue"),
        (json!({"RedrivePolicy": "{}"}), "InvalidAttributeValue"),
        (
            json!({"ContentBasedDeduplication": "true"}),
            "InvalidAttributeName",
        ),
        (json!({"FifoQueue": "true"}), "InvalidParameterValue"),
    ] {
        let body = json!({"QueueName": "new", "Attributes": attributes});
        bench.refused("CreateQueue", body, code, "");
    }
    let fifo = make(&mut bench, "f.fifo", json!({"FifoQueue": "true"}));
    let message = |url: &str, more: Value| {
        let mut body = json!({"QueueUrl": url, "MessageBody": "a"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    for (url, more, code) in [
        (
            &url,
            json!({"MessageBody": "a\u{0}"}),
            "InvalidMessageContents",
        ),
        (
            &url,
            json!({"MessageBody": "x".repeat(1_048_577)}),
            "InvalidParameterValue",
        ),
        (&url, json!({"DelaySeconds": 901}), "InvalidParameterValue"),
        (
            &url,
            json!({"MessageDeduplicationId": "a"}),
            "InvalidParameterValue",
        ),
        (
            &url,
            json!({"MessageAttributes": {"a": {"DataType": "Else"}}}),
            "InvalidParameterValue",
        ),
        (&fifo, json!({}), "MissingParameter"),
        (
            &fifo,
            json!({"MessageGroupId": "g"}),
            "InvalidParameterValue",
        ),
    ] {
        bench.refused("SendMessage", message(url, more), code, "");
    }
}

#[test]
fn a_batch_has_an_outcome_for_each() {
    let (mut bench, url) = queue("q", json!({}));
    let entries = json!([{"Id": "good", "MessageBody": "a"}, {"Id": "bad", "MessageBody": ""}]);
    let answer = bench.ask(
        "SendMessageBatch",
        json!({"QueueUrl": url, "Entries": entries}),
    );
    assert_eq!(answer["Successful"][0]["Id"], "good");
    assert_eq!(answer["Failed"][0]["Code"], "MissingParameter");
    let found = receive(&mut bench, &url);
    let handle = &found[0]["ReceiptHandle"];
    let entries = json!([{"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 5}]);
    let changed = bench.ask(
        "ChangeMessageVisibilityBatch",
        json!({"QueueUrl": url, "Entries": entries}),
    );
    assert_eq!(changed["Successful"], json!([{"Id": "a"}]));
    let entries = json!([{"Id": "a", "ReceiptHandle": handle}, {"Id": "b", "ReceiptHandle": "x"}]);
    let gone = bench.ask(
        "DeleteMessageBatch",
        json!({"QueueUrl": url, "Entries": entries}),
    );
    assert_eq!(gone["Successful"], json!([{"Id": "a"}]));
    assert_eq!(gone["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    let ids = |ids: &[&str]| {
        let entries: Vec<_> = ids
            .iter()
            .map(|id| json!({"Id": id, "MessageBody": "a"}))
            .collect();
        json!({"QueueUrl": url, "Entries": entries})
    };
    for (ids, code) in [
        (ids(&[]), "EmptyBatchRequest"),
        (ids(&["a", "a"]), "BatchEntryIdsNotDistinct"),
        (ids(&["a b"]), "InvalidBatchEntryId"),
        (ids(&["a"; 11]), "TooManyEntriesInBatchRequest"),
    ] {
        bench.refused("SendMessageBatch", ids, code, "");
    }
}

#[test]
fn a_receiver_is_told_how_long_to_wait_and_for_what() {
    let (mut bench, url) = queue("q", json!({"ReceiveMessageWaitTimeSeconds": "3"}));
    let call = |body: Value| Call::new("ReceiveMessage", &scope(), body);
    let plain = call(json!({"QueueUrl": url}));
    assert_eq!(bench.world.patience(&plain).unwrap().as_secs(), 3);
    let none = call(json!({"QueueUrl": url, "WaitTimeSeconds": 0}));
    assert_eq!(bench.world.patience(&none), None);
    assert_eq!(bench.world.receives(&plain, bench.now), Err(None));
    send(&mut bench, &url, "a", json!({}));
    assert_eq!(bench.world.receives(&plain, bench.now), Ok(()));
    receive(&mut bench, &url);
    let back = bench.now + crate::clock::SignedDuration::from_secs(30);
    assert_eq!(bench.world.receives(&plain, bench.now), Err(Some(back)));
    assert_eq!(bench.world.receives(&plain, back), Ok(()));
}

#[test]
fn queues_have_bounds() {
    let (mut bench, url) = queue("q", json!({}));
    for _ in 0..QUEUE_MESSAGES_MAX {
        send(&mut bench, &url, "a", json!({}));
    }
    let one = json!({"QueueUrl": url, "MessageBody": "a"});
    bench.refused("SendMessage", one, "OverLimit", "too many messages");
    for _ in 0..QUEUE_FLIGHT_MAX.div_ceil(10) {
        receive(&mut bench, &url);
    }
    bench.refused(
        "ReceiveMessage",
        json!({"QueueUrl": url}),
        "OverLimit",
        "in flight",
    );
    for number in 1..QUEUES_MAX {
        make(&mut bench, &format!("q{number}"), json!({}));
    }
    bench.refused(
        "CreateQueue",
        json!({"QueueName": "more"}),
        "OverLimit",
        "too many queues",
    );
}
