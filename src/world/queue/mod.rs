//! SQS: queues, and who sends to them and takes from them.
//!
//! [`line`] is the queue as a machine over the clock; the other files are what is asked of it.

mod attributes;
pub(super) mod batch;
mod digest;
mod line;
mod message;
mod receive;
mod send;
#[cfg(test)]
mod tests;

pub(super) use send::Sending;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::World;
use super::operations::Operation;
use super::request::{Refusal, Reply, Request};
use super::window::{Rank, Window};
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::QUEUES_MAX;
use crate::resource::call::Scope;
use line::Line;

/// Queues of a page, and how many one may ask for (the service's figures).
const PAGE: usize = 1000;
const PAGES: RangeInclusive<i64> = 1..=1000;
/// How long after a purge another one is refused.
const PURGE_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The operations of SQS.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("CreateQueue", World::create_queue),
    Operation::special("GetQueueUrl", |world, request| world.queue_url(request)),
    Operation::special("ListQueues", |world, request| world.list_queues(request)),
    Operation::special("ListDeadLetterSourceQueues", |world, request| {
        world.list_source_queues(request)
    }),
    Operation::special("GetQueueAttributes", |world, request| {
        world.queue_attributes(request)
    }),
    Operation::special("SetQueueAttributes", World::set_queue_attributes),
    Operation::special("DeleteQueue", World::delete_queue),
    Operation::special("PurgeQueue", World::purge_queue),
    Operation::special("TagQueue", World::tag_queue),
    Operation::special("UntagQueue", World::untag_queue),
    Operation::special("ListQueueTags", |world, request| {
        world.list_queue_tags(request)
    }),
    Operation::special("SendMessage", World::send_message),
    Operation::special("SendMessageBatch", World::send_messages),
    Operation::special("ReceiveMessage", World::receive_messages),
    Operation::special("DeleteMessage", World::delete_message),
    Operation::special("DeleteMessageBatch", World::delete_messages),
    Operation::special("ChangeMessageVisibility", World::change_visibility),
    Operation::special("ChangeMessageVisibilityBatch", World::change_visibilities),
];

/// Every queue. A clone shares them until one of the two changes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Queues(Arc<BTreeMap<String, Arc<Queue>>>);

/// Where a queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scope: Scope,
    pub(super) name: String,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Queue {
    scope: Scope,
    name: String,
    /// What was set, by its name.
    attributes: BTreeMap<String, String>,
    created: Timestamp,
    modified: Timestamp,
    purged: Option<Timestamp>,
    line: Line,
}

impl Place {
    /// The place that an ARN of SQS names.
    pub(super) fn of_arn(arn: &str) -> Option<Self> {
        let parts: Vec<_> = arn.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sqs", region, account, name] => Some(Self {
                scope: Scope {
                    account: (*account).to_owned(),
                    region: (*region).to_owned(),
                },
                name: (*name).to_owned(),
            }),
            _ => None,
        }
    }

    /// The place that a URL of a queue names, in the caller's region.
    fn of_url(url: &str, scope: &Scope) -> Self {
        let mut parts = url.rsplit('/');
        let name = parts.next().unwrap_or_default().to_owned();
        let account = parts.next().unwrap_or_default();
        Self {
            scope: Scope {
                account: account.to_owned(),
                region: scope.region.clone(),
            },
            name,
        }
    }

    pub(super) fn arn(&self) -> String {
        let Scope { account, region } = &self.scope;
        format!(
            "arn:{}:sqs:{region}:{account}:{}",
            self.scope.partition(),
            self.name
        )
    }

    fn url(&self) -> String {
        format!(
            "{}/{}/{}",
            url_of(&self.scope.region),
            self.scope.account,
            self.name
        )
    }

    fn key(&self) -> String {
        format!("{}/{}/{}", self.scope.account, self.scope.region, self.name)
    }

    pub(super) fn is_fifo(&self) -> bool {
        is_in_order(&self.name)
    }
}

/// What the URLs of a region's queues begin with.
pub fn url_of(region: &str) -> String {
    format!("https://sqs.{region}.amazonaws.com")
}

