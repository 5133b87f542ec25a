//! What a commit asks for at a model's home: code, data, package group, pipeline, run, approvals.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::source::Source;
use super::{CompileError, Subject, definition, role_arn, run, source, tags};
use crate::config::model::{Approval, EnvironmentMode};
use crate::resource::archive;
use crate::resource::broken::Broken;
use crate::resource::canonical;
use crate::resource::desired::{Content, Desired, Key, Resource, Run};
use crate::resource::kind::Kind;
use crate::resource::kinds::{CODE_OBJECT, MODEL_PACKAGE, MODEL_PACKAGE_GROUP, PIPELINE};
use crate::resource::lifecycle::Lifecycle;
use crate::resource::owner;
use crate::resource::unit::Unit;

/// Compiles the home of a model.
pub fn home(subject: &Subject<'_>) -> Result<Desired, CompileError> {
    let config = subject.config;
    let lifecycle = subject.lifecycle(config.drift, config.state, config.deletion);
    if lifecycle.is_absent() {
        let former = vec![(&PIPELINE, config.name.clone())];
        return Ok(desired(subject, lifecycle, Vec::new(), None, former));
    }
    let scope = subject.home_scope();
    let source = source::read(subject)?;
    let run = wanted_run(subject, &source)?;
    let prefix = subject.prefix(&scope);

    let mut resources = vec![
        object(
            subject,
            "code",
            run.code.clone(),
            Content::Archive(source.training.clone()),
            "/training/entry_point",
        ),
        object(
            subject,
            "serving",
            run.serving.clone(),
            Content::Archive(source.serving.clone()),
            "/serving",
        ),
    ];
    for (name, dataset) in &config.data {
        let path = subject.path(&dataset.file);
        let file = subject
            .snapshot
            .files
            .get(&path)
            .ok_or(CompileError::NoFile { path })?;
        let uri = data_uri(&prefix, &dataset.file, &canonical::sha256(&file.bytes));
        let content = Content::Bytes(file.bytes.clone());
        resources.push(object(
            subject,
            &format!("data:{name}"),
            uri,
            content,
            &format!("/data/{name}"),
        ));
    }
    resources.push(group(subject));
    resources.push(pipeline(subject, &source)?);
    resources.extend(approvals(subject));
    let run = Some(run.run);
    Ok(desired(subject, lifecycle, resources, run, Vec::new()))
}

