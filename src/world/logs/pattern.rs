//! What is searched for: terms, phrases, one of several, and none of some.

/// A pattern of terms. JSON and columns have patterns of their own, which are not supported here.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; one that is empty matches everything.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(['{', '[', '%']) {
            return Err(format!(
                "the filter pattern {text} is not supported here: only terms are"
            ));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (terms, word) = match rest.chars().next() {
                Some('?') => (&mut pattern.any, &rest[1..]),
                Some('-') => (&mut pattern.none, &rest[1..]),
                _ => (&mut pattern.all, rest),
            };
            let (term, left) =
                term(word).ok_or_else(|| format!("Invalid filter pattern: {text}"))?;
            terms.push(term);
            rest = left.trim_start();
        }
        Ok(pattern)
    }

    /// Whether a line is of it. Case counts.
    pub(super) fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        self.all.iter().all(has)
            && (self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}

/// A term, which may stand in quotes, and what follows it.
fn term(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (term, rest) = text.split_at(end);
        return (!term.is_empty() && !term.contains('"')).then(|| (term.to_owned(), rest));
    };
    let mut term = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => term.push(letters.next()?.1),
            '"' => return Some((term, &quoted[at + 1..])),
            letter => term.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_of_a_pattern_or_not() {
        let check = |pattern: &str, line: &str, expect: bool| {
            let found = Pattern::read(pattern).unwrap().matches(line);
            assert_eq!(found, expect, "{pattern} {line}");
        };
        check("", "anything", true);
        check("ERROR", "an ERROR here", true);
        check("ERROR", "an error here", false);
        check("one two", "two and one", true);
        check("one two", "one", false);
        check("\"one two\"", "one two", true);
        check("\"one two\"", "two one", false);
        check("\"say \\\"so\\\"\"", "say \"so\"", true);
        check("?one ?two", "two", true);
        check("?one ?two", "three", false);
        check("one -two", "one", true);
        check("one -two", "one two", false);
        check("-\"not this\"", "not that", true);
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for pattern in ["{ $.a = 1 }", "[a, b]", "%[0-9]%", "\"open", "a\"b", "?"] {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
    }
}
