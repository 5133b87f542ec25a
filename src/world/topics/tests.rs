//! Who is told what.

use serde_json::{Value, json};

use crate::world::tests::Bench;
use crate::world::work::{Done, Post, Work};

const ARN: &str = "arn:aws:sns:eu-west-1:111122223333";
const QUEUES: &str = "arn:aws:sqs:eu-west-1:111122223333";

/// A bench with a topic and a queue that subscribes to it.
fn told(attributes: Value) -> (Bench, String) {
    let mut bench = Bench::new();
    bench.ask("CreateTopic", json!({"Name": "t"}));
    bench.ask("CreateQueue", json!({"QueueName": "q"}));
    let subscription = bench.ask(
        "Subscribe",
        json!({"TopicArn": format!("{ARN}:t"), "Protocol": "sqs",
            "Endpoint": format!("{QUEUES}:q"), "Attributes": attributes}),
    );
    let arn = subscription["SubscriptionArn"].as_str().unwrap().to_owned();
    (bench, arn)
}

fn publish(bench: &mut Bench, message: &str, more: Value) -> Value {
    let mut body = json!({"TopicArn": format!("{ARN}:t"), "Message": message});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    bench.ask("Publish", body)
}

/// Takes all messages of a queue.
fn taken(bench: &mut Bench, queue: &str) -> Vec<Value> {
    let url = bench.ask("GetQueueUrl", json!({"QueueName": queue}))["QueueUrl"].clone();
    let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 10,
        "MessageAttributeNames": ["All"]});
    let answer = bench.ask("ReceiveMessage", request);
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn envelope(message: &Value) -> Value {
    serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()
}

fn posts(bench: &mut Bench) -> Vec<Post> {
    let work = bench.wait(0).into_iter();
    work.filter_map(|work| match work {
        Work::Post(post) => Some(post),
        _ => None,
    })
    .collect()
}

#[test]
fn a_queue_gets_an_envelope_or_the_message_alone() {
    let (mut bench, subscription) = told(json!({}));
    let attribute = json!({"kind": {"DataType": "String", "StringValue": "a"}});
    let more = json!({"Subject": "s", "MessageAttributes": attribute});
    let sent = publish(&mut bench, "hello", more.clone());
    let found = taken(&mut bench, "q");
    let body = envelope(&found[0]);
    assert_eq!(body["Type"], "Notification");
    assert_eq!(body["MessageId"], sent["MessageId"]);
    assert_eq!(
        (&body["Message"], &body["Subject"]),
        (&json!("hello"), &json!("s"))
    );
    assert_eq!(
        body["MessageAttributes"],
        json!({"kind": {"Type": "String", "Value": "a"}})
    );
    assert_eq!(
        body["Timestamp"].as_str().unwrap().len(),
        "2026-01-02T03:04:05.678Z".len()
    );
    assert_eq!(found[0].get("MessageAttributes"), None);
    bench.ask(
        "SetSubscriptionAttributes",
        json!({"SubscriptionArn": subscription, "AttributeName": "RawMessageDelivery",
            "AttributeValue": "true"}),
    );
    publish(&mut bench, "raw", more);
    let found = taken(&mut bench, "q");
    assert_eq!(found[0]["Body"], "raw");
    assert_eq!(found[0]["MessageAttributes"], attribute);
}

#[test]
fn a_message_can_differ_by_protocol() {
    let (mut bench, _) = told(json!({"RawMessageDelivery": "true"}));
    let message = json!({"default": "d", "sqs": "for queues"}).to_string();
    publish(&mut bench, &message, json!({"MessageStructure": "json"}));
    assert_eq!(taken(&mut bench, "q")[0]["Body"], "for queues");
    let wrong =
        json!({"TopicArn": format!("{ARN}:t"), "Message": "{}", "MessageStructure": "json"});
    bench.refused("Publish", wrong, "InvalidParameter", "No default entry");
}

