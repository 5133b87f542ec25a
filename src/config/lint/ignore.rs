//! Comments that ignore a finding: `# trueup: ignore[H001] until=2027-01-31 reason="a load test"`.
//!
//! Behind a value such a comment is about its line. In a line of its own it is about the entry below
//! it, whole; with `ignore-file` it is about the file. It ignores only what a rule thinks better of,
//! never what cannot work, and nothing after its day: the day of the commit, or for files on disk the
//! day of the look.

use jiff::civil::Date;

use super::{Level, Rule, rule};
use crate::clock::Timestamp;
use crate::config::installation::Installation;
use crate::config::yaml::{Kind, Mark, Node};
use crate::diagnostic::{Diagnostic, Span};
use crate::limits;

/// An ignorance without a reason or an end.
pub(super) const G002: Rule = Rule {
    code: "G002",
    title: "a comment that ignores a finding without a reason, or without an end, or after it",
    level: Level::WARNING,
    page: page!("G002"),
    // See `apply`.
    check: None,
};

/// An ignorance of nothing.
pub(super) const G008: Rule = Rule {
    code: "G008",
    title: "a comment that ignores nothing",
    level: Level::WARNING,
    page: page!("G008"),
    check: None,
};

/// A finding that a comment ignores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What was found.
    pub finding: Diagnostic,
    /// Until when it is ignored, such as `2027-01-31`.
    pub until: String,
    /// Why.
    pub reason: String,
}

/// The file whose comments count, as it was read.
pub(in crate::config) struct Commented<'a> {
    /// Its path.
    pub(in crate::config) file: &'a str,
    /// Its text.
    pub(in crate::config) text: &'a str,
    /// Its tree.
    pub(in crate::config) root: &'a Node,
}

/// One comment, understood.
struct Directive {
    span: Span,
    codes: Vec<String>,
    until: Date,
    reason: String,
    /// First and last line that it is about.
    lines: (usize, usize),
}

/// Takes out of `findings` what comments of the file ignore, and puts in what is wrong with these.
pub(in crate::config) fn apply(
    commented: &Commented<'_>,
    now: Timestamp,
    installation: Option<&Installation>,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Ignored> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut said = Vec::new();
    let directives = directives(commented, &mut said);
    let mut ignored = Vec::new();
    for directive in directives {
        if directive.until < today {
            let message = format!("the comment ignored this until {}", directive.until);
            let finding = G002.at(directive.span, message);
            said.push(finding.help("mend what it is about, or give it a new day and a reason"));
            continue;
        }
        for code in &directive.codes {
            if let Err(why) = may_ignore(code, installation) {
                said.push(G008.at(directive.span.clone(), why));
                continue;
            }
            let before = ignored.len();
            let hit = |one: &mut Diagnostic| {
                one.code == *code
                    && one.span.file == commented.file
                    && (directive.lines.0..=directive.lines.1).contains(&one.span.line)
            };
            ignored.extend(findings.extract_if(.., hit).map(|finding| Ignored {
                finding,
                until: directive.until.to_string(),
                reason: directive.reason.clone(),
            }));
            if ignored.len() == before {
                let message = format!("there is no {code} here to ignore");
                said.push(
                    G008.at(directive.span.clone(), message)
                        .help("remove the comment"),
                );
            }
        }
    }
    findings.extend(
        said.into_iter()
            .filter_map(|finding| graded(finding, installation)),
    );
    ignored
}

/// The same with the severity that it has for the strictest environment.
fn graded(mut finding: Diagnostic, installation: Option<&Installation>) -> Option<Diagnostic> {
    let mode = crate::config::model::EnvironmentMode::Production;
    finding.severity = super::level::severity(rule(&finding.code)?, mode, installation)?;
    Some(finding)
}

fn may_ignore(code: &str, installation: Option<&Installation>) -> Result<(), String> {
    let Some(rule) = rule(code) else {
        return Err(format!("there is no rule `{code}`"));
    };
    if rule.level.firm {
        return Err(format!("{code} finds what cannot work: it is not ignored"));
    }
    let forbidden = installation.is_some_and(|one| {
        let codes = &one.lint.not_ignorable;
        codes.iter().any(|one| one == code)
    });
    if forbidden {
        return Err(format!("trueup.yaml does not let {code} be ignored"));
    }
    Ok(())
}

const HEAD: &str = "# trueup:";

