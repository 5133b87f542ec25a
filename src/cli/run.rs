//! `trueup run`: the daemon.

use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval as ticks};

use super::apply::duration;
use super::error::CommandError;
use super::follow::{Followed, Means};
use super::hooks::{HooksArg, Opened};
use super::lease::leases;
use super::shell::{Shell, block_on};
use super::signal::{Stop, raised};
use super::sources::{Listed, SourcesArg};
use super::{connect, exit, local, log};
use crate::aws::{self, Aws};
use crate::daemon::Cadence;
use crate::limits::{INTERVAL_MIN, SOURCES_READ_EVERY};
use crate::web;

/// Keep what runs in line with what is committed
///
/// Watches every source, each by itself: a slow or dead one delays no other. Ends after SIGINT or
/// SIGTERM, once the passes at hand are finished; at once after a second one. Log lines, on
/// standard error, tell what changed and nothing else; of many alike, how many.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    sources: SourcesArg,
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
        let sources = self.sources.read(shell)?;
        log::start(shell, "trueup=info,warn")?;
        block_on(self.serve(shell, sources))
    }

    async fn serve(&self, shell: &Shell, sources: Vec<Listed>) -> Result<u8, CommandError> {
        let mut stop = Stop::listen()?;
        crate::local::make_room();
        let hooks = self.hooks.open(shell).await?;
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
        sources: Vec<Listed>,
        hooks: Option<Opened>,
        aws: &Aws,
        stop: watch::Receiver<bool>,
    ) {
        let means = Means {
            leases: leases(shell, self.is_local(shell)),
            cache: shell.cache(),
            aws: aws.clone(),
            cadence: self.cadence(shell),
        };
        let mut serving = JoinSet::new();
        let doors = hooks.map(|Opened { listener, doors }| {
            serving.spawn(web::serve(listener, doors.hooks.clone(), stop.clone()));
            doors
        });
        let mut followed = Followed::new(means, doors);
        followed.follow(sources);
        self.tend(shell, &mut followed, stop).await;
        followed.finish().await;
        serving.join_all().await;
    }

    /// Follows what is listed until the end, also where the list changes.
    async fn tend(&self, shell: &Shell, followed: &mut Followed, mut stop: watch::Receiver<bool>) {
        let mut ticks = ticks(SOURCES_READ_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complaint = None;
        loop {
            tokio::select! {
                () = raised(&mut stop) => return,
                () = followed.tend() => {}
                _ = ticks.tick(), if self.sources.file().is_some() => {
                    let said = match self.sources.read_again(shell) {
                        Ok(sources) => {
                            followed.follow(sources);
                            None
                        }
                        Err(said) => Some(said),
                    };
                    if said != complaint && let Some(said) = &said {
                        tracing::warn!("the list is left as it was: {said}");
                    }
                    complaint = said;
                }
            }
        }
    }

    fn cadence(&self, shell: &Shell) -> Cadence {
        let usual = if self.is_local(shell) {
            Cadence::local()
        } else {
            Cadence::default()
        };
        Cadence {
            poll: self.poll.unwrap_or(usual.poll),
            sweep: self.sweep.unwrap_or(usual.sweep),
            ..usual
        }
    }
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
