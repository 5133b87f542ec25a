//! The work that is going on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::records::Key;
use super::work::{Fleet, Invocation, Job, Post, Work, WorkId};

/// What runs, and what is yet to be handed out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Works {
    fresh: Vec<Work>,
    going: Arc<BTreeMap<WorkId, Arc<Going>>>,
}

/// A job that runs, or a fleet that comes up or serves; and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Going {
    key: Key,
    work: Work,
    /// Whether it was asked to stop.
    stopping: bool,
}

impl Works {
    pub(super) fn run(&mut self, key: Key, job: Job) {
        self.start(job.id, key, Work::Run(job));
    }

    pub(super) fn serve(&mut self, key: Key, fleet: Fleet) {
        self.start(fleet.id, key, Work::Serve(fleet));
    }

    pub(super) fn invoke(&mut self, key: Key, invocation: Invocation) {
        self.start(invocation.id, key, Work::Invoke(Box::new(invocation)));
    }

    /// How many invocations of an endpoint have not ended.
    pub(super) fn invocations(&self, endpoint: &Key) -> usize {
        let going = self.going.values();
        let queued = going.filter(|one| matches!(one.work, Work::Invoke(_)));
        queued.filter(|one| one.key == *endpoint).count()
    }

    /// Forgets an invocation that has ended, and gives it back with whose it was.
    pub(super) fn invoked(&mut self, id: WorkId) -> Option<(Key, Invocation)> {
        let Work::Invoke(invocation) = &self.going.get(&id)?.work else {
            return None;
        };
        let invocation = Invocation::clone(invocation);
        Some((self.end(id)?, invocation))
    }

    /// Has a fleet be so many processes, if it is not.
    pub(super) fn scale(&mut self, id: WorkId, count: u64) {
        let is_other =
            |going: &Arc<Going>| matches!(&going.work, Work::Serve(fleet) if fleet.count != count);
        if !self.going.get(&id).is_some_and(is_other) {
            return;
        }
        if let Some(going) = Arc::make_mut(&mut self.going).get_mut(&id)
            && let Work::Serve(fleet) = &mut Arc::make_mut(going).work
        {
            fleet.count = count;
            self.fresh.push(Work::Scale(id, count));
        }
    }

    pub(super) fn post(&mut self, key: Key, post: Post) {
        self.start(post.id, key, Work::Post(post));
    }

    /// Forgets a message that arrived or did not, and gives it back with whose it was.
    pub(super) fn posted(&mut self, id: WorkId) -> Option<(Key, Post)> {
        let Work::Post(post) = &self.going.get(&id)?.work else {
            return None;
        };
        let post = post.clone();
        Some((self.end(id)?, post))
    }

    fn start(&mut self, id: WorkId, key: Key, work: Work) {
        self.fresh.push(work.clone());
        Arc::make_mut(&mut self.going).insert(
            id,
            Arc::new(Going {
                key,
                work,
                stopping: false,
            }),
        );
    }

    /// Asks for a job to be stopped; its end still comes.
    pub(super) fn stop(&mut self, id: WorkId) {
        if let Some(going) = Arc::make_mut(&mut self.going).get_mut(&id) {
            Arc::make_mut(going).stopping = true;
            self.fresh.push(Work::Stop(id));
        }
    }

    /// Takes a fleet down: nothing more is heard of it.
    pub(super) fn retire(&mut self, id: WorkId) {
        if self.end(id).is_some() {
            self.fresh.push(Work::Retire(id));
        }
    }

    /// Forgets a job that ended, and says whose it was.
    pub(super) fn end(&mut self, id: WorkId) -> Option<Key> {
        let going = self.going.get(&id)?;
        let key = going.key.clone();
        Arc::make_mut(&mut self.going).remove(&id);
        Some(key)
    }

    /// Whose a fleet is.
    pub(super) fn fleet(&self, id: WorkId) -> Option<&Key> {
        let going = self.going.get(&id)?;
        matches!(going.work, Work::Serve(_)).then_some(&going.key)
    }

    /// Whether a job of that id runs.
    pub(super) fn is_job(&self, id: WorkId) -> bool {
        self.going
            .get(&id)
            .is_some_and(|going| matches!(going.work, Work::Run(_)))
    }

    pub(super) fn hand_out(&mut self) -> Vec<Work> {
        std::mem::take(&mut self.fresh)
    }

    pub(super) fn restart(&mut self) -> Vec<Work> {
        self.fresh.clear();
        let stops = self.going.iter().filter(|(_, going)| going.stopping);
        let stops = stops.map(|(id, _)| Work::Stop(*id));
        self.outstanding().into_iter().chain(stops).collect()
    }

    pub(super) fn outstanding(&self) -> Vec<Work> {
        self.going
            .values()
            .map(|going| going.work.clone())
            .collect()
    }
}
