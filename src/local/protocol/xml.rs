//! The query protocol's answers: XML by the shapes of the answer.

use std::fmt::Write as _;

use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::Refused;
use crate::clock::Timestamp;
use crate::world::shape::{Entries, Member, Shape};

/// The answer of an operation.
pub(in crate::local) fn write(
    op: &str,
    namespace: &str,
    id: &str,
    members: &'static [Member],
    answer: &Value,
) -> String {
    let mut xml = format!("<{op}Response xmlns=\"{namespace}\">");
    element(&mut xml, &format!("{op}Result"), |xml| {
        put_members(xml, members, answer);
    });
    metadata(&mut xml, id);
    xml + &format!("</{op}Response>")
}

/// A refusal.
pub(in crate::local) fn write_error(namespace: &str, id: &str, refused: &Refused<'_>) -> String {
    let mut xml = format!("<ErrorResponse xmlns=\"{namespace}\">");
    element(&mut xml, "Error", |xml| {
        xml.push_str("<Type>Sender</Type>");
        put_text(xml, "Code", refused.code);
        put_text(xml, "Message", refused.message);
    });
    put_text(&mut xml, "RequestId", id);
    xml + "</ErrorResponse>"
}

fn metadata(xml: &mut String, id: &str) {
    element(xml, "ResponseMetadata", |xml| {
        put_text(xml, "RequestId", id);
    });
}

fn element(xml: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    write!(xml, "<{name}>").expect("a string takes all");
    inside(xml);
    write!(xml, "</{name}>").expect("a string takes all");
}

fn put_text(xml: &mut String, name: &str, text: &str) {
    element(xml, name, |xml| xml.push_str(&plain(text)));
}

/// Text as XML may hold it: markup escaped, and nothing that no XML can hold.
fn plain(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let kept: String = text.chars().filter(|c| allowed(*c)).collect();
    escape(kept.as_str()).into_owned()
}

fn put_members(xml: &mut String, members: &'static [Member], value: &Value) {
    for member in members {
        if let Some(value) = value.get(member.name).filter(|value| !value.is_null()) {
            put(xml, member.name, member.shape(), value);
        }
    }
}

fn put(xml: &mut String, name: &str, shape: Option<&'static Shape>, value: &Value) {
    match (shape, value) {
        (Some(Shape::List(list)), Value::Array(items)) => {
            let all = |xml: &mut String, name: &str| {
                for item in items {
                    put(xml, name, list.item(), item);
                }
            };
            match (list.flat, list.name) {
                (true, "member") => all(xml, name),
                (true, own) => all(xml, own),
                (false, own) => element(xml, name, |xml| all(xml, own)),
            }
        }
        (Some(Shape::Map(map)), Value::Object(entries)) if map.flat => {
            put_entries(xml, map.name.unwrap_or(name), map, entries);
        }
        (Some(Shape::Map(map)), Value::Object(entries)) => {
            element(xml, name, |xml| put_entries(xml, "entry", map, entries));
        }
        (Some(Shape::Struct(members)), Value::Object(_)) => {
            element(xml, name, |xml| put_members(xml, members, value));
        }
        (Some(Shape::Timestamp), Value::Number(_)) => put_text(xml, name, &instant(value)),
        (_, Value::String(text)) => put_text(xml, name, text),
        (_, other) => put_text(xml, name, &other.to_string()),
    }
}

fn put_entries(xml: &mut String, name: &str, map: &Entries, entries: &Map<String, Value>) {
    for (key, value) in entries {
        element(xml, name, |xml| {
            put_text(xml, map.names.0, key);
            put(xml, map.names.1, map.item(), value);
        });
    }
}

/// Seconds since the epoch as a date.
#[expect(
    clippy::cast_possible_truncation,
    reason = "instants of this world have milliseconds"
)]
fn instant(value: &Value) -> String {
    let milliseconds = (value.as_f64().unwrap_or(0.0) * 1000.0).round() as i64;
    Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| value.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::world::shape;

    fn result(op: &str, answer: Value) -> String {
        let xml = write(op, "ns", "1", shape::answered(op), &answer);
        let start = format!("<{op}Response xmlns=\"ns\">");
        let end =
            format!("<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{op}Response>");
        let inside = xml
            .strip_prefix(&start)
            .unwrap()
            .strip_suffix(&end)
            .unwrap();
        inside.to_owned()
    }

    #[test]
    fn answers_are_xml() {
        assert_eq!(
            result(
                "GetTopicAttributes",
                json!({"Attributes": {"Policy": "{\"a\"}\u{0}"}, "Else": 1})
            ),
            "<GetTopicAttributesResult><Attributes><entry><key>Policy</key><value>{&quot;a&quot;}\
             </value></entry></Attributes></GetTopicAttributesResult>"
        );
        assert_eq!(
            result("sns:ListTagsForResource", json!({"Tags": [{"Key": "<"}]})),
            "<sns:ListTagsForResourceResult><Tags><member><Key>&lt;</Key></member></Tags>\
             </sns:ListTagsForResourceResult>"
        );
        assert_eq!(
            result("DeleteTopic", json!({})),
            "<DeleteTopicResult></DeleteTopicResult>"
        );
    }

    #[test]
    fn queues_have_names_of_their_own() {
        assert_eq!(
            result(
                "ReceiveMessage",
                json!({"Messages": [{"Body": "x", "Attributes": {"SenderId": "1"}}, {"Body": "y"}]})
            ),
            "<ReceiveMessageResult><Message><Body>x</Body><Attribute><Name>SenderId</Name>\
             <Value>1</Value></Attribute></Message><Message><Body>y</Body></Message>\
             </ReceiveMessageResult>"
        );
    }

    #[test]
    fn instants_and_numbers_are_written_by_their_shapes() {
        let alarm = json!({"Threshold": 2.5, "ActionsEnabled": true, "Period": 60,
            "StateUpdatedTimestamp": 1_767_323_045.5});
        let xml = result("DescribeAlarms", json!({"MetricAlarms": [alarm]}));
        for part in [
            "<MetricAlarms><member>",
            "<Threshold>2.5</Threshold>",
            "<ActionsEnabled>true</ActionsEnabled>",
            "<StateUpdatedTimestamp>2026-01-02T03:04:05.5Z</StateUpdatedTimestamp>",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
    }

    #[test]
    fn refusals_are_xml() {
        let refused = Refused {
            name: "NotFoundException",
            code: "NotFound",
            message: "no <topic>",
        };
        assert_eq!(
            write_error("ns", "1", &refused),
            "<ErrorResponse xmlns=\"ns\"><Error><Type>Sender</Type><Code>NotFound</Code>\
             <Message>no &lt;topic&gt;</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        );
    }
}
