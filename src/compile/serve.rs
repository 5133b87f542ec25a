//! What a commit asks for in one environment: model, endpoint config, endpoint, monitors.

use serde_json::{Value, json};

use super::definition::serving_environment;
use super::{CompileError, Subject, monitor, role_arn, tags};
use crate::config::model::{CaptureMode, DataCapture, Environment};
use crate::release::{Release, ReleasedPackage};
use crate::resource::broken::Broken;
use crate::resource::call::{Call, Scope};
use crate::resource::desired::{Desired, Key, Origin, Resource};
use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG, MODEL};
use crate::resource::owner;
use crate::resource::unit::Unit;

/// Compiles one environment. Without a release there is nothing to serve yet.
pub fn environment(
    subject: &Subject<'_>,
    environment: &Environment,
) -> Result<Desired, CompileError> {
    let unit = Unit::environment(&subject.config.name, &environment.name);
    let scope = Scope {
        account: environment.account.clone(),
        region: environment.region.clone(),
    };
    let release = subject.releases.get(&environment.name);
    let mut resources = Vec::new();
    if let Some(release) = release {
        let serving = Serving {
            subject,
            environment,
            scope: &scope,
        };
        resources.extend(serving.models(release));
        resources.push(serving.endpoint_config());
        resources.push(serving.endpoint());
        resources.extend(monitor::resources(subject, environment, &scope)?);
    }
    Ok(Desired {
        owner: owner::owner(&subject.installation.installation, &unit),
        unit,
        scope,
        commit: subject.snapshot.commit.0.clone(),
        resources,
        run: None,
        attempt: release.map_or(1, |release| release.attempt),
        broken: Broken::Nothing,
    })
}

/// `<model>-<environment>`: the endpoint's name, and the beginning of its parts' names.
pub fn stem(model: &str, environment: &str) -> String {
    format!("{model}-{environment}")
}

struct Serving<'a> {
    subject: &'a Subject<'a>,
    environment: &'a Environment,
    scope: &'a Scope,
}

impl Serving<'_> {
    fn origin(&self, pointer: &str) -> Option<Origin> {
        let own = format!("/environments/{}{pointer}", self.environment.name);
        (self.subject.origin)(&own).or_else(|| (self.subject.origin)(pointer))
    }

    fn resource(
        &self,
        key: Key,
        kind: &'static crate::resource::kind::Kind,
        body: Value,
        pointer: &str,
    ) -> Resource {
        Resource {
            key,
            kind,
            stem: stem(&self.subject.config.name, &self.environment.name),
            body,
            tags: tags(self.subject.config, &self.environment.tags),
            content: None,
            verify: Vec::new(),
            after: Vec::new(),
            origin: self.origin(pointer),
        }
    }

    fn models(&self, release: &Release) -> Vec<Resource> {
        let file = self
            .subject
            .path(&format!("releases/{}.yaml", self.environment.name));
        release
            .packages
            .iter()
            .map(|(slot, package)| {
                let mut model = self.resource(
                    Key::new(&MODEL, slot),
                    &MODEL,
                    self.model(package),
                    "/deployment",
                );
                model.origin = Some(Origin {
                    file: file.clone(),
                    line: 1,
                });
                model.verify = self.checks(package);
                model
            })
            .collect()
    }

    fn model(&self, package: &ReleasedPackage) -> Value {
        let code = Value::from(package.code.uri.clone());
        json!({
            "ExecutionRoleArn":
                role_arn(&self.environment.roles, &self.environment.account, &self.subject.config.name),
            "PrimaryContainer": {
                "Image": package.image,
                "ModelDataUrl": package.model_data.uri,
                "Environment": serving_environment(&self.environment.region, &package.code.entry_point, code),
            },
        })
    }

    /// Before a model is made of a release, the registry and the artefact must agree with it.
    fn checks(&self, package: &ReleasedPackage) -> Vec<(Call, Value)> {
        let home = self.subject.home_scope();
        let mut checks = vec![(
            Call::new(
                "DescribeModelPackage",
                &home,
                json!({"ModelPackageName": package.arn}),
            ),
            json!({"InferenceSpecification": {"Containers": [{"ModelDataUrl": package.model_data.uri}]}}),
        )];
        if let Some((bucket, key)) = crate::resource::call::s3_parts(&package.model_data.uri) {
            checks.push((
                Call::new("HeadObject", &home, json!({"Bucket": bucket, "Key": key})),
                crate::plan::candidate::expected_head(&package.model_data),
            ));
        }
        checks
    }

    fn endpoint_config(&self) -> Resource {
        let deployment = &self.environment.deployment;
        let variants: Vec<_> = deployment
            .variants
            .iter()
            .map(|(name, variant)| {
                json!({
                    "VariantName": name,
                    "ModelName": {"$ref": crate::release::MAIN_SLOT},
                    "InstanceType": variant.instance_type,
                    "InitialInstanceCount": variant.initial_instance_count,
                    "InitialVariantWeight": variant.initial_weight,
                })
            })
            .collect();
        let mut body = json!({"ProductionVariants": variants});
        if let Some(capture) = &deployment.data_capture {
            body["DataCaptureConfig"] = self.capture(capture);
        }
        self.resource(
            Key::new(&ENDPOINT_CONFIG, ""),
            &ENDPOINT_CONFIG,
            body,
            "/deployment/variants",
        )
    }

    fn capture(&self, capture: &DataCapture) -> Value {
        let modes: Vec<_> = capture
            .modes
            .iter()
            .map(|mode| match mode {
                CaptureMode::Input => json!({"CaptureMode": "Input"}),
                CaptureMode::Output => json!({"CaptureMode": "Output"}),
            })
            .collect();
        // A trailing slash would double the separator in every key that is written.
        let uri = capture.s3_uri.as_deref().map_or_else(
            || format!("{}/capture", self.subject.prefix(self.scope)),
            |uri| uri.trim_end_matches('/').to_owned(),
        );
        json!({
            "EnableCapture": true,
            "InitialSamplingPercentage": capture.sampling_percentage,
            "DestinationS3Uri": uri,
            "CaptureOptions": modes,
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json"],
            },
        })
    }

    fn endpoint(&self) -> Resource {
        let running: Vec<_> = self
            .environment
            .deployment
            .variants
            .iter()
            .map(|(name, variant)| {
                json!({
                    "VariantName": name,
                    "DesiredInstanceCount": variant.initial_instance_count,
                    "DesiredWeight": variant.initial_weight,
                })
            })
            .collect();
        let body = json!({"EndpointConfigName": {"$ref": ""}, "ProductionVariants": running});
        self.resource(
            Key::new(&ENDPOINT, ""),
            &ENDPOINT,
            body,
            "/deployment/variants",
        )
    }
}
