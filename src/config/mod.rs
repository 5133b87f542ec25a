//! Reading what people write: YAML with spans, merged documents, typed configuration.
//!
//! ```text
//! bytes -> yaml::read -> tree with places
//!       -> shape (partial schema)          each file for itself
//!       -> compose                         defaults < base < environments.<name>
//!       -> shape (full schema), lint       every violation in the place it was written in
//!       -> ModelConfig                     typed, environments in the order of promotion
//! ```
//!
//! Nothing here fails: a file that cannot be used gives findings, and one model's findings are no
//! other model's.

pub mod alarm;
mod census;
mod commits;
mod companion;
mod compose;
pub mod document;
pub mod emit;
pub mod file;
mod images;
pub mod installation;
pub mod lint;
mod load;
pub mod model;
mod quarantine;
mod removal;
pub mod schema;
pub mod settings;
mod shape;
mod sources;
pub mod units;
pub mod yaml;

#[cfg(test)]
mod tests;

pub use census::Census;
pub use commits::{Asked, Policy};
pub use companion::{quarantine_file, release_file};
pub use document::Origins;
pub use images::{Image, Mode, read_images};
pub use load::{
    Loaded, LoadedModel, left_out, load, load_installation, load_model, read_release,
    too_many_models,
};
pub use quarantine::{Quarantined, quarantined, read_quarantine};
pub use removal::Removal;
pub use sources::{HostAccess, SourceList, read_sources};

pub use crate::snapshot::below;

/// The file of a repository that says what all of its models share.
pub const INSTALLATION_FILE: &str = "trueup.yaml";
/// The file of a model that people write.
pub const MODEL_FILE: &str = "config.yaml";
/// The format of pins.
pub const PIN_VERSION: &str = "trueup/data.v1";
