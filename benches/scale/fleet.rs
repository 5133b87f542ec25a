//! A fleet as the program sees it: a mirror of the repository, and what is remembered of models.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trueup::clock::{SignedDuration, Timestamp};
use trueup::cloud::drive;
use trueup::config::installation::Installation;
use trueup::config::load_installation;
use trueup::execute::inventory::Inventory;
use trueup::execute::model::ModelPass;
use trueup::execute::sweep::{Grounds, Sweep, Swept};
use trueup::git::{Index, Mirror};
use trueup::limits::READY_MAX;
use trueup::resource::unit::Unit;
use trueup::snapshot::{ObjectId, Snapshot};
use trueup::world::World;

use super::model::{Model, hints, settled};
use super::repository::source;
use super::tally::Tally;

/// What every model shares.
const SHARED: [&str; 2] = ["trueup.yaml", "presets"];

/// A mirror at one commit, with what passes leave for each other: as much as the reconciler keeps.
pub(crate) struct Fleet {
    mirror: Mirror,
    installation: Installation,
    commit: ObjectId,
    shared: Snapshot,
    index: Index,
    inventory: Inventory,
    ready: BTreeMap<String, Arc<Model>>,
    settled: BTreeMap<String, Vec<(Unit, Timestamp)>>,
}

/// What one pass over a fleet came to.
#[derive(Default)]
pub(crate) struct Looked {
    pub(crate) tally: Tally,
    /// From start to end.
    pub(crate) took: Duration,
    /// Of that, reading files and compiling them.
    pub(crate) reading: Duration,
    /// Models that were read and compiled.
    pub(crate) read: u64,
    /// What is left to do, model by model.
    pub(crate) unsettled: Vec<String>,
}

impl Fleet {
    /// Clones the fleet's repository below `cache`.
    pub(crate) fn open(folder: &Path, cache: &Path, now: Timestamp) -> Self {
        let mut mirror = Mirror::open(cache, source(folder)).expect("a mirror");
        let commit = mirror.fetch(now).expect("the repository is there").tip;
        let shared = mirror.snapshot(&commit, Some(&SHARED));
        let shared = shared.expect("the mirror is whole");
        let installation = load_installation(&shared).0.expect("trueup.yaml is sound");
        let index = mirror.index(&commit, &installation.models, &Index::default());
        Self {
            installation,
            index: index.expect("the mirror is whole"),
            mirror,
            commit,
            shared,
            inventory: Inventory::default(),
            ready: BTreeMap::new(),
            settled: BTreeMap::new(),
        }
    }

    /// Takes the newest commit, and forgets what was read of these models.
    pub(crate) fn fetch<'a>(
        &mut self,
        now: Timestamp,
        touched: impl IntoIterator<Item = &'a String>,
    ) {
        let fetched = self.mirror.fetch(now).expect("the repository is there");
        self.commit = fetched.tip;
        let shared = self.mirror.snapshot(&self.commit, Some(&SHARED));
        self.shared = shared.expect("the mirror is whole");
        let pattern = &self.installation.models;
        let index = self.mirror.index(&self.commit, pattern, &self.index);
        self.index = index.expect("the mirror is whole");
        for folder in touched {
            self.ready.remove(folder);
            self.settled.remove(folder);
            self.inventory.forget(folder);
        }
    }

    /// Where the models are.
    pub(crate) fn folders(&self) -> Vec<String> {
        self.index.folders.keys().cloned().collect()
    }

    /// Reads and compiles a model anew.
    pub(crate) fn read(&self, folder: &str) -> Model {
        let tree = &self.index.folders[folder];
        let files = self.mirror.with_folder(&self.shared, folder, tree);
        let files = files.expect("the mirror is whole");
        Model::new(&self.installation, folder, files)
    }

    /// One pass over one model.
    pub(crate) fn pass(
        &mut self,
        folder: &str,
        (world, now): (&mut World, Timestamp),
        looked: &mut Looked,
    ) -> ModelPass {
        let start = Instant::now();
        let model = self.ready(folder, looked);
        looked.reading += start.elapsed();
        let hints = self.settled.get(folder).map(|units| hints(units));
        let hints = hints.unwrap_or_default();
        let pass = model.pass(&self.installation, &hints, (world, now), &mut looked.tally);
        self.settled.insert(folder.to_owned(), settled(&pass, now));
        self.inventory.record(folder, &pass, now);
        looked.took += start.elapsed();
        if pass.is_settled() {
            self.ready.remove(folder);
        } else {
            looked.unsettled.push(left(&pass));
        }
        pass
    }

    /// The model as it was read last, or read now. As many are kept as the reconciler keeps.
    fn ready(&mut self, folder: &str, looked: &mut Looked) -> Arc<Model> {
        if let Some(ready) = self.ready.get(folder) {
            return ready.clone();
        }
        looked.read += 1;
        let model = Arc::new(self.read(folder));
        if self.ready.len() >= READY_MAX {
            self.ready.pop_first();
        }
        self.ready.insert(folder.to_owned(), model.clone());
        model
    }
}

/// What a pass leaves to do.
fn left(pass: &ModelPass) -> String {
    let units = pass.units.iter().filter(|unit| !unit.is_settled());
    let words = units.map(|unit| {
        let notes = unit.report.notes.iter().map(|note| note.message.as_str());
        let steps = unit.plan.steps.iter().map(|step| step.name.as_str());
        let all: Vec<_> = notes.chain(steps).collect();
        format!("{}: {}", unit.plan.unit, all.join(", "))
    });
    let words: Vec<_> = words.collect();
    format!("{} ({} commits)", words.join("; "), pass.writes.len())
}

/// Looks by lists whether all is as it was described: what the program does every ten minutes where
/// there are many models. Gives the time that it took.
pub(crate) fn list(
    fleet: &Fleet,
    world: &mut World,
    now: Timestamp,
    tally: &mut Tally,
) -> (Swept, Duration) {
    let start = Instant::now();
    let installation = &fleet.installation;
    let grounds = Grounds {
        scopes: installation.scopes().into_iter().collect(),
        installation: installation.installation.clone(),
        owners: None,
        since: now,
        margin: SignedDuration::ZERO,
    };
    let machine = Sweep::new(&fleet.inventory, grounds);
    let swept = drive(machine, now, |call| tally.call(world, now, call));
    (swept, start.elapsed())
}

/// The first look at everything: each model is described.
pub(crate) fn describe(
    fleet: &mut Fleet,
    folders: &[String],
    world: &mut World,
    now: Timestamp,
) -> Looked {
    let mut looked = Looked::default();
    for folder in folders {
        fleet.pass(folder, (world, now), &mut looked);
    }
    looked
}
