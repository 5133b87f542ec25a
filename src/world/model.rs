//! Models: what a container must name, whether its data can be read, and what is really served.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::objects::split_uri;
use super::records::Key;
use super::request::{Refusal, Request, default, items, text};
use crate::resource::call::Scope;

impl World {
    /// Checks a `CreateModel` and fills in what the service fills in.
    pub(super) fn check_model(
        &self,
        body: &mut Value,
        request: &Request<'_>,
    ) -> Result<(), Refusal> {
        let primary = body.get("PrimaryContainer").is_some();
        if primary == body.get("Containers").is_some() {
            return Err(Refusal::invalid(if primary {
                "Exactly one of PrimaryContainer and Containers must be provided."
            } else {
                "One of PrimaryContainer and Containers must be provided."
            }));
        }
        let containers = match body.get_mut("PrimaryContainer") {
            Some(container) => std::slice::from_mut(container),
            None => body
                .get_mut("Containers")
                .and_then(Value::as_array_mut)
                .map_or(&mut [][..], Vec::as_mut_slice),
        };
        for container in containers {
            self.check_container(container, request)?;
            default(container, "Mode", "SingleModel");
        }
        default(body, "EnableNetworkIsolation", false);
        Ok(())
    }

    fn check_container(&self, container: &Value, request: &Request<'_>) -> Result<(), Refusal> {
        let package = text(container, "ModelPackageName");
        if text(container, "Image").is_empty() && package.is_empty() {
            return Err(Refusal::invalid(
                "A container must name an Image or a ModelPackageName.",
            ));
        }
        if !package.is_empty() {
            let kind = Id::Package.kind();
            let key = self.key(kind, request.scope, package);
            if self.records.get(&key).is_none() {
                return Err(Refusal::invalid(format!(
                    "ModelPackage {package} does not exist."
                )));
            }
        }
        let container = self.resolved(request.scope, container);
        let data = text(&container, "ModelDataUrl");
        let source = container.pointer("/ModelDataSource/S3DataSource");
        let (uri, prefix) = match source {
            Some(source) => (
                text(source, "S3Uri"),
                text(source, "S3DataType") == "S3Prefix",
            ),
            None => (data, false),
        };
        if uri.is_empty() || self.settings.unchecked || self.readable(request.scope, uri, prefix) {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "Could not access model data at {uri}. Please ensure that the role \"{}\" exists and \
             that its trust relationship policy allows the action \"sts:AssumeRole\" for the \
             service principal \"sagemaker.amazonaws.com\". Also ensure that the role has \
             \"s3:GetObject\" permissions and that the object is located in {}.",
            request.text("ExecutionRoleArn"),
            request.scope.region
        )))
    }

    fn readable(&self, scope: &Scope, uri: &str, prefix: bool) -> bool {
        let Some((bucket, key)) = split_uri(uri) else {
            return false;
        };
        let here = self
            .objects
            .owner(bucket)
            .is_some_and(|owner| owner.region == scope.region);
        here && if prefix {
            self.objects.any(bucket, key)
        } else {
            self.objects.head(bucket, key).is_some()
        }
    }

    /// The one container that serves a model, with what its package says filled in.
    pub(super) fn container(&self, scope: &Scope, model: &str) -> Result<Value, String> {
        let Some(record) = self.records.get(&Key::new(Id::Model, scope, model)) else {
            let arn = Id::Model.kind().arn(scope, model);
            return Err(format!("Could not find model \"{arn}\"."));
        };
        let container = match record.body.get("PrimaryContainer") {
            Some(container) => container,
            None => match items(&record.body, "Containers") {
                [container] => container,
                containers => {
                    return Err(format!(
                        "The model {model} has {} containers; only one is supported here.",
                        containers.len()
                    ));
                }
            },
        };
        Ok(self.resolved(scope, container))
    }

    fn resolved(&self, scope: &Scope, container: &Value) -> Value {
        let mut resolved = container.clone();
        let package = text(container, "ModelPackageName");
        if package.is_empty() {
            return resolved;
        }
        let key = self.key(Id::Package.kind(), scope, package);
        let base = self
            .records
            .get(&key)
            .and_then(|record| record.body.pointer("/InferenceSpecification/Containers/0"));
        for (name, value) in base.and_then(Value::as_object).into_iter().flatten() {
            if name == "Environment" {
                default(&mut resolved, name, json!({}));
                for (key, value) in value.as_object().into_iter().flatten() {
                    default(&mut resolved["Environment"], key, value.clone());
                }
            } else {
                default(&mut resolved, name, value.clone());
            }
        }
        resolved
    }
}
