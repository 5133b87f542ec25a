//! Finds out by lists whose turn it is to be described: what is not as it was, what is gone, and
//! what of ours no commit declares.
//!
//! A list lags, and proves nothing: what it shows otherwise than it was described, or does not show,
//! is described before anything is concluded. So a list that is wrong costs a look, or delays one
//! until the next sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::inventory::{Inventory, Stamp};
use super::pending::Pending;
use crate::clock::{SignedDuration, Timestamp};
use crate::cloud::{CallId, Machine, Next};
use crate::limits::SWEEP_PAGES_MAX;
use crate::plan::observed::Gap;
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::resource::kind::{Kind, Listed};
use crate::resource::kinds::{KINDS, MODEL_PACKAGE_GROUP, PIPELINE};
use crate::resource::owner::{self, COMMIT, OWNER, Tags, owns};

/// What grows below a resource of ours: searched for what is newer than the last sweep. The member
/// names the parent, by name or by ARN.
const GROWING: [Growing; 2] = [
    Growing {
        resource: "PipelineExecution",
        member: "PipelineArn",
        parent: &PIPELINE,
    },
    Growing {
        resource: "ModelPackage",
        member: "ModelPackageGroupName",
        parent: &MODEL_PACKAGE_GROUP,
    },
];

#[derive(Debug)]
struct Growing {
    resource: &'static str,
    member: &'static str,
    parent: &'static Kind,
}

/// What a sweep is about, beside what was described.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The scopes that the repository names: all are searched for what is ours.
    pub scopes: BTreeSet<Scope>,
    /// The installation's name.
    pub installation: String,
    /// The owners that the commit declares; `None` where not every model could be read: then
    /// nothing is said to be orphaned.
    pub owners: Option<BTreeSet<String>>,
    /// When the last sweep began: what grew before that was seen.
    pub since: Timestamp,
    /// How late something may show in a search, and how far clocks may be apart.
    pub margin: SignedDuration,
}

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swept {
    /// The folders of the models of which something is to be described.
    pub differing: BTreeSet<String>,
    /// What is ours, and no commit declares.
    pub orphans: Vec<Orphan>,
    /// What could not be listed.
    pub gaps: Vec<Gap>,
}

/// A resource whose unit is gone from Git.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Orphan {
    /// Where it is.
    pub scope: Scope,
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Whose it was: `<installation>/<model>/<environment>`.
    pub owner: String,
    /// The commit that created it.
    pub commit: Option<String>,
}

/// One sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    grounds: Grounds,
    known: BTreeMap<List, BTreeMap<String, Known>>,
    /// The lists that were read to their end.
    ended: BTreeSet<List>,
    queue: Vec<(Call, Reading)>,
    pending: Pending<Reading>,
    swept: Swept,
}

/// Everything of a kind in a scope.
type List = (Scope, &'static str);

#[derive(Debug, Clone)]
struct Known {
    folder: Arc<str>,
    described_at: Timestamp,
    stamp: Stamp,
    shown: Shown,
}

/// What a list shows of something that was described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    NotYet,
    Same,
    Other,
}

