//! `trueup explain`: the page about a rule or a reason.

use clap::Args;
use serde_json::json;

use super::error::CommandError;
use super::shell::Shell;
use super::{Output, exit};
use crate::config::lint;
use crate::plan::cause::CAUSES;

/// Explain a code: of a finding such as `S001`, or a reason such as `NotOurs`
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code
    code: String,
    /// The form of the page
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Explain {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let (name, page) = page(&self.code)?;
        shell.streams.data(&match self.output {
            Output::Text => page,
            Output::Json => {
                let document = json!({"schema": "trueup/explain.v1", "code": name, "page": page});
                format!("{document:#}\n")
            }
        });
        Ok(exit::OK)
    }
}

/// A code as it is written, and its page.
fn page(code: &str) -> Result<(String, String), CommandError> {
    let rules = lint::pages().into_iter().filter_map(|(file, page)| {
        let name = file.strip_suffix(".md").filter(|name| *name != "README")?;
        Some((name.to_owned(), page))
    });
    let causes = CAUSES.iter().map(|cause| (cause.name(), cause.markdown(1)));
    let mut all: Vec<_> = rules.chain(causes).collect();
    if let Some(at) = all
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case(code))
    {
        return Ok(all.swap_remove(at));
    }
    let error = CommandError::usage(format!("there is no code `{code}`"));
    let wanted = code.to_ascii_lowercase();
    let near = all
        .iter()
        .map(|(name, _)| (distance(&name.to_ascii_lowercase(), &wanted), name));
    // Half of the letters wrong is no misspelling.
    let near = near.filter(|(far, _)| far * 2 <= wanted.chars().count());
    Err(match near.min() {
        Some((_, name)) => error.help(format!("did you mean `{name}`?")),
        None => error.help("codes are listed in docs/reference/reasons.md and by `trueup lint`"),
    })
}

/// Letters to insert, remove or replace to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<_> = other.chars().take(CHARS_MAX).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().take(CHARS_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, to) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// Letters of a word that are compared.
const CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_page_and_a_misspelt_one_a_suggestion() {
        assert!(page("S001").unwrap().1.starts_with("# S001: "));
        let (name, text) = page("notours").unwrap();
        assert_eq!(name, "NotOurs");
        assert!(text.starts_with("# NotOurs: a resource of that name is not ours\n"));
        let check = |code: &str, help: &str| {
            let error = page(code).unwrap_err();
            assert_eq!(error.exit(), exit::USAGE);
            assert!(error.text().contains(help), "{}", error.text());
        };
        check("NotOur", "did you mean `NotOurs`?");
        check("S0O1", "did you mean `S0");
        check("README", "codes are listed in");
        check("x", "codes are listed in");
    }

    #[test]
    fn words_are_as_far_apart_as_letters_differ() {
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "ac"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
    }
}
