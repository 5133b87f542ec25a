//! SNS's topics and subscriptions, over the SDK's typed builders: its protocol is XML.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::Tag;
use serde::Deserialize;
use serde_json::{Value, json};

use super::clients;
use super::exchange::Exchange;
use super::typed::{TagPair, invalid, members, parse, sent, tag_list, text};
use crate::resource::call::{Answer, Call, OpError};

/// Every operation of SNS that can be called.
pub(super) const OPERATIONS: &[&str] = &[
    "CreateTopic",
    "DeleteTopic",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "SetTopicAttributes",
    "Subscribe",
    "sns:ListTagsForResource",
    "sns:TagResource",
];

/// Sends a call; `None`: it is not SNS's.
pub(super) async fn send(
    clients: &clients::Region,
    call: &Call,
    exchange: &Exchange,
) -> Option<Answer> {
    let client = clients.sns(call);
    Some(match call.op {
        "CreateTopic" => create(client, call, exchange).await,
        "DeleteTopic" => delete(client, call, exchange).await,
        "GetTopicAttributes" => attributes(client, call, exchange).await,
        "ListSubscriptionsByTopic" => subscriptions(client, call, exchange).await,
        "SetTopicAttributes" => set_attribute(client, call, exchange).await,
        "Subscribe" => subscribe(client, call, exchange).await,
        "sns:ListTagsForResource" => list_tags(client, call, exchange).await,
        "sns:TagResource" => tag(client, call, exchange).await,
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Topic {
    name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    data_protection_policy: Option<String>,
    #[serde(default)]
    tags: Vec<TagPair>,
}

async fn create(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let topic: Topic = parse(call)?;
    let request = client
        .create_topic()
        .name(topic.name)
        .set_attributes(Some(topic.attributes.into_iter().collect()))
        .set_data_protection_policy(topic.data_protection_policy)
        .set_tags(some(tags(call, topic.tags)?));
    let output = sent!(request, call, exchange)?;
    Ok(members([("TopicArn", text(output.topic_arn()))]))
}

fn some(tags: Vec<Tag>) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then_some(tags)
}

fn tags(call: &Call, pairs: Vec<TagPair>) -> Result<Vec<Tag>, OpError> {
    let pairs = pairs.into_iter();
    pairs
        .map(|TagPair { key, value }| {
            let tag = Tag::builder().key(key).value(value).build();
            tag.map_err(|error| invalid(call, error.to_string()))
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Listed {
    topic_arn: String,
    next_token: Option<String>,
}

async fn attributes(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let topic: Listed = parse(call)?;
    let request = client.get_topic_attributes().topic_arn(topic.topic_arn);
    let output = sent!(request, call, exchange)?;
    let attributes = output.attributes().into_iter().flatten();
    let attributes: BTreeMap<_, _> = attributes.collect();
    Ok(json!({"Attributes": attributes}))
}

async fn delete(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let topic: Listed = parse(call)?;
    let request = client.delete_topic().topic_arn(topic.topic_arn);
    sent!(request, call, exchange)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the service's")]
struct Attribute {
    topic_arn: String,
    attribute_name: String,
    attribute_value: String,
}

async fn set_attribute(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let attribute: Attribute = parse(call)?;
    let request = client
        .set_topic_attributes()
        .topic_arn(attribute.topic_arn)
        .attribute_name(attribute.attribute_name)
        .attribute_value(attribute.attribute_value);
    sent!(request, call, exchange)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Subscriber {
    topic_arn: String,
    protocol: String,
    endpoint: String,
    return_subscription_arn: Option<bool>,
}

async fn subscribe(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let subscriber: Subscriber = parse(call)?;
    let request = client
        .subscribe()
        .topic_arn(subscriber.topic_arn)
        .protocol(subscriber.protocol)
        .endpoint(subscriber.endpoint)
        .set_return_subscription_arn(subscriber.return_subscription_arn);
    let output = sent!(request, call, exchange)?;
    Ok(members([(
        "SubscriptionArn",
        text(output.subscription_arn()),
    )]))
}

async fn subscriptions(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let topic: Listed = parse(call)?;
    let request = client
        .list_subscriptions_by_topic()
        .topic_arn(topic.topic_arn)
        .set_next_token(topic.next_token);
    let output = sent!(request, call, exchange)?;
    let found: Value = output
        .subscriptions()
        .iter()
        .map(|one| {
            members([
                ("Endpoint", text(one.endpoint())),
                ("Owner", text(one.owner())),
                ("Protocol", text(one.protocol())),
                ("SubscriptionArn", text(one.subscription_arn())),
                ("TopicArn", text(one.topic_arn())),
            ])
        })
        .collect();
    Ok(members([
        ("NextToken", text(output.next_token())),
        ("Subscriptions", Some(found)),
    ]))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tagged {
    resource_arn: String,
    #[serde(default)]
    tags: Vec<TagPair>,
}

async fn list_tags(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let tagged: Tagged = parse(call)?;
    let request = client
        .list_tags_for_resource()
        .resource_arn(tagged.resource_arn);
    let output = sent!(request, call, exchange)?;
    let tags = output.tags().iter();
    Ok(tag_list(tags.map(|tag| (tag.key(), tag.value()))))
}

async fn tag(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let tagged: Tagged = parse(call)?;
    let request = client
        .tag_resource()
        .resource_arn(tagged.resource_arn)
        .set_tags(Some(tags(call, tagged.tags)?));
    sent!(request, call, exchange)?;
    Ok(json!({}))
}
