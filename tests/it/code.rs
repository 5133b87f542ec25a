//! Code as the rules of [`super::tidy`] read it: without comments, strings and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One file, with blanks in place of comments and strings.
pub(super) struct Source {
    /// From the root of the repository.
    pub(super) path: String,
    /// With its tests.
    pub(super) whole: String,
    /// Without them.
    pub(super) code: String,
    /// How long it is.
    pub(super) lines: usize,
}

impl Source {
    pub(super) fn new(path: String, text: &str) -> Self {
        let whole = without_comments_and_strings(text);
        let tests = path.ends_with("/tests.rs") || path.contains("/tests/");
        let code = if tests {
            String::new()
        } else {
            without_tests(&whole)
        };
        Self {
            lines: text.lines().count(),
            path,
            whole,
            code,
        }
    }

    /// `plan` of `src/plan/y.rs`, `reconcile` of `src/reconcile.rs`; `None`: no room's.
    pub(super) fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let room = rest
            .split_once('/')
            .map_or_else(|| rest.trim_end_matches(".rs"), |(room, _)| room);
        (!["lib", "main"].contains(&room)).then_some(room)
    }

    /// How many `super`s lead to the crate's root.
    pub(super) fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") {
            parts - 1
        } else {
            parts
        }
    }

    pub(super) fn finding(&self, at: usize, what: &str) -> String {
        let line = self
            .whole
            .get(..at)
            .map_or(0, |before| before.matches('\n').count())
            + 1;
        format!("{}:{line}: {what}", self.path)
    }
}

/// The identifiers of a code, with their places.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |one: char| one.is_alphanumeric() || one == '_';
    code.match_indices(part).filter_map(move |(at, _)| {
        let starts = !code[..at].ends_with(part);
        starts.then(|| {
            (
                at,
                code[at..]
                    .split(|one| !part(one))
                    .next()
                    .unwrap_or_default(),
            )
        })
    })
}

/// What stands right below `root` in paths: `b` and `c` of `root::b::x` and of `root::{b::x, c}`.
pub(super) fn children<'c>(code: &'c str, root: &str) -> Vec<(usize, &'c str)> {
    let mut found = Vec::new();
    for (at, _) in words(code).filter(|(_, word)| *word == root) {
        let Some(rest) = code[at + root.len()..].strip_prefix("::") else {
            continue;
        };
        let Some(group) = rest.strip_prefix('{') else {
            found.extend(words(rest).next().map(|(_, word)| (at, word)));
            continue;
        };
        let mut depth = 0_u32;
        let mut first = true;
        for (place, one) in group.char_indices() {
            match one {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => first = true,
                _ if first && !one.is_whitespace() => {
                    found.extend(words(&group[place..]).next().map(|(_, word)| (at, word)));
                    first = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// The text with blanks in place of comments and of what strings and characters hold.
fn without_comments_and_strings(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(one) = rest.chars().next() {
        let inside_word = kept.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let skipped = match one {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => 1 + quoted(&rest[1..], '"'),
            '\'' if is_character(rest) => 1 + quoted(&rest[1..], '\''),
            'r' | 'b' | 'c' if !inside_word => raw_string(rest),
            _ => 0,
        };
        if skipped == 0 {
            kept.push(one);
            rest = &rest[one.len_utf8()..];
        } else {
            let blank = |one: char| if one == '\n' { '\n' } else { ' ' };
            kept.extend(rest[..skipped].chars().map(blank));
            rest = &rest[skipped..];
        }
    }
    kept
}

/// Bytes up to and with the closing quote.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, one) in rest.char_indices() {
        match one {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if one == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` and `'\n'`, not the lifetime `'a`.
fn is_character(rest: &str) -> bool {
    let mut after = rest.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

/// Bytes of `r#"…"#` and its kin; 0 where there is none.
fn raw_string(rest: &str) -> usize {
    let start = ["r", "br", "cr"].into_iter().find(|start| {
        rest.strip_prefix(start)
            .is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    });
    let Some(start) = start else { return 0 };
    let hashes = rest[start.len()..]
        .bytes()
        .take_while(|byte| *byte == b'#')
        .count();
    let open = start.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    rest[open..]
        .find(&end)
        .map_or(rest.len(), |at| open + at + end.len())
}

/// Bytes of a comment that may hold comments.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_u32;
    for (at, _) in rest.char_indices() {
        if rest[at..].starts_with("/*") {
            depth += 1;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at + 2;
            }
        }
    }
    rest.len()
}

/// The code with blanks in place of what is compiled for tests only.
fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    while let Some(start) = kept.find("#[cfg(test)]") {
        let mut depth = 0_u32;
        let end = kept[start..].char_indices().find_map(|(at, one)| {
            depth += u32::from(one == '{');
            depth -= u32::from(one == '}');
            (depth == 0 && matches!(one, '}' | ';')).then_some(start + at + 1)
        });
        let end = end.unwrap_or(kept.len());
        let blank: String = kept[start..end]
            .chars()
            .map(|one| if one == '\n' { '\n' } else { ' ' })
            .collect();
        kept.replace_range(start..end, &blank);
    }
    kept
}

#[test]
fn what_is_not_code_is_not_looked_at() {
    let text = "a(\"b\\\"c\", 'd', '\\'', &'e f) /* g /* h */ i */ r#\"j\"k\"#; // l\n#[cfg(test)]\nmod t { m! {} }\nn";
    let source = Source::new("src/plan/y.rs".to_owned(), text);
    let left = |code: &str| code.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        left(&source.whole),
        "a( , , , &'e f) ; #[cfg(test)] mod t { m! {} } n"
    );
    assert_eq!(left(&source.code), "a( , , , &'e f) ; n");
    assert_eq!(source.finding(source.code.len(), "n"), "src/plan/y.rs:4: n");
}

/// The root of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the program is made of.
pub(super) fn sources() -> Vec<Source> {
    let files = read_all("src", "rs");
    assert!(files.len() > 20, "the sources were not found");
    files
        .into_iter()
        .map(|(path, text)| Source::new(path, &text))
        .collect()
}

/// The text files below `folder` with this ending, by path from the root, sorted.
pub(super) fn read_all(folder: &str, ending: &str) -> Vec<(String, String)> {
    read_bytes(folder)
        .into_iter()
        .filter(|(path, _)| path.rsplit_once('.').is_some_and(|(_, one)| one == ending))
        .map(|(path, bytes)| (path, String::from_utf8(bytes).expect("sources are UTF-8")))
        .collect()
}

/// The files below `folder`, by path from the root, sorted.
pub(super) fn read_bytes(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a folder's entries can be read").path();
            if path.is_dir() && !path.ends_with(".venv") {
                folders.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(root()).expect("it is below the root");
                let bytes = fs::read(&path).expect("a file can be read");
                found.push((name.display().to_string(), bytes));
            }
        }
    }
    found.sort();
    found
}
