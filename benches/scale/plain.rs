//! A fetch as the library for Git does it by itself: what the transport costs, whoever asks.

use std::path::Path;
use std::time::Duration;

use git2::{AutotagOption, FetchOptions, Repository};
use tokio::time::Instant;

use super::repository;

/// A bare copy of the fleet's repository.
pub(crate) struct Plain {
    git: Repository,
    url: String,
}

impl Plain {
    /// Clones it into the empty folder `copy`.
    pub(crate) fn open(folder: &Path, copy: &Path) -> Self {
        let plain = Self {
            git: Repository::init_bare(copy).expect("the folder can be written"),
            url: repository::path(folder).display().to_string(),
        };
        plain.fetch();
        plain
    }

    /// Fetches every branch, and gives the time that it took.
    pub(crate) fn fetch(&self) -> Duration {
        let start = Instant::now();
        let remote = self.git.remote_anonymous(&self.url);
        let mut options = FetchOptions::new();
        options
            .download_tags(AutotagOption::None)
            .update_fetchhead(false);
        let branches = ["+refs/heads/*:refs/heads/*"];
        let fetched =
            remote.and_then(|mut remote| remote.fetch(&branches, Some(&mut options), None));
        fetched.expect("the repository is there");
        start.elapsed()
    }
}
