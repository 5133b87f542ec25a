//! What the local SageMaker was asked to change, and the rule that nothing is asked for twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trueup::clock::Timestamp;
use trueup::demo::http::Http;
use trueup::resource::kinds::KINDS;

use crate::run::ledger::is_about_the_lease;

/// Every change so far. The server forgets old calls, so this is read often.
#[derive(Default)]
pub(in crate::run) struct Record {
    /// The number of the last call that was read.
    last: u64,
    /// What was made and not deleted since: operation and name.
    made: BTreeMap<(String, String), u64>,
    /// Endpoint to the config that it was last told to take.
    moved: BTreeMap<String, Value>,
    /// How many of what was made or moved there were, by operation.
    tally: BTreeMap<String, usize>,
    /// When changes were made.
    pub(in crate::run) changes: Vec<Timestamp>,
}

impl Record {
    /// Adds what was asked since the last time.
    pub(in crate::run) async fn read(&mut self, http: &Http) {
        for call in http.calls(self.last).await.unwrap() {
            let number = call["seq"].as_u64().unwrap();
            assert_eq!(number, self.last + 1, "calls were forgotten unread");
            self.last = number;
            if let Err(doubled) = self.note(&call) {
                panic!("{doubled}");
            }
        }
    }

    /// How often something was made or moved, by operation.
    pub(in crate::run) fn tally(&self) -> BTreeMap<&str, usize> {
        let tally = self.tally.iter();
        tally.map(|(op, count)| (op.as_str(), *count)).collect()
    }

    /// Every call, those that only look too.
    pub(in crate::run) fn calls(&self) -> u64 {
        self.last
    }

    /// Takes note of one call; the error is what it does a second time.
    pub(in crate::run) fn note(&mut self, call: &Value) -> Result<(), String> {
        if call["mutates"] != true || !call["error"].is_null() || is_about_the_lease(call) {
            return Ok(());
        }
        let (op, number) = (call["op"].as_str().unwrap(), call["seq"].as_u64().unwrap());
        self.changes
            .push(call["at"].as_str().unwrap().parse().unwrap());
        let started = ["Create", "Start", "Update", "put_object"];
        if started.iter().any(|start| op.starts_with(start)) {
            *self.tally.entry(op.to_owned()).or_default() += 1;
        }
        if let Some(kind) = KINDS.iter().find(|kind| kind.ops.delete == Some(op)) {
            let name = text(&call["request"][kind.id]);
            self.made.retain(|(_, made), _| *made != name);
            self.moved.remove(&name);
        }
        if let Some(name) = created(op, call)
            && let Some(before) = self.made.insert((op.to_owned(), name.clone()), number)
        {
            return Err(format!(
                "{op} {name} was call {before}, and is call {number}"
            ));
        }
        if op == "UpdateEndpoint" {
            let request = &call["request"];
            let config = request["EndpointConfigName"].clone();
            let before = self.moved.insert(text(&request["EndpointName"]), config);
            if before.as_ref() == Some(&request["EndpointConfigName"]) {
                return Err(format!("an endpoint was moved twice: {request}"));
            }
        }
        Ok(())
    }
}

/// What a call makes; a run is known by its digest and attempt, an object by its place.
fn created(op: &str, call: &Value) -> Option<String> {
    if op == "put_object" {
        return Some(text(&call["name"]));
    }
    let kind = KINDS.iter().find(|kind| kind.ops.create == Some(op))?;
    Some(text(&call["request"][kind.id]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What the service holds is there once, whatever it is called: no two models or configs of one
/// content, no two runs of one digest and attempt, no two packages of one run.
pub(in crate::run) async fn nothing_doubled(http: &Http) {
    for kind in ["Model", "EndpointConfig"] {
        let (list, member) = (format!("List{kind}s"), format!("{kind}s"));
        let mut contents = Vec::new();
        for item in http.list(&list, json!({}), &member).await.unwrap() {
            let name = &item[format!("{kind}Name")];
            let request = json!({format!("{kind}Name"): name});
            let describe = format!("Describe{kind}");
            let mut body = http.sagemaker(&describe, &request).await.unwrap();
            let members = body.as_object_mut().unwrap();
            members.retain(|key, _| {
                key != "CreationTime"
                    && *key != format!("{kind}Name")
                    && *key != format!("{kind}Arn")
            });
            let stem = text(name).rsplit_once('-').unwrap().0.to_owned();
            contents.push((stem, body));
        }
        unique(&list, contents);
    }
    let pipeline = json!({"PipelineName": "mortgage"});
    let runs = "PipelineExecutionSummaries";
    let runs = http.list("ListPipelineExecutions", pipeline, runs).await;
    let runs = runs.unwrap().into_iter();
    unique(
        "runs",
        runs.map(|mut run| run["PipelineExecutionDisplayName"].take())
            .collect(),
    );
    let group = json!({"ModelPackageGroupName": "mortgage"});
    let packages = "ModelPackageSummaryList";
    let packages = http.list("ListModelPackages", group, packages).await;
    let packages = packages.unwrap().into_iter();
    unique(
        "packages",
        packages
            .map(|mut package| package["ModelPackageDescription"].take())
            .collect(),
    );
}

fn unique<T: PartialEq + std::fmt::Debug>(what: &str, all: Vec<T>) {
    assert!(!all.is_empty(), "{what}: none");
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "{what}: doubled: {one:?}");
    }
}

#[test]
fn what_is_done_twice_is_noticed() {
    let at = "2026-11-02T09:00:00Z";
    let call = |op: &str, request: Value| json!({"seq": 1, "op": op, "at": at, "mutates": true, "request": request});
    let model = || call("CreateModel", json!({"ModelName": "a"}));
    let endpoint = |op: &str| call(op, json!({"EndpointName": "e", "EndpointConfigName": "c"}));
    let run = || {
        let name = json!({"PipelineExecutionDisplayName": "0f-a1"});
        call("StartPipelineExecution", name)
    };
    let mut put = call("put_object", Value::Null);
    put["name"] = json!("/bucket/key");
    let mut refused = model();
    refused["error"] = json!("ValidationException");
    let check = |calls: &[Value], doubles: bool| {
        let mut record = Record::default();
        let mut noted = calls.iter().map(|call| record.note(call));
        assert_eq!(noted.any(|noted| noted.is_err()), doubles, "{calls:?}");
    };
    check(&[model(), model()], true);
    check(&[model(), refused], false);
    check(&[run(), run()], true);
    check(&[put.clone(), put], true);
    check(
        &[endpoint("UpdateEndpoint"), endpoint("UpdateEndpoint")],
        true,
    );
    let create = || endpoint("CreateEndpoint");
    check(&[create(), create()], true);
    check(&[create(), endpoint("DeleteEndpoint"), create()], false);
}
