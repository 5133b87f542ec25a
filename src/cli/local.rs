//! `trueup local`: SageMaker on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::apply::duration;
use super::connect::LOCAL_PORT;
use super::environment;
use super::error::CommandError;
use super::shell::{Shell, block_on};
use super::signal::{Stop, raised};
use super::{exit, images, log};
use crate::clock::SignedDuration;
use crate::limits::FLEET_INSTANCES_MAX;
use crate::local::{
    Credentials, DEFAULT_ACCOUNT, LocalError, LocalHandle, LocalOptions, OptMl, TESTING_ACCOUNT,
    analyzer, serve, supervise,
};
use crate::world::Pace;

/// Run a SageMaker on this machine
///
/// Speaks SageMaker, its runtime, S3 and STS on one loopback port: training jobs are processes of
/// this machine, endpoints answer. Prints one line of JSON with its URL once it accepts requests,
/// and ends after SIGINT or SIGTERM.
#[derive(Debug, Args)]
pub(super) struct Local {
    #[command(flatten)]
    server: ServerArg,
}

/// How a local SageMaker is set up.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArg {
    /// The port of the local SageMaker; 0 for any. Default: 4566 where it is free, else any
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Where the local SageMaker keeps everything. Default: a temporary folder that is removed at
    /// the end
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The account that everything of the local SageMaker belongs to. Default: 111122223333, or
    /// 123456789012 where nothing is run
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Serving processes of one variant at most; more instances than that are only counted
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..))]
    max_instances: Option<u8>,
    /// Run nothing: jobs, packages and endpoints reach their final state after `--transition`, and
    /// what they refer to in S3 need not exist. For tests of tools that speak to AWS
    #[arg(long)]
    control_plane_only: bool,
    /// How long states last that nothing is behind
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "control_plane_only")]
    transition: Option<Duration>,
    /// How programs find the folder that stands for `/opt/ml`: mounted for each process, or rewritten
    /// in their arguments, variables and texts. Default: mounted where this machine lets us
    #[arg(long, value_name = "HOW", value_enum)]
    opt_ml: Option<OptMlArg>,
    /// A table of what runs in the place of container images: rows that come before those of trueup
    #[arg(long, value_name = "FILE")]
    images: Option<PathBuf>,
    /// Answer only what is signed with the keys in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`
    /// (`local` and `local` where they are not set)
    #[arg(long)]
    require_auth: bool,
}

/// How programs find `/opt/ml`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum OptMlArg {
    /// Mounted where that can be had, rewritten elsewhere
    Auto,
    /// Mounted, or not at all
    Mount,
    /// Rewritten
    Rewrite,
}

impl From<OptMlArg> for OptMl {
    fn from(asked: OptMlArg) -> Self {
        match asked {
            OptMlArg::Auto => Self::Auto,
            OptMlArg::Mount => Self::Mount,
            OptMlArg::Rewrite => Self::Rewrite,
        }
    }
}

impl ServerArg {
    /// Whether anything was asked for.
    pub(super) fn is_set(&self) -> bool {
        self.port.is_some()
            || self.state.is_some()
            || self.account.is_some()
            || self.max_instances.is_some()
            || self.control_plane_only
            || self.opt_ml.is_some()
            || self.images.is_some()
            || self.require_auth
    }

    fn options(&self, shell: &Shell) -> Result<LocalOptions, CommandError> {
        let images = self.images.as_deref().map(|path| images::read(path, shell));
        let transition = self
            .control_plane_only
            .then(|| self.transition.unwrap_or_default());
        let account = if self.control_plane_only {
            TESTING_ACCOUNT
        } else {
            DEFAULT_ACCOUNT
        };
        let keys = self.require_auth.then(|| {
            let keys = shell.environment.aws_keys.clone();
            keys.unwrap_or_else(|| ("local".to_owned(), "local".into()))
        });
        Ok(LocalOptions {
            images: images.transpose()?.unwrap_or_default(),
            require_auth: keys.map(|(access_key_id, secret_access_key)| Credentials {
                access_key_id,
                secret_access_key,
            }),
            pace: transition.map_or_else(Pace::local, |each| {
                Pace::of(SignedDuration::try_from(each).unwrap_or(SignedDuration::MAX))
            }),
            control_plane_only: transition,
            opt_ml: self.opt_ml.map(OptMl::from).unwrap_or_default(),
            port: self.port.unwrap_or(LOCAL_PORT),
            state_dir: self.state.clone(),
            account: self.account.clone().unwrap_or_else(|| account.to_owned()),
            instances_max: self.max_instances.map_or(FLEET_INSTANCES_MAX, usize::from),
            path: shell.environment.programs(),
            home: shell.environment.home.clone(),
            ..LocalOptions::default()
        })
    }
}

impl Local {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        log::start(shell, "trueup=warn,error")?;
        block_on(async {
            let mut stop = Stop::listen()?;
            let handle = start(shell, &self.server).await?;
            raised(&mut stop.gently).await;
            tokio::select! {
                () = handle.shutdown() => Ok(exit::OK),
                () = raised(&mut stop.now) => Ok(exit::FAILED),
            }
        })
    }
}

/// Starts it, and says on standard output where it is.
pub(super) async fn start(shell: &Shell, server: &ServerArg) -> Result<LocalHandle, CommandError> {
    let options = server.options(shell)?;
    let account = options.account.clone();
    let handle = match serve(options.clone()).await {
        // The usual port is no more than a convenience.
        Err(LocalError::Listen { .. }) if server.port.is_none() => {
            serve(LocalOptions { port: 0, ..options }).await
        }
        started => started,
    };
    let handle = handle.map_err(failed)?;
    let line = json!({
        "url": handle.url,
        "account": account,
        "state": handle.state_dir,
        "pid": std::process::id(),
        "containers": {"opt_ml": handle.opt_ml},
    });
    shell.streams.data(&format!("{line}\n"));
    Ok(handle)
}

fn failed(error: LocalError) -> CommandError {
    let failed = CommandError::new(&error);
    match error {
        LocalError::Listen { .. } => failed.help("take another port, or 0 for any"),
        LocalError::Account(_) => CommandError::usage(error.to_string()),
        LocalError::State(_) | LocalError::Prepare { .. } => {
            failed.help("choose another folder with `--state`")
        }
        LocalError::Mount(_) => failed.help("`--opt-ml rewrite` needs no mounts"),
        LocalError::Supervisor(_) => failed,
    }
}

/// Supervises one process of a local SageMaker.
pub(super) fn job(arguments: &[String]) -> ExitCode {
    supervise::main(arguments)
}

/// Analyzes a dataset, told what to do as the container of a monitor is.
pub(super) fn analyze(root: &Path) -> ExitCode {
    analyzer::main(&environment::all(), root)
}
