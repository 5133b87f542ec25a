//! Rules, schedules and what they come to.

use std::ops::Range;

use serde_json::{Value, json};

use crate::clock::SignedDuration;
use crate::limits::{EVENT_ROUNDS_MAX, RULES_MAX, SCHEDULES_MAX};
use crate::world::tests::pipeline::{created, one_job, start, steps};
use crate::world::tests::{Bench, completed};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:q";
const PIPELINE: &str = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/churn";
const ROLE: &str = "arn:aws:iam::111122223333:role/Exec";

/// Makes a queue and a rule that tells it, with what else the target has.
fn watch(bench: &mut Bench, rule: Value, target: Value) {
    bench.ask("CreateQueue", json!({"QueueName": "q"}));
    let mut body = json!({"Name": "r"});
    body.as_object_mut()
        .unwrap()
        .extend(rule.as_object().unwrap().clone());
    bench.ask("PutRule", body);
    let mut one = json!({"Id": "1", "Arn": QUEUE});
    one.as_object_mut()
        .unwrap()
        .extend(target.as_object().unwrap().clone());
    let put = bench.ask("PutTargets", json!({"Rule": "r", "Targets": [one]}));
    assert_eq!(put["FailedEntryCount"], 0);
}

fn pattern(pattern: Value) -> Value {
    json!({"EventPattern": pattern.to_string()})
}

/// What the queue was told since this was last asked.
fn told(bench: &mut Bench) -> Vec<Value> {
    let url = bench.ask("GetQueueUrl", json!({"QueueName": "q"}))["QueueUrl"].clone();
    let mut all = Vec::new();
    loop {
        let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 10});
        let answer = bench.ask("ReceiveMessage", request);
        let Some(messages) = answer["Messages"].as_array() else {
            return all;
        };
        for one in messages {
            let handle = json!({"QueueUrl": url, "ReceiptHandle": one["ReceiptHandle"]});
            bench.ask("DeleteMessage", handle);
            let body = one["Body"].as_str().unwrap();
            all.push(serde_json::from_str(body).unwrap_or_else(|_| json!(body)));
        }
    }
}

fn put(bench: &mut Bench, title: &str, detail: Value) -> Value {
    let entry = json!({"Source": "team.app", "DetailType": title, "Detail": detail.to_string(),
        "Resources": ["arn:x"]});
    bench.ask("PutEvents", json!({"Entries": [entry]}))
}

#[test]
fn an_event_reaches_the_targets_of_the_rules_that_are_for_it() {
    let mut bench = Bench::new();
    watch(
        &mut bench,
        pattern(json!({"source": ["team.app"], "detail": {"n": [1]}})),
        json!({}),
    );
    let answer = put(&mut bench, "Done", json!({"n": 1}));
    put(&mut bench, "Done", json!({"n": 2}));
    let found = told(&mut bench);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], answer["Entries"][0]["EventId"]);
    assert_eq!(found[0]["detail-type"], "Done");
    assert_eq!(found[0]["time"], "2026-09-21T14:13:20Z");
    bench.ask("DisableRule", json!({"Name": "r"}));
    put(&mut bench, "Done", json!({"n": 1}));
    bench.ask("EnableRule", json!({"Name": "r"}));
    assert_eq!(told(&mut bench), [] as [Value; 0]);
    let entries = json!([{"Source": "a", "DetailType": "b", "Detail": "no JSON"},
        {"Source": "aws.sagemaker", "DetailType": "b", "Detail": "{}"}, {"Source": "a"}]);
    let answer = bench.ask("PutEvents", json!({"Entries": entries}));
    assert_eq!(answer["FailedEntryCount"], 3);
    assert_eq!(answer["Entries"][0]["ErrorCode"], "MalformedDetail");
}

#[test]
fn a_target_is_told_in_its_own_words() {
    let mut bench = Bench::new();
    let transformer = json!({"InputTransformer": {"InputPathsMap": {"n": "$.detail.name"},
        "InputTemplate": "{\"name\": <n>, \"rule\": \"<aws.events.rule-name>\"}"}});
    watch(
        &mut bench,
        pattern(json!({"source": ["team.app"]})),
        transformer,
    );
    put(&mut bench, "Done", json!({"name": "x"}));
    assert_eq!(told(&mut bench), [json!({"name": "x", "rule": "r"})]);
}

