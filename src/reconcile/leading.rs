//! Changing nothing without the installation's lease, and nothing that would undo what was done under
//! it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::lease::Lease;
use super::model::Shared;
use super::revision::Revision;
use super::{Leases, ReconcileError, Reconciler, touch};
use crate::config::installation::Installation;
use crate::config::yaml::first_byte;
use crate::config::{INSTALLATION_FILE, Policy};
use crate::diagnostic::{Diagnostic, Severity};
use crate::execute::lease::{Address, Standing};
use crate::git::{Fetched, GitError, Mirror};
use crate::snapshot::ObjectId;

/// The finding that another holds the lease, or that it is too early.
pub const HELD: &str = "O003";
/// The finding that the lease cannot be read or renewed.
pub const UNREADABLE: &str = "O004";

impl Reconciler {
    /// From now on nothing is changed but under the installation's lease.
    pub fn under(&mut self, leases: Leases) {
        self.leases = Some(leases);
    }

    /// Whether something may be changed now.
    pub fn leads(&self) -> bool {
        if self.leases.is_none() {
            return !self.revision.as_ref().is_some_and(|one| one.is_barred());
        }
        let fence = self.lease.as_ref().and_then(|lease| lease.fence());
        fence.is_some() && fence == self.contains
    }

    /// Waits until something may be changed, at most so long. `tell` is called with what is waited for,
    /// whenever that is something else. Gives up at once where waiting is no use.
    pub async fn lead(
        &mut self,
        fetched: &Fetched,
        most: Duration,
        mut tell: impl FnMut(&str),
    ) -> Result<bool, ReconcileError> {
        let end = Instant::now() + most;
        let mut told = None;
        loop {
            let seen = self.lease_news();
            self.revise(fetched).await?;
            let Some(finding) = self.lease_finding().filter(|one| one.code == HELD) else {
                return Ok(self.leads());
            };
            if told.as_ref() != Some(&finding.message) {
                tell(&finding.message);
                told = Some(finding.message);
            }
            if timeout_at(end, self.lease_news_after(seen)).await.is_err() {
                return Ok(false);
            }
        }
    }

    /// Counts what there was to tell about the lease.
    pub fn lease_news(&self) -> u64 {
        self.lease.as_ref().map_or(0, |lease| lease.news())
    }

    /// Waits until there is something to tell about the lease that is not `seen` yet.
    pub async fn lease_news_after(&self, seen: u64) {
        match &self.lease {
            Some(lease) => lease.news_after(seen).await,
            None => std::future::pending().await,
        }
    }

