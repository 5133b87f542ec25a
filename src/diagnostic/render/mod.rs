//! Findings as text for people, as JSON for machines, and in the forms of other tools.

mod forges;
mod json;
mod junit;
mod lines;
mod markdown;
mod sarif;
mod text;

pub use forges::{gitlab, rdjson};
pub use json::{array, lines};
pub use junit::junit;
pub use lines::{concise, github, statistics};
pub use markdown::markdown;
pub use sarif::sarif;
pub use text::text;

use super::{Diagnostic, Severity};

/// One line that counts, such as `2 errors, 1 warning in 3 models`.
pub fn summary(findings: &[Diagnostic], models: usize) -> String {
    let count = |severity| {
        findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let infos = count(Severity::Info);
    let mut line = format!("{}, {}", many(errors, "error"), many(warnings, "warning"));
    if infos > 0 {
        line = format!("{line}, {infos} info");
    }
    format!("{line} in {}", many(models, "model"))
}

fn many(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Text from files in a form that no terminal acts on: control characters, and those that turn the
/// direction of writing, as escapes.
pub fn tame(text: &str) -> String {
    let acts = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    let mut tamed = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            tamed.extend(c.escape_unicode());
        } else {
            tamed.push(c);
        }
    }
    tamed
}