/// The comments of a file that are for trueup; what is wrong with them is put into `said`.
fn directives(commented: &Commented<'_>, said: &mut Vec<Diagnostic>) -> Vec<Directive> {
    let mut scalars = Vec::new();
    let mut entries = Vec::new();
    places(commented.root, &mut scalars, &mut entries);
    let within = |at: usize| {
        scalars
            .iter()
            .any(|mark: &Mark| (mark.start..mark.end).contains(&at))
    };
    let mut directives = Vec::new();
    let mut start = 0;
    for (index, line) in commented.text.split('\n').enumerate() {
        let found = line.find(HEAD).filter(|at| !within(start + at));
        if let Some(at) = found {
            let words = line[at..].trim_end();
            let span = Span {
                file: commented.file.to_owned(),
                start: start + at,
                end: start + at + words.len(),
                line: index + 1,
                column: 1 + line[..at].chars().count(),
            };
            if directives.len() >= limits::IGNORES_MAX {
                let message = format!("more than {} comments that ignore", limits::IGNORES_MAX);
                said.push(G002.at(span, message));
                break;
            }
            let own = line[..at].trim().is_empty();
            let about = || lines(commented.text, index, own, &entries);
            match understood(&words[HEAD.len()..], span.clone(), about) {
                Ok(directive) => directives.push(directive),
                Err(why) => said.push(G002.at(span, why).help(EXAMPLE)),
            }
        }
        start += line.len() + 1;
    }
    directives
}

const EXAMPLE: &str = "write `# trueup: ignore[H001] until=2027-01-31 reason=\"a load test\"`";

/// Where scalars and keys stand, and the first and last line of each entry.
fn places(node: &Node, scalars: &mut Vec<Mark>, entries: &mut Vec<(usize, Mark)>) {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match &node.kind {
            Kind::Scalar(_) | Kind::Broken => scalars.push(node.mark),
            Kind::Sequence(items) => open.extend(items),
            Kind::Mapping(all) => {
                for entry in all {
                    scalars.push(entry.mark);
                    entries.push((entry.mark.line, entry.value.mark));
                    open.push(&entry.value);
                }
            }
        }
    }
}

/// The lines that a comment in the line `index` (from 0) is about.
fn lines(text: &str, index: usize, own: bool, entries: &[(usize, Mark)]) -> (usize, usize) {
    if !own {
        return (index + 1, index + 1);
    }
    let mut after = text.split('\n').enumerate().skip(index + 1);
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let Some((first, _)) = after.find(|(_, line)| is_content(line)) else {
        return (index + 1, index + 1);
    };
    let first = first + 1;
    let ends = entries.iter().filter(|(line, _)| *line == first);
    let last = ends.map(|(_, mark)| {
        let held = text.get(mark.start..mark.end).unwrap_or_default();
        mark.line + held.matches('\n').count()
    });
    (first, last.max().unwrap_or(first).max(first))
}

/// Reads what follows `# trueup:`.
fn understood(
    words: &str,
    span: Span,
    about: impl Fn() -> (usize, usize),
) -> Result<Directive, String> {
    let (head, rest) = words
        .trim()
        .split_once('[')
        .ok_or("a comment for trueup without a code")?;
    let (codes, rest) = rest
        .split_once(']')
        .ok_or("the codes do not end with `]`")?;
    let lines = match head {
        "ignore" => about(),
        "ignore-file" => (1, usize::MAX),
        other => return Err(format!("`{other}` means nothing to trueup")),
    };
    let codes: Vec<_> = codes
        .split(',')
        .map(|code| code.trim().to_owned())
        .collect();
    let mut until = None;
    let mut reason = None;
    let mut rest = rest.trim();
    while !rest.is_empty() {
        let (key, value) = rest
            .split_once('=')
            .ok_or_else(|| format!("`{rest}` is no `key=value`"))?;
        let (value, after) = value_of(value).ok_or("a quote that is not closed")?;
        match key {
            "until" => {
                let day: Result<Date, _> = value.parse();
                until = Some(day.map_err(|_| format!("`{value}` is no day such as `2027-01-31`"))?);
            }
            "reason" => reason = Some(value.to_owned()).filter(|text| !text.trim().is_empty()),
            other => return Err(format!("`{other}` means nothing here")),
        }
        rest = after.trim();
    }
    Ok(Directive {
        span,
        codes,
        until: until.ok_or("the comment does not say until when: it ignores nothing")?,
        reason: reason.ok_or("the comment does not say why: it ignores nothing")?,
        lines,
    })
}

/// A value, in quotes or up to the next space, and what is behind it.
fn value_of(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"');
    }
    Some(text.split_once(char::is_whitespace).unwrap_or((text, "")))
}
