//! Why a unit is not simply in sync: a closed set, each with a page.

use std::fmt::Write as _;

use serde::Serialize;

use super::report::State;

/// What a finding is, in one word that programs may rely on. Its [`State`] follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Cause {
    /// Nothing is to run here.
    Absent,
    /// Nothing is released here yet.
    NoRelease,
    /// Steps were planned.
    StepsPlanned,
    /// More steps than one pass takes.
    MoreSteps,
    /// A run is under way.
    WaitingForRun,
    /// The service is at work on a resource.
    WaitingForService,
    /// Instances are still coming up.
    WaitingForInstances,
    /// So many others are at it that this one waits.
    WaitingForTurn,
    /// Something before it is not ready.
    WaitingForDependency,
    /// An alarm that is to watch a deployment goes off before it has begun.
    AlarmFiring,
    /// The environment before this one has not soaked.
    Soaking,
    /// What a step stood on changed right before it.
    ChangedMeanwhile,
    /// The right to change something ran out.
    NoLease,
    /// A package that must not be used.
    Quarantined,
    /// A package below its gates.
    GateMissed,
    /// A release that people took back.
    TakenBack,
    /// What is to roll here has not proven itself in the environment before.
    NotProven,
    /// A merged promotion that was quarantined, or built on something else.
    PromotionHeld,
    /// A change reaches more of production than an unconfirmed one may.
    RolloutHeld,
    /// A commit takes down more than one commit may.
    RemovalHeld,
    /// The plan is not the approved one.
    NotApproved,
    /// The branch is not where it was when a plan was approved.
    BranchMoved,
    /// A plan was made against another service.
    OtherCloud,
    /// An order to roll back that cannot be followed.
    RollbackHeld,
    /// A commit says that nothing is to be done for a while.
    Suspended,
    /// A promotion waits to be merged.
    PromotionProposed,
    /// Rolled back by an order that was given while Git was down, and is not filed yet.
    RolledBack,
    /// Something was changed behind Git's back, and is only reported.
    Drifted,
    /// Something was put back so often that it is left.
    Flapping,
    /// A resource of the wanted name belongs to somebody else.
    NotOurs,
    /// A member that cannot be changed in place.
    CannotChange,
    /// Something that only a run can make is not there.
    OnlyARunMakesIt,
    /// An archive could not be made.
    ArchiveFailed,
    /// A run succeeded and left no package.
    PackageMissing,
    /// A package lacks what a release needs.
    PackageIncomplete,
    /// What a step stands on is not as the release says.
    NotAsReleased,
    /// AWS refused a call for good.
    Refused,
    /// A call failed for a reason that may pass.
    CallFailed,
    /// A run failed.
    RunFailed,
    /// SageMaker rolled an update back.
    UpdateRolledBack,
    /// A resource is broken.
    Failed,
    /// Something takes longer than it may.
    Late,
    /// Something could not be read.
    Unreadable,
    /// Something was not looked at, because what comes before it is unknown.
    NotLookedAt,
}

/// What people are told about a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// A phrase.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What trueup does about it.
    pub trueup: &'static str,
    /// What a person may do.
    pub person: &'static str,
}

/// All of them, in the order of the page.
pub const CAUSES: &[Cause] = &[
    Cause::Absent,
    Cause::NoRelease,
    Cause::StepsPlanned,
    Cause::MoreSteps,
    Cause::WaitingForRun,
    Cause::WaitingForService,
    Cause::WaitingForInstances,
    Cause::WaitingForTurn,
    Cause::WaitingForDependency,
    Cause::AlarmFiring,
    Cause::Soaking,
    Cause::ChangedMeanwhile,
    Cause::NoLease,
    Cause::Quarantined,
    Cause::GateMissed,
    Cause::TakenBack,
    Cause::NotProven,
    Cause::PromotionHeld,
    Cause::RolloutHeld,
    Cause::RemovalHeld,
    Cause::NotApproved,
    Cause::BranchMoved,
    Cause::OtherCloud,
    Cause::RollbackHeld,
    Cause::Suspended,
    Cause::PromotionProposed,
    Cause::RolledBack,
    Cause::Drifted,
    Cause::Flapping,
    Cause::NotOurs,
    Cause::CannotChange,
    Cause::OnlyARunMakesIt,
    Cause::ArchiveFailed,
    Cause::PackageMissing,
    Cause::PackageIncomplete,
    Cause::NotAsReleased,
    Cause::Refused,
    Cause::CallFailed,
    Cause::RunFailed,
    Cause::UpdateRolledBack,
    Cause::Failed,
    Cause::Late,
    Cause::Unreadable,
    Cause::NotLookedAt,
];

