//! An order to serve an earlier release, given while Git was down: a tag on the endpoint.
//!
//! `v1 <place> <blob> <commit> <blob> <at> <until> <quarantine|keep> <by> <reason>`: the endpoint that it
//! is for (8 digits: a copied tag does not match), the release file that is overridden, the commit that
//! was the newest then (16 digits), the earlier release file, two times, and what the commit that is made
//! of it later says. Whatever Git came to say since takes its effect away:
//! the file must have been the overridden one in every commit from the newest back to that one, so that
//! neither the commit that files the order nor a revert of it brings the order back.

use std::fmt::Display;

use super::observed::Observed;
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::{
    OVERRIDE_MARGIN, OVERRIDE_PERIOD_MAX, REVIEW_COMMITS_MAX, TAG_NAME_MAX, TAG_VALUE_MAX,
};
use crate::resource::canonical;
use crate::resource::desired::{Desired, Key};
use crate::resource::kinds::ENDPOINT;
use crate::resource::owner::{OVERRIDE, owns};
use crate::snapshot::{ObjectId, Version};

/// The version of the tag's form.
const FORM: &str = "v1";
/// Digits of the place.
const PLACE_DIGITS: usize = 8;
/// Digits of the commit.
const COMMIT_DIGITS: usize = 16;
/// What becomes of the package that is left.
const FATES: [(&str, bool); 2] = [("quarantine", true), ("keep", false)];
/// Who gave an order that does not say.
const NOBODY: &str = "unknown";

/// An order to serve an earlier release. It is as its tag says, so what a tag cannot hold is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Which endpoint it is for: see [`place`].
    pub place: String,
    /// The release file that is overridden.
    pub over: ObjectId,
    /// The beginning of the commit that was the newest one known.
    pub on: String,
    /// The earlier release file.
    pub to: ObjectId,
    /// When the order was given.
    pub at: Timestamp,
    /// Until when it holds.
    pub until: Timestamp,
    /// Whether the package that is left is to be quarantined.
    pub quarantine: bool,
    /// Who gave it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What Git says about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It stands.
    Stands,
    /// Git has said something else since: it has no effect.
    Void,
    /// It cannot be carried out, in words.
    Held(String),
}

impl Override {
    /// The same with what a tag cannot hold made into what it can, and what is too long cut.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        self.on.truncate(COMMIT_DIGITS);
        self.at = to_the_second(self.at);
        self.until = to_the_second(self.until);
        let by = worded(&self.by, '-').replace(' ', "-");
        self.by = by.chars().take(TAG_NAME_MAX).collect();
        if self.by.is_empty() {
            NOBODY.clone_into(&mut self.by);
        }
        let reason = worded(&self.reason, ' ');
        self.reason = String::new();
        let left = TAG_VALUE_MAX.saturating_sub(self.text().chars().count() + 1);
        let reason: String = reason.chars().take(left).collect();
        reason.trim_end().clone_into(&mut self.reason);
        self
    }

    /// The tag's value.
    pub fn text(&self) -> String {
        let fate = FATES.iter().find(|(_, fate)| *fate == self.quarantine);
        let fate = fate.map_or("", |(word, _)| word);
        let Self {
            place,
            over,
            on,
            to,
            at,
            until,
            by,
            reason,
            ..
        } = self;
        let text = format!("{FORM} {place} {over} {on} {to} {at} {until} {fate} {by} {reason}");
        text.trim_end().to_owned()
    }

    /// Reads a tag's value. Only what [`Self::text`] would write is an order.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(10, ' ');
        if parts.next()? != FORM {
            return None;
        }
        let place = hexadecimal(parts.next()?, &[PLACE_DIGITS])?;
        let over = blob(parts.next()?)?;
        let on = hexadecimal(parts.next()?, &[COMMIT_DIGITS])?;
        let to = blob(parts.next()?)?;
        let (at, until) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let fate = parts.next()?;
        let (_, quarantine) = FATES.iter().find(|(word, _)| *word == fate)?;
        let read = Self {
            place,
            over,
            on,
            to,
            at,
            until,
            quarantine: *quarantine,
            by: parts.next()?.to_owned(),
            reason: parts.next().unwrap_or_default().to_owned(),
        };
        let sound = read.over != read.to && read.at < read.until && read.is_short();
        let fitted = read.clone().fitted();
        (sound && fitted == read && read.text() == text).then_some(read)
    }

    fn is_short(&self) -> bool {
        let most = SignedDuration::try_from(OVERRIDE_PERIOD_MAX).unwrap_or_default();
        self.until.duration_since(self.at) <= most
    }

    /// The order that the unit's endpoint carries, if it is for the release file of this very commit and
    /// has not run out. What is not ours has nothing to say.
    pub fn of(desired: &Desired, observed: &Observed, now: Timestamp) -> Option<Self> {
        let endpoint = desired.get(&Key::new(&ENDPOINT, ""))?;
        let seen = observed.object(&ENDPOINT, &endpoint.stem)?;
        if !owns(&seen.tags, &desired.owner, &endpoint.stem) {
            return None;
        }
        let order = Self::parse(seen.tags.get(OVERRIDE)?)?;
        let here = order.place == place(&desired.owner, &endpoint.stem);
        let bound = here && desired.release.as_ref() == Some(&order.over);
        let given = order.at <= now + OVERRIDE_MARGIN;
        (bound && given && now < order.until).then_some(order)
    }

    /// Asks the history of the release file: the newest commit first, along first parents.
    pub fn standing<E: Display>(
        &self,
        history: impl Iterator<Item = Result<Version, E>>,
    ) -> Standing {
        let mut known = false;
        for version in history.take(REVIEW_COMMITS_MAX) {
            let version = match version {
                Ok(version) => version,
                Err(error) => return Standing::Held(format!("its history is not known: {error}")),
            };
            if known && version.file.as_ref() == Some(&self.to) {
                return Standing::Stands;
            }
            if !known && version.file.as_ref() != Some(&self.over) {
                return Standing::Void;
            }
            known |= version.commit.0.starts_with(&self.on);
        }
        if known {
            let to = self.to.short();
            Standing::Held(format!("the release file was never `{to}` before"))
        } else {
            Standing::Void
        }
    }
}

/// What tells an endpoint from all others: two environments may well have the same release file.
pub fn place(owner: &str, endpoint: &str) -> String {
    let digest = canonical::sha256(format!("{owner} {endpoint}").as_bytes());
    digest.chars().take(PLACE_DIGITS).collect()
}

fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn blob(text: &str) -> Option<ObjectId> {
    hexadecimal(text, &[40, 64]).map(ObjectId)
}

/// Lower-case hexadecimal digits, so many of them.
fn hexadecimal(text: &str, lengths: &[usize]) -> Option<String> {
    let digits = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    (digits && lengths.contains(&text.len())).then(|| text.to_owned())
}

/// Words with single spaces between them, of what a tag's value may hold.
fn worded(text: &str, instead: char) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
    let fitting: String = text
        .chars()
        .map(|c| {
            if fits(c) || c.is_whitespace() {
                c
            } else {
                instead
            }
        })
        .collect();
    let words: Vec<_> = fitting.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
#[path = "overriding_tests.rs"]
mod tests;
