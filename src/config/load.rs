//! From a snapshot to configuration: `trueup.yaml`, then each model by itself.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::census::Census;
use super::commits::Policy;
use super::companion::{self, Companions};
use super::compose::{INHERITED, compose};
use super::document::{Origins, split};
use super::file::ConfigFile;
use super::installation::{DEFAULT_MODELS, Installation};
use super::lint::{self, Ignored, Subject};
use super::model::ModelConfig;
use super::yaml::{self, Kind, Node};
use super::{INSTALLATION_FILE, MODEL_FILE, Quarantined, below, shape};
use crate::diagnostic::{Diagnostic, any_error, settle};
use crate::limits;
use crate::pin::Pin;
use crate::release::Release;
use crate::snapshot::{Snapshot, glob};

/// What a snapshot says.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// `trueup.yaml`; absent if it is missing or has an error.
    pub installation: Option<Installation>,
    /// The models, by folder.
    pub models: Vec<LoadedModel>,
    /// Findings about the repository as a whole; those about a model are with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// One model, or why there is none.
#[derive(Debug, Clone)]
pub struct LoadedModel {
    /// The folder of its `config.yaml`; empty for the repository's root.
    pub folder: String,
    /// Its name, where at least that could be read.
    pub name: Option<String>,
    /// The configuration; absent if any finding is an error.
    pub config: Option<ModelConfig>,
    /// Dataset to pin, where it could be read.
    pub pins: BTreeMap<String, Pin>,
    /// Environment to release, where it could be read.
    pub releases: BTreeMap<String, Release>,
    /// Packages that automation must not use.
    pub quarantine: Vec<Quarantined>,
    /// Where each value of the composed configuration was written. Environments stand under their
    /// names, as in `/environments/production/deployment/variants/AllTraffic/instance_type`.
    pub origins: Origins,
    /// The findings: in the order of the files, at most [`limits::DIAGNOSTICS_MAX`] and one that
    /// counts the rest.
    pub diagnostics: Vec<Diagnostic>,
    /// What comments in its `config.yaml` ignore.
    pub ignored: Vec<Ignored>,
}

/// Reads a whole repository. Never fails; a model that cannot be used affects no other.
pub fn load(snapshot: &Snapshot) -> Loaded {
    let (installation, mut diagnostics) = load_installation(snapshot);
    let folders = folders(snapshot, installation.as_ref(), &mut diagnostics);
    let mut census = Census::default();
    let mut models: Vec<_> = folders
        .iter()
        .map(|folder| read(snapshot, folder, installation.as_ref()))
        .collect();
    for model in &models {
        census.record(model);
    }
    for model in &mut models {
        census.refuse(model);
    }
    if let Some(installation) = &installation {
        let removals = census.removals().into_iter();
        let held = removals.filter(|removal| removal.is_held(installation));
        diagnostics.extend(held.map(|removal| removal.finding()));
        diagnostics.extend(Policy::read(snapshot, installation).1);
    }
    Loaded {
        installation,
        models,
        diagnostics: settle(diagnostics),
    }
}

/// Reads the model in `folder` by itself. Names that two models claim are a [`Census`]'s affair.
pub fn load_model(snapshot: &Snapshot, folder: &str, installation: &Installation) -> LoadedModel {
    read(snapshot, folder, Some(installation))
}

/// Reads a release file by itself; `None` where it cannot be used.
pub fn read_release(bytes: &[u8]) -> Option<Release> {
    companion::typed("release", bytes, &shape::RELEASE, &mut Vec::new())
}

/// Reads `trueup.yaml`; where there is none, a finding that is an error says why.
pub fn load_installation(snapshot: &Snapshot) -> (Option<Installation>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let installation = installation(snapshot, &mut findings);
    if let Some(installation) = &installation
        && !installation.models.ends_with(MODEL_FILE)
    {
        let message = format!(
            "`models` is `{}`, but takes a pattern of paths to {MODEL_FILE}",
            installation.models.escape_debug()
        );
        let help = format!("write `models: {DEFAULT_MODELS}`");
        let span = yaml::first_byte(INSTALLATION_FILE);
        findings.push(Diagnostic::error("S002", span, message).help(help));
    }
    if let Some(installation) = &installation {
        findings.extend(idle_settings(snapshot, installation));
    }
    (installation, settle(findings))
}

