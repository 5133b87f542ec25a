//! Lists: filters, order, pages.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::World;
use super::encode::{base64, unbase64};
use super::kind::Kind;
use super::records::Record;
use super::request::{Refusal, Reply, Request};

/// Where an item stands in a list: what it is sorted by, then the order of creation.
pub(super) type Place = (Rank, u64);

/// What a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Rank {
    /// The order of creation alone, which is that of the times of creation.
    None,
    /// A time or another number that is not negative, by its bits.
    Bits(u64),
    /// A name or a status.
    Text(String),
}

impl World {
    /// Answers a List: the records of a kind in the caller's scope whose lower-case name starts
    /// with `start`.
    pub(super) fn list(&self, kind: &Kind, start: &str, request: &Request<'_>) -> Reply {
        let by = request.text("SortBy");
        let filter = Filter::new(kind, request);
        let window = Window::of(request, kind.list.page)?;
        if self.settings.lists_lag.is_zero() {
            let records = self.records.under(kind.id, request.scope, start);
            let records = records.map(|record| ((rank(kind, by, record), record.seq), record));
            let (page, next) = window.page(records, |record| Ok(filter.takes(record)))?;
            let items = page.into_iter().map(|record| item(kind, record)).collect();
            return Ok(paged(kind.list.member, items, next));
        }
        let records = self.records.seen(kind.id, request.scope, start);
        let records = records
            .into_iter()
            .map(|record| ((rank(kind, by, &record), record.seq), record));
        let (page, next) = window.page(records, |record| Ok(filter.takes(record)))?;
        let items = page.into_iter().map(|record| item(kind, &record));
        Ok(paged(kind.list.member, items.collect(), next))
    }
}

/// The answer of a list.
pub(super) fn paged(member: &str, page: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = Map::new();
    answer.insert(member.to_owned(), Value::Array(page));
    if let Some(next) = next {
        answer.insert("NextToken".to_owned(), Value::from(next));
    }
    Value::Object(answer)
}

fn item(kind: &Kind, record: &Record) -> Value {
    let members = kind.list.items.iter().filter_map(|(member, from)| {
        Some(((*member).to_owned(), record.body.pointer(from)?.clone()))
    });
    Value::Object(members.collect())
}

fn rank(kind: &Kind, by: &str, record: &Record) -> Rank {
    match by {
        "Name" | "PipelineExecutionArn" => Rank::Text(record.name.clone()),
        "Status" => Rank::Text(
            record
                .body
                .pointer(kind.list.status)
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned(),
        ),
        _ => Rank::None,
    }
}

fn time(record: &Record, member: &str) -> Option<f64> {
    record.body.get(member).and_then(Value::as_f64)
}

/// What a request wants to see, read once for all records.
struct Filter<'a> {
    kind: &'a Kind,
    request: &'a Request<'a>,
    contains: String,
    starts: String,
    /// Member, not before or at, not after or at.
    times: Vec<(&'static str, Option<f64>, Option<f64>)>,
    equal: Vec<(&'static str, &'a Value)>,
}

impl<'a> Filter<'a> {
    fn new(kind: &'a Kind, request: &'a Request<'a>) -> Self {
        let bound = |name: &str| request.get(name).and_then(Value::as_f64);
        let times = [
            ("CreationTime", "CreationTimeAfter", "CreationTimeBefore"),
            ("CreationTime", "CreatedAfter", "CreatedBefore"),
            (
                "LastModifiedTime",
                "LastModifiedTimeAfter",
                "LastModifiedTimeBefore",
            ),
        ];
        let equal = kind.list.equal.iter().copied();
        Self {
            kind,
            request,
            contains: request.text("NameContains").to_ascii_lowercase(),
            starts: request.text("PipelineNamePrefix").to_ascii_lowercase(),
            times: times
                .into_iter()
                .map(|(member, after, before)| (member, bound(after), bound(before)))
                .filter(|(_, after, before)| after.is_some() || before.is_some())
                .collect(),
            equal: equal
                .chain([("StatusEquals", kind.list.status)])
                .filter_map(|(member, from)| Some((from, request.get(member)?)))
                .collect(),
        }
    }

