//! Serving processes: one for each variant's fleet, whatever its number of instances.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use tokio::time::timeout;

use super::container::{Caller, Container, NoReply, Reply};
use super::engine::{Engine, Order, ordered};
use super::place::{Place, PlaceError};
use crate::limits::{FLEET_RESTARTS_MAX, INVOKE_BYTES_MAX, INVOKE_DEADLINE};
use crate::world::work::{Done, Fleet, WorkId};

/// How long a process that died stays down before it is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The fleets that are up, and the way to them.
#[derive(Default)]
pub(super) struct Fleets {
    pub(super) caller: Caller,
    up: Mutex<BTreeMap<WorkId, Up>>,
}

#[derive(Clone)]
struct Up {
    port: u16,
    /// Held for reading by every request, for writing by who takes the fleet down.
    in_use: Arc<RwLock<()>>,
}

impl Fleets {
    /// Sends one invocation to a fleet.
    pub(super) async fn invoke(
        &self,
        fleet: WorkId,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, NoReply> {
        let (port, _using) = self.enter(fleet).await.ok_or(NoReply::Down)?;
        let (most, deadline) = (INVOKE_BYTES_MAX, INVOKE_DEADLINE);
        self.caller
            .invoke(port, headers, body, most, deadline)
            .await
    }

    async fn enter(&self, fleet: WorkId) -> Option<(u16, OwnedRwLockReadGuard<()>)> {
        let up = self.lock().get(&fleet).cloned()?;
        let using = up.in_use.read_owned().await;
        Some((up.port, using))
    }

    /// Takes a fleet out of service once its last request was answered.
    async fn drain(&self, fleet: WorkId) {
        if let Some(up) = self.remove(fleet) {
            let _answered = timeout(INVOKE_DEADLINE, up.in_use.write()).await;
        }
    }

    fn enroll(&self, fleet: WorkId, port: u16) {
        let up = Up {
            port,
            in_use: Arc::default(),
        };
        self.lock().insert(fleet, up);
    }

    fn remove(&self, fleet: WorkId) -> Option<Up> {
        self.lock().remove(&fleet)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<WorkId, Up>> {
        self.up.lock().expect("no holder of this lock panics")
    }
}

/// Brings a fleet up, keeps it up, and takes it down when told.
pub(super) async fn run(engine: Arc<Engine>, fleet: Fleet, mut told: watch::Receiver<Order>) {
    serve(&engine, &fleet, &mut told).await;
    let folder = folder(&engine, &fleet);
    if let Err(error) = fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, folder = %folder.display(), "a fleet's folder was not removed");
    }
}

async fn serve(engine: &Arc<Engine>, fleet: &Fleet, told: &mut watch::Receiver<Order>) {
    let id = fleet.id;
    let report = |failure: Option<String>| {
        if let Some(reason) = &failure {
            tracing::warn!(
                endpoint = fleet.endpoint,
                reason,
                "a local fleet did not come up"
            );
        }
        engine.finish(Done::Fleet { id, failure });
    };
    let prepared = {
        let (engine, fleet) = (Arc::clone(engine), fleet.clone());
        tokio::task::spawn_blocking(move || prepare(&engine, &fleet)).await
    };
    let container = match prepared {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(error)) => return report(Some(error.to_string())),
        Err(error) => return report(Some(format!("InternalServerError: {error}"))),
    };
    let whose = format!("production variant {}", fleet.variant);
    for attempt in 0..=FLEET_RESTARTS_MAX {
        let started = tokio::select! {
            started = container.start(engine, &whose) => started,
            _ = ordered(told) => return,
        };
        match started {
            Ok((mut running, port)) => {
                engine.fleets.enroll(id, port);
                if attempt == 0 {
                    report(None);
                }
                tokio::select! {
                    ended = running.wait() => {
                        engine.fleets.remove(id);
                        tracing::warn!(endpoint = fleet.endpoint, ?ended, "a serving process ended");
                    }
                    order = ordered(told) => {
                        match order {
                            Order::Stop => engine.fleets.drain(id).await,
                            Order::Run | Order::Quit => drop(engine.fleets.remove(id)),
                        }
                        running.kill().await;
                        return;
                    }
                }
            }
            Err(reason) if attempt == 0 => return report(Some(reason)),
            Err(reason) => {
                tracing::warn!(
                    endpoint = fleet.endpoint,
                    reason,
                    "a fleet did not come up again"
                );
            }
        }
        if timeout(RESTART_AFTER, ordered(told)).await.is_ok() {
            return;
        }
    }
    // It stays down, as a container that cannot be kept up does; requests are answered with 503.
    ordered(told).await;
}

fn folder(engine: &Engine, fleet: &Fleet) -> PathBuf {
    engine
        .state
        .folder()
        .join("fleets")
        .join(fleet.id.0.to_string())
}

fn prepare(engine: &Engine, fleet: &Fleet) -> Result<Container, PlaceError> {
    let place = Place::fresh(folder(engine, fleet), &fleet.scope.region)?;
    Container::prepare(engine, &place, &fleet.container, &Value::Null)
}
