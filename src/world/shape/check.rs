//! Whether a request is of its form: a request that fails is refused with the service's own words; one
//! that passes comes back without nulls and without members that the service does not know.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::{Bounds, Entries, List, Member, SERVICE, Service, Shape, asked};
use crate::world::request::Refusal;

impl Service {
    /// The value without nulls and unknown members; `None`: it has none.
    fn clean(&self, name: &str, value: &Value, at: Place<'_>, faults: &mut Vec<String>) -> Clean {
        let Some(shape) = self.shapes.get(name) else {
            return Ok(None);
        };
        match (shape, value) {
            (Shape::Struct(members), Value::Object(_)) if members.is_empty() => {}
            (Shape::Struct(members), Value::Object(object)) => {
                let clean = self.members(members, object, at, faults)?;
                return Ok(clean.map(Value::Object));
            }
            (Shape::List(List { bounds, item, .. }), Value::Array(items)) => {
                bounds.length(items.len(), value, at, faults);
                return self.items(item, items, at, faults);
            }
            (
                Shape::Map(Entries {
                    bounds, key, item, ..
                }),
                Value::Object(object),
            ) => {
                bounds.length(object.len(), value, at, faults);
                return self.entries(key, item, object, at, faults);
            }
            (Shape::Enum(values), Value::String(text)) => {
                if !values.contains(&text.as_str()) {
                    let rule = format!("satisfy enum value set: [{}]", values.join(", "));
                    faults.push(broken(value, at, &rule));
                }
            }
            (Shape::Text(bounds, pattern), Value::String(text)) => {
                bounds.length(text.chars().count(), value, at, faults);
                if let Some(pattern) = pattern
                    && !pattern.matches(text)
                {
                    let source = pattern.source();
                    let rule = format!("satisfy regular expression pattern: {source}");
                    faults.push(broken(value, at, &rule));
                }
            }
            (Shape::Blob(bounds), Value::String(text)) => {
                let bytes = BASE64.decode_len(text.len()).unwrap_or(text.len());
                bounds.length(bytes, value, at, faults);
            }
            (Shape::Integer(bounds), Value::Number(number)) if !number.is_f64() => {
                bounds.range(value, at, faults);
            }
            (Shape::Float(bounds), Value::Number(_)) => bounds.range(value, at, faults),
            (Shape::Boolean, Value::Bool(_)) | (Shape::Timestamp, Value::Number(_)) => {}
            _ => {
                let (shown, noun) = (shown(value), shape.noun());
                let words = format!("{shown} can not be converted to {noun} at '{at}'");
                return Err(Refusal::new("SerializationException", words));
            }
        }
        Ok(None)
    }

    fn items(
        &self,
        shape: &str,
        items: &[Value],
        at: Place<'_>,
        faults: &mut Vec<String>,
    ) -> Clean {
        let mut cleaned = Vec::new();
        for (index, value) in items.iter().enumerate() {
            let clean = self.clean(shape, value, Place::Item(&at, index), faults)?;
            cleaned.extend(clean.map(|clean| (index, clean)));
        }
        Ok((!cleaned.is_empty()).then(|| {
            let mut all = items.to_vec();
            for (index, clean) in cleaned {
                all[index] = clean;
            }
            Value::Array(all)
        }))
    }

    fn entries(
        &self,
        key: &str,
        shape: &str,
        object: &Map<String, Value>,
        at: Place<'_>,
        faults: &mut Vec<String>,
    ) -> Clean {
        let mut cleaned = Vec::new();
        for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
            self.clean(key, &Value::from(name.as_str()), at, faults)?;
            let clean = self.clean(shape, value, Place::Entry(&at, name), faults)?;
            cleaned.extend(clean.map(|clean| (name.clone(), clean)));
        }
        let as_it_is = cleaned.is_empty() && !object.values().any(Value::is_null);
        Ok((!as_it_is).then(|| {
            let mut all = object.clone();
            all.retain(|_, value| !value.is_null());
            all.extend(cleaned);
            Value::Object(all)
        }))
    }

    fn members(
        &self,
        members: &[Member],
        object: &Map<String, Value>,
        at: Place<'_>,
        faults: &mut Vec<String>,
    ) -> Result<Option<Map<String, Value>>, Refusal> {
        let mut known = Vec::new();
        let mut cleaned = Vec::new();
        for member in members {
            let place = Place::Member(&at, member.name);
            match object.get(member.name).filter(|value| !value.is_null()) {
                Some(value) => {
                    known.push((member.name, value));
                    let clean = self.clean(member.shape, value, place, faults)?;
                    cleaned.extend(clean.map(|clean| (member.name.to_owned(), clean)));
                }
                None if member.required => faults.push(format!(
                    "Value null at '{place}' failed to satisfy constraint: Member must not be null"
                )),
                None => {}
            }
        }
        let as_it_is = cleaned.is_empty() && known.len() == object.len();
        Ok((!as_it_is).then(|| {
            let known = known.into_iter();
            let all = known.map(|(name, value)| (name.to_owned(), value.clone()));
            all.chain(cleaned).collect()
        }))
    }
}

