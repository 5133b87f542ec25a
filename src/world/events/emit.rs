//! What happens, as events: changes of what is watched, and the time.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{MADE_UP, detail};
use crate::clock::Timestamp;
use crate::limits::EVENT_ROUNDS_MAX;
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::encode::uuid;

impl World {
    /// Tells of what changed. A target may change something itself, and that is told, too; what goes
    /// round and round goes on with the next step.
    pub(in crate::world) fn emit(&mut self) {
        self.tell_of_objects();
        for _ in 0..EVENT_ROUNDS_MAX {
            let changed = self.records.news();
            if changed.is_empty() {
                return;
            }
            let mut events = Vec::new();
            for (key, before) in changed {
                let after = self.records.get(&key);
                let Some(scope) = after
                    .or(before.as_deref())
                    .map(|record| record.scope.clone())
                else {
                    continue;
                };
                for told in detail::of(key.id, before.as_deref(), after) {
                    events.push((scope.clone(), told));
                }
            }
            for (scope, told) in events {
                let mut detail = told.detail;
                let tags = told.resources.last().and_then(|arn| self.tags.get(arn));
                detail["Tags"] = json!(tags.map(|tags| &**tags).cloned().unwrap_or_default());
                let event =
                    self.event(&scope, "aws.sagemaker", told.title, &told.resources, detail);
                self.spread(&scope, &event);
            }
        }
    }

    /// An event with its envelope.
    pub(in crate::world) fn event(
        &mut self,
        scope: &Scope,
        source: &str,
        title: &str,
        resources: &[String],
        detail: Value,
    ) -> Value {
        let number = self.next();
        json!({
            "version": "0",
            "id": uuid(&format!("event/{number}")),
            "detail-type": title,
            "source": source,
            "account": scope.account,
            "time": date(self.now),
            "region": scope.region,
            "resources": resources,
            "detail": detail,
        })
    }

    /// Lets the rules and schedules that are due at `at` tell their targets; time goes on to `to`.
    pub(in crate::world) fn events_due(&mut self, at: Timestamp, to: Timestamp) {
        let planned = to.saturating_sub(MADE_UP).unwrap_or(at).max(at);
        let due = |next: Option<Timestamp>| next.is_some_and(|next| next <= at);
        let rules = self.events.rules.values().filter(|rule| due(rule.next));
        for rule in rules.cloned().collect::<Vec<_>>() {
            let mut rule = Arc::unwrap_or_clone(rule);
            rule.plan(planned);
            self.events.put_rule(rule.clone());
            let resources = [rule.arn().to_owned()];
            let scope = rule.scope.clone();
            let event = self.event(
                &scope,
                "aws.events",
                "Scheduled Event",
                &resources,
                json!({}),
            );
            self.tell_targets(&rule, &event);
        }
        let schedules = self.events.schedules.values().filter(|one| due(one.next));
        for schedule in schedules.cloned().collect::<Vec<_>>() {
            self.schedule_due_at(Arc::unwrap_or_clone(schedule), at, planned);
        }
    }
}

/// An instant as events tell it.
pub(super) fn date(at: Timestamp) -> String {
    format!("{at:.0}")
}
