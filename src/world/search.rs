//! Search: whole records of a kind, by their properties and tags.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::list::{Rank, page, paged};
use super::records::Record;
use super::request::{Refusal, Reply, Request, items, text};

/// Records of a page, at most and as a rule.
const PAGE: usize = 100;

/// What can be searched: the resource, and its kind here.
const SEARCHED: &[(&str, Id)] = &[
    ("Endpoint", Id::Endpoint),
    ("ModelPackage", Id::Package),
    ("ModelPackageGroup", Id::PackageGroup),
    ("Pipeline", Id::Pipeline),
    ("PipelineExecution", Id::Execution),
    ("TrainingJob", Id::TrainingJob),
];

impl World {
    pub(super) fn search(&self, request: &Request<'_>) -> Reply {
        let resource = request.text("Resource");
        let Some((_, id)) = SEARCHED.iter().find(|(name, _)| *name == resource) else {
            return Err(Refusal::invalid(format!(
                "Search is not supported here for {resource}."
            )));
        };
        let none = json!({});
        let expression = request.get("SearchExpression").unwrap_or(&none);
        let by = match request.text("SortBy") {
            "" => "LastModifiedTime",
            by => by,
        };
        let mut found = Vec::new();
        for record in self.records.seen(*id, request.scope, "") {
            let shown = self.shown(*id, &record);
            if holds(expression, &shown)? {
                let rank = match &shown[by] {
                    Value::String(text) => Rank::Text(text.clone()),
                    Value::Number(number) => {
                        Rank::Text(format!("{:020.3}", number.as_f64().unwrap_or_default()))
                    }
                    _ => Rank::None,
                };
                found.push(((rank, record.seq), json!({ resource: shown })));
            }
        }
        let (page, next) = page(found, PAGE, request)?;
        Ok(paged("Results", page, next))
    }

    /// A record as Search shows it: what Describe answers, with its tags.
    fn shown(&self, id: Id, record: &Record) -> Value {
        let mut shown = record.body.clone();
        let arn = id.kind().arn(&record.scope, &record.name);
        let tags = self.tags.get(&arn);
        let tags: Vec<_> = tags
            .into_iter()
            .flat_map(|tags| tags.iter())
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        if let Some(members) = shown.as_object_mut()
            && !tags.is_empty()
        {
            members.insert("Tags".to_owned(), tags.into());
        }
        shown
    }
}

/// Whether a record is what an expression describes.
fn holds(expression: &Value, record: &Value) -> Result<bool, Refusal> {
    let any = text(expression, "Operator") == "Or";
    let mut results = Vec::new();
    for filter in items(expression, "Filters") {
        results.push(passes(filter, record)?);
    }
    for nested in items(expression, "NestedFilters") {
        let mut inner = true;
        for filter in items(nested, "Filters") {
            inner &= passes(filter, record)?;
        }
        results.push(inner);
    }
    for inner in items(expression, "SubExpressions") {
        results.push(holds(inner, record)?);
    }
    Ok(if any {
        results.is_empty() || results.contains(&true)
    } else {
        !results.contains(&false)
    })
}

fn passes(filter: &Value, record: &Value) -> Result<bool, Refusal> {
    let name = text(filter, "Name");
    let wanted = text(filter, "Value");
    let found = values(name, record);
    let operator = match text(filter, "Operator") {
        "" => "Equals",
        operator => operator,
    };
    let any = |matches: &dyn Fn(&str) -> bool| found.iter().any(|value| matches(value));
    Ok(match operator {
        "Equals" => any(&|value| value == wanted),
        "NotEquals" => !any(&|value| value == wanted),
        "Contains" => any(&|value| value.contains(wanted)),
        "Exists" => !found.is_empty(),
        "NotExists" => found.is_empty(),
        "In" => any(&|value| wanted.split(',').any(|one| one.trim() == value)),
        "GreaterThan" => any(&|value| number(value) > number(wanted)),
        "GreaterThanOrEqualTo" => any(&|value| number(value) >= number(wanted)),
        "LessThan" => any(&|value| number(value) < number(wanted)),
        "LessThanOrEqualTo" => any(&|value| number(value) <= number(wanted)),
        other => {
            return Err(Refusal::invalid(format!(
                "The operator {other} is not supported for {name}."
            )));
        }
    })
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The values of a property such as `EndpointName`, `Tags.trueup:owner` or
/// `ProductionVariants.VariantName`, as text.
fn values(name: &str, record: &Value) -> Vec<String> {
    if let Some(key) = name.strip_prefix("Tags.") {
        let tags = items(record, "Tags").iter();
        return tags
            .filter(|tag| text(tag, "Key") == key)
            .map(|tag| text(tag, "Value").to_owned())
            .collect();
    }
    let mut found = vec![record];
    for part in name.split('.') {
        found = found
            .into_iter()
            .filter_map(|value| value.get(part))
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .collect();
    }
    found
        .into_iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        })
        .collect()
}
