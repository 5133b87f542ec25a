//! `trueup run`: the daemon.

use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::apply::duration;
use super::connect::{open, source};
use super::error::CommandError;
use super::hooks::{HooksArg, Opened};
use super::lease::leases;
use super::render::digest::Digest;
use super::render::news::{News, Told};
use super::shell::{Shell, block_on};
use super::signal::{Stop, raised};
use super::{connect, exit, local, log};
use crate::aws::{self, Aws};
use crate::daemon::{self, Cadence, Event};
use crate::git::Source;
use crate::limits::INTERVAL_MIN;
use crate::reconcile::{Leases, ReconcileError};
use crate::web;

/// Events of one source that may wait to be told.
const EVENTS_MAX: usize = 64;

/// Keep what runs in line with what is committed
///
/// Watches every source, each by itself: a slow or dead one delays no other. Ends after SIGINT or
/// SIGTERM, once the passes at hand are finished; at once after a second one. Log lines, on
/// standard error, tell what changed and nothing else; of many alike, how many.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// A repository and the branch that decides; may be given several times
    #[arg(long = "source", value_name = "URL[#BRANCH]", required = true)]
    sources: Vec<String>,
    /// Start a local SageMaker in this process, and use it; prints one line of JSON with its URL
    #[arg(long, conflicts_with_all = ["endpoint_url", "profile"])]
    local: bool,
    #[command(flatten)]
    server: local::ServerArg,
    #[command(flatten)]
    hooks: HooksArg,
    /// How often a source is asked for its branches. Default: 15s, or 5s with a local SageMaker;
    /// repositories on this machine are watched besides
    #[arg(long, value_name = "TIME", value_parser = interval)]
    poll: Option<Duration>,
    /// How often everything is looked at, though nothing moved. Default: 10m, or 2s with a local
    /// SageMaker
    #[arg(long, value_name = "TIME", value_parser = interval)]
    sweep: Option<Duration>,
}

/// The time between two looks: a duration, or milliseconds such as `200ms`.
fn interval(text: &str) -> Result<Duration, String> {
    let length = match text.strip_suffix("ms") {
        Some(number) => {
            let millis = number.parse();
            Duration::from_millis(millis.map_err(|error| format!("`{text}`: {error}"))?)
        }
        None => duration(text)?,
    };
    if length < INTERVAL_MIN {
        return Err(format!(
            "at least {INTERVAL_MIN:?}, so that there is rest between"
        ));
    }
    Ok(length)
}

impl Run {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        if !self.local && self.server.is_set() {
            return Err(CommandError::usage(
                "`--port`, `--state` and `--account` are for the local SageMaker",
            )
            .help("add `--local`"));
        }
        let sources = self.sources.iter().map(|text| source(text, shell));
        let sources: Vec<_> = sources.collect::<Result<_, _>>()?;
        log::start(shell, "trueup=info,warn")?;
        block_on(self.serve(shell, sources))
    }

    async fn serve(&self, shell: &Shell, sources: Vec<Source>) -> Result<u8, CommandError> {
        let mut stop = Stop::listen()?;
        let hooks = self.hooks.open(shell, &sources).await?;
        let (local, aws) = self.cloud(shell).await?;
        let gently = stop.gently.clone();
        let code = tokio::select! {
            () = self.reconcile(shell, sources, hooks, &aws, gently) => exit::OK,
            () = raised(&mut stop.now) => {
                tracing::warn!("ended without finishing what was at hand");
                exit::FAILED
            }
        };
        if let Some(local) = local {
            local.shutdown().await;
        }
        Ok(code)
    }

    async fn cloud(
        &self,
        shell: &Shell,
    ) -> Result<(Option<crate::local::LocalHandle>, Aws), CommandError> {
        if self.local {
            let handle = local::start(shell, &self.server).await?;
            let aws = Aws::connect(aws::Options::local(handle.url.clone())).await;
            return Ok((Some(handle), aws));
        }
        let options = connect::options(
            shell.global.endpoint_url.clone(),
            shell.global.profile.clone(),
        );
        Ok((None, Aws::connect(options).await))
    }

    /// Whether the SageMaker is a local one, of this process or another: it throttles nobody and
    /// answers at once.
    fn is_local(&self, shell: &Shell) -> bool {
        let (url, profile) = (&shell.global.endpoint_url, &shell.global.profile);
        let elsewhere = url.as_deref();
        self.local || elsewhere.is_some_and(|url| connect::is_local(url, profile.as_deref()))
    }

    /// Every source in a task of its own, until all have stopped.
    async fn reconcile(
        &self,
        shell: &Shell,
        sources: Vec<Source>,
        hooks: Opened,
        aws: &Aws,
        stop: watch::Receiver<bool>,
    ) {
        let mut cadence = if self.is_local(shell) {
            Cadence::local()
        } else {
            Cadence::default()
        };
        cadence.poll = self.poll.unwrap_or(cadence.poll);
        cadence.sweep = self.sweep.unwrap_or(cadence.sweep);
        let leases = leases(shell, self.is_local(shell));
        let mut tasks = JoinSet::new();
        if let Some((listener, hooks)) = hooks.door {
            tasks.spawn(web::serve(listener, hooks, stop.clone()));
        }
        for (source, hooks) in sources.into_iter().zip(hooks.heard) {
            let one = Watched {
                leases: leases.clone(),
                cache: shell.cache(),
                aws: aws.clone(),
                cadence,
                stop: stop.clone(),
                source,
                hooks,
            };
            tasks.spawn(one.reconcile());
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a source is no longer watched: this is a bug");
            }
        }
    }
}