/// A list that is being read.
#[derive(Debug, Clone)]
struct Reading {
    of: Of,
    request: Call,
    pages: usize,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Kind(&'static Kind, &'static Listed),
    Growing(&'static Growing),
}

impl Sweep {
    /// Sweeps over what `inventory` holds, and over what is ours in the scopes.
    pub fn new(inventory: &Inventory, grounds: Grounds) -> Self {
        let mut lists: BTreeMap<(&Scope, &'static str), BTreeMap<String, Known>> = BTreeMap::new();
        for (folder, described_at, scope, mark) in inventory.marks() {
            let known = Known {
                folder: folder.clone(),
                described_at,
                stamp: mark.stamp,
                shown: Shown::NotYet,
            };
            let list = lists.entry((scope, mark.kind.name)).or_default();
            list.insert(mark.name.to_string(), known);
        }
        let lists = lists.into_iter();
        let mut sweep = Self {
            known: lists
                .map(|((scope, kind), known)| ((scope.clone(), kind), known))
                .collect(),
            grounds,
            ended: BTreeSet::new(),
            queue: Vec::new(),
            pending: Pending::default(),
            swept: Swept::default(),
        };
        sweep.begin();
        sweep
    }

    /// Queues the first page of every list that has something to tell.
    fn begin(&mut self) {
        let used: BTreeSet<List> = self.known.keys().cloned().collect();
        let scopes = used
            .iter()
            .map(|(scope, _)| scope)
            .chain(&self.grounds.scopes);
        let scopes: BTreeSet<_> = scopes.cloned().collect();
        for scope in scopes {
            let named = |kind: &Kind| used.contains(&(scope.clone(), kind.name));
            for kind in KINDS {
                let Some(listed) = &kind.listed else { continue };
                // A search shows what is ours, whether anything is known of it or not.
                if listed.resource.is_some() || named(kind) {
                    let request = Call::new(listed.op, &scope, (listed.request)());
                    self.ask(Of::Kind(kind, listed), request, 1);
                }
            }
            for growing in GROWING.iter().filter(|growing| named(growing.parent)) {
                let since = self.grounds.since.saturating_sub(self.grounds.margin);
                let since = since.unwrap_or(self.grounds.since);
                let request = Call::new("Search", &scope, newer(growing.resource, since));
                self.ask(Of::Growing(growing), request, 1);
            }
        }
    }

    fn ask(&mut self, of: Of, request: Call, pages: usize) {
        let reading = Reading {
            of,
            request: request.clone(),
            pages,
        };
        self.queue.push((request, reading));
    }

    fn read(&mut self, reading: Reading, page: &Value) {
        let Reading { of, request, pages } = reading;
        match of {
            Of::Kind(kind, listed) => {
                let list = (request.scope.clone(), kind.name);
                for item in page[listed.items].as_array().into_iter().flatten() {
                    self.seen(&list, listed, listed.description(item));
                }
            }
            Of::Growing(growing) => {
                for item in page["Results"].as_array().into_iter().flatten() {
                    self.grown(&request.scope, growing, &item[growing.resource]);
                }
            }
        }
        let Some(token) = page["NextToken"].as_str() else {
            if let Of::Kind(kind, _) = of {
                self.ended.insert((request.scope, kind.name));
            }
            return;
        };
        if pages == SWEEP_PAGES_MAX {
            let error = OpError::refused(
                request.op,
                "TooManyPages",
                format!("more than {SWEEP_PAGES_MAX} pages"),
            );
            return self.unread(of, &request, error);
        }
        let mut next = request;
        next.body["NextToken"] = token.into();
        self.ask(of, next, pages + 1);
    }

    fn seen(&mut self, list: &List, listed: &Listed, body: &Value) {
        let Some(name) = (listed.name)(body) else {
            return;
        };
        let known = self.known.get_mut(list);
        if let Some(known) = known.and_then(|known| known.get_mut(&name)) {
            let same = known.stamp == Stamp::of(listed, body, owner::in_order(&body["Tags"]));
            known.shown = if same { Shown::Same } else { Shown::Other };
        } else {
            self.orphaned(list, name, &owner::from_list(&body["Tags"]));
        }
    }

    /// Whether it is ours by its tags, and no commit declares its unit.
    fn orphaned(&mut self, (scope, kind): &List, name: String, tags: &Tags) {
        let (Some(owners), Some(owner)) = (&self.grounds.owners, tags.get(OWNER)) else {
            return;
        };
        let installation = owner.split('/').next().unwrap_or_default();
        // The registry stays when all else goes: it is the record of what was served.
        let record = *kind == MODEL_PACKAGE_GROUP.name;
        if record
            || installation != self.grounds.installation
            || owners.contains(owner)
            || !owns(tags, owner, &name)
        {
            return;
        }
        self.swept.orphans.push(Orphan {
            scope: scope.clone(),
            kind,
            name,
            owner: owner.clone(),
            commit: tags.get(COMMIT).cloned(),
        });
    }

    /// Something new below a parent: whose the parent is, is to be described.
    fn grown(&mut self, scope: &Scope, growing: &Growing, body: &Value) {
        let parent = body[growing.member].as_str().unwrap_or_default();
        let name = parent.rsplit('/').next().unwrap_or_default();
        let known = self.known.get(&(scope.clone(), growing.parent.name));
        let new = |known: &&Known| {
            let margin = self.grounds.margin.as_secs_f64();
            let described = known.described_at.as_duration().as_secs_f64() - margin;
            body["LastModifiedTime"]
                .as_f64()
                .is_none_or(|modified| modified >= described)
        };
        if let Some(known) = known.and_then(|known| known.get(name)).filter(new) {
            self.swept.differing.insert(known.folder.to_string());
        }
    }

    /// A list that cannot be read. Where it never will be, everything in it is described instead.
    fn unread(&mut self, of: Of, request: &Call, error: OpError) {
        let (kind, what) = match of {
            Of::Kind(kind, _) => (kind, kind.name),
            Of::Growing(growing) => (growing.parent, growing.resource),
        };
        let listed = (request.scope.clone(), kind.name);
        if error.class.is_final() {
            if let Of::Growing(_) = of {
                let below = self.known.get(&listed).into_iter();
                let below = below.flat_map(BTreeMap::values);
                let folders = below.map(|known| known.folder.to_string());
                self.swept.differing.extend(folders);
            }
            self.ended.insert(listed);
        }
        self.swept.gaps.push(Gap {
            what: format!("every {what} in {}", request.scope),
            error,
        });
    }
}

/// What is newer than `since`. The service reads times to the second.
fn newer(resource: &str, since: Timestamp) -> Value {
    let since = since.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    json!({
        "Resource": resource,
        "SearchExpression": {"Filters": [
            {"Name": "LastModifiedTime", "Operator": "GreaterThan", "Value": since},
        ]},
        "SortBy": "LastModifiedTime",
        "SortOrder": "Ascending",
        "MaxResults": 100,
    })
}

impl Machine for Sweep {
    type Output = Swept;

    fn next(&mut self, _now: Timestamp) -> Next {
        if self.queue.is_empty() && self.pending.is_empty() {
            return Next::Done;
        }
        let queue = std::mem::take(&mut self.queue);
        let calls = queue.into_iter();
        Next::Calls(
            calls
                .map(|(call, reading)| self.pending.add(call, reading))
                .collect(),
        )
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        match (self.pending.take(id), answer) {
            (Some(reading), Ok(page)) => self.read(reading, &page),
            (Some(reading), Err(error)) => self.unread(reading.of, &reading.request, error),
            (None, _) => {}
        }
    }

    fn finish(mut self) -> Swept {
        for (list, known) in self.known {
            // What a list lacks that could not be read to its end may be there.
            let whole = self.ended.contains(&list);
            let differing = known.into_values().filter(|known| match known.shown {
                Shown::Same => false,
                Shown::Other => true,
                Shown::NotYet => whole,
            });
            let folders = differing.map(|known| known.folder.to_string());
            self.swept.differing.extend(folders);
        }
        self.swept.orphans.sort();
        self.swept
    }
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