/// What trueup.yaml says to the linter and means nothing. The file is read once more for the places.
fn idle_settings(snapshot: &Snapshot, installation: &Installation) -> Vec<Diagnostic> {
    let bytes = snapshot.files.get(INSTALLATION_FILE);
    let root = bytes.and_then(|file| yaml::read(INSTALLATION_FILE, &file.bytes).root);
    let origins = root.map(|root| split(INSTALLATION_FILE, &root).1);
    lint::idle(&installation.lint, &origins.unwrap_or_default())
}

/// Says that the `config.yaml` at `path` is not among the commit's files, and why.
pub fn left_out(path: &str, why: &str) -> Diagnostic {
    let message = format!("the file was left out of the commit's files: {why}");
    Diagnostic::error("F002", yaml::first_byte(path), message)
}

/// Says that there are more models than [`limits::MODELS_MAX`].
pub fn too_many_models(count: usize) -> Diagnostic {
    let message = format!("{count} models, of at most {}", limits::MODELS_MAX);
    Diagnostic::error("S000", yaml::first_byte(INSTALLATION_FILE), message)
}

fn installation(snapshot: &Snapshot, findings: &mut Vec<Diagnostic>) -> Option<Installation> {
    if let Some(file) = snapshot.files.get(INSTALLATION_FILE) {
        return companion::typed(
            INSTALLATION_FILE,
            &file.bytes,
            &shape::INSTALLATION,
            findings,
        );
    }
    let span = yaml::first_byte(INSTALLATION_FILE);
    let message = match snapshot.skipped.get(INSTALLATION_FILE) {
        Some(why) => format!("trueup.yaml was left out of the commit's files: {why}"),
        None => "there is no trueup.yaml at the repository's root".to_owned(),
    };
    let finding = Diagnostic::error("S002", span, message);
    let help = "write `version: 1`, `installation: <name>` and `scopes: [\"<account>/<region>\"]`";
    findings.push(finding.help(help));
    None
}

/// The folders that hold a model.
fn folders(
    snapshot: &Snapshot,
    installation: Option<&Installation>,
    findings: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let pattern = installation.map_or(DEFAULT_MODELS, |installation| installation.models.as_str());
    // The pattern decides, and a model at the root counts too.
    let is_model =
        |path: &str| path == MODEL_FILE || (is_model_file(path) && glob::matches(pattern, path));
    for (path, why) in snapshot.skipped.iter().filter(|(path, _)| is_model(path)) {
        findings.push(left_out(path, why));
    }
    let paths = snapshot.files.keys().filter(|path| is_model(path));
    let mut folders: Vec<_> = paths
        .map(|path| {
            path.strip_suffix(MODEL_FILE)
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned()
        })
        .collect();
    if folders.len() > limits::MODELS_MAX {
        findings.push(too_many_models(folders.len()));
        folders.truncate(limits::MODELS_MAX);
    }
    folders
}

fn is_model_file(path: &str) -> bool {
    path.strip_suffix(MODEL_FILE)
        .is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

fn read(snapshot: &Snapshot, folder: &str, installation: Option<&Installation>) -> LoadedModel {
    let read = || read_model(snapshot, folder, installation);
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| defective(folder))
}

fn read_model(
    snapshot: &Snapshot,
    folder: &str,
    installation: Option<&Installation>,
) -> LoadedModel {
    let mut findings = Vec::new();
    let companions = companion::read(snapshot, folder, &mut findings);
    let path = below(folder, MODEL_FILE);
    let composed = if let Some(file) = snapshot.files.get(&path) {
        read_config(&path, &file.bytes, &mut findings)
    } else {
        let span = yaml::first_byte(&path);
        findings.push(Diagnostic::error("F002", span, "there is no such file"));
        None
    };
    let mut origins = Origins::default();
    let mut name = None;
    let mut config = None;
    let mut ignored = Vec::new();
    if let Some(mut composed) = composed {
        if composed.bounded {
            let subject = composed.subject(snapshot, folder, installation, &companions);
            findings.extend(lint::check(&subject));
            let commented = lint::ignore::Commented {
                file: &path,
                text: snapshot.text(&path).unwrap_or_default(),
                root: &composed.written,
            };
            let now = snapshot.time;
            ignored = lint::ignore::apply(&commented, now, installation, &mut findings);
        }
        name = composed
            .document
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if !any_error(&findings) {
            config = composed.typed(&mut findings);
        }
        origins = composed.origins;
    }
    LoadedModel {
        folder: folder.to_owned(),
        name,
        config,
        pins: companions.pins,
        releases: companions.releases,
        quarantine: companions.quarantine,
        origins,
        diagnostics: settle(findings),
        ignored,
    }
}

