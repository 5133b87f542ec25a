//! Logs over a clock.

use serde_json::{Value, json};

use crate::clock::{SignedDuration, Timestamp};
use crate::limits::{
    LOG_BYTES_MAX, LOG_EVENTS_MAX, LOG_GROUPS_MAX, LOG_STREAM_BYTES_MAX, LOG_STREAMS_MAX,
};
use crate::resource::call::Scope;
use crate::world::tests::{Bench, scope};

const GROUP: &str = "/aws/sagemaker/TrainingJobs";

/// A bench with a group and a stream.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.ask("CreateLogGroup", json!({"logGroupName": GROUP}));
    make(&mut bench, "a");
    bench
}

fn make(bench: &mut Bench, stream: &str) {
    let body = json!({"logGroupName": GROUP, "logStreamName": stream});
    bench.ask("CreateLogStream", body);
}

fn millis(bench: &Bench) -> i64 {
    bench.now.as_millisecond()
}

/// Says lines, a millisecond apart.
fn put(bench: &mut Bench, stream: &str, lines: &[&str]) -> Value {
    let now = millis(bench);
    let events = lines.iter().zip(now..);
    let events: Vec<_> = events
        .map(|(line, at)| json!({"timestamp": at, "message": line}))
        .collect();
    let body = json!({"logGroupName": GROUP, "logStreamName": stream, "logEvents": events});
    bench.ask("PutLogEvents", body)
}

