//! The rules about users' files: one file a family, one list of all.
//!
//! A rule looks at the composed document, not at typed values, so that it still judges a file of
//! which another part is misshapen. What it cannot see it does not judge.

/// The page of a rule.
macro_rules! page {
    ($code:literal) => {
        include_str!(concat!("../../../docs/lints/", $code, ".md"))
    };
}

mod baseline;
mod data;
mod deployment;
mod environments;
mod files;
mod findings;
mod flow;
pub(super) mod ignore;
mod instances;
mod level;
mod monitors;
mod naming;
mod noted;
mod overlay;
mod pages;
mod promotion;
mod quality;
mod removal;
mod rollout;
mod schema;
mod security;
mod serving;
mod shipped;
pub(super) mod signers;
mod traps;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::document::Origins;
use super::installation::Installation;
use super::model::EnvironmentMode;
use super::yaml::Node;
use crate::diagnostic::{Diagnostic, Span};
use crate::pin::Pin;
use crate::snapshot::Snapshot;

pub use baseline::Baseline;
use findings::Findings;
pub use ignore::Ignored;
pub use level::Level;
pub(super) use level::idle;
pub(super) use naming::{claims, rivalry};
pub use noted::Notes;
pub use pages::pages;
pub(super) use promotion::order;

/// One rule.
pub struct Rule {
    /// Its stable code, such as `S001`; the severity is not part of it.
    pub code: &'static str,
    /// What it finds: a phrase.
    pub title: &'static str,
    /// How bad that is.
    pub level: Level,
    /// Its page, in Markdown: why, a file that breaks it and one that does not, and where it is
    /// from.
    pub page: &'static str,
    /// Looks for violations in one model; absent where they are found while reading.
    check: Option<fn(&Subject<'_>, &mut Findings<'_>)>,
}

/// All rules, by code.
pub const RULES: &[&Rule] = &[
    &security::A001,
    &security::A002,
    &security::A004,
    &security::A005,
    &data::D001,
    &data::D002,
    &flow::D003,
    &flow::D004,
    &data::D005,
    &flow::D007,
    &data::D008,
    &data::D009,
    &data::D010,
    &flow::D011,
    &files::F001,
    &files::F002,
    &files::F003,
    &shipped::F004,
    &shipped::F005,
    &environments::G001,
    &ignore::G002,
    &environments::G004,
    &removal::G005,
    &removal::G006,
    &removal::G007,
    &ignore::G008,
    &level::G009,
    &baseline::G010,
    &signers::G011,
    &deployment::H001,
    &deployment::H002,
    &rollout::H003,
    &rollout::H004,
    &rollout::H005,
    &rollout::H006,
    &rollout::H008,
    &rollout::H009,
    &deployment::H013,
    &serving::H014,
    &serving::H015,
    &rollout::H018,
    &serving::H019,
    &serving::H020,
    &serving::H021,
    &monitors::M001,
    &monitors::M004,
    &monitors::M007,
    &serving::M010,
    &naming::N001,
    &naming::N002,
    &naming::N003,
    &naming::N004,
    &naming::N005,
    &promotion::P002,
    &quality::Q001,
    &promotion::Q004,
    &environments::R004,
    &schema::S000,
    &schema::S001,
    &schema::S002,
    &schema::S003,
    &schema::S004,
    &overlay::S005,
    &overlay::S006,
    &schema::S007,
    &schema::S011,
    &schema::S014,
    &traps::S015,
    &traps::S016,
    &instances::T001,
    &instances::T002,
    &instances::T003,
    &security::T009,
    &quality::T010,
    &instances::T012,
    &quality::T013,
];

/// What a rule judges: one model.
pub(super) struct Subject<'a> {
    /// The composed document.
    pub(super) document: &'a Value,
    /// The file as it was written.
    pub(super) written: &'a Node,
    /// Where its values were written.
    pub(super) origins: &'a Origins,
    /// The commit.
    pub(super) snapshot: &'a Snapshot,
    /// The model's folder; empty for the root.
    pub(super) folder: &'a str,
    /// The environments in the order of the file.
    pub(super) environments: &'a [String],
    /// Pins that could be read.
    pub(super) pins: &'a BTreeMap<String, Pin>,
    /// The names of all pins, readable or not.
    pub(super) pin_names: &'a BTreeSet<String>,
    /// The names of all releases, readable or not.
    pub(super) release_names: &'a BTreeSet<String>,
    /// `trueup.yaml`, where it could be read.
    pub(super) installation: Option<&'a Installation>,
}

/// Judges one model by every rule.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Findings::new(subject);
    for rule in RULES {
        if let Some(check) = rule.check {
            check(subject, &mut findings);
        }
    }
    findings.into_all()
}

/// The rule of a code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    let at = RULES.binary_search_by(|rule| rule.code.cmp(code)).ok()?;
    Some(RULES[at])
}

impl Rule {
    /// A finding of this rule, as bad as what cannot work; [`Findings`] says how bad it is.
    pub(super) fn at(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.code, span, message)
    }
}

impl<'a> Subject<'a> {
    /// The text at a pointer.
    fn text(&self, pointer: &str) -> Option<&'a str> {
        self.document.pointer(pointer)?.as_str()
    }

    /// The entries of the map at a pointer, in alphabetical order or that of the file.
    fn entries(&self, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let map = self.document.pointer(pointer).and_then(Value::as_object);
        map.into_iter()
            .flat_map(Map::iter)
            .map(|(key, value)| (key.as_str(), value))
    }

    /// The environments that are maps, in the order of the file, each with its pointer.
    fn environments(&self) -> impl Iterator<Item = (&'a str, String, &'a Value)> + use<'a> {
        let document = self.document;
        self.environments.iter().filter_map(move |name| {
            let value = document.get("environments")?.get(name)?;
            let pointer = super::document::join("/environments", name);
            value.is_object().then_some((name.as_str(), pointer, value))
        })
    }

    /// The text of the model's file.
    fn text_of_file(&self) -> &'a str {
        self.snapshot.text(self.origins.file()).unwrap_or_default()
    }

    /// How strict the environment of that name is.
    fn mode_of(&self, name: &str) -> EnvironmentMode {
        let environments = self.document.get("environments");
        environments
            .and_then(|all| all.get(name))
            .map_or(EnvironmentMode::Development, Self::mode)
    }

    /// How strict an environment is; lenient where that is misshapen.
    fn mode(environment: &Value) -> EnvironmentMode {
        match environment.get("mode").and_then(Value::as_str) {
            Some("production") => EnvironmentMode::Production,
            _ => EnvironmentMode::Development,
        }
    }

    /// Where a path of the model lies in the snapshot.
    fn path(&self, relative: &str) -> String {
        super::below(self.folder, relative)
    }
}
