//! Serving processes: the container of a model, as far as this machine has one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::archive;
use super::engine::Engine;
use super::interpreters::{entry, is_r};
use super::place::{Place, PlaceError, client, download, io_error};
use super::process::{self, Exit, Program, Running};
use super::requirements;
use crate::config::Mode;
use crate::limits::FLEET_START_DEADLINE;

/// The host of the user's functions, which is part of this program.
const HOST: &str = include_str!("host.py");
/// The program that serves where none is named (the inference toolkit's own).
const PROGRAM: &str = "inference.py";
/// How often a starting process is pinged, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_millis(50);
const PING_DEADLINE: Duration = Duration::from_secs(2);

/// What a serving process answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReply {
    /// The process is not up.
    Down,
    /// It answers as many requests as it may at a time.
    Throttled,
    /// It took too long.
    Late,
    /// The connection broke, or the answer was too long.
    Broken,
}

/// The way to serving processes.
pub(super) struct Caller(Client<HttpConnector, Full<Bytes>>);

impl Default for Caller {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

impl Caller {
    /// Sends one invocation to the process that listens on `port`. Its answer has to come within
    /// `deadline`, and in `answer_max` bytes.
    pub(super) async fn invoke(
        &self,
        port: u16,
        headers: HeaderMap,
        body: Bytes,
        answer_max: usize,
        deadline: Duration,
    ) -> Result<Reply, NoReply> {
        let answer = async {
            let response = self.send(port, headers, body).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, answer_max).collect().await;
            Ok(Reply {
                status: parts.status,
                headers: parts.headers,
                body: body.map_err(|_| NoReply::Broken)?.to_bytes(),
            })
        };
        timeout(deadline, answer)
            .await
            .unwrap_or(Err(NoReply::Late))
    }

    /// Sends one invocation; the answer's body is yet to come.
    pub(super) async fn send(
        &self,
        port: u16,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, NoReply> {
        let mut request = Request::post(format!("http://127.0.0.1:{port}/invocations"))
            .body(Full::new(body))
            .map_err(|_| NoReply::Broken)?;
        *request.headers_mut() = headers;
        self.0.request(request).await.map_err(|_| NoReply::Broken)
    }

    async fn ping(&self, port: u16) -> bool {
        let Ok(request) =
            Request::get(format!("http://127.0.0.1:{port}/ping")).body(Full::new(Bytes::new()))
        else {
            return false;
        };
        let answer = timeout(PING_DEADLINE, self.0.request(request)).await;
        matches!(answer, Ok(Ok(response)) if response.status() == StatusCode::OK)
    }
}

/// How serving processes are started, and where they write their ports and their output.
pub(super) struct Container {
    program: Program,
    folder: PathBuf,
    deadline: Duration,
    port: Port,
}

/// How it is known where a process listens.
#[derive(Clone, Copy)]
enum Port {
    /// It writes that into the file that its last argument names.
    Written,
    /// It listens where `SAGEMAKER_BIND_TO_PORT` says.
    Told,
    /// It always listens there.
    Fixed(u16),
}

impl Port {
    /// The port of the next process, if it is known before it runs.
    fn next(self) -> Result<Option<u16>, String> {
        let wanted = match self {
            Self::Written => return Ok(None),
            Self::Told => 0,
            Self::Fixed(port) => port,
        };
        let free = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, wanted));
        let address = free.and_then(|listener| listener.local_addr());
        let address = address.map_err(|error| format!("ClientError: port {wanted}: {error}"))?;
        Ok(Some(address.port()))
    }
}

impl Container {
    /// Unpacks model and code into `place`. `definition` has the shape of `ContainerDefinition`;
    /// `environment` comes before its own.
    pub(super) fn prepare(
        engine: &Engine,
        place: &Place,
        definition: &Value,
        environment: &Value,
    ) -> Result<Self, PlaceError> {
        let model = place.make("model")?;
        fetch_model(engine, place, definition, &model)?;
        let mut env = place.base_env(engine);
        env.insert(
            "SM_MODEL_DIR".to_owned(),
            place.seen(&model).to_string_lossy().into_owned(),
        );
        env.insert("SAGEMAKER_REGION".to_owned(), place.region().to_owned());
        place.add_env(&mut env, definition.get("Environment"));
        place.add_env(&mut env, Some(environment));
        let image = place.image();
        let (mut program, port) = match image.mode {
            Mode::Script => {
                let program = scripted(engine, place, definition, (&model, env))?;
                (program, Port::Written)
            }
            Mode::Entrypoint => {
                let words = place.entry_point(&image.serve, "serve");
                let (name, args) = entry(words).unwrap_or_default();
                let program = place.program(engine, &name, args, env, place.root())?;
                (program, image.port.map_or(Port::Told, Port::Fixed))
            }
        };
        program.grace_ms = 0;
        let seconds = definition["ContainerStartupHealthCheckTimeoutInSeconds"].as_u64();
        Ok(Self {
            program,
            folder: place.beside(""),
            deadline: seconds.map_or(FLEET_START_DEADLINE, Duration::from_secs),
            port,
        })
    }

