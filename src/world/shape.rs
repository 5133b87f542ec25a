//! The shapes of the service's requests: what is required, how long, in which range, of which form.
//!
//! Read once from `service.txt` and `neighbours.txt`. A request that fails is refused with the service's own words; one
//! that passes comes back without nulls and without members that the service does not know.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
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
    Text(Bounds, Option<Pattern>),
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
            (Shape::List(bounds, item), Value::Array(items)) => {
                bounds.length(items.len(), value, at, faults);
                return self.items(item, items, at, faults);
            }
            (Shape::Map(bounds, key, item), Value::Object(object)) => {
                bounds.length(object.len(), value, at, faults);
                return self.entries(key, item, object, at, faults);
            }
            (Shape::Enum(values), Value::String(text)) => {
                if !values.contains(&text.as_str()) {
                    let rule = format!("satisfy enum value set: [{}]", values.join(", "));
                    faults.push(fault(value, at, &rule));
                }
            }
            (Shape::Text(bounds, pattern), Value::String(text)) => {
                bounds.length(text.chars().count(), value, at, faults);
                if let Some(pattern) = pattern
                    && !pattern.matches(text)
                {
                    let source = pattern.source();
                    let rule = format!("satisfy regular expression pattern: {source}");
                    faults.push(fault(value, at, &rule));
                }
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
    fn length(self, length: usize, value: &Value, at: Place<'_>, faults: &mut Vec<String>) {
        self.check(length as f64, "length", value, at, faults);
    }

    fn range(self, value: &Value, at: Place<'_>, faults: &mut Vec<String>) {
        self.check(value.as_f64().unwrap_or(0.0), "value", value, at, faults);
    }

    fn check(self, size: f64, what: &str, value: &Value, at: Place<'_>, faults: &mut Vec<String>) {
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
                Self::Text(bounds, pattern.map(Pattern::new))
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

fn fault(value: &Value, at: Place<'_>, rule: &str) -> String {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    format!("Value '{shown}' at '{at}' failed to satisfy constraint: Member must {rule}")
}

/// Checks the body of a request to `op`; gives it back without nulls and unknown members.
pub(super) fn request<'a>(
    op: &str,
    body: &'a Value,
) -> Result<Cow<'a, Map<String, Value>>, Refusal> {
    let object = match body {
        Value::Object(object) => Cow::Borrowed(object),
        Value::Null => Cow::Owned(Map::new()),
        _ => return Err(Refusal::new("SerializationException", "Unexpected token")),
    };
    let mut faults = Vec::new();
    let members = SERVICE.requests.get(op).map_or(&[][..], Vec::as_slice);
    let clean = SERVICE.members(members, &object, Place::Top, &mut faults)?;
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
pub(super) fn only_known(known: &Map<String, Value>, body: &Value) -> Result<(), Refusal> {
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
    match SERVICE.members(members, object, Place::Top, &mut faults) {
        Err(refusal) => faults.push(refusal.message),
        Ok(Some(_)) => faults.push(format!("members unknown to the model in {answer}")),
        Ok(None) => {}
    }
    faults
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