fn desired(
    subject: &Subject<'_>,
    lifecycle: Lifecycle,
    resources: Vec<Resource>,
    run: Option<Run>,
    former: Vec<(&'static Kind, String)>,
) -> Desired {
    let unit = Unit::home(&subject.config.name);
    Desired {
        owner: owner::owner(&subject.installation.installation, &unit),
        unit,
        scope: subject.home_scope(),
        commit: subject.snapshot.commit.0.clone(),
        resources,
        run,
        former,
        removal: (subject.origin)("/deletion"),
        release: None,
        attempt: 1,
        production: false,
        lifecycle,
        suspension: subject.config.suspend.clone(),
        broken: Broken::Nothing,
    }
}

struct Wanted {
    run: Run,
    code: String,
    serving: String,
}

fn wanted_run(subject: &Subject<'_>, source: &Source) -> Result<Wanted, CompileError> {
    let config = subject.config;
    let prefix = subject.prefix(&subject.home_scope());
    let digest = run::digest(subject, source)?;
    let serving_digest = source.serving_digest();
    let code = code_uri(&prefix, &archive::digest(&source.training));
    let serving = code_uri(&prefix, &archive::digest(&source.serving));
    let mut parameters = vec![
        (definition::CODE_URI.to_owned(), code.clone()),
        (definition::SERVING_URI.to_owned(), serving.clone()),
        (
            definition::SERVING_DIGEST.to_owned(),
            serving_digest.clone(),
        ),
        (definition::RUN_DIGEST.to_owned(), digest.clone()),
        (
            definition::COMMIT.to_owned(),
            subject.snapshot.commit.0.clone(),
        ),
    ];
    for (name, content) in run::contents(subject)? {
        let content = content.as_str().unwrap_or_default().to_owned();
        let hash = content.rsplit(':').next().unwrap_or_default();
        parameters.push((
            definition::data_uri(&name),
            data_uri(&prefix, &config.data[&name].file, hash),
        ));
        parameters.push((definition::data_digest(&name), content));
    }
    let gates = config
        .evaluation
        .as_ref()
        .map(|evaluation| json!(evaluation.gates));
    let run = Run {
        digest,
        pipeline: config.name.clone(),
        group: subject.group().to_owned(),
        parameters: parameters
            .into_iter()
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect(),
        serving: serving_digest,
        serving_uri: serving.clone(),
        gates: canonical::digest(&gates.unwrap_or(Value::Null)),
        origin: (subject.origin)("/training"),
    };
    Ok(Wanted { run, code, serving })
}

fn code_uri(prefix: &str, digest: &str) -> String {
    format!("{prefix}/code/{digest}/sourcedir.tar.gz")
}

fn data_uri(prefix: &str, file: &str, digest: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    format!("{prefix}/data/{digest}/{name}")
}

fn object(
    subject: &Subject<'_>,
    role: &str,
    uri: String,
    content: Content,
    pointer: &str,
) -> Resource {
    Resource {
        key: Key::new(&CODE_OBJECT, role),
        kind: &CODE_OBJECT,
        stem: uri,
        body: json!({}).into(),
        tags: owner::Tags::new(),
        content: Some(content),
        verify: Vec::new(),
        after: Vec::new(),
        origin: (subject.origin)(pointer),
    }
}

fn group(subject: &Subject<'_>) -> Resource {
    let config = subject.config;
    let mut body = json!({});
    if let Some(description) = &config.description {
        body["ModelPackageGroupDescription"] = description.clone().into();
    }
    Resource {
        key: Key::new(&MODEL_PACKAGE_GROUP, ""),
        kind: &MODEL_PACKAGE_GROUP,
        stem: subject.group().to_owned(),
        body: body.into(),
        tags: tags(config, &config.tags),
        content: None,
        verify: Vec::new(),
        after: Vec::new(),
        origin: (subject.origin)("/registration").or_else(|| (subject.origin)("/name")),
    }
}

fn pipeline(subject: &Subject<'_>, source: &Source) -> Result<Resource, CompileError> {
    let config = subject.config;
    let definition = canonical::text(&definition::definition(subject, source)?);
    let mut body = json!({
        "RoleArn": role_arn(&config.roles, &config.account, &config.name),
        "PipelineDefinition": definition,
    });
    if let Some(description) = &config.description {
        body["PipelineDescription"] = description.clone().into();
    }
    body["ClientRequestToken"] =
        canonical::digest(&json!({"pipeline": config.name, "body": body})).into();
    Ok(Resource {
        key: Key::new(&PIPELINE, ""),
        kind: &PIPELINE,
        stem: config.name.clone(),
        body: body.into(),
        tags: tags(config, &config.tags),
        content: None,
        verify: Vec::new(),
        after: Vec::new(),
        origin: (subject.origin)("/training"),
    })
}

/// A package is approved once Git says that it may serve users: the registry follows.
fn approvals(subject: &Subject<'_>) -> Vec<Resource> {
    let config = subject.config;
    let auto = config.registration.approval == Approval::Auto;
    let approved: BTreeSet<&str> = config
        .environments
        .iter()
        .filter(|environment| auto || environment.mode == EnvironmentMode::Production)
        .filter_map(|environment| subject.releases.get(&environment.name))
        .flat_map(|release| {
            release
                .packages
                .values()
                .map(|package| package.arn.as_str())
        })
        .collect();
    approved
        .into_iter()
        .map(|arn| Resource {
            key: Key::new(&MODEL_PACKAGE, arn),
            kind: &MODEL_PACKAGE,
            stem: arn.to_owned(),
            body: json!({"ModelApprovalStatus": "Approved"}).into(),
            tags: owner::Tags::new(),
            content: None,
            verify: Vec::new(),
            after: Vec::new(),
            origin: (subject.origin)("/registration").or_else(|| (subject.origin)("/name")),
        })
        .collect()
}
