//! Rules: which events they are for or when they are due, and whom they tell.

use serde_json::{Map, Value, json};

use super::timing::Timing;
use super::{Rule, input, pattern};
use crate::limits::RULES_MAX;
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::list::paged;
use crate::world::request::{Refusal, Reply, Request, text};
use crate::world::window::{Rank, Window};

/// The bus that every account has.
pub(super) const BUS: &str = "default";
/// Rules of a page.
const PAGE: usize = 100;
/// Targets of one rule.
const TARGETS_MOST: usize = 5;

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::invalid(message)
}

/// Refuses every bus but the one that every account has.
pub(super) fn check_bus(name: &str) -> Result<(), Refusal> {
    let own = name.rsplit('/').next().unwrap_or_default();
    if own.is_empty() || own == BUS {
        return Ok(());
    }
    let words = format!("Event bus {name} does not exist.");
    Err(Refusal::new("ResourceNotFoundException", words))
}

fn missing(name: &str) -> Refusal {
    let words = format!("Rule {name} does not exist on EventBus {BUS}.");
    Refusal::new("ResourceNotFoundException", words)
}

impl World {
    pub(super) fn put_rule(&mut self, request: &Request<'_>) -> Reply {
        check_bus(request.text("EventBusName"))?;
        let given = |member: &str| Some(request.text(member)).filter(|text| !text.is_empty());
        let (expression, rule) = (given("ScheduleExpression"), given("EventPattern"));
        if expression.is_none() && rule.is_none() {
            return Err(invalid(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.",
            ));
        }
        let timing = expression.map(Timing::read);
        if matches!(timing, Some(None | Some(Timing::At(_)))) {
            return Err(invalid("Parameter ScheduleExpression is not valid."));
        }
        let pattern = rule.map(read_pattern).transpose()?;
        let name = request.text("Name");
        let before = self.events.rule(request.scope, name);
        if before.is_none() && self.events.rules.len() >= RULES_MAX {
            return Err(Refusal::new(
                "LimitExceededException",
                "There are too many rules.",
            ));
        }
        let (targets, created) = before.map_or((Vec::new(), request.now), |rule| {
            (rule.targets.clone(), rule.created)
        });
        let mut body = Map::new();
        for member in [
            "Name",
            "Description",
            "EventPattern",
            "RoleArn",
            "ScheduleExpression",
        ] {
            body.extend(given(member).map(|text| (member.to_owned(), text.into())));
        }
        let arn = arn(request.scope, name);
        body.insert("Arn".to_owned(), arn.as_str().into());
        body.insert("EventBusName".to_owned(), BUS.into());
        body.insert(
            "State".to_owned(),
            given("State").unwrap_or("ENABLED").into(),
        );
        if before.is_none() {
            self.put_tags(&arn, request.items("Tags"))?;
        }
        let mut rule = Rule {
            scope: request.scope.clone(),
            name: name.to_owned(),
            body: body.into(),
            pattern,
            targets,
            created,
            next: None,
        };
        rule.plan(request.now);
        self.events.put_rule(rule);
        self.listen();
        Ok(json!({"RuleArn": arn}))
    }

    pub(super) fn describe_rule(&self, request: &Request<'_>) -> Reply {
        let rule = self.rule(request, "Name")?;
        let mut body = rule.body.clone();
        body["CreatedBy"] = rule.scope.account.as_str().into();
        Ok(body)
    }

    pub(super) fn list_rules(&self, request: &Request<'_>) -> Reply {
        check_bus(request.text("EventBusName"))?;
        let found = self
            .events
            .rules_under(request.scope, request.text("NamePrefix"));
        let found = found.map(|rule| ((Rank::Text(rule.name.clone()), 0), rule.body.clone()));
        let (page, next) = Window::ascending(request, "Limit", PAGE)?.whole(found)?;
        Ok(paged("Rules", page, next))
    }

    pub(super) fn delete_rule(&mut self, request: &Request<'_>) -> Reply {
        check_bus(request.text("EventBusName"))?;
        let name = request.text("Name");
        // What is not there is as good.
        if let Some(rule) = self.events.rule(request.scope, name) {
            if !rule.targets.is_empty() {
                return Err(invalid("Rule can't be deleted since it has targets."));
            }
            self.events.remove_rule(request.scope, name);
            self.drop_tags(&arn(request.scope, name));
            self.listen();
        }
        Ok(json!({}))
    }

    pub(super) fn enable_rule(&mut self, request: &Request<'_>) -> Reply {
        self.set_rule_state(request, "ENABLED")
    }

    pub(super) fn disable_rule(&mut self, request: &Request<'_>) -> Reply {
        self.set_rule_state(request, "DISABLED")
    }

