//! CloudWatch Logs: groups of streams of lines.
//!
//! [`stream`] is one stream; the other files are what is asked of all. What the service's jobs and
//! endpoints say comes through [`World::write_log`].

mod events;
mod groups;
mod pattern;
mod stream;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::World;
use super::operations::Operation;
use super::request::{Refusal, Request};
use crate::clock::Timestamp;
use crate::limits::{LOG_BYTES_MAX, LOG_GROUPS_MAX, LOG_STREAMS_MAX};
use crate::resource::call::Scope;
use stream::Stream;

/// The operations of CloudWatch Logs.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("CreateLogGroup", World::create_log_group),
    Operation::special("DescribeLogGroups", |world, request| {
        world.describe_log_groups(request)
    }),
    Operation::special("DeleteLogGroup", World::delete_log_group),
    Operation::special("PutRetentionPolicy", World::put_retention),
    Operation::special("DeleteRetentionPolicy", World::delete_retention),
    Operation::special("logs:ListTagsForResource", |world, request| {
        world.list_log_tags(request)
    }),
    Operation::special("logs:TagResource", World::tag_log_group),
    Operation::special("logs:UntagResource", World::untag_log_group),
    Operation::special("CreateLogStream", World::create_log_stream),
    Operation::special("DescribeLogStreams", |world, request| {
        world.describe_log_streams(request)
    }),
    Operation::special("DeleteLogStream", World::delete_log_stream),
    Operation::special("PutLogEvents", World::put_log_events),
    Operation::special("GetLogEvents", |world, request| world.log_events(request)),
    Operation::special("FilterLogEvents", |world, request| {
        world.filter_log_events(request)
    }),
];

/// Every group. A clone shares them until one of the two changes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Logs {
    groups: Arc<BTreeMap<String, Arc<Group>>>,
}

/// A group of streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Group {
    scope: Scope,
    name: String,
    class: String,
    /// In milliseconds since 1970, as all times of this service.
    created: i64,
    retention_days: Option<i64>,
    streams: BTreeMap<String, Arc<Stream>>,
}

impl Group {
    fn arn(&self) -> String {
        arn(&self.scope, &self.name)
    }

    /// Before when nothing is shown any more.
    fn kept_since(&self, now: Timestamp) -> i64 {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        match self.retention_days {
            Some(days) => now
                .as_millisecond()
                .saturating_sub(days.saturating_mul(DAY_MS)),
            None => 0,
        }
    }

    fn bytes(&self) -> usize {
        self.streams.values().map(|stream| stream.bytes()).sum()
    }

    /// Makes room for a stream of the service's own: of too many the oldest goes.
    fn make_room(&mut self) {
        while self.streams.len() >= LOG_STREAMS_MAX {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.created);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            self.streams.remove(&name);
        }
    }
}

impl Logs {
    fn get(&self, scope: &Scope, name: &str) -> Option<&Group> {
        self.groups.get(&key(scope, name)).map(|group| &**group)
    }

    fn get_mut(&mut self, scope: &Scope, name: &str) -> Option<&mut Group> {
        let groups = Arc::make_mut(&mut self.groups);
        groups.get_mut(&key(scope, name)).map(Arc::make_mut)
    }

    /// The groups of one account and region, by their names.
    fn of(&self, scope: &Scope) -> impl Iterator<Item = &Group> {
        let from = key(scope, "");
        let found = self.groups.range(from.clone()..);
        let found = found.take_while(move |(key, _)| key.starts_with(&from));
        found.map(|(_, group)| &**group)
    }

    /// Whether there is a group of an ARN.
    pub(super) fn has(&self, scope: &Scope, arn: &str) -> bool {
        self.of(scope).any(|group| group.arn() == arn)
    }

    fn is_full(&self) -> bool {
        self.groups.len() >= LOG_GROUPS_MAX
    }

