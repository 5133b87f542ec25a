//! Transform jobs: what one may ask for, and what the service fills in.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::request::{Refusal, Reply, Request, default};

/// Megabytes of all payloads that are under way at once (the service's figure).
const PAYLOADS_MB_MAX: u64 = 100;
/// Megabytes of a payload, and payloads at once, where a request does not say.
const PAYLOAD_MB: u64 = 6;
const AT_ONCE: u64 = 1;

impl World {
    /// Checks a `CreateTransformJob` and fills in what the service fills in; what is to be served.
    pub(super) fn check_transform(
        &self,
        body: &mut Value,
        request: &Request<'_>,
    ) -> Result<Value, Refusal> {
        let model = request.text("ModelName");
        let container = self.container(request.scope, model);
        let container = container.map_err(Refusal::invalid)?;
        check_payload(body)?;
        default(body, "BatchStrategy", "MultiRecord");
        default(&mut body["TransformInput"], "CompressionType", "None");
        default(&mut body["TransformInput"], "SplitType", "None");
        default(&mut body["TransformOutput"], "AssembleWith", "None");
        default(body, "DataProcessing", json!({}));
        let processing = &mut body["DataProcessing"];
        default(processing, "InputFilter", "$");
        default(processing, "OutputFilter", "$");
        default(processing, "JoinSource", "None");
        Ok(container)
    }

    /// A transform job shows when it was changed in lists alone.
    pub(super) fn describe_transform(&self, request: &Request<'_>) -> Reply {
        let mut body = self.describe(Id::TransformJob.kind(), request)?;
        if let Some(members) = body.as_object_mut() {
            members.remove("LastModifiedTime");
        }
        Ok(body)
    }
}

fn check_payload(body: &Value) -> Result<(), Refusal> {
    let given = |name: &str| body[name].as_u64();
    let payload = given("MaxPayloadInMB").unwrap_or(PAYLOAD_MB);
    let at_once = given("MaxConcurrentTransforms").filter(|count| *count > 0);
    let at_once = at_once.unwrap_or(AT_ONCE);
    if payload.saturating_mul(at_once) > PAYLOADS_MB_MAX {
        return Err(Refusal::invalid(format!(
            "The value of MaxConcurrentTransforms * MaxPayloadInMB must not exceed \
             {PAYLOADS_MB_MAX} MB: {at_once} * {payload} MB does."
        )));
    }
    Ok(())
}