    fn set_rule_state(&mut self, request: &Request<'_>, state: &str) -> Reply {
        let mut rule = self.rule(request, "Name")?.clone();
        rule.body["State"] = state.into();
        rule.plan(request.now);
        self.events.put_rule(rule);
        self.listen();
        Ok(json!({}))
    }

    pub(super) fn put_targets(&mut self, request: &Request<'_>) -> Reply {
        let mut rule = self.rule(request, "Rule")?.clone();
        for target in request.items("Targets") {
            check_target(target)?;
            let id = text(target, "Id");
            rule.targets.retain(|own| text(own, "Id") != id);
            rule.targets.push(target.clone());
        }
        if rule.targets.len() > TARGETS_MOST {
            let words = "The requested resource exceeds the maximum number allowed.";
            return Err(Refusal::new("LimitExceededException", words));
        }
        self.events.put_rule(rule);
        Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    pub(super) fn list_targets(&self, request: &Request<'_>) -> Reply {
        let rule = self.rule(request, "Rule")?;
        let found = rule.targets.iter();
        let found = found.map(|one| ((Rank::Text(text(one, "Id").to_owned()), 0), one.clone()));
        let (page, next) = Window::ascending(request, "Limit", PAGE)?.whole(found)?;
        Ok(paged("Targets", page, next))
    }

    pub(super) fn list_rules_of_target(&self, request: &Request<'_>) -> Reply {
        check_bus(request.text("EventBusName"))?;
        let arn = request.text("TargetArn");
        let all = self.events.rules_under(request.scope, "");
        let found = all.filter(|rule| rule.targets.iter().any(|one| text(one, "Arn") == arn));
        let found = found.map(|rule| {
            (
                (Rank::Text(rule.name.clone()), 0),
                rule.name.as_str().into(),
            )
        });
        let (page, next) = Window::ascending(request, "Limit", PAGE)?.whole(found)?;
        Ok(paged("RuleNames", page, next))
    }

    pub(super) fn remove_targets(&mut self, request: &Request<'_>) -> Reply {
        let mut rule = self.rule(request, "Rule")?.clone();
        let gone = request.items("Ids");
        rule.targets.retain(|own| !gone.contains(&own["Id"]));
        self.events.put_rule(rule);
        Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    fn rule(&self, request: &Request<'_>, member: &str) -> Result<&Rule, Refusal> {
        check_bus(request.text("EventBusName"))?;
        let name = request.text(member);
        let found = self.events.rule(request.scope, name);
        found.ok_or_else(|| missing(name))
    }

    /// Watches what changes while there is a rule that may be for it, and only then.
    pub(super) fn listen(&mut self) {
        let mut rules = self.events.rules.values();
        let heard = rules.any(|rule| rule.pattern.is_some() && rule.is_enabled());
        self.records.listen(heard);
    }
}

pub(super) fn arn(scope: &Scope, name: &str) -> String {
    let Scope { account, region } = scope;
    format!(
        "arn:{}:events:{region}:{account}:rule/{name}",
        scope.partition()
    )
}

/// A pattern out of its text.
pub(super) fn read_pattern(text: &str) -> Result<Value, Refusal> {
    let refuse = |why: &str| {
        let words = format!("Event pattern is not valid. Reason: {why}");
        Refusal::new("InvalidEventPatternException", words)
    };
    let pattern: Value = serde_json::from_str(text).map_err(|_| refuse("Invalid JSON"))?;
    match pattern::fault(&pattern) {
        Some(fault) => Err(refuse(&fault)),
        None => Ok(pattern),
    }
}

fn check_target(target: &Value) -> Result<(), Refusal> {
    let id = text(target, "Id");
    let inputs = ["Input", "InputPath", "InputTransformer"];
    if inputs
        .iter()
        .filter(|member| target.get(**member).is_some())
        .count()
        > 1
    {
        let words = format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        );
        return Err(invalid(words));
    }
    if !text(target, "Arn").starts_with("arn:") {
        return Err(invalid(format!(
            "Parameter {} is not valid. Reason: Provided Arn is not in correct format.",
            text(target, "Arn")
        )));
    }
    let constant = target.get("Input").and_then(Value::as_str);
    if constant.is_some_and(|input| serde_json::from_str::<Value>(input).is_err()) {
        return Err(invalid(format!(
            "JSON syntax error in input for target {id}"
        )));
    }
    let map = target
        .pointer("/InputTransformer/InputPathsMap")
        .and_then(Value::as_object);
    let paths = map
        .into_iter()
        .flat_map(Map::values)
        .chain(target.get("InputPath"));
    for path in paths.filter_map(Value::as_str) {
        if !input::is_path(path) {
            let words = format!("Invalid InputPath for target {id}: {path}");
            return Err(invalid(words));
        }
    }
    Ok(())
}
