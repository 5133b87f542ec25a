//! Functions in a definition: `Get`, `Std:Join` and `Std:JsonGet`.

use serde_json::{Map, Value};

use super::definition::Definition;
use crate::world::objects::{Objects, split_uri};
use crate::world::request::{items, text};

/// A part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// `.field`
    Name(&'a str),
    /// `['key']`: a member of a map, or the element of a list that has this name.
    Key(&'a str),
    /// `[0]`
    Index(usize),
}

/// Reads `a.b['c'][0]`.
pub(super) fn path(source: &str) -> Result<Vec<Segment<'_>>, String> {
    let wrong = || format!("'{source}' is not a path");
    let mut segments = Vec::new();
    let mut rest = source;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = match inner.chars().next() {
                Some(quote @ ('\'' | '"')) => {
                    let end = inner[1..].find(quote).ok_or_else(wrong)?;
                    segments.push(Segment::Key(&inner[1..=end]));
                    (true, &inner[end + 2..])
                }
                _ => (false, inner),
            };
            let end = after.find(']').ok_or_else(wrong)?;
            if inside != after[..end].is_empty() {
                return Err(wrong());
            }
            if !inside {
                let index = after[..end].parse().map_err(|_| wrong())?;
                segments.push(Segment::Index(index));
            }
            rest = &after[end + 1..];
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return Err(wrong());
            }
            segments.push(Segment::Name(&name[..end]));
            rest = &name[end..];
        }
    }
    Ok(segments)
}

/// Follows a path into a value.
pub(super) fn follow<'v>(value: &'v Value, segments: &[Segment<'_>]) -> Option<&'v Value> {
    /// Members by which an element of a list is known.
    const NAMES: &[&str] = &[
        "OutputName",
        "InputName",
        "ChannelName",
        "MetricName",
        "VariantName",
        "Name",
    ];
    segments
        .iter()
        .try_fold(value, |value, segment| match segment {
            Segment::Name(name) => value.get(name),
            Segment::Index(index) => value.get(index),
            Segment::Key(key) => match value {
                Value::Array(elements) => elements.iter().find(|element| {
                    NAMES
                        .iter()
                        .any(|name| element.get(name).and_then(Value::as_str) == Some(key))
                }),
                other => other.get(key),
            },
        })
}

/// What functions can refer to.
pub(super) struct Surroundings<'a> {
    pub(super) definition: &'a Definition<'a>,
    /// Values of the parameters, typed.
    pub(super) parameters: &'a Map<String, Value>,
    /// `PipelineName` and so on.
    pub(super) execution: &'a Value,
    /// The Describe of what a step made.
    pub(super) step: &'a dyn Fn(&str) -> Option<&'a Value>,
    pub(super) objects: &'a Objects,
}

