//! What can go wrong, and how often it did.

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    CrashBeforeCall,
    CrashAfterCall,
    CrashBeforeWrite,
    CrashAfterWrite,
    Throttled,
    FailedBefore,
    FailedAfter,
    ReplyLost,
    Denied,
    Quota,
    StaleRead,
    PartialList,
    StaleGit,
    TwoDaemons,
    Capacity,
    SlowDeployment,
    FailedDeployment,
    SilentRollback,
    FailedJob,
    ConsoleEdit,
    Autoscaling,
    TagLoss,
    ClockJump,
}

/// All of them.
pub(crate) const FAULTS: [Fault; 23] = [
    Fault::CrashBeforeCall,
    Fault::CrashAfterCall,
    Fault::CrashBeforeWrite,
    Fault::CrashAfterWrite,
    Fault::Throttled,
    Fault::FailedBefore,
    Fault::FailedAfter,
    Fault::ReplyLost,
    Fault::Denied,
    Fault::Quota,
    Fault::StaleRead,
    Fault::PartialList,
    Fault::StaleGit,
    Fault::TwoDaemons,
    Fault::Capacity,
    Fault::SlowDeployment,
    Fault::FailedDeployment,
    Fault::SilentRollback,
    Fault::FailedJob,
    Fault::ConsoleEdit,
    Fault::Autoscaling,
    Fault::TagLoss,
    Fault::ClockJump,
];

/// How often each fault fired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fired([u64; FAULTS.len()]);

impl Fired {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub(crate) fn count(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
