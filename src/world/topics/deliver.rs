//! What is published, to whom it is for: into queues at once, over the web by somebody else.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::{Map, Number, Value, json};
use sha2::{Digest as _, Sha256};

use super::publish::Publishing;
use super::subscriptions::{PENDING, arn_of, dead_letters, key_of, token};
use crate::clock::Timestamp;
use crate::world::World;
use crate::world::encode::uuid;
use crate::world::events::pattern;
use crate::world::kind::Id;
use crate::world::queue::{Place, Sending};
use crate::world::records::{Key, Record};
use crate::world::request::text;
use crate::world::work::{Post, WorkId};

/// One message for one subscriber.
struct Told<'a> {
    topic: &'a str,
    subscription: &'a str,
    id: &'a str,
    at: Timestamp,
}

impl World {
    /// Tells everybody whose subscription is confirmed and whose filter lets it pass.
    pub(super) fn tell_subscribers(&mut self, topic: &str, id: &str, publishing: &Publishing) {
        let Some(scope) = key_of(topic).and_then(|key| Some(self.records.get(&key)?.scope.clone()))
        else {
            return;
        };
        let start = format!("{topic}/");
        let all = self.records.under(Id::Subscription, &scope, &start);
        let told: Vec<Record> = all
            .filter(|record| record.body["SubscriptionArn"] != PENDING)
            .filter(|record| passes(&record.body["Attributes"], publishing))
            .cloned()
            .collect();
        for record in told {
            self.tell(topic, id, publishing, &record);
        }
    }

    fn tell(&mut self, topic: &str, id: &str, publishing: &Publishing, record: &Record) {
        let told = Told {
            topic,
            subscription: arn_of(record).unwrap_or_default(),
            id,
            at: self.now,
        };
        let protocol = text(&record.body, "Protocol");
        let by_protocol = publishing.by_protocol.as_ref();
        let message =
            match by_protocol.and_then(|all| all.get(protocol).or_else(|| all.get("default"))) {
                Some(own) => own.as_str().unwrap_or_default(),
                None => &publishing.message,
            };
        let attributes = &record.body["Attributes"];
        let raw = attributes["RawMessageDelivery"] == "true";
        let body = if raw {
            message.to_owned()
        } else {
            told.envelope(publishing, message).to_string()
        };
        match protocol {
            "sqs" => {
                let sending = Sending {
                    body,
                    attributes: if raw {
                        publishing.attributes.clone()
                    } else {
                        Map::new()
                    },
                    group: publishing.group.clone(),
                    deduplication: publishing.deduplication.clone(),
                    ..Sending::default()
                };
                self.tell_queue(text(&record.body, "Endpoint"), attributes, sending);
            }
            "http" | "https" => {
                let mut headers = told.headers("Notification");
                if raw {
                    headers.insert("x-amz-sns-rawdelivery".to_owned(), "true".to_owned());
                }
                self.post(record, headers, body);
            }
            // Nobody reads mail or telephones here, and there are no functions.
            _ => {}
        }
    }

    /// Sends to a queue, or to the queue for what cannot be delivered.
    fn tell_queue(&mut self, arn: &str, attributes: &Value, sending: Sending) {
        let to = Place::of_arn(arn);
        let sent = to.is_some_and(|place| self.enqueue(&place, fitting(&place, &sending)).is_ok());
        if !sent {
            self.bury_told(attributes, sending);
        }
    }

    /// What could not be delivered goes where the subscription says, or nowhere.
    fn bury_told(&mut self, attributes: &Value, sending: Sending) {
        if let Some(place) = dead_letters(attributes) {
            // There is nowhere left to tell that this failed, too.
            drop(self.enqueue(&place, fitting(&place, &sending)));
        }
    }

