//! What a commit asks for in one unit.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::archive::ArchivedFile;
use super::broken::Broken;
use super::call::{Call, Scope};
use super::kind::{FieldClass, Kind};
use super::lifecycle::{Lifecycle, Suspension};
use super::owner::Tags;
use super::unit::Unit;
use crate::snapshot::ObjectId;

/// Names a desired resource within its unit: the kind, and a role where there are several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key {
    /// The kind's name.
    pub kind: &'static str,
    /// Which one.
    pub role: String,
}

impl Key {
    /// A key.
    pub fn new(kind: &'static Kind, role: impl Into<String>) -> Self {
        Self {
            kind: kind.name,
            role: role.into(),
        }
    }
}

/// Where in the repository something is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Path from the repository's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// What an object holds. Archives are made only when they are uploaded.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// A `.tar.gz` of these files.
    Archive(Vec<ArchivedFile>),
}

/// One desired resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its key.
    pub key: Key,
    /// Its kind.
    pub kind: &'static Kind,
    /// A mutable kind's name; for the others what stands before the digest.
    pub stem: String,
    /// The declared members in the API's shape, without the name and the tags. A member that refers
    /// to another resource holds `{"$ref": role}`; the kind's field table says of which kind.
    pub body: Arc<Value>,
    /// Tags that the configuration asks for.
    pub tags: Tags,
    /// Bytes of an object.
    pub content: Option<Content>,
    /// What must be so at the moment of creation: a call, and what its answer must hold.
    pub verify: Vec<(Call, Value)>,
    /// Resources that must be ready before this one can be created.
    pub after: Vec<Key>,
    /// What declared it.
    pub origin: Option<Origin>,
}

/// A training run that the commit asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The run digest, 64 hexadecimal digits.
    pub digest: String,
    /// The pipeline.
    pub pipeline: String,
    /// The package group that it registers in.
    pub group: String,
    /// `[{Name, Value}]`
    pub parameters: Value,
    /// Digest of the serving code that its package carries.
    pub serving: String,
    /// Where that code is.
    pub serving_uri: String,
    /// Digest of the gates: a failed run is tried again under other gates.
    pub gates: String,
    /// What declared it.
    pub origin: Option<Origin>,
}

/// Everything that a commit asks for in one unit.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The unit.
    pub unit: Unit,
    /// Where.
    pub scope: Scope,
    /// The value of the owner tag.
    pub owner: String,
    /// The commit.
    pub commit: String,
    /// The resources, in order of creation.
    pub resources: Vec<Resource>,
    /// The run, at home.
    pub run: Option<Run>,
    /// What may be there of a unit of which nothing is to be: by kind and name.
    pub former: Vec<(&'static Kind, String)>,
    /// What says that something is taken down.
    pub removal: Option<Origin>,
    /// The release file's blob, where there is one.
    pub release: Option<ObjectId>,
    /// The release's `attempt`: grows when a failed rollout is to be tried again.
    pub attempt: u32,
    /// Whether users depend on it.
    pub production: bool,
    /// What is wanted of what runs otherwise, or is not asked for.
    pub lifecycle: Lifecycle,
    /// That nothing is to be done, for a while.
    pub suspension: Option<Suspension>,
    /// What is broken on purpose: nothing, outside of tests.
    #[doc(hidden)]
    pub broken: Broken,
}

impl Desired {
    /// The resource of a key.
    pub fn get(&self, key: &Key) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.key == *key)
    }
}

/// For tests, which fill in what they are about.
#[cfg(test)]
impl Desired {
    /// A unit of which nothing is asked.
    pub(crate) fn nothing(unit: Unit) -> Self {
        Self {
            scope: Scope {
                account: "111122223333".to_owned(),
                region: "eu-west-1".to_owned(),
            },
            owner: format!("acme/{unit}"),
            unit,
            commit: "c".to_owned(),
            resources: Vec::new(),
            run: None,
            former: Vec::new(),
            removal: None,
            release: None,
            attempt: 1,
            production: false,
            lifecycle: Lifecycle::default(),
            suspension: None,
            broken: Broken::Nothing,
        }
    }
}

/// For tests, which fill in what they are about.
#[cfg(test)]
impl Run {
    /// A run of the model `churn`, in a group of its name.
    pub(crate) fn churn(digest: &str) -> Self {
        Self {
            digest: digest.to_owned(),
            pipeline: "churn".to_owned(),
            group: "churn".to_owned(),
            parameters: serde_json::json!([]),
            serving: "s1".to_owned(),
            serving_uri: "s3://b/k".to_owned(),
            gates: "0".repeat(64),
            origin: None,
        }
    }
}

/// One member that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its pointer in the desired body.
    pub path: String,
    /// What was observed.
    pub from: Option<Value>,
    /// What is desired.
    pub to: Value,
    /// When it can be changed.
    pub class: FieldClass,
}

impl Content {
    /// The bytes themselves.
    pub fn bytes(&self) -> std::io::Result<Arc<[u8]>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Archive(files) => super::archive::tar_gz(files),
        }
    }
}
