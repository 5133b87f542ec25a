//! A fleet as the program sees it: a mirror of the repository, and what is remembered of models.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trueup::clock::Timestamp;
use trueup::config::installation::Installation;
use trueup::config::load_installation;
use trueup::execute::model::ModelPass;
use trueup::git::{Index, Mirror};
use trueup::limits::READY_MAX;
use trueup::plan::planner::Hints;
use trueup::resource::unit::Unit;
use trueup::snapshot::ObjectId;
use trueup::world::World;

use super::model::{Model, hints_of};
use super::repository::source;
use super::tally::Tally;

/// What every model shares.
const SHARED: [&str; 2] = ["trueup.yaml", "presets"];

/// A mirror at one commit, with what passes leave for each other: as much as the reconciler keeps.
pub(crate) struct Fleet {
    mirror: Mirror,
    installation: Installation,
    commit: ObjectId,
    ready: BTreeMap<String, Arc<Model>>,
    hints: BTreeMap<String, BTreeMap<Unit, Hints>>,
}

/// What one pass over a fleet came to.
#[derive(Default)]
pub(crate) struct Sweep {
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
        Self {
            installation: load_installation(&shared).0.expect("trueup.yaml is sound"),
            mirror,
            commit,
            ready: BTreeMap::new(),
            hints: BTreeMap::new(),
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
        for folder in touched {
            self.ready.remove(folder);
            self.hints.remove(folder);
        }
    }

    /// Where the models are.
    pub(crate) fn folders(&self) -> Vec<String> {
        let (pattern, nothing) = (&self.installation.models, Index::default());
        let index = self.mirror.index(&self.commit, pattern, &nothing);
        let index = index.expect("the mirror is whole");
        index.folders.into_keys().collect()
    }

    /// Reads and compiles a model anew.
    pub(crate) fn read(&self, folder: &str) -> Model {
        let [trueup, presets] = SHARED;
        let paths = [folder, trueup, presets];
        let files = self.mirror.snapshot(&self.commit, Some(&paths));
        let files = files.expect("the mirror is whole");
        Model::new(&self.installation, folder, files)
    }

    /// One pass over one model.
    pub(crate) fn pass(
        &mut self,
        folder: &str,
        (world, now): (&mut World, Timestamp),
        sweep: &mut Sweep,
    ) -> ModelPass {
        let start = Instant::now();
        let model = self.ready(folder, sweep);
        sweep.reading += start.elapsed();
        let hints = self.hints.entry(folder.to_owned()).or_default();
        let pass = model.pass(&self.installation, hints, (world, now), &mut sweep.tally);
        hints.extend(hints_of(&pass, now));
        sweep.took += start.elapsed();
        if !pass.is_settled() {
            sweep.unsettled.push(left(&pass));
        }
        pass
    }

    /// The model as it was read last, or read now. As many are kept as the reconciler keeps.
    fn ready(&mut self, folder: &str, sweep: &mut Sweep) -> Arc<Model> {
        if let Some(ready) = self.ready.get(folder) {
            return ready.clone();
        }
        sweep.read += 1;
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

/// The pass over everything: what the program does when it looks whether all is as it should be.
pub(crate) fn sweep(
    fleet: &mut Fleet,
    folders: &[String],
    world: &mut World,
    now: Timestamp,
) -> Sweep {
    let mut sweep = Sweep::default();
    for folder in folders {
        fleet.pass(folder, (world, now), &mut sweep);
    }
    sweep
}
