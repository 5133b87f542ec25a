//! The service as a pure state machine: names, limits, texts, status transitions over a clock that
//! is an argument, tags, lists, and failures on request.
//!
//! [`World::call`] answers one request; [`World::advance`] moves the clock and hands out the
//! [`Work`] that somebody else really does; [`World::finish`] takes the outcome. A clone is cheap
//! and shares everything until one of the two changes it; a world can be written with serde and
//! read again, and goes on where it was.

mod alarms;
mod card;
mod create;
mod deployment;
mod encode;
mod endpoint;
mod endpoint_config;
mod events;
mod experiment;
pub mod faults;
mod group;
mod iam;
mod identity;
pub mod invocations;
mod jobs;
mod kind;
mod kinds;
mod lineage;
mod list;
pub mod log;
mod logs;
pub mod metrics;
mod model;
mod monitoring;
mod neighbour_tags;
mod notices;
pub mod objects;
mod operations;
mod pace;
mod package;
mod past;
mod pattern;
mod pipeline;
mod queue;
mod quota;
mod records;
mod request;
pub mod route;
mod s3;
mod scaling;
mod schedule;
mod search;
mod search_space;
pub mod settings;
pub(crate) mod shape;
mod shelf;
mod tagging;
mod tags;
#[cfg(test)]
mod tests;
mod timetable;
mod topics;
mod tracking;
mod traffic;
mod transform;
mod tuning;
mod variants;
mod window;
pub mod work;
mod works;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use encode::{dice_of, key_of_url, uuid_of};
pub use faults::FaultKind;
pub use log::{CallLog, LogEntry};
pub use objects::{Object, ObjectError, Objects};
pub use pace::Pace;
pub use queue::url_of as queue_urls;
pub use route::{Capture, Route, Shadow};
pub use settings::{Chance, Settings};
pub use topics::url_of as topic_urls;

use crate::clock::{SignedDuration, Timestamp};
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::resource::wire::{Turn, Wire};
use events::Events;
use faults::Faults;
use iam::Iam;
use kinds::KINDS;
use logs::Logs;
use metrics::Metrics;
use queue::Queues;
use records::{Key, Records};
use request::Refusal;
use tags::Tags;
use work::{Done, Work, WorkId};
use works::Works;

/// One SageMaker, in all accounts and regions, with its S3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    pace: Pace,
    now: Timestamp,
    counter: u64,
    records: Records,
    tags: Tags,
    objects: Objects,
    timers: BTreeSet<Timer>,
    works: Works,
    faults: Faults,
    calls: CallLog,
    #[serde(skip)]
    metrics: Metrics,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    queues: Queues,
    #[serde(default)]
    events: Events,
    #[serde(default)]
    logs: Logs,
    #[serde(default)]
    iam: Iam,
}

/// Something that happens by itself: the machine of a record looks at the clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Timer {
    at: Timestamp,
    seq: u64,
    key: Key,
}

