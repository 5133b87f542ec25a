//! What happens around the product: every hook of the simulation at which something can go wrong.

use trueup::clock::SignedDuration;
use trueup::resource::call::Call;
use trueup::world::work::{Fleet, Job};

use super::stage::Stage;

/// What happens around one change, before it is made or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is made, and answered.
    Made,
    /// It is made, and the answer is lost.
    Lost,
    /// It is made, and the caller is told of a failure.
    MadeAndBroken,
    /// The service is too busy: it is not made.
    Throttled,
    /// The service fails: it is not made, and nobody can tell.
    Broken,
    /// A quota is used up.
    Quota,
    /// No permission.
    Denied,
}

/// What becomes of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It is answered.
    Clear,
    /// It is not.
    Lost,
    /// It is refused.
    Throttled,
    /// It is refused.
    Denied,
    /// It is answered from an older world.
    Stale,
    /// A list answers one item a page.
    Partial,
}

/// What a job comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trained {
    Well,
    Badly(&'static str),
}

/// What a fleet comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deployed {
    Up,
    Late(SignedDuration),
    Down(&'static str),
}

/// Watches what the product does and decides what becomes of it.
pub(crate) trait Weather {
    /// Called around every change, of AWS and of Git, with the state as it is then. `true`: the
    /// process dies here.
    fn around(&mut self, moment: Moment, change: &str, stage: &Stage) -> bool {
        let _ = (moment, change, stage);
        false
    }
    /// What somebody else does right before a change.
    fn meddle(&mut self, change: &str, stage: &mut Stage) {
        let _ = (change, stage);
    }
    /// What becomes of a change.
    fn fate(&mut self, call: &Call, stage: &Stage) -> Fate {
        let _ = (call, stage);
        Fate::Made
    }
    /// What becomes of a look; what somebody does right before it happens here too.
    fn sight(&mut self, look: &Call, stage: &mut Stage) -> Sight {
        let _ = (look, stage);
        Sight::Clear
    }
    /// Whether this pass reads an older commit.
    fn lags(&mut self, stage: &Stage) -> bool {
        let _ = stage;
        false
    }
    /// How wrong the daemon's clock goes.
    fn skew(&mut self) -> SignedDuration {
        SignedDuration::ZERO
    }
    /// Whether the next pass follows at once, and not when something is to be seen.
    fn hurries(&mut self) -> bool {
        false
    }
    /// Whether a second daemon passes at the same time.
    fn two(&mut self, stage: &Stage) -> bool {
        let _ = stage;
        false
    }
    /// Whose turn it is.
    fn first_daemon(&mut self) -> bool {
        true
    }
    /// What happens between two passes.
    fn between(&mut self, stage: &mut Stage) {
        let _ = stage;
    }
    /// Whether something was done behind trueup's back that no pass has seen yet.
    fn unsettled(&mut self, stage: &Stage) -> bool {
        let _ = stage;
        false
    }
    /// What a job comes to.
    fn job(&mut self, stage: &Stage, job: &Job) -> Trained {
        let _ = (stage, job);
        Trained::Well
    }
    /// What a fleet comes to.
    fn fleet(&mut self, stage: &Stage, fleet: &Fleet) -> Deployed {
        let _ = (stage, fleet);
        Deployed::Up
    }
}

/// Nothing goes wrong.
pub(crate) struct Calm;
impl Weather for Calm {}
