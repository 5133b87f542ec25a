//! Links in the documents lead to files and headings that exist.

use std::fs;
use std::path::Path;

use super::code::{read_all, root};

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut pages = read_all("docs", "md");
    pages.extend(read_all("example-repo", "md"));
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        pages.push((
            page.to_owned(),
            fs::read_to_string(root().join(page)).expect(page),
        ));
    }
    let exists = |path: &Path| root().join(path).exists();
    let text = |path: &Path| fs::read_to_string(root().join(path)).unwrap_or_default();
    let dead: Vec<_> = pages
        .iter()
        .flat_map(|(path, page)| dead_links(path, page, &exists, &text))
        .collect();
    assert!(dead.is_empty(), "\n{}\n", dead.join("\n"));

    let bad = "# A b!\n[x](gone.md)\n```\n[y](gone.md)\n```\n`[z](gone.md)` [w](#a-b) [v](#c) [u](https://a.b/c)\n";
    let found = dead_links("docs/p.md", bad, &|_| false, &|_| String::new());
    assert_eq!(
        found,
        [
            "docs/p.md:2: `gone.md` does not exist",
            "docs/p.md:6: `#c` is not a heading"
        ]
    );
}

/// Links of a page to files that `exists` denies, or to headings that `text` does not hold.
fn dead_links(
    path: &str,
    page: &str,
    exists: &dyn Fn(&Path) -> bool,
    text: &dyn Fn(&Path) -> String,
) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or_else(|| Path::new(""));
    let mut found = Vec::new();
    for (number, line) in prose(page) {
        // Every other piece between backquotes is code.
        let outside: String = line.split('`').step_by(2).collect();
        for target in outside
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next())
        {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = folder.join(file);
            if !file.is_empty() && !exists(&to) {
                found.push(format!("{path}:{number}: `{file}` does not exist"));
            } else if !heading.is_empty() {
                let there = if file.is_empty() {
                    page.to_owned()
                } else {
                    text(&to)
                };
                let mut headings = prose(&there).filter_map(|(_, line)| line.strip_prefix('#'));
                if !headings.any(|line| anchor(line) == heading) {
                    found.push(format!("{path}:{number}: `#{heading}` is not a heading"));
                }
            }
        }
    }
    found
}

/// The lines outside code blocks, with their numbers.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// What forges make of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|one| one.is_alphanumeric() || [' ', '-', '_'].contains(one));
    kept.map(|one| if one == ' ' { '-' } else { one }).collect()
}