fn get(bench: &mut Bench, more: Value) -> Value {
    let mut body = json!({"logGroupName": GROUP, "logStreamName": "a"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    bench.ask("GetLogEvents", body)
}

fn lines(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().unwrap().iter();
    events
        .map(|event| event["message"].as_str().unwrap())
        .collect()
}

fn refused(bench: &mut Bench, op: &str, body: Value) -> String {
    let error = bench.try_ask(op, body).unwrap_err();
    format!("{} {}", error.code, error.message)
}

fn filtered(bench: &mut Bench, more: Value) -> Value {
    let mut body = json!({"logGroupName": GROUP});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    bench.ask("FilterLogEvents", body)
}

#[test]
fn groups_are_made_once_listed_and_removed_with_their_streams() {
    let mut bench = bench();
    let body = json!({"logGroupName": GROUP});
    let error = refused(&mut bench, "CreateLogGroup", body.clone());
    assert_eq!(
        error,
        "ResourceAlreadyExistsException The specified log group already exists"
    );
    bench.ask(
        "PutRetentionPolicy",
        json!({"logGroupName": GROUP, "retentionInDays": 7}),
    );
    let odd = json!({"logGroupName": GROUP, "retentionInDays": 8});
    let error = refused(&mut bench, "PutRetentionPolicy", odd);
    assert!(error.starts_with("InvalidParameterException"), "{error}");
    let found = bench.ask("DescribeLogGroups", json!({"logGroupNamePrefix": "/aws/"}));
    let found = &found["logGroups"][0];
    let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/TrainingJobs";
    assert_eq!(found["logGroupArn"], arn);
    assert_eq!(found["arn"], format!("{arn}:*"));
    assert_eq!(found["retentionInDays"], 7);

    bench.ask(
        "logs:TagResource",
        json!({"resourceArn": arn, "tags": {"team": "a", "kept": "b"}}),
    );
    let tags = bench.ask("logs:ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(tags["tags"], json!({"team": "a", "kept": "b"}));
    bench.ask(
        "logs:UntagResource",
        json!({"resourceArn": arn, "tagKeys": ["team"]}),
    );
    let tags = bench.ask("logs:ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(tags["tags"], json!({"kept": "b"}));

    bench.ask("DeleteLogGroup", body.clone());
    let error = refused(&mut bench, "DescribeLogStreams", body);
    assert_eq!(
        error,
        "ResourceNotFoundException The specified log group does not exist."
    );
}

#[test]
fn a_stream_is_read_forwards_and_backwards_page_by_page() {
    let mut bench = bench();
    let empty = get(&mut bench, json!({"startFromHead": true}));
    assert_eq!(lines(&empty), [""; 0]);
    put(&mut bench, "a", &["1", "2", "3", "4", "5"]);
    let first = get(&mut bench, json!({"startFromHead": true, "limit": 2}));
    assert_eq!(lines(&first), ["1", "2"]);
    let forward = |page: &Value| json!({"nextToken": page["nextForwardToken"], "limit": 2});
    let second = get(&mut bench, forward(&first));
    assert_eq!(lines(&second), ["3", "4"]);
    let third = get(&mut bench, forward(&second));
    assert_eq!(lines(&third), ["5"]);
    // At the end the token stays the same, and later lines come after it.
    let end = get(&mut bench, forward(&third));
    assert_eq!(lines(&end), [""; 0]);
    assert_eq!(end["nextForwardToken"], third["nextForwardToken"]);
    bench.now += SignedDuration::from_secs(1);
    put(&mut bench, "a", &["6"]);
    assert_eq!(lines(&get(&mut bench, forward(&end))), ["6"]);
    let back = |page: &Value| json!({"nextToken": page["nextBackwardToken"], "limit": 2});
    assert_eq!(lines(&get(&mut bench, back(&end))), ["4", "5"]);
    assert_eq!(lines(&get(&mut bench, back(&second))), ["1", "2"]);
    let start = get(&mut bench, back(&first));
    assert_eq!(lines(&start), [""; 0]);
    assert_eq!(start["nextBackwardToken"], first["nextBackwardToken"]);
    // Without a direction, the newest.
    assert_eq!(lines(&get(&mut bench, json!({"limit": 2}))), ["5", "6"]);
    let from = millis(&bench);
    assert_eq!(lines(&get(&mut bench, json!({"startTime": from}))), ["6"]);
    let body = json!({"endTime": from, "startFromHead": true, "limit": 1});
    assert_eq!(lines(&get(&mut bench, body)), ["1"]);
    let body = json!({"logGroupName": GROUP, "logStreamName": "a", "nextToken": "f/1"});
    let error = refused(&mut bench, "GetLogEvents", body);
    assert!(error.contains("nextToken is invalid"), "{error}");
    let body = json!({"logGroupName": GROUP, "logStreamName": "b"});
    let error = refused(&mut bench, "GetLogEvents", body);
    assert_eq!(
        error,
        "ResourceNotFoundException The specified log stream does not exist."
    );
}

#[test]
fn what_is_said_is_in_order_and_of_its_time() {
    let mut bench = bench();
    let now = millis(&bench);
    let say = |times: &[i64]| {
        let events: Vec<_> = times
            .iter()
            .map(|at| json!({"timestamp": at, "message": "x"}))
            .collect();
        json!({"logGroupName": GROUP, "logStreamName": "a", "logEvents": events})
    };
    let day = 24 * 60 * 60 * 1000;
    let error = refused(&mut bench, "PutLogEvents", say(&[now, now - 1]));
    assert!(error.contains("chronological order"), "{error}");
    let error = refused(&mut bench, "PutLogEvents", say(&[now - day - 1, now]));
    assert!(error.contains("24 hours"), "{error}");
    let answer = bench.ask("PutLogEvents", say(&[now - 15 * day, now - 15 * day + 1]));
    assert_eq!(
        answer["rejectedLogEventsInfo"],
        json!({"tooOldLogEventEndIndex": 2})
    );
    let answer = bench.ask("PutLogEvents", say(&[now, now + day / 2, now + day / 2]));
    assert_eq!(
        answer["rejectedLogEventsInfo"],
        json!({"tooNewLogEventStartIndex": 1})
    );
    assert_eq!(lines(&get(&mut bench, json!({}))), ["x"]);
    let large = "x".repeat(1024 * 1024);
    let events = json!([{"timestamp": now, "message": large}]);
    let body = json!({"logGroupName": GROUP, "logStreamName": "a", "logEvents": events});
    let error = refused(&mut bench, "PutLogEvents", body);
    assert!(error.contains("Upload too large"), "{error}");
}

#[test]
fn a_group_forgets_after_its_days() {
    let mut bench = bench();
    put(&mut bench, "a", &["old"]);
    bench.ask(
        "PutRetentionPolicy",
        json!({"logGroupName": GROUP, "retentionInDays": 1}),
    );
    bench.now += SignedDuration::from_hours(25);
    assert_eq!(lines(&get(&mut bench, json!({}))), [""; 0]);
    assert_eq!(lines(&filtered(&mut bench, json!({}))), [""; 0]);
    bench.ask("DeleteRetentionPolicy", json!({"logGroupName": GROUP}));
    assert_eq!(lines(&get(&mut bench, json!({}))), ["old"]);
}

#[test]
fn streams_are_listed_by_name_or_by_their_last_event() {
    let mut bench = bench();
    for name in ["b", "c", "d/1"] {
        make(&mut bench, name);
    }
    bench.now += SignedDuration::from_secs(1);
    put(&mut bench, "c", &["1"]);
    bench.now += SignedDuration::from_secs(1);
    put(&mut bench, "a", &["1"]);
    let names = |answer: &Value| -> String {
        let streams = answer["logStreams"].as_array().unwrap().iter();
        let names = streams.map(|stream| stream["logStreamName"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    let mut check = |more: Value, expect: &str| {
        let mut body = json!({"logGroupName": GROUP});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = bench.ask("DescribeLogStreams", body);
        assert_eq!(names(&answer), expect);
        answer
    };
    check(json!({}), "a b c d/1");
    check(json!({"descending": true}), "d/1 c b a");
    check(json!({"logStreamNamePrefix": "d/"}), "d/1");
    let newest = json!({"orderBy": "LastEventTime", "descending": true, "limit": 2});
    let page = check(newest, "a c");
    assert!(page["logStreams"][0]["lastEventTimestamp"].is_i64());
    let next =
        json!({"orderBy": "LastEventTime", "descending": true, "nextToken": page["nextToken"]});
    check(next, "d/1 b");
    let both = json!({
        "logGroupName": GROUP, "orderBy": "LastEventTime", "logStreamNamePrefix": "d",
    });
    let error = refused(&mut bench, "DescribeLogStreams", both);
    assert!(error.contains("Cannot order by LastEventTime"), "{error}");
    let body = json!({"logGroupName": GROUP, "logStreamName": "b"});
    bench.ask("DeleteLogStream", body.clone());
    let error = refused(&mut bench, "DeleteLogStream", body);
    assert!(error.starts_with("ResourceNotFoundException"), "{error}");
}

#[test]
fn a_group_is_searched_across_its_streams() {
    let mut bench = bench();
    make(&mut bench, "b");
    put(&mut bench, "a", &["loss=3", "ERROR a", "loss=1"]);
    bench.now += SignedDuration::from_secs(1);
    put(&mut bench, "b", &["loss=2", "ERROR b"]);
    let found = filtered(&mut bench, json!({"filterPattern": "loss", "limit": 2}));
    assert_eq!(lines(&found), ["loss=3", "loss=1"]);
    let rest = json!({"filterPattern": "loss", "nextToken": found["nextToken"]});
    let rest = filtered(&mut bench, rest);
    assert_eq!(lines(&rest), ["loss=2"]);
    assert_eq!(rest["events"][0]["logStreamName"], "b");
    assert!(rest.get("nextToken").is_none());
    let one = json!({"logStreamNames": ["b"], "filterPattern": "?ERROR ?none"});
    assert_eq!(lines(&filtered(&mut bench, one)), ["ERROR b"]);
    let body = json!({"logGroupName": GROUP, "filterPattern": "{ $.a = 1 }"});
    let error = refused(&mut bench, "FilterLogEvents", body);
    assert!(error.contains("is not supported here"), "{error}");
}

/// Says lines as the service's own jobs do.
fn write(bench: &mut Bench, stream: &str, lines: Vec<String>) {
    let scope: Scope = scope();
    let now: Timestamp = bench.now;
    bench.world.write_log(now, (&scope, GROUP, stream), lines);
}

#[test]
fn the_service_makes_what_it_writes_to() {
    let mut bench = Bench::new();
    write(
        &mut bench,
        "job/algo-1-1",
        vec!["one".to_owned(), "two".to_owned()],
    );
    let body = json!({"logGroupName": GROUP, "logStreamName": "job/algo-1-1"});
    let found = bench.ask("GetLogEvents", body);
    assert_eq!(lines(&found), ["one", "two"]);
    let text = serde_json::to_string(&bench.world).unwrap();
    let again: crate::world::World = serde_json::from_str(&text).unwrap();
    assert!(again == bench.world);
}

#[test]
fn nothing_grows_without_end() {
    let mut bench = bench();
    write(&mut bench, "a", vec!["x".to_owned(); LOG_EVENTS_MAX]);
    write(&mut bench, "a", vec!["last".to_owned()]);
    let kept = |bench: &Bench, stream: &str| {
        let group = bench.world.logs.get(&scope(), GROUP).unwrap();
        let stream = &group.streams[stream];
        (stream.since(0).count(), stream.bytes())
    };
    assert_eq!(kept(&bench, "a").0, LOG_EVENTS_MAX);
    assert_eq!(lines(&get(&mut bench, json!({"limit": 1}))), ["last"]);

    let half = "x".repeat(LOG_STREAM_BYTES_MAX / 2);
    for _ in 0..3 {
        write(&mut bench, "b", vec![half.clone()]);
    }
    assert_eq!(kept(&bench, "b").0, 1);
    assert!(kept(&bench, "b").1 <= LOG_STREAM_BYTES_MAX);

    // Of all together, what was said longest ago goes.
    for stream in 0..=(2 * LOG_BYTES_MAX / LOG_STREAM_BYTES_MAX) {
        bench.now += SignedDuration::from_secs(1);
        write(&mut bench, &format!("c{stream}"), vec![half.clone()]);
    }
    let bytes: usize = bench
        .world
        .logs
        .groups
        .values()
        .map(|group| group.bytes())
        .sum();
    assert!(bytes <= LOG_BYTES_MAX, "{bytes}");
    assert_eq!(kept(&bench, "a").0, 0);
    assert_eq!(kept(&bench, "c0").0, 0);
    assert_eq!(kept(&bench, "c32").0, 1);

    // Of too many streams the oldest goes; who asks for one is refused.
    for stream in 0..LOG_STREAMS_MAX {
        bench.now += SignedDuration::from_secs(1);
        write(&mut bench, &format!("d{stream}"), Vec::new());
    }
    let group = bench.world.logs.get(&scope(), GROUP).unwrap();
    assert_eq!(group.streams.len(), LOG_STREAMS_MAX);
    assert!(!group.streams.contains_key("a"));
    let body = json!({"logGroupName": GROUP, "logStreamName": "e"});
    let error = refused(&mut bench, "CreateLogStream", body);
    assert!(error.starts_with("LimitExceededException"), "{error}");
    for group in 1..LOG_GROUPS_MAX {
        bench.ask(
            "CreateLogGroup",
            json!({"logGroupName": format!("g{group}")}),
        );
    }
    let error = refused(
        &mut bench,
        "CreateLogGroup",
        json!({"logGroupName": "more"}),
    );
    assert!(error.starts_with("LimitExceededException"), "{error}");
}
