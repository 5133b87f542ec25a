//! What a bucket tells, and what it refuses to.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::limits::{NOTIFICATION_RULES_MAX, OBJECT_CHANGES_MAX};
use crate::resource::call::{Call, Scope};
use crate::world::objects::notifications::{Notifications, Rule};
use crate::world::objects::{Versioning, Wanted};
use crate::world::queue::is_in_order;
use crate::world::{Pace, World};

const BUCKET: &str = "sagemaker-eu-west-1-111122223333";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:q";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:t";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn ask(world: &mut World, op: &'static str, body: Value) -> Value {
    world.call(NOW, &Call::new(op, &scope(), body)).unwrap()
}

fn world() -> World {
    let mut world = World::new(Pace::simulated());
    for name in ["q", "q.fifo"] {
        let fifo = is_in_order(name);
        let attributes = if fifo {
            json!({"FifoQueue": "true"})
        } else {
            json!({})
        };
        ask(
            &mut world,
            "CreateQueue",
            json!({"QueueName": name, "Attributes": attributes}),
        );
    }
    ask(&mut world, "CreateTopic", json!({"Name": "t"}));
    world
}

fn rule(to: &str, event: &str) -> Rule {
    Rule {
        id: String::new(),
        to: to.to_owned(),
        events: vec![event.to_owned()],
        prefix: None,
        suffix: None,
    }
}

fn set(world: &mut World, rules: Vec<Rule>) -> Result<(), String> {
    let notifications = Notifications {
        rules,
        event_bridge: false,
    };
    let set = world.put_notifications(NOW, BUCKET, notifications);
    set.map_err(|error| format!("{}: {}", error.code, error.message))
}

fn told(world: &mut World) -> Vec<Value> {
    let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/q";
    let found = ask(
        world,
        "ReceiveMessage",
        json!({"QueueUrl": url, "MaxNumberOfMessages": 10}),
    );
    let messages = found["Messages"].as_array().cloned().unwrap_or_default();
    messages
        .iter()
        .map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
        .collect()
}

fn put(world: &mut World, key: &str) {
    world.write_objects(NOW, |objects| {
        objects
            .put(BUCKET, key, Arc::from(&b"hello"[..]), NOW)
            .unwrap();
    });
}

#[test]
fn a_queue_is_told_of_what_its_rule_is_for() {
    let mut world = world();
    let mut images = rule(QUEUE, "s3:ObjectCreated:*");
    images.id = "images".to_owned();
    images.prefix = Some("in/".to_owned());
    images.suffix = Some(".csv".to_owned());
    set(&mut world, vec![images]).unwrap();
    let test = told(&mut world).remove(0);
    assert_eq!(
        (&test["Event"], &test["Bucket"]),
        (&json!("s3:TestEvent"), &json!(BUCKET))
    );
    for key in ["in/a b+ü.csv", "in/a.txt", "out/a.csv"] {
        put(&mut world, key);
    }
    let mut records = told(&mut world);
    assert_eq!(records.len(), 1);
    let record = records.remove(0)["Records"][0].take();
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["eventTime"], "1970-01-01T00:00:00.000Z");
    assert_eq!(record["s3"]["configurationId"], "images");
    assert_eq!(
        record["s3"]["bucket"]["arn"],
        format!("arn:aws:s3:::{BUCKET}")
    );
    let object = &record["s3"]["object"];
    assert_eq!(object["key"], "in/a+b%2B%C3%BC.csv");
    assert_eq!(
        (&object["size"], object.get("versionId")),
        (&json!(5), None)
    );
}

#[test]
fn deletions_and_copies_are_told_apart() {
    let mut world = world();
    let events = ["s3:ObjectRemoved:*", "s3:ObjectCreated:Copy"];
    let mut both = rule(QUEUE, events[0]);
    both.events = events.map(str::to_owned).to_vec();
    set(&mut world, vec![both]).unwrap();
    told(&mut world);
    put(&mut world, "k");
    world.write_objects(NOW, |objects| {
        objects.copy((BUCKET, "k"), (BUCKET, "l"), NOW).unwrap();
        objects.delete(BUCKET, "k", NOW).unwrap();
        objects.delete(BUCKET, "none", NOW).unwrap();
        objects
            .set_versioning(BUCKET, Versioning::Enabled, NOW)
            .unwrap();
        objects.delete(BUCKET, "l", NOW).unwrap();
        objects.delete_version(BUCKET, "l", "null", NOW).unwrap();
    });
    let records = told(&mut world);
    let names: Vec<&Value> = records
        .iter()
        .map(|one| &one["Records"][0]["eventName"])
        .collect();
    assert_eq!(
        names,
        [
            "ObjectCreated:Copy",
            "ObjectRemoved:Delete",
            "ObjectRemoved:DeleteMarkerCreated",
            "ObjectRemoved:Delete"
        ]
    );
    let sequence = |at: usize| records[at]["Records"][0]["s3"]["object"]["sequencer"].as_str();
    assert!(sequence(0) < sequence(1) && sequence(1) < sequence(2));
    let marker = &records[2]["Records"][0]["s3"]["object"];
    assert_eq!(marker["versionId"].as_str().map(str::len), Some(32));
}

