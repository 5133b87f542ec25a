//! One model, read and compiled, and one pass over it, as the reconciler composes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trueup::clock::Timestamp;
use trueup::cloud::drive;
use trueup::config::installation::Installation;
use trueup::config::{LoadedModel, load_model};
use trueup::execute::model::{ModelPass, Prepared, Standing, conclude, past, prepare};
use trueup::execute::pass::Mode;
use trueup::plan::planner::Hints;
use trueup::resource::unit::Unit;
use trueup::snapshot::Snapshot;
use trueup::world::World;

use super::files::BRANCH;
use super::tally::Tally;

/// A model that can be passed over.
pub(crate) struct Model {
    pub(crate) files: Arc<Snapshot>,
    loaded: LoadedModel,
    prepared: Prepared,
}

impl Model {
    /// Reads and compiles the model in `folder`.
    pub(crate) fn new(installation: &Installation, folder: &str, files: Snapshot) -> Self {
        let loaded = load_model(&files, folder, installation);
        let prepared = loaded
            .config
            .as_ref()
            .map(|config| prepare(installation, &loaded, config, &files));
        let Some(Ok(prepared)) = prepared else {
            panic!("{folder} is not sound: {:?}", loaded.diagnostics);
        };
        Self {
            files: Arc::new(files),
            loaded,
            prepared,
        }
    }

    /// One pass. A fleet of this bench has one environment, so that nothing is reviewed.
    pub(crate) fn pass(
        &self,
        installation: &Installation,
        hints: &BTreeMap<Unit, Hints>,
        (world, now): (&mut World, Timestamp),
        tally: &mut Tally,
    ) -> ModelPass {
        let units = self.prepared.desired.iter();
        let units = units.map(|desired| {
            let hints = hints.get(&desired.unit).cloned().unwrap_or_default();
            let pass = self.prepared.pass(desired.clone(), hints, Mode::Apply);
            let unit = drive(pass, now, |call| tally.call(world, now, call));
            let unit = unit.expect("it was driven to its end");
            assert!(!unit.unreviewed, "a first environment is not reviewed");
            unit
        });
        let units = units.collect();
        let branches = BTreeSet::from([BRANCH.to_owned()]);
        let standing = Standing {
            snapshot: &self.files,
            branch: BRANCH,
            branches: &branches,
        };
        let history = || std::iter::once(past(installation, &self.loaded.folder, &self.files));
        let config = self.loaded.config.as_ref().expect("it was compiled");
        let subject = (&self.loaded, config);
        conclude(subject, &self.prepared, units, standing, history, now)
    }
}

/// When the units of a pass were seen settled: what it leaves for the next.
pub(crate) fn settled(pass: &ModelPass, now: Timestamp) -> Vec<(Unit, Timestamp)> {
    let settled = pass.units.iter().filter(|unit| unit.is_settled());
    settled.map(|unit| (unit.plan.unit.clone(), now)).collect()
}

/// What the planner is told of it.
pub(crate) fn hints(settled: &[(Unit, Timestamp)]) -> BTreeMap<Unit, Hints> {
    let hints = |at| Hints {
        settled_at: Some(at),
        ..Hints::default()
    };
    let units = settled.iter();
    units.map(|(unit, at)| (unit.clone(), hints(*at))).collect()
}
