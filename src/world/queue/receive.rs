//! Receiving, and what a receipt allows: to delete, and to hide for longer or shorter.

use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::line::{Taking, after};
use super::message::{Message, Wanted};
use super::{Place, Queue, missing};
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::QUEUE_FLIGHT_MAX;
use crate::resource::call::Call;
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request, text};

/// Messages of one answer.
const RECEIVED_MOST: i64 = 10;
/// Seconds that a message may be hidden.
const HIDDEN_MOST: i64 = 43_200;
/// Seconds that a receiver may wait.
const WAIT_MOST: i64 = 20;

impl World {
    /// Hands out what is visible. It does not wait: see [`World::receives`].
    pub(super) fn receive_messages(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        let most = number(request, "MaxNumberOfMessages", 1..=RECEIVED_MOST)?.unwrap_or(1);
        let hidden = number(request, "VisibilityTimeout", 0..=HIDDEN_MOST)?;
        number(request, "WaitTimeSeconds", 0..=WAIT_MOST)?;
        let now = request.now;
        let queue = self.queues.get_mut(&place).ok_or_else(missing)?;
        let kept = queue.seconds("MessageRetentionPeriod");
        queue.line.expire(now, kept);
        if queue.line.count(now, kept).in_flight >= QUEUE_FLIGHT_MAX {
            let words = "The maximum number of in flight messages is reached.";
            return Err(Refusal::new("OverLimit", words));
        }
        let dead = queue.redrive();
        let dead = dead.and_then(|(arn, receipts)| Some((Place::of_arn(&arn)?, receipts)));
        // Without a queue for them nothing is given up.
        let dead = dead.filter(|(to, _)| self.queues.get(to).is_some());
        let queue = self.queues.get_mut(&place).ok_or_else(missing)?;
        let taking = Taking {
            now,
            most: usize::try_from(most).unwrap_or(1),
            hidden: match hidden {
                Some(seconds) => SignedDuration::from_secs(seconds),
                None => queue.seconds("VisibilityTimeout"),
            },
            receipts: dead.as_ref().map(|(_, receipts)| *receipts),
        };
        let counter = &mut self.counter;
        let taken = queue.line.take(&taking, || {
            *counter += 1;
            *counter
        });
        if let Some((to, _)) = dead {
            for message in taken.dead {
                self.bury(&to, Arc::unwrap_or_clone(message), &place);
            }
        }
        let wanted = Wanted {
            system: [
                request.items("AttributeNames"),
                request.items("MessageSystemAttributeNames"),
            ],
            own: request.items("MessageAttributeNames"),
        };
        let shown = taken.messages.iter().map(|(number, message)| {
            message.shown(*number, &handle(&place, *number, message.receipt), &wanted)
        });
        let shown: Vec<_> = shown.collect();
        if shown.is_empty() {
            return Ok(json!({}));
        }
        Ok(json!({"Messages": shown}))
    }

    pub(super) fn delete_message(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        self.delete_one(&place, request.text("ReceiptHandle"))
    }

    /// Takes a message away. What is gone already is as good.
    pub(super) fn delete_one(&mut self, place: &Place, handle: &str) -> Reply {
        let (number, receipt) = read_handle(place, handle)?;
        let now = self.now;
        let queue = self.queues.get_mut(place).ok_or_else(missing)?;
        let Some(message) = queue.line.get(number) else {
            return Ok(json!({}));
        };
        if place.is_fifo() && !message.is_held(receipt, now) {
            let words = format!(
                "Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle \
                 has expired."
            );
            return Err(Refusal::new("InvalidParameterValue", words));
        }
        queue.line.remove(number);
        Ok(json!({}))
    }

    pub(super) fn change_visibility(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        let seconds = request.get("VisibilityTimeout").and_then(Value::as_i64);
        self.change_one(&place, request.text("ReceiptHandle"), seconds.unwrap_or(0))
    }

    pub(super) fn change_one(&mut self, place: &Place, handle: &str, seconds: i64) -> Reply {
        let (number, receipt) = read_handle(place, handle)?;
        check_range("VisibilityTimeout", seconds, 0..=HIDDEN_MOST)?;
        let now = self.now;
        let queue = self.queues.get_mut(place).ok_or_else(missing)?;
        let held = queue
            .line
            .get(number)
            .is_some_and(|message| message.is_held(receipt, now));
        if !held {
            let words = format!(
                "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not \
                 exist or is not available for visibility timeout change."
            );
            return Err(Refusal::new("MessageNotInflight", words));
        }
        let until = after(now, SignedDuration::from_secs(seconds));
        queue.line.hide(number, until);
        Ok(json!({}))
    }

    /// How long a `ReceiveMessage` waits for messages, if it waits.
    pub fn patience(&self, call: &Call) -> Option<SignedDuration> {
        let queue = self.waited_at(call)?;
        let asked = call.body.get("WaitTimeSeconds").and_then(Value::as_i64);
        let wait = match asked {
            Some(seconds) => SignedDuration::from_secs(seconds.clamp(0, WAIT_MOST)),
            None => queue.seconds("ReceiveMessageWaitTimeSeconds"),
        };
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// Whether a `ReceiveMessage` has something to receive at `now`, and else when it may have.
    pub fn receives(&self, call: &Call, now: Timestamp) -> Result<(), Option<Timestamp>> {
        // Where there is no queue any more the call has its answer, too.
        let Some(queue) = self.waited_at(call) else {
            return Ok(());
        };
        if queue.line.is_ready(now) {
            return Ok(());
        }
        Err(queue.line.next_visible(now))
    }

    fn waited_at(&self, call: &Call) -> Option<&Queue> {
        (call.op == "ReceiveMessage").then_some(())?;
        let url = text(&call.body, "QueueUrl");
        self.queues.get(&Place::of_url(url, &call.scope))
    }
}

impl Message {
    /// Whether a receipt is the newest one, and nobody else may see the message yet.
    fn is_held(&self, receipt: u64, now: Timestamp) -> bool {
        self.receipt == receipt && self.received > 0 && self.visible > now
    }
}

fn handle(place: &Place, number: u64, receipt: u64) -> String {
    BASE64.encode(format!("{} {number} {receipt}", place.arn()).as_bytes())
}

fn read_handle(place: &Place, handle: &str) -> Result<(u64, u64), Refusal> {
    let read = || {
        let bytes = BASE64.decode(handle.as_bytes()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split(' ');
        (parts.next()? == place.arn()).then_some(())?;
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    read().ok_or_else(|| {
        let words = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        Refusal::new("ReceiptHandleIsInvalid", words)
    })
}

fn number(
    request: &Request<'_>,
    member: &str,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Option<i64>, Refusal> {
    let number = request.get(member).and_then(Value::as_i64);
    number.map_or(Ok(()), |number| check_range(member, number, range))?;
    Ok(number)
}

fn check_range(
    member: &str,
    number: i64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<(), Refusal> {
    if range.contains(&number) {
        return Ok(());
    }
    let words = format!(
        "Value {number} for parameter {member} is invalid. Reason: Must be between {} and {}, if \
         provided.",
        range.start(),
        range.end()
    );
    Err(Refusal::new("InvalidParameterValue", words))
}
