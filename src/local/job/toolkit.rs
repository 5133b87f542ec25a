//! Script mode: what the training toolkit makes of a job's request, as pure functions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The name of the only host.
pub(super) const HOST: &str = "algo-1";
/// Hyperparameters that are the toolkit's own begin so, or are what a tuning job adds.
const OWN_PREFIX: &str = "sagemaker_";
const OBJECTIVE: &str = "_tuning_objective_metric";

/// Hyperparameters as they are meant: each value is JSON if it parses as such, else the string
/// itself.
pub(super) fn decoded(given: Option<&Value>) -> BTreeMap<String, Value> {
    let pairs = given.and_then(Value::as_object);
    pairs
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value.as_str().unwrap_or_default();
            let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            (name.clone(), value)
        })
        .collect()
}

/// The user's own among them.
pub(super) fn own(all: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let users = all
        .iter()
        .filter(|(name, _)| !name.starts_with(OWN_PREFIX) && *name != OBJECTIVE);
    users.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The program's arguments: `--name value`, or `-n value` for one letter, in order of names.
pub(super) fn arguments(own: &BTreeMap<String, Value>) -> Vec<String> {
    let mut args = Vec::with_capacity(own.len() * 2);
    for (name, value) in own {
        let dashes = if name.chars().count() == 1 { "-" } else { "--" };
        args.push(format!("{dashes}{name}"));
        args.push(python_str(value));
    }
    args
}

/// A value as Python's `str()` shows it, which is what the toolkit passes.
fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

fn python_repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let escaped = text.replace('\\', "\\\\").replace('\n', "\\n");
            if escaped.contains('\'') && !escaped.contains('"') {
                format!("\"{escaped}\"")
            } else {
                format!("'{}'", escaped.replace('\'', "\\'"))
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{}: {}", python_repr(&json!(name)), python_repr(value))
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// What the program's environment is made of.
pub(super) struct Facts<'a> {
    /// The job's name.
    pub(super) job: &'a str,
    /// `/opt/ml` on this machine.
    pub(super) root: &'a str,
    /// The program, relative to the code's folder.
    pub(super) program: &'a str,
    /// Where the code came from.
    pub(super) submitted: &'a str,
    /// The user's hyperparameters.
    pub(super) own: &'a BTreeMap<String, Value>,
    /// Channels with their configuration.
    pub(super) channels: &'a Map<String, Value>,
    /// `resourceconfig.json`.
    pub(super) resources: &'a Value,
    /// Processors of this machine.
    pub(super) cpus: usize,
}

/// Every `SM_` variable.
pub(super) fn environment(facts: &Facts<'_>) -> BTreeMap<String, String> {
    let root = facts.root;
    let module = facts.program.strip_suffix(".py").unwrap_or(facts.program);
    let names: Vec<&String> = facts.channels.keys().collect();
    let args = arguments(facts.own);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let instance_type = text(&facts.resources["current_instance_type"]);
    let training_env = json!({
        "job_name": facts.job,
        "channel_input_dirs": facts.channels.keys()
            .map(|name| (name.clone(), json!(format!("{root}/input/data/{name}"))))
            .collect::<Map<_, _>>(),
        "current_host": HOST, "hosts": [HOST], "is_master": true, "master_hostname": HOST,
        "current_instance_type": instance_type,
        "hyperparameters": facts.own, "input_data_config": facts.channels,
        "resource_config": facts.resources, "network_interface_name": "lo",
        "input_dir": format!("{root}/input"), "input_config_dir": format!("{root}/input/config"),
        "model_dir": format!("{root}/model"), "output_dir": format!("{root}/output"),
        "output_data_dir": format!("{root}/output/data"),
        "output_intermediate_dir": format!("{root}/output/intermediate"),
        "module_name": module, "module_dir": facts.submitted,
        "user_entry_point": facts.program, "num_cpus": facts.cpus, "num_gpus": 0,
        "num_neurons": 0, "log_level": 20, "additional_framework_parameters": {},
    });
    let groups = &facts.resources["instance_groups"];
    let mut env = BTreeMap::new();
    let mut set = |name: &str, value: String| env.insert(format!("SM_{name}"), value);
    set("HOSTS", json!([HOST]).to_string());
    set("CURRENT_HOST", HOST.to_owned());
    set("MASTER", HOST.to_owned());
    set("IS_MASTER", "true".to_owned());
    set("CURRENT_INSTANCE_TYPE", instance_type);
    set("CURRENT_INSTANCE_GROUP", "homogeneousCluster".to_owned());
    set("CURRENT_INSTANCE_GROUP_HOSTS", json!([HOST]).to_string());
    set("INSTANCE_GROUPS", json!(["homogeneousCluster"]).to_string());
    set(
        "INSTANCE_GROUPS_DICT",
        json!({"homogeneousCluster": groups[0]}).to_string(),
    );
    set("IS_HETERO", "false".to_owned());
    set("NETWORK_INTERFACE_NAME", "lo".to_owned());
    set("NUM_CPUS", facts.cpus.to_string());
    set("NUM_GPUS", "0".to_owned());
    set("NUM_NEURONS", "0".to_owned());
    set("CHANNELS", json!(names).to_string());
    set("MODEL_DIR", format!("{root}/model"));
    set("INPUT_DIR", format!("{root}/input"));
    set("INPUT_CONFIG_DIR", format!("{root}/input/config"));
    set("OUTPUT_DIR", format!("{root}/output"));
    set("OUTPUT_DATA_DIR", format!("{root}/output/data"));
    set(
        "OUTPUT_INTERMEDIATE_DIR",
        format!("{root}/output/intermediate"),
    );
    set("HPS", json!(facts.own).to_string());
    set("USER_ARGS", json!(args).to_string());
    set("MODULE_NAME", module.to_owned());
    set("MODULE_DIR", facts.submitted.to_owned());
    set("USER_ENTRY_POINT", facts.program.to_owned());
    set("FRAMEWORK_MODULE", String::new());
    set("FRAMEWORK_PARAMS", "{}".to_owned());
    set("RESOURCE_CONFIG", facts.resources.to_string());
    set(
        "INPUT_DATA_CONFIG",
        Value::Object(facts.channels.clone()).to_string(),
    );
    set("LOG_LEVEL", "20".to_owned());
    set("TRAINING_ENV", training_env.to_string());
    for name in names {
        let shouted = name.to_uppercase().replace('-', "_");
        set(
            &format!("CHANNEL_{shouted}"),
            format!("{root}/input/data/{name}"),
        );
    }
    for (name, value) in facts.own {
        let shouted = name.to_uppercase().replace('-', "_");
        set(&format!("HP_{shouted}"), text(value));
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Value {
        json!({
            "epochs": "10", "rate": "0.5", "name": "\"adam\"", "plain": "adam",
            "layers": "[1, \"a\"]", "fast": "true", "k": "v",
            "sagemaker_program": "\"train.py\"", "_tuning_objective_metric": "auc",
        })
    }

    #[test]
    fn hyperparameters_become_arguments() {
        let own = own(&decoded(Some(&given())));
        let args = arguments(&own).join(" ");
        assert_eq!(
            args,
            "--epochs 10 --fast True -k v --layers [1, 'a'] --name adam --plain adam --rate 0.5"
        );
    }

    #[test]
    fn the_environment_is_the_toolkits() {
        let channels = json!({"train-set": {"TrainingInputMode": "File"}});
        let resources = json!({"current_instance_type": "ml.m5.large", "instance_groups": [{}]});
        let own = own(&decoded(Some(&given())));
        let env = environment(&Facts {
            job: "j",
            root: "/w",
            program: "train.py",
            submitted: "s3://b/code.tar.gz",
            own: &own,
            channels: channels.as_object().unwrap(),
            resources: &resources,
            cpus: 2,
        });
        let check = |name: &str, value: &str| {
            assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
        };
        check("SM_CHANNEL_TRAIN_SET", "/w/input/data/train-set");
        check("SM_CHANNELS", "[\"train-set\"]");
        check("SM_MODEL_DIR", "/w/model");
        check("SM_HP_EPOCHS", "10");
        check("SM_HP_NAME", "adam");
        check("SM_HP_FAST", "true");
        check("SM_MODULE_NAME", "train");
        check("SM_CURRENT_INSTANCE_TYPE", "ml.m5.large");
        assert!(!env.keys().any(|name| name.contains("SAGEMAKER")));
    }
}
