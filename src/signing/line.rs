//! One line of a list of keys: words, some of them with quotes.

/// What a line is made of, with what its bytes are from its start.
#[derive(Debug)]
pub(super) struct Line<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word with where it begins; `None` at the end, or where a quote is not closed. Blanks
    /// between quotes are part of it, and the quotes stay.
    pub(super) fn word(&mut self) -> Option<(usize, &'a str)> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let mut quoted = false;
        let mut escaped = false;
        let end = rest.char_indices().find_map(|(at, one)| {
            let is_end = one.is_whitespace() && !quoted;
            quoted ^= one == '"' && !escaped;
            escaped = one == '\\' && !escaped;
            is_end.then_some(at)
        });
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at = start + word.len();
        (!word.is_empty() && !quoted).then_some((start, word))
    }

    /// The next word, left where it is.
    pub(super) fn peek(&self) -> Option<(usize, &'a str)> {
        Self { ..*self }.word()
    }
}

/// The options of a word: what is between commas that are outside of quotes, each as a name in lower case
/// and what is said of it.
pub(super) fn options(word: &str) -> Vec<(String, Option<&str>)> {
    let mut quoted = false;
    let parts = word.split(|one| {
        quoted ^= one == '"';
        one == ',' && !quoted
    });
    parts.map(option).collect()
}

fn option(part: &str) -> (String, Option<&str>) {
    match part.split_once('=') {
        Some((name, value)) => (name.to_ascii_lowercase(), Some(value)),
        None => (part.to_ascii_lowercase(), None),
    }
}

/// The text between quotes.
pub(super) fn unquoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_outside_of_quotes() {
        let check = |text, expect: &[(usize, &str)]| {
            let mut line = Line::new(text);
            let words: Vec<_> = std::iter::from_fn(|| line.word()).collect();
            assert_eq!(words, expect, "{text}");
        };
        check("", &[]);
        check(" a\tb  ", &[(1, "a"), (3, "b")]);
        check(
            "a x=\"b c\",d e",
            &[(0, "a"), (2, "x=\"b c\",d"), (12, "e")],
        );
        check(
            "a \"b\\\" c\" d",
            &[(0, "a"), (2, "\"b\\\" c\""), (10, "d")],
        );
        check("a \"b c", &[(0, "a")]);
    }

    #[test]
    fn options_end_at_commas_outside_of_quotes() {
        let found = options("cert-authority,Namespaces=\"git,file\",x=");
        let expect = [
            ("cert-authority".to_owned(), None),
            ("namespaces".to_owned(), Some("\"git,file\"")),
            ("x".to_owned(), Some("")),
        ];
        assert_eq!(found, expect);
        assert_eq!(unquoted("\"a,b\""), Some("a,b"));
        for bad in ["a", "\"a", "\"a\"b\"", "\""] {
            assert_eq!(unquoted(bad), None, "{bad}");
        }
    }
}
