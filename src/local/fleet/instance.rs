//! One serving process, kept up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::limits::FLEET_RESTARTS_MAX;
use crate::local::container::Container;
use crate::local::engine::{Engine, Order, ordered};
use crate::local::logs::{self, Stream};
use crate::local::process::Running;
use crate::world::work::Fleet;

/// How long a process that died stays down before it is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// One of a fleet.
pub(super) struct Instance {
    pub(super) engine: Arc<Engine>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) container: Arc<Container>,
    pub(super) nth: usize,
    pub(super) told: watch::Receiver<Order>,
}

/// Why a process does not run any more.
enum Ended {
    /// It was told to end.
    Told,
    /// It ended by itself.
    Died,
    /// Nobody asked it for a while.
    Idle,
}

impl Instance {
    /// Starts the process and keeps it up until told otherwise; says once whether it came up.
    pub(super) async fn keep(mut self, came_up: oneshot::Sender<Result<(), String>>) {
        let engine = Arc::clone(&self.engine);
        let stream = Stream::of_instance(&engine, &self.fleet);
        let _log = logs::follow(&engine, stream, self.container.log(self.nth));
        let whose = format!("production variant {}", self.fleet.variant);
        let mut came_up = Some(came_up);
        let mut restarts_left = FLEET_RESTARTS_MAX;
        loop {
            let started = tokio::select! {
                started = self.container.start(&self.engine, &whose, self.nth) => started,
                _ = ordered(&mut self.told) => return,
            };
            let first = came_up.take();
            let ended = match started {
                Ok((running, port)) => {
                    self.engine.fleets.enroll(self.fleet.id, self.nth, port);
                    if let Some(first) = first {
                        // Who asked may have been told to end.
                        let _asked = first.send(Ok(()));
                    }
                    self.serve(running).await
                }
                Err(reason) => {
                    if let Some(first) = first {
                        let _asked = first.send(Err(reason));
                        return;
                    }
                    let endpoint = &self.fleet.endpoint;
                    tracing::warn!(endpoint, reason, "a fleet did not come up again");
                    Ended::Died
                }
            };
            match ended {
                Ended::Told => return,
                Ended::Idle => {
                    tokio::select! {
                        () = self.engine.fleets.asked(self.fleet.id) => {}
                        _ = ordered(&mut self.told) => return,
                    }
                }
                Ended::Died if restarts_left == 0 => {
                    // It stays down, as a container that cannot be kept up does: 503 is the answer.
                    ordered(&mut self.told).await;
                    return;
                }
                Ended::Died => {
                    restarts_left -= 1;
                    if timeout(RESTART_AFTER, ordered(&mut self.told))
                        .await
                        .is_ok()
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Lets the process serve until something ends that.
    async fn serve(&mut self, mut running: Running) -> Ended {
        let (id, nth) = (self.fleet.id, self.nth);
        let fleets = &self.engine.fleets;
        let after = self.engine.host.serverless_idle;
        let idle = async {
            if self.fleet.serverless.is_none() {
                std::future::pending::<()>().await;
            }
            while timeout(after, fleets.used(id)).await.is_ok() || !fleets.try_close(id, nth) {}
        };
        tokio::select! {
            ended = running.wait() => {
                fleets.remove(id, nth);
                let endpoint = &self.fleet.endpoint;
                tracing::warn!(endpoint, ?ended, "a serving process ended");
                Ended::Died
            }
            order = ordered(&mut self.told) => {
                match order {
                    Order::Stop => fleets.drain(id, nth).await,
                    Order::Run | Order::Quit => fleets.remove(id, nth),
                }
                running.kill().await;
                Ended::Told
            }
            () = idle => {
                running.kill().await;
                Ended::Idle
            }
        }
    }
}
