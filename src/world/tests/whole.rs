//! What holds of the world as a whole: forks, writing and reading, faults, the log, time.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::work::{Done, Work};
use super::super::{FaultKind, World};
use super::{BUCKET, Bench, scope};
use crate::clock::SignedDuration;
use crate::resource::call::{Call, Sent};
use crate::resource::error::Class;
use crate::resource::wire::Wire;

/// A world in which something of nearly everything is going on.
fn busy() -> Bench {
    let mut bench = Bench::new();
    bench.model("m");
    bench.config("c", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "c"}),
    );
    bench.ask(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "g",
        "Tags": [{"Key": "k", "Value": "v"}]}),
    );
    bench.put("bytes", &[0, 159, 146, 150]);
    bench.world.fail_next("DeleteModel", FaultKind::Throttle);
    bench
}

#[test]
fn a_fork_goes_its_own_way() {
    let mut one = busy();
    let before = one.world.clone();
    let mut other = Bench {
        world: one.world.clone(),
        now: one.now,
    };
    one.ask("DeleteEndpointConfig", json!({"EndpointConfigName": "c"}));
    assert_eq!(other.world, before);
    other.ask("DeleteEndpointConfig", json!({"EndpointConfigName": "c"}));
    assert_eq!(
        one.world, other.world,
        "the same calls lead to the same world"
    );
    one.fleets(None);
    other.fleets(Some("no"));
    one.wait(500);
    other.wait(500);
    assert_ne!(one.world, other.world);
}

#[test]
fn a_world_that_was_written_goes_on_where_it_was() {
    let mut one = busy();
    let text = serde_json::to_string(&one.world).unwrap();
    let read: World = serde_json::from_str(&text).unwrap();
    assert_eq!(read, one.world);
    let mut other = Bench {
        world: read,
        now: one.now,
    };
    for bench in [&mut one, &mut other] {
        bench.fleets(None);
        bench.wait(240);
        let endpoint = bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}));
        assert_eq!(endpoint["EndpointStatus"], "InService");
    }
    assert_eq!(one.world, other.world);
}

fn check_fault(kind: FaultKind, class: Class, sent: Sent, done: bool) {
    let mut bench = Bench::new();
    bench.world.fail_next("CreateModel", kind);
    let body = json!({"ModelName": "m", "PrimaryContainer": {"Image": "i"}});
    let error = bench.try_ask("CreateModel", body).unwrap_err();
    assert_eq!((error.class, error.sent), (class, sent), "{error}");
    let found = bench.try_ask("DescribeModel", json!({"ModelName": "m"}));
    assert_eq!(found.is_ok(), done, "{kind:?}");
}

#[test]
fn faults_happen_once_and_as_asked() {
    check_fault(FaultKind::Throttle, Class::Throttled, Sent::No, false);
    check_fault(FaultKind::AccessDenied, Class::Denied, Sent::No, false);
    check_fault(
        FaultKind::Http500BeforeCommit,
        Class::Transient,
        Sent::Maybe,
        false,
    );
    check_fault(
        FaultKind::Http500AfterCommit,
        Class::Transient,
        Sent::Maybe,
        true,
    );
}

#[test]
fn s3_puts_heads_and_gets() {
    let mut bench = Bench::new();
    let object = json!({"Bucket": BUCKET, "Key": "a/b.json"});
    let missing = bench.refused("HeadObject", object.clone(), "NotFound", "");
    assert_eq!(missing.class, Class::NotFound);
    let missing = bench.refused("GetObject", object.clone(), "NoSuchKey", "");
    assert_eq!(missing.class, Class::NotFound);
    let mut put = Call::new("PutObject", &scope(), object.clone());
    put.body["ContentType"] = json!("application/json");
    put.body["Metadata"] = json!({"Digest": "d1"});
    put.blob = Some(Arc::from(&b"{\"x\":1}"[..]));
    let answer = bench.world.call(bench.now, &put).unwrap();
    let head = bench.ask("HeadObject", object.clone());
    assert_eq!(head["ContentLength"], 7);
    assert_eq!(head["Metadata"], json!({"digest": "d1"}));
    assert_eq!(head["ETag"], answer["ETag"]);
    // printf '{"x":1}' | sha256sum | xxd -r -p | base64
    assert_eq!(
        head["ChecksumSHA256"],
        "UEG/H3E98gR4Q1PoL2pKU1kxy2Tx9LSlrq/8tyCRiyI="
    );
    assert_eq!(head.get("VersionId"), None);
    assert_eq!(bench.ask("GetObject", object)["Body"], "{\"x\":1}");
    put.body["Bucket"] = json!("elsewhere");
    assert_eq!(
        bench.world.call(bench.now, &put).unwrap_err().code,
        "NoSuchBucket"
    );
    bench.ask("CreateBucket", json!({"Bucket": "elsewhere"}));
    bench.world.call(bench.now, &put).unwrap();
    let body = json!({"Bucket": "elsewhere"});
    bench.refused("CreateBucket", body, "BucketAlreadyOwnedByYou", "");
}

