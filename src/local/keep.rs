//! Writing the world down: now and then, and before a change is answered.
//!
//! A server whose folder outlives it answers a change when it is on disk, so that `kill -9` takes
//! nothing back that somebody was told. A world that takes long to write is written now and then only:
//! who asks would wait for all of it each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::engine::Engine;
use crate::limits::LOCAL_KEPT_DEADLINE;

/// How often a changed world is written down.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// How long it may take to be waited for.
const PROMPT: Duration = Duration::from_millis(100);
/// How often it is tried at least where it cannot be written.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// How much of the world's changes is on disk.
pub(super) struct Keeper {
    /// Whether answers wait at all.
    answers_wait: bool,
    /// Whether the world was written the last time, and soon.
    prompt: AtomicBool,
    changes: AtomicU64,
    kept: watch::Sender<u64>,
    asked: Notify,
}

impl Keeper {
    /// `lasts`: the folder is there for the next server.
    pub(super) fn new(lasts: bool) -> Self {
        Self {
            answers_wait: lasts,
            prompt: AtomicBool::new(true),
            // A new world is written, too.
            changes: AtomicU64::new(1),
            kept: watch::Sender::new(0),
            asked: Notify::new(),
        }
    }

    /// Notes that the world is another now.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// How often the world was changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Waits until all changes up to now are on disk, where that does not take long.
    pub(super) async fn kept(&self) {
        if !self.answers_wait || !self.prompt.load(Ordering::Acquire) {
            return;
        }
        let until = self.changes();
        let mut kept = self.kept.subscribe();
        self.asked.notify_one();
        // The server may end first, or its disk be full: that is told by whoever writes.
        let _in_time = timeout(LOCAL_KEPT_DEADLINE, kept.wait_for(|kept| *kept >= until)).await;
    }
}

/// Writes the world down whenever it changed, until `quit` says so.
pub(super) async fn persist(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    let mut pause = SAVE_EVERY;
    loop {
        let prompt = engine.keeper.prompt.load(Ordering::Acquire);
        tokio::select! {
            ended = timeout(pause, quit.changed()) => if ended.is_ok() { return },
            () = engine.keeper.asked.notified(), if prompt => {}
        }
        let start = Instant::now();
        let kept = save(&engine).await;
        let took = start.elapsed();
        let prompt = kept && took <= PROMPT;
        engine.keeper.prompt.store(prompt, Ordering::Release);
        pause = if kept {
            // A large world is written less often: writing takes a fifth of the time at most.
            SAVE_EVERY.max(took * 4)
        } else {
            (pause * 2).min(RETRY_MAX)
        };
    }
}

/// Writes the world down if it changed since it was last; whether it is on disk now.
pub(super) async fn save(engine: &Arc<Engine>) -> bool {
    let changes = engine.keeper.changes();
    if *engine.keeper.kept.borrow() >= changes {
        return true;
    }
    let held = Arc::clone(engine);
    let saved = tokio::task::spawn_blocking(move || {
        let world = held.with_world(Clone::clone);
        held.state.save(&world)
    })
    .await;
    let error: Box<dyn std::error::Error + Send + Sync> = match saved {
        Ok(Ok(())) => {
            engine.keeper.kept.send_replace(changes);
            return true;
        }
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    };
    tracing::error!(
        error = whole(&*error),
        "the state of the local SageMaker was not saved: make room in its folder, and see that it may \
         be written to; it is tried again, and what happens meanwhile is lost with the process"
    );
    false
}

/// An error with its causes, on one line.
fn whole(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn waited(keeper: &Keeper) -> Duration {
        let start = Instant::now();
        keeper.kept().await;
        start.elapsed()
    }

    #[tokio::test]
    async fn an_answer_waits_for_its_change_and_not_for_ever() {
        let keeper = Keeper::new(true);
        assert!(
            waited(&keeper).await >= LOCAL_KEPT_DEADLINE,
            "nobody writes"
        );
        keeper.changed();
        keeper.kept.send_replace(keeper.changes());
        assert!(waited(&keeper).await < LOCAL_KEPT_DEADLINE);
        keeper.changed();
        keeper.prompt.store(false, Ordering::Release);
        assert!(
            waited(&keeper).await < LOCAL_KEPT_DEADLINE,
            "it would take long"
        );
        let fleeting = Keeper::new(false);
        assert!(
            waited(&fleeting).await < LOCAL_KEPT_DEADLINE,
            "it does not last"
        );
    }
}
