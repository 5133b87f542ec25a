//! Lists: filters, order, pages.

use serde_json::{Map, Value};

use super::World;
use super::kind::{Id, Kind};
use super::records::Record;
use super::request::{Refusal, Reply, Request, text};
use super::window::{Page, Rank, Window};
use crate::resource::call::Scope;

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
        if request.get("LastModifiedTimeAfter").is_some() && request.get("NextToken").is_some() {
            return Err(Refusal::invalid(
                "LastModifiedTimeAfter cannot be combined with NextToken.",
            ));
        }
        let filter = Filter::new(kind, request);
        let window = Window::of(request, kind.list.page)?;
        let among = Among {
            id: kind.id,
            scope: request.scope,
            start,
            by_age: is_age(by),
        };
        let (page, next) = self.page_of_records(
            &among,
            &window,
            |record| rank(kind, by, record),
            |record| Ok(filter.takes(record) && also(record)),
            |record| item(kind, record),
        )?;
        Ok(paged(kind.list.member, page, next))
    }

    /// A page of the records that belong to a list, as they are shown: nothing else is copied. Late
    /// readers see what was; long lists in the order of creation are read on from the last page.
    pub(super) fn page_of_records(
        &self,
        among: &Among<'_>,
        window: &Window<'_>,
        rank: impl Fn(&Record) -> Rank,
        belongs: impl Fn(&Record) -> Result<bool, Refusal>,
        shown: impl Fn(&Record) -> Value,
    ) -> Result<Page<Value>, Refusal> {
        let (id, scope, start) = (among.id, among.scope, among.start);
        let place = |record: &Record| (rank(record), record.seq);
        let placed = |record| (place(record), record);
        let belongs = |record: &&Record| belongs(record);
        let late;
        let (page, next) = if !self.settings.lists_lag.is_zero() {
            late = self.records.seen(id, scope, start);
            window.page(late.iter().map(|record| placed(&**record)), belongs)?
        } else if start.is_empty() && among.by_age {
            let from = window.after().map(|(_, seq)| *seq);
            let records = self.records.by_age(id, scope, from, window.ascending);
            window.read(records, |record| place(record), belongs)?
        } else {
            let records = self.records.under(id, scope, start);
            window.page(records.map(placed), belongs)?
        };
        Ok((page.into_iter().map(shown).collect(), next))
    }
}

/// The records that a list is made of.
pub(super) struct Among<'a> {
    pub(super) id: Id,
    pub(super) scope: &'a Scope,
    /// What their lower-case names start with.
    pub(super) start: &'a str,
    /// Whether they are listed in the order of their creation.
    pub(super) by_age: bool,
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
        "SourceArn" | "DestinationArn" | "SourceType" | "DestinationType" => {
            Rank::Text(text(&record.body, by).to_owned())
        }
        "Name" | "PipelineExecutionArn" => Rank::Text(record.name.clone()),
        "Status" => {
            let status = record.body.pointer(kind.list.status);
            Rank::Text(status.and_then(Value::as_str).unwrap_or("").to_owned())
        }
        "ScheduledTime" => Rank::Bits(time(record, by).unwrap_or(0.0).to_bits()),
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
            ("ScheduledTime", "ScheduledTimeAfter", "ScheduledTimeBefore"),
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
