//! Search: whole records of a kind, by their properties and tags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::list::{Among, is_age, paged};
use super::records::Record;
use super::request::{Refusal, Reply, Request, epoch, items, text};
use super::window::{Rank, Window};
use crate::clock::Timestamp;

/// Records of a page, at most and as a rule.
const PAGE: usize = 100;

/// What can be searched: the resource, the member of a result that is one, and its kind here.
const SEARCHED: &[(&str, &str, Id)] = &[
    ("Endpoint", "Endpoint", Id::Endpoint),
    ("Experiment", "Experiment", Id::Experiment),
    ("ExperimentTrial", "Trial", Id::Trial),
    (
        "ExperimentTrialComponent",
        "TrialComponent",
        Id::TrialComponent,
    ),
    (
        "HyperParameterTuningJob",
        "HyperParameterTuningJob",
        Id::TuningJob,
    ),
    ("ModelCard", "ModelCard", Id::ModelCard),
    ("ModelPackage", "ModelPackage", Id::Package),
    ("ModelPackageGroup", "ModelPackageGroup", Id::PackageGroup),
    ("Pipeline", "Pipeline", Id::Pipeline),
    ("PipelineExecution", "PipelineExecution", Id::Execution),
    ("TrainingJob", "TrainingJob", Id::TrainingJob),
];

impl World {
    pub(super) fn search(&self, request: &Request<'_>) -> Reply {
        let resource = request.text("Resource");
        let found = SEARCHED.iter().find(|(name, ..)| *name == resource);
        let Some((_, member, id)) = found else {
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
        let id = *id;
        let among = Among {
            id,
            scope: request.scope,
            start: "",
            by_age: is_age(by),
        };
        let (page, next) = self.page_of_records(
            &among,
            &Window::of(request, PAGE)?,
            |record| rank(record, by),
            |record| holds(expression, &self.candidate(id, record)),
            |record| json!({*member: self.candidate(id, record).shown()}),
        )?;
        Ok(paged("Results", page, next))
    }

    fn candidate<'a>(&'a self, id: Id, record: &'a Record) -> Candidate<'a> {
        let arn = id.kind().arn(&record.scope, &record.name);
        let mut body = Cow::Borrowed(&record.body);
        if id == Id::TrialComponent {
            body.to_mut()["Parents"] = self.parents(record).into();
        }
        Candidate {
            body,
            tags: self.tags.get(&arn).map(|tags| &**tags),
        }
    }
}

/// Where a record stands in an order by a member.
fn rank(record: &Record, by: &str) -> Rank {
    if is_age(by) {
        // Records are numbered in the order of their creation.
        return Rank::None;
    }
    match &record.body[by] {
        Value::String(text) => Rank::Text(text.clone()),
        // The bits of numbers that are not negative are in the order of the numbers.
        Value::Number(number) => Rank::Bits(number.as_f64().unwrap_or_default().to_bits()),
        _ => Rank::None,
    }
}

/// A record that may be what is searched for.
struct Candidate<'a> {
    body: Cow<'a, Value>,
    tags: Option<&'a BTreeMap<String, String>>,
}

impl Candidate<'_> {
    /// As Search shows it: what Describe answers, with its tags.
    fn shown(self) -> Value {
        let mut shown = self.body.into_owned();
        let tags = self.tags.into_iter().flatten();
        let tags: Vec<_> = tags
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
fn holds(expression: &Value, record: &Candidate<'_>) -> Result<bool, Refusal> {
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

fn passes(filter: &Value, record: &Candidate<'_>) -> Result<bool, Refusal> {
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

/// A number, or a time in ISO 8601 as seconds since the epoch.
fn number(text: &str) -> Option<f64> {
    let time = || {
        let at: Timestamp = format!("{}Z", text.trim_end_matches('Z')).parse().ok()?;
        epoch(at).as_f64()
    };
    text.parse().ok().or_else(time)
}

/// The values of a property such as `EndpointName`, `Tags.trueup:owner` or
/// `ProductionVariants.VariantName`, as text.
fn values(name: &str, record: &Candidate<'_>) -> Vec<String> {
    if let Some(key) = name.strip_prefix("Tags.") {
        let tags = record.tags.and_then(|tags| tags.get(key));
        return tags.into_iter().cloned().collect();
    }
    let mut found = vec![&*record.body];
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
