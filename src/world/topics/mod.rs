//! SNS: topics, who subscribes to them, and what is told to whom.

mod deliver;
mod publish;
mod subscriptions;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use deliver::url_of;
pub(super) use publish::Publishing;
pub(super) use subscriptions::key_of;

use super::World;
use super::kind::Id;
use super::list::paged;
use super::operations::Operation;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, text};
use super::window::{Place, Rank, Window};
use crate::resource::call::Scope;

/// Topics or subscriptions of a page.
const PAGE: usize = 100;

/// The operations of SNS.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("CreateTopic", World::create_topic),
    Operation::special("GetTopicAttributes", |world, request| {
        world.topic_attributes(request)
    }),
    Operation::special("SetTopicAttributes", World::set_topic_attributes),
    Operation::special("DeleteTopic", World::delete_topic),
    Operation::special("ListTopics", |world, request| world.list_topics(request)),
    Operation::special("Subscribe", World::subscribe),
    Operation::special("Unsubscribe", World::unsubscribe),
    Operation::special("ListSubscriptionsByTopic", |world, request| {
        world.list_subscriptions_of(request)
    }),
    Operation::special("ListSubscriptions", |world, request| {
        world.list_subscriptions(request)
    }),
    Operation::special("ConfirmSubscription", World::confirm_subscription),
    Operation::special("GetSubscriptionAttributes", |world, request| {
        world.subscription_attributes(request)
    }),
    Operation::special(
        "SetSubscriptionAttributes",
        World::set_subscription_attributes,
    ),
    Operation::special("Publish", World::publish),
    Operation::special("PublishBatch", World::publish_batch),
];

impl World {
    /// Makes a topic, or answers with the one of that name if it is alike.
    pub(super) fn create_topic(&mut self, request: &Request<'_>) -> Reply {
        let name = request.text("Name");
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if stem.is_empty() || name.len() > 256 || !stem.bytes().all(fits) {
            return Err(invalid("Topic Name"));
        }
        let arn = Id::Topic.kind().arn(request.scope, name);
        let key = Key::new(Id::Topic, request.scope, name);
        let given = request.get("Attributes").and_then(Value::as_object);
        if let Some(record) = self.records.get(&key) {
            let differs = given
                .into_iter()
                .flatten()
                .any(|(name, value)| record.body["Attributes"][name] != *value);
            if differs {
                return Err(invalid(
                    "Attributes Reason: Topic already exists with different attributes",
                ));
            }
            let known = self.tags.get(&arn);
            let tagged = |tag: &Value| {
                let value = known.and_then(|known| known.get(text(tag, "Key")));
                value.is_some_and(|value| value == text(tag, "Value"))
            };
            if !request.items("Tags").iter().all(tagged) {
                return Err(invalid(
                    "Tags Reason: Topic already exists with different tags",
                ));
            }
            return Ok(json!({"TopicArn": arn}));
        }
        self.put_tags(&arn, request.items("Tags"))?;
        let mut attributes = json!({
            "TopicArn": arn,
            "Owner": request.scope.account,
            "DisplayName": "",
            "Policy": policy(&arn, request.scope),
            "SubscriptionsConfirmed": "0",
            "SubscriptionsPending": "0",
            "SubscriptionsDeleted": "0",
        });
        for (name, value) in given.into_iter().flatten() {
            attributes[name] = value.clone();
        }
        let record = Record {
            seq: self.next(),
            scope: request.scope.clone(),
            name: name.to_owned(),
            body: json!({"TopicArn": arn, "Attributes": attributes}),
            state: State::Plain,
        };
        self.records.insert(&key, record);
        Ok(json!({"TopicArn": arn}))
    }

    pub(super) fn topic_attributes(&self, request: &Request<'_>) -> Reply {
        let record = self.records.get(&topic(request)?).ok_or_else(missing)?;
        let mut attributes = record.body["Attributes"].clone();
        let subscriptions = self.subscriptions(request);
        let (mut confirmed, mut pending) = (0, 0);
        for subscription in subscriptions {
            match text(&subscription.body, "SubscriptionArn") {
                "PendingConfirmation" => pending += 1,
                _ => confirmed += 1,
            }
        }
        attributes["SubscriptionsConfirmed"] = confirmed.to_string().into();
        attributes["SubscriptionsPending"] = pending.to_string().into();
        Ok(json!({"Attributes": attributes}))
    }

    pub(super) fn set_topic_attributes(&mut self, request: &Request<'_>) -> Reply {
        let record = self.records.get_mut(&topic(request)?).ok_or_else(missing)?;
        let name = request.text("AttributeName");
        if ["TopicArn", "Owner", "FifoTopic"].contains(&name) {
            return Err(invalid("AttributeName"));
        }
        record.body["Attributes"][name] = request.text("AttributeValue").into();
        Ok(json!({}))
    }

    /// Takes a topic away with its subscriptions; one that is not there is as good.
    pub(super) fn delete_topic(&mut self, request: &Request<'_>) -> Reply {
        let key = topic(request)?;
        let subscriptions = self.subscriptions(request);
        let names: Vec<_> = subscriptions.iter().map(|one| one.name.clone()).collect();
        for name in names {
            self.drop_record(&Key::new(Id::Subscription, request.scope, &name));
        }
        self.drop_record(&key);
        Ok(json!({}))
    }

    pub(super) fn list_topics(&self, request: &Request<'_>) -> Reply {
        let topics = self.records.under(Id::Topic, request.scope, "");
        let topics = topics.map(|record| {
            let shown = json!({"TopicArn": record.body["TopicArn"]});
            ((Rank::Text(record.name.clone()), 0), shown)
        });
        page("Topics", request, topics)
    }

    fn subscriptions(&self, request: &Request<'_>) -> Vec<&Record> {
        let start = format!("{}/", request.text("TopicArn"));
        let all = self.records.under(Id::Subscription, request.scope, &start);
        all.collect()
    }
}

/// The topic that a request names by its ARN, of the caller's own account and region.
fn topic(request: &Request<'_>) -> Result<Key, Refusal> {
    let arn = request.text("TopicArn");
    let name = arn.rsplit(':').next().unwrap_or_default();
    if arn != Id::Topic.kind().arn(request.scope, name) {
        return Err(invalid("TopicArn"));
    }
    Ok(Key::new(Id::Topic, request.scope, name))
}

/// A page of a list; the only thing that can be wrong with its request is the token.
fn page(member: &str, request: &Request<'_>, all: impl Iterator<Item = (Place, Value)>) -> Reply {
    let window = Window::ascending(request, "", PAGE);
    let found = window.and_then(|window| window.whole(all));
    let (page, next) = found.map_err(|_| invalid("NextToken"))?;
    Ok(paged(member, page, next))
}

fn invalid(what: &str) -> Refusal {
    Refusal::new("InvalidParameter", format!("Invalid parameter: {what}"))
}

fn missing() -> Refusal {
    Refusal::new("NotFound", "Topic does not exist")
}

/// The policy that a topic starts with.
fn policy(arn: &str, scope: &Scope) -> String {
    let statement: Map<String, Value> = [
        ("Sid", json!("__default_statement_ID")),
        ("Effect", json!("Allow")),
        ("Principal", json!({"AWS": "*"})),
        ("Action", json!(["SNS:Publish", "SNS:Subscribe"])),
        ("Resource", json!(arn)),
        (
            "Condition",
            json!({"StringEquals": {"AWS:SourceOwner": scope.account}}),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    json!({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
        .to_string()
}
