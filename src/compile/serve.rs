//! What a commit asks for in one environment: model, endpoint config, endpoint, monitors.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition::serving_environment;
use super::network::vpc_config;
use super::rollout::deployment_config;
use super::{CompileError, Subject, monitor, role_arn, tags};
use crate::config::model::{
    CaptureMode, DataCapture, Deployment, Environment, EnvironmentMode, ShadowVariant, Variant,
};
use crate::config::release_file;
use crate::release::{MAIN_SLOT, Release, ReleasedPackage};
use crate::resource::broken::Broken;
use crate::resource::call::{Call, Scope};
use crate::resource::desired::{Desired, Key, Origin, Resource};
use crate::resource::kind::{Kind, Naming};
use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG, MODEL};
use crate::resource::owner;
use crate::resource::unit::Unit;
use crate::snapshot::ObjectId;

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
    let lifecycle = subject.lifecycle(environment.drift, environment.state, environment.deletion);
    let release = subject.releases.get(&environment.name);
    let serving = Serving {
        subject,
        environment,
        scope: &scope,
    };
    let (mut resources, mut former) = (Vec::new(), Vec::new());
    if lifecycle.is_absent() {
        former = serving.former()?;
    } else if let Some(release) = release {
        resources.extend(serving.topics());
        resources.extend(serving.models(release));
        resources.push(serving.endpoint_config(release));
        let alarms = serving.rollback_alarms();
        let endpoint = serving.endpoint(&alarms);
        resources.extend(alarms);
        resources.push(endpoint);
        resources.extend(serving.scalings());
        resources.extend(monitor::resources(subject, environment, &scope)?);
    }
    Ok(Desired {
        owner: owner::owner(&subject.installation.installation, &unit),
        unit,
        scope: scope.clone(),
        commit: subject.snapshot.commit.0.clone(),
        resources,
        run: None,
        former,
        removal: serving.origin("/deletion"),
        release: serving.release_file(),
        attempt: release.map_or(1, |release| release.attempt),
        production: environment.mode == EnvironmentMode::Production,
        lifecycle,
        suspension: environment.suspend.clone(),
        broken: Broken::Nothing,
    })
}

/// `<model>-<environment>`: the endpoint's name, and the beginning of its parts' names.
pub fn stem(model: &str, environment: &str) -> String {
    format!("{model}-{environment}")
}

/// What one environment serves.
pub(super) struct Serving<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) environment: &'a Environment,
    pub(super) scope: &'a Scope,
}

