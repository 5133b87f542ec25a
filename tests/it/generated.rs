//! The files that the program writes about itself are those that are checked in.

use std::fs;
use std::path::Path;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test that writes the files on demand"
)]
fn checked_in_files_are_those_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = [
        ("docs/reference/cli.md", trueup::cli::reference()),
        (
            "docs/reference/fields.md",
            trueup::resource::ownership::reference(),
        ),
        (
            "docs/reference/local.md",
            trueup::local::reference::reference(),
        ),
        (
            "docs/reference/reasons.md",
            trueup::plan::cause::reference(),
        ),
        ("docs/reference/survival.md", crate::safety::listed::page()),
    ];
    let rules = trueup::config::lint::pages().into_iter();
    let rules = rules.map(|(file, text)| (format!("docs/lints/{file}"), text));
    let schemas = trueup::config::schema::all().into_iter();
    let others = schemas
        .chain(pages)
        .map(|(file, text)| (file.to_owned(), text));
    for (file, text) in others.chain(rules) {
        if std::env::var("UPDATE").is_ok() {
            fs::write(root.join(&file), &text).unwrap();
        }
        let held = fs::read_to_string(root.join(&file)).unwrap_or_default();
        assert!(held == text, "{file} is stale: run the tests with UPDATE=1");
    }
}
