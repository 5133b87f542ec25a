//! Processing jobs: the container's contract, before and after the program runs.

use std::fs;

use serde_json::{Value, json};

use super::programs;
use super::strings;
use super::toolkit::HOST;
use crate::local::engine::Engine;
use crate::local::interpreters::entry;
use crate::local::paths::rewrite;
use crate::local::place::{self, Place, PlaceError, client, upload_folder};
use crate::local::process::Program;
use crate::world::work::Job;

/// Characters of an exit message (the service model's figure).
const EXIT_MESSAGE_CHARS: usize = 1024;

/// Writes everything that the program finds, and says how it is started.
pub(super) fn prepare(engine: &Engine, job: &Job, place: &Place) -> Result<Program, PlaceError> {
    let request = &job.request;
    for folder in ["config", "output", "processing"] {
        place.make(folder)?;
    }
    for input in request["ProcessingInputs"].as_array().into_iter().flatten() {
        fetch(engine, input, place)?;
        if let Some(folder) = input["S3Input"]["LocalPath"].as_str()
            && names_program(request, folder)
        {
            programs::adapt(place, &place.container_path(folder)?)?;
        }
    }
    for output in outputs(request) {
        let (path, _) = output?;
        let folder = place.container_path(path)?;
        fs::create_dir_all(&folder).map_err(|error| PlaceError::Io {
            doing: "create",
            path: folder.clone(),
            reason: error.to_string(),
        })?;
    }
    let cluster = &request["ProcessingResources"]["ClusterConfig"];
    let mut about = request.clone();
    about["ProcessingJobArn"] = json!(arn(job));
    place.write("config/processingjobconfig.json", &about)?;
    place.write(
        "config/resourceconfig.json",
        &json!({
            "current_host": HOST, "hosts": [HOST], "network_interface_name": "lo",
            "current_instance_type": cluster["InstanceType"],
        }),
    )?;

    let (name, args) = command(request, place)?;
    let mut env = place.base_env(engine);
    env.insert("PROCESSING_JOB_NAME".to_owned(), job.name.clone());
    env.insert("PROCESSING_JOB_ARN".to_owned(), arn(job));
    place.add_env(&mut env, request.get("Environment"));
    place.program(engine, &name, args, env, place.root())
}

/// The program and its arguments: those that the request names, or those of the image's row.
fn command(request: &Value, place: &Place) -> Result<(String, Vec<String>), PlaceError> {
    let root = place.root_text();
    let specification = &request["AppSpecification"];
    let asked: Vec<&str> = strings(specification.get("ContainerEntrypoint")).collect();
    let words = if asked.is_empty() {
        place.image().process.iter().map(String::as_str).collect()
    } else {
        asked
    };
    let arguments = strings(specification.get("ContainerArguments"));
    let arguments: Vec<&str> = if words.is_empty() {
        Vec::new()
    } else {
        arguments.collect()
    };
    let words = words.into_iter().chain(arguments);
    entry(words.map(|word| rewrite(word, &root))).ok_or_else(|| {
        client(
            "no program to run: set AppSpecification.ContainerEntrypoint, or `process` in the table \
             of images (images are not run locally)",
        )
    })
}

/// Whether what is started lies in that folder of the container.
fn names_program(request: &Value, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    strings(request["AppSpecification"].get("ContainerEntrypoint"))
        .filter_map(|word| word.strip_prefix(folder))
        .any(|rest| rest.starts_with('/'))
}

fn fetch(engine: &Engine, input: &Value, place: &Place) -> Result<(), PlaceError> {
    if input["AppManaged"] == true {
        return Ok(());
    }
    let name = input["InputName"].as_str().unwrap_or_default();
    let Some(source) = input.get("S3Input") else {
        return Err(client(format!(
            "input {name}: only S3 inputs are supported locally"
        )));
    };
    let uri = source["S3Uri"].as_str().unwrap_or_default();
    let path = source["LocalPath"].as_str().unwrap_or_default();
    let to = place.container_path(path)?;
    match source["S3DataType"].as_str() {
        Some("ManifestFile") => place.download_manifest(engine, uri, &to),
        _ => place::download(engine, uri, &to),
    }
}

/// The folder and the S3 prefix of each output that the service uploads.
fn outputs(request: &Value) -> impl Iterator<Item = Result<(&str, &str), PlaceError>> {
    let all = request["ProcessingOutputConfig"]["Outputs"].as_array();
    all.into_iter()
        .flatten()
        .filter(|output| output["AppManaged"] != true)
        .map(|output| {
            let target = &output["S3Output"];
            target["LocalPath"]
                .as_str()
                .zip(target["S3Uri"].as_str())
                .ok_or_else(|| {
                    client("an output has no S3 target: others are not supported locally")
                })
        })
}

fn arn(job: &Job) -> String {
    format!(
        "arn:aws:sagemaker:{}:{}:processing-job/{}",
        job.scope.region,
        job.scope.account,
        job.name.to_lowercase()
    )
}

/// Uploads every output.
pub(super) fn collect(engine: &Engine, job: &Job, place: &Place) -> Result<(), PlaceError> {
    for output in outputs(&job.request) {
        let (path, uri) = output?;
        let folder = place.container_path(path)?;
        if folder.is_dir() {
            upload_folder(engine, &folder, uri)?;
        }
    }
    Ok(())
}

/// What the program wrote for people.
pub(super) fn exit_message(place: &Place) -> Option<String> {
    let bytes = fs::read(place.path("output/message")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text: String = text.trim().chars().take(EXIT_MESSAGE_CHARS).collect();
    (!text.is_empty()).then_some(text)
}
