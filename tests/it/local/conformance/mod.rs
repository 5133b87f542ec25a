//! One script through both doors: a world in this process, and a server over HTTP whose clock is the
//! test's. The same request gets the same answer, to the letter, at the same instant.
//!
//! A step is an operation with its request. It may say what it is `refused` with, what of its answer is
//! to be `expect`ed, how many seconds `pass` before it, `until` what it is asked again, and as what its
//! answer is kept for later requests (`$name/Member`).
//!
//! A server does its work a moment after it was asked for, and time stands still meanwhile. So time is
//! moved no further than to when something is due that work stands before.

mod doors;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use trueup::world::World;

use doors::{Direct, Http, Told};

const SCRIPT: &[(&str, &str)] = &[
    ("serving", include_str!("serving.json")),
    ("neighbours", include_str!("neighbours.json")),
    ("registry", include_str!("registry.json")),
    ("jobs", include_str!("jobs.json")),
    ("pipelines", include_str!("pipelines.json")),
    ("entities", include_str!("entities.json")),
    ("monitoring", include_str!("monitoring.json")),
];
/// Operations of SageMaker that the script asks for, at least.
const OPERATIONS_MIN: usize = 60;

/// The steps of the script, each with its place.
fn steps() -> impl Iterator<Item = (String, Value)> {
    SCRIPT.iter().flat_map(|(name, text)| {
        let steps: Vec<Value> = serde_json::from_str(text).unwrap();
        let numbered = steps.into_iter().enumerate();
        numbered.map(move |(at, step)| (format!("{name}.json, step {}", at + 1), step))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_doors_answer_alike() {
    let mut direct = Direct::new();
    let http = Http::start().await;
    let mut kept = BTreeMap::new();
    for (place, step) in steps() {
        let place = format!("{place}: {}", step["op"]);
        let seconds = step["pass"].as_i64().unwrap_or(0);
        direct.pass(seconds);
        http.pass(seconds);
        let service = step["service"].as_str().unwrap_or("sagemaker");
        let op = step["op"].as_str().unwrap();
        let body = filled(&step["body"], &kept);
        let expected = direct.ask(service, op, &body);
        let wanted = step.get("until");
        if let Some(wanted) = wanted {
            assert_holds(&place, wanted, &expected);
        }
        let found = match wanted {
            Some(wanted) => {
                let done = |told: &Told| missed(wanted, told).is_empty();
                http.ask_until(service, op, &body, done).await
            }
            None => http.ask(service, op, &body).await,
        };
        assert_eq!(found, expected, "{place}");
        assert_said(&place, &step, &expected);
        if let Some(name) = step["keep"].as_str() {
            kept.insert(name.to_owned(), expected.unwrap());
        }
    }
    http.end().await;
}

#[test]
fn the_script_reaches_everything() {
    let mut answered = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for (_, step) in steps() {
        if step.get("service").is_none() {
            let ops = if step.get("refused").is_some() {
                &mut refused
            } else {
                &mut answered
            };
            ops.insert(step["op"].as_str().unwrap().to_owned());
        }
    }
    let count = answered.len();
    assert!(count >= OPERATIONS_MIN, "{count} operations");
    assert!(refused.len() >= 20, "{} are refused", refused.len());
    let own = World::operations().filter(|(service, _)| *service == "sagemaker");
    let unasked: Vec<_> = own
        .map(|(_, op)| op)
        .filter(|op| op.starts_with("Describe") && !answered.contains(*op))
        .collect();
    assert_eq!(unasked, [""; 0], "a kind that the script does not describe");
}

/// A request, with what was kept in the place of its name; a pipeline's definition as text.
fn filled(value: &Value, kept: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            let named = text.strip_prefix('$').and_then(|name| name.split_once('/'));
            named.map_or_else(
                || value.clone(),
                |(name, member)| kept[name][member].clone(),
            )
        }
        Value::Array(items) => items.iter().map(|item| filled(item, kept)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let value = filled(value, kept);
                let written = name == "PipelineDefinition" && value.is_object();
                let value = if written {
                    json!(value.to_string())
                } else {
                    value
                };
                (name.clone(), value)
            });
            Value::Object(members.collect())
        }
        _ => value.clone(),
    }
}

/// What of `wanted`, values by their places, an answer does not have.
fn missed(wanted: &Value, told: &Told) -> Vec<String> {
    let found = told.as_ref().ok();
    let wanted = wanted.as_object().unwrap().iter();
    let held = |place: &str| found.and_then(|found| found.pointer(place));
    wanted
        .filter(|(place, value)| held(place) != Some(value))
        .map(|(place, value)| format!("{place} is {:?}, not {value}", held(place)))
        .collect()
}

fn assert_holds(place: &str, wanted: &Value, told: &Told) {
    let missed = missed(wanted, told);
    assert!(missed.is_empty(), "{place}: {missed:?} in {told:?}");
}

/// Whether an answer is what the step says that it is.
fn assert_said(place: &str, step: &Value, told: &Told) {
    let Some(code) = step["refused"].as_str() else {
        assert!(told.is_ok(), "{place}: {told:?}");
        if let Some(wanted) = step.get("expect") {
            assert_holds(place, wanted, told);
        }
        return;
    };
    let (found, message) = told.as_ref().expect_err(place);
    assert_eq!(found, code, "{place}: {message}");
    let words = step["words"].as_str().unwrap();
    assert!(message.contains(words), "{place}: {message}");
    assert!(!message.is_empty(), "{place}");
}
