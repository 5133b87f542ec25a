//! The local SageMaker: the protocols of SageMaker, its runtime, S3 and the services around them on
//! one loopback port, with real processes behind them.
//!
//! [`serve`] puts a [`crate::world::World`] behind HTTP. What the world asks for is really done:
//! training and processing jobs are processes of this machine that find what a container would
//! find, and an endpoint is a Python process that serves the user's functions. Each sees a folder of
//! its own as `/opt/ml`; where the machine does not let it, that path in environment, arguments, entry
//! points and programs becomes the folder's. Images are not run; programs are those that `PATH` has.
//! The state folder holds everything and survives a restart.

mod admin;
pub mod analyzer;
mod archive;
mod asynchronous;
mod auth;
mod bodies;
mod calls;
mod capture;
mod chunked;
mod container;
mod control;
mod engine;
mod fleet;
mod http;
mod images;
mod intake;
mod interpreters;
mod job;
mod keep;
mod listen;
mod logs;
mod measures;
mod mounts;
mod opt_ml;
mod paths;
mod place;
mod posts;
mod pretend;
mod process;
mod protocol;
mod queues;
pub mod reference;
mod requirements;
mod runtime;
mod s3;
mod scope;
mod services;
mod state;
pub mod supervise;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use auth::Credentials;
pub use calls::CallRecord;
pub use listen::make_room;
pub use opt_ml::OptMl;
pub use state::StateError;

use self::bodies::Bodies;
use self::engine::{Engine, Host};
use self::images::Images;
use self::keep::Keeper;
use self::process::Supervisor;
use self::state::State;
use crate::clock::{Clock, SystemClock};
use crate::config::Image;
use crate::limits::{FLEET_INSTANCES_MAX, LOCAL_CLIENT_DEADLINE, SERVERLESS_IDLE};
use crate::world::{Pace, Settings, World};

/// The account that everything belongs to, unless another is asked for.
pub const DEFAULT_ACCOUNT: &str = "111122223333";
/// The account where nothing is run: the one that test suites of AWS's tools expect.
pub const TESTING_ACCOUNT: &str = "123456789012";

/// How a local SageMaker is set up.
#[derive(Clone)]
pub struct LocalOptions {
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// Where everything is kept; `None` for a temporary folder that is removed at the end.
    pub state_dir: Option<PathBuf>,
    /// The account of everything, 12 digits.
    pub account: String,
    /// The interpreter that runs Python programs: a name on `path`, or a path.
    pub python: String,
    /// Where programs are looked for: folders separated by colons.
    pub path: String,
    /// The home folder that jobs see, if any: interpreters find packages of the user there.
    pub home: Option<PathBuf>,
    /// Serving processes of one variant, at most: more instances than that are only counted.
    pub instances_max: usize,
    /// How long a serverless variant stays up when nobody asks it.
    pub serverless_idle: Duration,
    /// The executable whose `__job` is [`supervise::main`]; `None` for the running one.
    pub supervisor: Option<PathBuf>,
    /// How programs find the folder that stands for `/opt/ml`.
    pub opt_ml: OptMl,
    /// What runs in the place of images, before what does otherwise.
    pub images: Vec<Image>,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// How long states last that nothing real is behind.
    pub pace: Pace,
    /// Whether nothing is run: jobs and fleets only take so long. What is referred to outside of
    /// SageMaker need not exist then.
    pub control_plane_only: Option<Duration>,
    /// How long a client may take over the headers of a request, and over each piece of its body.
    pub patience: Duration,
    /// Whose requests are answered; `None`: everybody's, signed or not.
    pub require_auth: Option<Credentials>,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            port: 0,
            state_dir: None,
            account: DEFAULT_ACCOUNT.to_owned(),
            python: "python3".to_owned(),
            path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            home: None,
            instances_max: FLEET_INSTANCES_MAX,
            serverless_idle: SERVERLESS_IDLE,
            supervisor: None,
            opt_ml: OptMl::default(),
            images: Vec::new(),
            clock: Arc::new(SystemClock),
            pace: Pace::local(),
            control_plane_only: None,
            patience: LOCAL_CLIENT_DEADLINE,
            require_auth: None,
        }
    }
}