    fn takes(&self, record: &Record) -> bool {
        let named = || {
            let name = record.name.to_ascii_lowercase();
            name.contains(&self.contains) && name.starts_with(&self.starts)
        };
        let within = |(member, after, before): &(&str, Option<f64>, Option<f64>)| {
            time(record, member).is_some_and(|at| {
                after.is_none_or(|after| at > after) && before.is_none_or(|before| at < before)
            })
        };
        (self.contains.is_empty() && self.starts.is_empty() || named())
            && self.times.iter().all(within)
            && self
                .equal
                .iter()
                .all(|(from, value)| record.body.pointer(from) == Some(*value))
            && (self.kind.list.keep)(record, self.request)
    }
}

/// Sorts, and cuts out the page that a request names.
pub(super) fn page<T>(
    all: Vec<(Place, T)>,
    usual: usize,
    request: &Request<'_>,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    Window::of(request, usual)?.page(all, |_| Ok(true))
}

/// The page that a request's `MaxResults` and `NextToken` name. The newest come first unless
/// `SortOrder` says otherwise. A token names the last item shown, so that what is deleted between two
/// pages moves nothing.
pub(super) struct Window<'a> {
    op: &'a str,
    ascending: bool,
    size: usize,
    after: Option<Place>,
}

impl<'a> Window<'a> {
    pub(super) fn of(request: &Request<'a>, usual: usize) -> Result<Self, Refusal> {
        let size = request.get("MaxResults").and_then(Value::as_u64);
        let token = Some(request.text("NextToken")).filter(|token| !token.is_empty());
        Ok(Self {
            op: request.op,
            ascending: request.text("SortOrder") == "Ascending",
            size: size
                .and_then(|max| usize::try_from(max).ok())
                .unwrap_or(usual)
                .max(1),
            after: token
                .map(|token| read_token(request.op, token))
                .transpose()?,
        })
    }

    /// How two places follow each other on pages.
    fn order(&self, one: &Place, other: &Place) -> Ordering {
        let order = one.cmp(other);
        if self.ascending {
            order
        } else {
            order.reverse()
        }
    }

    /// The page out of everything, and the token of the next. Whether an item belongs to the list is
    /// only asked of as many as it takes to fill the page: there may be many pages, and each is cut
    /// out of everything.
    pub(super) fn page<T>(
        &self,
        all: impl IntoIterator<Item = (Place, T)>,
        mut belongs: impl FnMut(&T) -> Result<bool, Refusal>,
    ) -> Result<(Vec<T>, Option<String>), Refusal> {
        let after = |place: &Place| match &self.after {
            Some(after) => self.order(after, place).is_lt(),
            None => true,
        };
        let mut left: Vec<_> = all.into_iter().filter(|(place, _)| after(place)).collect();
        let order = |one: &(Place, T), other: &(Place, T)| self.order(&one.0, &other.0);
        let mut page = Vec::new();
        let mut batch = self.size + 1;
        while !left.is_empty() && page.len() <= self.size {
            let rest = if left.len() > batch {
                left.select_nth_unstable_by(batch - 1, order);
                left.split_off(batch)
            } else {
                Vec::new()
            };
            left.sort_by(order);
            for one in std::mem::replace(&mut left, rest) {
                if page.len() <= self.size && belongs(&one.1)? {
                    page.push(one);
                }
            }
            batch *= 2;
        }
        let more = page.len() > self.size;
        page.truncate(self.size);
        let last = page.last().filter(|_| more);
        let next = last.map(|(place, _)| write_token(self.op, place));
        Ok((page.into_iter().map(|(_, item)| item).collect(), next))
    }
}

fn write_token(op: &str, place: &Place) -> String {
    base64(json!([op, place]).to_string().as_bytes())
}

fn read_token(op: &str, token: &str) -> Result<Place, Refusal> {
    unbase64(token)
        .and_then(|bytes| serde_json::from_slice::<(String, Place)>(&bytes).ok())
        .filter(|(of, _)| of == op)
        .map(|(_, place)| place)
        .ok_or_else(|| Refusal::invalid("Invalid pagination token."))
}
