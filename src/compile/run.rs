//! The run digest: what a training run is the run of.

use serde_json::{Map, Value, json};

use super::source::Source;
use super::{CompileError, Subject};
use crate::facts::images;
use crate::resource::{archive, canonical};

/// What HEAD asks to be trained and served, as digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The run digest, 64 hexadecimal digits.
    pub run: String,
    /// Digest of the serving code, `sha256:<64 hex>`.
    pub serving: String,
}

/// The identity of a commit's model: what is compared along history.
pub fn identity(subject: &Subject<'_>) -> Result<Identity, CompileError> {
    let source = super::source::read(subject)?;
    Ok(Identity {
        run: digest(subject, &source)?,
        serving: source.serving_digest(),
    })
}

/// The run digest (v1): over the training files, the content digests of the data, the image, and
/// the fields of the configuration that a trained model depends on. Instance types, limits, roles,
/// tags, gates and monitors are not among them, nor is anything that trueup writes.
pub fn digest(subject: &Subject<'_>, source: &Source) -> Result<String, CompileError> {
    let config = subject.config;
    let processing: Map<String, Value> = config
        .processing
        .iter()
        .map(|(name, step)| {
            let fields = json!({
                "script": step.script, "inputs": step.inputs, "outputs": step.outputs,
                "instance_count": step.instance_count,
            });
            (name.clone(), fields)
        })
        .collect();
    let hyperparameters: Map<String, Value> = config
        .training
        .hyperparameters
        .iter()
        .map(|(name, value)| (name.clone(), value.text().into()))
        .collect();
    let evaluation = config.evaluation.as_ref().map(|evaluation| {
        json!({
            "script": evaluation.script, "dataset": evaluation.dataset,
            "problem_type": evaluation.problem_type,
        })
    });
    Ok(canonical::digest(&json!({
        "v": 1,
        "files": archive::listing(&source.training),
        "data": contents(subject)?,
        "image": images::uri(&config.framework, &config.region)?,
        "framework": config.framework,
        "entry_point": config.training.entry_point,
        "instance_count": config.training.instance_count,
        "hyperparameters": hyperparameters,
        "processing": processing,
        "evaluation": evaluation,
    })))
}

/// Dataset to content digest: the pin's, or that of the commit's own bytes.
pub fn contents(subject: &Subject<'_>) -> Result<Map<String, Value>, CompileError> {
    subject
        .config
        .data
        .iter()
        .map(|(name, dataset)| {
            let digest = if let Some(pin) = subject.pins.get(name) {
                pin.version.content.clone()
            } else {
                let path = subject.path(&dataset.file);
                let file = subject
                    .snapshot
                    .files
                    .get(&path)
                    .ok_or(CompileError::NoFile { path })?;
                format!("sha256:{}", canonical::sha256(&file.bytes))
            };
            Ok((name.clone(), digest.into()))
        })
        .collect()
}