    fn add(&mut self, scope: &Scope, name: &str, class: &str, now: Timestamp) {
        let group = Group {
            scope: scope.clone(),
            name: name.to_owned(),
            class: class.to_owned(),
            created: now.as_millisecond(),
            retention_days: None,
            streams: BTreeMap::new(),
        };
        Arc::make_mut(&mut self.groups).insert(key(scope, name), Arc::new(group));
    }

    /// Forgets what was said longest ago, where all of it is more than is kept. Streams stay.
    fn shrink(&mut self) {
        let mut bytes: usize = self.groups.values().map(|group| group.bytes()).sum();
        while bytes > LOG_BYTES_MAX {
            let all = self.groups.iter().flat_map(|(key, group)| {
                let streams = group.streams.iter();
                let said = streams.filter(|(_, stream)| stream.bytes() > 0);
                said.map(move |(name, stream)| (stream.ingested, key, name))
            });
            let Some((key, name)) = all.min().map(|(_, key, name)| (key.clone(), name.clone()))
            else {
                return;
            };
            let groups = Arc::make_mut(&mut self.groups);
            let group = groups.get_mut(&key).map(Arc::make_mut);
            let stream = group.and_then(|group| group.streams.get_mut(&name));
            bytes -= stream.map_or(bytes, |stream| Arc::make_mut(stream).forget());
        }
    }
}

impl World {
    /// Lines that a job or an endpoint of the service said, at `now`. The group and the stream are
    /// made where they are missing. Of more than is kept the oldest goes.
    pub fn write_log(&mut self, now: Timestamp, place: (&Scope, &str, &str), lines: Vec<String>) {
        let (scope, name, stream) = place;
        self.run_until(now);
        let now = self.now;
        if self.logs.get(scope, name).is_none() {
            if self.logs.is_full() {
                return;
            }
            self.logs.add(scope, name, "STANDARD", now);
        }
        let Some(group) = self.logs.get_mut(scope, name) else {
            return;
        };
        if !group.streams.contains_key(stream) {
            group.make_room();
        }
        let at = now.as_millisecond();
        let stream = group.streams.entry(stream.to_owned());
        let stream = Arc::make_mut(stream.or_insert_with(|| Arc::new(Stream::new(at))));
        for line in lines {
            stream.push(at, at, line);
        }
        self.logs.shrink();
    }

    /// The group that a request names, by its name or by an ARN.
    fn log_group(&self, request: &Request<'_>) -> Result<&Group, Refusal> {
        let name = match (
            request.text("logGroupName"),
            request.text("logGroupIdentifier"),
        ) {
            ("", identifier) => identifier.split(':').nth(6).unwrap_or(identifier),
            (name, _) => name,
        };
        if name.is_empty() {
            return Err(invalid(
                "Specify either logGroupName or logGroupIdentifier.",
            ));
        }
        self.logs.get(request.scope, name).ok_or_else(no_group)
    }

    fn log_group_mut(&mut self, request: &Request<'_>) -> Result<&mut Group, Refusal> {
        let name = request.text("logGroupName");
        self.logs.get_mut(request.scope, name).ok_or_else(no_group)
    }
}

fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{}/{name}", scope.account, scope.region)
}

fn arn(scope: &Scope, name: &str) -> String {
    let (partition, Scope { account, region }) = (scope.partition(), scope);
    format!("arn:{partition}:logs:{region}:{account}:log-group:{name}")
}

fn invalid(words: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", words)
}

fn exists(what: &str) -> Refusal {
    let words = format!("The specified {what} already exists");
    Refusal::new("ResourceAlreadyExistsException", words)
}

fn missing(what: &str) -> Refusal {
    let words = format!("The specified {what} does not exist.");
    Refusal::new("ResourceNotFoundException", words)
}

fn no_group() -> Refusal {
    missing("log group")
}

fn no_stream() -> Refusal {
    missing("log stream")
}

fn too_many() -> Refusal {
    Refusal::new("LimitExceededException", "Resource limit exceeded.")
}
