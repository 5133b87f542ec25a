//! From options to a repository and a cloud.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::error::CommandError;
use super::shell::Shell;
use crate::aws::{self, Aws};
use crate::clock::SystemClock;
use crate::config::HostAccess;
use crate::git::{Author, Fetched, GitError, Mirror, Source, worktree};
use crate::reconcile::{Options, ReconcileError, Reconciler};

/// The port that a local SageMaker takes where it is free.
pub(super) const LOCAL_PORT: u16 = 4566;

/// Which repository.
#[derive(Debug, Clone, Args)]
pub(super) struct SourceArg {
    /// The repository and the branch that decides. Default: the one that the current folder is in,
    /// and the branch that is checked out there
    #[arg(long, value_name = "URL[#BRANCH]")]
    source: Option<String>,
}

/// Which cloud.
#[derive(Debug, Clone, Args)]
pub(super) struct CloudArg {
    /// The local SageMaker on its usual port
    #[arg(long, conflicts_with = "endpoint_url")]
    local: bool,
}

impl SourceArg {
    /// The repository that is meant, or `default`.
    pub(super) fn source_or(&self, default: &str, shell: &Shell) -> Result<Source, CommandError> {
        source(self.source.as_deref().unwrap_or(default), shell)
    }

    /// The repository that is meant.
    pub(super) fn source(&self, shell: &Shell) -> Result<Source, CommandError> {
        if let Some(text) = &self.source {
            return source(text, shell);
        }
        let folder = worktree::root(Path::new(".")).ok_or_else(|| {
            CommandError::usage("the current folder is in no Git repository")
                .help("name one with `--source URL[#branch]`")
        })?;
        source(&folder.to_string_lossy(), shell)
    }
}

impl CloudArg {
    /// Where it is; `None`: at AWS's own addresses.
    pub(super) fn url(&self, shell: &Shell) -> Option<String> {
        let local = self.local.then(|| format!("http://127.0.0.1:{LOCAL_PORT}"));
        local.or_else(|| shell.global.endpoint_url.clone())
    }

    /// Whether it is a local SageMaker.
    pub(super) fn is_local(&self, shell: &Shell) -> bool {
        let profile = shell.global.profile.as_deref();
        self.url(shell).is_some_and(|url| is_local(&url, profile))
    }

    /// The cloud that is meant.
    pub(super) async fn connect(&self, shell: &Shell) -> Aws {
        let url = self.url(shell);
        Aws::connect(options(url, shell.global.profile.clone())).await
    }
}

/// A source with what opens it.
pub(super) fn source(text: &str, shell: &Shell) -> Result<Source, CommandError> {
    equipped(text.parse()?, shell, &HostAccess::default())
}

/// A source with what opens it, of which something was said of its host.
pub(super) fn equipped(
    mut source: Source,
    shell: &Shell,
    access: &HostAccess,
) -> Result<Source, CommandError> {
    let profile = shell.global.profile.as_deref();
    let git = &shell.global.git;
    git.equip(&mut source, &shell.environment, profile, access)?;
    Ok(source)
}

/// How to reach AWS, or a local SageMaker at a loopback address.
pub(super) fn options(endpoint_url: Option<String>, profile: Option<String>) -> aws::Options {
    match endpoint_url {
        Some(url) if is_local(&url, profile.as_deref()) => aws::Options::local(url),
        endpoint_url => aws::Options {
            profile,
            endpoint_url,
            ..aws::Options::default()
        },
    }
}

/// Whether there is a local SageMaker behind an address.
pub(super) fn is_local(url: &str, profile: Option<&str>) -> bool {
    profile.is_none() && is_loopback(url)
}

fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Opens a repository that this process alone writes to; its mirror is kept below `cache`.
pub(super) async fn open(
    source: Source,
    cache: Result<PathBuf, CommandError>,
    aws: Aws,
) -> Result<Reconciler, CommandError> {
    Ok(Reconciler::open(reconciling(source, cache?), aws).await?)
}

/// Opens a repository to look only. Where a daemon has its mirror, another one is made for this
/// once.
pub(super) async fn open_to_look(
    shell: &Shell,
    source: Source,
    aws: Aws,
) -> Result<Reconciler, CommandError> {
    let shared = reconciling(source.clone(), shell.cache()?);
    match Reconciler::open(shared, aws.clone()).await {
        Err(ReconcileError::Git(GitError::Locked { .. })) => {
            let own = reconciling(source, shell.temporary()?);
            Ok(Reconciler::open(own, aws).await?)
        }
        opened => Ok(opened?),
    }
}

/// Opens a repository to look only, and looks; where it is away, at what was last seen of it, by this user or
/// by a daemon of theirs.
pub(super) async fn see(
    shell: &Shell,
    source: Source,
    aws: Aws,
) -> Result<(Reconciler, Fetched), CommandError> {
    let mut reconciler = open_to_look(shell, source.clone(), aws.clone()).await?;
    let away = match reconciler.fetch().await {
        Ok(fetched) => return Ok((reconciler, fetched)),
        Err(ReconcileError::Git(error)) if error.is_away() => error,
        Err(error) => return Err(error.into()),
    };
    let mut seen = reconciler.last_seen().await?;
    if seen.is_none() {
        let theirs = reconciling(source, shell.cache()?);
        if let Some(reader) = Reconciler::open_to_read(theirs, aws).await? {
            reconciler = reader;
            seen = reconciler.last_seen().await?;
        }
    }
    let Some(seen) = seen else {
        return Err(ReconcileError::Git(away).into());
    };
    reconciler.is_away_because(&away, &seen);
    Ok((reconciler, seen))
}

/// Opens the mirror of a repository to look only, as [`open_to_look`] does.
pub(super) fn mirror_to_look(source: Source, shell: &Shell) -> Result<Mirror, CommandError> {
    match Mirror::open(&shell.cache()?, source.clone()) {
        Err(GitError::Locked { .. }) => Ok(Mirror::open(&shell.temporary()?, source)?),
        opened => Ok(opened?),
    }
}

fn reconciling(source: Source, cache: PathBuf) -> Options {
    Options {
        source,
        cache,
        author: Author::default(),
        clock: Arc::new(SystemClock),
        probe: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_taken_for_a_local_sagemaker() {
        for url in [
            "http://127.0.0.1:4566",
            "http://localhost:1",
            "http://localhost",
            "http://[::1]:9/x",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://sagemaker.eu-west-1.amazonaws.com",
            "http://127.0.0.1.evil.example:4566",
            "http://10.0.0.1:4566",
            "http://localhost.evil.example",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_profile_is_used_wherever_the_service_is() {
        let url = Some("http://127.0.0.1:1".to_owned());
        assert!(options(url.clone(), None).keys.is_some());
        let chain = options(url.clone(), Some("p".to_owned()));
        assert!(chain.keys.is_none());
        assert_eq!(
            (chain.endpoint_url, chain.profile.as_deref()),
            (url, Some("p"))
        );
    }
}
