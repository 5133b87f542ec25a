//! Up to ten of one operation in one request: each has an outcome of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::World;
use crate::world::request::{Refusal, Reply, Request, text};

/// Entries of one request.
const ENTRIES_MOST: usize = 10;
/// Characters of an entry's id.
const ID_MOST: usize = 80;
/// Bytes of all messages of one request.
const BYTES_MOST: usize = 1_048_576;

impl World {
    pub(super) fn send_messages(&mut self, request: &Request<'_>) -> Reply {
        let bodies = request.items("Entries").iter();
        let size: usize = bodies.map(|entry| text(entry, "MessageBody").len()).sum();
        if size > BYTES_MOST {
            let words = format!(
                "Batch requests cannot be longer than {BYTES_MOST} bytes. You have sent {size} bytes."
            );
            return Err(Refusal::new("BatchRequestTooLong", words));
        }
        let place = self.queue_place(request)?;
        each(request.items("Entries"), |entry| {
            self.send_one(&place, entry)
        })
    }

    pub(super) fn delete_messages(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        each(request.items("Entries"), |entry| {
            self.delete_one(&place, text(entry, "ReceiptHandle"))
        })
    }

    pub(super) fn change_visibilities(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        each(request.items("Entries"), |entry| {
            let seconds = entry.get("VisibilityTimeout").and_then(Value::as_i64);
            self.change_one(&place, text(entry, "ReceiptHandle"), seconds.unwrap_or(0))
        })
    }
}

/// Carries out every entry.
pub(in crate::world) fn each(entries: &[Value], mut run: impl FnMut(&Value) -> Reply) -> Reply {
    check(entries)?;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = text(entry, "Id");
        match run(entry) {
            Ok(mut answer) => {
                answer["Id"] = id.into();
                good.push(answer);
            }
            Err(Refusal { code, message }) => bad.push(json!({
                "Id": id, "SenderFault": true, "Code": code, "Message": message,
            })),
        }
    }
    Ok(json!({"Successful": good, "Failed": bad}))
}

fn check(entries: &[Value]) -> Result<(), Refusal> {
    if entries.is_empty() {
        let words = "There should be at least one entry in the request.";
        return Err(Refusal::new("EmptyBatchRequest", words));
    }
    if entries.len() > ENTRIES_MOST {
        let words = format!(
            "Maximum number of entries per request are {ENTRIES_MOST}. You have sent {}.",
            entries.len()
        );
        return Err(Refusal::new("TooManyEntriesInBatchRequest", words));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let mut seen = BTreeSet::new();
    for id in entries.iter().map(|entry| text(entry, "Id")) {
        if id.is_empty() || id.len() > ID_MOST || !id.bytes().all(fits) {
            let words = "A batch entry id can only contain alphanumeric characters, hyphens and \
                         underscores. It can be at most 80 letters long.";
            return Err(Refusal::new("InvalidBatchEntryId", words));
        }
        if !seen.insert(id) {
            return Err(Refusal::new(
                "BatchEntryIdsNotDistinct",
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(())
}
