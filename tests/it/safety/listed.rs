//! The tables of [`super::pains`], [`super::attacks`] and [`super::rules`] name tests that there are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const PAINS: &str = include_str!("pains.rs");
const ATTACKS: &str = include_str!("attacks.rs");
const RULES: &str = include_str!("rules.rs");

/// Number to the tests that its row names.
fn rows(text: &str) -> BTreeMap<u32, Vec<&str>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("//! | "));
    let rows = lines.filter_map(|line| {
        let (number, rest) = line.split_once(" | ")?;
        let tests = rest.split('`').skip(1).step_by(2);
        Some((number.parse().ok()?, tests.collect()))
    });
    rows.collect()
}

/// The file of the test that a path such as `it::git::remotes::secrets_are_never_shown` or `lib::clock::…`
/// leads to, from the repository's root.
fn file_of(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut parts: Vec<_> = path.split("::").collect();
    let name = parts.pop()?;
    let place = match parts.first() {
        Some(&"it") => PathBuf::from("tests/it"),
        Some(&"lib") => PathBuf::from("src"),
        _ => return None,
    };
    let place = parts[1..]
        .iter()
        .fold(place, |place, part| place.join(part));
    let files = [
        place.with_extension("rs"),
        place.join("mod.rs"),
        place.join("tests.rs"),
        place.with_file_name(format!(
            "{}_tests.rs",
            place.file_name().unwrap_or_default().display()
        )),
    ];
    files.into_iter().find(|file| {
        let text = fs::read_to_string(root.join(file));
        text.is_ok_and(|text| defines(&text, name))
    })
}

/// What stands in the tables, for people: each test with its file.
pub(crate) fn page() -> String {
    let parts = [
        (PAINS, "## What hurts elsewhere, and does not happen here"),
        (ATTACKS, "## What somebody might try, and what stops it"),
        (RULES, "## The rules of a pass, and what is remembered"),
    ];
    let parts = parts.map(|(text, title)| format!("{title}\n\n{}", table(text)));
    format!(
        "# What it survives\n\nEach row names the tests that fail when the behaviour is taken away. \
         Generated from the tests.\n\n{}",
        parts.join("\n")
    )
}

/// The tables of a file's documentation, with links in the place of paths.
fn table(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = lines.skip(2).map(|line| linked(line.trim_start()) + "\n");
    lines.collect()
}

fn linked(line: &str) -> String {
    let pieces = line.split('`').enumerate();
    let pieces = pieces.map(|(at, piece)| match file_of(piece) {
        Some(file) if at % 2 == 1 => {
            let name = piece.rsplit("::").next().unwrap_or(piece);
            format!("[{name}](../../{})", file.display())
        }
        _ if at % 2 == 1 => format!("`{piece}`"),
        _ => piece.to_owned(),
    });
    pieces.collect()
}

/// Whether a text has a test of that name: a function under an attribute that says so, or a line of
/// a macro that makes one.
fn defines(text: &str, name: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let function = line.trim_start_matches("async ").strip_prefix("fn ");
        let is_it = function.is_some_and(|rest| {
            rest.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('('))
        });
        let above = &lines[at.saturating_sub(3)..at];
        let attributes = above.iter().rev().take_while(|line| line.starts_with("#["));
        let made = line
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(" => \""));
        made || is_it && attributes.into_iter().any(|line| line.contains("test"))
    })
}

#[test]
fn every_row_names_tests_that_there_are() {
    for (text, least) in [(PAINS, 20), (ATTACKS, 23), (RULES, 21)] {
        let rows = rows(text);
        assert!(rows.len() >= least, "only {:?}", rows.keys());
        for (number, tests) in rows {
            assert!(!tests.is_empty(), "{number} names none");
            for test in tests {
                assert!(file_of(test).is_some(), "{number}: there is no `{test}`");
            }
        }
    }
}

#[test]
fn a_numbered_test_stands_in_the_row_of_its_number() {
    let beside = [
        include_str!("repositories.rs"),
        include_str!("secrets.rs"),
        include_str!("../run/crowd.rs"),
        include_str!("../run/hooks.rs"),
        include_str!("../run/remote.rs"),
        include_str!("../run/sources.rs"),
    ];
    for (start, table, file) in [("pain_", PAINS, PAINS), ("attack_", ATTACKS, ATTACKS)] {
        let rows = rows(table);
        for text in [&[file], &beside[..]].concat() {
            let names = text.lines().filter_map(|line| {
                let rest = line.trim_start_matches("async ").strip_prefix("fn ")?;
                rest.starts_with(start).then(|| rest.split('(').next())?
            });
            for name in names {
                let number = name[start.len()..].split('_').next().unwrap();
                let row = &rows[&number.parse().unwrap()];
                assert!(
                    row.iter().any(|test| test.ends_with(name)),
                    "{name} is in no row"
                );
            }
        }
    }
}

#[test]
fn what_is_no_test_is_not_taken_for_one() {
    let check =
        |path: &str, expected: bool| assert_eq!(file_of(path).is_some(), expected, "{path}");
    check("it::git::remotes::secrets_are_never_shown", true);
    check("it::sim::crash::first_deploy", true);
    check("lib::resource::name::golden_v1", true);
    check("it::git::mirror", false);
    check("it::git::secrets", false);
    check("it::nowhere::secrets_are_never_shown", false);
    check("secrets_are_never_shown", false);
}
