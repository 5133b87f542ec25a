//! Who may write: one object in S3 for an installation, replaced by compare-and-swap.
//!
//! Whoever holds it says so anew, again and again, and stops to change things well before its word
//! runs out. Others watch. Whoever has seen the same word for as long as it is good for, by a clock
//! of its own, puts its name there instead: nobody compares clocks, so none has to be right.
//!
//! The holder counts from before it sent its word, a watcher from after it read it, and a swap fails
//! where the object is not what was watched. So two never change things at a time, whatever is late,
//! lost, or frozen between two lines of code; `model_tests` tries all orders of it.
//!
//! A lease that is not there may have been deleted under its holder's feet: who makes it anew waits
//! for as long as that holder could go on.

mod document;
mod keeper;
mod visit;

#[cfg(test)]
mod keeper_tests;
#[cfg(test)]
mod model_tests;

use crate::clock::SignedDuration;
use crate::limits::{CALL_DEADLINE, LEASE_MARGIN, LEASE_RENEW, LEASE_TERM};
use crate::resource::call::Scope;

pub use document::{Document, DocumentError};
pub use keeper::{Identity, Keeper, Standing};
pub use visit::Visit;

/// Where a lease is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The account and region that it is asked for in.
    pub scope: Scope,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}

impl Address {
    /// The lease of an installation in a bucket.
    pub fn of(scope: Scope, bucket: String, installation: &str) -> Self {
        let key = format!("trueup/lease/{installation}.json");
        Self { scope, bucket, key }
    }

    /// Its `s3://` URI.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// The times of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Terms {
    /// How long a word of its holder is good for.
    pub term: SignedDuration,
    /// How often the holder gives it anew, and others look.
    pub renew: SignedDuration,
    /// By how much clocks may differ in how long a term is.
    pub margin: SignedDuration,
    /// How long a call may be under way that was made at the last moment.
    pub tail: SignedDuration,
    /// How long who finds no lease holds a new one before changing anything.
    pub settle: SignedDuration,
}

impl Default for Terms {
    fn default() -> Self {
        let signed = |length| SignedDuration::try_from(length).expect("a few minutes");
        let (term, margin) = (signed(LEASE_TERM), signed(LEASE_MARGIN));
        Self {
            term,
            renew: signed(LEASE_RENEW),
            margin,
            tail: signed(CALL_DEADLINE),
            settle: term + margin,
        }
    }
}

impl Terms {
    /// For the local SageMaker, which answers at once and whose objects nobody deletes.
    pub fn local() -> Self {
        Self {
            term: SignedDuration::from_secs(15),
            renew: SignedDuration::from_secs(1),
            margin: SignedDuration::from_millis(500),
            tail: SignedDuration::from_secs(1),
            settle: SignedDuration::ZERO,
        }
    }
}
