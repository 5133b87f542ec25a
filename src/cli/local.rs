//! `trueup local`: SageMaker on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::connect::LOCAL_PORT;
use super::environment;
use super::error::CommandError;
use super::shell::{Shell, block_on};
use super::signal::{Stop, raised};
use super::{exit, log};
use crate::limits::FLEET_INSTANCES_MAX;
use crate::local::{
    DEFAULT_ACCOUNT, LocalError, LocalHandle, LocalOptions, analyzer, serve, supervise,
};

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
    /// The account that everything of the local SageMaker belongs to. Default: 111122223333
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Serving processes of one variant at most; more instances than that are only counted
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..))]
    max_instances: Option<u8>,
}

impl ServerArg {
    /// Whether anything was asked for.
    pub(super) fn is_set(&self) -> bool {
        self.port.is_some()
            || self.state.is_some()
            || self.account.is_some()
            || self.max_instances.is_some()
    }

    fn options(&self, shell: &Shell) -> LocalOptions {
        LocalOptions {
            port: self.port.unwrap_or(LOCAL_PORT),
            state_dir: self.state.clone(),
            account: self
                .account
                .clone()
                .unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()),
            instances_max: self.max_instances.map_or(FLEET_INSTANCES_MAX, usize::from),
            path: shell.environment.programs(),
            home: shell.environment.home.clone(),
            ..LocalOptions::default()
        }
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
    let options = server.options(shell);
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
