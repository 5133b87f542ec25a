//! What can be set of a queue, and what is told of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Place, Queue};
use crate::clock::{SignedDuration, Timestamp};
use crate::world::request::{Refusal, Request};

/// Attributes that are numbers: what a queue starts with, the least and the most.
const NUMBERS: &[(&str, u64, u64, u64)] = &[
    ("DelaySeconds", 0, 0, 900),
    ("KmsDataKeyReusePeriodSeconds", 300, 60, 86_400),
    ("MaximumMessageSize", 1_048_576, 1_024, 1_048_576),
    ("MessageRetentionPeriod", 345_600, 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 0, 20),
    ("VisibilityTimeout", 30, 0, 43_200),
];
/// Those that are other words, and which words.
const WORDS: &[(&str, &[&str])] = &[
    ("ContentBasedDeduplication", &["true", "false"]),
    ("DeduplicationScope", &["queue", "messageGroup"]),
    ("FifoQueue", &["true", "false"]),
    ("FifoThroughputLimit", &["perQueue", "perMessageGroupId"]),
    ("SqsManagedSseEnabled", &["true", "false"]),
];
/// Those that are JSON.
const DOCUMENTS: &[&str] = &["Policy", "RedrivePolicy", "RedriveAllowPolicy"];
/// Those that only a queue in order has.
const FIFO: &[&str] = &[
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
];
/// How often a message may be received at most before it goes to the dead.
const RECEIVED_MOST: u64 = 1_000;
/// Characters of a name.
const NAME_MOST: usize = 80;

pub(super) fn invalid_name(name: &str) -> Refusal {
    Refusal::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

fn invalid_value(name: &str) -> Refusal {
    let words = format!("Invalid value for the parameter {name}.");
    Refusal::new("InvalidAttributeValue", words)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterValue", message)
}

pub(super) fn check_name(place: &Place) -> Result<(), Refusal> {
    let stem = place.name.strip_suffix(".fifo").unwrap_or(&place.name);
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if stem.is_empty() || place.name.len() > NAME_MOST || !stem.bytes().all(fits) {
        return Err(invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    Ok(())
}

/// The attributes that a request sets.
pub(super) fn given(request: &Request<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    let given = request.get("Attributes").and_then(Value::as_object);
    let mut all = BTreeMap::new();
    for (name, value) in given.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        check(name, value)?;
        all.insert(name.clone(), value.to_owned());
    }
    Ok(all)
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let fits = if let Some((_, _, least, most)) = NUMBERS.iter().find(|(own, ..)| *own == name) {
        let number = value.parse::<u64>().ok();
        number.is_some_and(|number| (*least..=*most).contains(&number))
    } else if let Some((_, words)) = WORDS.iter().find(|(own, _)| *own == name) {
        words.contains(&value)
    } else if DOCUMENTS.contains(&name) {
        value.is_empty()
            || serde_json::from_str::<Value>(value).is_ok_and(|document| document.is_object())
    } else if name == "KmsMasterKeyId" {
        true
    } else {
        return Err(invalid_name(name));
    };
    if !fits || (name == "RedrivePolicy" && !value.is_empty() && redrive(value).is_none()) {
        return Err(invalid_value(name));
    }
    Ok(())
}

/// Where the dead go, and after how many receipts.
fn redrive(policy: &str) -> Option<(String, u64)> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let to = policy["deadLetterTargetArn"].as_str()?;
    Place::of_arn(to)?;
    // Consoles and tools write the number as text, too.
    let most = &policy["maxReceiveCount"];
    let most = most.as_u64().or_else(|| most.as_str()?.parse().ok())?;
    (1..=RECEIVED_MOST)
        .contains(&most)
        .then(|| (to.to_owned(), most))
}

/// Refuses what does not go with a queue in order, or with one that is not.
pub(super) fn check_kind(place: &Place, given: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let asked = given.get("FifoQueue").map(String::as_str);
    if place.is_fifo() {
        if asked == Some("false") {
            return Err(invalid_value("FifoQueue"));
        }
        return Ok(());
    }
    if asked == Some("true") {
        return Err(invalid(
            "The name of a FIFO queue can only include alphanumeric characters, \
             hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        ));
    }
    match given.keys().find(|name| FIFO.contains(&name.as_str())) {
        Some(name) => Err(invalid_name(name)),
        None => Ok(()),
    }
}

/// Refuses to make a queue again that is not as the one that is there.
pub(super) fn check_alike(queue: &Queue, given: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let differs = |(name, value): &(&String, &String)| {
        *name != "FifoQueue" && queue.attributes.get(*name) != Some(*value)
    };
    match given.iter().find(differs) {
        Some((name, _)) => Err(Refusal::new(
            "QueueNameExists",
            format!(
                "A queue already exists with the same name and a different value for attribute \
                 {name}"
            ),
        )),
        None => Ok(()),
    }
}

/// What a queue is made with.
pub(super) fn whole(given: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let usual = NUMBERS
        .iter()
        .filter(|(name, ..)| !name.starts_with("Kms"))
        .map(|(name, usual, ..)| ((*name).to_owned(), usual.to_string()));
    let sealed = [("SqsManagedSseEnabled".to_owned(), "true".to_owned())];
    usual.chain(sealed).chain(given).collect()
}

impl Queue {
    /// A number that is set.
    pub(super) fn number(&self, name: &str) -> u64 {
        let set = self
            .attributes
            .get(name)
            .and_then(|value| value.parse().ok());
        set.unwrap_or_default()
    }

    /// A time that is set.
    pub(super) fn seconds(&self, name: &str) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.number(name)).unwrap_or(i64::MAX))
    }

    /// Whether a word that is set is `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.attributes
            .get(name)
            .is_some_and(|value| value == "true")
    }

    /// Where the dead go, and after how many receipts.
    pub(super) fn redrive(&self) -> Option<(String, u64)> {
        redrive(self.attributes.get("RedrivePolicy")?)
    }

    /// What is told of it.
    pub(super) fn shown(&self, names: &[Value], now: Timestamp) -> Map<String, Value> {
        let mut all: BTreeMap<String, String> = self.attributes.clone();
        let count = self.line.count(now, self.seconds("MessageRetentionPeriod"));
        let place = self.place();
        if place.is_fifo() {
            all.insert("FifoQueue".to_owned(), "true".to_owned());
            for (name, usual) in [
                ("ContentBasedDeduplication", "false"),
                ("DeduplicationScope", "queue"),
                ("FifoThroughputLimit", "perQueue"),
            ] {
                all.entry(name.to_owned())
                    .or_insert_with(|| usual.to_owned());
            }
        }
        for (name, value) in [
            ("QueueArn", place.arn()),
            ("CreatedTimestamp", self.created.as_second().to_string()),
            (
                "LastModifiedTimestamp",
                self.modified.as_second().to_string(),
            ),
            ("ApproximateNumberOfMessages", count.visible.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                count.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                count.delayed.to_string(),
            ),
        ] {
            all.insert(name.to_owned(), value);
        }
        if !names.contains(&"All".into()) {
            all.retain(|name, _| names.contains(&name.as_str().into()));
        }
        let all = all.into_iter();
        all.map(|(name, value)| (name, value.into())).collect()
    }
}
