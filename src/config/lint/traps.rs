//! What other readers of YAML, or of text, take for something else.

use super::{Findings, Level, Rule, Subject};
use crate::config::yaml::{Kind, Mark, Node};
use crate::diagnostic::{Edit, Fix};

/// Two readers, two values.
pub(super) const S015: Rule = Rule {
    code: "S015",
    title: "a value that other readers of YAML take for something else",
    level: Level::WARNING,
    page: page!("S015"),
    check: Some(ambiguous),
};

/// Bytes that editors hide.
pub(super) const S016: Rule = Rule {
    code: "S016",
    title: "a byte order mark, or line ends of Windows",
    level: Level::WARNING,
    page: page!("S016"),
    check: Some(hidden),
};

fn ambiguous(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let text = subject.text_of_file();
    for mark in plain_scalars(subject.written) {
        let Some(held) = text.get(mark.start..mark.end) else {
            continue;
        };
        let Some(as_what) = misread(held) else {
            continue;
        };
        let message = format!("readers of YAML 1.1 take `{held}` for {as_what}");
        // A number stays one, in the decimal that it is read as here.
        let number = held.strip_prefix(['-', '+']).unwrap_or(held);
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        let put = if digits {
            let sign = &held[..held.len() - number.len()];
            format!("{sign}{}", number.trim_start_matches('0'))
        } else {
            format!("\"{held}\"")
        };
        let help = format!("write `{put}`, which every reader takes for the same");
        let finding = S015
            .at(mark.span(subject.origins.file()), message)
            .help(help);
        findings.push(finding.mend(true, mark.start, mark.end, put));
    }
}

/// Where keys and values stand that may be written without quotes.
fn plain_scalars(root: &Node) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match &node.kind {
            Kind::Scalar(_) => marks.push(node.mark),
            Kind::Broken => {}
            Kind::Sequence(items) => open.extend(items),
            Kind::Mapping(entries) => {
                marks.extend(entries.iter().map(|entry| entry.mark));
                open.extend(entries.iter().map(|entry| &entry.value));
            }
        }
    }
    marks
}

/// What YAML 1.1 makes of a text without quotes, where YAML 1.2 makes something else of it. A moment
/// is left alone: it is the same in both, however it is kept.
fn misread(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if ["yes", "no", "on", "off"].contains(&lower.as_str()) {
        return Some("true or false");
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |fits: fn(char) -> bool| !number.is_empty() && number.chars().all(fits);
    let starts = number.starts_with(|c: char| c.is_ascii_digit());
    if number.len() > 1 && number.starts_with('0') && all(|c| ('0'..='7').contains(&c)) {
        return (number.trim_start_matches('0').len() > 1).then_some("an octal number");
    }
    if starts && number.contains('_') && all(|c| c.is_ascii_digit() || c == '_' || c == '.') {
        return Some("a number");
    }
    let parts: Vec<_> = number.split(':').collect();
    let sixtieth = |part: &&str| part.len() <= 2 && part.parse::<u8>().is_ok_and(|one| one < 60);
    if parts.len() > 1 && starts && parts[1..].iter().all(sixtieth) {
        return parts[0]
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then_some("a number of base 60");
    }
    is_day(text).then_some("a date")
}

/// `2026-01-02`
fn is_day(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let digits = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(digits)
}

fn hidden(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let text = subject.text_of_file();
    let file = subject.origins.file();
    if text.starts_with('\u{feff}') {
        let message = "the file starts with a byte order mark";
        let finding = S016.at(Mark::START.span(file), message);
        let finding = finding.help("save it as UTF-8 without one");
        findings.push(finding.mend(true, 0, '\u{feff}'.len_utf8(), ""));
    }
    let ends: Vec<_> = text.match_indices("\r\n").map(|(at, _)| at).collect();
    if let Some(first) = ends.first() {
        let line = 1 + text[..*first].matches('\n').count();
        let mut span = Mark::START.span(file);
        (span.start, span.end, span.line) = (*first, *first, line);
        span.column = 1 + text[..*first]
            .chars()
            .rev()
            .take_while(|c| *c != '\n')
            .count();
        let message = format!("{} lines end as on Windows", ends.len());
        let mut finding = S016.at(span, message);
        let edits = ends.iter().map(|at| Edit {
            start: *at,
            end: at + 1,
            text: String::new(),
        });
        finding.fix = Some(Fix {
            safe: true,
            edits: edits.collect(),
        });
        findings.push(finding.help("save it with line feeds, and see to `.gitattributes`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_versions_of_yaml_read_alike_is_left_alone() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(misread(text), expected, "{text}");
        for one in ["yes", "No", "ON", "off"] {
            check(one, Some("true or false"));
        }
        check("0777", Some("an octal number"));
        check("1_000", Some("a number"));
        check("12:30", Some("a number of base 60"));
        check("2026-01-02", Some("a date"));
        for one in [
            "true",
            "none",
            "0",
            "07",
            "0.1",
            "0o17",
            "0x1f",
            "10",
            "1e3",
            "2026-01-02T09:00:00Z",
            "y",
            "churn",
            "a_b",
            "12:99",
            "a:1",
            "s3://b",
            "",
            "-",
            "2026-1-2",
            "00",
            "0899",
        ] {
            check(one, None);
        }
    }
}
