//! Groups: made, listed, kept for so long, tagged.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::streams::{page, paged};
use super::{Group, arn, exists, invalid, key, no_group, too_many};
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request};
use crate::world::scaling::listed;
use crate::world::window::Rank;

/// How many days a group may be kept for.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTIONS: &[i64] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

impl World {
    pub(super) fn create_log_group(&mut self, request: &Request<'_>) -> Reply {
        let name = request.text("logGroupName");
        if self.logs.get(request.scope, name).is_some() {
            return Err(exists("log group"));
        }
        if self.logs.is_full() {
            return Err(too_many());
        }
        let tags = request.get("tags").map(listed).unwrap_or_default();
        self.put_tags(&arn(request.scope, name), &tags)?;
        let class = match request.text("logGroupClass") {
            "" => "STANDARD",
            class => class,
        };
        self.logs.add(request.scope, name, class, request.now);
        Ok(json!({}))
    }

    pub(super) fn describe_log_groups(&self, request: &Request<'_>) -> Reply {
        let (prefix, part) = (
            request.text("logGroupNamePrefix"),
            request.text("logGroupNamePattern"),
        );
        if !prefix.is_empty() && !part.is_empty() {
            return Err(invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        let class = request.text("logGroupClass");
        let wanted = |group: &&Group| {
            let name = group.name.to_lowercase();
            group.name.starts_with(prefix)
                && name.contains(&part.to_lowercase())
                && (class.is_empty() || group.class == class)
        };
        let groups = self.logs.of(request.scope).filter(wanted);
        let groups = groups.map(|group| ((Rank::Text(group.name.clone()), 0), shown(group)));
        let (page, next) = page(request, groups)?;
        Ok(paged("logGroups", page, next))
    }

    /// Takes a group away with its streams.
    pub(super) fn delete_log_group(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.log_group_mut(request)?.arn();
        let key = key(request.scope, request.text("logGroupName"));
        Arc::make_mut(&mut self.logs.groups).remove(&key);
        self.drop_tags(&arn);
        Ok(json!({}))
    }

    pub(super) fn put_retention(&mut self, request: &Request<'_>) -> Reply {
        let days = request.get("retentionInDays").and_then(Value::as_i64);
        let days = days.filter(|days| RETENTIONS.contains(days));
        let days = days.ok_or_else(|| {
            let words = "1 validation error detected: Value at 'retentionInDays' failed to satisfy \
                         constraint: Member must satisfy enum value set";
            invalid(format!("{words}: {RETENTIONS:?}"))
        })?;
        self.log_group_mut(request)?.retention_days = Some(days);
        Ok(json!({}))
    }

    pub(super) fn delete_retention(&mut self, request: &Request<'_>) -> Reply {
        self.log_group_mut(request)?.retention_days = None;
        Ok(json!({}))
    }

    pub(super) fn list_log_tags(&self, request: &Request<'_>) -> Reply {
        let arn = self.tagged_group(request)?;
        let tags = self.tags.get(&arn).into_iter().flat_map(|tags| tags.iter());
        let tags: Map<String, Value> = tags
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        Ok(json!({"tags": tags}))
    }

    pub(super) fn tag_log_group(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.tagged_group(request)?;
        let tags = request.get("tags").map(listed).unwrap_or_default();
        self.put_tags(&arn, &tags)?;
        Ok(json!({}))
    }

    pub(super) fn untag_log_group(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.tagged_group(request)?;
        self.remove_tags(&arn, request.items("tagKeys"));
        Ok(json!({}))
    }

    fn tagged_group(&self, request: &Request<'_>) -> Result<String, Refusal> {
        let arn = request.text("resourceArn");
        let arn = arn.strip_suffix(":*").unwrap_or(arn);
        let found = self.logs.has(request.scope, arn);
        found.then(|| arn.to_owned()).ok_or_else(no_group)
    }
}

fn shown(group: &Group) -> Value {
    let arn = group.arn();
    let mut shown = json!({
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "storedBytes": group.bytes(),
        "logGroupClass": group.class,
        "logGroupArn": arn,
    });
    if let Some(days) = group.retention_days {
        shown["retentionInDays"] = days.into();
    }
    shown
}