/// Why a local SageMaker cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// The state folder cannot be used.
    #[error("cannot use the state folder")]
    State(#[from] StateError),
    /// Something in the state folder cannot be read or written.
    #[error("cannot prepare {path}")]
    Prepare {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The account is not one.
    #[error("an account is 12 digits, not {0:?}")]
    Account(String),
    /// The running executable is not known.
    #[error("cannot find the running executable, which supervises jobs")]
    Supervisor(#[source] io::Error),
    /// Processes cannot have mounts of their own, which was asked for.
    #[error("cannot mount an /opt/ml for each process: {0}")]
    Mount(String),
}

/// A running local SageMaker. Dropping it ends it at once, without a last snapshot.
pub struct LocalHandle {
    /// Where it answers: `http://127.0.0.1:<port>`.
    pub url: String,
    /// The folder that holds its state.
    pub state_dir: PathBuf,
    /// How programs find the folder that stands for `/opt/ml`: `mounted` or `rewritten`.
    pub opt_ml: &'static str,
    engine: Arc<Engine>,
    quit: watch::Sender<bool>,
    tasks: JoinSet<()>,
    temporary: Option<TempDir>,
}

/// Starts a local SageMaker and answers once it accepts requests.
///
/// # Errors
/// See [`LocalError`].
pub async fn serve(options: LocalOptions) -> Result<LocalHandle, LocalError> {
    if options.account.len() != 12 || !options.account.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LocalError::Account(options.account));
    }
    let temporary = match options.state_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|source| LocalError::Prepare {
            path: PathBuf::from("a temporary folder"),
            source,
        })?),
    };
    let folder = options
        .state_dir
        .as_deref()
        .or_else(|| temporary.as_ref().map(TempDir::path))
        .expect("either is there");
    let state = State::open(folder)?;
    let folder = state.folder().to_owned();
    let world = state.load()?;
    let supervisor = supervisor(&options, &folder).await?;
    let opt_ml = supervisor.opt_ml();
    let (bodies, host) = prepare(&options, &folder, supervisor)?;
    let mut fresh = World::new(options.pace);
    if options.control_plane_only.is_some() {
        fresh.set(Settings {
            unchecked: true,
            ..Settings::default()
        });
    }
    let world = world.unwrap_or_else(|| fresh.clone());
    let engine = Arc::new(Engine::new(
        (world, fresh),
        options.clock,
        host,
        (state, Keeper::new(options.state_dir.is_some())),
        bodies,
    ));
    engine.sweep().map_err(|source| LocalError::Prepare {
        path: folder.clone(),
        source,
    })?;

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listen = |source| LocalError::Listen {
        port: options.port,
        source,
    };
    make_room();
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let url = format!("http://{}", listener.local_addr().map_err(listen)?);
    engine.set_url(url.clone());

    let (quit, told) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(engine::drive(Arc::clone(&engine), told.clone()));
    tasks.spawn(keep::persist(Arc::clone(&engine), told.clone()));
    tasks.spawn(capture::keep_flushing(Arc::clone(&engine), told.clone()));
    tasks.spawn(logs::keep_reading(Arc::clone(&engine), told.clone()));
    tasks.spawn(measures::keep_flushing(Arc::clone(&engine), told.clone()));
    let router = http::router(Arc::clone(&engine));
    tasks.spawn(listen::listen(listener, router, options.patience, told));
    Ok(LocalHandle {
        url,
        state_dir: folder,
        opt_ml,
        engine,
        quit,
        tasks,
        temporary,
    })
}

async fn supervisor(options: &LocalOptions, folder: &Path) -> Result<Supervisor, LocalError> {
    let executable = match &options.supervisor {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(LocalError::Supervisor)?,
    };
    let wanted = match options.control_plane_only {
        // Nothing is started.
        Some(_) => OptMl::Rewrite,
        None => options.opt_ml,
    };
    let programs = (options.path.as_str(), options.python.as_str());
    opt_ml::supervisor(executable, wanted, programs, folder)
        .await
        .map_err(LocalError::Mount)
}

fn prepare(
    options: &LocalOptions,
    folder: &Path,
    supervisor: Supervisor,
) -> Result<(Bodies, Host), LocalError> {
    let io = |source| LocalError::Prepare {
        path: folder.to_owned(),
        source,
    };
    let bodies = Bodies::open(folder).map_err(io)?;
    // Entry points are often shell scripts that call `python3` or `python`: they get this one, or
    // the reason why there is none.
    let python = process::find(&options.python, &options.path);
    let bin = folder.join("bin");
    process::write_wrappers(&bin, interpreters::PYTHONS, &python).map_err(io)?;
    let host = Host {
        account: options.account.clone(),
        python: match python {
            Ok(found) => found.to_string_lossy().into_owned(),
            Err(_) => options.python.clone(),
        },
        path: options.path.clone(),
        bin,
        home: options.home.clone(),
        instances_max: options.instances_max,
        serverless_idle: options.serverless_idle,
        control_plane_only: options.control_plane_only,
        patience: options.patience,
        require_auth: options.require_auth.clone(),
        images: Images::new(options.images.clone()),
        supervisor,
    };
    Ok((bodies, host))
}

impl LocalHandle {
    /// What was asked of it so far, after number `since`.
    pub fn calls(&self, since: u64) -> Vec<CallRecord> {
        self.engine.calls.since(since)
    }

    /// Ends it: no more requests, every process killed, the state written.
    pub async fn shutdown(mut self) {
        self.engine.close();
        self.quit.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the local SageMaker failed");
            }
        }
        capture::flush(&self.engine);
        keep::save(&self.engine).await;
        if let Some(folder) = self.temporary.take()
            && let Err(error) = folder.close()
        {
            tracing::warn!(%error, "a temporary folder was not removed");
        }
    }
}
