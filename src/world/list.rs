//! Lists: filters, order, pages.

use serde_json::{Map, Value};

use super::World;
use super::encode::{base64, unbase64};
use super::kind::Kind;
use super::records::Record;
use super::request::{Refusal, Reply, Request};

/// Where an item stands in a list: the text that it is sorted by, then the order of creation.
type Place = (String, u64);

impl World {
    /// Answers a List: the records of a kind in the caller's scope whose lower-case name starts
    /// with `start`.
    pub(super) fn list(&self, kind: &Kind, start: &str, request: &Request<'_>) -> Reply {
        let by = request.text("SortBy");
        let records = self
            .records
            .under(kind.id, request.scope, start)
            .filter(|record| belongs(kind, record, request))
            .map(|record| ((sorted_by(kind, by, record), record.seq), record));
        let (page, next) = page(records.collect(), kind.list.page, request)?;
        let items = page.into_iter().map(|record| item(kind, record)).collect();
        let mut answer = Map::new();
        answer.insert(kind.list.member.to_owned(), Value::Array(items));
        if let Some(next) = next {
            answer.insert("NextToken".to_owned(), Value::from(next));
        }
        Ok(Value::Object(answer))
    }
}

fn item(kind: &Kind, record: &Record) -> Value {
    let members = kind.list.items.iter().filter_map(|(member, from)| {
        Some(((*member).to_owned(), record.body.pointer(from)?.clone()))
    });
    Value::Object(members.collect())
}

fn sorted_by(kind: &Kind, by: &str, record: &Record) -> String {
    match by {
        "Name" => record.name.clone(),
        "PipelineExecutionArn" => record.name.clone(),
        "Status" => record
            .body
            .pointer(kind.list.status)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned(),
        // Times are positive; thirteen digits before the point keep their order as text.
        _ => format!("{:017.3}", time(record, "CreationTime").unwrap_or(0.0)),
    }
}

fn time(record: &Record, member: &str) -> Option<f64> {
    record.body.get(member).and_then(Value::as_f64)
}

fn belongs(kind: &Kind, record: &Record, request: &Request<'_>) -> bool {
    let contains = request.text("NameContains").to_ascii_lowercase();
    let starts = request.text("PipelineNamePrefix").to_ascii_lowercase();
    let name = record.name.to_ascii_lowercase();
    let when = |after: &str, before: &str, member: &str| {
        let at = time(record, member);
        let bound = |name: &str| request.get(name).and_then(Value::as_f64);
        bound(after).is_none_or(|bound| at.is_some_and(|at| at > bound))
            && bound(before).is_none_or(|bound| at.is_some_and(|at| at < bound))
    };
    let equal = |member: &str, from: &str| {
        request
            .get(member)
            .is_none_or(|value| record.body.pointer(from) == Some(value))
    };
    name.contains(&contains)
        && name.starts_with(&starts)
        && when("CreationTimeAfter", "CreationTimeBefore", "CreationTime")
        && when("CreatedAfter", "CreatedBefore", "CreationTime")
        && when(
            "LastModifiedTimeAfter",
            "LastModifiedTimeBefore",
            "LastModifiedTime",
        )
        && equal("StatusEquals", kind.list.status)
        && kind
            .list
            .equal
            .iter()
            .all(|(member, from)| equal(member, from))
        && (kind.list.keep)(record, request)
}

/// Sorts, and cuts out the page that the request's `MaxResults` and `NextToken` name. The newest
/// come first unless `SortOrder` says otherwise. A token names the last item shown, so that what is
/// deleted between two pages moves nothing.
pub(super) fn page<T>(
    mut all: Vec<(Place, T)>,
    usual: usize,
    request: &Request<'_>,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let ascending = request.text("SortOrder") == "Ascending";
    all.sort_by(|(one, _), (other, _)| {
        let order = one.cmp(other);
        if ascending { order } else { order.reverse() }
    });
    let size = request
        .get("MaxResults")
        .and_then(Value::as_u64)
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(usual);
    let after = match request.text("NextToken") {
        "" => None,
        token => Some(read_token(request.op, token)?),
    };
    let mut rest = all.into_iter().filter(|(place, _)| {
        after.as_ref().is_none_or(|after| {
            if ascending {
                place > after
            } else {
                place < after
            }
        })
    });
    let mut page = Vec::new();
    let mut last = None;
    for (place, item) in rest.by_ref().take(size) {
        page.push(item);
        last = Some(place);
    }
    let more = rest.next().is_some();
    let next = last
        .filter(|_| more)
        .map(|place| write_token(request.op, &place));
    Ok((page, next))
}

fn write_token(op: &str, (text, seq): &Place) -> String {
    base64(format!("{op}\n{seq}\n{text}").as_bytes())
}

fn read_token(op: &str, token: &str) -> Result<Place, Refusal> {
    let place = unbase64(token)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let mut parts = text.splitn(3, '\n');
            (parts.next()? == op).then_some(())?;
            let seq = parts.next()?.parse().ok()?;
            Some((parts.next()?.to_owned(), seq))
        });
    place.ok_or_else(|| Refusal::invalid("Invalid pagination token."))
}
