//! What a transform job asks for, read once.

use std::time::Duration;

use serde_json::{Value, json};

use super::filter::DataProcessing;
use super::noted::Noted;

/// Bytes of the megabyte that requests count in.
const MEGABYTE: usize = 1024 * 1024;
/// The service's own figures, where a request says nothing.
const PAYLOAD_MB: u64 = 6;
const RETRIES: u64 = 3;
const INVOCATION_SECONDS: u64 = 600;

/// How inputs become payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Each as it is.
    Whole,
    /// Each at once, though its lines are rows to [`DataProcessing`].
    Rows,
    /// A line alone.
    Single,
    /// As many lines as fit.
    Multi,
}

/// How a transform job treats its inputs.
#[derive(Debug)]
pub(super) struct Manner {
    pub(super) content_type: String,
    pub(super) accept: String,
    pub(super) cut: Cut,
    pub(super) payload_max: usize,
    /// Payloads that are under way at once.
    pub(super) at_once: usize,
    pub(super) assemble_lines: bool,
    pub(super) gzip: bool,
    pub(super) retries: u64,
    pub(super) deadline: Duration,
    pub(super) processing: Option<DataProcessing>,
    pub(super) noted: Option<Noted>,
}

impl Manner {
    /// Reads a request; what is not done here is refused.
    pub(super) fn of(request: &Value) -> Result<Self, String> {
        let (input, output) = (&request["TransformInput"], &request["TransformOutput"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let content_type = text(&input["ContentType"]);
        let mut accept = text(&output["Accept"]);
        let given = &request["DataProcessing"];
        let processing = DataProcessing::of(given, &content_type, &accept)?;
        if processing.is_some() && accept.is_empty() {
            accept.clone_from(&content_type);
        }
        let document = content_type.split(';').next() == Some("application/json");
        let rows = processing.is_some() && !document;
        let cut = match input["SplitType"].as_str() {
            Some("Line") if request["BatchStrategy"] == "SingleRecord" => Cut::Single,
            Some("Line") => Cut::Multi,
            None | Some("None") if rows => Cut::Rows,
            None | Some("None") => Cut::Whole,
            Some(other) => return Err(format!("SplitType {other} is not supported locally")),
        };
        let client = &request["ModelClientConfig"];
        let seconds = client["InvocationsTimeoutInSeconds"].as_u64();
        Ok(Self {
            cut,
            payload_max: payload_max(request)?,
            at_once: at_once(request),
            assemble_lines: output["AssembleWith"] == "Line",
            gzip: input["CompressionType"] == "Gzip",
            retries: client["InvocationsMaxRetries"].as_u64().unwrap_or(RETRIES),
            deadline: Duration::from_secs(seconds.unwrap_or(INVOCATION_SECONDS)),
            noted: Noted::of(&request["DataCaptureConfig"], &accept)?,
            content_type,
            accept,
            processing,
        })
    }

    /// What the service tells the container besides what the request does.
    pub(super) fn environment(&self, request: &Value) -> Value {
        let strategy = match request["BatchStrategy"].as_str() {
            Some("SingleRecord") => "SINGLE_RECORD",
            _ => "MULTI_RECORD",
        };
        let mut environment = json!({
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_BATCH_STRATEGY": strategy,
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": (self.payload_max / MEGABYTE).to_string(),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.at_once.to_string(),
        });
        let given = request["Environment"].as_object();
        if let (Some(all), Some(given)) = (environment.as_object_mut(), given) {
            all.extend(given.clone());
        }
        environment
    }
}

fn payload_max(request: &Value) -> Result<usize, String> {
    match request["MaxPayloadInMB"].as_u64().unwrap_or(PAYLOAD_MB) {
        0 => Err("MaxPayloadInMB 0, a payload without bounds, is not supported locally".to_owned()),
        megabytes => Ok(usize::try_from(megabytes)
            .unwrap_or(usize::MAX)
            .saturating_mul(MEGABYTE)),
    }
}

fn at_once(request: &Value) -> usize {
    let given = request["MaxConcurrentTransforms"].as_u64().unwrap_or(0);
    usize::try_from(given).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_done_here_is_named() {
        let check = |member: Value, reason: &str| {
            assert_eq!(Manner::of(&member).err().unwrap_or_default(), reason);
        };
        check(json!({}), "");
        check(
            json!({"TransformInput": {"SplitType": "RecordIO"}}),
            "SplitType RecordIO is not supported locally",
        );
        check(
            json!({"TransformInput": {"SplitType": "TFRecord"}}),
            "SplitType TFRecord is not supported locally",
        );
        check(
            json!({"MaxPayloadInMB": 0}),
            "MaxPayloadInMB 0, a payload without bounds, is not supported locally",
        );
    }

    #[test]
    fn the_container_is_told_how_it_will_be_asked() {
        let request = json!({
            "BatchStrategy": "SingleRecord", "MaxPayloadInMB": 2, "MaxConcurrentTransforms": 3,
            "Environment": {"A": "b"},
        });
        let told = Manner::of(&request).unwrap().environment(&request);
        assert_eq!(
            told,
            json!({
                "A": "b", "SAGEMAKER_BATCH": "true",
                "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
                "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "3", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2",
            })
        );
    }
}
