//! `trueup demo`: the whole way from a commit to production and back, on this machine alone.
//!
//! A repository with one model, a local SageMaker and the daemon; a person who commits, merges and
//! reverts; somebody who does damage by hand; and a verifier that looks for itself.

mod aftermath;
mod artefact;
pub mod example;
pub mod http;
mod judge;
mod look;
pub mod options;
pub mod person;
pub mod show;
pub mod story;
pub mod summary;
mod undo;
pub mod verify;
pub mod watch;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch as value};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use options::{Options, Sabotage};

use self::example::Edit;
use self::http::Http;
use self::person::{Person, PersonError};
use self::show::Show;
use self::story::{Moment, Story, StoryError};
use self::summary::Summary;
use self::verify::Verifier;
use self::watch::Told;
use crate::aws::{self, Aws};
use crate::clock::SystemClock;
use crate::daemon::{self, Cadence, Host};
use crate::git::{Author, SourceError};
use crate::local::{self, LocalError, LocalHandle, LocalOptions};
use crate::reconcile::{self, ReconcileError, Reconciler};

/// How long the daemon may take over the pass at hand, and the local SageMaker over its end.
const STOP_DEADLINE: Duration = Duration::from_secs(20);
/// Events of the daemon that wait to be read.
const EVENTS: usize = 64;
/// Several passes a second even where nothing moves: the demo shows in seconds what takes minutes.
const BRISK: Duration = Duration::from_millis(250);
/// Every step was taken, and the verifier saw it.
const OK: u8 = 0;
/// Something was not as it has to be.
const FAILED: u8 = 1;
/// The folder is not empty.
const USAGE: u8 = 2;
/// 128 + SIGINT, as a shell reports it.
const INTERRUPTED: u8 = 130;
/// 128 + SIGTERM.
const TERMINATED: u8 = 143;

