//! A message, and how it is shown to whom receives it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::digest;
use super::line::after;
use crate::clock::{SignedDuration, Timestamp};
use crate::world::request::text;

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    /// What the sender said of it, by name, in the API's shape.
    pub(super) attributes: Map<String, Value>,
    pub(super) trace: Option<String>,
    pub(super) sender: String,
    pub(super) sent: Timestamp,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    /// Since when, or from when on, it is seen.
    pub(super) visible: Timestamp,
    /// How often it was received.
    pub(super) received: u64,
    pub(super) first_received: Option<Timestamp>,
    /// The newest receipt; only it counts where there is an order.
    pub(super) receipt: u64,
    /// The queue that gave it up.
    pub(super) source: Option<String>,
}

impl Message {
    /// Whether it was kept for so long.
    pub(super) fn is_over(&self, now: Timestamp, kept: SignedDuration) -> bool {
        after(self.sent, kept) <= now
    }

    /// As `ReceiveMessage` shows it: `names` and `told` say which attributes are wanted.
    pub(super) fn shown(&self, number: u64, handle: &str, wanted: &Wanted<'_>) -> Value {
        let mut shown = json!({
            "MessageId": self.id,
            "ReceiptHandle": handle,
            "MD5OfBody": digest::of_body(&self.body),
            "Body": self.body,
        });
        let system = self.system(number);
        let system: Map<_, _> = system
            .into_iter()
            .filter(|(name, _)| wanted.system(name))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        if !system.is_empty() {
            shown["Attributes"] = system.into();
        }
        let mut own = self.attributes.clone();
        own.retain(|name, _| wanted.own(name));
        if !own.is_empty() {
            shown["MD5OfMessageAttributes"] = digest::of_attributes(&own).into();
            shown["MessageAttributes"] = own.into();
        }
        shown
    }

    fn system(&self, number: u64) -> Vec<(&'static str, String)> {
        let first = self.first_received.unwrap_or(self.sent);
        let in_order = self.deduplication.is_some();
        let always = [
            ("SenderId", self.sender.clone()),
            ("SentTimestamp", self.sent.as_millisecond().to_string()),
            ("ApproximateReceiveCount", self.received.to_string()),
            (
                "ApproximateFirstReceiveTimestamp",
                first.as_millisecond().to_string(),
            ),
        ];
        let sometimes = [
            ("MessageGroupId", self.group.clone()),
            ("MessageDeduplicationId", self.deduplication.clone()),
            ("SequenceNumber", in_order.then(|| sequence(number))),
            ("AWSTraceHeader", self.trace.clone()),
            ("DeadLetterQueueSourceArn", self.source.clone()),
        ];
        let sometimes = sometimes.into_iter();
        let sometimes = sometimes.filter_map(|(name, value)| Some((name, value?)));
        always.into_iter().chain(sometimes).collect()
    }
}

/// A message's number as a queue in order tells it.
pub(super) fn sequence(number: u64) -> String {
    format!("{number:020}")
}

/// Which attributes a receiver asks for.
pub(super) struct Wanted<'a> {
    /// The service's own, by either of two members.
    pub(super) system: [&'a [Value]; 2],
    /// The sender's.
    pub(super) own: &'a [Value],
}

impl Wanted<'_> {
    fn system(&self, name: &str) -> bool {
        let mut asked = self.system.iter().copied().flatten();
        asked.any(|asked| asked == "All" || asked == name)
    }

    /// A name, `All`, or a beginning of names.
    fn own(&self, name: &str) -> bool {
        let mut asked = self.own.iter().filter_map(Value::as_str);
        asked.any(|asked| match asked.strip_suffix(".*") {
            Some(start) => name.starts_with(start),
            None => asked == "All" || asked == name,
        })
    }
}

/// How many bytes an attribute of a sender takes.
pub(super) fn size((name, attribute): (&String, &Value)) -> usize {
    let binary = text(attribute, "BinaryValue").len() / 4 * 3;
    name.len() + text(attribute, "DataType").len() + text(attribute, "StringValue").len() + binary
}