#[test]
fn topics_and_rules_of_events_are_told() {
    let mut world = world();
    ask(
        &mut world,
        "Subscribe",
        json!({"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE}),
    );
    set(&mut world, vec![rule(TOPIC, "s3:ObjectCreated:Put")]).unwrap();
    told(&mut world);
    put(&mut world, "k");
    let envelope = told(&mut world).remove(0);
    assert_eq!(envelope["Subject"], "Amazon S3 Notification");
    assert!(
        envelope["Message"]
            .as_str()
            .unwrap()
            .contains("ObjectCreated:Put")
    );

    let pattern = json!({"source": ["aws.s3"], "detail": {"bucket": {"name": [BUCKET]}}});
    ask(
        &mut world,
        "PutRule",
        json!({"Name": "r", "EventPattern": pattern.to_string()}),
    );
    ask(
        &mut world,
        "PutTargets",
        json!({"Rule": "r", "Targets": [{"Id": "1", "Arn": QUEUE}]}),
    );
    let bridge = Notifications {
        rules: Vec::new(),
        event_bridge: true,
    };
    world.put_notifications(NOW, BUCKET, bridge).unwrap();
    put(&mut world, "a b");
    world.write_objects(NOW, |objects| objects.delete(BUCKET, "a b", NOW).unwrap());
    let events = told(&mut world);
    assert_eq!(events[0]["detail-type"], "Object Created");
    assert_eq!(events[0]["detail"]["object"]["key"], "a b");
    assert_eq!(events[0]["detail"]["reason"], "PutObject");
    assert_eq!(events[1]["detail-type"], "Object Deleted");
    assert_eq!(events[1]["detail"]["deletion-type"], "Permanently Deleted");
    assert_eq!(
        events[1]["resources"],
        json!([format!("arn:aws:s3:::{BUCKET}")])
    );
}

#[test]
fn rules_that_cannot_be_kept_are_refused() {
    let check = |rules: Vec<Rule>, words: &str| {
        let refused = set(&mut world(), rules).unwrap_err();
        assert!(refused.starts_with("InvalidArgument: "), "{refused}");
        assert!(refused.contains(words), "{refused}");
    };
    let created = "s3:ObjectCreated:*";
    let of = |to: &str| vec![rule(to, created)];
    check(
        of("arn:aws:sqs:eu-west-1:111122223333:none"),
        "Unable to validate",
    );
    check(
        of("arn:aws:sqs:eu-west-1:111122223333:q.fifo"),
        "Unable to validate",
    );
    check(
        of("arn:aws:sns:eu-west-1:111122223333:none"),
        "Unable to validate",
    );
    check(
        of("arn:aws:sqs:us-east-1:111122223333:q"),
        "region is not valid",
    );
    check(
        of("arn:aws:lambda:eu-west-1:111122223333:function:f"),
        "not well formed",
    );
    check(vec![rule(QUEUE, "s3:Nothing")], "event is not supported");
    let mut long = rule(QUEUE, created);
    long.prefix = Some("x".repeat(1025));
    check(vec![long], "1024 bytes");
    let twice = || vec![rule(QUEUE, created), rule(TOPIC, "s3:ObjectCreated:Put")];
    check(twice(), "overlap");
    let mut apart = twice();
    apart[0].prefix = Some("a/".to_owned());
    apart[1].prefix = Some("a/b/".to_owned());
    check(apart.clone(), "overlap");
    apart[1].prefix = Some("b/".to_owned());
    apart[0].id = "same".to_owned();
    apart[1].id = "same".to_owned();
    check(apart.clone(), "Same ID");
    apart[0].id.clear();
    set(&mut world(), apart).unwrap();
}

#[test]
fn a_bucket_has_so_many_rules_and_no_more() {
    let rules = |count: usize| -> Vec<Rule> {
        (0..count)
            .map(|at| Rule {
                prefix: Some(format!("{at:04}/")),
                ..rule(QUEUE, "s3:ObjectCreated:*")
            })
            .collect()
    };
    set(&mut world(), rules(NOTIFICATION_RULES_MAX)).unwrap();
    set(&mut world(), rules(NOTIFICATION_RULES_MAX + 1)).unwrap_err();
}

#[test]
fn of_one_step_so_much_is_told_and_no_more() {
    let mut world = world();
    set(&mut world, vec![rule(QUEUE, "s3:ObjectCreated:*")]).unwrap();
    let changes = world.write_objects(NOW, |objects| {
        for at in 0..=OBJECT_CHANGES_MAX {
            let key = format!("{at}");
            objects.put(BUCKET, &key, Arc::from(&b""[..]), NOW).unwrap();
        }
        objects.changes().len()
    });
    assert_eq!(changes, OBJECT_CHANGES_MAX);
    let wanted = Wanted {
        prefix: "",
        delimiter: None,
        max: usize::MAX,
    };
    let all = world
        .objects()
        .list_versions(BUCKET, &wanted, None)
        .unwrap();
    assert_eq!(all.versions.len(), OBJECT_CHANGES_MAX + 1);
}
