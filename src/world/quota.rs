//! How many instances an account has for endpoints, and may have.

use std::collections::BTreeMap;

use serde_json::Value;

use super::World;
use super::deployment::Change;
use super::kind::Id;
use super::records::State;
use super::request::{Refusal, items, text};
use crate::resource::call::Scope;

impl World {
    /// Refuses instances beyond the account's quota.
    pub(super) fn check_quota<'a>(
        &self,
        scope: &Scope,
        wanted: impl Iterator<Item = (&'a str, u64)>,
    ) -> Result<(), Refusal> {
        if self.settings.quotas.is_empty() {
            return Ok(());
        }
        let mut delta: BTreeMap<&str, u64> = BTreeMap::new();
        for (kind, count) in wanted {
            *delta.entry(kind).or_default() += count;
        }
        let used = self.used(scope);
        for (kind, more) in delta {
            let Some(limit) = self.settings.quotas.get(kind) else {
                continue;
            };
            let now = used.get(kind).copied().unwrap_or(0);
            if now + more > *limit {
                return Err(Refusal::new(
                    "ResourceLimitExceeded",
                    format!(
                        "The account-level service limit '{kind} for endpoint usage' is {limit} \
                         Instances, with current utilization of {now} Instances and a request \
                         delta of {more} Instances. Please use AWS Service Quotas to request an \
                         increase for this quota. If AWS Service Quotas is not available, contact \
                         AWS support to request an increase for this quota."
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The instances, by type, that a change of counts needs besides those that serve.
    pub(super) fn more_instances(
        &self,
        scope: &Scope,
        endpoint: &Value,
        wishes: &[Value],
    ) -> Vec<(String, u64)> {
        let types = self.types(scope, text(endpoint, "EndpointConfigName"));
        let mut more = Vec::new();
        for wish in wishes {
            let name = text(wish, "VariantName");
            let variants = items(endpoint, "ProductionVariants");
            let now = variants.iter().find(|one| text(one, "VariantName") == name);
            let now = now.and_then(|one| one["DesiredInstanceCount"].as_u64());
            if let (Some(wanted), Some(now), Some(kind)) =
                (wish["DesiredInstanceCount"].as_u64(), now, types.get(name))
                && wanted > now
            {
                more.push((kind.clone(), wanted - now));
            }
        }
        more
    }

    /// Instance types by variant of a config; none once it is deleted.
    pub(super) fn types(&self, scope: &Scope, config: &str) -> BTreeMap<String, String> {
        let Ok(config) = self.config(scope, config) else {
            return BTreeMap::new();
        };
        let all = ["ProductionVariants", "ShadowProductionVariants"];
        let all = all.into_iter().flat_map(|member| items(config, member));
        all.map(|one| {
            let name = text(one, "VariantName").to_owned();
            (name, text(one, "InstanceType").to_owned())
        })
        .collect()
    }

    /// Instances by type that endpoints have, or are about to.
    fn used(&self, scope: &Scope) -> BTreeMap<String, u64> {
        let mut used: BTreeMap<String, u64> = BTreeMap::new();
        for record in self.records.under(Id::Endpoint, scope, "") {
            let body = &record.body;
            let types = self.types(scope, text(body, "EndpointConfigName"));
            let all = ["ProductionVariants", "ShadowProductionVariants"];
            for variant in all.into_iter().flat_map(|member| items(body, member)) {
                if let (Some(kind), Some(count)) = (
                    types.get(text(variant, "VariantName")),
                    variant["DesiredInstanceCount"].as_u64(),
                ) {
                    *used.entry(kind.clone()).or_default() += count;
                }
            }
            if let State::Endpoint(state) = &record.state
                && let Some(Change::Deploy(deployment)) = &state.change
                && !deployment.steps.rolling
            {
                for (kind, count) in deployment.instances() {
                    *used.entry(kind.to_owned()).or_default() += count;
                }
            }
        }
        used
    }
}
