//! Lists: filters, order, pages.

use serde_json::{Map, Value};

use super::World;
use super::kind::Kind;
use super::records::Record;
use super::request::{Reply, Request};
use super::window::{Rank, Window};

impl World {
    /// Answers a List: the records of a kind in the caller's scope whose lower-case name starts
    /// with `start`.
    pub(super) fn list(&self, kind: &Kind, start: &str, request: &Request<'_>) -> Reply {
        self.list_where(kind, start, request, |_| true)
    }

    /// The same of those records of which something else holds, too.
    pub(super) fn list_where(
        &self,
        kind: &Kind,
        start: &str,
        request: &Request<'_>,
        also: impl Fn(&Record) -> bool,
    ) -> Reply {
        let by = request.text("SortBy");
        let filter = Filter::new(kind, request);
        let window = Window::of(request, kind.list.page)?;
        let scope = request.scope;
        let place = |record: &Record| (rank(kind, by, record), record.seq);
        let placed = |record| (place(record), record);
        let belongs = |record: &&Record| Ok(filter.takes(record) && also(record));
        let late;
        let (page, next) = if !self.settings.lists_lag.is_zero() {
            late = self.records.seen(kind.id, scope, start);
            window.page(late.iter().map(|record| placed(&**record)), belongs)?
        } else if start.is_empty() && is_age(by) {
            let from = window.after().map(|(_, seq)| *seq);
            let records = self.records.by_age(kind.id, scope, from, window.ascending);
            window.read(records, |record| place(record), belongs)?
        } else {
            let records = self.records.under(kind.id, scope, start);
            window.page(records.map(placed), belongs)?
        };
        let items = page.into_iter().map(|record| item(kind, record));
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

/// Whether a member to sort by is the order of creation.
pub(super) fn is_age(by: &str) -> bool {
    matches!(by, "" | "CreationTime")
}

fn rank(kind: &Kind, by: &str, record: &Record) -> Rank {
    match by {
        "Name" | "PipelineExecutionArn" => Rank::Text(record.name.clone()),
        "Status" => {
            let status = record.body.pointer(kind.list.status);
            Rank::Text(status.and_then(Value::as_str).unwrap_or("").to_owned())
        }
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
