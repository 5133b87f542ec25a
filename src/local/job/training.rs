//! Training jobs: the container's contract, before and after the program runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::programs;
use super::toolkit::{self, Facts, HOST};
use crate::config::Mode;
use crate::local::archive;
use crate::local::engine::Engine;
use crate::local::interpreters::{RSCRIPT, entry, is_r};
use crate::local::paths::rewrite;
use crate::local::place::{Place, PlaceError, client, download, has_files, upload, upload_folder};
use crate::local::process::{Exit, Program};
use crate::local::requirements;
use crate::world::work::Job;

/// The folders that a container finds, whether anything is in them or not.
const FOLDERS: &[&str] = &[
    "code",
    "checkpoints",
    "input/config",
    "input/data",
    "model",
    "output/data",
    "output/intermediate",
];

/// Writes everything that the program finds, and says how it is started.
pub(super) fn prepare(engine: &Engine, job: &Job, place: &Place) -> Result<Program, PlaceError> {
    let request = &job.request;
    for folder in FOLDERS {
        place.make(folder)?;
    }
    let channels = download_channels(engine, request, place)?;
    let resources = resources(request);
    let hyperparameters = request.get("HyperParameters");
    let given = hyperparameters.cloned().unwrap_or_else(|| json!({}));
    place.write("input/config/hyperparameters.json", &given)?;
    place.write(
        "input/config/inputdataconfig.json",
        &Value::Object(channels.clone()),
    )?;
    place.write("input/config/resourceconfig.json", &resources)?;

    let all = toolkit::decoded(hyperparameters);
    let own = toolkit::own(&all);
    let environment = |name: &str| request["Environment"][name].as_str();
    let setting = |parameter: &str, variable: &str| {
        let value = all.get(parameter).and_then(Value::as_str);
        value.or_else(|| environment(variable)).map(str::to_owned)
    };
    let program = setting("sagemaker_program", "SAGEMAKER_PROGRAM");
    let submitted = setting("sagemaker_submit_directory", "SAGEMAKER_SUBMIT_DIRECTORY")
        .unwrap_or_else(|| "/opt/ml/code".to_owned());
    let code = if submitted.starts_with("s3://") {
        let code = place.path("code");
        place.unpack(engine, &submitted, &code)?;
        code
    } else {
        place.container_path(&submitted)?
    };
    programs::adapt(place, &code)?;

    let root = place.root_text();
    let mut env = place.base_env(engine);
    let facts = Facts {
        job: &job.name,
        root: &root,
        program: program.as_deref().unwrap_or_default(),
        submitted: &submitted,
        own: &own,
        channels: &channels,
        resources: &resources,
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
    };
    if place.image().mode == Mode::Script {
        env.extend(toolkit::environment(&facts));
    }
    env.insert("TRAINING_JOB_NAME".to_owned(), job.name.clone());
    env.insert("TRAINING_JOB_ARN".to_owned(), arn(job));
    place.add_env(&mut env, request.get("Environment"));

    let (name, args) = command(request, place, program, &own)?;
    let program = place.program(engine, &name, args, env, code.clone())?;
    requirements::with(engine, place, program, &code)
}

/// The program and its arguments: the request's own entry point, the image's, or script mode's.
fn command(
    request: &Value,
    place: &Place,
    program: Option<String>,
    own: &BTreeMap<String, Value>,
) -> Result<(String, Vec<String>), PlaceError> {
    let root = place.root_text();
    let algorithm = &request["AlgorithmSpecification"];
    let words = |member: &str| {
        super::strings(algorithm.get(member))
            .map(|word| rewrite(word, &root))
            .collect::<Vec<_>>()
    };
    let mut started = words("ContainerEntrypoint");
    if started.is_empty() && place.image().mode == Mode::Entrypoint {
        started = place.entry_point(&place.image().train, "train");
    }
    if !started.is_empty() {
        started.extend(words("ContainerArguments"));
        return Ok(entry(started).unwrap_or_default());
    }
    let program = program.ok_or_else(|| {
        client(
            "no program to run: set the hyperparameters sagemaker_program and \
             sagemaker_submit_directory, or AlgorithmSpecification.ContainerEntrypoint, or `mode: \
             entrypoint` in the table of images (images are not run locally)",
        )
    })?;
    let name = if Path::new(&program).extension() == Some(OsStr::new("sh")) {
        "sh"
    } else if is_r(&program) {
        RSCRIPT
    } else {
        "python3"
    };
    let args = toolkit::arguments(own).into_iter();
    let args = args.map(|word| rewrite(&word, &root));
    Ok((
        name.to_owned(),
        std::iter::once(program).chain(args).collect(),
    ))
}

