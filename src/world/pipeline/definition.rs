//! A pipeline's definition: its parameters, its steps, and what each step waits for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::expression::{Segment, path};
use crate::limits;
use crate::world::request::{items, text};

/// Parameters of one pipeline (the service's figure).
const PARAMETERS_MAX: usize = 200;

/// Types that the service knows. Not all of them are run here.
const TYPES: &[&str] = &[
    "AutoML",
    "Callback",
    "ClarifyCheck",
    "Condition",
    "EMR",
    "EMRServerless",
    "Endpoint",
    "EndpointConfig",
    "Fail",
    "InferenceComponent",
    "Lambda",
    "Lineage",
    "Model",
    "Processing",
    "QualityCheck",
    "RegisterModel",
    "Training",
    "Transform",
    "Tuning",
];

/// A view of a definition's document.
pub(super) struct Definition<'a> {
    /// Declared parameters by name.
    pub(super) parameters: BTreeMap<&'a str, &'a Value>,
    /// All steps, those in branches after their condition.
    pub(super) steps: Vec<Step<'a>>,
}

/// A step.
pub(super) struct Step<'a> {
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    /// The step as written.
    pub(super) body: &'a Value,
    /// Steps that must have succeeded before.
    pub(super) after: BTreeSet<&'a str>,
    /// The condition whose branch it stands in, and which one: true for `IfSteps`.
    pub(super) branch: Option<(&'a str, bool)>,
}

impl<'a> Definition<'a> {
    /// Reads and checks a document.
    pub(super) fn read(document: &'a Value) -> Result<Self, String> {
        if text(document, "Version") != "2020-12-01" {
            return Err("Version must be 2020-12-01".to_owned());
        }
        let mut definition = Self {
            parameters: BTreeMap::new(),
            steps: Vec::new(),
        };
        for parameter in items(document, "Parameters") {
            let name = text(parameter, "Name");
            check_parameter(name, parameter)?;
            if definition.parameters.insert(name, parameter).is_some() {
                return Err(format!("parameter {name} is declared twice"));
            }
        }
        if definition.parameters.len() > PARAMETERS_MAX {
            return Err(format!("more than {PARAMETERS_MAX} parameters"));
        }
        definition.collect(items(document, "Steps"), None)?;
        if definition.steps.is_empty() {
            return Err("a pipeline must have at least one step".to_owned());
        }
        definition.check_references()?;
        definition.check_order()?;
        Ok(definition)
    }