impl Cause {
    /// Its name, as it is printed.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// What it comes to.
    pub fn state(self) -> State {
        match self {
            Self::Absent | Self::NoRelease => State::Empty,
            Self::StepsPlanned => State::Changing,
            Self::MoreSteps
            | Self::WaitingForRun
            | Self::WaitingForService
            | Self::WaitingForInstances
            | Self::WaitingForTurn
            | Self::WaitingForDependency
            | Self::AlarmFiring
            | Self::Soaking
            | Self::ChangedMeanwhile
            | Self::NoLease => State::Waiting,
            Self::Quarantined
            | Self::GateMissed
            | Self::TakenBack
            | Self::NotProven
            | Self::PromotionHeld
            | Self::RolloutHeld
            | Self::RemovalHeld
            | Self::NotApproved
            | Self::BranchMoved
            | Self::OtherCloud
            | Self::RollbackHeld
            | Self::Suspended => State::Held,
            Self::PromotionProposed | Self::RolledBack => State::Diverged,
            Self::Drifted | Self::Flapping => State::Drifted,
            Self::NotOurs
            | Self::CannotChange
            | Self::OnlyARunMakesIt
            | Self::ArchiveFailed
            | Self::PackageMissing
            | Self::PackageIncomplete
            | Self::NotAsReleased
            | Self::Refused => State::Blocked,
            Self::CallFailed
            | Self::RunFailed
            | Self::UpdateRolledBack
            | Self::Failed
            | Self::Late => State::Degraded,
            Self::Unreadable | Self::NotLookedAt => State::Unknown,
        }
    }

    /// What people are told about it.
    pub fn page(self) -> Page {
        let (title, meaning, trueup, person) = super::cause_pages::texts(self);
        Page {
            title,
            meaning,
            trueup,
            person,
        }
    }

    /// Its page in Markdown, below a heading of `level`.
    pub fn markdown(self, level: usize) -> String {
        let (page, marks) = (self.page(), "#".repeat(level));
        format!(
            "{marks} {}: {}\n\nState: {}.\n\n{}\n\n**What trueup does.** {}\n\n\
             **What you may do.** {}\n",
            self.name(),
            page.title,
            self.state().word(),
            page.meaning,
            page.trueup,
            page.person,
        )
    }
}

/// The page about all of them.
pub fn reference() -> String {
    let mut text = "# Reasons\n\n\
        This page is generated from the program. `trueup explain <reason>` says the same.\n\n\
        Every finding about a unit has one of these reasons; `trueup why`, and `reason` in the JSON \
        of `plan`, `status` and `why`, name it. The [state](../concepts/states.md) follows from it.\n\n\
        | Reason | State | What it is |\n|---|---|---|\n"
        .to_owned();
    for cause in CAUSES {
        let (name, title) = (cause.name(), cause.page().title);
        writeln!(text, "| {name} | {} | {title} |", cause.state().word())
            .expect("a string takes everything");
    }
    for cause in CAUSES {
        write!(text, "\n{}", cause.markdown(2)).expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_listed_once_and_says_what_to_do() {
        let mut names: Vec<_> = CAUSES.iter().map(|cause| cause.name()).collect();
        // The last of the enum: the list is as long as the enum.
        assert_eq!(CAUSES.len(), Cause::NotLookedAt as usize + 1);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), CAUSES.len());
        for cause in CAUSES {
            let page = cause.page();
            let sentences = [page.meaning, page.trueup, page.person];
            assert!(
                sentences
                    .iter()
                    .all(|text| text.ends_with('.') && text.len() > 15),
                "{cause:?}"
            );
        }
    }
}
