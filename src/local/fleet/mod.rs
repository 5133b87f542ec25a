//! Fleets: the serving processes of a variant, as many as it has instances.

mod instance;
mod ways;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

pub(super) use ways::{Fleets, Using};

use self::instance::Instance;
use super::container::Container;
use super::engine::{Engine, Order, ordered};
use super::place::{Place, PlaceError};
use crate::world::work::{Done, Fleet};

/// Brings a fleet up, keeps it up at the size that `count` says, and takes it down when told.
pub(super) async fn run(
    engine: Arc<Engine>,
    fleet: Fleet,
    told: watch::Receiver<Order>,
    count: watch::Receiver<u64>,
) {
    if let Err(reason) = serve(&engine, &fleet, told, count).await {
        tracing::warn!(
            endpoint = fleet.endpoint,
            reason,
            "a local fleet did not come up"
        );
        report(&engine, &fleet, Some(reason));
    }
    engine.fleets.forget(fleet.id);
    let folder = folder(&engine, &fleet);
    if let Err(error) = fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, folder = %folder.display(), "a fleet's folder was not removed");
    }
}

/// What each instance is told, and the tasks that keep them.
struct Instances {
    engine: Arc<Engine>,
    fleet: Arc<Fleet>,
    container: Arc<Container>,
    told: Vec<watch::Sender<Order>>,
    tasks: JoinSet<()>,
}

async fn serve(
    engine: &Arc<Engine>,
    fleet: &Fleet,
    mut told: watch::Receiver<Order>,
    mut count: watch::Receiver<u64>,
) -> Result<(), String> {
    let container = {
        let (engine, fleet) = (Arc::clone(engine), fleet.clone());
        tokio::task::spawn_blocking(move || prepare(&engine, &fleet)).await
    };
    let container = container
        .map_err(|error| format!("InternalServerError: {error}"))?
        .map_err(|error| error.to_string())?;
    engine.fleets.expect(fleet.id, fleet.serverless);
    let mut instances = Instances {
        engine: Arc::clone(engine),
        fleet: Arc::new(fleet.clone()),
        container: Arc::new(container),
        told: Vec::new(),
        tasks: JoinSet::new(),
    };
    let wanted = *count.borrow_and_update();
    let first = instances.resize(wanted);
    let up = async {
        for one in first {
            // Who ends without a word was told to end.
            if let Ok(Err(reason)) = one.await {
                return Err(reason);
            }
        }
        Ok(())
    };
    tokio::select! {
        up = up => match up {
            Ok(()) => report(engine, fleet, None),
            Err(reason) => {
                instances.end(Order::Quit).await;
                return Err(reason);
            }
        },
        order = ordered(&mut told) => {
            instances.end(order).await;
            return Ok(());
        }
    }
    loop {
        tokio::select! {
            order = ordered(&mut told) => {
                instances.end(order).await;
                return Ok(());
            }
            Ok(()) = count.changed() => drop(instances.resize(*count.borrow_and_update())),
        }
    }
}

impl Instances {
    /// Starts as many as are missing, or ends the last ones. Each that is started says once whether
    /// it came up.
    fn resize(&mut self, wanted: u64) -> Vec<oneshot::Receiver<Result<(), String>>> {
        let most = self.engine.host.instances_max;
        let wanted = usize::try_from(wanted).unwrap_or(most).min(most);
        for told in self.told.drain(wanted.min(self.told.len())..) {
            told.send_replace(Order::Stop);
        }
        let mut answers = Vec::new();
        for nth in self.told.len()..wanted {
            let (order, told) = watch::channel(Order::Run);
            let (came_up, answer) = oneshot::channel();
            let instance = Instance {
                engine: Arc::clone(&self.engine),
                fleet: Arc::clone(&self.fleet),
                container: Arc::clone(&self.container),
                nth,
                told,
            };
            self.tasks.spawn(instance.keep(came_up));
            self.told.push(order);
            answers.push(answer);
        }
        answers
    }

    /// Ends all, and waits until they have.
    async fn end(&mut self, order: Order) {
        for told in self.told.drain(..) {
            told.send_replace(order);
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

fn report(engine: &Engine, fleet: &Fleet, failure: Option<String>) {
    engine.finish(Done::Fleet {
        id: fleet.id,
        failure,
    });
}

fn folder(engine: &Engine, fleet: &Fleet) -> PathBuf {
    engine
        .state
        .folder()
        .join("fleets")
        .join(fleet.id.0.to_string())
}

fn prepare(engine: &Engine, fleet: &Fleet) -> Result<Container, PlaceError> {
    let place = Place::of_image(
        engine,
        (folder(engine, fleet), &fleet.scope.region),
        fleet.container["Image"].as_str().unwrap_or_default(),
    )?;
    Container::prepare(engine, &place, &fleet.container, &Value::Null)
}
