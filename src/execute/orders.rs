//! Looks for orders to roll back: one search in each account and region.
//!
//! What a search shows is a reason to look, and no more: the pass that follows reads the endpoint.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::pending::Pending;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::limits::LIST_PAGES_MAX;
use crate::plan::observed::Gap;
use crate::resource::call::{Answer, Call, Scope};
use crate::resource::owner::{self, OVERRIDE, OWNER};

/// Every order that is shown: the endpoint's owner tag, and what the order says.
pub type Orders = BTreeMap<String, String>;

/// The machine that looks for them.
#[derive(Debug, Clone)]
pub struct FindOrders {
    installation: String,
    queue: Vec<(Call, usize)>,
    pending: Pending<(Call, usize)>,
    found: Orders,
    gaps: Vec<Gap>,
}

impl FindOrders {
    /// Looks in these scopes for those of an installation.
    pub fn new(scopes: &BTreeSet<Scope>, installation: &str) -> Self {
        let installation = format!("{installation}/");
        let calls = scopes.iter().map(|scope| {
            let call = Call::new("Search", scope, request(&installation));
            (call, 1)
        });
        Self {
            queue: calls.collect(),
            installation,
            pending: Pending::default(),
            found: Orders::new(),
            gaps: Vec::new(),
        }
    }

    fn read(&mut self, (mut call, pages): (Call, usize), page: &Value) {
        for item in page["Results"].as_array().into_iter().flatten() {
            let tags = owner::from_list(&item["Endpoint"]["Tags"]);
            let (Some(owner), Some(order)) = (tags.get(OWNER), tags.get(OVERRIDE)) else {
                continue;
            };
            if owner.starts_with(&self.installation) {
                self.found.insert(owner.clone(), order.clone());
            }
        }
        if let Some(token) = page["NextToken"].as_str()
            && pages < LIST_PAGES_MAX
        {
            call.body["NextToken"] = token.into();
            self.queue.push((call, pages + 1));
        }
    }
}

/// Endpoints that carry an order. A search cannot ask for the beginning of a value, so whose they are
/// is looked at again in what it shows.
fn request(installation: &str) -> Value {
    json!({
        "Resource": "Endpoint",
        "SearchExpression": {"Filters": [
            {"Name": format!("Tags.{OVERRIDE}"), "Operator": "Exists"},
            {"Name": format!("Tags.{OWNER}"), "Operator": "Contains", "Value": installation},
        ]},
        "SortBy": "CreationTime",
        "SortOrder": "Ascending",
        "MaxResults": 100,
    })
}

impl Machine for FindOrders {
    type Output = (Orders, Vec<Gap>);

    fn next(&mut self, _now: Timestamp) -> Next {
        if self.queue.is_empty() && self.pending.is_empty() {
            return Next::Done;
        }
        let queue = std::mem::take(&mut self.queue);
        let calls = queue.into_iter();
        let calls = calls.map(|(call, pages)| self.pending.add(call.clone(), (call, pages)));
        Next::Calls(calls.collect())
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        match (self.pending.take(id), answer) {
            (Some(reading), Ok(page)) => self.read(reading, &page),
            (Some((call, _)), Err(error)) => self.gaps.push(Gap {
                what: format!("orders to roll back in {}", call.scope),
                error,
            }),
            (None, _) => {}
        }
    }

    fn finish(self) -> Self::Output {
        (self.found, self.gaps)
    }
}
