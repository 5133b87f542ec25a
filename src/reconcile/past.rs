//! What commits of the past asked for.

use std::collections::BTreeMap;

use crate::config::installation::Installation;
use crate::execute::model::past;
use crate::limits::PASTS_MAX;
use crate::plan::release::Past;
use crate::snapshot::{ObjectId, Snapshot};

/// By folder and commit: they do not change, and reading one costs as much as reading the present.
/// Another `trueup.yaml` forgets them.
#[derive(Default)]
pub(super) struct Pasts {
    installation: Option<Installation>,
    known: BTreeMap<(String, ObjectId), Past>,
}

impl Pasts {
    pub(super) fn of(
        &mut self,
        installation: &Installation,
        folder: &str,
        snapshot: &Snapshot,
    ) -> Past {
        if self.installation.as_ref() != Some(installation) || self.known.len() >= PASTS_MAX {
            *self = Self {
                installation: Some(installation.clone()),
                known: BTreeMap::new(),
            };
        }
        let key = (folder.to_owned(), snapshot.commit.clone());
        self.known
            .entry(key)
            .or_insert_with(|| past(installation, folder, snapshot))
            .clone()
    }
}