/// One `config.yaml` after composition.
struct Composed {
    written: Node,
    document: Value,
    origins: Origins,
    /// The environments in the order of the file.
    environments: Vec<String>,
    /// Whether it is a map in which every collection is within its bound, so that rules may
    /// compare all with all.
    bounded: bool,
}

fn read_config(path: &str, bytes: &[u8], findings: &mut Vec<Diagnostic>) -> Option<Composed> {
    let read = yaml::read(path, bytes);
    findings.extend(read.diagnostics);
    let root = read.root?;
    let (written, places) = split(path, &root);
    findings.extend(shape::PARTIAL.check(&written, &places));
    let over = oversized(&root);
    if let Some(mark) = over {
        let message = format!("more than {} entries in one place", limits::COLLECTION_MAX);
        findings.push(Diagnostic::error("S000", mark.span(path), message));
    }
    let environments = root.get("environments").map_or(&[][..], Node::entries);
    let inherited: usize = INHERITED
        .iter()
        .filter_map(|key| root.get(key))
        .map(nodes)
        .sum();
    if inherited.saturating_mul(environments.len()) > limits::YAML_NODES_MAX {
        let message = format!(
            "more than {} values once every environment has its own",
            limits::YAML_NODES_MAX
        );
        findings.push(Diagnostic::error(
            "S000",
            places.key("/environments"),
            message,
        ));
        return None;
    }
    let (document, origins) = split(path, &compose(&root));
    let told = findings.len();
    for finding in shape::COMPOSED.check(&document, &origins) {
        let same = |one: &Diagnostic| {
            one.span == finding.span && one.code == finding.code && one.message == finding.message
        };
        if !findings[..told].iter().any(same) {
            findings.push(finding);
        }
    }
    Some(Composed {
        document,
        origins,
        environments: environments.iter().map(|entry| entry.key.clone()).collect(),
        bounded: over.is_none() && matches!(root.kind, Kind::Mapping(_)),
        written: root,
    })
}

impl Composed {
    fn subject<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        folder: &'a str,
        installation: Option<&'a Installation>,
        companions: &'a Companions,
    ) -> Subject<'a> {
        Subject {
            document: &self.document,
            written: &self.written,
            origins: &self.origins,
            snapshot,
            folder,
            environments: &self.environments,
            pins: &companions.pins,
            pin_names: &companions.pin_names,
            release_names: &companions.release_names,
            installation,
        }
    }

    fn typed(&mut self, findings: &mut Vec<Diagnostic>) -> Option<ModelConfig> {
        shape::COMPOSED.settle(&mut self.document);
        match serde_json::from_value::<ConfigFile>(self.document.clone()) {
            Ok(file) => Some(file.resolve(&lint::order(&self.document, &self.environments))),
            Err(error) => {
                let message = format!("the file cannot be used: {error}");
                findings.push(Diagnostic::error("S002", self.origins.key(""), message));
                None
            }
        }
    }
}

/// The first collection with more entries than rules may compare with each other.
fn oversized(node: &Node) -> Option<yaml::Mark> {
    let (count, inner): (usize, Vec<&Node>) = match &node.kind {
        Kind::Sequence(items) => (items.len(), items.iter().collect()),
        Kind::Mapping(entries) => (
            entries.len(),
            entries.iter().map(|entry| &entry.value).collect(),
        ),
        Kind::Scalar(_) | Kind::Broken => return None,
    };
    if count > limits::COLLECTION_MAX {
        return Some(yaml::Mark {
            end: node.mark.start,
            ..node.mark
        });
    }
    inner.into_iter().find_map(oversized)
}

fn nodes(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Sequence(items) => items.iter().map(nodes).sum(),
        Kind::Mapping(entries) => entries.iter().map(|entry| nodes(&entry.value)).sum(),
        Kind::Scalar(_) | Kind::Broken => 0,
    }
}

/// A model whose reading panicked: a defect of this program, and not the other models' affair.
fn defective(folder: &str) -> LoadedModel {
    let span = yaml::first_byte(&below(folder, MODEL_FILE));
    let message = "reading this model failed inside trueup, which is a defect of trueup";
    LoadedModel {
        folder: folder.to_owned(),
        name: None,
        config: None,
        pins: BTreeMap::new(),
        releases: BTreeMap::new(),
        quarantine: Vec::new(),
        origins: Origins::default(),
        diagnostics: vec![Diagnostic::error("S000", span, message).help("report it with the file")],
        ignored: Vec::new(),
    }
}
