//! A queue as a machine over the clock: what comes, who takes it, and what comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::message::Message;
use crate::clock::{SignedDuration, Timestamp};

/// How long an id of deduplication counts.
pub(super) const REMEMBERED: SignedDuration = SignedDuration::from_mins(5);

/// The messages of a queue by their numbers, which are the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Whether messages of a group come one after the other.
    in_order: bool,
    messages: BTreeMap<u64, Arc<Message>>,
    /// What was sent a moment ago, by its id of deduplication.
    recent: BTreeMap<String, Sent>,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::world) struct Sent {
    /// The message's id.
    pub(super) id: String,
    /// Its number.
    pub(super) number: u64,
    at: Timestamp,
}

/// How many messages there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) visible: usize,
    pub(super) in_flight: usize,
    pub(super) delayed: usize,
}

/// How messages are taken.
pub(super) struct Taking {
    pub(super) now: Timestamp,
    /// How many at most.
    pub(super) most: usize,
    /// How long nobody else sees them.
    pub(super) hidden: SignedDuration,
    /// After how many receipts a message is given up, if it ever is.
    pub(super) receipts: Option<u64>,
}

/// What is taken, and what is given up.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) messages: Vec<(u64, Arc<Message>)>,
    pub(super) dead: Vec<Arc<Message>>,
}

impl Line {
    pub(super) fn new(in_order: bool) -> Self {
        Self {
            in_order,
            ..Self::default()
        }
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Forgets what was kept for so long.
    pub(super) fn expire(&mut self, now: Timestamp, kept: SignedDuration) {
        self.messages
            .retain(|_, message| !message.is_over(now, kept));
        self.recent
            .retain(|_, sent| after(sent.at, REMEMBERED) > now);
    }

    /// What was sent with the same id of deduplication a moment ago. A receipt does not change that.
    pub(super) fn sent_before(&self, deduplication: &str, now: Timestamp) -> Option<&Sent> {
        let sent = self.recent.get(deduplication)?;
        (after(sent.at, REMEMBERED) > now).then_some(sent)
    }

    pub(super) fn push(&mut self, number: u64, message: Message) -> Sent {
        let sent = Sent {
            id: message.id.clone(),
            number,
            at: message.sent,
        };
        if let Some(deduplication) = &message.deduplication {
            self.recent.insert(deduplication.clone(), sent.clone());
        }
        self.messages.insert(number, Arc::new(message));
        sent
    }

    /// Takes what is visible, the oldest first. `receipt` gives numbers that are not given twice.
    pub(super) fn take(&mut self, taking: &Taking, mut receipt: impl FnMut() -> u64) -> Taken {
        let mut taken = Taken::default();
        let numbers = self.ready(taking.now, taking.most, taking.receipts);
        for number in numbers {
            let Some(entry) = self.messages.get_mut(&number) else {
                continue;
            };
            if taking.receipts.is_some_and(|most| entry.received >= most) {
                taken.dead.extend(self.messages.remove(&number));
                continue;
            }
            let message = Arc::make_mut(entry);
            message.received += 1;
            message.first_received.get_or_insert(taking.now);
            message.visible = after(taking.now, taking.hidden);
            message.receipt = receipt();
            taken.messages.push((number, entry.clone()));
        }
        taken
    }

    /// The numbers of those that can be taken, and of those that are to be given up before.
    fn ready(&self, now: Timestamp, most: usize, receipts: Option<u64>) -> Vec<u64> {
        let mut waiting: BTreeSet<&str> = BTreeSet::new();
        let mut numbers = Vec::new();
        let mut live = 0;
        for (number, message) in &self.messages {
            let group = message.group.as_deref().filter(|_| self.in_order);
            if message.visible > now {
                waiting.extend(group);
            } else if group.is_none_or(|group| !waiting.contains(group)) {
                live += usize::from(receipts.is_none_or(|most| message.received < most));
                numbers.push(*number);
            }
            if live == most {
                break;
            }
        }
        numbers
    }

    /// Whether there is something to take.
    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        !self.ready(now, 1, None).is_empty()
    }

    /// When the next message that nobody sees now is seen again.
    pub(super) fn next_visible(&self, now: Timestamp) -> Option<Timestamp> {
        let hidden = self.messages.values().map(|message| message.visible);
        hidden.filter(|visible| *visible > now).min()
    }

    /// The message of a number, if it is still there.
    pub(super) fn get(&self, number: u64) -> Option<&Message> {
        self.messages.get(&number).map(|message| &**message)
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.messages.remove(&number);
    }

    /// Hides a message until then, or shows it.
    pub(super) fn hide(&mut self, number: u64, until: Timestamp) {
        if let Some(message) = self.messages.get_mut(&number) {
            Arc::make_mut(message).visible = until;
        }
    }

    pub(super) fn count(&self, now: Timestamp, kept: SignedDuration) -> Count {
        let mut count = Count::default();
        let all = self.messages.values();
        for message in all.filter(|message| !message.is_over(now, kept)) {
            if message.visible <= now {
                count.visible += 1;
            } else if message.received > 0 {
                count.in_flight += 1;
            } else {
                count.delayed += 1;
            }
        }
        count
    }
}

/// An instant so much later.
pub(super) fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
