//! Sending: by a client, and by services whose target a queue is.

use serde_json::{Map, Value, json};

use super::line::{Sent, after};
use super::message::{Message, sequence, size};
use super::{Place, Queue, digest, missing};
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::QUEUE_MESSAGES_MAX;
use crate::resource::canonical::sha256;
use crate::world::World;
use crate::world::encode::uuid;
use crate::world::request::{Refusal, Reply, Request, text};

/// Attributes of one message.
const ATTRIBUTES_MOST: usize = 10;
/// Seconds that a message may be delayed.
const DELAY_MOST: i64 = 900;
/// Characters of an id of a group or of deduplication.
const ID_MOST: usize = 128;

/// What is sent.
#[derive(Debug, Clone, Default)]
pub(in crate::world) struct Sending {
    pub(in crate::world) body: String,
    /// In the shape of `MessageAttributes`.
    pub(in crate::world) attributes: Map<String, Value>,
    pub(in crate::world) trace: Option<String>,
    pub(in crate::world) group: Option<String>,
    pub(in crate::world) deduplication: Option<String>,
    pub(in crate::world) delay: Option<i64>,
}

impl World {
    pub(super) fn send_message(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        let body = Value::Object(Map::clone(&request.body));
        self.send_one(&place, &body)
    }

    /// Sends what a request, or an entry of one, describes.
    pub(super) fn send_one(&mut self, place: &Place, entry: &Value) -> Reply {
        let own = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let attributes = entry.get("MessageAttributes").and_then(Value::as_object);
        let trace = &entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"];
        let sending = Sending {
            body: text(entry, "MessageBody").to_owned(),
            attributes: attributes.cloned().unwrap_or_default(),
            trace: trace.as_str().map(str::to_owned),
            group: own("MessageGroupId"),
            deduplication: own("MessageDeduplicationId"),
            delay: entry.get("DelaySeconds").and_then(Value::as_i64),
        };
        let (body, attributes) = (digest::of_body(&sending.body), sending.attributes.clone());
        let sent = self.enqueue(place, sending)?;
        let mut answer = json!({"MessageId": sent.id, "MD5OfMessageBody": body});
        if !attributes.is_empty() {
            answer["MD5OfMessageAttributes"] = digest::of_attributes(&attributes).into();
        }
        if place.is_fifo() {
            answer["SequenceNumber"] = sequence(sent.number).into();
        }
        Ok(answer)
    }

    /// Puts a message into a queue.
    pub(in crate::world) fn enqueue(
        &mut self,
        place: &Place,
        mut sending: Sending,
    ) -> Result<Sent, Refusal> {
        let now = self.now;
        let number = self.next();
        let queue = self.queues.get_mut(place).ok_or_else(missing)?;
        queue
            .line
            .expire(now, queue.seconds("MessageRetentionPeriod"));
        queue.check(&sending)?;
        if place.is_fifo() {
            queue.order(&mut sending)?;
        }
        let before = sending.deduplication.as_deref();
        if let Some(sent) = before.and_then(|id| queue.line.sent_before(id, now)) {
            return Ok(sent.clone());
        }
        if queue.line.len() >= QUEUE_MESSAGES_MAX {
            return Err(Refusal::new(
                "OverLimit",
                "The queue holds too many messages.",
            ));
        }
        let message = queue.message(sending, number, now);
        Ok(queue.line.push(number, message))
    }

    /// Puts a message that another queue gave up into the queue of the dead. Where there is none it
    /// stays where it is.
    pub(super) fn bury(&mut self, to: &Place, mut message: Message, from: &Place) -> bool {
        let number = self.next();
        let now = self.now;
        let Some(queue) = self.queues.get_mut(to) else {
            return false;
        };
        message.visible = now;
        message.source = Some(from.arn());
        queue.line.push(number, message);
        true
    }
}