/// Whether a queue or a topic of a name, or of an ARN, is one in order. Case counts.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "it is no extension of a file"
)]
pub(super) fn is_in_order(name: &str) -> bool {
    name.ends_with(".fifo")
}

impl Queues {
    /// Whether there is a queue.
    pub(super) fn has(&self, place: &Place) -> bool {
        self.get(place).is_some()
    }

    fn get(&self, place: &Place) -> Option<&Queue> {
        self.0.get(&place.key()).map(|queue| &**queue)
    }

    fn get_mut(&mut self, place: &Place) -> Option<&mut Queue> {
        let key = place.key();
        self.0.contains_key(&key).then_some(())?;
        Arc::make_mut(&mut self.0).get_mut(&key).map(Arc::make_mut)
    }

    /// The queues of one account and region whose names start so, by their names.
    fn under(&self, scope: &Scope, start: &str) -> impl Iterator<Item = &Queue> {
        let from = format!("{}/{}/{start}", scope.account, scope.region);
        let found = self.0.range(from.clone()..);
        let found = found.take_while(move |(key, _)| key.starts_with(&from));
        found.map(|(_, queue)| &**queue)
    }
}

impl Queue {
    fn place(&self) -> Place {
        Place {
            scope: self.scope.clone(),
            name: self.name.clone(),
        }
    }
}

pub(super) fn missing() -> Refusal {
    Refusal::new("QueueDoesNotExist", "The specified queue does not exist.")
}

impl World {
    /// The place that a request names by a URL, if there is a queue.
    fn queue_place(&self, request: &Request<'_>) -> Result<Place, Refusal> {
        let place = Place::of_url(request.text("QueueUrl"), request.scope);
        self.queues.get(&place).map(|_| place).ok_or_else(missing)
    }

    fn queue(&self, request: &Request<'_>) -> Result<&Queue, Refusal> {
        let place = Place::of_url(request.text("QueueUrl"), request.scope);
        self.queues.get(&place).ok_or_else(missing)
    }

    fn queue_mut(&mut self, request: &Request<'_>) -> Result<&mut Queue, Refusal> {
        let place = Place::of_url(request.text("QueueUrl"), request.scope);
        self.queues.get_mut(&place).ok_or_else(missing)
    }

    /// Makes a queue, or answers with the one of that name if it is alike.
    fn create_queue(&mut self, request: &Request<'_>) -> Reply {
        let place = Place {
            scope: request.scope.clone(),
            name: request.text("QueueName").to_owned(),
        };
        attributes::check_name(&place)?;
        let given = attributes::given(request)?;
        attributes::check_kind(&place, &given)?;
        if let Some(queue) = self.queues.get(&place) {
            attributes::check_alike(queue, &given)?;
            return Ok(json!({"QueueUrl": place.url()}));
        }
        if self.queues.0.len() >= QUEUES_MAX {
            return Err(Refusal::new("OverLimit", "There are too many queues."));
        }
        self.put_tags(&place.arn(), &listed(request.get("tags")))?;
        let queue = Queue {
            scope: place.scope.clone(),
            name: place.name.clone(),
            attributes: attributes::whole(given),
            created: request.now,
            modified: request.now,
            purged: None,
            line: Line::new(place.is_fifo()),
        };
        Arc::make_mut(&mut self.queues.0).insert(place.key(), Arc::new(queue));
        Ok(json!({"QueueUrl": place.url()}))
    }

    fn queue_url(&self, request: &Request<'_>) -> Reply {
        let owner = request.text("QueueOwnerAWSAccountId");
        let mut scope = request.scope.clone();
        if !owner.is_empty() {
            owner.clone_into(&mut scope.account);
        }
        let name = request.text("QueueName").to_owned();
        let place = Place { scope, name };
        self.queues.get(&place).ok_or_else(missing)?;
        Ok(json!({"QueueUrl": place.url()}))
    }

