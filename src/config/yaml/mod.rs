//! YAML with positions, in the plain subset that one reader and one writer agree on.
//!
//! YAML 1.2, core schema: `yes`, `no`, `on` and `off` are strings. Anchors, aliases, tags, several
//! documents and keys that are not strings are refused, each by a finding with its place: overlays
//! do what anchors are used for, and nothing in a file can then grow when it is read. Reading never
//! fails as a whole and never panics.

mod build;
mod scalar;
mod source;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Diagnostic, Span};
use crate::limits;

pub use source::Mark;
use source::Source;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub mark: Mark,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Null, a boolean, a number or a string.
    Scalar(serde_json::Value),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order of the file, without duplicate keys.
    Mapping(Vec<Entry>),
    /// Something that was refused and reported: nothing further is concluded from it.
    Broken,
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub mark: Mark,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A map.
    pub fn mapping(mark: Mark, entries: Vec<Entry>) -> Self {
        Self {
            mark,
            kind: Kind::Mapping(entries),
        }
    }

    /// A scalar.
    pub fn scalar(mark: Mark, value: impl Into<serde_json::Value>) -> Self {
        Self {
            mark,
            kind: Kind::Scalar(value.into()),
        }
    }

    /// The entries, if it is a map; else none.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of a key, if it is a map that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key, if it is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Scalar(serde_json::Value::Null))
    }
}

/// What came of reading one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The tree; absent where the file could not be read to its end.
    pub root: Option<Node>,
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads `bytes`, the content of `file`. Bounds: [`limits::YAML_BYTES_MAX`],
/// [`limits::YAML_DEPTH_MAX`], [`limits::YAML_NODES_MAX`]. Findings: `S000` (not readable), `S007`
/// (duplicate key, number as account id), `S011` (outside of the subset).
pub fn read(file: &str, bytes: &[u8]) -> Read {
    let refused = |span, message: String, help: &str| Read {
        root: None,
        diagnostics: vec![Diagnostic::error("S000", span, message).help(help)],
    };
    if bytes.len() > limits::YAML_BYTES_MAX {
        return refused(
            first_byte(file),
            format!(
                "the file has {} bytes, more than the {} that are read as configuration",
                bytes.len(),
                limits::YAML_BYTES_MAX
            ),
            "keep data in files of their own",
        );
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let (good, _) = bytes.split_at(error.valid_up_to());
            let text = std::str::from_utf8(good).expect("valid up to here");
            let span = Source::new(file, text).span_at(good.len());
            return refused(span, "the file is not UTF-8".to_owned(), "save it as UTF-8");
        }
    };
    let source = Source::new(file, text);
    if let Some((at, character)) = text.char_indices().find(|(_, c)| !printable(*c)) {
        return refused(
            source.span_at(at),
            format!(
                "the control character U+{:04X} in the file",
                u32::from(character)
            ),
            "remove it, or write it as an escape in double quotes",
        );
    }
    build::build(&source)
}

/// The first byte of a file: where findings about a whole file stand.
pub fn first_byte(file: &str) -> Span {
    Mark::START.span(file)
}

/// What YAML allows in a file.
fn printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{85}') || !c.is_control()
}
