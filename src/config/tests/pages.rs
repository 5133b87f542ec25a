//! The examples of the rules' pages: the bad one breaks the rule, the good one breaks nothing that
//! stops a model, and not this rule.
//!
//! An example is what differs from the sound repository: a section of a file takes the place of the
//! section of that name. Its first line names another file than config.yaml, if it is of one.

use std::collections::{BTreeMap, BTreeSet};

use super::{MODEL, TRUEUP, snapshot, sound};
use crate::config::lint::RULES;
use crate::config::load;
use crate::diagnostic::{Diagnostic, Severity};

/// Rules whose violations do not fit a page: more than can be shown, bytes that cannot be seen, or
/// found only when all is put together. Each has a test of its own.
const UNSHOWN: &[&str] = &["F003", "F004", "F005", "G010", "S014", "S016", "T010"];

/// The block of code below a heading.
fn example<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    let (_, rest) = rest.split_once("```yaml\n")?;
    rest.split_once("```").map(|(code, _)| code)
}

/// The sections of a file: the name in the first column, and the lines up to the next.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let is_name = line.starts_with(|c: char| c.is_alphabetic() || c == '"');
        let name = line.split(':').next().unwrap_or_default();
        match sections.last_mut() {
            Some((_, held)) if !is_name => {
                held.push_str(line);
                held.push('\n');
            }
            _ => sections.push((name.to_owned(), format!("{line}\n"))),
        }
    }
    sections
}

/// A file with the sections of an example in place of its own, at its end.
fn overlaid(base: &str, example: &str) -> String {
    let new = sections(example);
    let names: BTreeSet<_> = new.iter().map(|(name, _)| name.as_str()).collect();
    let kept = sections(base);
    let kept = kept
        .iter()
        .filter(|(name, _)| !names.contains(name.as_str()));
    let kept: String = kept.map(|(_, held)| held.as_str()).collect();
    kept + example
}

/// What is found in the sound repository with an example in it.
fn findings(example: &str) -> Vec<Diagnostic> {
    let own = "models/churn";
    let first = example.lines().next().unwrap_or_default();
    let named = first
        .strip_prefix("# ")
        .filter(|path| path.contains(".yaml"));
    let path = named.unwrap_or("config.yaml");
    // Every rule is as strict as it is by itself.
    let shared = overlaid(TRUEUP, "lint: {}\n");
    let mut files: BTreeMap<String, Vec<u8>> = sound()
        .into_iter()
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .collect();
    files.insert("trueup.yaml".to_owned(), shared.clone().into());
    match path {
        "config.yaml" => {
            files.insert(format!("{own}/{path}"), overlaid(MODEL, example).into());
        }
        "trueup.yaml" => {
            files.insert(path.to_owned(), overlaid(&shared, example).into());
        }
        path if path.starts_with("models/") => {
            let folder = path.strip_suffix("/config.yaml").expect("a model's file");
            for (file, bytes) in files.clone() {
                if let Some(rest) = file.strip_prefix(own) {
                    files.insert(format!("{folder}{rest}"), bytes);
                }
            }
            files.insert(path.to_owned(), overlaid(MODEL, example).into());
        }
        path => {
            files.insert(format!("{own}/{path}"), example.into());
        }
    }
    let files = files.iter();
    let loaded = load(&snapshot(
        files.map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
    ));
    let models = loaded.models.into_iter();
    let all = models.flat_map(|model| model.diagnostics);
    loaded.diagnostics.into_iter().chain(all).collect()
}

#[test]
fn the_examples_of_every_page_show_what_they_say() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let (bad, good) = (example(rule.page, "Bad"), example(rule.page, "Good"));
        let (Some(bad), Some(good)) = (bad, good) else {
            assert!(
                UNSHOWN.contains(&rule.code),
                "{} has no examples",
                rule.code
            );
            continue;
        };
        assert!(!UNSHOWN.contains(&rule.code), "{} has examples", rule.code);
        let found = findings(bad);
        if !found.iter().any(|one| one.code == rule.code) {
            wrong.push(format!(
                "{}: bad is not found: {:?}",
                rule.code,
                super::shown(&found)
            ));
        }
        let found = findings(good);
        let stops = |one: &Diagnostic| one.severity == Severity::Error || one.code == rule.code;
        if found.iter().any(stops) {
            wrong.push(format!(
                "{}: good is found: {:?}",
                rule.code,
                super::shown(&found)
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
