//! The store of records: one shelf a kind, shared between clones until written to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::EndpointState;
use super::events::news::News;
use super::group::GroupState;
use super::jobs::JobState;
use super::kind::Id;
use super::metrics::AlarmState;
use super::monitoring;
use super::past::Past;
use super::pipeline::{ExecutionState, PipelineState};
use super::schedule::ScheduleState;
use super::shelf::Shelf;
use super::tuning::TuningState;
use crate::clock::{SignedDuration, Timestamp};
use crate::resource::call::Scope;

/// One resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Order of creation in this world.
    pub(super) seq: u64,
    /// Where it lives.
    pub(super) scope: Scope,
    /// Its name as it was given.
    pub(super) name: String,
    /// What its Describe answers.
    pub(super) body: Value,
    /// What its machine remembers besides.
    pub(super) state: State,
}

/// What a machine remembers of a record, beyond what is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    /// Nothing.
    Plain,
    /// The token that it was created with.
    Token(String),
    Group(GroupState),
    Endpoint(EndpointState),
    Job(JobState),
    Tuning(TuningState),
    Pipeline(PipelineState),
    Execution(Box<ExecutionState>),
    Schedule(ScheduleState),
    Monitoring(monitoring::ExecutionState),
    /// The trials that a component is part of, by their names.
    Component(BTreeSet<String>),
    Alarm(AlarmState),
    /// When a scaling policy last changed a number of instances.
    Scaled(Timestamp),
    /// What the earlier versions of a model card were.
    Card(Vec<Value>),
}

/// Names a record: a kind, and account, region and lower-case name in one string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: Id,
    pub(super) place: String,
}

impl Key {
    pub(super) fn new(id: Id, scope: &Scope, name: &str) -> Self {
        Self {
            id,
            place: if id.is_sagemakers() {
                format!("{}{}", prefix(scope), name.to_ascii_lowercase())
            } else {
                format!("{}{name}", prefix(scope))
            },
        }
    }
}

fn prefix(scope: &Scope) -> String {
    format!("{}/{}/", scope.account, scope.region)
}

/// All records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Records {
    shelves: BTreeMap<Id, Arc<Shelf>>,
    #[serde(default)]
    past: Past,
    #[serde(default)]
    news: News,
}

impl Records {
    /// Keeps what is written over for so long, for readers that lag behind.
    pub(super) fn remember(&mut self, lag: SignedDuration) {
        self.past.remember(lag);
    }

    /// Lets the clock go on.
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.past.tick(now);
    }

    /// Notes changes from now on, or no longer.
    pub(super) fn listen(&mut self, listening: bool) {
        self.news.listen(listening);
    }

    /// What changed since this was last asked, with what was there before.
    pub(super) fn news(&mut self) -> BTreeMap<Key, Option<Arc<Record>>> {
        self.news.take()
    }

    fn note(&mut self, key: &Key) {
        self.past.note(&self.shelves, key);
        self.news.note(&self.shelves, key);
    }

    /// What a reader who lags behind sees under a beginning of names.
    pub(super) fn seen(&self, id: Id, scope: &Scope, start: &str) -> Vec<Arc<Record>> {
        let from = format!("{}{start}", prefix(scope));
        let now = self.shelves.get(&id);
        let now = now.map(|shelf| shelf.under(from.clone()));
        let now = now.into_iter().flatten();
        let mut seen: BTreeMap<String, Arc<Record>> = now
            .map(|(place, record)| (place.to_owned(), record.clone()))
            .collect();
        self.past.lay_over(id, &from, &mut seen);
        seen.into_values().collect()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Record> {
        self.shelves
            .get(&key.id)?
            .get(&key.place)
            .map(|record| &**record)
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Record> {
        self.note(key);
        self.shelf_of(key)?.get_mut(&key.place)
    }

    pub(super) fn insert(&mut self, key: &Key, record: Record) {
        self.note(key);
        let shelf = self.shelves.entry(key.id).or_default();
        Arc::make_mut(shelf).insert(&key.place, record);
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Arc<Record>> {
        self.note(key);
        self.shelf_of(key)?.remove(&key.place)
    }

    /// The shelf on which a record is, to change it.
    fn shelf_of(&mut self, key: &Key) -> Option<&mut Shelf> {
        let shelf = self.shelves.get_mut(&key.id)?;
        shelf.get(&key.place)?;
        Some(Arc::make_mut(shelf))
    }

    /// Records of a kind in one account and region whose lower-case name starts with `start`.
    pub(super) fn under(
        &self,
        id: Id,
        scope: &Scope,
        start: &str,
    ) -> impl Iterator<Item = &Record> {
        let from = format!("{}{start}", prefix(scope));
        let shelf = self.shelves.get(&id);
        let found = shelf.map(|shelf| shelf.under(from));
        found.into_iter().flatten().map(|(_, record)| &**record)
    }

    /// Every record of a kind, in all accounts and regions.
    pub(super) fn all(&self, id: Id) -> impl Iterator<Item = &Record> {
        let shelf = self.shelves.get(&id);
        let found = shelf.map(|shelf| shelf.under(String::new()));
        found.into_iter().flatten().map(|(_, record)| &**record)
    }

    /// Records of a kind in one account and region in the order of their creation, or against it,
    /// without those up to the number `from`.
    pub(super) fn by_age(
        &self,
        id: Id,
        scope: &Scope,
        from: Option<u64>,
        ascending: bool,
    ) -> impl Iterator<Item = &Record> {
        let shelf = self.shelves.get(&id);
        let found = shelf.map(|shelf| shelf.by_age(prefix(scope), from, ascending));
        found.into_iter().flatten().map(|record| &**record)
    }
}
