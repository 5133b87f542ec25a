//! Services that have no Describe of one thing, or tags of their own kind: what is asked of the
//! port, and what goes over the wire.
//!
//! Everything above the port describes one resource by its name and reads its tags with `ListTags`,
//! as SageMaker has it. Here that becomes the operations of Application Auto Scaling, `CloudWatch`
//! and SNS, and their answers become answers of that form: both doors to a cloud, AWS and the world,
//! go through this one table.
//!
//! | asked | sent | answered |
//! |---|---|---|
//! | `DescribeScalableTarget` | `DescribeScalableTargets` | the one target |
//! | `DescribeScalingPolicy` | `DescribeScalingPolicies` | the one policy |
//! | `DescribeAlarm`, `DeleteAlarm` | `DescribeAlarms`, `DeleteAlarms` | the one alarm |
//! | `DescribeTopic` by `Name` | `GetTopicAttributes` | with `Name` and `TopicArn` |
//! | `DeleteTopic` by `Name` | `DeleteTopic` | |
//! | `DescribeSubscription`, `Subscribe` by `TopicName` | `ListSubscriptionsByTopic`, `Subscribe` | the one |
//! | `ListTags`, `AddTags` of another service's ARN | `<service>:ListTagsForResource`, `:TagResource` | a list of tags |
//!
//! A list that was asked for one name and lacks it says that there is none: that is these services'
//! way of saying so.

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, OpError};
use crate::limits::LIST_PAGES_MAX;

/// One call as a service takes it, and how its answer is read.
#[derive(Debug, Clone)]
pub struct Wire {
    /// What is sent. Operations of one name in several services carry the service's name in front,
    /// as in `sns:TagResource`.
    pub call: Call,
    asked: Call,
    read: Read,
    pages: usize,
}

/// What an answer comes to.
#[derive(Debug, Clone)]
pub enum Turn {
    /// The answer to what was asked.
    Answer(Answer),
    /// One call more: the next page.
    Again(Box<Wire>),
}

#[derive(Debug, Clone, Copy)]
enum Read {
    /// As it is.
    Whole,
    /// The only item of a list.
    First(&'static str),
    Topic,
    Subscription,
    TagMap,
}

/// The ARN of the topic of a name.
pub fn topic_arn(scope: &super::call::Scope, name: &str) -> String {
    let partition = scope.partition();
    format!(
        "arn:{partition}:sns:{}:{}:{name}",
        scope.region, scope.account
    )
}

impl Wire {
    /// How a call goes over the wire; `None`: as it is.
    pub fn of(call: &Call) -> Option<Self> {
        let body = &call.body;
        let (op, body, read) = match call.op {
            "DescribeScalableTarget" => (
                "DescribeScalableTargets",
                json!({
                    "ServiceNamespace": body["ServiceNamespace"],
                    "ResourceIds": [body["ResourceId"]],
                    "ScalableDimension": body["ScalableDimension"],
                }),
                Read::First("ScalableTargets"),
            ),
            "DescribeScalingPolicy" => (
                "DescribeScalingPolicies",
                json!({
                    "ServiceNamespace": body["ServiceNamespace"],
                    "ResourceId": body["ResourceId"],
                    "ScalableDimension": body["ScalableDimension"],
                    "PolicyNames": [body["PolicyName"]],
                }),
                Read::First("ScalingPolicies"),
            ),
            "RegisterScalableTarget" if body["Tags"].is_array() => {
                let mut body = body.clone();
                body["Tags"] = tag_map(&body["Tags"]);
                ("RegisterScalableTarget", body, Read::Whole)
            }
            "DescribeAlarm" => (
                "DescribeAlarms",
                json!({"AlarmNames": [body["AlarmName"]], "AlarmTypes": ["MetricAlarm"]}),
                Read::First("MetricAlarms"),
            ),
            "DeleteAlarm" => (
                "DeleteAlarms",
                json!({"AlarmNames": [body["AlarmName"]]}),
                Read::Whole,
            ),
            "DescribeTopic" => (
                "GetTopicAttributes",
                json!({"TopicArn": topic_arn(&call.scope, text(body, "Name"))}),
                Read::Topic,
            ),
            "DeleteTopic" if body.get("Name").is_some() => (
                "DeleteTopic",
                json!({"TopicArn": topic_arn(&call.scope, text(body, "Name"))}),
                Read::Whole,
            ),
            "DescribeSubscription" => (
                "ListSubscriptionsByTopic",
                json!({"TopicArn": topic_arn(&call.scope, text(body, "TopicName"))}),
                Read::Subscription,
            ),
            "Subscribe" if body.get("TopicName").is_some() => (
                "Subscribe",
                json!({
                    "TopicArn": topic_arn(&call.scope, text(body, "TopicName")),
                    "Protocol": body["Protocol"],
                    "Endpoint": body["Endpoint"],
                    "ReturnSubscriptionArn": true,
                }),
                Read::Whole,
            ),
            "ListTags" | "AddTags" => tags(call)?,
            _ => return None,
        };
        Some(Self {
            call: Call::new(op, &call.scope, body),
            asked: call.clone(),
            read,
            pages: 1,
        })
    }

