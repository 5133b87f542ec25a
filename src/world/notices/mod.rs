//! What S3 tells of what happens in a bucket: queues and topics by the bucket's own rules, and the
//! rules of EventBridge.

mod check;
mod record;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::World;
use super::objects::notifications::{Change, Notifications, Rule};
use super::objects::{Bucket, Objects};
use super::queue::{Place, Sending};
use super::topics::Publishing;
use crate::clock::Timestamp;
use crate::resource::call::{OpError, Scope};

/// What topics call it.
const SUBJECT: &str = "Amazon S3 Notification";

impl World {
    /// Changes the index of S3 at `now`, and tells whom it concerns.
    pub fn write_objects<R>(&mut self, now: Timestamp, write: impl FnOnce(&mut Objects) -> R) -> R {
        self.run_until(now);
        let written = write(&mut self.objects);
        self.emit();
        written
    }

    /// Says who is told of what happens in a bucket, in place of what was said before. Each queue
    /// and topic is told that it will be. Rules without an id get one.
    ///
    /// # Errors
    ///
    /// As S3 refuses: `NoSuchBucket`; `InvalidArgument` where a queue or a topic is not there or not
    /// in the bucket's region, an event is not known, or two rules could be for the same.
    pub fn put_notifications(
        &mut self,
        now: Timestamp,
        bucket: &str,
        mut notifications: Notifications,
    ) -> Result<(), OpError> {
        const OP: &str = "PutBucketNotificationConfiguration";
        self.run_until(now);
        let owner = self.objects.owner(bucket).ok_or_else(|| {
            let words = "The specified bucket does not exist";
            OpError::refused(OP, "NoSuchBucket", words)
        })?;
        for (at, rule) in notifications.rules.iter_mut().enumerate() {
            if rule.id.is_empty() {
                rule.id = super::encode::uuid(&format!("{bucket}/{at}/{now}"));
            }
        }
        self.check_notifications(&owner, &notifications)
            .map_err(|refusal| refusal.error(OP))?;
        let test = record::test(bucket, now).to_string();
        for rule in &notifications.rules {
            self.send_notice(rule, &test);
        }
        let set = self.objects.set_notifications(bucket, notifications, now);
        set.map_err(|error| OpError::refused(OP, error.code(), error.to_string()))
    }

    /// Tells of what happened to objects since this was last done.
    pub(super) fn tell_of_objects(&mut self) {
        for change in self.objects.changes() {
            let Some(owner) = self.objects.owner(&change.bucket) else {
                continue;
            };
            let held = self.objects.bucket(&change.bucket).ok().flatten();
            let Some(told) = held.map(Bucket::notifications).cloned() else {
                continue;
            };
            self.tell_of_object(&owner, &told, &change);
        }
    }

    fn tell_of_object(&mut self, owner: &Scope, told: &Notifications, change: &Change) {
        let rules = told.rules.iter();
        for rule in rules.filter(|rule| rule.hears(change.what, &change.key)) {
            let record = record::of(change, owner, &rule.id);
            self.send_notice(rule, &json!({"Records": [record]}).to_string());
        }
        if told.event_bridge {
            let (title, detail): (_, Value) = record::event(change, owner);
            let bucket = [record::arn(&change.bucket, owner)];
            let event = self.event(owner, "aws.s3", title, &bucket, detail);
            self.spread(owner, &event);
        }
    }

    /// Tells one queue or topic. What is gone by now is not told: S3 gives up, too.
    fn send_notice(&mut self, rule: &Rule, message: &str) {
        if let Some(place) = Place::of_arn(&rule.to) {
            let sending = Sending {
                body: message.to_owned(),
                ..Sending::default()
            };
            drop(self.enqueue(&place, sending));
            return;
        }
        let publishing = Publishing {
            message: message.to_owned(),
            subject: Some(SUBJECT.to_owned()),
            ..Publishing::default()
        };
        drop(self.publish_to(&rule.to, publishing));
    }
}
