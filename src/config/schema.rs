//! The schemas of the files, generated from their types.
//!
//! Every schema is one closed tree: references are inlined, and choices are written as one `type`
//! or `enum`, so that a violation always has one place and one reason.

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::file::{ConfigFile, EnvironmentFile};
use super::images::ImageTable;
use super::installation::Installation;
use super::quarantine::Quarantined;
use super::sources::SourcesFile;
use crate::pin::Pin;
use crate::release::Release;

/// The schemas that one program needs, made once.
pub(super) struct Schemas {
    /// `config.yaml` as written: a file of a repository, nothing required.
    pub(super) partial: Value,
    /// `config.yaml` after composition.
    pub(super) composed: Value,
    /// `config.yaml` for editors: what is required of the file alone.
    pub(super) written: Value,
    pub(super) installation: Value,
    pub(super) pin: Value,
    pub(super) release: Value,
    pub(super) quarantine: Value,
    pub(super) images: Value,
    pub(super) sources: Value,
}

/// The schemas.
pub(super) static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let composed = of::<ConfigFile>();
    let mut partial = composed.clone();
    loosen(&mut partial);
    let mut environment = of::<EnvironmentFile>();
    loosen(&mut environment);
    nullable_values(&mut environment);
    if let Some(title) = environment.as_object_mut() {
        title.remove("$schema");
        title.remove("title");
    }
    partial["properties"]["environments"]["additionalProperties"] = environment;
    let mut written = composed.clone();
    for key in ["deployment", "monitors", "notifications", "environments"] {
        written["properties"][key] = partial["properties"][key].clone();
    }
    let mut composed = composed;
    for key in ["deployment", "monitors", "notifications"] {
        // Composition has moved them into the environments.
        composed["properties"][key] = json!({});
    }
    let mut pin = of::<Pin>();
    open(&mut pin);
    Schemas {
        partial,
        composed,
        written,
        installation: of::<Installation>(),
        pin,
        release: of::<Release>(),
        quarantine: of::<Vec<Quarantined>>(),
        images: of::<ImageTable>(),
        sources: of::<SourcesFile>(),
    }
});

/// The published schemas: path from the repository's root, and content.
pub fn all() -> Vec<(&'static str, String)> {
    let schemas = &*SCHEMAS;
    [
        ("schema/config.json", &schemas.written),
        ("schema/trueup.json", &schemas.installation),
        ("schema/pin.json", &schemas.pin),
        ("schema/release.json", &schemas.release),
        ("schema/images.json", &schemas.images),
        ("schema/sources.json", &schemas.sources),
    ]
    .map(|(file, schema)| {
        let text = serde_json::to_string_pretty(&sorted(schema)).expect("a value has a text");
        (file, text + "\n")
    })
    .into()
}

/// The schema of a type, inlined and simplified.
fn of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    visit(&mut schema, &mut simplify);
    schema
}

/// Applies `change` to every schema within `schema`, innermost first.
fn visit(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    for key in ["properties", "patternProperties"] {
        let inner = schema.get_mut(key).and_then(Value::as_object_mut);
        inner
            .into_iter()
            .flat_map(Map::values_mut)
            .for_each(|one| visit(one, change));
    }
    for key in ["additionalProperties", "items"] {
        schema
            .get_mut(key)
            .into_iter()
            .for_each(|one| visit(one, change));
    }
    for key in ["anyOf", "oneOf"] {
        let inner = schema.get_mut(key).and_then(Value::as_array_mut);
        inner
            .into_iter()
            .flatten()
            .for_each(|one| visit(one, change));
    }
    change(schema);
}

