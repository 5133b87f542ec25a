//! What a look at AWS found.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::resolve::Resolution;
use super::survey::Survey;
use crate::clock::Timestamp;
use crate::resource::call::OpError;
use crate::resource::kind::Kind;
use crate::resource::owner::Tags;

/// Everything that was looked at for one unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    looks: BTreeMap<&'static str, BTreeMap<String, Look>>,
    /// The executions of the run's pipeline; `None` where they were not read. They are not, where a
    /// package of the run exists.
    pub executions: Option<Newest>,
    /// The versions in the package group; `None` where they were not read.
    pub packages: Option<Newest>,
    /// The steps of the execution that stands for the run digest, where they were asked for.
    pub steps: Option<Vec<Value>>,
    /// The package that the commit's run came to.
    pub candidate: Option<super::candidate::Candidate>,
    /// What every desired resource is, once everything that this takes was looked at.
    pub resolution: Option<Resolution>,
    /// Everything under the unit's names, where it was asked for.
    pub survey: Option<Survey>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// When the look ended.
    pub at: Option<Timestamp>,
}

/// The beginning of a list, as far as it was read: what was looked for is found, or the list ended,
/// or the limit was reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Newest {
    /// The newest first.
    pub items: Vec<Value>,
    /// Whether what was looked for is not among these and older ones were not read.
    pub cut: bool,
}

impl Newest {
    /// What tells this beginning from a later one, where it does not hold the whole: the newest
    /// item's ARN. A token made with it never meets the token of something that is too old to be
    /// listed, and stays the same until something newer is.
    pub fn mark(&self, arn: &str) -> Option<&str> {
        let newest = self.items.first().filter(|_| self.cut)?;
        newest[arn].as_str()
    }
}

/// One look at one name.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// It is there.
    Present(Object),
    /// A Describe said that it is not.
    Absent,
    /// It could not be read: neither there nor absent.
    Unknown(OpError),
}

/// A described object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The description.
    pub body: Value,
    /// Its tags; empty for kinds without.
    pub tags: Tags,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What was asked for.
    pub what: String,
    /// What came back.
    pub error: OpError,
}

impl Observed {
    /// The look at a name, if there was one.
    pub fn look(&self, kind: &'static Kind, name: &str) -> Option<&Look> {
        self.looks.get(kind.name)?.get(name)
    }

    /// The object of a name, if it was seen.
    pub fn object(&self, kind: &'static Kind, name: &str) -> Option<&Object> {
        match self.look(kind, name) {
            Some(Look::Present(object)) => Some(object),
            _ => None,
        }
    }

    /// Adds a look. One that failed is a gap too.
    pub fn record(&mut self, kind: &'static Kind, name: &str, look: Look) {
        if let Look::Unknown(error) = &look {
            self.gaps.push(Gap {
                what: format!("{} {name}", kind.name),
                error: error.clone(),
            });
        }
        let looks = self.looks.entry(kind.name).or_default();
        looks.insert(name.to_owned(), look);
    }

    /// Every look, by kind and name.
    pub fn looks(&self) -> impl Iterator<Item = (&'static str, &str, &Look)> {
        self.looks.iter().flat_map(|(kind, looks)| {
            let looks = looks.iter();
            looks.map(|(name, look)| (*kind, name.as_str(), look))
        })
    }
}
