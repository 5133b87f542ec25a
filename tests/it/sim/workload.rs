//! Workloads: what people do, one thing after the other, each followed until all is settled.

use super::forge::MAIN;
use super::repository::train_anew;
use super::stage::{Stage, Weather};

/// One thing that people do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    /// Nothing: what is committed converges.
    Watch,
    /// Commit a training script of this quality.
    Train(f64),
    /// Merge the newest promotion.
    Promote,
    /// Revert the newest commit of main.
    RevertLast,
}

/// Create, new release, revert.
pub(crate) const RELEASE_AND_REVERT: &[Deed] = &[
    Deed::Watch,
    Deed::Promote,
    Deed::Train(0.9),
    Deed::Promote,
    Deed::RevertLast,
];

/// The quality of the first model.
pub(crate) const FIRST_AUC: f64 = 0.7;

impl Stage {
    /// Does one deed, without waiting for what comes of it.
    pub(crate) fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Watch => {}
            Deed::Train(auc) => train_anew(&mut self.forge, auc),
            Deed::Promote => {
                let branch = self.forge.newest_promotion();
                self.forge.merge(&branch);
            }
            Deed::RevertLast => {
                let tip = self.forge.tip(MAIN);
                self.forge.revert(&tip);
            }
        }
    }

    /// Does the deeds, each followed to its end.
    pub(crate) fn play(&mut self, deeds: &[Deed], weather: &mut dyn Weather) {
        for deed in deeds {
            self.perform(*deed);
            self.settle(weather);
        }
    }
}
