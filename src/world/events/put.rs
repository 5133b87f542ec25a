//! Events of clients' own, and patterns tried out.

use serde_json::{Value, json};

use super::emit::date;
use super::rules::{BUS, read_pattern};
use super::{pattern, rules};
use crate::clock::Timestamp;
use crate::world::World;
use crate::world::request::{Reply, Request, text};

/// What an event has to have to be tried with a pattern.
const ENVELOPE: &[&str] = &[
    "id",
    "account",
    "source",
    "time",
    "region",
    "resources",
    "detail-type",
];

impl World {
    #[expect(clippy::unnecessary_wraps, reason = "it is one of many operations")]
    pub(super) fn put_events(&mut self, request: &Request<'_>) -> Reply {
        let mut failed = 0;
        let mut entries = Vec::new();
        for entry in request.items("Entries") {
            match read(entry) {
                Ok(detail) => {
                    let id = self.put_event(request, entry, detail);
                    entries.push(json!({"EventId": id}));
                }
                Err((code, message)) => {
                    failed += 1;
                    entries.push(json!({"ErrorCode": code, "ErrorMessage": message}));
                }
            }
        }
        Ok(json!({"FailedEntryCount": failed, "Entries": entries}))
    }

    fn put_event(&mut self, request: &Request<'_>, entry: &Value, detail: Value) -> Value {
        let resources = entry["Resources"].as_array();
        let resources = resources.into_iter().flatten().filter_map(Value::as_str);
        let resources: Vec<_> = resources.map(str::to_owned).collect();
        let (source, title) = (text(entry, "Source"), text(entry, "DetailType"));
        let mut event = self.event(request.scope, source, title, &resources, detail);
        if let Some(at) = entry["Time"].as_f64().and_then(instant) {
            event["time"] = date(at).into();
        }
        let bus = text(entry, "EventBusName")
            .rsplit('/')
            .next()
            .unwrap_or_default();
        if bus.is_empty() || bus == BUS {
            self.spread(request.scope, &event);
        }
        event["id"].clone()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn instant(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}

/// The detail of an entry, or the code and the words of what is wrong with it.
fn read(entry: &Value) -> Result<Value, (&'static str, String)> {
    for member in ["Source", "DetailType", "Detail"] {
        if text(entry, member).is_empty() {
            let words = format!(
                "Parameter {member} is not valid. Reason: {member} is a required argument."
            );
            return Err(("InvalidArgument", words));
        }
    }
    if text(entry, "Source").starts_with("aws.") {
        let words = "Not authorized for the source.".to_owned();
        return Err(("NotAuthorizedForSourceException", words));
    }
    let detail = serde_json::from_str::<Value>(text(entry, "Detail")).ok();
    detail
        .filter(Value::is_object)
        .ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))
}

pub(super) fn test_pattern(_: &mut World, request: &Request<'_>) -> Reply {
    let pattern = read_pattern(request.text("EventPattern"))?;
    let refuse = |why: &str| rules::invalid(format!("Parameter Event is not valid. Reason: {why}"));
    let event: Value =
        serde_json::from_str(request.text("Event")).map_err(|_| refuse("Invalid JSON"))?;
    if let Some(missing) = ENVELOPE.iter().find(|member| event.get(**member).is_none()) {
        return Err(refuse(&format!("The event has no {missing}.")));
    }
    Ok(json!({"Result": pattern::matches(&pattern, &event)}))
}
