//! What the local SageMaker was asked to change, read from its log of calls.

use serde_json::Value;
use trueup::demo::http::{Http, HttpError};

/// Calls that make what costs money or time to make.
pub(super) const MAKERS: [&str; 3] = [
    "CreateModel",
    "CreateEndpointConfig",
    "StartPipelineExecution",
];

/// Whether a call is about who may change things, and not a change.
pub(super) fn is_about_the_lease(call: &Value) -> bool {
    let name = call["name"].as_str().unwrap_or_default();
    call["service"] == "s3" && name.contains("/trueup/lease/")
}

/// Every changing call so far, in order. The server forgets old calls, so this is read often.
#[derive(Default)]
pub(super) struct Ledger {
    last: u64,
    changes: Vec<String>,
}

impl Ledger {
    /// Adds what was asked since the last time.
    pub(super) async fn read(&mut self, http: &Http) -> Result<(), HttpError> {
        for call in http.calls(self.last).await? {
            let number = call["seq"].as_u64().unwrap();
            assert_eq!(
                number,
                self.last + 1,
                "calls were forgotten before they were read"
            );
            self.last = number;
            if call["mutates"] == true && !is_about_the_lease(&call) {
                self.changes.push(call["op"].as_str().unwrap().to_owned());
            }
        }
        Ok(())
    }

    /// Everything up to now, as a number.
    pub(super) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// The changing operations after a mark.
    pub(super) fn since(&self, mark: usize) -> &[String] {
        &self.changes[mark..]
    }
}
