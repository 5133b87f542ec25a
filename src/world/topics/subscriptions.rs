//! Who subscribes to a topic, how, and to what of it.

use serde_json::{Map, Value, json};

use super::{invalid, missing, page, topic};
use crate::resource::call::Scope;
use crate::resource::canonical::sha256;
use crate::world::World;
use crate::world::events::pattern;
use crate::world::kind::Id;
use crate::world::queue;
use crate::world::records::{Key, Record, State};
use crate::world::request::{Refusal, Reply, Request, picked, text};
use crate::world::window::Rank;

const PROTOCOLS: &[&str] = &[
    "email",
    "email-json",
    "http",
    "https",
    "sqs",
    "lambda",
    "sms",
];
/// What is listed of a subscription.
const LISTED: &[&str] = &[
    "SubscriptionArn",
    "Owner",
    "Protocol",
    "Endpoint",
    "TopicArn",
];
/// What can be set of it.
const SETTABLE: &[&str] = &[
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
];
/// What stands in the place of the ARN until it is confirmed.
pub(super) const PENDING: &str = "PendingConfirmation";

impl World {
    /// Subscribes; who is reached by mail or over the web has yet to confirm.
    pub(in crate::world) fn subscribe(&mut self, request: &Request<'_>) -> Reply {
        self.records.get(&topic(request)?).ok_or_else(missing)?;
        let (protocol, endpoint) = (request.text("Protocol"), request.text("Endpoint"));
        if !PROTOCOLS.contains(&protocol) {
            return Err(invalid("Does not support this protocol string"));
        }
        if endpoint.is_empty() {
            return Err(invalid("Endpoint"));
        }
        let attributes = request.get("Attributes").and_then(Value::as_object);
        for (name, value) in attributes.into_iter().flatten() {
            check(name, value.as_str().unwrap_or_default())?;
        }
        let topic_arn = request.text("TopicArn");
        let name = format!("{topic_arn}/{protocol}/{endpoint}");
        let key = Key::new(Id::Subscription, request.scope, &name);
        let hash = sha256(name.as_bytes());
        let arn = format!("{topic_arn}:{}-{}", &hash[..8], &hash[8..12]);
        let pending = matches!(protocol, "email" | "email-json" | "http" | "https");
        if self.records.get(&key).is_none() {
            let shown = if pending { PENDING } else { &arn };
            let body = json!({
                "SubscriptionArn": shown,
                "Owner": request.scope.account,
                "Protocol": protocol,
                "Endpoint": endpoint,
                "TopicArn": topic_arn,
                "Attributes": attributes.cloned().unwrap_or_default(),
            });
            let record = Record {
                seq: self.next(),
                scope: request.scope.clone(),
                name,
                body,
                state: State::Token(arn.clone()),
            };
            self.records.insert(&key, record);
            if protocol.starts_with("http") {
                self.ask_to_confirm(&key);
            }
        }
        let told = request.get("ReturnSubscriptionArn") == Some(&Value::Bool(true));
        let answered = if pending && !told {
            "pending confirmation"
        } else {
            &arn
        };
        Ok(json!({"SubscriptionArn": answered}))
    }

    /// Takes the token that an endpoint was sent. Who visits its URL signs nothing: the ARN says where.
    pub(in crate::world) fn confirm_subscription(&mut self, request: &Request<'_>) -> Reply {
        let (topic, given) = (request.text("TopicArn"), request.text("Token"));
        let record = key_of(topic).and_then(|key| self.records.get(&key));
        let scope = record.ok_or_else(missing)?.scope.clone();
        let start = format!("{topic}/");
        let of_topic = self.records.under(Id::Subscription, &scope, &start);
        let found = of_topic
            .filter(|record| arn_of(record).is_some_and(|arn| token(arn) == given))
            .last();
        let record = found.ok_or_else(|| invalid("Token"))?;
        let arn = arn_of(record).unwrap_or_default().to_owned();
        let key = Key::new(Id::Subscription, &scope, &record.name);
        if let Some(record) = self.records.get_mut(&key) {
            record.body["SubscriptionArn"] = arn.as_str().into();
        }
        Ok(json!({"SubscriptionArn": arn}))
    }

    pub(in crate::world) fn list_subscriptions_of(&self, request: &Request<'_>) -> Reply {
        self.records.get(&topic(request)?).ok_or_else(missing)?;
        listed(request, self.subscriptions(request).into_iter())
    }

    pub(in crate::world) fn list_subscriptions(&self, request: &Request<'_>) -> Reply {
        let all = self.records.under(Id::Subscription, request.scope, "");
        listed(request, all)
    }

