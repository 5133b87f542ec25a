//! Data capture: what went in and out of an endpoint, as JSON lines in S3.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::engine::Engine;
use super::place;
use crate::clock::Timestamp;
use crate::limits::CAPTURE_BATCH_MAX;
use crate::world::Capture;

/// How long a record waits at most to be written.
const FLUSH_EVERY: Duration = Duration::from_secs(3);

/// Records that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Captures {
    waiting: Mutex<Vec<Waiting>>,
    full: Notify,
}

#[derive(Debug)]
struct Waiting {
    /// `s3://bucket/prefix/endpoint/variant`
    place: String,
    at: Timestamp,
    line: String,
}

/// One side of an invocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    /// Its media type as it was sent.
    pub(super) content_type: &'a str,
    /// Its bytes.
    pub(super) body: &'a [u8],
}

/// One invocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invocation<'a> {
    pub(super) endpoint: &'a str,
    pub(super) variant: &'a str,
    pub(super) event_id: &'a str,
    pub(super) inference_id: &'a str,
    pub(super) custom_attributes: &'a str,
    pub(super) at: Timestamp,
    pub(super) input: Side<'a>,
    pub(super) output: Side<'a>,
}

impl Captures {
    /// Adds a record for an invocation.
    pub(super) fn push(&self, capture: &Capture, invocation: &Invocation<'_>) {
        let place = format!(
            "{}/{}/{}",
            capture.destination.trim_end_matches('/'),
            invocation.endpoint,
            invocation.variant
        );
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        waiting.push(Waiting {
            place,
            at: invocation.at,
            line: record(capture, invocation).to_string(),
        });
        if waiting.len() >= CAPTURE_BATCH_MAX {
            self.full.notify_one();
        }
    }

    /// Forgets what is not yet written.
    pub(super) fn forget(&self) {
        drop(self.take());
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.waiting.lock().expect("no holder of this lock panics"))
    }
}

fn record(capture: &Capture, invocation: &Invocation<'_>) -> Value {
    let mut data = json!({});
    if capture.input {
        data["endpointInput"] = side(capture, "INPUT", invocation.input);
    }
    if capture.output {
        data["endpointOutput"] = side(capture, "OUTPUT", invocation.output);
    }
    let time = Timestamp::from_second(invocation.at.as_second()).unwrap_or(invocation.at);
    let mut about = json!({"eventId": invocation.event_id, "inferenceTime": time.to_string()});
    if !invocation.inference_id.is_empty() {
        about["inferenceId"] = json!(invocation.inference_id);
    }
    if !invocation.custom_attributes.is_empty() {
        about["customAttributes"] = json!([invocation.custom_attributes]);
    }
    json!({"captureData": data, "eventMetadata": about, "eventVersion": "0"})
}

fn side(capture: &Capture, mode: &str, side: Side<'_>) -> Value {
    let kind = side
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let among = |types: &[String]| types.iter().any(|known| known.eq_ignore_ascii_case(kind));
    let text = std::str::from_utf8(side.body);
    let (encoding, data) = match text {
        Ok(text) if among(&capture.csv_content_types) => ("CSV", text.trim_end().to_owned()),
        Ok(text) if among(&capture.json_content_types) => ("JSON", text.to_owned()),
        Ok(_) | Err(_) => ("BASE64", BASE64.encode(side.body)),
    };
    json!({
        "observedContentType": side.content_type, "mode": mode, "data": data, "encoding": encoding,
    })
}

/// Writes records every few seconds, sooner when there are many, and those left at the end.
pub(super) async fn keep_flushing(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    loop {
        let over = tokio::select! {
            _ = timeout(FLUSH_EVERY, engine.captures.full.notified()) => false,
            _ = quit.changed() => true,
        };
        flush(&engine);
        if over {
            return;
        }
    }
}

/// Writes every record that waits: one object for each endpoint, variant and hour.
pub(super) fn flush(engine: &Engine) {
    let mut batches: BTreeMap<(String, String), (Timestamp, String)> = BTreeMap::new();
    for waiting in engine.captures.take() {
        let hour = waiting.at.strftime("%Y/%m/%d/%H").to_string();
        let (_, lines) = batches
            .entry((waiting.place, hour))
            .or_insert_with(|| (waiting.at, String::new()));
        lines.push_str(&waiting.line);
        lines.push('\n');
    }
    for ((place, hour), (first, lines)) in batches {
        let millisecond = first.as_millisecond().rem_euclid(1000);
        let minute = first.strftime("%M-%S");
        let id = engine.uuid();
        write(
            engine,
            &format!("{place}/{hour}/{minute}-{millisecond:03}-{id}.jsonl"),
            &lines,
        );
    }
}

fn write(engine: &Engine, uri: &str, lines: &str) {
    let written = place::upload_bytes(engine, lines.as_bytes(), "application/jsonlines", uri);
    if let Err(error) = written {
        tracing::warn!(%error, uri, "captured data was not written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture() -> Capture {
        Capture {
            sampling_percentage: 100,
            destination: "s3://b/capture/".to_owned(),
            input: true,
            output: true,
            csv_content_types: vec!["text/csv".to_owned()],
            json_content_types: vec!["application/json".to_owned()],
        }
    }

    #[test]
    fn bodies_are_encoded_by_their_types() {
        let check = |content_type, body: &[u8], encoding, data| {
            let found = side(&capture(), "INPUT", Side { content_type, body });
            assert_eq!(found["encoding"], encoding);
            assert_eq!(found["data"], data);
            assert_eq!(found["observedContentType"], content_type);
        };
        check("text/csv; charset=utf-8", b"1,2\n", "CSV", "1,2");
        check("application/json", b"{\"a\":1}", "JSON", "{\"a\":1}");
        check("image/png", b"\x89", "BASE64", "iQ==");
        check("text/csv", b"\xff", "BASE64", "/w==");
    }

    #[test]
    fn a_record_has_the_services_form() {
        let blank = Side {
            content_type: "text/csv",
            body: b"1",
        };
        let invocation = Invocation {
            endpoint: "e",
            variant: "v",
            event_id: "id",
            inference_id: "mine",
            custom_attributes: "",
            at: "2026-01-01T00:00:00.5Z".parse().unwrap(),
            input: blank,
            output: blank,
        };
        let found = record(&capture(), &invocation);
        assert_eq!(
            found["eventMetadata"]["inferenceTime"],
            "2026-01-01T00:00:00Z"
        );
        assert_eq!(found["eventMetadata"]["inferenceId"], "mine");
        assert_eq!(found["eventVersion"], "0");
        assert_eq!(found["captureData"]["endpointOutput"]["mode"], "OUTPUT");
        let mut only_input = capture();
        only_input.output = false;
        assert!(
            record(&only_input, &invocation)["captureData"]
                .get("endpointOutput")
                .is_none()
        );

        let captures = Captures::default();
        captures.push(&capture(), &invocation);
        assert_eq!(captures.take()[0].place, "s3://b/capture/e/v");
    }
}
