//! Model packages: the versions of a group, and single ones; approval and what may change later.

use serde_json::{Map, Value, json};

use super::World;
use super::create::user;
use super::endpoint::forget;
use super::kind::{Id, locate};
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, default, epoch, picked, text};
use super::shape;
use crate::resource::canonical::sha256;

impl World {
    pub(super) fn create_package(&mut self, request: &Request<'_>) -> Reply {
        let single = request.text("ModelPackageName");
        let group = request.text("ModelPackageGroupName");
        let kind = Id::Package.kind();
        match (single.is_empty(), group.is_empty()) {
            (false, false) => Err(Refusal::invalid(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. \
                 Cannot determine which one to use.",
            )),
            (true, true) => Err(Refusal::invalid("Missing ARN.")),
            (false, true) => {
                self.free(kind, request.scope, single)?;
                let body = package(request);
                self.put(kind, request, single, body, token(request))
            }
            (true, false) => self.create_version(request, group),
        }
    }

    fn create_version(&mut self, request: &Request<'_>, group: &str) -> Reply {
        if request.get("Tags").is_some() {
            return Err(Refusal::invalid(
                "Tags are not supported for versioned model packages; tag the model package group.",
            ));
        }
        let kind = Id::Package.kind();
        let key = self.key(Id::PackageGroup.kind(), request.scope, group);
        let Some(record) = self.records.get(&key) else {
            return Err(Id::PackageGroup.kind().missing(request.scope, group));
        };
        let group = record.name.clone();
        let versions = format!("{}/", group.to_ascii_lowercase());
        let wanted = token(request);
        let known = self
            .records
            .under(Id::Package, request.scope, &versions)
            .find(|record| wanted != State::Plain && record.state == wanted);
        if let Some(record) = known {
            return Ok(json!({"ModelPackageArn": record.body["ModelPackageArn"]}));
        }
        let version = self.next_version(&key);
        let mut body = package(request);
        // The model of the service requires a name here; the versions of a group share its name.
        body["ModelPackageName"] = json!(group);
        body["ModelPackageGroupName"] = json!(group);
        body["ModelPackageVersion"] = json!(version);
        default(&mut body, "ModelApprovalStatus", "PendingManualApproval");
        self.put(kind, request, &format!("{group}/{version}"), body, wanted)
    }

    pub(super) fn update_package(&mut self, request: &Request<'_>) -> Reply {
        let arn = request.text("ModelPackageArn");
        let kind = Id::Package.kind();
        let missing = || Refusal::invalid(format!("ModelPackage {arn} does not exist."));
        let (_, scope, name) = locate(arn)
            .filter(|(found, scope, _)| found.id == Id::Package && scope == request.scope)
            .ok_or_else(missing)?;
        let record = self
            .records
            .get_mut(&Key::new(kind.id, &scope, &name))
            .ok_or_else(missing)?;
        change(&mut record.body, request);
        Ok(json!({"ModelPackageArn": record.body["ModelPackageArn"]}))
    }

    /// Several packages by their ARNs; what cannot be shown is an error of its own.
    pub(super) fn batch_describe(&self, request: &Request<'_>) -> Value {
        let (mut found, mut failed) = (Map::new(), Map::new());
        for arn in request.items("ModelPackageArnList") {
            let arn = arn.as_str().unwrap_or_default();
            let record = locate(arn)
                .filter(|(kind, ..)| kind.id == Id::Package)
                .and_then(|(kind, scope, name)| {
                    self.records.get(&Key::new(kind.id, &scope, &name))
                });
            if let Some(record) = record {
                let shown = picked(&record.body, &BATCHED);
                found.insert(arn.to_owned(), Value::Object(shown));
            } else {
                let error = json!({
                    "ErrorCode": "ValidationException",
                    "ErrorResponse": format!("ModelPackage {arn} does not exist."),
                });
                failed.insert(arn.to_owned(), error);
            }
        }
        json!({
            "ModelPackageSummaries": found,
            "BatchDescribeModelPackageErrorMap": failed,
        })
    }

