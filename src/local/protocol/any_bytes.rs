//! What must hold of any bytes that come to a protocol's door: they are a request or are refused, a request
//! is answered or refused, and the answer can be written.
//!
//! The fuzzers in `fuzz/` look for bytes of which it does not hold. Those that they found worth keeping are
//! asked again by the test below.

use serde_json::Value;

use super::{Refused, cbor, json, query, rest, xml};
use crate::clock::Timestamp;
use crate::resource::call::{Answer, Call, Scope};
use crate::world::{Pace, World, shape};

/// AWS JSON, as SageMaker speaks it: the operation's name, a line's end, the body.
pub(in crate::local) fn json(bytes: &[u8]) {
    let (name, bytes) = line(bytes);
    let Ok(body) = json::read(bytes) else { return };
    assert_eq!(json::read(json::write(&body).as_bytes()), Ok(body.clone()));
    if let Some(op) = World::operation_of("sagemaker", name) {
        let text = match ask(op, body) {
            Ok(answer) => json::write(&answer),
            Err((code, message)) => json::write_error(&refused(&code, &message)),
        };
        json::read(text.as_bytes()).expect("an answer is JSON");
    }
}

/// CBOR, as `CloudWatch` speaks it: the operation's name, a line's end, the body.
pub(in crate::local) fn cbor(bytes: &[u8]) {
    let (name, bytes) = line(bytes);
    let Ok(body) = cbor::read(bytes) else { return };
    if let Some(op) = World::operation_of("cloudwatch", name) {
        let bytes = match ask(op, body) {
            Ok(answer) => cbor::write(shape::answered(op), &answer),
            Err((code, message)) => cbor::write_error(&refused(&code, &message)),
        };
        cbor::read(&bytes).expect("an answer is CBOR");
    }
}

/// Forms, whose answers are XML: that of whichever service has the action.
pub(in crate::local) fn query(bytes: &[u8]) {
    let Ok(form) = query::Form::read(bytes) else {
        return;
    };
    let action = form.get("Action");
    for service in ["cloudwatch", "iam", "sns", "sts"] {
        let Some(op) = World::operation_of(service, action) else {
            continue;
        };
        let members = shape::answered(op);
        let text = match ask(op, form.body(shape::asked(op))) {
            Ok(answer) => xml::write(action, "http://aws", "id", members, &answer),
            Err((code, message)) => xml::write_error("http://aws", "id", &refused(&code, &message)),
        };
        assert!(is_xml(&text), "an answer is XML: {text}");
    }
}

/// REST-JSON, as EventBridge Scheduler speaks it: the operation's name, the path and the query, each with a
/// line's end, the body.
pub(in crate::local) fn rest(bytes: &[u8]) {
    let (name, bytes) = line(bytes);
    let (path, bytes) = line(bytes);
    let (query, bytes) = line(bytes);
    let Some(op) = World::operation_of("scheduler", name) else {
        return;
    };
    let template = shape::route(op).map_or("", |(_, template)| template);
    let Some(places) = rest::placed(template, path) else {
        return;
    };
    if let Ok(body) = rest::read(shape::asked(op), &places, query, bytes) {
        assert!(body.is_object());
        drop(ask(op, body));
    }
}

/// What comes before the first line's end, as far as it is text, and what comes after.
fn line(bytes: &[u8]) -> (&str, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (before, after) = end.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 1..]));
    (str::from_utf8(before).unwrap_or_default(), after)
}

/// Asks a new world; of an error its code and message.
fn ask(op: &'static str, body: Value) -> Result<Value, (String, String)> {
    let scope = Scope {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    let mut world = World::new(Pace::simulated());
    let answer: Answer = world.call(Timestamp::UNIX_EPOCH, &Call::new(op, &scope, body));
    answer.map_err(|error| (error.code, error.message))
}

fn refused<'a>(code: &'a str, message: &'a str) -> Refused<'a> {
    Refused {
        name: code,
        code,
        message,
    }
}

fn is_xml(text: &str) -> bool {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::path::Path;

    use flate2::read::GzDecoder;

    use super::*;

    /// Asks all that the fuzzers kept for one protocol.
    fn replay(protocol: &str, ask: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let packed = File::open(folder.join(format!("{protocol}.tar.gz"))).unwrap();
        let mut kept = 0;
        for entry in tar::Archive::new(GzDecoder::new(packed)).entries().unwrap() {
            let mut bytes = Vec::new();
            entry.unwrap().read_to_end(&mut bytes).unwrap();
            ask(&bytes);
            kept += 1;
        }
        assert!(kept >= 100, "the fuzzers kept {kept} of {protocol}");
    }

    #[test]
    fn what_fuzzers_found_in_json_is_answered_or_refused() {
        replay("json", json);
    }

    #[test]
    fn what_fuzzers_found_in_cbor_is_answered_or_refused() {
        replay("cbor", cbor);
    }

    #[test]
    fn what_fuzzers_found_in_forms_is_answered_or_refused() {
        replay("query", query);
    }

    #[test]
    fn what_fuzzers_found_in_rest_is_answered_or_refused() {
        replay("rest", rest);
    }
}