    /// Asks an endpoint whether it wants what it was subscribed to.
    pub(super) fn ask_to_confirm(&mut self, key: &Key) {
        let Some(record) = self.records.get(key).cloned() else {
            return;
        };
        let (topic, arn) = (
            text(&record.body, "TopicArn"),
            arn_of(&record).unwrap_or_default(),
        );
        let token = token(arn);
        let id = uuid(&token);
        let told = Told {
            topic,
            subscription: arn,
            id: &id,
            at: self.now,
        };
        let mut body = told.start("SubscriptionConfirmation");
        body["Token"] = token.as_str().into();
        body["Message"] = format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit \
             the SubscribeURL included in this message."
        )
        .into();
        body["SubscribeURL"] = format!(
            "{}/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn={topic}&Token={token}",
            url_of(&record.scope.region)
        )
        .into();
        sign(&mut body);
        self.post(
            &record,
            told.headers("SubscriptionConfirmation"),
            body.to_string(),
        );
    }

    fn post(&mut self, record: &Record, headers: BTreeMap<String, String>, body: String) {
        let post = Post {
            id: self.next_work(),
            url: text(&record.body, "Endpoint").to_owned(),
            region: record.scope.region.clone(),
            headers,
            body,
        };
        let key = Key::new(Id::Subscription, &record.scope, &record.name);
        self.works.post(key, post);
    }

    /// Takes what came of a message that went over the web.
    pub(in crate::world) fn post_done(&mut self, id: WorkId, failure: Option<&str>) {
        let Some((key, post)) = self.works.posted(id) else {
            return;
        };
        let record = self.records.get(&key);
        let attributes = record.map(|record| record.body["Attributes"].clone());
        if let (Some(attributes), Some(_)) = (attributes, failure) {
            let sending = Sending {
                body: post.body,
                ..Sending::default()
            };
            self.bury_told(&attributes, sending);
        }
    }
}

/// What a queue takes of what is sent: one that is not in order knows no ids of deduplication, one
/// that is needs a group.
fn fitting(place: &Place, sending: &Sending) -> Sending {
    let mut sending = sending.clone();
    if !place.is_fifo() {
        sending.deduplication = None;
    }
    sending
}

/// What the URLs of a region's topics begin with.
pub fn url_of(region: &str) -> String {
    format!("https://sns.{region}.amazonaws.com")
}

impl Told<'_> {
    fn headers(&self, kind: &str) -> BTreeMap<String, String> {
        [
            ("content-type", "text/plain; charset=UTF-8"),
            ("user-agent", "Amazon Simple Notification Service Agent"),
            ("x-amz-sns-message-type", kind),
            ("x-amz-sns-message-id", self.id),
            ("x-amz-sns-topic-arn", self.topic),
            ("x-amz-sns-subscription-arn", self.subscription),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn start(&self, kind: &str) -> Value {
        let at = Timestamp::from_millisecond(self.at.as_millisecond()).unwrap_or(self.at);
        json!({
            "Type": kind,
            "MessageId": self.id,
            "TopicArn": self.topic,
            "Timestamp": format!("{at:.3}"),
        })
    }

    fn envelope(&self, publishing: &Publishing, message: &str) -> Value {
        let mut body = self.start("Notification");
        if let Some(subject) = &publishing.subject {
            body["Subject"] = subject.as_str().into();
        }
        body["Message"] = message.into();
        sign(&mut body);
        let region = self.topic.split(':').nth(3).unwrap_or_default();
        let unsubscribe = format!(
            "{}/?Action=Unsubscribe&SubscriptionArn={}",
            url_of(region),
            self.subscription
        );
        body["UnsubscribeURL"] = unsubscribe.into();
        if !publishing.attributes.is_empty() {
            let shown = publishing.attributes.iter().map(|(name, attribute)| {
                let value = attribute
                    .get("StringValue")
                    .or_else(|| attribute.get("BinaryValue"));
                let shown = json!({"Type": attribute["DataType"], "Value": value});
                (name.clone(), shown)
            });
            body["MessageAttributes"] = Value::Object(shown.collect());
        }
        body
    }
}

/// Puts a digest where the service puts a signature: nobody else has its key.
fn sign(body: &mut Value) {
    let digest = Sha256::digest(body.to_string().as_bytes());
    body["SignatureVersion"] = "1".into();
    body["Signature"] = BASE64.encode(&digest).into();
}

/// Whether a subscription's filter lets a message pass.
fn passes(attributes: &Value, publishing: &Publishing) -> bool {
    let Some(policy) = attributes["FilterPolicy"].as_str() else {
        return true;
    };
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return true;
    };
    if attributes["FilterPolicyScope"] == "MessageBody" {
        let body = serde_json::from_str::<Value>(&publishing.message);
        return body.is_ok_and(|body| pattern::matches(&policy, &body));
    }
    let values = publishing.attributes.iter();
    let values = values.filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?)));
    pattern::matches(&policy, &Value::Object(values.collect()))
}

/// What an attribute of a message is for a filter.
fn value(attribute: &Value) -> Option<Value> {
    let text = attribute["StringValue"].as_str()?;
    match self::text(attribute, "DataType") {
        "String.Array" => serde_json::from_str(text).ok(),
        "Number" => text
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::from),
        kind if kind.starts_with("String") => Some(text.into()),
        _ => None,
    }
}
