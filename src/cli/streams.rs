//! Standard output for data, standard error for talk.

use std::io::{self, IsTerminal as _, Write as _};

use super::environment::Environment;
use super::render::Paint;

/// Where words go, and whether they may be coloured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    quiet: bool,
    /// For what goes to standard output.
    pub(super) paint: Paint,
    /// Whether standard error is a terminal.
    pub(super) interactive: bool,
    /// Whether standard error may be coloured.
    pub(super) coloured_talk: bool,
}

impl Streams {
    /// The process's streams. `quiet`: no talk but failures.
    pub(super) fn new(environment: &Environment, quiet: bool) -> Self {
        let interactive = io::stderr().is_terminal();
        Self {
            quiet,
            paint: Paint::new(!environment.colourless && io::stdout().is_terminal()),
            interactive,
            coloured_talk: interactive && !environment.colourless,
        }
    }

    /// Writes data. A reader who has seen enough is no failure.
    #[expect(
        clippy::unused_self,
        reason = "one of a pair with `talk`, which may be silent"
    )]
    pub(super) fn data(self, text: &str) {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            failure(&format!(
                "error: could not write to standard output: {error}\n"
            ));
        }
    }

    /// Writes a line of talk, unless quiet.
    pub(super) fn talk(self, line: &str) {
        if !self.quiet {
            failure(&format!("{line}\n"));
        }
    }
}

/// Writes about a failure.
pub(super) fn failure(text: &str) {
    // Nobody is left to tell where this fails.
    io::stderr().lock().write_all(text.as_bytes()).ok();
}
