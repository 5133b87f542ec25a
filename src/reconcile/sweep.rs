//! The sweep: lists tell which models are to be looked at again, and what of ours is left over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Reconciler;
use super::memory::Memory;
use super::model::{Shared, drive};
use super::revision::Revision;
use crate::clock::{SignedDuration, Timestamp};
use crate::config::INSTALLATION_FILE;
use crate::config::yaml::first_byte;
use crate::diagnostic::{Diagnostic, Severity};
use crate::execute::inventory::Inventory;
use crate::execute::sweep::{Grounds, Orphan, Sweep, Swept};
use crate::limits::{ORPHANS_NAMED_MAX, ORPHANS_PERIOD};
use crate::resource::owner::owner;

impl Reconciler {
    /// Lists what there is, and gives what came of it; the models that are to be passed over are
    /// those that look otherwise than when they were settled, and those that never were. What grew
    /// is looked for from `since` on, less `margin`: how late it may show. `None` where there is no
    /// installation to sweep for.
    ///
    /// Panics where there is no revision yet.
    pub fn sweep(
        &self,
        since: Timestamp,
        margin: Duration,
    ) -> impl Future<Output = Option<Swept>> + Send + use<> {
        let revision = self.revision.clone().expect("a revision comes first");
        let shared = self.shared.clone();
        async move {
            let (sweep, unsettled) = {
                let memory = shared.memory();
                let sweep = memory.sweep(&revision, &memory.inventory, since, margin)?;
                let folders = revision.folders().cloned();
                let unsettled: Vec<_> = folders
                    .filter(|folder| !memory.inventory.holds(folder))
                    .collect();
                (sweep, unsettled)
            };
            let mut swept = shared.swept(sweep).await;
            swept.differing.extend(unsettled);
            Some(swept)
        }
    }

    /// Not at every pass: they do not come and go. What a list cannot show is left for the next time:
    /// nothing is decided by it.
    pub(super) async fn look_for_orphans(&mut self) {
        let now = self.now();
        let lately = |at: Timestamp| now < at + ORPHANS_PERIOD;
        let Some(revision) = self.revision.clone() else {
            return;
        };
        if self.orphans_at.is_some_and(lately) {
            return;
        }
        self.orphans_at = Some(now);
        let nothing = Inventory::default();
        let sweep = {
            let memory = self.shared.memory();
            memory.sweep(&revision, &nothing, now, Duration::ZERO)
        };
        if let Some(sweep) = sweep {
            self.shared.swept(sweep).await;
        }
    }
}

impl Memory {
    /// A sweep over an inventory. `None` where there is no installation.
    fn sweep(
        &self,
        revision: &Revision,
        inventory: &Inventory,
        since: Timestamp,
        margin: Duration,
    ) -> Option<Sweep> {
        let installation = revision.installation.as_ref()?;
        let name = &installation.installation;
        let units = self.census.units();
        let grounds = Grounds {
            scopes: installation.scopes().into_iter().collect(),
            installation: name.clone(),
            owners: units.map(|units| units.map(|unit| owner(name, unit)).collect()),
            since,
            margin: SignedDuration::try_from(margin).unwrap_or_default(),
        };
        Some(Sweep::new(inventory, grounds))
    }
}

impl Shared {
    /// Makes a sweep, and remembers what is left over.
    async fn swept(&self, sweep: Sweep) -> Swept {
        let swept = drive(sweep, &self.aws(), self.clock()).await;
        // What could not be listed may hold those that were seen before.
        if swept.gaps.is_empty() {
            self.memory().orphans.clone_from(&swept.orphans);
        }
        swept
    }
}

/// What people are told of resources that no commit declares, unit by unit.
pub(super) fn findings(orphans: &[Orphan]) -> Vec<Diagnostic> {
    let mut units: BTreeMap<&str, Vec<&Orphan>> = BTreeMap::new();
    for orphan in orphans {
        units.entry(&orphan.owner).or_default().push(orphan);
    }
    units
        .into_iter()
        .map(|(owner, left)| finding(owner, &left))
        .collect()
}

fn finding(owner: &str, left: &[&Orphan]) -> Diagnostic {
    let named = left.iter().take(ORPHANS_NAMED_MAX);
    let mut names: Vec<_> = named
        .map(|one| format!("{} {} in {}", one.kind, one.name, one.scope))
        .collect();
    if left.len() > ORPHANS_NAMED_MAX {
        names.push(format!("{} more", left.len() - ORPHANS_NAMED_MAX));
    }
    let commits: BTreeSet<_> = left
        .iter()
        .filter_map(|one| one.commit.as_deref())
        .collect();
    let made = commits.first().map_or_else(String::new, |commit| {
        format!(", created for commit {commit},")
    });
    let unit = owner.split_once('/').map_or(owner, |(_, unit)| unit);
    let plural = if left.len() == 1 { "remains" } else { "remain" };
    Diagnostic {
        code: "O001".to_owned(),
        severity: Severity::Warning,
        message: format!("{}{made} {plural} of `{unit}`, which no commit declares", names.join(", ")),
        span: first_byte(INSTALLATION_FILE),
        label: None,
        fix: None,
        help: Some(
            "declare it again, with `state: absent` and `deletion: destroy` if it is to go: what no commit \
             declares is never deleted"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::call::Scope;

    #[test]
    fn orphans_are_named_unit_by_unit_and_not_without_end() {
        let orphan = |owner: &str, name: String| Orphan {
            scope: Scope {
                account: "111122223333".to_owned(),
                region: "eu-west-1".to_owned(),
            },
            kind: "Endpoint",
            name,
            owner: owner.to_owned(),
            commit: Some("1a2b".to_owned()),
        };
        let many =
            (0..ORPHANS_NAMED_MAX + 2).map(|n| orphan("acme/churn/staging", format!("e{n}")));
        let all: Vec<_> = many
            .chain([orphan("acme/gone/home", "one".to_owned())])
            .collect();
        let [churn, gone] = findings(&all).try_into().expect("two units");
        assert!(
            churn.message.contains("e0 in 111122223333/eu-west-1"),
            "{}",
            churn.message
        );
        assert!(
            churn
                .message
                .contains("2 more, created for commit 1a2b, remain of `churn/staging`"),
            "{}",
            churn.message
        );
        assert_eq!(
            gone.message,
            "Endpoint one in 111122223333/eu-west-1, created for commit 1a2b, remains of `gone/home`, \
             which no commit declares"
        );
    }
}