/// One source.
struct Watched {
    source: Source,
    cache: Result<PathBuf, CommandError>,
    aws: Aws,
    leases: Leases,
    cadence: Cadence,
    hooks: Option<mpsc::Receiver<()>>,
    stop: watch::Receiver<bool>,
}

impl Watched {
    /// Opens the source, again and again until that works, and passes over it until the end.
    async fn reconcile(mut self) {
        let mut pause = self.cadence.retry;
        let mut told = Teller::new(&self.source);
        while !*self.stop.borrow() {
            match open(self.source.clone(), self.cache.clone(), self.aws.clone()).await {
                Ok(mut reconciler) => {
                    reconciler.under(self.leases.clone());
                    let (events, heard) = mpsc::channel(EVENTS_MAX);
                    let hooks = self.hooks.take();
                    let stop = self.stop.clone();
                    let passes = daemon::run(reconciler, self.cadence, hooks, events, stop);
                    tokio::join!(passes, told.listen(heard));
                    return;
                }
                Err(error) => told.failed(&error),
            }
            let stopped = tokio::time::timeout(pause, raised(&mut self.stop)).await;
            if stopped.is_ok() {
                return;
            }
            pause = (pause * 2).min(self.cadence.sweep.max(self.cadence.retry));
        }
    }
}

/// Writes log lines about one source, on changes only.
struct Teller {
    source: String,
    told: Told,
    digest: Digest,
    failure: Option<String>,
}

impl Teller {
    fn new(source: &Source) -> Self {
        Self {
            source: source.to_string(),
            told: Told::default(),
            digest: Digest::new(Instant::now()),
            failure: None,
        }
    }

    async fn listen(&mut self, mut events: mpsc::Receiver<Event>) {
        let mut commit = String::new();
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = reached(self.digest.due()) => {
                    let over = self.digest.over(Instant::now());
                    self.write(&commit, over);
                    continue;
                }
            };
            match event {
                Some(Event::Passed(pass)) => {
                    self.recovered();
                    pass.commit.short().clone_into(&mut commit);
                    let news = self.told.news(&pass).into_iter();
                    let now = Instant::now();
                    let news = news
                        .filter_map(|news| self.digest.take(news, now))
                        .collect();
                    self.write(&commit, news);
                }
                Some(Event::Failed(error)) => self.failed(&failure(error)),
                None => break,
            }
        }
        let rest = self.digest.rest(Instant::now());
        self.write(&commit, rest);
    }

    fn write(&self, commit: &str, all: Vec<News>) {
        let source = &self.source;
        for News {
            about, text, bad, ..
        } in &all
        {
            if *bad {
                tracing::warn!(source, commit, about, "{about}: {text}");
            } else {
                tracing::info!(source, commit, about, "{about}: {text}");
            }
        }
    }

    fn failed(&mut self, error: &CommandError) {
        let text = error.line();
        if self.failure.as_ref() != Some(&text) {
            tracing::warn!(source = self.source, "{text}");
            self.failure = Some(text);
        }
    }

    fn recovered(&mut self) {
        if self.failure.take().is_some() {
            tracing::info!(source = self.source, "the repository can be read again");
        }
    }
}

/// Waits until a time, for ever where there is none.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

fn failure(error: ReconcileError) -> CommandError {
    CommandError::from(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_durations_with_a_least() {
        let check = |text, expect| assert_eq!(interval(text).ok(), expect, "{text}");
        check("10m", Some(Duration::from_mins(10)));
        check("200ms", Some(Duration::from_millis(200)));
        check("10ms", Some(INTERVAL_MIN));
        for text in ["9ms", "0s", "ms", "-1ms", "often"] {
            check(text, None);
        }
    }
}
