//! SNS and IAM: forms come in, XML goes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use super::control::{self, Asked};
use super::engine::Engine;
use super::http::typed;
use crate::world::World;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";
const IAM_NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Answers a form that is signed for a service.
pub(super) fn answer(
    engine: &Arc<Engine>,
    service: &'static str,
    headers: &HeaderMap,
    form: &str,
) -> Response {
    let namespace = match service {
        "iam" => IAM_NAMESPACE,
        _ => NAMESPACE,
    };
    let fields = fields(form);
    let action = fields.get("Action").map(String::as_str).unwrap_or_default();
    let id = engine.uuid();
    let Some(op) = World::operation_of(service, action) else {
        let words = format!("the local SageMaker does not support {action}");
        return refusal("InvalidAction", &words, &id);
    };
    let asked = Asked {
        service,
        op,
        size: form.len(),
    };
    match control::ask(engine, headers, asked, body(&fields)) {
        Ok(body) => {
            let mut xml = format!("<{action}Response xmlns=\"{namespace}\"><{action}Result>");
            put_members(&mut xml, &body);
            write!(
                xml,
                "</{action}Result><ResponseMetadata><RequestId>{id}</RequestId>\
                 </ResponseMetadata></{action}Response>"
            )
            .expect("a string takes all");
            typed(StatusCode::OK, "text/xml", xml)
        }
        Err(error) => refusal(&error.code, &error.message, &id),
    }
}

fn refusal(code: &str, message: &str, id: &str) -> Response {
    let status = match code {
        "NotFound" | "ResourceNotFound" => StatusCode::NOT_FOUND,
        code => control::status(code),
    };
    let (code, message) = (escaped(code), escaped(message));
    let xml = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    );
    typed(status, "text/xml", xml)
}

/// The fields of a form.
pub(super) fn fields(form: &str) -> BTreeMap<String, String> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), unescaped(value))
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3);
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], byte) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 2;
            }
            (b'+', _) => plain.push(b' '),
            (other, _) => plain.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The request in the API's shape: `Tags.member.1.Key` is a list's, `Attributes.entry.1.key` a map's.
fn body(fields: &BTreeMap<String, String>) -> Value {
    let mut body = Map::new();
    let mut lists: BTreeMap<(&str, u32), Map<String, Value>> = BTreeMap::new();
    let mut plain: BTreeMap<(&str, u32), &str> = BTreeMap::new();
    let mut maps: BTreeMap<(&str, u32), (&str, &str)> = BTreeMap::new();
    for (name, value) in fields {
        let parts: Vec<_> = name.split('.').collect();
        let number = parts.get(2).and_then(|number| number.parse().ok());
        match (parts.as_slice(), number) {
            (["Action" | "Version"], _) => {}
            // So does a form say that a list is empty.
            (["Tags" | "TagKeys"], _) if value.is_empty() => {}
            ([name], _) => drop(body.insert((*name).to_owned(), scalar(name, value))),
            ([name, "member", _], Some(at)) => drop(plain.insert((name, at), value)),
            ([name, "member", _, member], Some(at)) => {
                let item = lists.entry((name, at)).or_default();
                item.insert((*member).to_owned(), value.as_str().into());
            }
            ([name, "entry", _, "key"], Some(at)) => maps.entry((name, at)).or_default().0 = value,
            ([name, "entry", _, "value"], Some(at)) => {
                maps.entry((name, at)).or_default().1 = value;
            }
            _ => {}
        }
    }
    let items = lists
        .into_iter()
        .map(|((name, _), item)| (name, item.into()));
    let texts = plain
        .into_iter()
        .map(|((name, _), text)| (name, text.into()));
    for (name, item) in items.chain(texts) {
        let list = body
            .entry(name)
            .or_insert_with(|| Vec::<Value>::new().into());
        if let Value::Array(list) = list {
            list.push(item);
        }
    }
    for ((name, _), (key, value)) in maps {
        let map = body.entry(name).or_insert_with(|| Map::new().into());
        map[key] = value.into();
    }
    body.into()
}

fn scalar(name: &str, value: &str) -> Value {
    match name {
        "ReturnSubscriptionArn" => (value == "true").into(),
        _ => value.into(),
    }
}

/// The members of an answer, in order of their names.
fn put_members(xml: &mut String, value: &Value) {
    for (name, member) in value.as_object().into_iter().flatten() {
        write!(xml, "<{name}>").expect("a string takes all");
        put(xml, name, member);
        write!(xml, "</{name}>").expect("a string takes all");
    }
}

fn put(xml: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(map) if name == "Attributes" => {
            for (key, value) in map {
                let value = escaped(value.as_str().unwrap_or_default());
                let key = escaped(key);
                write!(xml, "<entry><key>{key}</key><value>{value}</value></entry>")
                    .expect("a string takes all");
            }
        }
        Value::Object(_) => put_members(xml, value),
        Value::Array(items) => {
            for item in items {
                *xml += "<member>";
                put(xml, "", item);
                *xml += "</member>";
            }
        }
        Value::String(text) => *xml += &escaped(text),
        other => *xml += &other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_are_requests() {
        let form = "Action=CreateTopic&Version=2010-03-31&Name=a%2Db&Attributes.entry.1.key=\
            DisplayName&Attributes.entry.1.value=A+%26+B&Tags.member.2.Key=k2&Tags.member.2.Value=\
            v2&Tags.member.1.Key=k1&Tags.member.1.Value=v1&TagKeys.member.1=x&\
            ReturnSubscriptionArn=true";
        assert_eq!(
            body(&fields(form)),
            json!({
                "Name": "a-b", "Attributes": {"DisplayName": "A & B"}, "TagKeys": ["x"],
                "Tags": [{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": "v2"}],
                "ReturnSubscriptionArn": true,
            })
        );
        assert_eq!(unescaped("%zz%4"), "%zz%4");
    }

    #[test]
    fn answers_are_xml() {
        let mut xml = String::new();
        let answer = json!({"Attributes": {"Policy": "{\"a\"}"}, "Tags": [{"Key": "<"}]});
        put_members(&mut xml, &answer);
        assert_eq!(
            xml,
            "<Attributes><entry><key>Policy</key><value>{&quot;a&quot;}</value></entry>\
             </Attributes><Tags><member><Key>&lt;</Key></member></Tags>"
        );
    }
}