/// Writes choices as one `enum` or `type`, and bounds of integers as bounds.
fn simplify(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(choices)) = schema.remove("oneOf") {
        let constants = choices.iter().filter_map(|choice| choice.get("const"));
        let values: Vec<_> = constants.cloned().collect();
        assert_eq!(
            values.len(),
            choices.len(),
            "an enum of constants: {choices:?}"
        );
        let notes = choices.iter().map(|choice| choice["description"].clone());
        schema.insert("enumDescriptions".to_owned(), notes.collect());
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), Value::Array(values));
    }
    if let Some(Value::Array(choices)) = schema.remove("anyOf") {
        let null = json!({"type": "null"});
        let mut others = choices.into_iter().filter(|choice| *choice != null);
        let one = others.next().and_then(|one| one.as_object().cloned());
        assert!(
            others.next().is_none(),
            "an optional value has one other choice"
        );
        for (key, value) in one.expect("an optional value has another choice") {
            schema.entry(key).or_insert(value);
        }
        nullable(schema);
    }
    let format = schema
        .get("format")
        .and_then(Value::as_str)
        .map(str::to_owned);
    if format.as_deref() == Some("uint32") && !schema.contains_key("maximum") {
        schema.insert("maximum".to_owned(), json!(u32::MAX));
    }
    if format.is_some_and(|format| format.starts_with("uint") || format == "double") {
        schema.remove("format");
    }
}

/// Lets a value be null.
fn nullable(schema: &mut Map<String, Value>) {
    let null = json!("null");
    match schema.get_mut("type") {
        Some(Value::Array(types)) if !types.contains(&null) => types.push(null),
        Some(Value::String(one)) => {
            let both = Value::Array(vec![one.as_str().into(), null]);
            schema.insert("type".to_owned(), both);
        }
        _ => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

/// Requires nothing.
fn loosen(schema: &mut Value) {
    visit(schema, &mut |schema| {
        schema.remove("required");
    });
}

/// Lets every value of a map be null: in an overlay that deletes it.
fn nullable_values(schema: &mut Value) {
    visit(schema, &mut |schema| {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        let properties = properties.into_iter().flat_map(Map::values_mut);
        properties
            .filter_map(Value::as_object_mut)
            .for_each(nullable);
        let values = schema.get_mut("additionalProperties");
        values
            .and_then(Value::as_object_mut)
            .into_iter()
            .for_each(nullable);
    });
}

/// Lets maps have keys that the type does not know.
fn open(schema: &mut Value) {
    visit(schema, &mut |schema| {
        if schema.get("additionalProperties") == Some(&json!(false)) {
            schema.remove("additionalProperties");
        }
    });
}

/// The schema of the value at `path` below `schema`.
pub(super) fn at<'a>(schema: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |schema, step| {
        let property = schema.get("properties").and_then(|all| all.get(step));
        property
            .or_else(|| {
                schema
                    .get("additionalProperties")
                    .filter(|one| one.is_object())
            })
            .or_else(|| schema.get("items"))
    })
}

/// The same value with the keys of its maps in alphabetical order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let entries = entries.into_iter();
            Value::Object(
                entries
                    .map(|(key, one)| (key.clone(), sorted(one)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_a_closed_tree_without_choices() {
        let schemas = &*SCHEMAS;
        for schema in [
            &schemas.partial,
            &schemas.composed,
            &schemas.written,
            &schemas.quarantine,
            &schemas.images,
            &schemas.sources,
        ] {
            let text = schema.to_string();
            for word in ["$ref", "$defs", "anyOf", "oneOf", "allOf"] {
                assert!(!text.contains(&format!("\"{word}\"")), "{word}: {schema:#}");
            }
        }
    }

    #[test]
    fn only_overlays_may_be_null_and_lack_what_is_required() {
        let partial = &SCHEMAS.partial;
        let capture = |root: &str| {
            let mut path = root.split('/').collect::<Vec<_>>();
            path.extend(["deployment", "variants", "any", "initial_weight"]);
            at(partial, &path[1..]).unwrap()["type"].clone()
        };
        assert_eq!(capture(""), json!("number"));
        assert_eq!(capture("/environments/any"), json!(["number", "null"]));
        assert_eq!(
            SCHEMAS.composed["properties"]["training"]["required"],
            json!(["entry_point"])
        );
        assert_eq!(partial["properties"]["training"].get("required"), None);
    }
}