    /// A step by name.
    pub(super) fn step(&self, name: &str) -> Option<&Step<'a>> {
        self.steps.iter().find(|step| step.name == name)
    }

    fn collect(
        &mut self,
        steps: &'a [Value],
        branch: Option<(&'a str, bool)>,
    ) -> Result<(), String> {
        for body in steps {
            let (name, kind) = (text(body, "Name"), text(body, "Type"));
            let legal = (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if !legal {
                return Err(format!(
                    "step name '{name}' does not match [A-Za-z0-9\\-_]{{1,64}}"
                ));
            }
            if !TYPES.contains(&kind) {
                return Err(format!("step {name} has the unknown type '{kind}'"));
            }
            if self.step(name).is_some() {
                return Err(format!("step names must be unique: {name} is not"));
            }
            if self.steps.len() == limits::PIPELINE_STEPS_MAX {
                return Err(format!("more than {} steps", limits::PIPELINE_STEPS_MAX));
            }
            let arguments = body.get("Arguments").unwrap_or(&Value::Null);
            let mut after: BTreeSet<&str> = items(body, "DependsOn")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            if kind == "Condition" {
                steps_named(
                    arguments.get("Conditions").unwrap_or(&Value::Null),
                    &mut after,
                );
            } else {
                steps_named(body, &mut after);
            }
            after.extend(branch.map(|(condition, _)| condition));
            self.steps.push(Step {
                name,
                kind,
                body,
                after,
                branch,
            });
            if kind == "Condition" {
                self.collect(items(arguments, "IfSteps"), Some((name, true)))?;
                self.collect(items(arguments, "ElseSteps"), Some((name, false)))?;
            }
        }
        Ok(())
    }

    fn check_references(&self) -> Result<(), String> {
        for step in &self.steps {
            for name in &step.after {
                if self.step(name).is_none() {
                    return Err(format!(
                        "step {} refers to the unknown step {name}",
                        step.name
                    ));
                }
            }
            let mut gets = Vec::new();
            references(step.body, &mut gets);
            for get in gets {
                let segments =
                    path(get).map_err(|reason| format!("step {}: {reason}", step.name))?;
                match segments.as_slice() {
                    [Segment::Name("Parameters"), Segment::Name(name)]
                        if !self.parameters.contains_key(name) =>
                    {
                        return Err(format!(
                            "step {} refers to the undeclared parameter {name}",
                            step.name
                        ));
                    }
                    [Segment::Name("Parameters" | "Steps" | "Execution"), _, ..] => {}
                    _ => return Err(format!("step {}: cannot get '{get}'", step.name)),
                }
            }
        }
        Ok(())
    }

    /// Every step can come to its turn: nothing waits for itself.
    fn check_order(&self) -> Result<(), String> {
        let mut done = BTreeSet::new();
        while done.len() < self.steps.len() {
            let before = done.len();
            for step in &self.steps {
                if step.after.iter().all(|name| done.contains(name)) {
                    done.insert(step.name);
                }
            }
            if done.len() == before {
                let stuck: Vec<&str> = self
                    .steps
                    .iter()
                    .map(|step| step.name)
                    .filter(|name| !done.contains(name))
                    .collect();
                return Err(format!("steps wait for each other: {}", stuck.join(", ")));
            }
        }
        Ok(())
    }
}

fn check_parameter(name: &str, parameter: &Value) -> Result<(), String> {
    if name.is_empty() {
        return Err("a parameter has no name".to_owned());
    }
    let kind = text(parameter, "Type");
    let fits = |value: &Value| match kind {
        "String" => value.is_string(),
        "Integer" => value.is_i64() || value.is_u64(),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        _ => false,
    };
    if !matches!(kind, "String" | "Integer" | "Float" | "Boolean") {
        return Err(format!("parameter {name} has the unknown type '{kind}'"));
    }
    let default = parameter
        .get("DefaultValue")
        .filter(|value| !value.is_null());
    if default.is_some_and(|value| !fits(value)) {
        return Err(format!(
            "the default value of parameter {name} is not of type {kind}"
        ));
    }
    let allowed = items(parameter, "EnumValues");
    if !allowed.is_empty() && default.is_some_and(|value| !allowed.contains(value)) {
        return Err(format!(
            "the default value of parameter {name} is not one of its values"
        ));
    }
    Ok(())
}

/// Every path that is got anywhere in `value`, branches of conditions apart.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let (1, Some(Value::String(get))) = (members.len(), members.get("Get")) {
                found.push(get);
                return;
            }
            for (name, member) in members {
                if name != "IfSteps" && name != "ElseSteps" {
                    references(member, found);
                }
            }
        }
        Value::Array(members) => members.iter().for_each(|member| references(member, found)),
        _ => {}
    }
}

/// Adds the steps that `value` gets something from.
fn steps_named<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    let mut gets = Vec::new();
    references(value, &mut gets);
    for get in gets {
        if let Some(rest) = get.strip_prefix("Steps.") {
            found.extend(rest.split(['.', '[']).next());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(steps: Value, reason: &str) {
        let document = json!({
            "Version": "2020-12-01",
            "Parameters": [{"Name": "P", "Type": "Float", "DefaultValue": 0.5}],
            "Steps": steps,
        });
        let found = Definition::read(&document).err().unwrap_or_default();
        assert_eq!(found, reason);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let fail = |name: &str| json!({"Name": name, "Type": "Fail", "Arguments": {}});
        check(json!([]), "a pipeline must have at least one step");
        check(
            json!([fail("a"), fail("a")]),
            "step names must be unique: a is not",
        );
        check(
            json!([{"Name": "a", "Type": "Nap"}]),
            "step a has the unknown type 'Nap'",
        );
        check(
            json!([{"Name": "a", "Type": "Fail", "DependsOn": ["b"]}]),
            "step a refers to the unknown step b",
        );
        check(
            json!([{"Name": "a", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Q"}}}]),
            "step a refers to the undeclared parameter Q",
        );
        check(
            json!([
                {"Name": "a", "Type": "Fail", "DependsOn": ["b"]},
                {"Name": "b", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.a.X"}}}]),
            "steps wait for each other: a, b",
        );
        check(
            json!([fail("a"), {"Name": "b", "Type": "Fail", "DependsOn": ["a"]}]),
            "",
        );
    }
}
