//! IAM as its clients see it, and what SageMaker makes of it.

mod bounds;
mod roles;
mod simulation;
mod trust;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::resource::call::{Call, Scope};
use crate::world::{Pace, World};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const ROLE: &str = "arn:aws:iam::111122223333:role/runner";
const POLICY: &str = "arn:aws:iam::111122223333:policy/read";

struct Bench(World);

impl Bench {
    fn new() -> Self {
        Self(World::new(Pace::simulated()))
    }

    fn try_in(&mut self, region: &str, op: &'static str, body: Value) -> Result<Value, String> {
        let scope = Scope {
            account: "111122223333".to_owned(),
            region: region.to_owned(),
        };
        let answer = self.0.call(NOW, &Call::new(op, &scope, body));
        answer.map_err(|error| format!("{}: {}", error.code, error.message))
    }

    fn ask(&mut self, op: &'static str, body: Value) -> Value {
        self.try_in("eu-west-1", op, body).unwrap()
    }

    /// The code of a refusal.
    fn refused(&mut self, op: &'static str, body: Value) -> String {
        let refusal = self.try_in("eu-west-1", op, body).unwrap_err();
        refusal.split(':').next().unwrap_or_default().to_owned()
    }

    fn role(&mut self, name: &str, trust: &str) -> Value {
        let body = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        self.ask("CreateRole", body)["Role"].clone()
    }

    fn decisions(&mut self, actions: &[&str], more: Value) -> Vec<String> {
        let mut body = json!({"PolicySourceArn": ROLE, "ActionNames": actions});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.ask("SimulatePrincipalPolicy", body);
        let results = answer["EvaluationResults"].as_array().unwrap().iter();
        results
            .map(|one| one["EvalDecision"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn trust(principal: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal},
    ]})
    .to_string()
}

fn sagemaker() -> String {
    trust(json!({"Service": "sagemaker.amazonaws.com"}))
}

fn policy(effect: &str, action: &str, resource: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Action": action, "Resource": resource},
    ]})
    .to_string()
}

fn pipeline(role: &str) -> Value {
    let definition = json!({"Version": "2020-12-01", "Steps": [
        {"Name": "stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}},
    ]})
    .to_string();
    json!({"PipelineName": "p", "RoleArn": role, "ClientRequestToken": "t".repeat(32),
        "PipelineDefinition": definition})
}
