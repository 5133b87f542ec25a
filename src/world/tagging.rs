//! The Resource Groups Tagging API: tags of everything, whatever service it is of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeInclusive};

use serde_json::{Map, Value, json};

use super::World;
use super::kind::{Id, locate};
use super::operations::Operation;
use super::queue::Place;
use super::records::Key;
use super::request::{Refusal, Reply, Request, items, text};
use crate::resource::call::Scope;

/// Resources of a page.
const PAGE: usize = 50;
/// How large a page may be asked to be (the service's figures).
const SIZES: [(&str, RangeInclusive<usize>); 2] =
    [("ResourcesPerPage", 1..=100), ("TagsPerPage", 100..=500)];
/// Keys or values of a page.
const NAMES_PAGE: usize = 1_000;

/// The operations of the service.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("GetResources", |world, request| {
        world.tagged_resources(request)
    }),
    Operation::special("TagResources", World::tag_resources),
    Operation::special("UntagResources", World::untag_resources),
    Operation::special("GetTagKeys", |world, request| Ok(world.tag_keys(request))),
    Operation::special("GetTagValues", |world, request| {
        Ok(world.tag_values(request))
    }),
];

type Own = BTreeMap<String, String>;

impl World {
    /// What has tags, or once had, in the caller's account and region, by ARN.
    fn tagged_of<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a String, &'a Own)> {
        let all = self.tags.iter().filter(|(arn, _)| is_of(arn, scope));
        all.map(|(arn, tags)| (arn, &**tags))
    }

    fn tagged_resources(&self, request: &Request<'_>) -> Reply {
        let named = request.items("ResourceARNList");
        if !named.is_empty() && request.get("TagFilters").is_some() {
            return Err(invalid(
                "ResourceARNList cannot be used with other filters.",
            ));
        }
        let size = size(request)?;
        let found = self.tagged_of(request.scope).filter(|(arn, tags)| {
            (named.is_empty() || named.contains(&arn.as_str().into()))
                && is_of_types(arn, request.items("ResourceTypeFilters"))
                && request
                    .items("TagFilters")
                    .iter()
                    .all(|filter| passes(filter, tags))
        });
        let shown = |(arn, tags): (&String, &Own)| {
            let tags: Vec<_> = tags
                .iter()
                .map(|(key, value)| json!({"Key": key, "Value": value}))
                .collect();
            (arn.clone(), json!({"ResourceARN": arn, "Tags": tags}))
        };
        Ok(page(
            "ResourceTagMappingList",
            request,
            size,
            found.map(shown).collect(),
        ))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is one of many operations")]
    fn tag_resources(&mut self, request: &Request<'_>) -> Reply {
        let tags = request.get("Tags").and_then(Value::as_object);
        let all = tags.into_iter().flatten();
        let all: Vec<_> = all
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        Ok(self.each_named(request, |world, arn| world.put_tags(arn, &all)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is one of many operations")]
    fn untag_resources(&mut self, request: &Request<'_>) -> Reply {
        Ok(self.each_named(request, |world, arn| {
            world.remove_tags(arn, request.items("TagKeys"));
            Ok(())
        }))
    }

    /// Does something to each resource that a request names, and tells of which it could not.
    fn each_named(
        &mut self,
        request: &Request<'_>,
        mut run: impl FnMut(&mut Self, &str) -> Result<(), Refusal>,
    ) -> Value {
        let mut failed = Map::new();
        for named in request
            .items("ResourceARNList")
            .iter()
            .filter_map(Value::as_str)
        {
            let done = match self.tag_place(request.scope, named) {
                Some(arn) => run(self, &arn),
                None => Err(invalid(&format!("{named} is not found, or has no tags."))),
            };
            if let Err(Refusal { message, .. }) = done {
                let told = json!({"StatusCode": 400, "ErrorCode": "InvalidParameterException",
                    "ErrorMessage": message});
                failed.insert(named.to_owned(), told);
            }
        }
        json!({"FailedResourcesMap": failed})
    }

    /// Where the tags of an ARN are kept, if there is something of it in the caller's account and
    /// region.
    fn tag_place(&self, scope: &Scope, arn: &str) -> Option<String> {
        is_of(arn, scope).then_some(())?;
        let described = |id: Id, member: &str| {
            let mut all = self.records.under(id, scope, "");
            all.any(|record| record.body[member] == arn)
        };
        let found = match arn.split(':').nth(2)? {
            "sagemaker" => {
                let arn = arn.to_ascii_lowercase();
                let (kind, scope, name) = locate(&arn)?;
                self.records.get(&Key::new(kind.id, &scope, &name))?;
                return Some(arn);
            }
            "sqs" => self.queues.has(&Place::of_arn(arn)?),
            "logs" => self.logs.has(scope, arn),
            "sns" => described(Id::Topic, "TopicArn"),
            "cloudwatch" => described(Id::Alarm, "AlarmArn"),
            "application-autoscaling" => described(Id::ScalableTarget, "ScalableTargetARN"),
            "events" | "scheduler" => self.events.has(scope, arn),
            _ => false,
        };
        found.then(|| arn.to_owned())
    }

    fn tag_keys(&self, request: &Request<'_>) -> Value {
        let all = self.tagged_of(request.scope);
        let keys: BTreeSet<_> = all.flat_map(|(_, tags)| tags.keys()).collect();
        names_page("TagKeys", request, keys)
    }

    fn tag_values(&self, request: &Request<'_>) -> Value {
        let key = request.text("Key");
        let all = self.tagged_of(request.scope);
        let values: BTreeSet<_> = all.filter_map(|(_, tags)| tags.get(key)).collect();
        names_page("TagValues", request, values)
    }
}

/// How many resources a page is to have. One of tags is as many resources: each shows all of its own.
fn size(request: &Request<'_>) -> Result<usize, Refusal> {
    for (member, bounds) in SIZES {
        if let Some(size) = request.get(member).and_then(Value::as_i64) {
            let size = usize::try_from(size).ok();
            return size
                .filter(|size| bounds.contains(size))
                .ok_or_else(|| invalid(&format!("{member} is out of its bounds.")));
        }
    }
    Ok(PAGE)
}

fn names_page(member: &str, request: &Request<'_>, names: BTreeSet<&String>) -> Value {
    let names = names
        .into_iter()
        .map(|name| (name.clone(), name.as_str().into()));
    page(member, request, NAMES_PAGE, names.collect())
}

/// A page of what is sorted by its name: a token is the last name of the page before.
fn page(member: &str, request: &Request<'_>, size: usize, all: BTreeMap<String, Value>) -> Value {
    let after = request.text("PaginationToken");
    let from = if after.is_empty() {
        Bound::Unbounded
    } else {
        Bound::Excluded(after)
    };
    let mut left = all.range::<str, _>((from, Bound::Unbounded));
    let shown: Vec<_> = left.by_ref().take(size).collect();
    let more = left.next().is_some();
    let last = shown.last().filter(|_| more).map(|(name, _)| name.as_str());
    let shown: Vec<_> = shown.iter().map(|(_, value)| (*value).clone()).collect();
    json!({member: shown, "PaginationToken": last.unwrap_or_default()})
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

/// Whether an ARN is of one account and region.
fn is_of(arn: &str, scope: &Scope) -> bool {
    let mut parts = arn.split(':').skip(3);
    parts.next() == Some(&scope.region) && parts.next() == Some(&scope.account)
}

/// Whether an ARN is of one of some types, such as `sagemaker` or `sagemaker:endpoint`.
fn is_of_types(arn: &str, types: &[Value]) -> bool {
    let service = arn.split(':').nth(2).unwrap_or_default();
    let rest = arn.splitn(6, ':').nth(5).unwrap_or_default();
    // Queues and topics have names alone.
    let kind = match service {
        "sqs" => "queue",
        "sns" => "topic",
        _ => rest.split(['/', ':']).next().unwrap_or_default(),
    };
    let mut types = types.iter().filter_map(Value::as_str).peekable();
    types.peek().is_none()
        || types.any(|wanted| match wanted.split_once(':') {
            Some(both) => both == (service, kind),
            None => wanted == service,
        })
}

/// Whether tags have the key of a filter and, if it names values, one of them.
fn passes(filter: &Value, tags: &Own) -> bool {
    let values = items(filter, "Values");
    let own = tags.get(text(filter, "Key"));
    own.is_some_and(|own| values.is_empty() || values.contains(&own.as_str().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::Bench;

    const ROLE: &str = "arn:aws:iam::111122223333:role/Exec";

    /// A queue, a topic, a group and a rule, all tagged alike.
    fn tagged() -> (Bench, [String; 4]) {
        let mut bench = Bench::new();
        let tags = json!([{"Key": "team", "Value": "a"}]);
        bench.ask(
            "CreateQueue",
            json!({"QueueName": "Q", "tags": {"team": "a"}}),
        );
        bench.ask("CreateTopic", json!({"Name": "T", "Tags": tags}));
        bench.ask(
            "CreateModelPackageGroup",
            json!({"ModelPackageGroupName": "G", "Tags": tags}),
        );
        let rule = json!({"Name": "R", "ScheduleExpression": "rate(1 day)", "Tags": tags, "RoleArn": ROLE});
        bench.ask("PutRule", rule);
        let arns = [
            "events:eu-west-1:111122223333:rule/R",
            "sagemaker:eu-west-1:111122223333:model-package-group/g",
            "sns:eu-west-1:111122223333:T",
            "sqs:eu-west-1:111122223333:Q",
        ];
        (bench, arns.map(|rest| format!("arn:aws:{rest}")))
    }

    fn arns(bench: &mut Bench, request: Value) -> Vec<String> {
        let answer = bench.ask("GetResources", request);
        let found = answer["ResourceTagMappingList"].as_array().unwrap();
        found
            .iter()
            .map(|one| one["ResourceARN"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn resources_are_found_by_tags_types_and_names() {
        let (mut bench, all) = tagged();
        assert_eq!(arns(&mut bench, json!({})), all);
        let filter = |values: Value| json!({"TagFilters": [{"Key": "team", "Values": values}]});
        assert_eq!(arns(&mut bench, filter(json!([]))), all);
        assert_eq!(arns(&mut bench, filter(json!(["b"]))), [] as [&str; 0]);
        let types = json!({"ResourceTypeFilters": ["sqs", "sagemaker:model-package-group"]});
        assert_eq!(arns(&mut bench, types), [all[1].clone(), all[3].clone()]);
        let named = json!({"ResourceARNList": [all[2]]});
        assert_eq!(arns(&mut bench, named), [all[2].clone()]);
        let mut both = filter(json!([]));
        both["ResourceARNList"] = json!([all[2]]);
        bench.refused(
            "GetResources",
            both,
            "InvalidParameterException",
            "other filters",
        );
    }

    #[test]
    fn resources_come_in_pages() {
        let (mut bench, all) = tagged();
        let mut found = Vec::new();
        let mut token = json!("");
        loop {
            let request = json!({"ResourcesPerPage": 3, "PaginationToken": token});
            let answer = bench.ask("GetResources", request);
            let page = answer["ResourceTagMappingList"].as_array().unwrap();
            found.extend(page.iter().map(|one| one["ResourceARN"].clone()));
            token = answer["PaginationToken"].clone();
            if token == "" {
                break;
            }
        }
        assert_eq!(json!(found), json!(all));
        for (member, size) in [
            ("ResourcesPerPage", 0),
            ("ResourcesPerPage", 101),
            ("TagsPerPage", 99),
        ] {
            let odd = json!({member: size});
            bench.refused("GetResources", odd, "InvalidParameterException", member);
        }
        let many = json!({"ResourceARNList": vec!["a"; 101]});
        let words = "length less than or equal to 100";
        bench.refused("GetResources", many, "ValidationException", words);
    }

    #[test]
    fn tags_are_put_and_taken_whatever_they_are_of() {
        let (mut bench, all) = tagged();
        let none = "arn:aws:sqs:eu-west-1:111122223333:none";
        let named: Vec<_> = all.iter().map(String::as_str).chain([none]).collect();
        let request = json!({"ResourceARNList": named, "Tags": {"cost": "1", "team": "b"}});
        let failed = bench.ask("TagResources", request)["FailedResourcesMap"].clone();
        assert_eq!(
            failed.as_object().unwrap().keys().collect::<Vec<_>>(),
            [none]
        );
        let keys = bench.ask("GetTagKeys", json!({}));
        assert_eq!(keys["TagKeys"], json!(["cost", "team"]));
        let request = json!({"ResourceARNList": [all[0]], "TagKeys": ["team"]});
        bench.ask("UntagResources", request);
        let values = bench.ask("GetTagValues", json!({"Key": "team"}));
        assert_eq!(values["TagValues"], json!(["b"]));
        let filter = json!({"TagFilters": [{"Key": "team", "Values": ["b"]}]});
        assert_eq!(arns(&mut bench, filter), all[1..]);
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/Q";
        let own = bench.ask("ListQueueTags", json!({"QueueUrl": url}));
        assert_eq!(own["Tags"], json!({"cost": "1", "team": "b"}));
    }
}
