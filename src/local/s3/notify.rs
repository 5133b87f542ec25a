//! Whom a bucket tells, as its clients write it.

use s3s::dto::{
    EventBridgeConfiguration, FilterRule, FilterRuleName, GetBucketNotificationConfigurationInput,
    GetBucketNotificationConfigurationOutput, NotificationConfiguration,
    NotificationConfigurationFilter, PutBucketNotificationConfigurationInput,
    PutBucketNotificationConfigurationOutput, QueueConfiguration, S3KeyFilter, TopicConfiguration,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::{Backend, refused};
use crate::world::objects::notifications::{Notifications, Rule};

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn put_bucket_notification_configuration(
        &self,
        request: S3Request<PutBucketNotificationConfigurationInput>,
    ) -> S3Result<PutBucketNotificationConfigurationOutput> {
        let input = request.input;
        let read = read(input.notification_configuration)?;
        let put = self
            .engine
            .with_world_mut(|world, now| world.put_notifications(now, &input.bucket, read));
        put.map_err(|error| {
            let code = S3ErrorCode::from_bytes(error.code.as_bytes());
            S3Error::with_message(code.unwrap_or(S3ErrorCode::InvalidArgument), error.message)
        })?;
        Ok(PutBucketNotificationConfigurationOutput::default())
    }

    pub(super) async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> S3Result<GetBucketNotificationConfigurationOutput> {
        let name = request.input.bucket;
        let held = self.engine.with_objects(|objects| {
            let held = objects.bucket(&name).map_err(refused)?;
            let told = held.map(|held| held.notifications().clone());
            Ok::<_, S3Error>(told.unwrap_or_default())
        })?;
        let (topics, queues): (Vec<_>, Vec<_>) =
            held.rules.into_iter().partition(|rule| is_topic(&rule.to));
        let queues: Vec<_> = queues.into_iter().map(queue).collect();
        let topics: Vec<_> = topics.into_iter().map(topic).collect();
        Ok(GetBucketNotificationConfigurationOutput {
            event_bridge_configuration: held.event_bridge.then(EventBridgeConfiguration::default),
            queue_configurations: (!queues.is_empty()).then_some(queues),
            topic_configurations: (!topics.is_empty()).then_some(topics),
            ..GetBucketNotificationConfigurationOutput::default()
        })
    }
}

fn is_topic(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("sns")
}

fn read(given: NotificationConfiguration) -> S3Result<Notifications> {
    if given
        .lambda_function_configurations
        .is_some_and(|all| !all.is_empty())
    {
        // There are no functions here that could be told.
        return Err(s3_error!(
            InvalidArgument,
            "Unable to validate the following destination configurations"
        ));
    }
    let mut rules = Vec::new();
    for one in given.queue_configurations.unwrap_or_default() {
        rules.push(rule(one.id, one.queue_arn, &one.events, one.filter)?);
    }
    for one in given.topic_configurations.unwrap_or_default() {
        rules.push(rule(one.id, one.topic_arn, &one.events, one.filter)?);
    }
    Ok(Notifications {
        rules,
        event_bridge: given.event_bridge_configuration.is_some(),
    })
}

fn rule(
    id: Option<String>,
    to: String,
    events: &[s3s::dto::Event],
    filter: Option<NotificationConfigurationFilter>,
) -> S3Result<Rule> {
    let mut rule = Rule {
        id: id.unwrap_or_default(),
        to,
        events: events
            .iter()
            .map(|event| event.as_ref().to_owned())
            .collect(),
        prefix: None,
        suffix: None,
    };
    let filters = filter.and_then(|filter| filter.key?.filter_rules);
    for one in filters.unwrap_or_default() {
        let name = one.name.as_ref().map_or("", FilterRuleName::as_str);
        let place = if name.eq_ignore_ascii_case(FilterRuleName::PREFIX) {
            &mut rule.prefix
        } else if name.eq_ignore_ascii_case(FilterRuleName::SUFFIX) {
            &mut rule.suffix
        } else {
            return Err(s3_error!(
                InvalidArgument,
                "filter rule name must be either prefix or suffix"
            ));
        };
        if place.replace(one.value.unwrap_or_default()).is_some() {
            return Err(s3_error!(
                InvalidArgument,
                "Cannot specify more than one {name} rule in a filter."
            ));
        }
    }
    Ok(rule)
}

fn queue(rule: Rule) -> QueueConfiguration {
    QueueConfiguration {
        filter: filter(&rule),
        events: events(&rule),
        id: Some(rule.id),
        queue_arn: rule.to,
    }
}

fn topic(rule: Rule) -> TopicConfiguration {
    TopicConfiguration {
        filter: filter(&rule),
        events: events(&rule),
        id: Some(rule.id),
        topic_arn: rule.to,
    }
}

fn events(rule: &Rule) -> Vec<s3s::dto::Event> {
    rule.events.iter().cloned().map(Into::into).collect()
}

fn filter(rule: &Rule) -> Option<NotificationConfigurationFilter> {
    let parts = [
        (FilterRuleName::PREFIX, &rule.prefix),
        (FilterRuleName::SUFFIX, &rule.suffix),
    ];
    let rules: Vec<FilterRule> = parts
        .into_iter()
        .filter_map(|(name, value)| {
            Some(FilterRule {
                name: Some(FilterRuleName::from_static(name)),
                value: Some(value.clone()?),
            })
        })
        .collect();
    (!rules.is_empty()).then_some(NotificationConfigurationFilter {
        key: Some(S3KeyFilter {
            filter_rules: Some(rules),
        }),
    })
}
