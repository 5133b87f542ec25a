//! What a commit comes to, as far as it is a function of the commit alone. It is computed once:
//! the simulation passes over the same commits thousands of times.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use trueup::config::installation::Installation;
use trueup::config::model::ModelConfig;
use trueup::config::{LoadedModel, load};
use trueup::execute::model::{Prepared, past, prepare};
use trueup::plan::release::Past;
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
}

/// One model of it.
pub(crate) struct Model {
    pub(crate) loaded: LoadedModel,
    pub(crate) config: ModelConfig,
    pub(crate) prepared: Prepared,
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
