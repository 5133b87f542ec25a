//! What tells findings apart though lines move: the rule, the file, and the path in its document.

use std::collections::BTreeMap;

use crate::config::document::join;
use crate::config::yaml::{self, Kind, Node};
use crate::diagnostic::Diagnostic;
use crate::resource::canonical::sha256;
use crate::snapshot::Snapshot;

/// Hexadecimal digits of a fingerprint.
const DIGITS: usize = 32;

/// Paths and fingerprints of findings in the files of a snapshot; each file is read once.
pub struct Notes<'a> {
    snapshot: &'a Snapshot,
    roots: BTreeMap<&'a str, Option<Node>>,
    seen: BTreeMap<String, usize>,
}

impl<'a> Notes<'a> {
    /// Nothing noted yet.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            roots: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// The path of a finding in its document, as a JSON pointer; empty where the file is about no
    /// part of it.
    pub fn path(&mut self, finding: &Diagnostic) -> String {
        // What is about the whole file stands before its first byte.
        if finding.span.end == 0 {
            return String::new();
        }
        let Some((file, held)) = self.snapshot.files.get_key_value(&finding.span.file) else {
            return String::new();
        };
        let read = || yaml::read(file, &held.bytes).root;
        let root = self.roots.entry(file).or_insert_with(read);
        let root = root.as_ref();
        root.map_or_else(String::new, |root| path(root, finding.span.start))
    }

    /// The same, with what tells it from all others that were asked for before.
    pub fn note(&mut self, finding: &Diagnostic) -> (String, String) {
        let path = self.path(finding);
        let mut text = format!("{}\0{}\0{path}", finding.code, finding.span.file);
        let count = self.seen.entry(text.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            text = format!("{text}\0{count}");
        }
        (path, sha256(text.as_bytes())[..DIGITS].to_owned())
    }
}

/// The innermost entry or item around a byte.
fn path(root: &Node, byte: usize) -> String {
    let mut pointer = String::new();
    let mut node = root;
    loop {
        let within = |start: usize, end: usize| (start..=end).contains(&byte);
        let inner = match &node.kind {
            Kind::Scalar(_) | Kind::Broken => None,
            Kind::Mapping(entries) => entries
                .iter()
                .find(|one| within(one.mark.start, one.value.mark.end.max(one.mark.end)))
                .map(|one| (join(&pointer, &one.key), &one.value)),
            Kind::Sequence(items) => items
                .iter()
                .enumerate()
                .find(|(_, one)| within(one.mark.start, one.mark.end))
                .map(|(at, one)| (format!("{pointer}/{at}"), one)),
        };
        let Some((step, next)) = inner else {
            return pointer;
        };
        (pointer, node) = (step, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_the_path_of_what_is_around_it() {
        let text = "a: {b: [x, y]}\nc:\n  d/e: 1\n  f: 2\n";
        let root = yaml::read("f", text.as_bytes()).root.expect("YAML");
        let check = |at: &str, expected: &str| {
            let byte = text.find(at).expect("it is there");
            assert_eq!(path(&root, byte), expected, "{at}");
        };
        check("a:", "/a");
        check("b:", "/a/b");
        check("y]", "/a/b/1");
        check("d/e", "/c/d~1e");
        check("2", "/c/f");
        assert_eq!(path(&root, 9999), "");
    }
}
