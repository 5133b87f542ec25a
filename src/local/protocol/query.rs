//! The query protocol's requests: forms, whose names are paths into the request
//! (`Tags.member.1.Key`). Answers are [`super::xml`].

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::Malformed;
use crate::clock::Timestamp;
use crate::limits::{FORM_FIELDS_MAX, PROTOCOL_DEPTH_MAX};
use crate::world::shape::{Entries, List, Member, Shape};

/// What a form says, by the parts of its names.
#[derive(Debug, Default)]
pub(in crate::local) struct Form {
    text: Option<String>,
    parts: BTreeMap<Part, Self>,
}

/// A part of a name. Numbers come in the order of numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u32),
    Name(String),
}

impl Part {
    fn of(text: &str) -> Self {
        let number = text.parse().ok();
        number.map_or_else(|| Self::Name(text.to_owned()), Self::Number)
    }
}

impl Form {
    /// Reads a form. Of a name that is there twice the last one counts.
    pub(in crate::local) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut form = Self::default();
        for (count, (name, value)) in form_urlencoded::parse(bytes).enumerate() {
            if count == FORM_FIELDS_MAX {
                return Err(Malformed("the form has too many fields"));
            }
            let mut place = &mut form;
            for (depth, part) in name.split('.').enumerate() {
                if depth == PROTOCOL_DEPTH_MAX {
                    return Err(Malformed("a field of the form is nested too deeply"));
                }
                place = place.parts.entry(Part::of(part)).or_default();
            }
            place.text = Some(value.into_owned());
        }
        Ok(form)
    }

    /// A field at the top, or "".
    pub(in crate::local) fn get(&self, name: &str) -> &str {
        let field = self.at(name).and_then(|field| field.text.as_deref());
        field.unwrap_or_default()
    }

    /// The request. Fields that it does not have are passed over.
    pub(in crate::local) fn body(&self, members: &'static [Member]) -> Value {
        self.structure(members).into()
    }

    fn at(&self, name: &str) -> Option<&Self> {
        self.parts.get(&Part::of(name))
    }

    fn structure(&self, members: &'static [Member]) -> Map<String, Value> {
        let read = |member: &Member| {
            let shape = member.shape()?;
            let field = match shape {
                Shape::List(list) if list.flat && list.name != "member" => self.at(list.name),
                Shape::Map(map) if map.flat => self.at(map.name.unwrap_or(member.name)),
                _ => self.at(member.name),
            };
            Some((member.name.to_owned(), field?.value(shape)?))
        };
        members.iter().filter_map(read).collect()
    }

    fn value(&self, shape: &'static Shape) -> Option<Value> {
        match shape {
            Shape::Struct(members) => Some(self.structure(members).into()),
            Shape::List(list) => Some(self.list(list)?.into()),
            Shape::Map(map) => Some(self.map(map).into()),
            Shape::Integer(_) => self.scalar(|text| text.parse::<i64>().ok().map(Value::from)),
            Shape::Float(_) => self.scalar(|text| {
                let number = text.parse().ok().and_then(Number::from_f64);
                number.map(Value::from)
            }),
            Shape::Boolean => self.scalar(|text| text.parse::<bool>().ok().map(Value::from)),
            Shape::Timestamp => self.scalar(|text| text.parse().ok().map(seconds)),
            Shape::Enum(_) | Shape::Text(..) | Shape::Blob(_) => self.text.clone().map(Value::from),
        }
    }

    /// What cannot be read stays text, and is refused by its shape.
    fn scalar(&self, read: impl Fn(&str) -> Option<Value>) -> Option<Value> {
        let text = self.text.as_deref()?;
        Some(read(text).unwrap_or_else(|| text.into()))
    }

    /// The parts with numbers, in their order.
    fn numbered(&self) -> impl Iterator<Item = &Self> {
        let numbered = self.parts.iter();
        numbered.filter_map(|(part, form)| matches!(part, Part::Number(_)).then_some(form))
    }

    fn list(&self, list: &'static List) -> Option<Vec<Value>> {
        let item = list.item()?;
        let within = if list.flat {
            Some(self)
        } else {
            self.at(list.name)
        };
        let items = within.into_iter().flat_map(Self::numbered);
        Some(items.filter_map(|one| one.value(item)).collect())
    }

    fn map(&self, map: &'static Entries) -> Map<String, Value> {
        let within = if map.flat {
            Some(self)
        } else {
            self.at("entry")
        };
        let entries = within.into_iter().flat_map(Self::numbered);
        let read = |entry: &Self| {
            let value = entry.at(map.names.1)?.value(map.item()?)?;
            Some((entry.get(map.names.0).to_owned(), value))
        };
        entries.filter_map(read).collect()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are far below 2^53"
)]
fn seconds(at: Timestamp) -> Value {
    (at.as_millisecond() as f64 / 1000.0).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::world::shape;

    fn check(op: &str, form: &str, body: Value) {
        let form = Form::read(form.as_bytes()).unwrap();
        assert_eq!(form.body(shape::asked(op)), body);
    }

    #[test]
    fn forms_are_requests() {
        check(
            "CreateTopic",
            "Action=CreateTopic&Version=2010-03-31&Name=a%2Db&Attributes.entry.1.key=DisplayName&\
             Attributes.entry.1.value=A+%26+B&Tags.member.2.Key=k2&Tags.member.2.Value=v2&\
             Tags.member.1.Key=k1&Tags.member.1.Value=v1&Else=x",
            json!({
                "Name": "a-b", "Attributes": {"DisplayName": "A & B"},
                "Tags": [{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": "v2"}],
            }),
        );
        check(
            "CreateTopic",
            "Name=a&Tags=",
            json!({"Name": "a", "Tags": []}),
        );
        check(
            "Subscribe",
            "ReturnSubscriptionArn=true",
            json!({"ReturnSubscriptionArn": true}),
        );
    }

    #[test]
    fn queues_have_names_of_their_own() {
        check(
            "CreateQueue",
            "QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=a&Tag.1.Value=b",
            json!({"QueueName": "q", "Attributes": {"DelaySeconds": "5"}, "tags": {"a": "b"}}),
        );
        check(
            "SendMessageBatch",
            "SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x&\
             SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&\
             SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String",
            json!({"Entries": [{"Id": "a", "MessageBody": "x",
                "MessageAttributes": {"n": {"DataType": "String"}}}]}),
        );
        check(
            "ReceiveMessage",
            "AttributeName.1=All&MessageAttributeName.1=n&MaxNumberOfMessages=2",
            json!({"AttributeNames": ["All"], "MessageAttributeNames": ["n"],
                "MaxNumberOfMessages": 2}),
        );
    }

    #[test]
    fn values_are_what_their_shapes_are() {
        check(
            "PutMetricAlarm",
            "Threshold=2&Period=60&ActionsEnabled=false&Dimensions.member.1.Name=n",
            json!({"Threshold": 2.0, "Period": 60, "ActionsEnabled": false,
                "Dimensions": [{"Name": "n"}]}),
        );
        check("PutMetricAlarm", "Period=x", json!({"Period": "x"}));
        check(
            "Publish",
            "MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String",
            json!({"MessageAttributes": {"a": {"DataType": "String"}}}),
        );
        let at = Form::read(b"A=2026-01-02T03:04:05.5Z").unwrap();
        let at = at.at("A").unwrap().value(&Shape::Timestamp);
        assert_eq!(at, Some(json!(1_767_323_045.5)));
    }

    #[test]
    fn forms_have_bounds() {
        let fields = |count: usize| "a=1&".repeat(count);
        assert!(Form::read(fields(FORM_FIELDS_MAX).as_bytes()).is_ok());
        assert!(Form::read(fields(FORM_FIELDS_MAX + 1).as_bytes()).is_err());
        let deep = |depth: usize| format!("{}=1", vec!["a"; depth].join("."));
        assert!(Form::read(deep(PROTOCOL_DEPTH_MAX).as_bytes()).is_ok());
        assert!(Form::read(deep(PROTOCOL_DEPTH_MAX + 1).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in "[A-Za-z0-9.=&%+]{0,200}|\\PC{0,80}") {
            let form = Form::read(bytes.as_bytes());
            for op in ["PublishBatch", "PutMetricAlarm", "SendMessageBatch"] {
                prop_assert!(form.as_ref().map_or(true, |form| form.body(shape::asked(op)).is_object()));
            }
        }
    }
}
