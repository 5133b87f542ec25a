//! Which rules a bucket may have.

use crate::limits::NOTIFICATION_RULES_MAX;
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::objects::notifications::{Notifications, Rule};
use crate::world::queue::{self, Place};
use crate::world::request::Refusal;
use crate::world::topics;

/// What S3 knows to tell of. Not all of it happens here.
const EVENTS: &[&str] = &[
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
];
/// Characters of a filter's value.
const FILTER_MOST: usize = 1024;
/// Characters of a rule's id.
const ID_MOST: usize = 255;

impl World {
    /// Refuses what S3 refuses of a configuration.
    pub(super) fn check_notifications(
        &self,
        owner: &Scope,
        notifications: &Notifications,
    ) -> Result<(), Refusal> {
        let rules = &notifications.rules;
        if rules.len() > NOTIFICATION_RULES_MAX {
            return Err(invalid(&format!(
                "A bucket has at most {NOTIFICATION_RULES_MAX} notification configurations"
            )));
        }
        for (at, rule) in rules.iter().enumerate() {
            check_rule(rule)?;
            self.check_destination(owner, &rule.to)?;
            let mut before = rules[..at].iter();
            if before.clone().any(|other| other.id == rule.id) {
                return Err(invalid(
                    "Same ID used for multiple configurations. IDs must be unique",
                ));
            }
            if before.any(|other| rule.overlaps(other)) {
                return Err(invalid(
                    "Configurations overlap. Configurations on the same bucket cannot share a \
                     common event type.",
                ));
            }
        }
        Ok(())
    }

    fn check_destination(&self, owner: &Scope, arn: &str) -> Result<(), Refusal> {
        let parts: Vec<_> = arn.split(':').collect();
        let ["arn", _, "sqs" | "sns", region, _, _] = parts[..] else {
            return Err(invalid("The ARN is not well formed"));
        };
        if region != owner.region {
            return Err(invalid(
                "The notification destination service region is not valid for the bucket location \
                 constraint",
            ));
        }
        let there = match Place::of_arn(arn) {
            Some(place) => self.queues.has(&place),
            None => topics::key_of(arn).is_some_and(|key| self.records.get(&key).is_some()),
        };
        if !there || queue::is_in_order(arn) {
            return Err(invalid(
                "Unable to validate the following destination configurations",
            ));
        }
        Ok(())
    }
}

fn check_rule(rule: &Rule) -> Result<(), Refusal> {
    let known = |event: &String| EVENTS.contains(&event.as_str());
    if rule.events.is_empty() || !rule.events.iter().all(known) {
        return Err(invalid("The event is not supported for notifications"));
    }
    if rule.id.len() > ID_MOST {
        return Err(invalid("The ID is longer than 255 characters"));
    }
    let filters = [&rule.prefix, &rule.suffix];
    let too_long = |text: &String| text.len() > FILTER_MOST;
    if filters.into_iter().flatten().any(too_long) {
        return Err(invalid(
            "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
        ));
    }
    Ok(())
}

fn invalid(words: &str) -> Refusal {
    Refusal::new("InvalidArgument", words)
}