    /// What the service's answer means.
    pub fn read(self, answer: Answer) -> Turn {
        let answer = answer.map_err(|error| OpError {
            op: self.asked.op.to_owned(),
            ..error
        });
        let body = match answer {
            Ok(body) => body,
            Err(error) => return Turn::Answer(Err(error)),
        };
        Turn::Answer(match self.read {
            Read::Whole => Ok(body),
            Read::First(member) => body[member]
                .get(0)
                .cloned()
                .ok_or_else(|| self.missing("there is none of that name")),
            Read::Topic => Ok(topic(body, text(&self.asked.body, "Name"))),
            Read::TagMap => Ok(json!({"Tags": tag_list(&body["Tags"])})),
            Read::Subscription => return self.subscription(&body),
        })
    }

    fn subscription(mut self, page: &Value) -> Turn {
        let is_it = |one: &&Value| {
            ["Protocol", "Endpoint"]
                .iter()
                .all(|member| one[*member] == self.asked.body[*member])
        };
        let found = page["Subscriptions"].as_array().into_iter().flatten();
        let found = found.clone().find(is_it);
        if let Some(found) = found {
            return Turn::Answer(Ok(found.clone()));
        }
        match page["NextToken"].as_str() {
            Some(token) if self.pages < LIST_PAGES_MAX => {
                self.call.body["NextToken"] = token.into();
                self.pages += 1;
                Turn::Again(Box::new(self))
            }
            Some(_) => Turn::Answer(Err(OpError::refused(
                self.asked.op,
                "TooManyPages",
                format!("more than {LIST_PAGES_MAX} pages"),
            ))),
            None => Turn::Answer(Err(self.missing("nobody of that address subscribes"))),
        }
    }

    fn missing(&self, why: &str) -> OpError {
        let words = format!("{why}: {}", self.asked.body);
        OpError::refused(self.asked.op, "ResourceNotFound", words)
    }
}

/// A topic as one description.
fn topic(mut body: Value, name: &str) -> Value {
    body["Name"] = name.into();
    body["TopicArn"] = body["Attributes"]["TopicArn"].clone();
    body
}

/// Tags of another service than SageMaker: the ARN says whose.
fn tags(call: &Call) -> Option<(&'static str, Value, Read)> {
    let arn = &call.body["ResourceArn"];
    let service = arn.as_str()?.split(':').nth(2)?;
    let list = call.op == "ListTags";
    let tags = &call.body["Tags"];
    Some(match (service, list) {
        ("application-autoscaling", true) => (
            "application-autoscaling:ListTagsForResource",
            json!({"ResourceARN": arn}),
            Read::TagMap,
        ),
        ("application-autoscaling", false) => (
            "application-autoscaling:TagResource",
            json!({"ResourceARN": arn, "Tags": tag_map(tags)}),
            Read::Whole,
        ),
        ("cloudwatch", true) => (
            "cloudwatch:ListTagsForResource",
            json!({"ResourceARN": arn}),
            Read::Whole,
        ),
        ("cloudwatch", false) => (
            "cloudwatch:TagResource",
            json!({"ResourceARN": arn, "Tags": tags}),
            Read::Whole,
        ),
        ("sns", true) => (
            "sns:ListTagsForResource",
            json!({"ResourceArn": arn}),
            Read::Whole,
        ),
        ("sns", false) => (
            "sns:TagResource",
            json!({"ResourceArn": arn, "Tags": tags}),
            Read::Whole,
        ),
        _ => return None,
    })
}

fn tag_map(list: &Value) -> Value {
    let pairs = list.as_array().into_iter().flatten();
    let map: Map<String, Value> = pairs
        .filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone())))
        .collect();
    map.into()
}

