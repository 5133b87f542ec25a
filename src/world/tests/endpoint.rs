//! Endpoints: lifecycle, silent rollback, weights, routing.

use serde_json::{Value, json};

use super::super::work::{Done, Work};
use super::{Bench, scope};
use crate::resource::error::Class;

/// A bench with an endpoint `e` in service on config `one`, and a config `two`.
fn serving() -> Bench {
    let mut bench = Bench::new();
    bench.model("m");
    bench.config("one", "m");
    bench.config("two", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    bench.fleets(None);
    bench.wait(240);
    assert_eq!(describe(&mut bench)["EndpointStatus"], "InService");
    bench
}

fn describe(bench: &mut Bench) -> Value {
    bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}))
}

fn update(bench: &mut Bench, config: &str) {
    bench.ask(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": config}),
    );
}

#[test]
fn creation_waits_for_the_fleet_and_for_its_time() {
    let mut bench = Bench::new();
    bench.model("m");
    bench.config("one", "m");
    bench.refused(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "none"}),
        "ValidationException",
        "Could not find endpoint configuration \"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/none\".",
    );
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "Creating");
    assert_eq!(
        endpoint["PendingDeploymentSummary"]["EndpointConfigName"],
        "one"
    );
    let missing = bench.world.route(&scope(), "e", None, 0.0).unwrap_err();
    assert_eq!(missing.code, "ValidationError");
    assert_eq!(
        missing.message,
        "Endpoint e of account 111122223333 not found."
    );
    let works = bench.wait(1000);
    assert_eq!(
        describe(&mut bench)["EndpointStatus"],
        "Creating",
        "the fleet is not up"
    );
    let [Work::Serve(fleet)] = works.as_slice() else {
        panic!("{works:?}")
    };
    assert_eq!(fleet.container["Environment"], json!({"A": "b"}));
    for op in ["DeleteEndpoint", "UpdateEndpoint"] {
        let error = bench.refused(
            op,
            json!({"EndpointName": "e", "EndpointConfigName": "one"}),
            "ValidationException",
            "Cannot update in-progress endpoint \"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e\".",
        );
        assert_eq!(error.class, Class::Busy);
    }
    bench.world.finish(
        bench.now,
        Done::Fleet {
            id: fleet.id,
            failure: None,
        },
    );
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(endpoint.get("PendingDeploymentSummary"), None);
    assert_eq!(endpoint["ProductionVariants"][0]["CurrentInstanceCount"], 1);
    let route = bench.world.route(&scope(), "e", None, 0.5).unwrap();
    assert_eq!(
        (route.fleet, route.variant.as_str(), route.config.as_str()),
        (fleet.id, "main", "one")
    );
    assert_eq!(route.capture, None);
}

#[test]
fn a_failed_creation_can_only_be_deleted() {
    let mut bench = Bench::new();
    bench.model("m");
    bench.config("one", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    bench.fleets(Some("exited with 1"));
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "Failed");
    let reason = endpoint["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("did not pass the ping health check"),
        "{reason}"
    );
    assert!(reason.ends_with("exited with 1"), "{reason}");
    let update = json!({"EndpointName": "e", "EndpointConfigName": "one"});
    let error = bench.refused("UpdateEndpoint", update, "ValidationException", "Failed");
    assert_eq!(error.class, Class::Invalid);
    bench.ask("DeleteEndpoint", json!({"EndpointName": "e"}));
    assert_eq!(describe(&mut bench)["EndpointStatus"], "Deleting");
    bench.wait(30);
    bench.refused(
        "DescribeEndpoint",
        json!({"EndpointName": "e"}),
        "ValidationException",
        "Could not find endpoint \"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e\".",
    );
}

#[test]
fn an_update_switches_all_at_once() {
    let mut bench = serving();
    let before = describe(&mut bench);
    let old = bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet;
    update(&mut bench, "two");
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "Updating");
    assert_eq!(endpoint["EndpointConfigName"], "one");
    assert!(endpoint["LastModifiedTime"].as_f64() > before["LastModifiedTime"].as_f64());
    let new = bench.fleets(None);
    assert_eq!(
        bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet,
        old
    );
    let works = bench.wait(300);
    assert_eq!(works, [Work::Retire(old)]);
    assert_eq!(describe(&mut bench)["EndpointConfigName"], "two");
    assert_eq!(
        bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet,
        new[0]
    );
}

#[test]
fn a_failed_update_rolls_back_in_silence() {
    let mut bench = serving();
    let old = bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet;
    let before = describe(&mut bench);
    update(&mut bench, "two");
    let new = bench.fleets(Some(
        "Request to service failed. If failure persists, retry.",
    ));
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(endpoint["EndpointConfigName"], "one");
    assert_eq!(
        endpoint["FailureReason"],
        "Request to service failed. If failure persists, retry."
    );
    assert_eq!(endpoint["ProductionVariants"], before["ProductionVariants"]);
    assert_eq!(bench.wait(0), [Work::Retire(new[0])]);
    assert_eq!(
        bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet,
        old
    );
    // The timer of the update that was given up changes nothing.
    bench.wait(1000);
    assert_eq!(describe(&mut bench), endpoint);
    update(&mut bench, "two");
    assert_eq!(describe(&mut bench).get("FailureReason"), None);
}

