//! What a plan says besides its steps: what is awaited, held or unknown, and why.

use serde::Serialize;

use super::cause::Cause;
use crate::clock::Timestamp;
use crate::resource::unit::Unit;

/// The state of one unit, with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// The unit.
    pub unit: Unit,
    /// What was found, in order of creation.
    pub notes: Vec<Note>,
    /// When AWS was looked at.
    pub observed_at: Option<Timestamp>,
}

/// One finding about a unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// What it comes to.
    pub state: State,
    /// Which of all reasons it is.
    pub reason: Cause,
    /// About what, such as `Endpoint churn-production`.
    pub subject: String,
    /// In words: what is awaited or wrong, in AWS's own words where it said something.
    pub message: String,
    /// Since when, where known.
    pub since: Option<Timestamp>,
    /// When it is late.
    pub deadline: Option<Timestamp>,
}

/// What a finding comes to. The worst of a unit's is the unit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As the commit says.
    InSync,
    /// There is nothing to serve yet.
    Empty,
    /// Steps were planned.
    Changing,
    /// Something moves; it is awaited.
    Waiting,
    /// People decided otherwise.
    Held,
    /// What runs is not what the commit would run, until a promotion is merged.
    Diverged,
    /// What runs was changed behind Git's back, and is left so.
    Drifted,
    /// A person must act.
    Blocked,
    /// It works, but not as asked.
    Degraded,
    /// It could not be read.
    Unknown,
}

impl State {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::Empty => "no release",
            Self::Changing => "changing",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Diverged => "diverged",
            Self::Drifted => "drifted",
            Self::Blocked => "blocked",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing is left to do and nobody has to act.
    pub fn is_settled(self) -> bool {
        matches!(
            self,
            Self::InSync | Self::Empty | Self::Held | Self::Diverged | Self::Drifted
        )
    }
}

impl Note {
    /// A finding without times. Its state is that of the cause.
    pub fn new(cause: Cause, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            state: cause.state(),
            reason: cause,
            subject: subject.into(),
            message: message.into(),
            since: None,
            deadline: None,
        }
    }
}

impl PlanReport {
    /// The worst state of all notes.
    pub fn state(&self) -> State {
        self.notes
            .iter()
            .map(|note| note.state)
            .max()
            .unwrap_or(State::InSync)
    }

    /// Whether nothing is left to do and nobody has to act. Not the same as the state's being
    /// settled: something held may hide that something else is still awaited.
    pub fn is_settled(&self) -> bool {
        self.notes.iter().all(|note| note.state.is_settled())
    }

    /// Whether something moves that will come to rest by itself.
    pub fn is_waiting(&self) -> bool {
        self.notes.iter().any(|note| note.state == State::Waiting)
    }

    /// Adds a finding without times.
    pub fn note(&mut self, cause: Cause, subject: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Note::new(cause, subject, message));
    }
}