fn tag_list(map: &Value) -> Value {
    let pairs = map.as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

fn text<'a>(body: &'a Value, member: &str) -> &'a str {
    body[member].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::call::Scope;
    use crate::resource::error::Class;

    fn scope() -> Scope {
        Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    /// Asks, and reads the answers one after the other.
    fn check(
        (op, body): (&'static str, Value),
        sent: (&str, Value),
        answers: &[Value],
        expect: Result<Value, Class>,
    ) {
        let wire = Wire::of(&Call::new(op, &scope(), body));
        let mut wire = wire.expect("it goes over the wire in another form");
        assert_eq!((wire.call.op, &wire.call.body), (sent.0, &sent.1));
        for answer in answers {
            wire = match wire.read(Ok(answer.clone())) {
                Turn::Again(next) => *next,
                Turn::Answer(found) => {
                    assert_eq!(found.map_err(|error| error.class), expect);
                    return;
                }
            };
        }
        panic!("it asks for more than {answers:?}");
    }

    #[test]
    fn one_of_a_list_is_described_or_missing() {
        let asked = ("DescribeAlarm", json!({"AlarmName": "a"}));
        let sent = (
            "DescribeAlarms",
            json!({"AlarmNames": ["a"], "AlarmTypes": ["MetricAlarm"]}),
        );
        let one = json!({"AlarmName": "a", "Threshold": 1.0});
        let some = json!({"MetricAlarms": [one]});
        check(asked.clone(), sent.clone(), &[some], Ok(one));
        check(asked, sent, &[json!({})], Err(Class::NotFound));
    }

    #[test]
    fn a_subscription_is_looked_for_on_every_page() {
        let arn = "arn:aws:sns:eu-west-1:111122223333:t";
        let body = json!({"TopicName": "t", "Protocol": "email", "Endpoint": "a@b.c"});
        let wanted = json!({"Protocol": "email", "Endpoint": "a@b.c", "SubscriptionArn": "x"});
        let other = json!({"Protocol": "sqs", "Endpoint": "a@b.c"});
        check(
            ("DescribeSubscription", body.clone()),
            ("ListSubscriptionsByTopic", json!({"TopicArn": arn})),
            &[
                json!({"Subscriptions": [other], "NextToken": "n"}),
                json!({"Subscriptions": [wanted]}),
            ],
            Ok(wanted),
        );
        check(
            ("DescribeSubscription", body),
            ("ListSubscriptionsByTopic", json!({"TopicArn": arn})),
            &[json!({"Subscriptions": [other]})],
            Err(Class::NotFound),
        );
    }

    #[test]
    fn pages_have_an_end() {
        let body = json!({"TopicName": "t", "Protocol": "email", "Endpoint": "a@b.c"});
        let arn = "arn:aws:sns:eu-west-1:111122223333:t";
        let page = json!({"Subscriptions": [], "NextToken": "again"});
        check(
            ("DescribeSubscription", body),
            ("ListSubscriptionsByTopic", json!({"TopicArn": arn})),
            &vec![page; LIST_PAGES_MAX],
            Err(Class::Unknown),
        );
    }

    #[test]
    fn tags_are_a_list_wherever_they_are() {
        let arn = "arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/1";
        check(
            ("ListTags", json!({"ResourceArn": arn})),
            (
                "application-autoscaling:ListTagsForResource",
                json!({"ResourceARN": arn}),
            ),
            &[json!({"Tags": {"a": "b"}})],
            Ok(json!({"Tags": [{"Key": "a", "Value": "b"}]})),
        );
        let own = "arn:aws:sagemaker:eu-west-1:111122223333:model/m";
        let call = Call::new("ListTags", &scope(), json!({"ResourceArn": own}));
        assert!(Wire::of(&call).is_none(), "SageMaker's are as they are");
    }
}
