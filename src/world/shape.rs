//! The shapes of the service's requests: what is required, how long, in which range, of which form.
//!
//! Read once from `service.txt` and `neighbours.txt`. A request that fails is refused with the service's own words; one
//! that passes comes back without nulls and without members that the service does not know.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::request::Refusal;

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let mut service = Service::default();
    service.read(include_str!("service.txt"));
    service.read(include_str!("neighbours.txt"));
    service
});

#[derive(Default)]
struct Service {
    requests: BTreeMap<&'static str, Vec<Member>>,
    responses: BTreeMap<&'static str, Vec<Member>>,
    shapes: BTreeMap<&'static str, Shape>,
}

struct Member {
    name: &'static str,
    required: bool,
    shape: &'static str,
}

#[derive(Clone, Copy)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
}

enum Shape {
    Struct(Vec<Member>),
    List(Bounds, &'static str),
    Map(Bounds, &'static str, &'static str),
    Enum(Vec<&'static str>),
    Text(Bounds, Option<(&'static str, Pattern)>),
    Integer(Bounds),
    Float(Bounds),
    Boolean,
    Timestamp,
}

impl Service {
    fn read(&mut self, text: &'static str) {
        let service = self;
        let mut lines = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .peekable();
        while let Some(line) = lines.next() {
            let mut members = Vec::new();
            while let Some(member) = lines.next_if(|line| line.starts_with("  ")) {
                members.push(Member::read(member.trim_start()));
            }
            let mut words = line.splitn(3, ' ');
            let (word, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let rest = words.next().unwrap_or("");
            match word {
                "request" => drop(service.requests.insert(name, members)),
                "response" => drop(service.responses.insert(name, members)),
                "struct" => drop(service.shapes.insert(name, Shape::Struct(members))),
                word => drop(service.shapes.insert(name, Shape::read(word, rest))),
            }
        }
    }

    fn clean(&self, name: &str, value: &Value, at: &str, faults: &mut Vec<String>) -> Clean {
        let Some(shape) = self.shapes.get(name) else {
            return Ok(value.clone());
        };
        match (shape, value) {
            (Shape::Struct(members), Value::Object(object)) if members.is_empty() => {
                Ok(Value::Object(object.clone()))
            }
            (Shape::Struct(members), Value::Object(object)) => {
                self.members(members, object, at, faults).map(Value::Object)
            }
            (Shape::List(bounds, item), Value::Array(items)) => {
                bounds.length(items.len(), value, at, faults);
                let mut clean = Vec::with_capacity(items.len());
                for (index, value) in items.iter().enumerate() {
                    let place = format!("{at}.{}.member", index + 1);
                    clean.push(self.clean(item, value, &place, faults)?);
                }
                Ok(Value::Array(clean))
            }
            (Shape::Map(bounds, key, item), Value::Object(object)) => {
                bounds.length(object.len(), value, at, faults);
                let mut clean = Map::new();
                for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                    self.clean(key, &Value::from(name.as_str()), at, faults)?;
                    let place = format!("{at}.{name}.member");
                    clean.insert(name.clone(), self.clean(item, value, &place, faults)?);
                }
                Ok(Value::Object(clean))
            }
            (Shape::Enum(values), Value::String(text)) => {
                if !values.contains(&text.as_str()) {
                    faults.push(fault(
                        value,
                        at,
                        &format!("satisfy enum value set: [{}]", values.join(", ")),
                    ));
                }
                Ok(value.clone())
            }
            (Shape::Text(bounds, pattern), Value::String(text)) => {
                bounds.length(text.chars().count(), value, at, faults);
                if let Some((source, pattern)) = pattern
                    && !pattern.matches(text)
                {
                    let rule = format!("satisfy regular expression pattern: {source}");
                    faults.push(fault(value, at, &rule));
                }
                Ok(value.clone())
            }
            (Shape::Integer(bounds), Value::Number(number)) if !number.is_f64() => {
                bounds.range(value, at, faults);
                Ok(value.clone())
            }
            (Shape::Float(bounds), Value::Number(_)) => {
                bounds.range(value, at, faults);
                Ok(value.clone())
            }
            (Shape::Boolean, Value::Bool(_)) | (Shape::Timestamp, Value::Number(_)) => {
                Ok(value.clone())
            }
            _ => Err(Refusal::new(
                "SerializationException",
                format!(
                    "{} can not be converted to {} at '{at}'",
                    shown(value),
                    shape.noun()
                ),
            )),
        }
    }

    fn members(
        &self,
        members: &[Member],
        object: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) -> Result<Map<String, Value>, Refusal> {
        let mut clean = Map::new();
        for member in members {
            let place = if at.is_empty() {
                lower_first(member.name)
            } else {
                format!("{at}.{}", lower_first(member.name))
            };
            match object.get(member.name).filter(|value| !value.is_null()) {
                Some(value) => {
                    let value = self.clean(member.shape, value, &place, faults)?;
                    clean.insert(member.name.to_owned(), value);
                }
                None if member.required => faults.push(format!(
                    "Value null at '{place}' failed to satisfy constraint: Member must not be null"
                )),
                None => {}
            }
        }
        Ok(clean)
    }
}

type Clean = Result<Value, Refusal>;

impl Member {
    fn read(line: &'static str) -> Self {
        let (name, shape) = line.split_once(' ').unwrap_or((line, ""));
        Self {
            name: name.trim_end_matches('!'),
            required: name.ends_with('!'),
            shape,
        }
    }
}

impl Bounds {
    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Self {
        let mut number = || words.next().and_then(|word| word.parse().ok());
        Self {
            least: number(),
            most: number(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn length(self, length: usize, value: &Value, at: &str, faults: &mut Vec<String>) {
        self.check(length as f64, "length", value, at, faults);
    }

    fn range(self, value: &Value, at: &str, faults: &mut Vec<String>) {
        self.check(value.as_f64().unwrap_or(0.0), "value", value, at, faults);
    }

    fn check(self, size: f64, what: &str, value: &Value, at: &str, faults: &mut Vec<String>) {
        if let Some(least) = self.least.filter(|least| size < *least) {
            let rule = format!("have {what} greater than or equal to {least}");
            faults.push(fault(value, at, &rule));
        }
        if let Some(most) = self.most.filter(|most| size > *most) {
            let rule = format!("have {what} less than or equal to {most}");
            faults.push(fault(value, at, &rule));
        }
    }
}

impl Shape {
    fn read(word: &str, rest: &'static str) -> Self {
        let mut words = rest.splitn(3, ' ');
        match word {
            "enum" => Self::Enum(rest.split('|').collect()),
            "integer" => Self::Integer(Bounds::read(&mut words)),
            "float" => Self::Float(Bounds::read(&mut words)),
            "boolean" => Self::Boolean,
            "timestamp" => Self::Timestamp,
            "list" => Self::List(Bounds::read(&mut words), words.next().unwrap_or("-")),
            "map" => {
                let bounds = Bounds::read(&mut words);
                let (key, item) = words
                    .next()
                    .and_then(|both| both.split_once(' '))
                    .unwrap_or(("-", "-"));
                Self::Map(bounds, key, item)
            }
            _ => {
                let bounds = Bounds::read(&mut words);
                let pattern = words.next().filter(|source| !source.is_empty());
                Self::Text(
                    bounds,
                    pattern.and_then(|source| Some((source, Pattern::new(source)?))),
                )
            }
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Self::Struct(_) => "a structure",
            Self::List(..) => "a list",
            Self::Map(..) => "a map",
            Self::Enum(_) | Self::Text(..) => "a String",
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

fn fault(value: &Value, at: &str, rule: &str) -> String {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    format!("Value '{shown}' at '{at}' failed to satisfy constraint: Member must {rule}")
}

/// Checks the body of a request to `op`; gives it back without nulls and unknown members.
pub(super) fn request(op: &str, body: &Value) -> Result<Map<String, Value>, Refusal> {
    let empty = Map::new();
    let object = match body {
        Value::Object(object) => object,
        Value::Null => &empty,
        _ => return Err(Refusal::new("SerializationException", "Unexpected token")),
    };
    let mut faults = Vec::new();
    let members = SERVICE.requests.get(op).map_or(&[][..], Vec::as_slice);
    let clean = SERVICE.members(members, object, "", &mut faults)?;
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
pub(super) fn only_known(known: &Map<String, Value>, body: &Value) -> Result<(), Refusal> {
    if body.as_object().is_none_or(|given| given == known) {
        return Ok(());
    }
    Err(Refusal::new(
        "ParamValidationError",
        format!("Unknown parameter in input: of {body}, only {known:?} is known"),
    ))
}

/// What of `body` the answer of `op` shows: a Describe echoes what was given to Create.
pub(super) fn echo(op: &str, body: &Map<String, Value>) -> Map<String, Value> {
    let members = SERVICE.responses.get(op).map_or(&[][..], Vec::as_slice);
    members
        .iter()
        .filter_map(|member| Some((member.name.to_owned(), body.get(member.name)?.clone())))
        .collect()
}

/// Whether the service model has an operation `op` that this room knows the shapes of.
#[cfg(test)]
pub(super) fn knows(op: &str) -> bool {
    SERVICE.requests.contains_key(op)
}

/// The members of a request to `op`.
#[cfg(test)]
pub(super) fn members(op: &str) -> Vec<&'static str> {
    let members = SERVICE.requests[op].iter();
    members.map(|member| member.name).collect()
}

/// What is wrong with an answer to `op`: faults of form, members that the model does not have, and
/// empty structures, which clients refuse.
#[cfg(test)]
pub(super) fn answer_faults(op: &str, answer: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let members = &SERVICE.responses[op];
    let object = answer.as_object().expect("an answer is an object");
    match SERVICE.members(members, object, "", &mut faults) {
        Err(refusal) => faults.push(refusal.message),
        Ok(clean) if Value::Object(clean.clone()) != *answer => {
            faults.push(format!("members unknown to the model in {answer}"));
        }
        Ok(_) => {}
    }
    faults
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