impl Surroundings<'_> {
    /// Replaces every function in `value` by what it comes to.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Object(members) => {
                if members.len() == 1 {
                    if let Some(Value::String(get)) = members.get("Get") {
                        return self.get(get);
                    }
                    if let Some(join) = members.get("Std:Join") {
                        return self.join(join);
                    }
                    if let Some(json_get) = members.get("Std:JsonGet") {
                        return self.json_get(json_get);
                    }
                }
                let mut resolved = Map::new();
                for (name, member) in members {
                    resolved.insert(name.clone(), self.resolve(member)?);
                }
                Ok(Value::Object(resolved))
            }
            Value::Array(members) => members.iter().map(|member| self.resolve(member)).collect(),
            plain => Ok(plain.clone()),
        }
    }

    fn get(&self, source: &str) -> Result<Value, String> {
        let segments = path(source)?;
        let found = match segments.as_slice() {
            [Segment::Name("Parameters"), Segment::Name(name)] => self.parameters.get(*name),
            [Segment::Name("Execution"), rest @ ..] => follow(self.execution, rest),
            [Segment::Name("Steps"), Segment::Name(step), rest @ ..] => {
                (self.step)(step).and_then(|body| follow(body, rest))
            }
            _ => None,
        };
        found
            .cloned()
            .ok_or_else(|| format!("cannot resolve property reference [{source}]"))
    }

    fn join(&self, join: &Value) -> Result<Value, String> {
        let mut parts = Vec::new();
        for value in items(join, "Values") {
            match self.resolve(value)? {
                Value::String(text) => parts.push(text),
                scalar @ (Value::Number(_) | Value::Bool(_)) => parts.push(scalar.to_string()),
                _ => return Err("Std:Join takes strings, numbers and booleans only".to_owned()),
            }
        }
        Ok(Value::from(parts.join(text(join, "On"))))
    }

    fn json_get(&self, json_get: &Value) -> Result<Value, String> {
        let uri = match json_get.get("S3Uri") {
            Some(uri) => self.resolve(uri)?.as_str().unwrap_or("").to_owned(),
            None => self.property_file(json_get.get("PropertyFile").unwrap_or(&Value::Null))?,
        };
        let (bucket, key) =
            split_uri(&uri).ok_or_else(|| format!("'{uri}' is not an S3 location"))?;
        let object = self
            .objects
            .get(bucket, key)
            .map_err(|error| format!("cannot read property file {uri}: {error}"))?;
        let bytes = object
            .inline
            .as_deref()
            .ok_or_else(|| format!("property file {uri} is too large: {} bytes", object.size))?;
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("property file {uri} is not JSON: {error}"))?;
        let source = text(json_get, "Path");
        let source = source.strip_prefix("$.").unwrap_or(source);
        follow(&document, &path(source)?)
            .cloned()
            .ok_or_else(|| format!("property file {uri} has nothing at path '{source}'"))
    }

    /// Where the property file is that `{"Get": "Steps.<step>.PropertyFiles.<name>"}` names.
    fn property_file(&self, reference: &Value) -> Result<String, String> {
        let source = text(reference, "Get");
        let segments = path(source)?;
        let [
            Segment::Name("Steps"),
            Segment::Name(step),
            Segment::Name("PropertyFiles"),
            Segment::Name(name) | Segment::Key(name),
        ] = segments.as_slice()
        else {
            return Err(format!("'{source}' does not name a property file"));
        };
        let file = self
            .definition
            .step(step)
            .into_iter()
            .flat_map(|step| items(step.body, "PropertyFiles"))
            .find(|file| text(file, "PropertyFileName") == *name)
            .ok_or_else(|| format!("step {step} declares no property file {name}"))?;
        let output = text(file, "OutputName");
        let place = [
            Segment::Name("ProcessingOutputConfig"),
            Segment::Name("Outputs"),
            Segment::Key(output),
            Segment::Name("S3Output"),
            Segment::Name("S3Uri"),
        ];
        let folder = (self.step)(step)
            .and_then(|body| follow(body, &place))
            .and_then(Value::as_str)
            .ok_or_else(|| format!("step {step} has no output {output}"))?;
        Ok(format!(
            "{}/{}",
            folder.trim_end_matches('/'),
            text(file, "FilePath")
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_into_maps_and_lists() {
        let value = json!({
            "Outputs": [{"OutputName": "a", "U": 1}, {"OutputName": "train.x", "U": 2}],
            "Map": {"k.v": [{"c": 3}]},
        });
        let check = |source: &str, found: Option<Value>| {
            assert_eq!(
                follow(&value, &path(source).unwrap()).cloned(),
                found,
                "{source}"
            );
        };
        check("Outputs['train.x'].U", Some(json!(2)));
        check("Outputs[0].U", Some(json!(1)));
        check("Map[\"k.v\"][0].c", Some(json!(3)));
        check("Outputs['none'].U", None);
        check("Outputs[7]", None);
        for wrong in ["a..b", "a[", "a['b]", "a[b]", "a['b'x]", "."] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }
}
