//! Refusals of form, and that the model of the service is whole.

use serde_json::json;

use super::*;

fn check(op: &str, body: Value, message: &str) {
    let refusal = request(op, &body).expect_err(op);
    assert!(
        refusal.message.starts_with(message),
        "{} is not {message}",
        refusal.message
    );
}

#[test]
fn every_shape_that_is_named_exists() {
    let named = SERVICE
        .requests
        .values()
        .chain(SERVICE.responses.values())
        .chain(SERVICE.shapes.values().filter_map(|shape| match shape {
            Shape::Struct(members) => Some(members),
            _ => None,
        }))
        .flatten();
    for member in named {
        assert!(
            SERVICE.shapes.contains_key(member.shape),
            "{}",
            member.shape
        );
    }
    for (name, shape) in &SERVICE.shapes {
        match shape {
            Shape::List(List { item, .. }) | Shape::Map(Entries { item, .. }) if *item != "-" => {
                assert!(SERVICE.shapes.contains_key(item), "{name} of {item}");
            }
            _ => {}
        }
    }
    assert!(SERVICE.shapes.len() > 500);
}

#[test]
fn every_pattern_compiles() {
    let patterns = SERVICE.shapes.values().filter_map(|shape| match shape {
        Shape::Text(_, pattern) => pattern.as_ref(),
        _ => None,
    });
    let mut count = 0;
    for pattern in patterns {
        assert!(pattern.compiles(), "{}", pattern.source());
        count += 1;
    }
    assert!(count > 60, "{count} patterns");
}

#[test]
fn refusals_speak_as_the_service_does() {
    check(
        "DescribeEndpoint",
        json!({"EndpointName": "a_b"}),
        "1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy \
         constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9]",
    );
    check(
        "CreateEndpoint",
        json!({"EndpointConfigName": null}),
        "2 validation errors detected: Value null at 'endpointName' failed to satisfy \
         constraint: Member must not be null; Value null at 'endpointConfigName'",
    );
    check(
        "CreateEndpointConfig",
        json!({"EndpointConfigName": "a", "ProductionVariants": [
            {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.lagre"}]}),
        "1 validation error detected: Value 'ml.m5.lagre' at \
         'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must \
         satisfy enum value set: [",
    );
    check(
        "ListModels",
        json!({"MaxResults": 101}),
        "1 validation error detected: Value '101' at 'maxResults' failed to satisfy \
         constraint: Member must have value less than or equal to 100",
    );
    check(
        "ListModels",
        json!({"MaxResults": "5"}),
        "STRING_VALUE can not be converted",
    );
}

#[test]
fn what_the_service_does_not_know_is_dropped() {
    let asked = json!({"ModelName": "m", "Else": 1});
    let clean = request("DescribeModel", &asked).unwrap();
    assert_eq!(Value::Object(clean.into_owned()), json!({"ModelName": "m"}));
}