#[test]
fn the_log_tells_what_happened() {
    let mut bench = Bench::new();
    bench.model("m");
    bench
        .try_ask("DescribeModel", json!({"ModelName": "n"}))
        .unwrap_err();
    bench.model("o");
    let log = bench.world.calls();
    let said: Vec<String> = log
        .iter()
        .map(|call| {
            format!(
                "{} {} {:?} {}",
                call.op, call.name, call.error, call.mutates
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "CreateModel m None true",
            "DescribeModel n Some(\"ValidationException\") false",
            "CreateModel o None true",
        ]
    );
    assert_eq!(log.mutations(), 2);
    let count = log.count("DescribeModel");
    assert_eq!((count.calls, count.refused), (1, 1));
    for _ in 0..crate::limits::WORLD_CALLS_MAX {
        bench.ask("ListModels", json!({}));
    }
    assert_eq!(
        bench.world.calls().iter().count(),
        crate::limits::WORLD_CALLS_MAX
    );
    assert_eq!(bench.world.calls().count("CreateModel").calls, 2);
}

#[test]
fn time_never_goes_back() {
    let mut bench = busy();
    bench.fleets(None);
    let due = bench.world.next_timer().unwrap();
    bench.world.advance(due - SignedDuration::from_millis(1));
    let status = |bench: &mut Bench| -> Value {
        bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}))["EndpointStatus"].clone()
    };
    assert_eq!(
        status(&mut bench),
        "Creating",
        "asked at an earlier instant"
    );
    bench.world.advance(due);
    assert_eq!(status(&mut bench), "InService");
    assert_eq!(bench.world.now(), due);
}

#[test]
fn scopes_are_worlds_apart() {
    let mut bench = Bench::new();
    bench.model("m");
    let mut elsewhere = scope();
    elsewhere.region = "us-east-1".to_owned();
    let call = Call::new("DescribeModel", &elsewhere, json!({"ModelName": "m"}));
    let error = bench.world.call(bench.now, &call).unwrap_err();
    assert_eq!(
        error.message,
        "Could not find model \"arn:aws:sagemaker:us-east-1:111122223333:model/m\"."
    );
}

#[test]
fn a_restart_hands_out_everything_again() {
    let mut bench = busy();
    let fleets = bench.fleets(None);
    bench.ask(
        "CreateProcessingJob",
        json!({
            "ProcessingJobName": "p", "RoleArn": super::ROLE,
            "AppSpecification": {"ImageUri": "i"},
            "ProcessingResources": {"ClusterConfig":
                {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}},
        }),
    );
    bench.wait(300);
    bench.ask("StopProcessingJob", json!({"ProcessingJobName": "p"}));
    let works = bench.world.restart();
    let [Work::Serve(fleet), Work::Run(job), Work::Stop(stop)] = works.as_slice() else {
        panic!("{works:?}")
    };
    assert_eq!((fleet.id, job.id), (fleets[0], *stop));
    assert!(bench.wait(0).is_empty());
    let before = bench.world.clone();
    for failure in [None, Some("down".to_owned())] {
        bench.world.finish(
            bench.now,
            Done::Fleet {
                id: fleet.id,
                failure,
            },
        );
    }
    assert_eq!(bench.world, before);
}

#[test]
fn what_is_not_supported_says_so() {
    assert_eq!(World::operation("CreateDomain"), None);
    let mut bench = Bench::new();
    let call = Call::new("CreateDomain", &scope(), json!({}));
    let error = bench.world.call(bench.now, &call).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.class),
        ("UnsupportedOperation", Class::Invalid)
    );
    assert!(error.message.contains("CreateDomain"));
}

#[test]
fn every_member_that_a_kind_can_be_created_with_has_a_class() {
    let mut members = 0;
    for kind in crate::resource::kinds::KINDS {
        let Some(create) = kind.ops.create.filter(|create| *create != "PutObject") else {
            continue;
        };
        assert!(World::operation(create).is_some(), "{kind:?}: {create}");
        let located = kind.located("endpoint/a/variant/b");
        for member in super::shape::members(create) {
            let given = member == "Tags" || member == kind.id || located.get(member).is_some();
            let known = kind.field(&format!("/{member}")).is_some();
            let below = kind
                .fields
                .iter()
                .any(|field| field.path.starts_with(&format!("/{member}/")));
            assert!(given || known || below, "{kind:?} {member} has no class");
            members += 1;
        }
        for op in [Some(kind.ops.describe), kind.ops.update, kind.ops.delete] {
            let Some(op) = op else { continue };
            let wire = Wire::of(&Call::new(op, &scope(), located.clone()));
            let op = wire.map_or(op, |wire| wire.call.op);
            assert!(World::operation(op).is_some(), "{kind:?}: {op}");
        }
    }
    assert!(members > 80, "only {members}");
}