/// A value without nulls and unknown members; `None`: it has none.
type Clean = Result<Option<Value>, Refusal>;

/// Where a value stands in a request. It is written out only where something is wrong there.
#[derive(Clone, Copy)]
enum Place<'a> {
    Top,
    Member(&'a Self, &'static str),
    Item(&'a Self, usize),
    Entry(&'a Self, &'a str),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(Self::Top, name) => f.write_str(&lower_first(name)),
            Self::Member(above, name) => write!(f, "{above}.{}", lower_first(name)),
            Self::Item(above, index) => write!(f, "{above}.{}.member", index + 1),
            Self::Entry(above, name) => write!(f, "{above}.{name}.member"),
        }
    }
}

impl Bounds {
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn length(self, length: usize, value: &Value, at: Place<'_>, faults: &mut Vec<String>) {
        self.check(length as f64, "length", value, at, faults);
    }

    fn range(self, value: &Value, at: Place<'_>, faults: &mut Vec<String>) {
        self.check(value.as_f64().unwrap_or(0.0), "value", value, at, faults);
    }

    fn check(self, size: f64, what: &str, value: &Value, at: Place<'_>, faults: &mut Vec<String>) {
        if let Some(least) = self.least.filter(|least| size < *least) {
            let rule = format!("have {what} greater than or equal to {least}");
            faults.push(broken(value, at, &rule));
        }
        if let Some(most) = self.most.filter(|most| size > *most) {
            let rule = format!("have {what} less than or equal to {most}");
            faults.push(broken(value, at, &rule));
        }
    }
}

impl Shape {
    fn noun(&self) -> &'static str {
        match self {
            Self::Struct(_) => "a structure",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Enum(_) | Self::Text(..) => "a String",
            Self::Blob(_) => "a Blob",
            Self::Integer(_) => "an Integer",
            Self::Float(_) => "a Float",
            Self::Boolean => "a Boolean",
            Self::Timestamp => "a Timestamp",
        }
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}

fn shown(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "Start of list",
        Value::Object(_) => "Start of structure or map",
    }
}

fn broken(value: &Value, at: Place<'_>, rule: &str) -> String {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    format!("Value '{shown}' at '{at}' failed to satisfy constraint: Member must {rule}")
}

/// Checks the body of a request to `op`; gives it back without nulls and unknown members.
pub(in crate::world) fn request<'a>(
    op: &str,
    body: &'a Value,
) -> Result<Cow<'a, Map<String, Value>>, Refusal> {
    let object = match body {
        Value::Object(object) => Cow::Borrowed(object),
        Value::Null => Cow::Owned(Map::new()),
        _ => return Err(Refusal::new("SerializationException", "Unexpected token")),
    };
    let mut faults = Vec::new();
    let clean = SERVICE.members(asked(op), &object, Place::Top, &mut faults)?;
    let clean = clean.map_or(object, Cow::Owned);
    if faults.is_empty() {
        return Ok(clean);
    }
    let s = if faults.len() == 1 { "" } else { "s" };
    Err(Refusal::invalid(format!(
        "{} validation error{s} detected: {}",
        faults.len(),
        faults.join("; ")
    )))
}

/// Refuses a request of which `known` is not the whole.
pub(in crate::world) fn only_known(
    known: &Map<String, Value>,
    body: &Value,
) -> Result<(), Refusal> {
    if body
        .as_object()
        .is_none_or(|given| std::ptr::eq(given, known) || given == known)
    {
        return Ok(());
    }
    Err(Refusal::new(
        "ParamValidationError",
        format!("Unknown parameter in input: of {body}, only {known:?} is known"),
    ))
}

/// What is wrong with an answer to `op`: faults of form, members that the model does not have, and
/// empty structures, which clients refuse.
#[cfg(test)]
pub(in crate::world) fn answer_faults(op: &str, answer: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let members = &SERVICE.responses[op];
    let object = answer.as_object().expect("an answer is an object");
    match SERVICE.members(members, object, Place::Top, &mut faults) {
        Err(refusal) => faults.push(refusal.message),
        Ok(Some(_)) => faults.push(format!("members unknown to the model in {answer}")),
        Ok(None) => {}
    }
    faults
}
