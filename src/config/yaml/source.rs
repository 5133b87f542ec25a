//! Places in a text: the parser counts characters, findings name bytes, lines and columns.

use crate::diagnostic::Span;

/// A place in a file that is known from the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of `start`, from 1.
    pub line: usize,
    /// Column of `start` in characters, from 1.
    pub column: usize,
}

impl Mark {
    /// The start of a file.
    pub const START: Self = Self {
        start: 0,
        end: 0,
        line: 1,
        column: 1,
    };

    /// The place in `file`.
    pub fn span(self, file: &str) -> Span {
        Span {
            file: file.to_owned(),
            start: self.start,
            end: self.end,
            line: self.line,
            column: self.column,
        }
    }
}

/// A text with the tables that turn positions into marks.
pub(super) struct Source<'a> {
    /// Its path.
    pub(super) file: &'a str,
    /// Its content, without a byte order mark.
    pub(super) text: &'a str,
    /// Bytes of the byte order mark that was taken off.
    offset: usize,
    /// Byte of each character and, last, the length; empty for ASCII, where both agree.
    bytes: Vec<usize>,
    /// First byte of each line.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Prepares the tables.
    pub(super) fn new(file: &'a str, whole: &'a str) -> Self {
        let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            let ends = std::iter::once(text.len());
            text.char_indices().map(|(at, _)| at).chain(ends).collect()
        };
        let breaks = text.bytes().enumerate();
        let starts = breaks.filter_map(|(at, byte)| (byte == b'\n').then_some(at + 1));
        Self {
            file,
            text,
            offset: whole.len() - text.len(),
            bytes,
            lines: std::iter::once(0).chain(starts).collect(),
        }
    }

    /// The byte of the character with this index; past the end: the length.
    pub(super) fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            character.min(self.text.len())
        } else {
            let byte = self.bytes.get(character);
            byte.copied().unwrap_or(self.text.len())
        }
    }

    /// The mark of a range of bytes, without the white space at its end.
    pub(super) fn mark(&self, start: usize, end: usize) -> Mark {
        let end = end.max(start);
        let held = self.text.get(start..end).unwrap_or_default().trim_end();
        let line = self.lines.partition_point(|first| *first <= start);
        let first = self.lines[line - 1];
        Mark {
            start: start + self.offset,
            end: start + held.len() + self.offset,
            line,
            column: 1 + self
                .text
                .get(first..start)
                .map_or(0, |text| text.chars().count()),
        }
    }

    /// The text of a mark.
    pub(super) fn held(&self, mark: Mark) -> &'a str {
        let range = mark.start.saturating_sub(self.offset)..mark.end.saturating_sub(self.offset);
        self.text.get(range).unwrap_or_default()
    }

    /// One past the last byte of a mark, in the text.
    pub(super) fn end(&self, mark: Mark) -> usize {
        mark.end.saturating_sub(self.offset)
    }

    /// One past the quote that closes the quoted text at `start`, if that is one: the parser's
    /// own mark reaches on to the next token.
    pub(super) fn quoted_end(&self, start: usize) -> Option<usize> {
        let text = self.text.get(start..)?;
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let mut inner = text.char_indices().skip(1).peekable();
        while let Some((at, c)) = inner.next() {
            let doubled = quote == '\'' && inner.peek().is_some_and(|(_, next)| *next == quote);
            if (quote == '"' && c == '\\') || (c == quote && doubled) {
                inner.next();
            } else if c == quote {
                return Some(start + at + 1);
            }
        }
        None
    }

    /// The place of one byte of the text.
    pub(super) fn span_at(&self, byte: usize) -> Span {
        self.mark(byte, byte).span(self.file)
    }
}
