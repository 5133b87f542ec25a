//! What becomes of an order that a pass found on an endpoint: whether Git lets it stand, and what is
//! served in place of the commit's release then.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::model::{origin, subject};
use super::unit_pass::UnitPass;
use crate::compile::serve;
use crate::config::installation::Installation;
use crate::config::model::ModelConfig;
use crate::config::{LoadedModel, read_release};
use crate::plan::cause::Cause;
use crate::plan::overriding::{Override, Standing};
use crate::plan::release::{Past, PastRelease};
use crate::plan::report::Note;
use crate::plan::rollback::{Return, forbidden};
use crate::release::{MAIN_SLOT, Release};
use crate::resource::desired::Desired;
use crate::resource::owner::OVERRIDE;
use crate::snapshot::{ObjectId, Snapshot, Version};

/// An order that stands, with the release that it names.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// The order.
    pub order: Override,
    /// What the environment returns to.
    pub back: Return,
    /// The package that the commit names: its ARN.
    pub over: String,
}

/// What becomes of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    /// The unit is passed over with what it says.
    Serve(Box<InForce>),
    /// The unit is passed over as if it were not there.
    Void,
    /// Nothing is done in the unit, because of this.
    Held(String),
}

/// Judges an order by the history of the release file, the newest commit first, along first parents.
/// `text` reads the earlier one.
pub fn judge<E: Display>(
    (model, environment): (&LoadedModel, &str),
    order: &Override,
    history: impl Iterator<Item = Result<Version, E>>,
    text: impl FnOnce(&ObjectId) -> Result<Option<String>, E>,
) -> Ordered {
    match order.standing(history) {
        Standing::Stands => {}
        Standing::Void => return Ordered::Void,
        Standing::Held(why) => return Ordered::Held(why),
    }
    let file = order.to.short();
    let text = match text(&order.to) {
        Ok(Some(text)) => text,
        Ok(None) => return Ordered::Held(format!("the earlier release `{file}` is no text")),
        Err(error) => {
            let words = format!("the earlier release `{file}` could not be read: {error}");
            return Ordered::Held(words);
        }
    };
    let Some(release) = read_release(text.as_bytes()) else {
        return Ordered::Held(format!("the earlier release `{file}` cannot be used"));
    };
    if let Some(one) = forbidden(&release, &model.quarantine) {
        let (package, why) = (&one.package, one.why());
        return Ordered::Held(format!("`{package}` is quarantined{why}"));
    }
    let over = model.releases.get(environment).and_then(Release::main);
    Ordered::Serve(Box::new(InForce {
        back: Return {
            environment: environment.to_owned(),
            text,
            release,
            quarantine: order.quarantine,
            by: order.by.clone(),
            reason: order.reason.clone(),
            at: order.at,
        },
        over: over.map_or_else(String::new, |main| main.arn.clone()),
        order: order.clone(),
    }))
}

/// The unit as the commit would have it with the earlier release in place of its own. `None` where the
/// commit has no such environment, or it does not compile.
pub fn compiled(
    installation: &Installation,
    model: &LoadedModel,
    config: &ModelConfig,
    snapshot: &Snapshot,
    back: &Return,
) -> Option<Desired> {
    let mut environments = config.environments.iter();
    let environment = environments.find(|one| one.name == back.environment)?;
    let mut model = model.clone();
    let release = back.release.clone();
    model.releases.insert(back.environment.clone(), release);
    let origin = |pointer: &str| origin(&model, pointer);
    let subject = subject(installation, &model, config, snapshot, &origin);
    serve::environment(&subject, environment).ok()
}

impl InForce {
    /// What people are told of it.
    pub fn note(&self, endpoint: &str) -> Note {
        let Self { order, back, over } = self;
        let to = back.release.main().map_or("", |main| &main.arn);
        let why = match order.reason.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let words = format!(
            "by the tag `{OVERRIDE}`, {} ordered `{to}` in place of `{over}`{why}: Git says otherwise \
             until the commit is filed",
            order.by
        );
        Note {
            since: Some(order.at),
            deadline: Some(order.until),
            ..Note::new(Cause::RolledBack, format!("Endpoint {endpoint}"), words)
        }
    }

    /// The model's history as if the order were the newest commit.
    pub(super) fn past(&self) -> Past {
        let Self { order, back, .. } = self;
        let packages = back.release.packages.values();
        let said = back.release.main().map(|main| PastRelease {
            package: main.arn.clone(),
            previous: back.release.previous.get(MAIN_SLOT).cloned(),
            file: order.to.0.clone(),
            artefacts: packages.map(|one| one.model_data.uri.clone()).collect(),
        });
        let releases = said.map(|said| (back.environment.clone(), said));
        Past {
            identity: None,
            releases: BTreeMap::from_iter(releases),
        }
    }
}

impl UnitPass {
    /// Takes that an order cannot be carried out: the endpoint stays as it is.
    pub fn hold_order(&mut self, why: &str) {
        let Some(order) = &self.ordered else { return };
        let words = format!(
            "the tag `{OVERRIDE}` orders an earlier release, and cannot be followed: {why}"
        );
        let note = Note {
            since: Some(order.at),
            deadline: Some(order.until),
            ..Note::new(Cause::RollbackHeld, self.plan.unit.to_string(), words)
        };
        self.report.notes.push(note);
    }
}
