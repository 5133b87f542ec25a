//! What the demo is asked for.

use std::path::PathBuf;
use std::str::FromStr;

/// How to run the demo.
#[derive(Debug, Clone)]
pub struct Options {
    /// End after the last step instead of running on until Ctrl-C.
    pub exit: bool,
    /// Print a summary as one JSON object to standard output; what is told on the way goes to
    /// standard error.
    pub json: bool,
    /// Where everything is kept: absent or empty. Left out: a temporary folder, which is removed in
    /// the end unless something went wrong.
    pub dir: Option<PathBuf>,
    /// Something that is done wrong on purpose, to see that it is found out.
    pub sabotage: Option<Sabotage>,
    /// Whether to colour what is told.
    pub color: bool,
    /// Where the local SageMaker finds its programs: colon-separated folders.
    pub path: String,
    /// The home folder that its jobs see, if any.
    pub home: Option<PathBuf>,
}

/// Something done wrong on purpose. The demo must then fail, and its verifier must be what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The serving code that is pushed answers the same to everything.
    ConstantPredictions,
    /// The configuration that is pushed has no gates.
    SkipGate,
    /// The revert is never pushed.
    SkipRevert,
}

/// Not the name of a sabotage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of constant-predictions, skip-gate, skip-revert")]
pub struct UnknownSabotage(String);

impl FromStr for Sabotage {
    type Err = UnknownSabotage;

    fn from_str(text: &str) -> Result<Self, UnknownSabotage> {
        match text {
            "constant-predictions" => Ok(Self::ConstantPredictions),
            "skip-gate" => Ok(Self::SkipGate),
            "skip-revert" => Ok(Self::SkipRevert),
            _ => Err(UnknownSabotage(text.to_owned())),
        }
    }
}