#[test]
fn what_an_update_retains() {
    let check = |more: Value, weight: f64, count: u64| {
        let mut bench = serving();
        bench.ask(
            "UpdateEndpointWeightsAndCapacities",
            json!({"EndpointName": "e", "DesiredWeightsAndCapacities":
                [{"VariantName": "main", "DesiredWeight": 3, "DesiredInstanceCount": 4}]}),
        );
        let variant = describe(&mut bench)["ProductionVariants"][0].clone();
        assert_eq!(
            (&variant["DesiredWeight"], &variant["CurrentWeight"]),
            (&json!(3.0), &json!(1.0))
        );
        bench.wait(60);
        let endpoint = describe(&mut bench);
        assert_eq!(endpoint["EndpointStatus"], "InService");
        assert_eq!(endpoint["ProductionVariants"][0]["CurrentInstanceCount"], 4);
        let mut body = json!({"EndpointName": "e", "EndpointConfigName": "two"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        bench.ask("UpdateEndpoint", body);
        bench.fleets(None);
        bench.wait(300);
        let variant = describe(&mut bench)["ProductionVariants"][0].clone();
        assert_eq!(variant["DesiredWeight"], json!(weight), "{more}");
        assert_eq!(variant["CurrentInstanceCount"], json!(count), "{more}");
    };
    check(json!({}), 1.0, 1);
    check(json!({"RetainAllVariantProperties": true}), 3.0, 4);
    check(
        json!({"RetainAllVariantProperties": true, "ExcludeRetainedVariantProperties":
            [{"VariantPropertyType": "DesiredInstanceCount"}]}),
        3.0,
        1,
    );
}

#[test]
fn a_config_in_use_can_be_deleted_and_then_blocks_updates() {
    let mut bench = serving();
    bench.ask("DeleteEndpointConfig", json!({"EndpointConfigName": "one"}));
    assert_eq!(describe(&mut bench)["EndpointConfigName"], "one");
    bench.refused(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "two"}),
        "ValidationException",
        "Could not find endpoint configuration \"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/one\".",
    );
    bench.ask("DeleteModel", json!({"ModelName": "m"}));
    assert_eq!(describe(&mut bench)["EndpointStatus"], "InService");
}

#[test]
fn unknown_variants_and_editing_behind_our_back() {
    let mut bench = serving();
    bench.refused(
        "UpdateEndpointWeightsAndCapacities",
        json!({"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "x"}]}),
        "ValidationException",
        "\"x\" is/are not present",
    );
    let edited = bench.world.edit(&scope(), "DescribeEndpoint", "e", |body| {
        body["ProductionVariants"][0]["DesiredInstanceCount"] = json!(7);
    });
    assert!(edited);
    assert_eq!(
        describe(&mut bench)["ProductionVariants"][0]["DesiredInstanceCount"],
        7
    );
    assert!(!bench.world.edit(&scope(), "DescribeEndpoint", "f", |_| {}));
}

#[test]
fn requests_are_spread_by_weight_and_captured() {
    let mut bench = Bench::new();
    bench.model("m");
    let variant = |name: &str, weight: f64| {
        json!({"VariantName": name, "ModelName": "m", "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1, "InitialVariantWeight": weight})
    };
    bench.ask(
        "CreateEndpointConfig",
        json!({
            "EndpointConfigName": "c",
            "ProductionVariants": [variant("a", 3.0), variant("b", 1.0), variant("idle", 0.0)],
            "DataCaptureConfig": {
                "InitialSamplingPercentage": 40, "DestinationS3Uri": "s3://b/capture/",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            },
        }),
    );
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "c"}),
    );
    assert_eq!(bench.fleets(None).len(), 3);
    bench.wait(240);
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["DataCaptureConfig"]["CaptureStatus"], "Started");
    let variant = |dice: f64| {
        bench
            .world
            .route(&scope(), "e", None, dice)
            .unwrap()
            .variant
    };
    assert_eq!(
        [0.0, 0.74, 0.76, 0.999, 1.0].map(variant),
        ["a", "a", "b", "b", "b"]
    );
    let capture = bench
        .world
        .route(&scope(), "e", Some("idle"), 0.0)
        .unwrap()
        .capture
        .unwrap();
    assert_eq!(
        (capture.sampling_percentage, capture.input, capture.output),
        (40, true, true)
    );
    assert_eq!(capture.destination, "s3://b/capture");
    assert!(bench.world.route(&scope(), "e", Some("none"), 0.0).is_err());
    assert!(
        bench.world.route(&scope(), "E", None, 0.0).is_err(),
        "case counts when invoking"
    );
}

#[test]
fn deleting_takes_the_fleets_down_at_once() {
    let mut bench = serving();
    let fleet = bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet;
    assert_eq!(bench.world.outstanding().len(), 1);
    bench.ask("DeleteEndpoint", json!({"EndpointName": "e"}));
    assert_eq!(bench.wait(0), [Work::Retire(fleet)]);
    assert!(bench.world.outstanding().is_empty());
    assert!(bench.world.route(&scope(), "e", None, 0.0).is_err());
    let endpoints = bench.ask("ListEndpoints", json!({"StatusEquals": "Deleting"}));
    assert_eq!(endpoints["Endpoints"].as_array().unwrap().len(), 1);
    bench.wait(30);
    assert_eq!(
        bench.ask("ListEndpoints", json!({})),
        json!({"Endpoints": []})
    );
    assert_eq!(bench.world.next_timer(), None);
}
