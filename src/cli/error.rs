//! How a command fails: what, why, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;

use super::exit;
use crate::diagnostic::render::tame;
use crate::git::{GitError, SourceError};
use crate::reconcile::ReconcileError;

/// A failed command, as it is told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandError {
    /// What failed, then each cause.
    messages: Vec<String>,
    /// A reason that `trueup explain` has a page about.
    code: Option<&'static str>,
    /// A way out.
    help: Option<String>,
    /// The exit code.
    exit: u8,
}

impl CommandError {
    /// A failure with its causes.
    pub(super) fn new(error: &dyn Error) -> Self {
        let chain = std::iter::successors(Some(error), |error| (*error).source());
        Self {
            messages: chain.map(ToString::to_string).collect(),
            code: None,
            help: None,
            exit: exit::FAILED,
        }
    }

    /// A failure without causes.
    pub(super) fn message(message: impl Into<String>) -> Self {
        Self {
            messages: vec![message.into()],
            code: None,
            help: None,
            exit: exit::FAILED,
        }
    }

    /// A command line that makes no sense.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: exit::USAGE,
            ..Self::message(message)
        }
    }

    /// The same, below a sentence about what was tried.
    #[must_use]
    pub(super) fn context(mut self, what: impl Into<String>) -> Self {
        self.messages.insert(0, what.into());
        self
    }

    /// The same, with a reason that `trueup explain` has a page about.
    #[must_use]
    pub(super) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The same, with a way out.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The exit code.
    pub(super) fn exit(&self) -> u8 {
        self.exit
    }

    /// The lines that people read.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (depth, message) in self.messages.iter().enumerate() {
            let lead = match self.code {
                Some(code) if depth == 0 => format!("error[{code}]"),
                None if depth == 0 => "error".to_owned(),
                _ => "  caused by".to_owned(),
            };
            writeln!(text, "{lead}: {}", tame(message)).expect("a string takes everything");
        }
        if let Some(help) = &self.help {
            writeln!(text, "help: {}", tame(help)).expect("a string takes everything");
        }
        text
    }

    /// What failed and why, on one line.
    pub(super) fn line(&self) -> String {
        tame(&self.messages.join(": ")).replace('\n', " ")
    }

    /// The same and what to do about it, for a log.
    pub(super) fn advice(&self) -> String {
        match &self.help {
            Some(help) => format!("{}; {}", self.line(), tame(help).replace('\n', " ")),
            None => self.line(),
        }
    }
}

impl From<GitError> for CommandError {
    fn from(error: GitError) -> Self {
        Self::new(&error).help(error.help())
    }
}

impl From<ReconcileError> for CommandError {
    fn from(error: ReconcileError) -> Self {
        match &error {
            ReconcileError::Git(git) => Self::new(&error).help(git.help()),
            ReconcileError::Worker(_) => Self::new(&error).help("this is a bug worth reporting"),
        }
    }
}

impl From<SourceError> for CommandError {
    fn from(error: SourceError) -> Self {
        Self {
            exit: exit::USAGE,
            ..Self::new(&error)
        }
        .help("a source is `URL[#branch]`: a path, `file://`, `https://` or `http://`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let inner = std::io::Error::other("disk\u{1b}[2J full");
        let error = GitError::Cache {
            what: "write",
            path: "/c".into(),
            source: inner,
        };
        let error = CommandError::from(ReconcileError::Git(error));
        assert_eq!(
            error.text(),
            "error: the repository could not be read\n\
             \x20 caused by: could not write `/c`\n\
             \x20 caused by: disk\\u{1b}[2J full\n\
             help: check the folder's owner, permissions and free space\n"
        );
        let line = "the repository could not be read: could not write `/c`: disk\\u{1b}[2J full";
        assert_eq!(error.line(), line);
        let help = "check the folder's owner, permissions and free space";
        assert_eq!(error.advice(), format!("{line}; {help}"));
        assert_eq!(error.exit(), exit::FAILED);
    }

    #[test]
    fn a_source_that_is_none_is_a_matter_of_usage_and_keeps_its_password() {
        let error = "https://u:hunter2@/x".parse::<crate::git::Source>();
        let error = CommandError::from(error.expect_err("it has no host"));
        assert_eq!(error.exit(), exit::USAGE);
        assert!(!error.text().contains("hunter2"));
    }
}
