//! What is done about a difference: brought about, where a commit asks for it; put back, or only
//! reported, where somebody changed it behind Git's back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cause::Cause;
use super::observed::Object;
use super::planner::{Planner, subject};
use crate::clock::Timestamp;
use crate::resource::canonical;
use crate::resource::desired::{Change, Resource};
use crate::resource::lifecycle::Drift;
use crate::resource::owner::HELD;

/// A member of a resource: what it is called in a report, and the member's pointer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// `Endpoint churn-production`
    pub subject: String,
    /// `/EndpointConfigName`
    pub path: String,
}

/// The members that were put back so often that they are left now.
pub type Quarantine = BTreeSet<Member>;

impl Planner<'_> {
    /// What of these changes is to be brought about; the rest is in the report.
    pub(super) fn brought_about(
        &mut self,
        resource: &Resource,
        name: &str,
        body: &Value,
        object: &Object,
        changes: &[Change],
    ) -> Vec<Change> {
        let subject = subject(resource.kind, name);
        if changes.is_empty() {
            return Vec::new();
        }
        if self.is_only_reported(resource, body, object) {
            let since = self.hints.settled_at;
            self.left(Cause::Drifted, &subject, changes, since);
            return Vec::new();
        }
        let member = |change: &Change| Member {
            subject: subject.clone(),
            path: change.path.clone(),
        };
        let quarantine = &self.hints.quarantine;
        let (left, brought): (Vec<_>, Vec<_>) = changes
            .iter()
            .cloned()
            .partition(|change| quarantine.contains(&member(change)));
        if !left.is_empty() {
            self.left(Cause::Flapping, &subject, &left, None);
        }
        brought
    }

    fn left(&mut self, cause: Cause, subject: &str, changes: &[Change], since: Option<Timestamp>) {
        let words: Vec<_> = changes.iter().map(super::change::in_words).collect();
        self.report.note(cause, subject, words.join(", "));
        if let Some(note) = self.report.notes.last_mut() {
            note.since = since;
        }
    }

    /// Whether a difference is nobody's wish and the configuration wants no more than to know. What
    /// was never seen to hold, or seen to hold something else, is a commit's wish.
    fn is_only_reported(&self, resource: &Resource, body: &Value, object: &Object) -> bool {
        let reports = self.desired.lifecycle.drift == Drift::Report && resource.kind.arn.is_some();
        reports && object.tags.get(HELD) == Some(&wish(resource, body))
    }

    /// Notes that a resource holds what the commit asks for, where a later difference is to be told
    /// from a later wish.
    pub(super) fn hold(&mut self, resource: &Resource, name: &str, body: &Value, object: &Object) {
        let reports = self.desired.lifecycle.drift == Drift::Report;
        let Some(arn) = resource.kind.arn.filter(|_| reports) else {
            return;
        };
        let wish = wish(resource, body);
        if object.tags.get(HELD) != Some(&wish) {
            let words = "it holds what the commit asks for: what differs from now on is reported";
            let arn = object.body[arn].clone();
            self.mark(resource, name, &arn, (HELD, wish), words.to_owned());
        }
    }
}

/// What a commit asks of a resource, as a tag's value.
fn wish(resource: &Resource, body: &Value) -> String {
    let asked = json!({"v": 1, "kind": resource.kind.name, "body": body, "tags": resource.tags});
    format!("v1:{}", canonical::digest(&asked))
}