impl Queue {
    fn message(&self, sending: Sending, number: u64, now: Timestamp) -> Message {
        let delay = match sending.delay {
            Some(seconds) => SignedDuration::from_secs(seconds),
            None => self.seconds("DelaySeconds"),
        };
        Message {
            id: uuid(&format!("{}/{number}", self.place().arn())),
            body: sending.body,
            attributes: sending.attributes,
            trace: sending.trace,
            sender: self.scope.account.clone(),
            sent: now,
            group: sending.group,
            deduplication: sending.deduplication,
            visible: after(now, delay),
            received: 0,
            first_received: None,
            receipt: 0,
            source: None,
        }
    }

    /// Refuses what no queue, or not this one, takes.
    fn check(&self, sending: &Sending) -> Result<(), Refusal> {
        if sending.body.is_empty() {
            let words = "The request must contain the parameter MessageBody.";
            return Err(Refusal::new("MissingParameter", words));
        }
        if let Some(wrong) = sending.body.chars().find(|c| !is_text(*c)) {
            let words = format!(
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
                 #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; found #x{:X}",
                u32::from(wrong)
            );
            return Err(Refusal::new("InvalidMessageContents", words));
        }
        let size = sending.body.len() + sending.attributes.iter().map(size).sum::<usize>();
        let most = self.number("MaximumMessageSize");
        if size as u64 > most {
            return Err(invalid(&format!(
                "Message must be shorter than {most} bytes."
            )));
        }
        if sending.attributes.len() > ATTRIBUTES_MOST {
            let words = format!(
                "Number of message attributes [{}] exceeds the allowed maximum [10].",
                sending.attributes.len()
            );
            return Err(invalid(&words));
        }
        let typed = |attribute: &Value| {
            let kind = text(attribute, "DataType").split('.').next();
            let full = |member: &str| !text(attribute, member).is_empty();
            match kind {
                Some("String" | "Number") => full("StringValue"),
                Some("Binary") => full("BinaryValue"),
                _ => false,
            }
        };
        if let Some((name, _)) = sending.attributes.iter().find(|(_, one)| !typed(one)) {
            return Err(invalid(&format!(
                "The message attribute '{name}' must contain a non-empty \
                 value of its type, which is String, Number or Binary."
            )));
        }
        if let Some(delay) = sending.delay
            && (!(0..=DELAY_MOST).contains(&delay) || (self.place().is_fifo() && delay != 0))
        {
            return Err(invalid(&format!(
                "Value {delay} for parameter DelaySeconds is invalid."
            )));
        }
        let ids = [
            ("MessageGroupId", &sending.group),
            ("MessageDeduplicationId", &sending.deduplication),
        ];
        for (member, id) in ids {
            let fits = |id: &str| {
                (1..=ID_MOST).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
            };
            if id.as_deref().is_some_and(|id| !fits(id)) {
                return Err(invalid(&format!(
                    "{member} can only include alphanumeric and \
                     punctuation characters. 1 to 128 in length."
                )));
            }
        }
        if !self.place().is_fifo() && sending.deduplication.is_some() {
            return Err(invalid(
                "The request include parameter MessageDeduplicationId which is not \
                 valid for this queue type",
            ));
        }
        Ok(())
    }

    /// What a queue in order needs besides: a group, and an id by which what is sent twice is known.
    fn order(&self, sending: &mut Sending) -> Result<(), Refusal> {
        if sending.group.is_none() {
            let words = "The request must contain the parameter MessageGroupId.";
            return Err(Refusal::new("MissingParameter", words));
        }
        if sending.deduplication.is_some() {
            return Ok(());
        }
        if !self.is("ContentBasedDeduplication") {
            return Err(invalid(
                "The queue should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly",
            ));
        }
        sending.deduplication = Some(sha256(sending.body.as_bytes()));
        Ok(())
    }
}

fn is_text(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn invalid(message: &str) -> Refusal {
    let words = format!("One or more parameters are invalid. Reason: {message}");
    Refusal::new("InvalidParameterValue", words)
}
