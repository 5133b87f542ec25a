//! From a rule or a schedule to its targets.

use serde_json::{Map, Value, json};

use super::emit::date;
use super::{Rule, input, pattern};
use crate::resource::call::{Call, Scope};
use crate::world::World;
use crate::world::encode::uuid;
use crate::world::queue::{Place, Sending};
use crate::world::request::{Refusal, items, text};
use crate::world::topics::Publishing;

/// What a target is told, and by whom.
pub(super) struct Delivery<'a> {
    pub(super) target: &'a Value,
    pub(super) input: String,
    /// Where parameters that are paths lead.
    pub(super) event: Option<&'a Value>,
    /// Names this delivery, so that what is asked for twice is done once.
    pub(super) token: String,
    /// The rule or the schedule.
    pub(super) source: &'a str,
    pub(super) scope: &'a Scope,
}

impl World {
    /// Tells the targets of every rule that an event is for.
    pub(in crate::world) fn spread(&mut self, scope: &Scope, event: &Value) {
        let hears = |rule: &&Rule| {
            let pattern = rule.pattern.as_ref().filter(|_| rule.is_enabled());
            pattern.is_some_and(|pattern| pattern::matches(pattern, event))
        };
        let rules = self.events.rules_under(scope, "").filter(hears);
        for rule in rules.cloned().collect::<Vec<_>>() {
            self.tell_targets(&rule, event);
        }
    }

    pub(super) fn tell_targets(&mut self, rule: &Rule, event: &Value) {
        let at = date(self.now);
        let reserved = input::Reserved {
            rule: &rule.name,
            rule_arn: rule.arn(),
            at: &at,
        };
        for target in &rule.targets {
            let (id, event_id) = (text(target, "Id"), text(event, "id"));
            self.deliver(&Delivery {
                target,
                input: input::of(target, event, &reserved),
                event: Some(event),
                token: uuid(&format!("{}/{id}/{event_id}", rule.arn())),
                source: rule.arn(),
                scope: &rule.scope,
            });
        }
    }

    /// Tells one target, or the queue for what cannot be delivered.
    pub(super) fn deliver(&mut self, delivery: &Delivery<'_>) {
        let Err(refusal) = self.try_deliver(delivery) else {
            return;
        };
        let dead = &delivery.target["DeadLetterConfig"]["Arn"];
        let Some(place) = dead.as_str().and_then(Place::of_arn) else {
            return;
        };
        let attribute = |value: &str| json!({"DataType": "String", "StringValue": value});
        let attributes = [
            ("RULE_ARN", attribute(delivery.source)),
            ("TARGET_ARN", attribute(text(delivery.target, "Arn"))),
            ("ERROR_CODE", attribute(&refusal.code)),
            ("ERROR_MESSAGE", attribute(&refusal.message)),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
        let sending = Sending {
            body: delivery.input.clone(),
            attributes: attributes.into_iter().collect(),
            ..Sending::default()
        };
        // There is nowhere left to tell that this failed, too.
        drop(self.enqueue(&place, sending));
    }

    fn try_deliver(&mut self, delivery: &Delivery<'_>) -> Result<(), Refusal> {
        let (target, input) = (delivery.target, &delivery.input);
        let arn = text(target, "Arn");
        match arn.split(':').nth(2) {
            Some("sqs") => {
                let place = Place::of_arn(arn).ok_or_else(|| unknown(arn))?;
                let group = target.pointer("/SqsParameters/MessageGroupId");
                let sending = Sending {
                    body: input.clone(),
                    group: group.and_then(Value::as_str).map(str::to_owned),
                    deduplication: place.is_fifo().then(|| delivery.token.clone()),
                    ..Sending::default()
                };
                self.enqueue(&place, sending).map(drop)
            }
            Some("sns") => {
                let publishing = Publishing {
                    message: input.clone(),
                    ..Publishing::default()
                };
                self.publish_to(arn, publishing).map(drop)
            }
            Some("sagemaker") if arn.contains(":pipeline/") => self.ask_for(
                delivery.scope,
                "sagemaker",
                "StartPipelineExecution",
                start(delivery),
            ),
            Some("events") if arn.contains(":event-bus/") => {
                let told = &target["EventBridgeParameters"];
                let entry = json!({"Source": told["Source"], "DetailType": told["DetailType"],
                    "Detail": input, "EventBusName": arn});
                self.ask_for(
                    delivery.scope,
                    "events",
                    "PutEvents",
                    json!({"Entries": [entry]}),
                )
            }
            Some("scheduler") => self.ask_by_name(delivery.scope, arn, input),
            _ => Err(unknown(arn)),
        }
    }

    /// Any operation that changes something, of a service that is here:
    /// `arn:aws:scheduler:::aws-sdk:sagemaker:createProcessingJob`.
    fn ask_by_name(&mut self, scope: &Scope, arn: &str, input: &str) -> Result<(), Refusal> {
        let mut parts = arn.split(':').skip(5);
        let (Some("aws-sdk"), Some(service), Some(op)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(unknown(arn));
        };
        let body = serde_json::from_str::<Value>(input)
            .ok()
            .filter(Value::is_object);
        let body = body.ok_or_else(|| Refusal::invalid("The input is not a JSON object."))?;
        let (first, rest) = op.split_at_checked(1).unwrap_or_default();
        self.ask_for(scope, service, &(first.to_ascii_uppercase() + rest), body)
    }

    fn ask_for(
        &mut self,
        scope: &Scope,
        service: &str,
        op: &str,
        body: Value,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::new("UnsupportedOperation", format!("no target can be {op}"));
        let op = Self::operation_of(service, op).ok_or_else(unknown)?;
        let call = Call::new(op, scope, body);
        if !call.mutates() {
            return Err(unknown());
        }
        match self.answer(&call) {
            Ok(_) => Ok(()),
            Err(error) => Err(Refusal {
                code: error.code.into(),
                message: error.message,
            }),
        }
    }
}

/// The request that a pipeline as a target is started with.
fn start(delivery: &Delivery<'_>) -> Value {
    let parameters = &delivery.target["SageMakerPipelineParameters"];
    let value = |parameter: &Value| {
        let own = text(parameter, "Value");
        let found = delivery.event.filter(|_| own.starts_with("$."));
        match found.and_then(|event| input::at(event, own)) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => own.to_owned(),
        }
    };
    let parameters: Vec<_> = items(parameters, "PipelineParameterList")
        .iter()
        .map(|one| json!({"Name": one["Name"], "Value": value(one)}))
        .collect();
    let mut body = Map::new();
    let name = text(delivery.target, "Arn");
    body.insert("PipelineName".to_owned(), name.into());
    body.insert(
        "ClientRequestToken".to_owned(),
        delivery.token.as_str().into(),
    );
    if !parameters.is_empty() {
        body.insert("PipelineParameters".to_owned(), parameters.into());
    }
    body.into()
}

fn unknown(arn: &str) -> Refusal {
    Refusal::new("INVALID_TARGET", format!("{arn} is no target here."))
}
