//! What every command is given: the options that all share, the environment and the streams.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;

use super::environment::Environment;
use super::error::CommandError;
use super::git::GitArg;
use super::streams::Streams;
use crate::limits::BEGIN_FILES;

/// How long threads that wait for Git may hold up the end of the process.
const END_DEADLINE: Duration = Duration::from_secs(1);

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Where AWS is, in place of its own addresses. A loopback address is taken for a local
    /// SageMaker and needs no credentials, unless `--profile` is given
    #[arg(long, global = true, value_name = "URL", value_parser = endpoint_url)]
    pub(super) endpoint_url: Option<String>,
    /// The profile of the AWS configuration to take credentials from
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Where mirrors of repositories are kept; may be deleted at any time. Default:
    /// `$XDG_CACHE_HOME/trueup` or `~/.cache/trueup`, else a temporary folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) cache: Option<PathBuf>,
    /// No talk on standard error but failures
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) git: GitArg,
}

fn endpoint_url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("it begins with `http://` or `https://`".to_owned()),
    }
}

/// The surroundings of one command.
#[derive(Debug)]
pub(super) struct Shell {
    /// Options of every command.
    pub(super) global: Global,
    /// The environment.
    pub(super) environment: Environment,
    /// The streams.
    pub(super) streams: Streams,
    temporary: OnceLock<TempDir>,
}

impl Shell {
    /// The surroundings that the process has.
    pub(super) fn new(global: Global) -> Self {
        let environment = Environment::read();
        Self {
            streams: Streams::new(&environment, global.quiet),
            global,
            environment,
            temporary: OnceLock::new(),
        }
    }

    /// Where mirrors are kept.
    pub(super) fn cache(&self) -> Result<PathBuf, CommandError> {
        let named = self.global.cache.clone();
        match named.or_else(|| self.environment.cache()) {
            Some(folder) => Ok(folder),
            None => self.temporary(),
        }
    }

    /// A folder that lasts as long as this command.
    pub(super) fn temporary(&self) -> Result<PathBuf, CommandError> {
        if let Some(folder) = self.temporary.get() {
            return Ok(folder.path().to_owned());
        }
        let made = tempfile::Builder::new().prefix("trueup-").tempdir();
        let folder = made.map_err(|error| {
            CommandError::new(&error).context("no temporary folder can be made")
        })?;
        Ok(self.temporary.get_or_init(|| folder).path().to_owned())
    }
}

/// Runs `work` to its end. What then still waits for a silent Git server is left behind.
pub(super) fn block_on<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime = enough_files().and_then(|()| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
    });
    let runtime = runtime.map_err(|error| {
        CommandError::new(&error)
            .context("the command cannot begin")
            .help("let the process open more files and have more threads: `ulimit -n`, `ulimit -u`")
    })?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(END_DEADLINE);
    outcome
}

/// Whether so many files can be opened as there have to be: the runtime panics without its own.
fn enough_files() -> io::Result<()> {
    let tries: io::Result<Vec<_>> = (0..BEGIN_FILES).map(|_| File::open("/dev/null")).collect();
    tries.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_url_has_a_scheme_and_no_slash_at_its_end() {
        assert_eq!(endpoint_url("http://h:1/").as_deref(), Ok("http://h:1"));
        for text in ["h:1", "", "https://", "ftp://h"] {
            assert!(endpoint_url(text).is_err(), "{text}");
        }
    }
}
