//! What the daemon says on standard error, as it says it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// The level at which every pass is told.
pub(super) const LEVEL: &str = "trueup=debug";
/// Lines that are kept for a failed test to show.
const LAST_LINES: usize = 30;

/// The log of a running daemon.
#[derive(Default)]
pub(super) struct Log(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    /// Passes that ended, by the commit that they were over.
    passes: BTreeMap<String, usize>,
    last: VecDeque<String>,
    /// The last lines for people: those above the level of debugging.
    words: VecDeque<String>,
    /// How many lines for people there were.
    lines: usize,
    /// Lines that tell of a defect: panics, and what is logged as an error.
    complaints: Vec<String>,
}

impl Log {
    /// Listens until the stream ends.
    pub(super) fn of(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let heard = Arc::clone(&log.0);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                heard.lock().unwrap().hear(line);
            }
        });
        log
    }

    /// How many passes over `commit` have ended.
    pub(super) fn passes(&self, commit: &str) -> usize {
        let heard = self.0.lock().unwrap();
        heard.passes.get(commit).copied().unwrap_or_default()
    }

    /// How many passes have ended.
    pub(super) fn all_passes(&self) -> usize {
        self.0.lock().unwrap().passes.values().sum()
    }

    /// How many commits were passed over.
    pub(super) fn commits(&self) -> usize {
        self.0.lock().unwrap().passes.len()
    }

    /// Lines for people so far: those above the level of debugging.
    pub(super) fn lines(&self) -> usize {
        self.0.lock().unwrap().lines
    }

    /// The last lines for people; forgets them.
    pub(super) fn take_words(&self) -> Vec<String> {
        self.0.lock().unwrap().words.drain(..).collect()
    }

    /// Whether any pass has ended.
    pub(super) fn has_passed(&self) -> bool {
        !self.0.lock().unwrap().passes.is_empty()
    }

    /// Lines that tell of a defect.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.0.lock().unwrap().complaints.clone()
    }

    /// One of the last lines for people, by words that it contains.
    pub(super) fn said(&self, words: &str) -> Option<String> {
        let heard = self.0.lock().unwrap();
        let mut lines = heard.words.iter();
        lines.find(|line| line.contains(words)).cloned()
    }

    /// The last lines that are about something else.
    pub(super) fn last_words(&self) -> String {
        let heard = self.0.lock().unwrap();
        heard
            .last
            .iter()
            .fold(String::new(), |all, line| all + line + "\n")
    }
}

impl Heard {
    fn hear(&mut self, line: String) {
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if said["level"] == "ERROR" || line.contains("panicked") {
            self.complaints.push(line.clone());
        }
        match said["revision.commit"].as_str() {
            Some(commit) if said["message"] == "pass ended" => {
                *self.passes.entry(commit.to_owned()).or_default() += 1;
            }
            _ => {
                if said["level"] != "DEBUG" {
                    self.lines += 1;
                    keep(&mut self.words, line.clone());
                }
                keep(&mut self.last, line);
            }
        }
    }
}

fn keep(lines: &mut VecDeque<String>, line: String) {
    lines.push_back(line);
    if lines.len() > LAST_LINES {
        lines.pop_front();
    }
}
