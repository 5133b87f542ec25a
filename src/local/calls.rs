//! What was asked of the server, for tests and for people who wonder what a client does.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::limits::CALL_LOG_MAX;

/// One request, as `GET /_trueup/calls` shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallRecord {
    /// Counts from 1, without holes, over the life of the server.
    pub seq: u64,
    /// When it was answered.
    pub at: Timestamp,
    /// `sagemaker`, `sagemaker-runtime`, `s3` or `sts`.
    pub service: String,
    /// The operation: the API's name, for S3 in lower case with underscores.
    pub op: String,
    /// The region that its signature names; empty for S3.
    pub region: String,
    /// What it is about: for S3 the path, for an invocation the endpoint.
    pub name: String,
    /// The request, unless it was longer than [`crate::limits::CALL_LOG_BODY_BYTES_MAX`].
    pub request: Option<Value>,
    /// The error's code, if it was refused.
    pub error: Option<String>,
    /// Whether it could have changed anything.
    pub mutates: bool,
}

/// The last [`CALL_LOG_MAX`] requests.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    last: u64,
    records: VecDeque<CallRecord>,
}

impl Calls {
    /// Adds a request and gives it its number.
    pub(crate) fn push(&self, mut record: CallRecord) {
        let mut log = self.0.lock().expect("no holder of this lock panics");
        log.last += 1;
        record.seq = log.last;
        if log.records.len() >= CALL_LOG_MAX {
            log.records.pop_front();
        }
        log.records.push_back(record);
    }

    /// Forgets all; numbers go on.
    pub(crate) fn forget(&self) {
        let mut log = self.0.lock().expect("no holder of this lock panics");
        log.records.clear();
    }

    /// Those after number `since`, oldest first.
    pub(crate) fn since(&self, since: u64) -> Vec<CallRecord> {
        let log = self.0.lock().expect("no holder of this lock panics");
        let after = log.records.iter().filter(|record| record.seq > since);
        after.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_requests_make_room_and_numbers_go_on() {
        let calls = Calls::default();
        for _ in 0..CALL_LOG_MAX + 5 {
            calls.push(CallRecord::default());
        }
        let all = calls.since(0);
        assert_eq!(all.len(), CALL_LOG_MAX);
        assert_eq!(all[0].seq, 6);
        let last = CALL_LOG_MAX as u64 + 5;
        assert_eq!(calls.since(last - 1).len(), 1);
        assert!(calls.since(last).is_empty());
    }
}
