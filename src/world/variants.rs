//! Variants as a Describe of an endpoint shows them.

use serde_json::{Value, json};

use super::endpoint::forget;
use super::request::{epoch, items, text};
use crate::clock::Timestamp;
use crate::resource::canonical::sha256;

/// A variant of a config as Describe shows it once it serves.
pub(super) fn summary(variant: &Value) -> Value {
    let weight = variant["InitialVariantWeight"].as_f64().unwrap_or(1.0);
    let mut shown = json!({
        "VariantName": variant["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
    });
    if let Some(count) = variant.get("InitialInstanceCount") {
        shown["CurrentInstanceCount"] = count.clone();
        shown["DesiredInstanceCount"] = count.clone();
    }
    if let Some(config) = variant.get("ServerlessConfig") {
        shown["CurrentServerlessConfig"] = config.clone();
        shown["DesiredServerlessConfig"] = config.clone();
    }
    for member in ["ManagedInstanceScaling", "RoutingConfig"] {
        if let Some(value) = variant.get(member) {
            shown[member] = value.clone();
        }
    }
    shown
}

/// An image as deployed: its tag resolved to a digest.
pub(super) fn image(image: &str, now: Timestamp) -> Value {
    let resolved = if image.contains("@sha256:") {
        image.to_owned()
    } else {
        let name = image.rfind(':').filter(|at| !image[*at..].contains('/'));
        format!(
            "{}@sha256:{}",
            &image[..name.unwrap_or(image.len())],
            sha256(image.as_bytes())
        )
    };
    json!({"SpecifiedImage": image, "ResolvedImage": resolved, "ResolutionTime": epoch(now)})
}

/// Data capture of a config as Describe of an endpoint shows it.
pub(super) fn captured(config: &Value) -> Value {
    let on = config["EnableCapture"] == true;
    json!({
        "EnableCapture": on,
        "CaptureStatus": if on { "Started" } else { "Stopped" },
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": text(config, "KmsKeyId"),
    })
}

/// Keeps counts and weights of the variants that have the same name as now.
pub(super) fn retain(planned: &mut [Value], body: &Value, kept: impl Fn(&str) -> bool) {
    for variant in planned {
        let name = text(variant, "VariantName").to_owned();
        let now = items(body, "ProductionVariants")
            .iter()
            .find(|one| text(one, "VariantName") == name);
        let Some(now) = now else { continue };
        for (property, current) in [
            ("DesiredInstanceCount", "CurrentInstanceCount"),
            ("DesiredWeight", "CurrentWeight"),
        ] {
            if let (true, Some(value), true) = (
                kept(property),
                now.get(property),
                variant.get(property).is_some(),
            ) {
                variant[property] = value.clone();
                variant[current] = value.clone();
            }
        }
    }
}

/// Writes what one variant is wished to be.
pub(super) fn wish(body: &mut Value, wish: &Value) {
    let name = text(wish, "VariantName");
    let variants = body["ProductionVariants"].as_array_mut();
    for variant in variants.into_iter().flatten() {
        if text(variant, "VariantName") != name {
            continue;
        }
        if let Some(weight) = wish.get("DesiredWeight").and_then(Value::as_f64) {
            variant["DesiredWeight"] = json!(weight);
        }
        if let Some(count) = wish.get("DesiredInstanceCount") {
            variant["DesiredInstanceCount"] = count.clone();
        }
        for (member, value) in wish
            .get("ServerlessUpdateConfig")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            variant["DesiredServerlessConfig"][member] = value.clone();
        }
    }
}

/// What was desired is now current.
pub(super) fn settle(body: &mut Value) {
    let variants = body.get_mut("ProductionVariants");
    let variants = variants.and_then(Value::as_array_mut);
    for variant in variants.into_iter().flatten() {
        for (current, desired) in [
            ("CurrentWeight", "DesiredWeight"),
            ("CurrentInstanceCount", "DesiredInstanceCount"),
            ("CurrentServerlessConfig", "DesiredServerlessConfig"),
        ] {
            if let Some(value) = variant.get(desired).cloned() {
                variant[current] = value;
            }
        }
    }
}

/// Sets a member, or takes it away.
pub(super) fn put_or_forget(body: &mut Value, member: &str, value: Option<Value>) {
    match value {
        Some(value) => body[member] = value,
        None => forget(body, member),
    }
}
