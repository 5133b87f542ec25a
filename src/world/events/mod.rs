//! EventBridge: rules over what happens, schedules over what time it is, and whom they tell.
//!
//! Nothing is noted, and nothing told, while there is no rule.

mod deliver;
mod detail;
mod emit;
mod input;
pub(super) mod news;
pub(super) mod pattern;
mod put;
mod rules;
mod schedules;
#[cfg(test)]
mod tests;
mod timing;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::operations::Operation;
use super::request::text;
use crate::clock::{SignedDuration, Timestamp};
use crate::resource::call::Scope;
use schedules::{Group, Schedule};
use timing::Timing;

pub(super) use schedules::OPERATIONS as SCHEDULER;

/// What was missed for longer is not made up for.
const MADE_UP: SignedDuration = SignedDuration::from_hours(24);

/// The operations of EventBridge.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("PutRule", World::put_rule),
    Operation::special("DescribeRule", |world, request| {
        world.describe_rule(request)
    }),
    Operation::special("ListRules", |world, request| world.list_rules(request)),
    Operation::special("DeleteRule", World::delete_rule),
    Operation::special("EnableRule", World::enable_rule),
    Operation::special("DisableRule", World::disable_rule),
    Operation::special("PutTargets", World::put_targets),
    Operation::special("ListTargetsByRule", |world, request| {
        world.list_targets(request)
    }),
    Operation::special("ListRuleNamesByTarget", |world, request| {
        world.list_rules_of_target(request)
    }),
    Operation::special("RemoveTargets", World::remove_targets),
    Operation::special("PutEvents", World::put_events),
    Operation::special("TestEventPattern", put::test_pattern),
];

/// Every rule and every schedule. A clone shares them until one of the two changes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Events {
    rules: Arc<BTreeMap<String, Arc<Rule>>>,
    schedules: Arc<BTreeMap<String, Arc<Schedule>>>,
    groups: Arc<BTreeMap<String, Arc<Group>>>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rule {
    scope: Scope,
    name: String,
    /// What is listed of it.
    body: Value,
    /// The events that it is for.
    pattern: Option<Value>,
    targets: Vec<Value>,
    created: Timestamp,
    /// When it is due by itself.
    next: Option<Timestamp>,
}

fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{}/{name}", scope.account, scope.region)
}

impl Events {
    fn rule(&self, scope: &Scope, name: &str) -> Option<&Rule> {
        self.rules.get(&key(scope, name)).map(|rule| &**rule)
    }

    fn rules_under(&self, scope: &Scope, start: &str) -> impl Iterator<Item = &Rule> {
        let from = key(scope, start);
        let found = self.rules.range(from.clone()..);
        let found = found.take_while(move |(key, _)| key.starts_with(&from));
        found.map(|(_, rule)| &**rule)
    }

    fn put_rule(&mut self, rule: Rule) {
        let key = key(&rule.scope, &rule.name);
        Arc::make_mut(&mut self.rules).insert(key, Arc::new(rule));
    }

    fn remove_rule(&mut self, scope: &Scope, name: &str) {
        Arc::make_mut(&mut self.rules).remove(&key(scope, name));
    }

    /// When the next rule or schedule is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let rules = self.rules.values().filter_map(|rule| rule.next);
        let schedules = self.schedules.values().filter_map(|one| one.next);
        rules.chain(schedules).min()
    }

    /// Whether there is something of an ARN that can have tags.
    pub(super) fn has(&self, scope: &Scope, arn: &str) -> bool {
        let rule = |rule: &Rule| rule.body["Arn"] == arn;
        let group = |group: &Group| text(&group.body, "Arn") == arn;
        self.rules_under(scope, "").any(rule) || self.groups.values().any(|one| group(one))
    }
}

impl Rule {
    fn is_enabled(&self) -> bool {
        self.body["State"] != "DISABLED"
    }

    fn arn(&self) -> &str {
        text(&self.body, "Arn")
    }

    /// Says when it is due next, after `now`.
    fn plan(&mut self, now: Timestamp) {
        let timing = Timing::read(text(&self.body, "ScheduleExpression"));
        let timing = timing.filter(|_| self.is_enabled());
        self.next = timing.and_then(|timing| timing.next(self.created, now));
    }
}
