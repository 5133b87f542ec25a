//! Failures on request: the next call of an operation fails in a chosen way.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::request::Refusal;
use crate::resource::call::Scope;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Refused for its rate; nothing was done.
    Throttle,
    /// It was carried out, and the caller is told of an internal failure.
    Http500AfterCommit,
    /// It was not carried out, and the caller is told of an internal failure.
    Http500BeforeCommit,
    /// No permission; nothing was done.
    AccessDenied,
}

/// What was asked for and has not happened yet, in order, by operation; `*` is any operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Faults(BTreeMap<String, VecDeque<FaultKind>>);

impl Faults {
    pub(super) fn push(&mut self, op: &str, kind: FaultKind) {
        self.0.entry(op.to_owned()).or_default().push_back(kind);
    }

    /// How many are yet to happen.
    pub(super) fn pending(&self) -> usize {
        self.0.values().map(VecDeque::len).sum()
    }

    /// The fault that the next call of `op` meets: each is met once.
    pub(super) fn take(&mut self, op: &str) -> Option<FaultKind> {
        if self.0.is_empty() {
            return None;
        }
        for name in [op, "*"] {
            if let Some(queue) = self.0.get_mut(name) {
                let kind = queue.pop_front();
                if queue.is_empty() {
                    self.0.remove(name);
                }
                if kind.is_some() {
                    return kind;
                }
            }
        }
        None
    }
}

impl FaultKind {
    /// What the caller is told.
    pub(super) fn refusal(self, op: &str, scope: &Scope, service: &str) -> Refusal {
        // The older services have shorter codes.
        if service == "iam" || service == "sts" {
            match self {
                Self::Throttle => return Refusal::new("Throttling", "Rate exceeded"),
                Self::AccessDenied => {
                    return Refusal::new("AccessDenied", denial(op, scope, service));
                }
                Self::Http500AfterCommit | Self::Http500BeforeCommit => {}
            }
        }
        match (self, service == "s3") {
            (Self::Throttle, false) => Refusal::new("ThrottlingException", "Rate exceeded"),
            (Self::Throttle, true) => Refusal::new("SlowDown", "Please reduce your request rate."),
            (Self::AccessDenied, false) => {
                Refusal::new("AccessDeniedException", denial(op, scope, "sagemaker"))
            }
            (Self::AccessDenied, true) => Refusal::new("AccessDenied", "Access Denied"),
            (Self::Http500AfterCommit | Self::Http500BeforeCommit, false) => Refusal::new(
                "InternalFailure",
                "The request processing has failed because of an unknown error, exception or \
                 failure.",
            ),
            (Self::Http500AfterCommit | Self::Http500BeforeCommit, true) => Refusal::new(
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
        }
    }
}

fn denial(op: &str, scope: &Scope, service: &str) -> String {
    format!(
        "User: arn:aws:iam::{}:user/caller is not authorized to perform: {service}:{op} because no \
         identity-based policy allows the {service}:{op} action",
        scope.account
    )
}