#[test]
fn filters_let_pass_what_they_are_for() {
    let policy = json!({"store": ["a", {"prefix": "b"}], "price": [{"numeric": [">", 5]}]});
    let (mut bench, subscription) = told(json!({"FilterPolicy": policy.to_string(),
        "RawMessageDelivery": "true"}));
    let attributes = |store: &str, price: &str| {
        json!({"MessageAttributes": {
            "store": {"DataType": "String", "StringValue": store},
            "price": {"DataType": "Number", "StringValue": price},
        }})
    };
    publish(&mut bench, "1", attributes("a", "6"));
    publish(&mut bench, "2", attributes("bc", "5"));
    publish(&mut bench, "3", attributes("bc", "7.5"));
    publish(&mut bench, "4", json!({}));
    let stores = json!({"store": {"DataType": "String.Array", "StringValue": "[\"x\", \"a\"]"},
        "price": {"DataType": "Number", "StringValue": "9"}});
    publish(&mut bench, "5", json!({"MessageAttributes": stores}));
    let found = taken(&mut bench, "q");
    let bodies: Vec<_> = found.iter().map(|one| &one["Body"]).collect();
    assert_eq!(bodies, ["1", "3", "5"]);
    for (name, value) in [
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", "{\"state\": {\"to\": [\"on\"]}}"),
    ] {
        bench.ask(
            "SetSubscriptionAttributes",
            json!({"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}),
        );
    }
    publish(&mut bench, "{\"state\": {\"to\": \"on\"}}", json!({}));
    publish(&mut bench, "{\"state\": {\"to\": \"off\"}}", json!({}));
    publish(&mut bench, "no JSON", json!({}));
    assert_eq!(taken(&mut bench, "q").len(), 1);
    let wrong = json!({"SubscriptionArn": subscription, "AttributeName": "FilterPolicy",
        "AttributeValue": "{\"a\": [{\"else\": 1}]}"});
    bench.refused(
        "SetSubscriptionAttributes",
        wrong,
        "InvalidParameter",
        "Unrecognized match type",
    );
}

#[test]
fn an_endpoint_on_the_web_confirms_and_is_told() {
    let mut bench = Bench::new();
    bench.ask("CreateTopic", json!({"Name": "t"}));
    let endpoint = "http://127.0.0.1:9/hook";
    let subscribe = json!({"TopicArn": format!("{ARN}:t"), "Protocol": "http", "Endpoint": endpoint,
        "ReturnSubscriptionArn": true});
    let subscription = bench.ask("Subscribe", subscribe)["SubscriptionArn"].clone();
    let asked = posts(&mut bench).remove(0);
    assert_eq!(
        asked.headers["x-amz-sns-message-type"],
        "SubscriptionConfirmation"
    );
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    publish(&mut bench, "too early", json!({}));
    assert_eq!(posts(&mut bench), []);
    let confirm = |token: &Value| json!({"TopicArn": format!("{ARN}:t"), "Token": token});
    bench.refused(
        "ConfirmSubscription",
        confirm(&json!("x")),
        "InvalidParameter",
        "Token",
    );
    let confirmed = bench.ask("ConfirmSubscription", confirm(&body["Token"]));
    assert_eq!(confirmed["SubscriptionArn"], subscription);
    publish(&mut bench, "hello", json!({}));
    let told = posts(&mut bench).remove(0);
    assert_eq!(told.url, endpoint);
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(body["Message"], "hello");
    let restarted = bench.world.restart();
    assert!(
        restarted.contains(&Work::Post(told.clone())),
        "it may not have arrived"
    );
    for id in [asked.id, told.id] {
        bench
            .world
            .finish(bench.now, Done::Post { id, failure: None });
    }
    assert_eq!(bench.world.outstanding(), []);
}

#[test]
fn what_cannot_be_delivered_goes_where_it_is_said() {
    let policy = json!({"deadLetterTargetArn": format!("{QUEUES}:dead")}).to_string();
    let (mut bench, _) = told(json!({"RedrivePolicy": policy, "RawMessageDelivery": "true"}));
    bench.ask("CreateQueue", json!({"QueueName": "dead"}));
    let url = bench.ask("GetQueueUrl", json!({"QueueName": "q"}))["QueueUrl"].clone();
    bench.ask("DeleteQueue", json!({"QueueUrl": url}));
    publish(&mut bench, "lost", json!({}));
    assert_eq!(taken(&mut bench, "dead")[0]["Body"], "lost");
}

#[test]
fn a_topic_in_order_feeds_a_queue_in_order() {
    let mut bench = Bench::new();
    bench.ask(
        "CreateTopic",
        json!({"Name": "t.fifo", "Attributes": {"FifoTopic": "true",
        "ContentBasedDeduplication": "true"}}),
    );
    bench.ask(
        "CreateQueue",
        json!({"QueueName": "q.fifo", "Attributes": {"FifoQueue": "true"}}),
    );
    bench.ask(
        "Subscribe",
        json!({"TopicArn": format!("{ARN}:t.fifo"), "Protocol": "sqs",
        "Endpoint": format!("{QUEUES}:q.fifo"), "Attributes": {"RawMessageDelivery": "true"}}),
    );
    let arn = format!("{ARN}:t.fifo");
    let message =
        |message: &str| json!({"TopicArn": arn, "Message": message, "MessageGroupId": "g"});
    for text in ["a", "a", "b"] {
        assert!(bench.ask("Publish", message(text))["SequenceNumber"].is_string());
    }
    let found = taken(&mut bench, "q.fifo");
    let bodies: Vec<_> = found.iter().map(|one| &one["Body"]).collect();
    assert_eq!(bodies, ["a", "b"]);
    let lone = json!({"TopicArn": arn, "Message": "a"});
    bench.refused("Publish", lone, "InvalidParameter", "MessageGroupId");
}

#[test]
fn a_batch_is_published_one_by_one() {
    let (mut bench, subscription) = told(json!({"RawMessageDelivery": "true"}));
    let entries = json!([{"Id": "a", "Message": "1"}, {"Id": "b", "Message": ""}]);
    let answer = bench.ask(
        "PublishBatch",
        json!({"TopicArn": format!("{ARN}:t"), "PublishBatchRequestEntries": entries}),
    );
    assert_eq!(answer["Successful"][0]["Id"], "a");
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameter");
    assert_eq!(taken(&mut bench, "q").len(), 1);
    let all = bench.ask("ListSubscriptions", json!({}))["Subscriptions"].clone();
    assert_eq!(all[0]["SubscriptionArn"], subscription.as_str());
    let about = json!({"SubscriptionArn": subscription});
    let shown = bench.ask("GetSubscriptionAttributes", about.clone())["Attributes"].clone();
    assert_eq!(shown["PendingConfirmation"], "false");
    assert_eq!(shown["RawMessageDelivery"], "true");
    let odd = json!({"SubscriptionArn": "a"});
    bench.refused("Unsubscribe", odd, "InvalidParameter", "SubscriptionArn");
    bench.ask("Unsubscribe", about.clone());
    bench.refused(
        "GetSubscriptionAttributes",
        about,
        "NotFound",
        "does not exist",
    );
    for op in ["ListTopics", "ListSubscriptions"] {
        let odd = json!({"NextToken": "a"});
        bench.refused(op, odd, "InvalidParameter", "NextToken");
    }
    let none = json!({"TopicArn": format!("{ARN}:none"), "Message": "a"});
    bench.refused("Publish", none, "NotFound", "does not exist");
}
