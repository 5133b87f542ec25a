//! What a daemon says of one repository: log lines, on changes only.

use std::future::pending;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::error::CommandError;
use super::render::digest::Digest;
use super::render::news::{News, Told};
use crate::daemon::Event;
use crate::git::Source;
use crate::reconcile::ReconcileError;

/// Writes log lines about one source, on changes only.
pub(super) struct Teller {
    source: String,
    told: Told,
    digest: Digest,
    failure: Option<String>,
}

impl Teller {
    pub(super) fn new(source: &Source) -> Self {
        Self {
            source: source.to_string(),
            told: Told::default(),
            digest: Digest::new(Instant::now()),
            failure: None,
        }
    }

    pub(super) async fn listen(&mut self, mut events: mpsc::Receiver<Event>) {
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

    pub(super) fn failed(&mut self, error: &CommandError) {
        let text = error.advice();
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
