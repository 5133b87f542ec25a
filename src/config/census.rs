//! Which model claims which name: what two models claim, neither gets.

use std::collections::{BTreeMap, BTreeSet};

use super::LoadedModel;
use super::lint::{claims, rivalry};
use super::model::ModelConfig;
use super::removal::Removal;
use crate::diagnostic::settle;
use crate::limits::{REMOVED_MIN, REMOVED_PERCENT};
use crate::resource::call::Scope;
use crate::resource::lifecycle::Presence;
use crate::resource::unit::Unit;

/// A name that one model alone may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The account and region of an endpoint; `None` for the name of the model itself.
    pub(super) place: Option<(String, String)>,
    /// The name.
    pub(super) name: String,
    /// What in the configuration claims it.
    pub(super) pointer: String,
}

type Key = (Option<(String, String)>, String);

/// A unit that a configuration is about.
#[derive(Debug, Clone)]
struct Declared {
    unit: Unit,
    scope: Scope,
    absent: bool,
}

impl Claim {
    fn key(&self) -> Key {
        (self.place.clone(), self.name.clone())
    }
}

/// The claims of all models of a repository, by folder.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// What each model declares; `None` where its configuration cannot be used.
    units: BTreeMap<String, Option<Vec<Declared>>>,
    claims: BTreeMap<String, Vec<Claim>>,
    owners: BTreeMap<Key, BTreeSet<String>>,
}

impl Census {
    /// Takes the claims of a model in place of those that it had; a model that cannot be used has
    /// none. Gives the folders of the other models that this concerns.
    pub fn record(&mut self, model: &LoadedModel) -> BTreeSet<String> {
        let mut concerned = self.forget(&model.folder);
        let units = model.config.as_ref().map(units);
        self.units.insert(model.folder.clone(), units);
        let claims = model.config.as_ref().map(claims).unwrap_or_default();
        for claim in &claims {
            let owners = self.owners.entry(claim.key()).or_default();
            concerned.extend(owners.iter().cloned());
            owners.insert(model.folder.clone());
        }
        if !claims.is_empty() {
            self.claims.insert(model.folder.clone(), claims);
        }
        concerned.remove(&model.folder);
        concerned
    }

    /// Drops the claims of the model in `folder`. Gives the folders of those that shared one.
    pub fn forget(&mut self, folder: &str) -> BTreeSet<String> {
        let mut concerned = BTreeSet::new();
        self.units.remove(folder);
        for claim in self.claims.remove(folder).unwrap_or_default() {
            if let Some(owners) = self.owners.get_mut(&claim.key()) {
                owners.remove(folder);
                concerned.extend(owners.iter().cloned());
                if owners.is_empty() {
                    self.owners.remove(&claim.key());
                }
            }
        }
        concerned
    }

    /// Every unit that is declared; `None` where not every model could be read.
    pub fn units(&self) -> Option<impl Iterator<Item = &Unit>> {
        let all = self.units.values().map(Option::as_ref);
        let all: Option<Vec<_>> = all.collect();
        Some(all?.into_iter().flatten().map(|one| &one.unit))
    }

    /// What the commit takes down, by account and region, where that is more than one commit may.
    pub fn removals(&self) -> Vec<Removal> {
        let declared = || self.units.values().flatten().flatten();
        let mut removed: BTreeMap<&Scope, BTreeSet<&Unit>> = BTreeMap::new();
        for one in declared().filter(|one| one.absent) {
            removed.entry(&one.scope).or_default().insert(&one.unit);
        }
        let removals = removed.into_iter().filter_map(|(scope, units)| {
            let all = declared().filter(|one| one.scope == *scope).count();
            (units.len() > REMOVED_MIN.max(all * REMOVED_PERCENT / 100))
                .then(|| Removal::new(scope, &units, all))
        });
        removals.collect()
    }

    /// The folders of the models with these names.
    pub fn named<'a>(&'a self, names: &'a BTreeSet<&str>) -> impl Iterator<Item = String> + 'a {
        let key = |name: &&str| (None, (*name).to_owned());
        let owners = names
            .iter()
            .filter_map(move |name| self.owners.get(&key(name)));
        owners.flatten().cloned()
    }

    /// Takes a model's configuration away where another claims the same as it does, and says so.
    pub fn refuse(&self, model: &mut LoadedModel) {
        let claims = self
            .claims
            .get(&model.folder)
            .map_or(&[][..], Vec::as_slice);
        let shared = claims.iter().filter_map(|claim| {
            let owners = self.owners.get(&claim.key())?;
            let rival = owners.iter().find(|owner| **owner != model.folder)?;
            Some(rivalry(&model.origins, claim, rival))
        });
        let findings: Vec<_> = shared.collect();
        if !findings.is_empty() {
            model.config = None;
            let all = std::mem::take(&mut model.diagnostics).into_iter();
            model.diagnostics = settle(all.chain(findings).collect());
        }
    }
}

fn units(config: &ModelConfig) -> Vec<Declared> {
    let declared = |unit: Unit, account: &str, region: &str, state: Presence| Declared {
        unit,
        scope: Scope {
            account: account.to_owned(),
            region: region.to_owned(),
        },
        absent: state == Presence::Absent,
    };
    let (name, environments) = (&config.name, config.environments.iter());
    let home = declared(
        Unit::home(name),
        &config.account,
        &config.region,
        config.state,
    );
    let served = environments.map(|one| {
        let unit = Unit::environment(name, &one.name);
        declared(unit, &one.account, &one.region, one.state)
    });
    std::iter::once(home).chain(served).collect()
}
