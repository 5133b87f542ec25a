//! Lines: said, read page by page, and searched.

use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::pattern::Pattern;
use super::stream::{EVENT_BYTES, Event, Spot};
use super::streams::paged;
use super::{invalid, no_stream};
use crate::world::World;
use crate::world::encode::letters;
use crate::world::request::{Refusal, Reply, Request};

/// Events of a page, and their bytes.
const PAGE: usize = 10_000;
const PAGE_BYTES: usize = 1024 * 1024;
/// Bytes of one request that says something.
const BATCH_BYTES: usize = 1_048_576;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// How old and how early an event may be.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>
const OLD_MS: i64 = 14 * 24 * HOUR_MS;
const EARLY_MS: i64 = 2 * HOUR_MS;
/// What any sequence token is good for: they are not looked at any more.
const SEQUENCE: &str = "49039859611234567890123456789012345678901234567890123456";

/// Where a page of one stream begins or ends.
enum Cursor {
    /// After this event, and on.
    Forward(Spot),
    /// Before this event, and back.
    Backward(Spot),
}

impl Cursor {
    fn read(token: &str) -> Option<Self> {
        let (way, spot) = token.strip_suffix("/s")?.split_once('/')?;
        let (at, count) = spot.split_at_checked(20)?;
        let spot = (at.parse().ok()?, count.parse().ok()?);
        match way {
            "f" => Some(Self::Forward(spot)),
            "b" => Some(Self::Backward(spot)),
            _ => None,
        }
    }
}

fn token(way: char, (at, count): Spot) -> String {
    format!("{way}/{at:020}{count:036}/s")
}

/// The times that a request asks about; the end does not belong to them.
struct Span {
    start: i64,
    end: i64,
}

impl Span {
    fn of(request: &Request<'_>, kept_since: i64) -> Self {
        let time = |name: &str| request.get(name).and_then(Value::as_i64);
        Self {
            start: time("startTime").unwrap_or(0).max(kept_since),
            end: time("endTime").unwrap_or(i64::MAX),
        }
    }
}

impl World {
    pub(super) fn put_log_events(&mut self, request: &Request<'_>) -> Reply {
        let now = request.now.as_millisecond();
        let group = self.log_group_mut(request)?;
        let oldest = group.kept_since(request.now).max(now - OLD_MS);
        let stream = group.streams.get_mut(request.text("logStreamName"));
        let stream = Arc::make_mut(stream.ok_or_else(no_stream)?);
        let events: Vec<(i64, &str)> = request
            .items("logEvents")
            .iter()
            .map(|event| {
                let at = event["timestamp"].as_i64().unwrap_or_default();
                (at, event["message"].as_str().unwrap_or_default())
            })
            .collect();
        check(&events)?;
        let mut rejected = serde_json::Map::new();
        for (index, (at, message)) in events.iter().enumerate() {
            if *at < oldest {
                let what = if *at < now - OLD_MS {
                    "tooOldLogEventEndIndex"
                } else {
                    "expiredLogEventEndIndex"
                };
                rejected.insert(what.to_owned(), (index + 1).into());
            } else if *at > now + EARLY_MS {
                let first = rejected.entry("tooNewLogEventStartIndex".to_owned());
                first.or_insert_with(|| index.into());
            } else {
                stream.push(*at, now, (*message).to_owned());
            }
        }
        self.logs.shrink();
        let mut answer = json!({"nextSequenceToken": SEQUENCE});
        if !rejected.is_empty() {
            answer["rejectedLogEventsInfo"] = rejected.into();
        }
        Ok(answer)
    }