impl Serving<'_> {
    /// The endpoint's name.
    pub(super) fn stem(&self) -> String {
        stem(&self.subject.config.name, &self.environment.name)
    }

    /// What may be there under a name that does not come from its content.
    fn former(&self) -> Result<Vec<(&'static Kind, String)>, CompileError> {
        let declared = self.topics().into_iter();
        let declared = declared
            .chain(self.rollback_alarms())
            .chain(self.scalings())
            .chain(monitor::resources(
                self.subject,
                self.environment,
                self.scope,
            )?);
        let named = declared.filter(|one| one.kind.naming == Naming::Mutable);
        let named = named.map(|one| (one.kind, one.stem));
        Ok(named.chain([(&ENDPOINT, self.stem())]).collect())
    }

    fn release_file(&self) -> Option<ObjectId> {
        let path = self.release_path();
        let file = self.subject.snapshot.files.get(&path)?;
        Some(file.blob.clone())
    }

    fn release_path(&self) -> String {
        release_file(self.subject.folder, &self.environment.name)
    }

    fn origin(&self, pointer: &str) -> Option<Origin> {
        let own = format!("/environments/{}{pointer}", self.environment.name);
        (self.subject.origin)(&own).or_else(|| (self.subject.origin)(pointer))
    }

    pub(super) fn resource(
        &self,
        key: Key,
        kind: &'static Kind,
        body: Value,
        pointer: &str,
    ) -> Resource {
        Resource {
            key,
            kind,
            stem: self.stem(),
            body: body.into(),
            tags: tags(self.subject.config, &self.environment.tags),
            content: None,
            verify: Vec::new(),
            after: Vec::new(),
            origin: self.origin(pointer),
        }
    }

    fn models(&self, release: &Release) -> Vec<Resource> {
        let file = self.release_path();
        let deployment = &self.environment.deployment;
        let variants = deployment.variants.keys().chain(deployment.shadow.keys());
        let slots: BTreeSet<_> = variants.map(|name| slot(release, name)).collect();
        release
            .packages
            .iter()
            .filter(|(slot, _)| slots.contains(slot.as_str()))
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
                // One package in two slots is two models: each may be replaced without the other.
                if slot != MAIN_SLOT {
                    model.stem = format!("{}-{slot}", model.stem);
                }
                model
            })
            .collect()
    }

    fn model(&self, package: &ReleasedPackage) -> Value {
        let code = Value::from(package.code.uri.clone());
        let mut variables =
            serving_environment(&self.environment.region, &package.code.entry_point, code);
        for (name, value) in &self.environment.deployment.environment {
            variables[name] = value.clone().into();
        }
        let mut model = json!({
            "ExecutionRoleArn":
                role_arn(&self.environment.roles, &self.environment.account, &self.subject.config.name),
            "PrimaryContainer": {
                "Image": package.image,
                "ModelDataUrl": package.model_data.uri,
                "Environment": variables,
            },
        });
        let network = &self.environment.network;
        if network.isolation {
            model["EnableNetworkIsolation"] = true.into();
        }
        if let Some(vpc) = &network.vpc {
            model["VpcConfig"] = vpc_config(vpc);
        }
        model
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

    fn endpoint_config(&self, release: &Release) -> Resource {
        let deployment = &self.environment.deployment;
        let variants = deployment.variants.iter();
        let variants: Vec<_> = variants
            .map(|(name, variant)| production(name, variant, slot(release, name)))
            .collect();
        let mut body = json!({"ProductionVariants": variants});
        // Without a package of its own there is nothing to try.
        let shadows = deployment.shadow.iter();
        let shadows: Vec<_> = shadows
            .filter(|(name, _)| release.packages.contains_key(*name))
            .map(|(name, variant)| shadow(name, variant, deployment))
            .collect();
        if !shadows.is_empty() {
            body["ShadowProductionVariants"] = shadows.into();
        }
        if let Some(capture) = &deployment.data_capture {
            body["DataCaptureConfig"] = self.capture(capture);
        }
        if let Some(key) = &self.environment.encryption.kms_key_id {
            body["KmsKeyId"] = key.clone().into();
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
        let mut capture = json!({
            "EnableCapture": true,
            "InitialSamplingPercentage": capture.sampling_percentage,
            "DestinationS3Uri": uri,
            "CaptureOptions": modes,
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json"],
            },
        });
        if let Some(key) = &self.environment.encryption.kms_key_id {
            capture["KmsKeyId"] = key.clone().into();
        }
        capture
    }

    fn endpoint(&self, alarms: &[Resource]) -> Resource {
        let deployment = &self.environment.deployment;
        let running: Vec<_> = deployment
            .variants
            .iter()
            .map(|(name, variant)| {
                let mut one = json!({
                    "VariantName": name,
                    "DesiredWeight": variant.initial_weight,
                });
                // What counts by load is not counted by Git.
                if self.scaling(variant).is_none() {
                    one["DesiredInstanceCount"] = variant.initial_instance_count.into();
                }
                one
            })
            .collect();
        let mut body = json!({"EndpointConfigName": {"$ref": ""}, "ProductionVariants": running});
        if let Some(rollout) = &deployment.rollout {
            let names: Vec<_> = alarms.iter().map(|alarm| alarm.stem.clone()).collect();
            body["DeploymentConfig"] = deployment_config(rollout, &names);
        }
        self.resource(
            Key::new(&ENDPOINT, ""),
            &ENDPOINT,
            body,
            "/deployment/variants",
        )
    }
}

/// The slot of the release that a variant serves.
fn slot<'a>(release: &Release, variant: &'a str) -> &'a str {
    if release.packages.contains_key(variant) {
        variant
    } else {
        MAIN_SLOT
    }
}

fn production(name: &str, variant: &Variant, slot: &str) -> Value {
    let mut body = json!({
        "VariantName": name,
        "ModelName": {"$ref": slot},
        "InstanceType": variant.instance_type,
        "InitialInstanceCount": variant.initial_instance_count,
        "InitialVariantWeight": variant.initial_weight,
    });
    let download = variant.model_data_download_timeout;
    let startup = variant.container_startup_health_check_timeout;
    let routing = variant.routing;
    for (member, value) in [
        ("VolumeSizeInGB", variant.volume_size_in_gb.map(Value::from)),
        (
            "ModelDataDownloadTimeoutInSeconds",
            download.map(|time| time.0.into()),
        ),
        (
            "ContainerStartupHealthCheckTimeoutInSeconds",
            startup.map(|time| time.0.into()),
        ),
        (
            "RoutingConfig",
            routing.map(|routing| json!({"RoutingStrategy": routing.strategy()})),
        ),
    ] {
        if let Some(value) = value {
            body[member] = value;
        }
    }
    body
}

/// A shadow's weight is its share of what the production variant gets.
fn shadow(name: &str, variant: &ShadowVariant, deployment: &Deployment) -> Value {
    let production = deployment.variants.values().next();
    let weight = production.map_or(1.0, |variant| variant.initial_weight);
    json!({
        "VariantName": name,
        "ModelName": {"$ref": name},
        "InstanceType": variant.instance_type,
        "InitialInstanceCount": variant.initial_instance_count,
        "InitialVariantWeight": weight * f64::from(variant.sampling_percentage) / 100.0,
    })
}
