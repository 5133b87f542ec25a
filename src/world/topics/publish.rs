//! What is published on a topic: by a client, and by services whose target a topic is.

use serde_json::{Map, Value, json};

use super::subscriptions::key_of;
use super::{invalid, missing};
use crate::resource::canonical::sha256;
use crate::world::World;
use crate::world::encode::uuid;
use crate::world::queue::{batch, is_in_order};
use crate::world::request::{Refusal, Reply, Request, text};

/// Bytes of a message.
const BYTES_MOST: usize = 262_144;
/// Characters of a subject.
const SUBJECT_MOST: usize = 100;

/// What is published.
#[derive(Debug, Clone, Default)]
pub(in crate::world) struct Publishing {
    pub(in crate::world) message: String,
    pub(in crate::world) subject: Option<String>,
    /// The messages by protocol, where they differ.
    pub(in crate::world) by_protocol: Option<Map<String, Value>>,
    /// In the shape of `MessageAttributes`.
    pub(in crate::world) attributes: Map<String, Value>,
    pub(in crate::world) group: Option<String>,
    pub(in crate::world) deduplication: Option<String>,
}

impl World {
    pub(in crate::world) fn publish(&mut self, request: &Request<'_>) -> Reply {
        let arn = ["TopicArn", "TargetArn"]
            .map(|member| request.text(member))
            .into_iter()
            .find(|arn| !arn.is_empty())
            .ok_or_else(|| {
                invalid("TopicArn or TargetArn Reason: no value for required parameter")
            })?;
        self.publish_entry(arn, &Value::Object(Map::clone(&request.body)))
    }

    pub(in crate::world) fn publish_batch(&mut self, request: &Request<'_>) -> Reply {
        let arn = request.text("TopicArn");
        let key = key_of(arn).ok_or_else(|| invalid("TopicArn"))?;
        self.records.get(&key).ok_or_else(missing)?;
        batch::each(request.items("PublishBatchRequestEntries"), |entry| {
            self.publish_entry(arn, entry)
        })
    }

    fn publish_entry(&mut self, arn: &str, entry: &Value) -> Reply {
        self.publish_to(arn, publishing(entry)?)
    }

    /// Publishes on the topic of an ARN, whoever asks.
    pub(in crate::world) fn publish_to(&mut self, arn: &str, mut publishing: Publishing) -> Reply {
        let key = key_of(arn).ok_or_else(|| invalid("TopicArn"))?;
        let record = self.records.get(&key).ok_or_else(missing)?;
        let attributes = &record.body["Attributes"];
        let in_order = is_in_order(arn);
        if in_order {
            let content = attributes["ContentBasedDeduplication"] == "true";
            order(&mut publishing, content)?;
        }
        let number = self.next();
        let id = uuid(&format!("{arn}/{number}"));
        self.tell_subscribers(arn, &id, &publishing);
        let mut answer = json!({"MessageId": id});
        if in_order {
            answer["SequenceNumber"] = format!("{number:020}").into();
        }
        Ok(answer)
    }
}

fn publishing(entry: &Value) -> Result<Publishing, Refusal> {
    let own = |member: &str| entry.get(member).and_then(Value::as_str).map(str::to_owned);
    let message = text(entry, "Message");
    if message.is_empty() {
        return Err(invalid("Empty message"));
    }
    let attributes = entry.get("MessageAttributes").and_then(Value::as_object);
    let size =
        message.len() + attributes.map_or(0, |all| Value::Object(all.clone()).to_string().len());
    if size > BYTES_MOST {
        return Err(invalid("Message too long"));
    }
    let subject = own("Subject");
    let fits = |subject: &String| {
        !subject.is_empty()
            && subject.chars().count() <= SUBJECT_MOST
            && !subject.contains(char::is_control)
    };
    if subject.as_ref().is_some_and(|subject| !fits(subject)) {
        return Err(invalid("Subject"));
    }
    for (name, attribute) in attributes.into_iter().flatten() {
        let kind = text(attribute, "DataType").split('.').next();
        if !matches!(kind, Some("String" | "Number" | "Binary")) {
            return Err(invalid(&format!("MessageAttributes.{name}.DataType")));
        }
    }
    Ok(Publishing {
        message: message.to_owned(),
        subject,
        by_protocol: by_protocol(entry, message)?,
        attributes: attributes.cloned().unwrap_or_default(),
        group: own("MessageGroupId"),
        deduplication: own("MessageDeduplicationId"),
    })
}

/// The messages by protocol of one whose structure is `json`.
fn by_protocol(entry: &Value, message: &str) -> Result<Option<Map<String, Value>>, Refusal> {
    if text(entry, "MessageStructure") != "json" {
        return Ok(None);
    }
    let parsed = serde_json::from_str::<Value>(message).ok();
    match parsed {
        Some(Value::Object(all)) if all.get("default").is_some_and(Value::is_string) => {
            Ok(Some(all))
        }
        Some(_) => Err(invalid(
            "Message Structure - No default entry in JSON message body",
        )),
        None => Err(invalid(
            "Message Structure - JSON message body failed to parse",
        )),
    }
}

/// What a topic in order needs: a group, and an id by which what is published twice is known.
fn order(publishing: &mut Publishing, by_content: bool) -> Result<(), Refusal> {
    if publishing.group.is_none() {
        return Err(invalid(
            "The MessageGroupId parameter is required for FIFO topics",
        ));
    }
    match publishing.deduplication {
        Some(_) => Ok(()),
        None if by_content => {
            publishing.deduplication = Some(sha256(publishing.message.as_bytes()));
            Ok(())
        }
        None => Err(invalid(
            "The topic should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        )),
    }
}