    pub(super) fn log_events(&self, request: &Request<'_>) -> Reply {
        let group = self.log_group(request)?;
        let stream = group.streams.get(request.text("logStreamName"));
        let stream = stream.ok_or_else(no_stream)?;
        let given = request.text("nextToken");
        let cursor = match given {
            "" if request.get("startFromHead") == Some(&Value::Bool(true)) => {
                Cursor::Forward((i64::MIN, 0))
            }
            "" => Cursor::Backward((i64::MAX, u64::MAX)),
            token => {
                Cursor::read(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?
            }
        };
        let span = Span::of(request, group.kept_since(request.now));
        let most = limit(request);
        let events = stream.since(span.start);
        let events = events.filter(|event| event.spot.0 < span.end);
        let page: Vec<&Event> = match cursor {
            Cursor::Forward(after) => bounded(events.filter(|event| event.spot > after), most),
            Cursor::Backward(before) => {
                let back = events.rev().filter(|event| event.spot < before);
                let mut page = bounded(back, most);
                page.reverse();
                page
            }
        };
        let (first, last) = match (page.first(), page.last(), cursor) {
            (Some(first), Some(last), _) => (first.spot, last.spot),
            // At the end the token stays what it was, and the other way leads back over it.
            (_, _, Cursor::Forward((i64::MIN, _)) | Cursor::Backward((i64::MAX, _))) => {
                ((0, 0), (0, 0))
            }
            (_, _, Cursor::Forward(spot)) => ((spot.0, spot.1 + 1), spot),
            (_, _, Cursor::Backward(spot)) => (spot, (spot.0, spot.1.saturating_sub(1))),
        };
        let page: Vec<Value> = page.into_iter().map(shown).collect();
        Ok(json!({
            "events": page,
            "nextForwardToken": token('f', last),
            "nextBackwardToken": token('b', first),
        }))
    }

    /// Searches the streams of a group. All of it is searched at once, so that a page that is not
    /// full is the last one.
    pub(super) fn filter_log_events(&self, request: &Request<'_>) -> Reply {
        let group = self.log_group(request)?;
        let pattern = Pattern::read(request.text("filterPattern")).map_err(invalid)?;
        let prefix = request.text("logStreamNamePrefix");
        let names = request.items("logStreamNames");
        if !names.is_empty() && !prefix.is_empty() {
            return Err(invalid(
                "LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters.",
            ));
        }
        let named = |name: &str| match names {
            [] => name.starts_with(prefix),
            names => names.iter().any(|one| one == name),
        };
        if names.iter().any(|name| {
            !group
                .streams
                .contains_key(name.as_str().unwrap_or_default())
        }) {
            return Err(no_stream());
        }
        let span = Span::of(request, group.kept_since(request.now));
        let after = match request.text("nextToken") {
            "" => None,
            token => Some(read_token(token)?),
        };
        let streams = group.streams.iter().filter(|(name, _)| named(name));
        let mut found: Vec<(Found, &Event)> = streams
            .flat_map(|(name, stream)| {
                let events = stream.since(span.start);
                events.map(move |event| ((event.spot.0, name.clone(), event.spot.1), event))
            })
            .filter(|(_, event)| event.spot.0 < span.end && pattern.matches(&event.message))
            .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut bytes = 0;
        let fits = found.iter().take(limit(request)).take_while(|(_, event)| {
            bytes += event.message.len() + EVENT_BYTES;
            bytes <= PAGE_BYTES
        });
        let page: Vec<_> = fits.collect();
        let next = (page.len() < found.len()).then(|| {
            page.last()
                .map(|(place, _)| BASE64.encode(json!(place).to_string().as_bytes()))
        });
        let page = page.into_iter().map(|((_, stream, _), event)| {
            let mut shown = shown(event);
            shown["logStreamName"] = stream.as_str().into();
            shown["eventId"] =
                letters(&format!("{}/{stream}/{:?}", group.name, event.spot), 32).into();
            shown
        });
        let mut answer = paged("events", page.collect(), next.flatten());
        answer["searchedLogStreams"] = json!([]);
        Ok(answer)
    }
}

/// Where an event stands among those of a group: its time, its stream, its order in that.
type Found = (i64, String, u64);

fn read_token(token: &str) -> Result<Found, Refusal> {
    let bytes = BASE64.decode(token.as_bytes()).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| invalid("The specified nextToken is invalid."))
}

fn check(events: &[(i64, &str)]) -> Result<(), Refusal> {
    if !events.is_sorted_by_key(|(at, _)| *at) {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    let (first, last) = (events.first(), events.last());
    let span = first
        .zip(last)
        .map_or(0, |(first, last)| last.0.saturating_sub(first.0));
    if span > 24 * HOUR_MS {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let bytes: usize = events
        .iter()
        .map(|(_, message)| message.len() + EVENT_BYTES)
        .sum();
    if bytes > BATCH_BYTES {
        return Err(invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES}"
        )));
    }
    Ok(())
}

fn limit(request: &Request<'_>) -> usize {
    let limit = request.get("limit").and_then(Value::as_u64);
    limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(PAGE)
}

/// The first of them, as many as a page holds.
fn bounded<'a>(events: impl Iterator<Item = &'a Event>, most: usize) -> Vec<&'a Event> {
    let mut bytes = 0;
    let fits = events.take(most).take_while(|event| {
        bytes += event.message.len() + EVENT_BYTES;
        bytes <= PAGE_BYTES
    });
    fits.collect()
}

fn shown(event: &Event) -> Value {
    json!({
        "timestamp": event.spot.0,
        "message": event.message,
        "ingestionTime": event.ingested,
    })
}
