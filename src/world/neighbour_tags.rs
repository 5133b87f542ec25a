//! Tags of alarms, topics, rules, groups of schedules and scalable targets: each service has its own form of them.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::request::{Refusal, Reply, Request};
use super::scaling::listed;

/// What a service calls things, and which of its things have tags.
struct Form {
    /// Nothing where they are no records.
    id: Option<Id>,
    /// The member that is the ARN, in requests and in what is described.
    arn: (&'static str, &'static str),
    /// The code where there is none.
    missing: &'static str,
    /// Whether tags are a map.
    map: bool,
}

fn form(op: &str) -> Form {
    match op.split(':').next() {
        Some("application-autoscaling") => Form {
            id: Some(Id::ScalableTarget),
            arn: ("ResourceARN", "ScalableTargetARN"),
            missing: "ResourceNotFoundException",
            map: true,
        },
        Some("cloudwatch") => Form {
            id: Some(Id::Alarm),
            arn: ("ResourceARN", "AlarmArn"),
            missing: "ResourceNotFoundException",
            map: false,
        },
        Some("events") => Form {
            id: None,
            arn: ("ResourceARN", ""),
            missing: "ResourceNotFoundException",
            map: false,
        },
        Some("scheduler") => Form {
            id: None,
            arn: ("ResourceArn", ""),
            missing: "ResourceNotFoundException",
            map: false,
        },
        _ => Form {
            id: Some(Id::Topic),
            arn: ("ResourceArn", "TopicArn"),
            missing: "ResourceNotFound",
            map: false,
        },
    }
}

impl World {
    pub(super) fn list_neighbour_tags(&self, request: &Request<'_>) -> Reply {
        let form = form(request.op);
        let arn = self.neighbour(&form, request)?;
        let tags = self.tags.get(&arn);
        let tags = tags.into_iter().flat_map(|tags| tags.iter());
        let tags: Value = if form.map {
            tags.map(|(key, value)| (key.clone(), value.as_str().into()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        } else {
            tags.map(|(key, value)| json!({"Key": key, "Value": value}))
                .collect()
        };
        Ok(json!({"Tags": tags}))
    }

    pub(super) fn tag_neighbour(&mut self, request: &Request<'_>) -> Reply {
        let form = form(request.op);
        let arn = self.neighbour(&form, request)?;
        if form.map {
            let given = request.get("Tags").unwrap_or(&Value::Null);
            self.put_tags(&arn, &listed(given))?;
        } else {
            self.put_tags(&arn, request.items("Tags"))?;
        }
        Ok(json!({}))
    }

    pub(super) fn untag_neighbour(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.neighbour(&form(request.op), request)?;
        self.remove_tags(&arn, request.items("TagKeys"));
        Ok(json!({}))
    }

    /// The ARN that a request is about, if there is something of it.
    fn neighbour(&self, form: &Form, request: &Request<'_>) -> Result<String, Refusal> {
        let arn = request.text(form.arn.0);
        let found = match form.id {
            Some(id) => {
                let mut all = self.records.under(id, request.scope, "");
                all.any(|record| record.body[form.arn.1] == arn)
            }
            None => self.events.has(request.scope, arn),
        };
        found
            .then(|| arn.to_owned())
            .ok_or_else(|| Refusal::new(form.missing, format!("Resource {arn} does not exist")))
    }
}
