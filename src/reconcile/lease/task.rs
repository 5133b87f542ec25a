//! The task that visits a lease whenever it is due.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::gate::Gate;
use crate::aws::Aws;
use crate::clock::{Clock as _, Timestamp};
use crate::execute::lease::{Keeper, Standing};
use crate::reconcile::drive;

/// What is wanted of it.
#[derive(Debug)]
pub(super) enum Wish {
    /// Remember this commit of this branch as acted on.
    Remember(String, String),
    /// Ask as somebody else from now on.
    Ask(Box<Aws>),
    /// Give it back, and end.
    Leave,
}

/// What others may know.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) standing: Standing,
    pub(super) heads: BTreeMap<String, String>,
    /// Counts what there was to tell: who holds it, and whether it can be read.
    pub(super) news: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            standing: Standing::Unknown,
            heads: BTreeMap::new(),
            news: 0,
        }
    }
}

/// Keeps a lease until it was given back, or nobody is left to want anything.
pub(super) async fn keep(
    mut keeper: Keeper,
    mut aws: Aws,
    gate: Gate,
    mut wishes: mpsc::Receiver<Wish>,
    tell: watch::Sender<Kept>,
) {
    let clock = gate.steady();
    while let Some(due) = keeper.due(clock.now()) {
        let due = instant(due, clock.now());
        tokio::select! {
            biased;
            wish = wishes.recv() => match wish {
                Some(Wish::Remember(branch, commit)) => keeper.remember(&branch, &commit),
                Some(Wish::Ask(other)) => aws = *other,
                Some(Wish::Leave) => keeper.leave(),
                None => break,
            },
            () = sleep_until(due) => keeper = drive(keeper.visit(), &aws, &clock).await,
        }
        let now = clock.now();
        gate.set(keeper.until(now));
        tell.send_modify(|kept| {
            let standing = keeper.standing(now);
            if about(&kept.standing) != about(&standing) {
                kept.news += 1;
                tracing::debug!(?standing, "the lease");
            }
            kept.standing = standing;
            kept.heads.clone_from(keeper.heads());
        });
    }
    gate.set(None);
}

/// What makes one standing another, for those who are told.
fn about(standing: &Standing) -> (u8, String) {
    match standing {
        Standing::Unknown => (0, String::new()),
        Standing::Leads { fence } => (1, fence.to_string()),
        Standing::Settles { from } => (2, from.to_string()),
        Standing::Lapsed { why } => (3, why.clone()),
        Standing::Elsewhere { document, .. } => {
            let back = document.is_given_back();
            (4, format!("{} {} {back}", document.fence, document.session))
        }
        Standing::Unreadable { why } => (5, why.clone()),
        Standing::Free { why } => (6, why.clone()),
    }
}

fn instant(due: Timestamp, now: Timestamp) -> Instant {
    let wait = due.duration_since(now);
    Instant::now() + std::time::Duration::try_from(wait).unwrap_or_default()
}