    /// Gives the lease back, so that the next takes it at once.
    pub async fn leave(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.leave().await;
        }
    }

    /// The lease of the revision's installation, once it was looked at.
    pub(super) async fn find_lease(&mut self) {
        let installation = self.installation().cloned();
        if let Some(installation) = &installation {
            self.shared.act_as(installation);
        }
        let (Some(leases), Some(installation)) = (&self.leases, installation) else {
            return;
        };
        let address = address(&installation);
        let aws = self.shared.aws();
        match &self.lease {
            Some(lease) if Some(lease.address()) == address.as_ref() => lease.act_as(&aws),
            _ => {
                let found = address.map(|address| leases.join(address, &aws));
                self.leave().await;
                if let Some(lease) = found {
                    self.shared.act_through(&lease.gate);
                    lease.looked().await;
                    self.lease = Some(lease);
                }
                self.contains = None;
            }
        }
    }

    fn installation(&self) -> Option<&Installation> {
        self.revision.as_ref()?.installation.as_ref()
    }

    /// Lets the commit that was acted on last, by whomever, stay in force where the revision does not
    /// contain it; and has the one that is in force remembered. Gives the models that are to be passed
    /// over because of it. Without the lease nothing is acted on.
    pub(super) async fn heed_heads(
        &mut self,
        fetched: &Fetched,
    ) -> Result<BTreeSet<String>, ReconcileError> {
        let (Some(lease), Some(revision)) = (self.lease.clone(), self.revision.clone()) else {
            return Ok(BTreeSet::new());
        };
        let Some(fence) = lease.fence() else {
            self.contains = None;
            return Ok(BTreeSet::new());
        };
        let branch = self.branch_name(&revision);
        if revision.is_barred() && self.options.source.trusted.is_some() {
            // Where the lease is follows from the commit, and whoever made that may have made the lease.
            self.contains = None;
            return Ok(BTreeSet::new());
        }
        let head = lease.head(&branch);
        let verified = head.is_some() && lease.head(&verified(&branch)) == head;
        let unheeded = head.map(ObjectId).filter(|head| {
            self.contains != Some(fence) && (*head != revision.commit || revision.is_barred())
        });
        let mut woken = BTreeSet::new();
        if let Some(head) = unheeded {
            let asked = fetched.clone();
            let look = move |shared: &Shared, mirror: &mut Mirror| {
                let found = revision.in_force_after(mirror, &asked, &head, verified)?;
                let Some(held) = found else {
                    return Ok(None);
                };
                let touched = touch(shared, mirror, &held, Some(&revision))?;
                Ok::<_, GitError>(Some((held, touched)))
            };
            if let Some((held, touched)) = self.shared.with_mirror(look).await?? {
                if let Some(installation) = &held.installation {
                    self.shared.act_as(installation);
                }
                self.revision = Some(Arc::new(held));
                woken = touched;
            }
        }
        self.remember(&lease, &branch, fence).await;
        Ok(woken)
    }

    /// Before anything is done on it, so that nobody after us undoes it.
    async fn remember(&mut self, lease: &Lease, branch: &str, fence: u64) {
        self.contains = None;
        if let Some(revision) = self.revision.as_ref().filter(|one| !one.is_barred()) {
            if revision.policy != Policy::Off {
                lease.remember(&verified(branch), &revision.commit.0).await;
            }
            lease.remember(branch, &revision.commit.0).await;
            self.contains = Some(fence);
        }
    }

    /// What the commits of a branch are remembered by.
    fn branch_name(&self, revision: &Revision) -> String {
        format!("{} {}", self.options.source.url, revision.branch)
    }

    /// What people are told of the lease, where it keeps something from being changed.
    pub(super) fn lease_finding(&self) -> Option<Diagnostic> {
        let lease = self.lease.as_ref()?;
        let uri = lease.address().uri();
        let (message, help) = match lease.standing() {
            Standing::Leads { .. } => return None,
            Standing::Unknown => (
                format!("the lease `{uri}` has not been seen yet: nothing is changed"),
                "it is asked for again and again",
            ),
            Standing::Settles { from } => (
                format!(
                    "the lease `{uri}` was not there and is made anew: nothing is changed before \
                     {from:.0}, for it may have been deleted under another"
                ),
                "nothing needs to be done",
            ),
            Standing::Elsewhere { document, .. } => (
                format!(
                    "the lease `{uri}` is held by {} since {:.0}: nothing is changed here until it \
                     is given back, or has not been renewed for its whole term",
                    document.holder, document.since
                ),
                "nothing needs to be done: one at a time changes things, and who waits takes over; \
                 to have it now, stop the other",
            ),
            Standing::Lapsed { why } | Standing::Unreadable { why } | Standing::Free { why } => {
                return Some(unreadable(&uri, &why));
            }
        };
        let finding = Diagnostic::error(HELD, first_byte(INSTALLATION_FILE), message).help(help);
        Some(Diagnostic {
            severity: Severity::Warning,
            ..finding
        })
    }
}

/// What the newest commit of a branch that asked for signatures is remembered by.
fn verified(branch: &str) -> String {
    format!("{branch} verified")
}

fn unreadable(uri: &str, why: &str) -> Diagnostic {
    let words = format!("the lease cannot be had, so nothing is changed: {why}");
    let help = format!(
        "trueup needs s3:GetObject and s3:PutObject on `{uri}`, and s3:ListBucket on its bucket: \
         without that S3 says AccessDenied of what is not there. Where it is not a lease, or a newer \
         trueup's, see what wrote it; it may be deleted, and is then made anew"
    );
    Diagnostic::error(UNREADABLE, first_byte(INSTALLATION_FILE), words).help(help)
}

/// Where an installation's lease is: in the bucket of its first account and region.
fn address(installation: &Installation) -> Option<Address> {
    let scope = installation.scopes().into_iter().next()?;
    let bucket = installation.bucket(&scope);
    Some(Address::of(scope, bucket, &installation.installation))
}