    /// Where the output of the `nth` process goes.
    pub(super) fn log(&self, nth: usize) -> PathBuf {
        self.folder.join(format!("log-{nth}.txt"))
    }

    /// Starts the `nth` process and waits until it answers a ping. `whose` says for people what it
    /// serves.
    pub(super) async fn start(
        &self,
        engine: &Engine,
        whose: &str,
        nth: usize,
    ) -> Result<(Running, u16), String> {
        let port_file = self.folder.join(format!("port-{nth}"));
        let mut program = self.program.clone();
        let known = self.port.next()?;
        match known {
            None => program.args.push(port_file.to_string_lossy().into_owned()),
            Some(port) => {
                let variable = "SAGEMAKER_BIND_TO_PORT".to_owned();
                program.env.insert(variable, port.to_string());
            }
        }
        program.log = self.log(nth);
        let unhealthy = |why: String| {
            format!(
                "The primary container for {whose} did not pass the ping health check. {why} Its \
                 output is in {}",
                program.log.display()
            )
        };
        let _none_yet = fs::remove_file(&port_file);
        let mut running = process::start(&engine.host.supervisor, &program)
            .await
            .map_err(|error| format!("ClientError: {error}"))?;
        let until = Instant::now() + self.deadline;
        let mut ticks = interval(PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = running.wait() => {
                    let words = ended.map_or_else(|error| error.to_string(), |exit| last_words(&exit));
                    return Err(unhealthy(format!("It ended: {words}.")));
                }
                _ = ticks.tick() => {
                    let written = || fs::read_to_string(&port_file).ok()?.trim().parse().ok();
                    if let Some(port) = known.or_else(written)
                        && engine.fleets.caller.ping(port).await
                    {
                        return Ok((running, port));
                    }
                }
                _ = timeout_at(until, std::future::pending::<()>()) => {
                    let seconds = self.deadline.as_secs();
                    return Err(unhealthy(format!("It did not answer in {seconds} s.")));
                }
            }
        }
    }
}

/// What a process said last, and how it ended.
pub(super) fn last_words(exit: &Exit) -> String {
    let line: String = exit.last_error_line.chars().take(512).collect();
    format!("{line} (exit code {})", exit.shell_code())
}

/// The host of the user's functions, as a program.
fn scripted(
    engine: &Engine,
    place: &Place,
    definition: &Value,
    (model, env): (&Path, BTreeMap<String, String>),
) -> Result<Program, PlaceError> {
    let (script, code) = program(engine, place, definition, model)?;
    let host = place.beside("host.py");
    fs::write(&host, HOST).map_err(io_error("write", &host))?;
    let paths = [&host, &script, model];
    let args = paths.map(|path| place.seen(path).to_string_lossy().into_owned());
    let program = place.program(engine, "python3", args.to_vec(), env, code.clone())?;
    requirements::with(engine, place, program, &code)
}

/// The user's program, and the folder that it starts in.
fn program(
    engine: &Engine,
    place: &Place,
    definition: &Value,
    model: &Path,
) -> Result<(PathBuf, PathBuf), PlaceError> {
    let environment = |name: &str| definition["Environment"][name].as_str();
    let program = environment("SAGEMAKER_PROGRAM").unwrap_or(PROGRAM);
    if is_r(program) {
        return Err(client(format!(
            "`{program}` is a program of R: images that serve with R have `mode: entrypoint` and a \
             `serve` in the table of images"
        )));
    }
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
    Ok((script, code))
}

fn fetch_model(
    engine: &Engine,
    place: &Place,
    definition: &Value,
    to: &Path,
) -> Result<(), PlaceError> {
    if let Some(uri) = definition["ModelDataUrl"].as_str() {
        return place.unpack(engine, uri, to);
    }
    let source = &definition["ModelDataSource"]["S3DataSource"];
    match (source["S3Uri"].as_str(), source["CompressionType"].as_str()) {
        (None, _) => Ok(()),
        (Some(uri), Some("Gzip")) => place.unpack(engine, uri, to),
        (Some(uri), _) => download(engine, uri, to),
    }
}
