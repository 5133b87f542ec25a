//! Streams of a group: made, listed, removed.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::stream::Stream;
use super::{exists, invalid, no_stream, too_many};
use crate::limits::LOG_STREAMS_MAX;
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request};
use crate::world::window::{Page, Place, Rank, Window};

/// Streams, or groups, of a page.
const PAGE: usize = 50;

impl World {
    pub(super) fn create_log_stream(&mut self, request: &Request<'_>) -> Reply {
        let group = self.log_group_mut(request)?;
        let name = request.text("logStreamName");
        if group.streams.contains_key(name) {
            return Err(exists("log stream"));
        }
        if group.streams.len() >= LOG_STREAMS_MAX {
            return Err(too_many());
        }
        let stream = Stream::new(request.now.as_millisecond());
        group.streams.insert(name.to_owned(), Arc::new(stream));
        Ok(json!({}))
    }

    pub(super) fn delete_log_stream(&mut self, request: &Request<'_>) -> Reply {
        let group = self.log_group_mut(request)?;
        let removed = group.streams.remove(request.text("logStreamName"));
        removed.map(|_| json!({})).ok_or_else(no_stream)
    }

    pub(super) fn describe_log_streams(&self, request: &Request<'_>) -> Reply {
        let group = self.log_group(request)?;
        let prefix = request.text("logStreamNamePrefix");
        let by_time = request.text("orderBy") == "LastEventTime";
        if by_time && !prefix.is_empty() {
            return Err(invalid(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            ));
        }
        let from = group.kept_since(request.now);
        let arn = group.arn();
        let streams = group.streams.iter();
        let streams = streams.filter(|(name, _)| name.starts_with(prefix));
        let streams = streams.map(|(name, stream)| {
            let last = stream.since(from).next_back().map(|event| event.spot.0);
            let rank = if by_time {
                // A stream without events is as old as itself.
                let time = last.unwrap_or(stream.created);
                Rank::Text(format!("{time:020}/{name}"))
            } else {
                Rank::Text(name.clone())
            };
            let shown = shown((&arn, name), stream, from);
            ((rank, 0), shown)
        });
        let (page, next) = page(request, streams)?;
        Ok(paged("logStreams", page, next))
    }
}

fn shown((arn, name): (&str, &str), stream: &Stream, from: i64) -> Value {
    let mut shown = json!({
        "logStreamName": name,
        "creationTime": stream.created,
        "uploadSequenceToken": "49039859611234567890123456789012345678901234567890123456",
        "arn": format!("{arn}:log-stream:{name}"),
        "storedBytes": 0,
    });
    let mut events = stream.since(from);
    if let Some(first) = events.next() {
        let last = events.next_back().unwrap_or(first);
        shown["firstEventTimestamp"] = first.spot.0.into();
        shown["lastEventTimestamp"] = last.spot.0.into();
        shown["lastIngestionTime"] = stream.ingested.into();
    }
    shown
}

/// The page of a list that a request asks for.
pub(super) fn page(
    request: &Request<'_>,
    all: impl IntoIterator<Item = (Place, Value)>,
) -> Result<Page<Value>, Refusal> {
    let ascending = request.get("descending") != Some(&Value::Bool(true));
    let window = Window::named(request, ascending, ("limit", "nextToken"), PAGE);
    window
        .and_then(|window| window.whole(all))
        .map_err(|_| invalid("The specified nextToken is invalid."))
}

/// A page, as this service writes one.
pub(super) fn paged(member: &str, page: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = Map::new();
    answer.insert(member.to_owned(), Value::Array(page));
    if let Some(next) = next {
        answer.insert("nextToken".to_owned(), next.into());
    }
    Value::Object(answer)
}
