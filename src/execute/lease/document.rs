//! What is in the lease.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{SignedDuration, Timestamp};
use crate::limits::LEASE_TERM_MAX;

/// The version that is written here.
const VERSION: u32 = 1;

/// The lease, as it lies in S3. Times of day are for people: nobody decides by them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Document {
    /// The format.
    v: u32,
    /// Who holds it, or held it last.
    pub holder: String,
    /// One life of one process.
    pub session: String,
    /// What no two processes that live can share, where there is such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Counts what the session wrote: no two documents are alike.
    pub turn: u64,
    /// Grows by one with each change of holder.
    pub fence: u64,
    /// Since when this holder has it.
    pub since: Timestamp,
    /// Milliseconds that this word is good for; 0 where it was given back.
    pub term_ms: u64,
    /// Until when it is good, by the holder's clock.
    pub expires: Timestamp,
    /// Source and branch to the newest commit acted on.
    #[serde(default)]
    pub heads: BTreeMap<String, String>,
}

/// Why a lease cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not what a lease looks like.
    #[error("it is not a lease: {0}")]
    NotALease(String),
    /// A newer trueup wrote it.
    #[error("its format is version {0}, and this trueup knows version 1 only")]
    Newer(u64),
    /// Nobody would wait for so long.
    #[error("its term of {0} ms is longer than any that trueup gives")]
    Term(u64),
}

/// What a holder writes.
pub(super) struct Word<'a> {
    pub(super) holder: &'a str,
    pub(super) session: &'a str,
    pub(super) place: Option<&'a str>,
    pub(super) turn: u64,
    pub(super) fence: u64,
    pub(super) since: Timestamp,
    pub(super) heads: &'a BTreeMap<String, String>,
}

impl Document {
    /// A word that is good for `term` from `now` on.
    pub(super) fn new(word: &Word<'_>, now: Timestamp, term: SignedDuration) -> Self {
        Self {
            v: VERSION,
            holder: word.holder.to_owned(),
            session: word.session.to_owned(),
            place: word.place.map(str::to_owned),
            turn: word.turn,
            fence: word.fence,
            since: word.since,
            term_ms: u64::try_from(term.as_millis()).unwrap_or_default(),
            expires: now.saturating_add(term).unwrap_or(Timestamp::MAX),
            heads: word.heads.clone(),
        }
    }

    /// Reads the text of the object.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let unlike = |error: serde_json::Error| DocumentError::NotALease(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(unlike)?;
        match value["v"].as_u64() {
            Some(version) if version > u64::from(VERSION) => {
                return Err(DocumentError::Newer(version));
            }
            _ => {}
        }
        let document: Self = serde_json::from_value(value).map_err(unlike)?;
        if document.v != VERSION || document.fence == u64::MAX {
            return Err(DocumentError::NotALease(
                "no such version or fence".to_owned(),
            ));
        }
        if u128::from(document.term_ms) > LEASE_TERM_MAX.as_millis() {
            return Err(DocumentError::Term(document.term_ms));
        }
        Ok(document)
    }

    /// The text of the object.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and times have a form in JSON")
    }

    /// Whether its holder gave it back.
    pub fn is_given_back(&self) -> bool {
        self.term_ms == 0
    }

    /// How long it is good for.
    pub(super) fn term(&self) -> SignedDuration {
        let millis = i64::try_from(self.term_ms).unwrap_or(i64::MAX);
        SignedDuration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"v":1,"holder":"a","session":"s","turn":1,"fence":7,"term_ms":60000,
        "since":"2026-11-02T09:00:00Z","expires":"2026-11-02T09:01:00Z","heads":{"url main":"1a"}}"#;

    fn check(text: &str, words: &str) {
        let error = Document::read(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }

    #[test]
    fn what_cannot_be_read_is_said_and_is_not_a_lease_that_is_free() {
        check("", "not a lease");
        check("{}", "not a lease");
        check("null", "not a lease");
        check(r#"{"v":2,"anything":"else"}"#, "version 2");
        check(&GOOD.replace("\"v\":1", "\"v\":0"), "not a lease");
        check(&GOOD.replace(":7", ":-7"), "not a lease");
        check(
            &GOOD.replace(":7", &format!(":{}", u64::MAX)),
            "not a lease",
        );
        check(&GOOD.replace("60000", "-1"), "not a lease");
        let most = LEASE_TERM_MAX.as_millis();
        let over = GOOD.replace("60000", &(most + 1).to_string());
        check(&over, "term of 600001 ms");
        Document::read(&GOOD.replace("60000", &most.to_string())).unwrap();
    }

    #[test]
    fn what_was_written_is_read_again_and_what_is_new_in_it_is_passed_over() {
        let read = Document::read(GOOD).unwrap();
        assert_eq!(Document::read(&read.text()).unwrap(), read);
        assert_eq!(read.heads["url main"], "1a");
        let more = GOOD.replace("\"v\":1", "\"v\":1,\"news\":[]");
        assert_eq!(Document::read(&more).unwrap(), read);
    }
}