/// Why the demo could not be set up or went wrong.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("cannot use {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    #[error("cannot make the repository")]
    Repository(#[from] PersonError),
    #[error("cannot name the repository")]
    Source(#[from] SourceError),
    #[error("cannot start the local SageMaker")]
    Local(#[from] LocalError),
    #[error("cannot start the daemon")]
    Daemon(#[from] ReconcileError),
    #[error(transparent)]
    Story(#[from] StoryError),
}

/// Runs the demo. The exit code is 0 when every step was taken and the verifier saw it, 1 when not,
/// 2 for a folder that is not empty, 130 after Ctrl-C and 143 after SIGTERM.
pub async fn run(options: Options) -> ExitCode {
    let show = Show::new(options.json, options.color);
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        show.wrong("signals cannot be received here");
        return ExitCode::from(FAILED);
    };
    let mut place = match Place::new(options.dir.as_deref()) {
        Ok(place) => place,
        Err(error) => {
            show.wrong(&words(&error));
            return ExitCode::from(USAGE);
        }
    };
    let mut parts = Parts::default();
    let mut ended = tokio::select! {
        code = play(&options, show, &mut place, &mut parts) => code,
        code = interrupted(&mut interrupt, &mut terminate) => code,
    };
    let stopping = async {
        let line = show.begin("stopping the daemon and the local SageMaker");
        parts.stop().await;
        drop(line);
    };
    tokio::select! {
        () = stopping => {}
        code = interrupted(&mut interrupt, &mut terminate) => ended = code,
    }
    ExitCode::from(ended)
}

/// Plays the story, and waits on unless it is to exit.
async fn play(options: &Options, show: Show, place: &mut Place, parts: &mut Parts) -> u8 {
    let mut summary = Summary {
        folder: place.folder.clone(),
        ..Summary::default()
    };
    let played = perform(options, show, place, parts, &mut summary).await;
    summary.failure = played.as_ref().err().map(|error| words(error));
    summary.ok = played.is_ok()
        && summary.verifier.iter().all(|check| check.ok)
        && !summary.verifier.is_empty();
    conclude(options, show, place, &summary);
    if !summary.ok {
        return FAILED;
    }
    if options.exit {
        return OK;
    }
    go_on(show, place, &summary.endpoint_url);
    if let Err(error) = parts.calm_down(place, &summary.endpoint_url).await {
        show.wrong(&words(&error));
        return FAILED;
    }
    std::future::pending().await
}

async fn perform(
    options: &Options,
    show: Show,
    place: &Place,
    parts: &mut Parts,
    summary: &mut Summary,
) -> Result<(), DemoError> {
    let person = place.person();
    let line = show.begin("a repository, a local SageMaker and the daemon");
    person.found(edits(options.sabotage)).await?;
    let pushed = Moment::now();
    let url = parts.serve(options, place).await?;
    summary.endpoint_url.clone_from(&url);
    let told = parts.watch_over(place, &url, BRISK).await?;
    line.end("a repository, a local SageMaker and the daemon");
    show.note(&format!(
        "in {}, answering at {url}",
        place.folder.display()
    ));
    let http = Http::new(&url);
    let mut story = Story {
        show,
        person: &person,
        verifier: Verifier::new(http.clone(), &person.origin),
        http,
        told,
        sabotage: options.sabotage,
        summary,
        pushed,
    };
    Ok(story.tell().await?)
}

/// What the first commit has that the example does not.
fn edits(sabotage: Option<Sabotage>) -> Vec<Edit> {
    match sabotage {
        Some(Sabotage::ConstantPredictions) => vec![example::CONSTANT],
        Some(Sabotage::SkipGate) => vec![example::NO_GATES],
        Some(Sabotage::SkipRevert) | None => Vec::new(),
    }
}

/// Says what it came to.
fn conclude(options: &Options, show: Show, place: &mut Place, summary: &Summary) {
    show.print("");
    if let Some(failure) = &summary.failure {
        show.wrong(failure);
    }
    let seen = summary.verifier.iter().filter(|check| check.ok).count();
    let all = summary.verifier.len();
    if summary.ok {
        show.done(&format!("all six steps; the verifier saw {seen} of {all}"));
    } else {
        show.wrong(&format!("the verifier saw {seen} of {all}"));
        place.keep();
        show.note(&format!("everything is kept in {}", place.folder.display()));
    }
    for one in &summary.converged {
        show.note(&format!(
            "{:>6.1} s from {} to converged",
            one.seconds, one.after
        ));
    }
    if options.json {
        let text = serde_json::to_string_pretty(summary).expect("texts and numbers are JSON");
        // Nobody reads it: the exit code says the same.
        let _closed = writeln!(io::stdout().lock(), "{text}");
    }
}

/// How to go on by oneself.
fn go_on(show: Show, place: &Place, url: &str) {
    let Person { origin, clone } = place.person();
    let region = example::REGION;
    let (origin, clone) = (origin.display(), clone.display());
    show.print(&format!(
        "
Go on by yourself: everything keeps running until Ctrl-C.

  cd {clone}
  git pull && $EDITOR {config} && git commit -am 'Try something' && git push
      another hyperparameter, another gate, another instance count; or {features}
  git fetch && git merge --no-ff origin/trueup/promote/{model}/production/… && git push
      brings what staging serves to production; `git revert -m 1 HEAD && git push` takes it back

  The repository that the daemon watches is {origin}
  The local SageMaker answers at {url}, to any keys:

  boto3.client(\"sagemaker-runtime\", endpoint_url=\"{url}\", region_name=\"{region}\",
               aws_access_key_id=\"any\", aws_secret_access_key=\"any\")
  AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any aws sagemaker list-endpoints \\
      --endpoint-url {url} --region {region}

Ctrl-C ends it{fate}.",
        config = example::CONFIG,
        features = example::FEATURES,
        model = example::MODEL,
        fate = if place.is_temporary() {
            " and removes the folder"
        } else {
            ""
        },
    ));
}

/// Where everything is kept.
struct Place {
    folder: PathBuf,
    temporary: Option<TempDir>,
}

impl Place {
    fn new(dir: Option<&Path>) -> Result<Self, DemoError> {
        let Some(dir) = dir else {
            let made = tempfile::Builder::new().prefix("trueup-demo-").tempdir();
            let made = made.map_err(|e| DemoError::Folder("a temporary folder".into(), e))?;
            return Ok(Self {
                folder: made.path().to_owned(),
                temporary: Some(made),
            });
        };
        let failed = |error| DemoError::Folder(dir.to_owned(), error);
        std::fs::create_dir_all(dir).map_err(failed)?;
        if std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
            return Err(DemoError::NotEmpty(dir.to_owned()));
        }
        Ok(Self {
            folder: dir.canonicalize().map_err(failed)?,
            temporary: None,
        })
    }

    fn person(&self) -> Person {
        Person {
            origin: self.folder.join("origin.git"),
            clone: self.folder.join("work"),
        }
    }

    fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// The folder stays, to be looked at.
    fn keep(&mut self) {
        if let Some(folder) = self.temporary.take() {
            self.folder = folder.keep();
        }
    }
}

/// What runs beside the story, and has to be ended.
#[derive(Default)]
struct Parts {
    local: Option<LocalHandle>,
    stop: Option<value::Sender<bool>>,
    tasks: JoinSet<()>,
}

impl Parts {
    /// Starts the local SageMaker; gives its URL.
    async fn serve(&mut self, options: &Options, place: &Place) -> Result<String, DemoError> {
        let local = local::serve(LocalOptions {
            state_dir: Some(place.folder.join("sagemaker")),
            account: example::ACCOUNT.to_owned(),
            path: options.path.clone(),
            home: options.home.clone(),
            ..LocalOptions::default()
        })
        .await?;
        let url = local.url.clone();
        self.local = Some(local);
        Ok(url)
    }

    /// Starts the daemon over the repository and the SageMaker at `url`.
    async fn watch_over(
        &mut self,
        place: &Place,
        url: &str,
        sweep: Duration,
    ) -> Result<value::Receiver<Told>, DemoError> {
        let source = format!("{}#main", place.person().origin.display()).parse()?;
        let options = reconcile::Options {
            source,
            cache: place.folder.join("cache"),
            author: Author::default(),
            clock: Arc::new(SystemClock),
            probe: None,
        };
        let aws = Aws::connect(aws::Options::local(url)).await;
        let reconciler = Reconciler::open(options, aws).await?;
        let cadence = Cadence {
            sweep,
            ..Cadence::local()
        };
        let (stop, stopped) = value::channel(false);
        let (tell, events) = mpsc::channel(EVENTS);
        let (sender, told) = value::channel(Told::default());
        self.stop = Some(stop);
        self.tasks.spawn(daemon::run(
            reconciler,
            cadence,
            Host::new(None).join(),
            None,
            tell,
            stopped,
        ));
        self.tasks.spawn(watch::listen(events, sender));
        Ok(told)
    }

    /// The same daemon at its usual pace, for as long as somebody likes.
    async fn calm_down(&mut self, place: &Place, url: &str) -> Result<(), DemoError> {
        self.stop_daemon().await;
        let _told = self.watch_over(place, url, Cadence::local().sweep).await?;
        Ok(())
    }

    async fn stop_daemon(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send_replace(true);
        }
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(STOP_DEADLINE, ended).await.is_err() {
            tracing::warn!("the daemon did not end in time");
            self.tasks.shutdown().await;
        }
    }

    /// The daemon first, so that it does not see the SageMaker go.
    async fn stop(&mut self) {
        self.stop_daemon().await;
        if let Some(local) = self.local.take()
            && timeout(STOP_DEADLINE, local.shutdown()).await.is_err()
        {
            tracing::warn!("the local SageMaker did not end in time");
        }
    }
}

async fn interrupted(interrupt: &mut Signal, terminate: &mut Signal) -> u8 {
    tokio::select! {
        _ = interrupt.recv() => INTERRUPTED,
        _ = terminate.recv() => TERMINATED,
    }
}

/// An error with all its causes.
fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