    fn list_queues(&self, request: &Request<'_>) -> Reply {
        let start = request.text("QueueNamePrefix");
        let found = self.queues.under(request.scope, start);
        urls_page("QueueUrls", request, found)
    }

    /// The queues that give what they cannot get rid of to one.
    fn list_source_queues(&self, request: &Request<'_>) -> Reply {
        let arn = self.queue(request)?.place().arn();
        let all = self.queues.under(request.scope, "");
        let found = all.filter(|queue| queue.redrive().is_some_and(|(to, _)| to == arn));
        urls_page("queueUrls", request, found)
    }

    fn queue_attributes(&self, request: &Request<'_>) -> Reply {
        let queue = self.queue(request)?;
        let shown = queue.shown(request.items("AttributeNames"), request.now);
        if shown.is_empty() {
            return Ok(json!({}));
        }
        Ok(json!({"Attributes": shown}))
    }

    fn set_queue_attributes(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        let given = attributes::given(request)?;
        if given.contains_key("FifoQueue") {
            return Err(attributes::invalid_name("FifoQueue"));
        }
        attributes::check_kind(&place, &given)?;
        let queue = self.queue_mut(request)?;
        queue.modified = request.now;
        for (name, value) in given {
            // An empty policy is none.
            if value.is_empty() {
                queue.attributes.remove(&name);
            } else {
                queue.attributes.insert(name, value);
            }
        }
        Ok(json!({}))
    }

    fn delete_queue(&mut self, request: &Request<'_>) -> Reply {
        let place = self.queue_place(request)?;
        Arc::make_mut(&mut self.queues.0).remove(&place.key());
        self.drop_tags(&place.arn());
        Ok(json!({}))
    }

    fn purge_queue(&mut self, request: &Request<'_>) -> Reply {
        let queue = self.queue_mut(request)?;
        let late =
            |purged: Timestamp| request.now < purged.saturating_add(PURGE_PAUSE).unwrap_or(purged);
        if queue.purged.is_some_and(late) {
            let words = format!(
                "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                queue.name
            );
            return Err(Refusal::new("PurgeQueueInProgress", words));
        }
        queue.purged = Some(request.now);
        queue.line.clear();
        Ok(json!({}))
    }

    fn tag_queue(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.queue_place(request)?.arn();
        self.put_tags(&arn, &listed(request.get("Tags")))?;
        Ok(json!({}))
    }

    fn untag_queue(&mut self, request: &Request<'_>) -> Reply {
        let arn = self.queue_place(request)?.arn();
        self.remove_tags(&arn, request.items("TagKeys"));
        Ok(json!({}))
    }

    fn list_queue_tags(&self, request: &Request<'_>) -> Reply {
        let arn = self.queue_place(request)?.arn();
        let tags = self.tags.get(&arn).filter(|tags| !tags.is_empty());
        Ok(tags.map_or_else(|| json!({}), |tags| json!({"Tags": **tags})))
    }
}

/// A map of tags as a list of them.
fn listed(tags: Option<&Value>) -> Vec<Value> {
    let tags = tags.and_then(Value::as_object);
    let all = tags.into_iter().flatten();
    all.map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

fn urls_page<'a>(
    member: &str,
    request: &Request<'_>,
    queues: impl Iterator<Item = &'a Queue>,
) -> Reply {
    let urls = queues.map(|queue| {
        (
            (Rank::Text(queue.name.clone()), 0),
            queue.place().url().into(),
        )
    });
    let wanted = request.get("MaxResults").and_then(Value::as_i64);
    if wanted.is_some_and(|wanted| !PAGES.contains(&wanted)) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            "Value for parameter MaxResults is invalid. Reason: Must be between 1 and 1000.",
        ));
    }
    let window = Window::ascending(request, "MaxResults", PAGE)?;
    let (page, next): (Vec<Value>, _) = window.whole(urls)?;
    let mut answer = Map::new();
    if !page.is_empty() || member == "queueUrls" {
        answer.insert(member.to_owned(), page.into());
    }
    answer.extend(next.map(|next| ("NextToken".to_owned(), next.into())));
    Ok(answer.into())
}
