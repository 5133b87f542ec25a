//! The verifier's judgements over what it has read: no I/O.

use std::collections::BTreeMap;
use std::path::Path;

use git2::Repository;
use serde_json::Value;

/// The steps that a run has to take, in order.
const ORDER: [&str; 5] = ["preprocess", "train", "evaluate", "gate", "register"];

/// Sorts the items of a list by when they began.
pub(super) fn by_start(items: &mut [Value]) {
    let start = |item: &Value| item["StartTime"].as_f64().unwrap_or(f64::MAX);
    items.sort_by(|a, b| start(a).total_cmp(&start(b)));
}

/// Whether exactly the expected steps were taken, each after the one before it, each successfully.
pub(super) fn in_order(steps: &[Value]) -> (bool, String) {
    let said = |step: &Value| format!("{} {}", word(&step["StepName"]), word(&step["StepStatus"]));
    let saw: Vec<_> = steps.iter().map(said).collect();
    let saw = saw.join(", ");
    // By name: what took no time at all began together.
    let expected: Vec<_> = ORDER
        .iter()
        .filter_map(|name| step(steps, name).ok())
        .collect();
    if steps.len() != ORDER.len() || expected.len() != ORDER.len() {
        return (false, saw);
    }
    let succeeded = expected
        .iter()
        .all(|step| step["StepStatus"] == "Succeeded");
    let follows = |pair: &[&Value]| {
        let (end, start) = (pair[0]["EndTime"].as_f64(), pair[1]["StartTime"].as_f64());
        end.zip(start).is_some_and(|(end, start)| end <= start)
    };
    if expected.windows(2).all(follows) {
        (succeeded, saw)
    } else {
        (false, format!("{saw}; not one after the other"))
    }
}

/// Whether there was a gate, and it was met.
pub(super) fn gated(steps: &[Value]) -> (bool, String) {
    match step(steps, "gate") {
        Ok(gate) => {
            let outcome = &gate["Metadata"]["Condition"]["Outcome"];
            (
                outcome == "True",
                format!("the condition was {}", word(outcome)),
            )
        }
        Err(words) => (false, words),
    }
}

/// The step of that name.
pub(super) fn step<'a>(steps: &'a [Value], name: &str) -> Result<&'a Value, String> {
    let found = steps.iter().find(|step| step["StepName"] == name);
    found.ok_or_else(|| format!("the run has no step {name}"))
}

/// Whether an endpoint is in service with as many instances of every variant as are wanted.
pub(super) fn running(endpoint: &Value) -> (bool, String) {
    let status = &endpoint["EndpointStatus"];
    let variants = endpoint["ProductionVariants"].as_array();
    let (mut ok, mut saw) = (status == "InService", word(status).to_owned());
    for variant in variants.into_iter().flatten() {
        let (now, wanted) = (
            &variant["CurrentInstanceCount"],
            &variant["DesiredInstanceCount"],
        );
        ok &= now == wanted && now.as_u64().is_some_and(|count| count > 0);
        saw = format!("{saw}, {} {now} of {wanted}", word(&variant["VariantName"]));
    }
    (
        ok && variants.is_some_and(|variants| !variants.is_empty()),
        saw,
    )
}

/// The package that a release file names: the first ARN of one below `packages:`.
pub(super) fn package_named(file: &str) -> Option<String> {
    let packages = file
        .lines()
        .skip_while(|line| !line.starts_with("packages:"));
    let inside = packages
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    inside
        .flat_map(|line| line.split([' ', '"', '\'', ',', '{', '}']))
        .find(|word| word.starts_with("arn:") && word.contains(":model-package/"))
        .map(str::to_owned)
}

/// A text that has to be there.
pub(super) fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("a text was expected, and {value} was there"))
}

/// What follows the last slash.
pub(super) fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// A call of the log, for people.
pub(super) fn shown(call: &Value) -> String {
    let name = word(&call["name"]);
    format!("{} {name}", word(&call["op"]))
        .trim_end()
        .to_owned()
}

/// Every branch of a repository and where it is.
pub(super) fn refs(origin: &Path) -> Result<BTreeMap<String, String>, git2::Error> {
    let repository = Repository::open(origin)?;
    let mut found = BTreeMap::new();
    for reference in repository.references()? {
        let reference = reference?;
        let target = reference.target().map(|id| id.to_string());
        let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
        found.insert(name, target.unwrap_or_default());
    }
    Ok(found)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn steps(names: &[&str]) -> Vec<Value> {
        let step = |(at, name): (usize, &&str)| {
            json!({"StepName": name, "StepStatus": "Succeeded", "StartTime": at, "EndTime": at + 1,
                   "Metadata": {"Condition": {"Outcome": "True"}}})
        };
        names.iter().enumerate().map(step).collect()
    }

    #[test]
    fn only_the_whole_run_in_order_is_accepted() {
        let check = |change: fn(&mut Vec<Value>), ok| {
            let mut run = steps(&ORDER);
            change(&mut run);
            by_start(&mut run);
            assert_eq!(in_order(&run).0, ok, "{run:?}");
        };
        check(|_| {}, true);
        check(|run| run.reverse(), true);
        check(
            |run| {
                run[3]["EndTime"] = 3.into();
                run[4]["StartTime"] = 3.into();
                run.swap(3, 4);
            },
            true,
        );
        check(|run| run[1]["StepStatus"] = "Failed".into(), false);
        check(|run| run[0]["EndTime"] = 1.5.into(), false);
        check(|run| run[2]["StartTime"] = 1.into(), false);
        check(|run| drop(run.remove(3)), false);
        assert!(gated(&steps(&ORDER)).0);
        assert!(!gated(&steps(&["train"])).0);
    }

    #[test]
    fn an_endpoint_runs_with_all_its_instances() {
        let check = |status: &str, now: u32, ok| {
            let variant =
                json!({"VariantName": "v", "CurrentInstanceCount": now, "DesiredInstanceCount": 2});
            let endpoint = json!({"EndpointStatus": status, "ProductionVariants": [variant]});
            assert_eq!(running(&endpoint).0, ok, "{endpoint}");
        };
        check("InService", 2, true);
        check("InService", 1, false);
        check("Updating", 2, false);
        assert!(!running(&json!({"EndpointStatus": "InService"})).0);
    }

    #[test]
    fn the_named_package_is_not_the_previous_one() {
        let arn = |version| format!("arn:aws:sagemaker:eu-west-1:1:model-package/m/{version}");
        let file = format!(
            "previous:\n  main: {}\npackages:\n  main:\n    arn: \"{}\"\nversion: 1\n",
            arn(1),
            arn(2)
        );
        assert_eq!(package_named(&file), Some(arn(2)));
        assert_eq!(
            package_named(&format!("previous:\n  main: {}\n", arn(1))),
            None
        );
    }
}
