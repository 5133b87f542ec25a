//! The regular expressions of the service model, matched whole.
//!
//! The model writes them in Java's dialect. What differs here is translated: classes of letters are
//! ASCII's, and `.` is any letter.

use std::sync::OnceLock;

use fancy_regex::{Regex, RegexBuilder};

/// Bytes that one compiled pattern may take: `{0,1024}` repetitions of Unicode classes are large.
const SIZE_MAX: usize = 64 << 20;

/// A pattern of the model, compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The pattern as the model writes it.
    pub(super) fn new(source: &'static str) -> Self {
        let compiled = OnceLock::new();
        Self { source, compiled }
    }

    /// As the model writes it.
    pub(super) fn source(&self) -> &'static str {
        self.source
    }

    /// Whether the whole of `text` matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.compiled()
            .is_some_and(|regex| regex.is_match(text).unwrap_or(false))
    }

    /// Whether it is of the dialect.
    #[cfg(test)]
    pub(super) fn compiles(&self) -> bool {
        self.compiled().is_some()
    }

    fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            RegexBuilder::new(&translated(self.source))
                .delegate_size_limit(SIZE_MAX)
                .build()
                .ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

fn translated(source: &str) -> String {
    let source = source
        .replace(r"\d", "[0-9]")
        .replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\p{Alnum}", "[0-9A-Za-z]")
        .replace(r"\p{Print}", "[ -~]")
        // What is beyond sixteen bits is written as two halves there.
        .replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF");
    format!(r"\A(?s:{source})\z")
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
