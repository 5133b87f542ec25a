//! Rules about whose commits are acted on.

use super::{Level, Rule};

/// A list of keys that cannot be used.
pub(in crate::config) const G011: Rule = Rule {
    code: "G011",
    title: "commits are to be signed, and the list of keys cannot be used",
    level: Level::REFUSED,
    page: page!("G011"),
    // See `commits::Policy`.
    check: None,
};