    pub(in crate::world) fn subscription_attributes(&self, request: &Request<'_>) -> Reply {
        let record = self.subscription(request)?;
        let pending = record.body["SubscriptionArn"] == PENDING;
        let mut shown: Map<_, _> =
            picked(&record.body, &["Owner", "Protocol", "Endpoint", "TopicArn"]);
        for (name, value) in [
            ("SubscriptionArn", arn_of(record).unwrap_or_default()),
            (
                "PendingConfirmation",
                if pending { "true" } else { "false" },
            ),
            (
                "ConfirmationWasAuthenticated",
                if pending { "false" } else { "true" },
            ),
            ("RawMessageDelivery", "false"),
            (
                "SubscriptionPrincipal",
                &format!("arn:aws:iam::{}:user/local", record.scope.account),
            ),
        ] {
            shown.insert(name.to_owned(), value.into());
        }
        let own = record.body["Attributes"].as_object();
        shown.extend(own.cloned().into_iter().flatten());
        if shown.contains_key("FilterPolicy") {
            let usual = || "MessageAttributes".into();
            shown
                .entry("FilterPolicyScope".to_owned())
                .or_insert_with(usual);
        }
        Ok(json!({"Attributes": shown}))
    }

    pub(in crate::world) fn set_subscription_attributes(&mut self, request: &Request<'_>) -> Reply {
        let (name, value) = (
            request.text("AttributeName"),
            request.text("AttributeValue"),
        );
        check(name, value)?;
        let record = self.subscription(request)?;
        let key = Key::new(Id::Subscription, request.scope, &record.name);
        let record = self.records.get_mut(&key).ok_or_else(missing)?;
        match record.body["Attributes"].as_object_mut() {
            // An empty policy is none.
            Some(attributes) if value.is_empty() || value == "{}" => drop(attributes.remove(name)),
            _ => record.body["Attributes"][name] = value.into(),
        }
        Ok(json!({}))
    }

    /// Takes a subscription away; one that is not there is as good.
    pub(in crate::world) fn unsubscribe(&mut self, request: &Request<'_>) -> Reply {
        // An ARN of a subscription is that of a topic, and an id.
        let arn = request.text("SubscriptionArn").rsplit_once(':');
        if arn.and_then(|(topic, _)| key_of(topic)).is_none() {
            return Err(invalid("SubscriptionArn"));
        }
        let found = self.subscription(request).ok();
        let key = found.map(|record| Key::new(Id::Subscription, request.scope, &record.name));
        if let Some(key) = key {
            self.drop_record(&key);
        }
        Ok(json!({}))
    }

    /// The subscription that a request names by its ARN.
    fn subscription(&self, request: &Request<'_>) -> Result<&Record, Refusal> {
        let arn = request.text("SubscriptionArn");
        let mut all = self.records.under(Id::Subscription, request.scope, "");
        all.find(|record| arn_of(record) == Some(arn))
            .ok_or_else(|| Refusal::new("NotFound", "Subscription does not exist"))
    }
}

/// The ARN of a subscription, confirmed or not.
pub(super) fn arn_of(record: &Record) -> Option<&str> {
    match &record.state {
        State::Token(arn) => Some(arn),
        _ => None,
    }
}

/// What an endpoint confirms a subscription with.
pub(super) fn token(arn: &str) -> String {
    sha256(format!("{arn} is confirmed").as_bytes())
}

/// The place of a queue that a policy about what cannot be delivered names.
pub(super) fn dead_letters(attributes: &Value) -> Option<queue::Place> {
    let policy: Value = serde_json::from_str(attributes["RedrivePolicy"].as_str()?).ok()?;
    queue::Place::of_arn(text(&policy, "deadLetterTargetArn"))
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    if !SETTABLE.contains(&name) {
        return Err(invalid("AttributeName"));
    }
    let document = || serde_json::from_str::<Value>(value).ok();
    match name {
        "FilterPolicy" if !value.is_empty() && value != "{}" => {
            let fault = match document() {
                Some(policy) => pattern::fault(&policy),
                None => Some("failed to parse JSON".to_owned()),
            };
            match fault {
                Some(fault) => Err(invalid(&format!("FilterPolicy: {fault}"))),
                None => Ok(()),
            }
        }
        "FilterPolicyScope" if !["MessageAttributes", "MessageBody"].contains(&value) => {
            Err(invalid("FilterPolicyScope: Invalid value"))
        }
        "RawMessageDelivery" if value.parse::<bool>().is_err() => Err(invalid(
            "RawMessageDelivery: Invalid value. Must be true or false.",
        )),
        "RedrivePolicy" if !value.is_empty() && dead_letters(&json!({name: value})).is_none() => {
            Err(invalid("RedrivePolicy: deadLetterTargetArn"))
        }
        _ => Ok(()),
    }
}

fn listed<'a>(request: &Request<'_>, found: impl Iterator<Item = &'a Record>) -> Reply {
    let found = found.map(|record| {
        let shown = Value::Object(picked(&record.body, LISTED));
        ((Rank::Text(record.name.clone()), 0), shown)
    });
    page("Subscriptions", request, found)
}

/// Where a topic's records are: the key of an ARN of SNS.
pub(in crate::world) fn key_of(arn: &str) -> Option<Key> {
    let parts: Vec<_> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", region, account, name] => {
            let scope = Scope {
                account: (*account).to_owned(),
                region: (*region).to_owned(),
            };
            Some(Key::new(Id::Topic, &scope, name))
        }
        _ => None,
    }
}
