//! When an observed value is what was declared.

use std::collections::BTreeSet;

use serde_json::Value;

use super::canonical;
use super::desired::Change;
use super::kind::{Compare, FieldClass, Kind};

/// Whether `observed` holds everything that `declared` says; what it holds besides is the
/// service's. Lists are compared item by item.
pub fn covers(observed: &Value, declared: &Value) -> bool {
    match (observed, declared) {
        (Value::Object(observed), Value::Object(declared)) => declared
            .iter()
            .all(|(key, member)| covers(observed.get(key).unwrap_or(&Value::Null), member)),
        (Value::Array(observed), Value::Array(declared)) => {
            observed.len() == declared.len()
                && observed
                    .iter()
                    .zip(declared)
                    .all(|(one, two)| covers(one, two))
        }
        (Value::Number(one), Value::Number(two)) => one.as_f64() == two.as_f64(),
        _ => observed == declared,
    }
}

/// What differs between a declared body and a description, member by member, under the kind's field
/// classes.
pub fn changes(kind: &'static Kind, declared: &Value, observed: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    if observed != declared {
        walk(kind, String::new(), declared, Some(observed), &mut found);
    }
    found
}

/// Goes into what differs. Equal values differ under no class, and most of what is compared is so:
/// whoever calls this has seen that the two are not equal.
fn walk(
    kind: &'static Kind,
    pointer: String,
    declared: &Value,
    observed: Option<&Value>,
    found: &mut Vec<Change>,
) {
    let field = kind.field(&pointer);
    let class = field.map_or(FieldClass::CreateOnly, |field| field.class);
    if matches!(
        class,
        FieldClass::ServerSet | FieldClass::WriteOnly | FieldClass::OwnedElsewhere
    ) {
        return;
    }
    let compare = field
        .filter(|field| field.is_at(&pointer))
        .map_or(Compare::Exact, |field| field.compare);
    let observed = observed.filter(|value| !value.is_null());
    let differs = match (compare, declared, observed) {
        (_, Value::Null, _) => return,
        (Compare::JsonText, Value::String(want), Some(Value::String(have))) => {
            json_text(want) != json_text(have)
        }
        (Compare::Unordered, Value::Array(want), Some(Value::Array(have))) => {
            set(want) != set(have)
        }
        (Compare::WholeMap, want, Some(have)) => canonical::text(want) != canonical::text(have),
        (Compare::Keyed(key), Value::Array(want), Some(Value::Array(have)))
            if same_keys(key, want, have) =>
        {
            for (index, item) in want.iter().enumerate() {
                let twin = have.iter().find(|other| other[key] == item[key]);
                if twin != Some(item) {
                    walk(kind, format!("{pointer}/{index}"), item, twin, found);
                }
            }
            return;
        }
        (
            Compare::Exact | Compare::Reference(_),
            Value::Object(want),
            Some(Value::Object(have)),
        ) => {
            for (key, member) in want {
                let twin = have.get(key);
                if twin != Some(member) {
                    walk(kind, format!("{pointer}/{key}"), member, twin, found);
                }
            }
            return;
        }
        (Compare::Exact, Value::Array(want), Some(Value::Array(have)))
            if want.len() == have.len() =>
        {
            for (index, (one, two)) in want.iter().zip(have).enumerate() {
                if one != two {
                    walk(kind, format!("{pointer}/{index}"), one, Some(two), found);
                }
            }
            return;
        }
        (_, want, Some(have)) => !covers(have, want),
        (_, _, None) => true,
    };
    if differs {
        found.push(Change {
            path: pointer,
            from: observed.cloned(),
            to: declared.clone(),
            class,
        });
    }
}

fn json_text(text: &str) -> Option<String> {
    serde_json::from_str(text)
        .ok()
        .map(|value: Value| canonical::text(&value))
}

fn set(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(canonical::text).collect()
}

fn same_keys(key: &str, want: &[Value], have: &[Value]) -> bool {
    let keys = |items: &[Value]| {
        items
            .iter()
            .map(|item| item[key].to_string())
            .collect::<BTreeSet<_>>()
    };
    want.len() == have.len() && keys(want) == keys(have)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::kinds::{ENDPOINT_CONFIG, MODEL, PIPELINE};
    use serde_json::json;

    fn check(kind: &'static Kind, declared: Value, observed: Value, paths: &[&str]) {
        let found: Vec<_> = changes(kind, &declared, &observed)
            .into_iter()
            .map(|change| change.path)
            .collect();
        assert_eq!(found, paths);
    }

    #[test]
    fn what_the_service_adds_is_not_a_change() {
        let declared =
            json!({"ProductionVariants": [{"VariantName": "a", "InitialVariantWeight": 1}]});
        let observed = json!({
            "EndpointConfigName": "x",
            "ProductionVariants": [{"VariantName": "a", "InitialVariantWeight": 1.0, "VolumeSizeInGB": 5}],
        });
        check(&ENDPOINT_CONFIG, declared, observed, &[]);
    }

    #[test]
    fn variants_are_found_by_name() {
        let declared = json!({"ProductionVariants": [
            {"VariantName": "a", "InstanceType": "m"}, {"VariantName": "b", "InstanceType": "n"}]});
        let observed = json!({"ProductionVariants": [
            {"VariantName": "b", "InstanceType": "n"}, {"VariantName": "a", "InstanceType": "z"}]});
        check(
            &ENDPOINT_CONFIG,
            declared.clone(),
            observed,
            &["/ProductionVariants/0/InstanceType"],
        );
        check(
            &ENDPOINT_CONFIG,
            declared,
            json!({"ProductionVariants": []}),
            &["/ProductionVariants"],
        );
    }

    #[test]
    fn capture_options_are_a_set_and_an_environment_is_whole() {
        let options = |modes: [&str; 2]| json!({"DataCaptureConfig": {"CaptureOptions": modes.map(|mode| json!({"CaptureMode": mode}))}});
        check(
            &ENDPOINT_CONFIG,
            options(["Input", "Output"]),
            options(["Output", "Input"]),
            &[],
        );
        let env = |env: Value| json!({"PrimaryContainer": {"Environment": env}});
        check(
            &MODEL,
            env(json!({"A": "1"})),
            env(json!({"A": "1", "B": "2"})),
            &["/PrimaryContainer/Environment"],
        );
    }

    #[test]
    fn a_definition_is_compared_as_json() {
        let text = |text: &str| json!({"PipelineDefinition": text});
        check(
            &PIPELINE,
            text(r#"{"a":1,"b":2}"#),
            text(r#"{ "b": 2, "a": 1 }"#),
            &[],
        );
        check(
            &PIPELINE,
            text(r#"{"a":1}"#),
            text("not json"),
            &["/PipelineDefinition"],
        );
    }
}