fn download_channels(
    engine: &Engine,
    request: &Value,
    place: &Place,
) -> Result<Map<String, Value>, PlaceError> {
    let mut channels = Map::new();
    for channel in request["InputDataConfig"].as_array().into_iter().flatten() {
        let name = channel["ChannelName"].as_str().unwrap_or_default();
        let to = place.container_path(&format!("/opt/ml/input/data/{name}"))?;
        let source = &channel["DataSource"]["S3DataSource"];
        let uri = source["S3Uri"].as_str().unwrap_or_default();
        match source["S3DataType"].as_str() {
            Some("S3Prefix") => download(engine, uri, &to)?,
            Some("ManifestFile") => place.download_manifest(engine, uri, &to)?,
            other => {
                return Err(client(format!(
                    "channel {name}: the data type {} is not supported locally",
                    other.unwrap_or("(none)")
                )));
            }
        }
        if programs::CHANNELS.contains(&name) {
            programs::adapt(place, &to)?;
        }
        let mut about = Map::new();
        about.insert("TrainingInputMode".to_owned(), json!("File"));
        about.insert("S3DistributionType".to_owned(), json!("FullyReplicated"));
        about.insert("RecordWrapperType".to_owned(), json!("None"));
        if let Some(content_type) = channel.get("ContentType") {
            about.insert("ContentType".to_owned(), content_type.clone());
        }
        channels.insert(name.to_owned(), Value::Object(about));
    }
    Ok(channels)
}

fn resources(request: &Value) -> Value {
    let instance_type = &request["ResourceConfig"]["InstanceType"];
    json!({
        "current_host": HOST, "hosts": [HOST], "network_interface_name": "lo",
        "current_instance_type": instance_type, "current_group_name": "homogeneousCluster",
        "instance_groups": [{
            "instance_group_name": "homogeneousCluster", "instance_type": instance_type,
            "hosts": [HOST],
        }],
    })
}

fn arn(job: &Job) -> String {
    format!(
        "arn:aws:sagemaker:{}:{}:training-job/{}",
        job.scope.region,
        job.scope.account,
        job.name.to_lowercase()
    )
}

/// Uploads what the program left, whatever its end; gives the artefact's URI. A job that did not
/// complete keeps its output but has no model to show unless it was stopped.
pub(super) fn collect(
    engine: &Engine,
    job: &Job,
    place: &Place,
    with_model: bool,
) -> Result<Option<String>, PlaceError> {
    let config = &job.request["OutputDataConfig"];
    let prefix = config["S3OutputPath"].as_str().unwrap_or_default();
    let prefix = format!("{}/{}/output", prefix.trim_end_matches('/'), job.name);
    let output = place.path("output/data");
    if has_files(&output) {
        let packed = place.beside("output.tar.gz");
        archive::pack(&output, &packed)?;
        upload(engine, &packed, &format!("{prefix}/output.tar.gz"))?;
    }
    if !with_model {
        return Ok(None);
    }
    let model = place.path("model");
    if config["CompressionType"] == "NONE" {
        upload_folder(engine, &model, &format!("{prefix}/model"))?;
        return Ok(Some(format!("{prefix}/model/")));
    }
    let packed = place.beside("model.tar.gz");
    archive::pack(&model, &packed)?;
    let uri = format!("{prefix}/model.tar.gz");
    upload(engine, &packed, &uri)?;
    Ok(Some(uri))
}

/// Why a job whose program ended so has failed.
pub(super) fn failure(place: &Place, exit: &Exit) -> String {
    let told = fs::read(place.path("output/failure")).unwrap_or_default();
    let told = String::from_utf8_lossy(&told);
    let reason = if told.trim().is_empty() {
        exit.last_error_line.as_str()
    } else {
        told.trim()
    };
    let reason: String = reason.chars().take(1024).collect();
    format!("AlgorithmError: {reason}, exit code: {}", exit.shell_code())
}
