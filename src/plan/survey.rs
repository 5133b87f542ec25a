//! What there is of a unit, whether a commit asks for it or not.

use super::observed::Object;
use crate::resource::kind::Kind;

/// Everything that was found under a unit's names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// What was found, whoever it belongs to.
    pub found: Vec<Found>,
    /// Whether there may be more, or something could not be read.
    pub partial: bool,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its name.
    pub name: String,
    /// What it is.
    pub object: Object,
}
