//! What a person sees: one line for each thing that happens, alive on a terminal, plain elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// Where and how to tell.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// Standard output belongs to the summary.
    to_stderr: bool,
    live: bool,
    color: bool,
}

/// Something under way: a line that changes until it is done.
#[derive(Debug)]
pub struct Line {
    show: Show,
    text: String,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Show {
    /// On standard output, or on standard error where `json` goes to standard output.
    pub fn new(json: bool, color: bool) -> Self {
        let live = if json {
            io::stderr().is_terminal()
        } else {
            io::stdout().is_terminal()
        };
        Self {
            to_stderr: json,
            live,
            color,
        }
    }

    /// The title of a step.
    pub fn title(self, number: usize, text: &str) {
        self.print("");
        self.print(&self.paint("1", &format!("{number}  {text}")));
    }

    /// Something that is so.
    pub fn note(self, text: &str) {
        self.print(&format!("   {text}"));
    }

    /// Something that was found wrong.
    pub fn wrong(self, text: &str) {
        self.print(&format!("   {} {text}", self.paint("31", "✗")));
    }

    /// Something that was done.
    pub fn done(self, text: &str) {
        self.print(&format!("   {} {text}", self.paint("32", "✓")));
    }

    /// Something that begins.
    pub fn begin(self, text: impl Into<String>) -> Line {
        let text = text.into();
        let bar = self.live.then(|| {
            let target = if self.to_stderr {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::stdout()
            };
            let style = ProgressStyle::with_template("   {spinner} {elapsed:>3} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::with_draw_target(None, target).with_style(style);
            bar.set_message(text.clone());
            bar.enable_steady_tick(TURN);
            bar
        });
        Line {
            show: self,
            text,
            since: Instant::now(),
            bar,
        }
    }

    /// A line as it is.
    pub fn print(self, text: &str) {
        // Nobody reads any more: the work goes on, and so does its result.
        let _closed = if self.to_stderr {
            writeln!(io::stderr().lock(), "{text}")
        } else {
            writeln!(io::stdout().lock(), "{text}")
        };
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

impl Line {
    /// What it waits for now. Only on a terminal: elsewhere every line would stay.
    pub fn update(&self, status: &str) {
        if let Some(bar) = self.bar.as_ref().filter(|_| !status.is_empty()) {
            bar.set_message(format!("{}: {status}", self.text));
        }
    }

    /// A line that stays, above this one.
    pub fn above(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.show.done(text)),
            None => self.show.done(text),
        }
    }

    /// Over: `text` stays, with the seconds that it took.
    pub fn end(self, text: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.clear();
        self.show.done(&format!("{text}  {seconds:.1} s"));
    }

    /// Over, for worse.
    pub fn fail(self, text: &str) {
        self.clear();
        self.show.wrong(text);
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}
