//! Colours, where they are wanted.

use clap::builder::styling::{AnsiColor, Style};

use crate::plan::report::State;
use crate::plan::step::{Action, Effect, Step};

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self(false);

    /// Colours, or none.
    pub fn new(on: bool) -> Self {
        Self(on)
    }

    /// Whether there are colours.
    pub fn is_on(self) -> bool {
        self.0
    }

    fn style(self, style: Style, text: &str) -> String {
        if self.0 {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn colour(self, colour: AnsiColor, text: &str) -> String {
        self.style(colour.on_default(), text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    /// Something that matters less.
    pub fn dim(self, text: &str) -> String {
        self.style(Style::new().dimmed(), text)
    }

    /// The sign of a step.
    pub fn sign(self, step: &Step) -> String {
        let sign = sign(step);
        match step.action {
            Action::Create | Action::Start => self.colour(AnsiColor::Green, sign),
            Action::Update => self.colour(AnsiColor::Yellow, sign),
            Action::Delete => self.colour(AnsiColor::Red, sign),
            Action::Mark => self.dim(sign),
        }
    }

    /// The word for a state.
    pub fn state(self, state: State) -> String {
        self.as_state(state, state.word())
    }

    /// A text in the colour of a state.
    pub fn as_state(self, state: State, text: &str) -> String {
        match state {
            State::InSync => self.colour(AnsiColor::Green, text),
            State::Empty => self.dim(text),
            State::Changing | State::Waiting => self.colour(AnsiColor::Cyan, text),
            State::Held | State::Diverged | State::Drifted => self.colour(AnsiColor::Yellow, text),
            State::Blocked | State::Degraded | State::Unknown => self.colour(AnsiColor::Red, text),
        }
    }
}

/// `-/+` where a resource is taken away to be made anew, else the action's sign.
pub fn sign(step: &Step) -> &'static str {
    if matches!(step.effect, Effect::Recreate | Effect::Destroy) {
        "-/+"
    } else {
        step.action.sign()
    }
}
