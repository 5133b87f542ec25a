//! Orders to roll back that were given while Git is away: by whom else would they be heard of?

use std::collections::BTreeSet;

use super::Reconciler;
use super::memory::Memory;
use super::model::drive;
use crate::execute::orders::{FindOrders, Orders};

impl Reconciler {
    /// Looks for orders that endpoints of the installation carry. Gives the folders of the models to
    /// which something was ordered since it was last looked for.
    ///
    /// Panics where there is no revision yet.
    pub fn orders(&self) -> impl Future<Output = BTreeSet<String>> + Send + use<> {
        let revision = self.revision.clone().expect("a revision comes first");
        let shared = self.shared.clone();
        async move {
            let Some(installation) = &revision.installation else {
                return BTreeSet::new();
            };
            let scopes = installation.scopes().into_iter().collect();
            let look = FindOrders::new(&scopes, &installation.installation);
            let (found, gaps) = drive(look, &shared.aws(), shared.clock()).await;
            for gap in gaps {
                tracing::debug!(what = gap.what, error = %gap.error, "not seen");
            }
            shared.memory().ordered(found)
        }
    }
}

impl Memory {
    /// The folders of the models of which these orders were not known.
    fn ordered(&mut self, found: Orders) -> BTreeSet<String> {
        let before = std::mem::replace(&mut self.orders, found);
        let now = self.orders.iter();
        let new = now.filter(|(owner, order)| before.get(*owner) != Some(order));
        // `<installation>/<model>/<environment>`
        let names: BTreeSet<_> = new
            .filter_map(|(owner, _)| owner.split('/').nth(1))
            .collect();
        self.census.named(&names).collect()
    }
}
