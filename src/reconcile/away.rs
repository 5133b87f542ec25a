//! A repository that is away: the last commit that was seen of it stays in force.

use std::error::Error as _;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::model::Shared;
use super::{Options, ReconcileError, Reconciler};
use crate::aws::Aws;
use crate::config::INSTALLATION_FILE;
use crate::config::yaml::first_byte;
use crate::diagnostic::Diagnostic;
use crate::git::{Fetched, GitError, Mirror};

/// The finding that the repository is away.
pub const AWAY: &str = "O006";

impl ReconcileError {
    /// Whether the repository is away, or does not let us in: what was seen of it before is still true.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Git(error) if error.is_away())
    }
}

impl Reconciler {
    /// Opens a mirror that another process has, to look only. `None` where there is none.
    pub async fn open_to_read(options: Options, aws: Aws) -> Result<Option<Self>, ReconcileError> {
        let (cache, source) = (options.cache.clone(), options.source.clone());
        let mirror = spawn_blocking(move || Mirror::open_to_read(&cache, source)).await?;
        Ok(mirror.map(|mirror| Self::of(Arc::new(Shared::new(mirror, aws, &options)), options)))
    }

    /// What was last seen of the remote; `None` where it never was.
    pub async fn last_seen(&self) -> Result<Option<Fetched>, ReconcileError> {
        let (shared, now) = (self.shared.clone(), self.now());
        let seen = shared.with_mirror(move |_, mirror| mirror.last_seen(now));
        Ok(seen.await??)
    }

    /// From now on reports say that the repository is away, and why.
    pub fn is_away_because(&mut self, why: &GitError, seen: &Fetched) {
        let causes = std::iter::successors(why.source(), |error| (*error).source());
        let causes = causes.fold(String::new(), |all, cause| format!("{all}: {cause}"));
        let message = format!(
            "{why}{causes}; what is told is about {} of {}, the last commit that was seen",
            seen.tip.short(),
            seen.branch,
        );
        let finding = Diagnostic::error(AWAY, first_byte(INSTALLATION_FILE), message);
        self.away = Some(finding.help(why.help()));
    }
}