#[test]
fn endpoints_tell_of_their_states() {
    let mut bench = Bench::new();
    let rule = json!({"source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Endpoint State Change", "SageMaker Model State Change"]});
    watch(&mut bench, pattern(rule), json!({}));
    bench.model("m");
    bench.config("one", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "E", "EndpointConfigName": "one", "Tags": [{"Key": "a", "Value": "b"}]}),
    );
    bench.fleets(None);
    bench.wait(240);
    bench.ask("DeleteModel", json!({"ModelName": "m"}));
    let found = told(&mut bench);
    let states: Vec<_> = found
        .iter()
        .map(|one| &one["detail"]["EndpointStatus"])
        .collect();
    assert_eq!(
        states,
        [
            &Value::Null,
            &json!("CREATING"),
            &json!("IN_SERVICE"),
            &Value::Null
        ]
    );
    assert_eq!(found[3]["detail"]["ModelName"], "m");
    let event = &found[1];
    assert_eq!(
        event["resources"],
        json!(["arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e"])
    );
    assert_eq!(event["detail"]["EndpointName"], "E");
    assert_eq!(event["detail"]["CreationTime"], 1_790_000_000_000_i64);
    assert_eq!(event["detail"]["Tags"], json!({"a": "b"}));
}

#[test]
fn executions_steps_jobs_and_packages_tell_of_their_states() {
    let mut bench = created();
    watch(
        &mut bench,
        pattern(json!({"source": ["aws.sagemaker"]})),
        json!({}),
    );
    let arn = start(&mut bench, 'a');
    let job = one_job(&mut bench);
    bench.job(job.id, completed(None));
    let names: Vec<_> = steps(&mut bench, &arn)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let found = told(&mut bench);
    let of = |title: &str| -> Vec<&Value> {
        let of = found.iter().filter(|one| one["detail-type"] == title);
        of.map(|one| &one["detail"]).collect()
    };
    let executions = of("SageMaker Model Building Pipeline Execution Status Change");
    assert_eq!(executions[0]["currentPipelineExecutionStatus"], "Executing");
    assert_eq!(executions[0]["pipelineArn"], PIPELINE);
    let told_steps = of("SageMaker Model Building Pipeline Execution Step Status Change");
    let first: Vec<_> = told_steps
        .iter()
        .filter(|step| step["stepName"] == names[0].as_str())
        .collect();
    let states: Vec<_> = first
        .iter()
        .map(|step| &step["currentStepStatus"])
        .collect();
    assert_eq!(states, ["Executing", "Succeeded"]);
    assert_eq!(first[1]["previousStepStatus"], "Executing");
    assert!(first[0]["stepType"].is_string() && first[1]["stepEndTime"].is_string());
    let jobs = of("SageMaker Processing Job State Change");
    let training = of("SageMaker Training Job State Change");
    assert!(!jobs.is_empty() || !training.is_empty(), "{found:#?}");
    bench.ask(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
    );
    let made = bench.ask(
        "CreateModelPackage",
        json!({"ModelPackageGroupName": "g", "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [{"Image": "1.dkr.ecr.eu-west-1.amazonaws.com/a:1"}],
                "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}}),
    );
    bench.ask(
        "UpdateModelPackage",
        json!({"ModelPackageArn": made["ModelPackageArn"], "ModelApprovalStatus": "Approved"}),
    );
    let found = told(&mut bench);
    let states: Vec<_> = found
        .iter()
        .map(|one| &one["detail"]["ModelApprovalStatus"])
        .collect();
    assert_eq!(states, ["PendingManualApproval", "Approved"]);
}

#[test]
fn a_rule_starts_a_pipeline_with_parameters_of_the_event() {
    let mut bench = created();
    bench.ask(
        "PutRule",
        json!({"Name": "r", "EventPattern": "{\"source\": [\"team.app\"]}"}),
    );
    let target = json!({"Id": "1", "Arn": PIPELINE, "RoleArn": ROLE,
        "SageMakerPipelineParameters": {"PipelineParameterList": [
            {"Name": "Data", "Value": "$.detail.data"}, {"Name": "Rounds", "Value": "7"}]}});
    bench.ask("PutTargets", json!({"Rule": "r", "Targets": [target]}));
    put(&mut bench, "Data", json!({"data": "s3://b/data"}));
    let runs = bench.ask("ListPipelineExecutions", json!({"PipelineName": "churn"}));
    let runs = runs["PipelineExecutionSummaries"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(runs.len(), 1);
    let about = json!({"PipelineExecutionArn": runs[0]["PipelineExecutionArn"]});
    let parameters =
        bench.ask("ListPipelineParametersForExecution", about)["PipelineParameters"].clone();
    assert!(
        parameters
            .as_array()
            .unwrap()
            .contains(&json!({"Name": "Data", "Value": "s3://b/data"}))
    );
}

#[test]
fn what_goes_round_and_round_has_a_bound() {
    let mut bench = created();
    let rule = json!({"detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {"currentPipelineExecutionStatus": ["Executing"]}});
    bench.ask(
        "PutRule",
        json!({"Name": "r", "EventPattern": rule.to_string()}),
    );
    let target = json!({"Id": "1", "Arn": PIPELINE, "SageMakerPipelineParameters":
        {"PipelineParameterList": [{"Name": "Data", "Value": "s3://b/data"}]}});
    bench.ask("PutTargets", json!({"Rule": "r", "Targets": [target]}));
    start(&mut bench, 'a');
    let request = json!({"PipelineName": "churn", "MaxResults": 100});
    let runs = bench.ask("ListPipelineExecutions", request)["PipelineExecutionSummaries"].clone();
    assert_eq!(runs.as_array().unwrap().len(), EVENT_ROUNDS_MAX + 1);
}

#[test]
fn what_no_target_takes_goes_to_the_dead() {
    let mut bench = Bench::new();
    bench.ask("CreateQueue", json!({"QueueName": "q"}));
    bench.ask(
        "PutRule",
        json!({"Name": "r", "EventPattern": "{\"source\": [\"team.app\"]}"}),
    );
    let target = json!({"Id": "1", "Arn": PIPELINE, "DeadLetterConfig": {"Arn": QUEUE}});
    bench.ask("PutTargets", json!({"Rule": "r", "Targets": [target]}));
    put(&mut bench, "Done", json!({}));
    assert_eq!(told(&mut bench)[0]["detail-type"], "Done");
}

#[test]
fn a_rule_is_due_by_the_clock() {
    let mut bench = Bench::new();
    watch(
        &mut bench,
        json!({"ScheduleExpression": "rate(5 minutes)"}),
        json!({}),
    );
    assert_eq!(
        bench.world.next_timer(),
        Some(bench.now + SignedDuration::from_mins(5))
    );
    bench.wait(299);
    assert_eq!(told(&mut bench), [] as [Value; 0]);
    bench.wait(1);
    let found = told(&mut bench);
    assert_eq!(found[0]["detail-type"], "Scheduled Event");
    assert_eq!(
        found[0]["resources"],
        json!(["arn:aws:events:eu-west-1:111122223333:rule/r"])
    );
    bench.wait(900);
    assert_eq!(told(&mut bench).len(), 3);
    bench.wait(30 * 24 * 3600);
    let day = told(&mut bench).len();
    assert!(
        (288..=289).contains(&day),
        "{day}: no more than a day is made up for"
    );
    bench.ask("DisableRule", json!({"Name": "r"}));
    assert_eq!(bench.world.next_timer(), None);
}

#[test]
fn a_rule_is_put_shown_changed_listed_and_deleted() {
    let mut bench = Bench::new();
    watch(&mut bench, pattern(json!({"source": ["a"]})), json!({}));
    let shown = bench.ask("DescribeRule", json!({"Name": "r"}));
    assert_eq!(
        (&shown["State"], &shown["EventBusName"]),
        (&json!("ENABLED"), &json!("default"))
    );
    let changed = json!({"Name": "r", "ScheduleExpression": "rate(1 hour)", "Description": "d"});
    bench.ask("PutRule", changed);
    let listed = bench.ask("ListRules", json!({"NamePrefix": "r"}))["Rules"].clone();
    assert_eq!(listed[0]["Description"], "d");
    assert_eq!(listed[0].get("EventPattern"), None);
    let names = bench.ask("ListRuleNamesByTarget", json!({"TargetArn": QUEUE}));
    assert_eq!(names["RuleNames"], json!(["r"]));
    let targets = bench.ask("ListTargetsByRule", json!({"Rule": "r"}))["Targets"].clone();
    assert_eq!(targets[0]["Arn"], QUEUE);
    let arn = shown["Arn"].clone();
    bench.ask(
        "events:TagResource",
        json!({"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]}),
    );
    let tags = bench.ask("events:ListTagsForResource", json!({"ResourceARN": arn}));
    assert_eq!(tags["Tags"], json!([{"Key": "a", "Value": "b"}]));
    bench.ask(
        "events:UntagResource",
        json!({"ResourceARN": arn, "TagKeys": ["a"]}),
    );
    bench.refused(
        "DeleteRule",
        json!({"Name": "r"}),
        "ValidationException",
        "has targets",
    );
    bench.ask("RemoveTargets", json!({"Rule": "r", "Ids": ["1"]}));
    bench.ask("DeleteRule", json!({"Name": "r"}));
    bench.refused(
        "DescribeRule",
        json!({"Name": "r"}),
        "ResourceNotFoundException",
        "does not exist",
    );
    let tested = |detail: Value| {
        json!({"EventPattern": "{\"detail\": {\"n\": [1]}}", "Event": json!({"id": "1", "account": "1",
            "source": "s", "time": "t", "region": "r", "resources": [], "detail-type": "d",
            "detail": detail}).to_string()})
    };
    assert_eq!(
        bench.ask("TestEventPattern", tested(json!({"n": 1})))["Result"],
        true
    );
    assert_eq!(
        bench.ask("TestEventPattern", tested(json!({"n": 2})))["Result"],
        false
    );
}

#[test]
fn what_is_no_rule_is_refused() {
    let mut bench = Bench::new();
    for (rule, code) in [
        (json!({}), "ValidationException"),
        (
            json!({"ScheduleExpression": "rate(1 minutes)"}),
            "ValidationException",
        ),
        (
            json!({"EventPattern": "{\"a\": 1}"}),
            "InvalidEventPatternException",
        ),
        (
            json!({"EventPattern": "{", }),
            "InvalidEventPatternException",
        ),
        (
            json!({"EventPattern": "{\"a\": [1]}", "EventBusName": "x"}),
            "ResourceNotFoundException",
        ),
    ] {
        let mut body = json!({"Name": "r"});
        body.as_object_mut()
            .unwrap()
            .extend(rule.as_object().unwrap().clone());
        bench.refused("PutRule", body, code, "");
    }
    watch(&mut bench, pattern(json!({"source": ["a"]})), json!({}));
    for target in [
        json!({"Id": "1", "Arn": "x"}),
        json!({"Id": "1", "Arn": QUEUE, "InputPath": "$..a"}),
        json!({"Id": "1", "Arn": QUEUE, "InputPath": "$.a", "Input": "{}"}),
        json!({"Id": "1", "Arn": QUEUE, "Input": "{"}),
    ] {
        let body = json!({"Rule": "r", "Targets": [target]});
        bench.refused("PutTargets", body, "ValidationException", "");
    }
    // A rule has five targets at most, in one request or in several.
    let targets = |ids: Range<usize>| -> Vec<_> {
        ids.map(|id| json!({"Id": format!("{id}"), "Arn": QUEUE}))
            .collect()
    };
    for (ids, refused) in [(0..6, true), (0..5, false), (5..6, true)] {
        let body = json!({"Rule": "r", "Targets": targets(ids)});
        if refused {
            let words = "exceeds the maximum";
            bench.refused("PutTargets", body, "LimitExceededException", words);
        } else {
            let put = bench.ask("PutTargets", body);
            assert_eq!(put["FailedEntryCount"], 0);
        }
    }
    for number in 1..RULES_MAX {
        bench.ask(
            "PutRule",
            json!({"Name": format!("r{number}"), "ScheduleExpression": "rate(1 day)"}),
        );
    }
    let more = json!({"Name": "more", "ScheduleExpression": "rate(1 day)"});
    bench.refused("PutRule", more, "LimitExceededException", "too many");
}

fn schedule(expression: &str, target: Value) -> Value {
    json!({"Name": "s", "ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target})
}

#[test]
fn a_schedule_tells_its_target_and_is_gone_when_it_is_done() {
    let mut bench = Bench::new();
    bench.ask("CreateQueue", json!({"QueueName": "q"}));
    let target = json!({"Arn": QUEUE, "RoleArn": ROLE,
        "Input": "{\"at\": \"<aws.scheduler.scheduled-time>\"}"});
    let mut once = schedule("at(2026-09-21T14:20:00)", target.clone());
    once["ActionAfterCompletion"] = json!("DELETE");
    bench.ask("CreateSchedule", once.clone());
    bench.refused(
        "CreateSchedule",
        once,
        "ConflictException",
        "already exists",
    );
    bench.wait(399);
    assert_eq!(told(&mut bench), [] as [Value; 0]);
    bench.wait(1);
    assert_eq!(told(&mut bench), [json!({"at": "2026-09-21T14:20:00Z"})]);
    bench.refused(
        "GetSchedule",
        json!({"Name": "s"}),
        "ResourceNotFoundException",
        "does not exist",
    );

    let mut rate = schedule("rate(1 hour)", target);
    rate["EndDate"] = json!(1_790_000_000 + 2 * 3600);
    bench.ask("CreateSchedule", rate);
    bench.wait(24 * 3600);
    assert_eq!(told(&mut bench).len(), 1);
}

#[test]
fn a_schedule_asks_for_what_it_names() {
    let mut bench = created();
    bench.ask("CreateQueue", json!({"QueueName": "q"}));
    let parameters = json!({"PipelineParameterList": [{"Name": "Data", "Value": "s3://b/data"}]});
    let target =
        json!({"Arn": PIPELINE, "RoleArn": ROLE, "SageMakerPipelineParameters": parameters});
    bench.ask("CreateSchedule", schedule("rate(1 minute)", target));
    bench.wait(60);
    let ask = "arn:aws:scheduler:::aws-sdk:sagemaker:createModelPackageGroup";
    let input = json!({"ModelPackageGroupName": "g"}).to_string();
    let target = json!({"Arn": ask, "RoleArn": ROLE, "Input": input,
        "DeadLetterConfig": {"Arn": QUEUE}});
    bench.ask("UpdateSchedule", schedule("rate(1 minute)", target));
    bench.wait(60);
    let runs = bench.ask("ListPipelineExecutions", json!({"PipelineName": "churn"}));
    assert_eq!(
        runs["PipelineExecutionSummaries"].as_array().unwrap().len(),
        1
    );
    bench.ask(
        "DescribeModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
    );
    assert_eq!(told(&mut bench), [] as [Value; 0]);
    bench.wait(60);
    assert_eq!(
        told(&mut bench).len(),
        1,
        "what is refused goes to the dead"
    );
}

#[test]
fn schedules_are_in_groups() {
    let mut bench = Bench::new();
    let target = json!({"Arn": QUEUE, "RoleArn": ROLE});
    let mut one = schedule("cron(0 9 ? * MON-FRI *)", target);
    one["GroupName"] = json!("g");
    bench.refused(
        "CreateSchedule",
        one.clone(),
        "ResourceNotFoundException",
        "group g",
    );
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let made = bench.ask("CreateScheduleGroup", json!({"Name": "g", "Tags": tags}));
    bench.ask("CreateSchedule", one.clone());
    let arn = made["ScheduleGroupArn"].clone();
    let about = json!({"ResourceArn": arn});
    assert_eq!(
        bench.ask("scheduler:ListTagsForResource", about)["Tags"],
        tags
    );
    let found = bench.ask("GetSchedule", json!({"Name": "s", "GroupName": "g"}));
    assert_eq!(found["State"], "ENABLED");
    assert_eq!(
        found["Arn"],
        "arn:aws:scheduler:eu-west-1:111122223333:schedule/g/s"
    );
    let listed = bench.ask("ListSchedules", json!({"GroupName": "g"}))["Schedules"].clone();
    assert_eq!(listed[0]["Target"], json!({"Arn": QUEUE}));
    let groups = bench.ask("ListScheduleGroups", json!({}))["ScheduleGroups"].clone();
    let names: Vec<_> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["Name"])
        .collect();
    assert_eq!(names, ["default", "g"]);
    assert_eq!(
        bench.ask("GetScheduleGroup", json!({"Name": "g"}))["Arn"],
        arn
    );
    bench.ask("DeleteScheduleGroup", json!({"Name": "g"}));
    assert_eq!(
        bench.ask("ListSchedules", json!({}))["Schedules"],
        json!([])
    );
    for (member, value) in [
        ("ScheduleExpression", json!("every day")),
        ("ScheduleExpressionTimezone", json!("Europe/Berlin")),
        ("FlexibleTimeWindow", json!({"Mode": "FLEXIBLE"})),
    ] {
        let mut wrong = one.clone();
        wrong["GroupName"] = json!("default");
        wrong[member] = value;
        bench.refused("CreateSchedule", wrong, "ValidationException", "");
    }
    one["GroupName"] = json!("default");
    for number in 0..SCHEDULES_MAX {
        one["Name"] = json!(format!("s{number}"));
        bench.ask("CreateSchedule", one.clone());
    }
    one["Name"] = json!("more");
    bench.refused(
        "CreateSchedule",
        one,
        "ServiceQuotaExceededException",
        "too many",
    );
}
