//! What a commit comes to, as far as it is a function of the commit alone. It is computed once:
//! the simulation passes over the same commits thousands of times.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use trueup::config::installation::Installation;
use trueup::config::model::ModelConfig;
use trueup::config::{Census, LoadedModel, load};
use trueup::execute::model::{Prepared, past, prepare};
use trueup::plan::release::Past;
use trueup::resource::call::Scope;
use trueup::snapshot::{ObjectId, Snapshot};

use super::forge::Forge;

/// A commit, read and compiled.
pub(crate) struct Present {
    pub(crate) snapshot: Snapshot,
    pub(crate) installation: Installation,
    /// The models that can be passed over.
    pub(crate) models: Vec<Model>,
    /// Folders of those that cannot.
    pub(crate) broken: Vec<String>,
    /// Where the commit takes down more than it may, and why nothing is.
    pub(crate) removals: BTreeMap<Scope, String>,
}

/// One model of it.
pub(crate) struct Model {
    pub(crate) loaded: LoadedModel,
    pub(crate) config: ModelConfig,
    pub(crate) prepared: Prepared,
}

impl Present {
    /// Whether nothing is to be served under this name.
    pub(crate) fn is_absent(&self, endpoint: &str) -> bool {
        let units = self.models.iter().flat_map(|model| &model.prepared.desired);
        let mut absent = units.filter(|unit| unit.lifecycle.is_absent());
        absent.any(|unit| format!("{}-{}", unit.unit.model, unit.unit.place) == endpoint)
    }
}

/// More than this many are forgotten and read again.
const KEPT: usize = 20_000;

/// A commit, from memory where it was read before.
pub(crate) fn present(forge: &Forge, tip: &ObjectId) -> Arc<Present> {
    static KNOWN: Mutex<BTreeMap<ObjectId, Arc<Present>>> = Mutex::new(BTreeMap::new());
    if let Some(known) = KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(tip)
    {
        return known.clone();
    }
    let read = Arc::new(read(forge.snapshot(tip)));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(tip.clone(), read.clone());
    read
}

fn read(snapshot: Snapshot) -> Present {
    let loaded = load(&snapshot);
    let installation = loaded.installation.expect("trueup.yaml is good");
    let mut census = Census::default();
    for model in &loaded.models {
        census.record(model);
    }
    let removals = census.removals().into_iter();
    let held = removals.filter(|removal| removal.is_held(&installation));
    let removals = held.map(|one| (one.scope.clone(), one.words())).collect();
    let (mut models, mut broken) = (Vec::new(), Vec::new());
    for loaded in loaded.models {
        let prepared = loaded.config.clone().and_then(|config| {
            let prepared = prepare(&installation, &loaded, &config, &snapshot).ok()?;
            Some((config, prepared))
        });
        match prepared {
            Some((config, prepared)) => models.push(Model {
                loaded,
                config,
                prepared,
            }),
            None => broken.push(loaded.folder),
        }
    }
    Present {
        snapshot,
        installation,
        models,
        broken,
        removals,
    }
}

/// What a commit of the past asked for in a folder.
pub(crate) fn past_of(installation: &Installation, folder: &str, snapshot: &Snapshot) -> Past {
    static KNOWN: Mutex<BTreeMap<(ObjectId, String), Past>> = Mutex::new(BTreeMap::new());
    let key = (snapshot.commit.clone(), folder.to_owned());
    if let Some(known) = KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
    {
        return known.clone();
    }
    let read = past(installation, folder, snapshot);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, read.clone());
    read
}
