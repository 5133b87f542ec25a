//! Endpoint configs and monitoring job definitions: checks, and what the service fills in.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::records::Key;
use super::request::{Refusal, Request, default, items, text};

impl World {
    /// Checks a `CreateEndpointConfig` and fills in what the service fills in.
    pub(super) fn check_endpoint_config(
        &self,
        body: &mut Value,
        request: &Request<'_>,
    ) -> Result<(), Refusal> {
        let mut names = Vec::new();
        for member in ["ProductionVariants", "ShadowProductionVariants"] {
            for variant in items(body, member) {
                self.check_variant(variant, request)?;
                names.push(text(variant, "VariantName"));
            }
        }
        names.sort_unstable();
        if let Some([twice, _]) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Refusal::invalid(format!(
                "Variant names must be unique within an endpoint configuration: \"{twice}\" is not."
            )));
        }
        check_together(body)?;
        for member in ["ProductionVariants", "ShadowProductionVariants"] {
            for variant in body
                .get_mut(member)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                default(variant, "InitialVariantWeight", 1.0);
                let weight = variant["InitialVariantWeight"].as_f64();
                variant["InitialVariantWeight"] = json!(weight.unwrap_or(1.0));
            }
        }
        if let Some(capture) = body.get_mut("DataCaptureConfig") {
            default(capture, "EnableCapture", true);
        }
        default(body, "EnableNetworkIsolation", false);
        Ok(())
    }

    fn check_variant(&self, variant: &Value, request: &Request<'_>) -> Result<(), Refusal> {
        let name = text(variant, "VariantName");
        let model = text(variant, "ModelName");
        if model.is_empty() {
            if request.get("ExecutionRoleArn").is_none() {
                return Err(Refusal::invalid(format!(
                    "ModelName is required for variant \"{name}\" when no ExecutionRoleArn is \
                     given."
                )));
            }
        } else if self
            .records
            .get(&Key::new(Id::Model, request.scope, model))
            .is_none()
        {
            return Err(Id::Model.kind().missing(request.scope, model));
        }
        let instances = variant.get("InstanceType").is_some();
        let serverless = variant.get("ServerlessConfig").is_some();
        let pools = variant.get("InstancePools").is_some();
        if usize::from(instances) + usize::from(serverless) + usize::from(pools) != 1 {
            return Err(Refusal::invalid(format!(
                "Exactly one of InstanceType, InstancePools and ServerlessConfig is required for \
                 variant \"{name}\"."
            )));
        }
        let count = variant.get("InitialInstanceCount").is_some();
        if instances && !model.is_empty() && !count {
            return Err(Refusal::invalid(format!(
                "InitialInstanceCount is required with InstanceType for variant \"{name}\"."
            )));
        }
        if serverless && count {
            return Err(Refusal::invalid(format!(
                "InitialInstanceCount is not allowed with ServerlessConfig for variant \"{name}\"."
            )));
        }
        if variant.get("ManagedInstanceScaling").is_some() && !model.is_empty() {
            return Err(Refusal::invalid(
                "ManagedInstanceScaling is only supported for inference component endpoints.",
            ));
        }
        check_serverless(variant)
    }
}

fn check_serverless(variant: &Value) -> Result<(), Refusal> {
    let Some(config) = variant.get("ServerlessConfig") else {
        return Ok(());
    };
    let number = |member: &str| config.get(member).and_then(Value::as_u64);
    if number("MemorySizeInMB").is_some_and(|size| size % 1024 != 0) {
        return Err(Refusal::invalid(
            "MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120 and 6144.",
        ));
    }
    if number("ProvisionedConcurrency") > number("MaxConcurrency") {
        return Err(Refusal::invalid(
            "ProvisionedConcurrency must be less than or equal to MaxConcurrency.",
        ));
    }
    Ok(())
}

/// What variants and the rest of a config do not allow each other.
fn check_together(body: &Value) -> Result<(), Refusal> {
    let variants = items(body, "ProductionVariants");
    let shadows = items(body, "ShadowProductionVariants");
    if variants
        .iter()
        .any(|variant| variant.get("ServerlessConfig").is_some())
    {
        if variants.len() > 1 || !shadows.is_empty() {
            return Err(Refusal::invalid(
                "A serverless endpoint must have exactly one variant.",
            ));
        }
        for (member, what) in [
            ("DataCaptureConfig", "Data capture"),
            ("AsyncInferenceConfig", "Asynchronous inference"),
            ("VpcConfig", "A VPC"),
        ] {
            if body.get(member).is_some() {
                return Err(Refusal::invalid(format!(
                    "{what} is not supported for serverless endpoints."
                )));
            }
        }
    }
    if !shadows.is_empty() && (variants.len() != 1 || shadows.len() != 1) {
        return Err(Refusal::invalid(
            "A shadow test needs exactly one production variant and one shadow variant.",
        ));
    }
    Ok(())
}

/// What the service fills in of a job definition of a monitor.
pub(super) fn job_defaults(body: &mut Value) {
    default(
        body,
        "StoppingCondition",
        json!({"MaxRuntimeInSeconds": 3600}),
    );
    for kind in [
        "DataQuality",
        "ModelQuality",
        "ModelBias",
        "ModelExplainability",
    ] {
        for input in ["EndpointInput", "BatchTransformInput"] {
            if let Some(input) = body.pointer_mut(&format!("/{kind}JobInput/{input}")) {
                input_defaults(input);
            }
        }
        output_defaults(body.pointer_mut(&format!("/{kind}JobOutputConfig/MonitoringOutputs")));
    }
    if let Some(network) = body.get_mut("NetworkConfig") {
        default(network, "EnableInterContainerTrafficEncryption", false);
        default(network, "EnableNetworkIsolation", false);
    }
}

/// What the service fills in of a monitoring input.
pub(super) fn input_defaults(input: &mut Value) {
    default(input, "S3InputMode", "File");
    default(input, "S3DataDistributionType", "FullyReplicated");
}

/// What the service fills in of monitoring outputs.
pub(super) fn output_defaults(outputs: Option<&mut Value>) {
    for output in outputs.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(output) = output.get_mut("S3Output") {
            default(output, "S3UploadMode", "EndOfJob");
        }
    }
}