impl World {
    /// A world with nothing in it.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            now: Timestamp::UNIX_EPOCH,
            counter: 0,
            records: Records::default(),
            tags: Tags::default(),
            objects: Objects::default(),
            timers: BTreeSet::new(),
            works: Works::default(),
            faults: Faults::default(),
            calls: CallLog::default(),
            metrics: Metrics::default(),
            settings: Settings::default(),
            queues: Queues::default(),
            events: Events::default(),
            logs: Logs::default(),
            iam: Iam::default(),
        }
    }

    /// The operation's name as a constant, if it is supported.
    pub fn operation(name: &str) -> Option<&'static str> {
        operations::find(name).map(|operation| operation.name)
    }

    /// The operation of one service by the name that the service has for it.
    pub fn operation_of(service: &str, name: &str) -> Option<&'static str> {
        operations::find_of(service, name).map(|operation| operation.name)
    }

    /// Every operation but S3's: the service that has it, such as `cloudwatch`, and its name there.
    pub fn operations() -> impl Iterator<Item = (&'static str, &'static str)> {
        operations::all()
    }

    /// Answers a request, at `now` or, if that lies behind, at the latest instant seen.
    pub fn call(&mut self, now: Timestamp, call: &Call) -> Answer {
        self.run_until(now);
        let fault = self.faults.take(call.op).or_else(|| self.chance(call.op));
        let answer = match fault {
            None => self.ported(call),
            Some(kind) => {
                if kind == FaultKind::Http500AfterCommit {
                    drop(self.ported(call));
                }
                let service = operations::service(call.op);
                Err(kind.refusal(call.op, &call.scope, service).error(call.op))
            }
        };
        self.emit();
        self.calls.push(LogEntry {
            at: self.now,
            op: call.op.to_owned(),
            scope: call.scope.clone(),
            name: operations::subject(call),
            error: answer.as_ref().err().map(|error| error.code.clone()),
            mutates: call.mutates(),
        });
        answer
    }

    /// What a caller of the port is answered: what goes over the wire in another form does so here.
    fn ported(&mut self, call: &Call) -> Answer {
        let Some(mut wire) = Wire::of(call) else {
            return self.answer(call);
        };
        loop {
            let answer = self.answer(&wire.call);
            match wire.read(answer) {
                Turn::Answer(answer) => return answer,
                Turn::Again(next) => wire = *next,
            }
        }
    }

    fn answer(&mut self, call: &Call) -> Answer {
        let Some(operation) = operations::find(call.op) else {
            return Err(unsupported(call.op));
        };
        operation
            .run(self, call)
            .map_err(|refusal| refusal.error(call.op))
    }

    /// Moves the clock forward, lets everything happen that falls due, and hands out the work that
    /// has come up since the last time. Time never goes back: an earlier `to` only hands out work.
    pub fn advance(&mut self, to: Timestamp) -> Vec<Work> {
        self.run_until(to);
        self.works.hand_out()
    }

    /// When the next thing happens by itself.
    pub fn next_timer(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|timer| timer.at);
        timer.into_iter().chain(self.events.next_due()).min()
    }

    /// Takes the outcome of a piece of work. What is not, or no longer, waited for is ignored.
    pub fn finish(&mut self, now: Timestamp, done: Done) {
        self.run_until(now);
        match done {
            Done::Job { id, outcome } => self.job_done(id, outcome),
            Done::Fleet { id, failure } => self.fleet_done(id, failure),
            Done::Invocation(invoked) => self.invoked(&invoked),
            Done::Post { id, failure } => self.post_done(id, failure.as_deref()),
        }
        self.emit();
    }

    /// Hands out again everything that should be going on: jobs that have not ended (and the wish
    /// to stop those that shall stop) and fleets that come up or serve. For whoever does the work
    /// and has just started: nothing is left for `advance` to hand out. A fleet that serves answers
    /// with [`Done::Fleet`] again, which changes nothing.
    pub fn restart(&mut self) -> Vec<Work> {
        self.works.restart()
    }

    /// The jobs that have not ended and the fleets that come up or serve, handed out or not.
    pub fn outstanding(&self) -> Vec<Work> {
        self.works.outstanding()
    }

    /// S3.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// S3, to write to.
    pub fn objects_mut(&mut self) -> &mut Objects {
        &mut self.objects
    }

    /// The log of calls.
    pub fn calls(&self) -> &CallLog {
        &self.calls
    }

    /// The latest instant that this world has seen.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How the service differs from the ideal one.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes how the service differs from the ideal one, from now on.
    pub fn set(&mut self, settings: Settings) {
        self.records.remember(settings.lists_lag);
        self.settings = settings;
    }

    /// Lets the next call of `op` (of any operation, if `op` is `*`) fail so. Asking twice lets two
    /// calls fail.
    pub fn fail_next(&mut self, op: &str, kind: FaultKind) {
        self.faults.push(op, kind);
    }

    /// How many calls are yet to fail.
    pub fn faults_pending(&self) -> usize {
        self.faults.pending()
    }

    /// Takes back what was asked of [`World::fail_next`].
    pub fn fail_no_more(&mut self) {
        self.faults = Faults::default();
    }

    fn chance(&mut self, op: &str) -> Option<FaultKind> {
        if self.settings.chances.is_empty() {
            return None;
        }
        let number = self.next();
        self.settings.met(op, encode::dice(number))
    }

    /// Changes a resource behind everybody's back. `describe` is its Describe operation, `name` a
    /// name or an ARN, and `change` gets the answer of that Describe, tags apart. Whether there is
    /// such a resource.
    pub fn edit(
        &mut self,
        scope: &Scope,
        describe: &'static str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let wired = Wire::of(&Call::new(describe, scope, Value::Null));
        let describe = wired.map_or(describe, |wire| wire.call.op);
        let Some(kind) = KINDS.iter().find(|kind| kind.describe == describe) else {
            return false;
        };
        let key = self.key(kind, scope, name);
        let Some(record) = self.records.get_mut(&key) else {
            return false;
        };
        change(&mut record.body);
        true
    }

    /// A resource as it stands, with its tags: what its Describe answers, without a call and out of
    /// the log. `describe` is its Describe operation, `name` a name or an ARN.
    pub fn peek(
        &self,
        scope: &Scope,
        describe: &str,
        name: &str,
    ) -> Option<(&Value, Option<&BTreeMap<String, String>>)> {
        let kind = KINDS.iter().find(|kind| kind.describe == describe)?;
        let record = self.records.get(&self.key(kind, scope, name))?;
        let arn = kind.arn(&record.scope, &record.name).to_ascii_lowercase();
        Some((&record.body, self.tags.get(&arn).map(|tags| &**tags)))
    }

    /// Every resource of a kind in one account and region, as it stands.
    pub fn peek_all(&self, scope: &Scope, describe: &str) -> impl Iterator<Item = &Value> {
        let kind = KINDS.iter().find(|kind| kind.describe == describe);
        kind.into_iter()
            .flat_map(move |kind| self.records.under(kind.id, scope, ""))
            .map(|record| &record.body)
    }

    fn run_until(&mut self, to: Timestamp) {
        while let Some(at) = self.next_timer().filter(|at| *at <= to) {
            self.tick(at);
            match self.timers.first().filter(|timer| timer.at <= at).cloned() {
                Some(timer) => {
                    self.timers.remove(&timer);
                    self.fire(&timer.key);
                }
                None => self.events_due(at, to),
            }
            self.emit();
        }
        self.tick(to);
    }

    fn tick(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
        self.records.tick(self.now);
    }

    fn fire(&mut self, key: &Key) {
        match key.id {
            kind::Id::Endpoint => self.endpoint_due(key),
            kind::Id::Schedule => self.schedule_due(key),
            kind::Id::Alarm => self.alarm_due(key),
            kind::Id::Execution => self.execution_due(key),
            kind::Id::MonitoringExecution => self.monitoring_due(key),
            _ => {}
        }
    }

    fn set_timer(&mut self, after: SignedDuration, key: &Key) -> Timestamp {
        let at = self.now.saturating_add(after).unwrap_or(Timestamp::MAX);
        let seq = self.next();
        self.timers.insert(Timer {
            at,
            seq,
            key: key.clone(),
        });
        at
    }

    /// The next number: ids, order of creation, seeds of generated names.
    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn next_work(&mut self) -> WorkId {
        WorkId(self.next())
    }
}

fn unsupported(op: &str) -> OpError {
    let mut error = Refusal::new(
        "UnsupportedOperation",
        format!("{op} is not supported here"),
    )
    .error(op);
    error.class = crate::resource::error::Class::Invalid;
    error
}