    pub(super) fn list_packages(&self, request: &Request<'_>) -> Reply {
        let group = request.text("ModelPackageGroupName");
        let start = if group.is_empty() {
            String::new()
        } else {
            self.group_name(request.scope, group)?
        };
        let mut answer = self.list(Id::Package.kind(), &start, request)?;
        // Lists name single packages only: versions are known by their ARN.
        for item in answer["ModelPackageSummaryList"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            if item.get("ModelPackageVersion").is_some() {
                forget(item, "ModelPackageName");
            }
        }
        Ok(answer)
    }
}

/// Which packages a list without a group shows: single ones, unless versions are asked for.
pub(super) fn listed(record: &Record, request: &Request<'_>) -> bool {
    let versioned = record.body.get("ModelPackageVersion").is_some();
    match request.text("ModelPackageType") {
        "Both" => true,
        "Versioned" => versioned,
        "Unversioned" => !versioned,
        _ => versioned != request.text("ModelPackageGroupName").is_empty(),
    }
}

/// What a batch shows of a package.
const BATCHED: [&str; 9] = [
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
];

fn token(request: &Request<'_>) -> State {
    match request.text("ClientToken") {
        "" => State::Plain,
        token => State::Token(token.to_owned()),
    }
}

fn package(request: &Request<'_>) -> Value {
    let mut body = Value::Object(shape::echo("DescribeModelPackage", &request.body));
    forget(&mut body, "ModelPackageGroupName");
    resolve_images(body.pointer_mut("/InferenceSpecification/Containers"));
    for specification in body
        .get_mut("AdditionalInferenceSpecifications")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        resolve_images(specification.get_mut("Containers"));
    }
    default(&mut body, "CertifyForMarketplace", false);
    body["ModelPackageStatus"] = json!("Completed");
    body["ModelPackageStatusDetails"] = json!({"ValidationStatuses": []});
    body["CreatedBy"] = user(request.scope);
    body
}

/// Fills in the digest that each image stands for.
fn resolve_images(containers: Option<&mut Value>) {
    for container in containers
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let image = text(container, "Image");
        if image.is_empty() {
            continue;
        }
        let digest = image
            .split_once("@sha256:")
            .map_or_else(|| sha256(image.as_bytes()), |(_, digest)| digest.to_owned());
        default(container, "ImageDigest", format!("sha256:{digest}"));
    }
}

/// Writes what an update may change.
fn change(body: &mut Value, request: &Request<'_>) {
    for member in [
        "ModelApprovalStatus",
        "ApprovalDescription",
        "ModelPackageRegistrationType",
        "SourceUri",
        "ModelCard",
        "ModelLifeCycle",
        "InferenceSpecification",
    ] {
        if let Some(value) = request.get(member) {
            body[member] = value.clone();
        }
    }
    resolve_images(body.pointer_mut("/InferenceSpecification/Containers"));
    if let Some(Value::Object(properties)) = request.get("CustomerMetadataProperties") {
        default(body, "CustomerMetadataProperties", json!({}));
        for (name, value) in properties {
            body["CustomerMetadataProperties"][name] = value.clone();
        }
    }
    for name in request.items("CustomerMetadataPropertiesToRemove") {
        if let Some(properties) = body
            .get_mut("CustomerMetadataProperties")
            .and_then(Value::as_object_mut)
        {
            properties.remove(name.as_str().unwrap_or(""));
        }
    }
    let more = request.items("AdditionalInferenceSpecificationsToAdd");
    if !more.is_empty() {
        default(body, "AdditionalInferenceSpecifications", json!([]));
        if let Some(all) = body["AdditionalInferenceSpecifications"].as_array_mut() {
            all.extend(more.iter().cloned());
        }
    }
    let none = Map::is_empty;
    if body["CustomerMetadataProperties"]
        .as_object()
        .is_some_and(none)
    {
        forget(body, "CustomerMetadataProperties");
    }
    body["LastModifiedTime"] = epoch(request.now);
    body["LastModifiedBy"] = user(request.scope);
}
