//! Ways to break the program on purpose, to show that the simulation would notice.
//!
//! Nothing but a test sets one: no command, no file and no environment variable leads here.

/// What is broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Broken {
    /// Nothing.
    #[default]
    Nothing,
    /// Whose a resource is does not matter.
    SkipOwner,
    /// What could not be read is not there.
    GapIsAbsent,
    /// Every attempt at a run is the first.
    CountNoRuns,
    /// An update that failed is tried again, whatever the reason.
    RetryForever,
    /// That an update was tried is not noted.
    ForgetUpdates,
    /// Whose something is is not looked at again before a step.
    NoGuards,
    /// What moves is at rest.
    MovingIsReady,
    /// An update takes Git's counts, whatever was set since.
    RetainNothing,
    /// Nothing waits for what it stands on.
    IgnoreOrder,
    /// Everything has soaked.
    IgnoreSoak,
    /// Every gate is reached.
    IgnoreGates,
    /// Nothing is quarantined.
    IgnoreQuarantine,
    /// What people took back is released again.
    PeopleLose,
    /// What changed behind Git's back is not seen.
    BlindToDrift,
    /// Configured tags are not compared.
    BlindToTags,
    /// A new resource is not told its own name.
    ForgetSelf,
    /// An approval is sent again and again.
    ApproveAlways,
    /// An endpoint is taken away to be changed.
    ReplaceEndpoints,
    /// That an endpoint holds is not noted.
    NeverConverged,
    /// What is named for its content is collected, needed or not.
    CollectInUse,
    /// A run starts whether its parents are ours or not.
    RunAnyway,
}
