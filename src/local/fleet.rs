//! Serving processes: one for each variant's fleet, whatever its number of instances.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::archive;
use super::engine::{Engine, Order, ordered};
use super::place::{Place, PlaceError, client, download};
use super::process::{self, Exit, Program, Running};
use crate::limits::{FLEET_RESTARTS_MAX, FLEET_START_DEADLINE, INVOKE_BYTES_MAX, INVOKE_DEADLINE};
use crate::world::work::{Done, Fleet, WorkId};

/// The host of the user's functions, which is part of this program.
const HOST: &str = include_str!("host.py");
/// The program that serves where none is named (the inference toolkit's own).
const PROGRAM: &str = "inference.py";
/// How often a starting process is pinged, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_millis(50);
const PING_DEADLINE: Duration = Duration::from_secs(2);
/// How long a process that died stays down before it is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The fleets that are up, and the way to them.
pub(super) struct Fleets {
    client: Client<HttpConnector, Full<Bytes>>,
    up: Mutex<BTreeMap<WorkId, Up>>,
}

#[derive(Clone)]
struct Up {
    port: u16,
    /// Held for reading by every request, for writing by who takes the fleet down.
    in_use: Arc<RwLock<()>>,
}

/// What a serving process answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReply {
    /// The fleet is not up.
    Down,
    /// It took too long.
    Late,
    /// The connection broke, or the answer was too long.
    Broken,
}

impl Default for Fleets {
    fn default() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            up: Mutex::default(),
        }
    }
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
        let mut request = Request::post(format!("http://127.0.0.1:{port}/invocations"))
            .body(Full::new(body))
            .map_err(|_| NoReply::Broken)?;
        *request.headers_mut() = headers;
        let answer = async {
            let response = self.client.request(request).await.ok()?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, INVOKE_BYTES_MAX).collect().await.ok()?;
            Some(Reply {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        match timeout(INVOKE_DEADLINE, answer).await {
            Ok(reply) => reply.ok_or(NoReply::Broken),
            Err(_) => Err(NoReply::Late),
        }
    }

    async fn enter(&self, fleet: WorkId) -> Option<(u16, OwnedRwLockReadGuard<()>)> {
        let up = self.lock().get(&fleet).cloned()?;
        let using = up.in_use.read_owned().await;
        Some((up.port, using))
    }

    async fn ping(&self, port: u16) -> bool {
        let Ok(request) =
            Request::get(format!("http://127.0.0.1:{port}/ping")).body(Full::new(Bytes::new()))
        else {
            return false;
        };
        let answer = timeout(PING_DEADLINE, self.client.request(request)).await;
        matches!(answer, Ok(Ok(response)) if response.status() == StatusCode::OK)
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
    let (program, port_file) = match prepared {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(error)) => return report(Some(error.to_string())),
        Err(error) => return report(Some(format!("InternalServerError: {error}"))),
    };
    for attempt in 0..=FLEET_RESTARTS_MAX {
        let started = tokio::select! {
            started = start(engine, fleet, &program, &port_file) => started,
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

/// Starts the process and waits until it answers a ping.
async fn start(
    engine: &Engine,
    fleet: &Fleet,
    program: &Program,
    port_file: &Path,
) -> Result<(Running, u16), String> {
    let unhealthy = |why: String| {
        format!(
            "The primary container for production variant {} did not pass the ping health check. \
             {why} Its output is in {}",
            fleet.variant,
            program.log.display()
        )
    };
    let _none_yet = fs::remove_file(port_file);
    let mut running = process::start(&engine.host.supervisor, program)
        .await
        .map_err(|error| format!("ClientError: {error}"))?;
    let seconds = fleet.container["ContainerStartupHealthCheckTimeoutInSeconds"].as_u64();
    let deadline = seconds.map_or(FLEET_START_DEADLINE, Duration::from_secs);
    let until = Instant::now() + deadline;
    let mut ticks = interval(PING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = running.wait() => {
                let words = ended.map_or_else(|error| error.to_string(), |exit| last_words(&exit));
                return Err(unhealthy(format!("It ended: {words}.")));
            }
            _ = ticks.tick() => {
                let port = fs::read_to_string(port_file).ok();
                if let Some(port) = port.and_then(|text| text.trim().parse().ok())
                    && engine.fleets.ping(port).await
                {
                    return Ok((running, port));
                }
            }
            _ = timeout_at(until, std::future::pending::<()>()) => {
                return Err(unhealthy(format!("It did not answer in {} s.", deadline.as_secs())));
            }
        }
    }
}

fn last_words(exit: &Exit) -> String {
    let line: String = exit.last_error_line.chars().take(512).collect();
    format!("{line} (exit code {})", exit.shell_code())
}

fn folder(engine: &Engine, fleet: &Fleet) -> PathBuf {
    engine
        .state
        .folder()
        .join("fleets")
        .join(fleet.id.0.to_string())
}

/// Unpacks model and code, and says how the process is started and where it writes its port.
fn prepare(engine: &Engine, fleet: &Fleet) -> Result<(Program, PathBuf), PlaceError> {
    let place = Place::fresh(folder(engine, fleet), &fleet.scope.region)?;
    let container = &fleet.container;
    let model = place.make("model")?;
    fetch_model(engine, &place, container, &model)?;

    let environment = |name: &str| container["Environment"][name].as_str();
    let program = environment("SAGEMAKER_PROGRAM").unwrap_or(PROGRAM);
    let code = match environment("SAGEMAKER_SUBMIT_DIRECTORY") {
        Some(uri) if uri.starts_with("s3://") => {
            let code = place.make("code")?;
            place.unpack(engine, uri, &code)?;
            code
        }
        Some(path) if !path.is_empty() => place.container_path(path)?,
        Some(_) | None => model.join("code"),
    };
    let script = archive::inside(Path::new(program))
        .map(|relative| code.join(relative))
        .filter(|script| script.is_file())
        .ok_or_else(|| {
            client(format!(
                "no inference program: `{program}` is neither in SAGEMAKER_SUBMIT_DIRECTORY nor in \
                 the model's code folder (images are not run locally)"
            ))
        })?;

    let host = place.beside("host.py");
    fs::write(&host, HOST).map_err(|error| PlaceError::Io {
        doing: "write",
        path: host.clone(),
        reason: error.to_string(),
    })?;
    let port_file = place.beside("port");
    let mut env = place.base_env(engine);
    env.insert(
        "SM_MODEL_DIR".to_owned(),
        model.to_string_lossy().into_owned(),
    );
    env.insert("SAGEMAKER_REGION".to_owned(), fleet.scope.region.clone());
    place.add_env(&mut env, container.get("Environment"));
    let paths = [&host, &script, &model, &port_file];
    let args = paths.map(|path| path.to_string_lossy().into_owned());
    let mut program = place.program(engine, "python3", args.to_vec(), env, code)?;
    program.grace_ms = 0;
    Ok((program, port_file))
}

fn fetch_model(
    engine: &Engine,
    place: &Place,
    container: &Value,
    to: &Path,
) -> Result<(), PlaceError> {
    if let Some(uri) = container["ModelDataUrl"].as_str() {
        return place.unpack(engine, uri, to);
    }
    let source = &container["ModelDataSource"]["S3DataSource"];
    match (source["S3Uri"].as_str(), source["CompressionType"].as_str()) {
        (None, _) => Ok(()),
        (Some(uri), Some("Gzip")) => place.unpack(engine, uri, to),
        (Some(uri), _) => download(engine, uri, to),
    }
}
