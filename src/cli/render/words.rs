//! Small words: counts, times, values, tables.

use std::fmt::Write as _;

use serde_json::Value;

use crate::clock::{SignedDuration, Timestamp};
use crate::diagnostic::render::tame;

/// Characters of one value that are shown.
const VALUE_CHARS_MAX: usize = 80;

/// `1 commit`, `2 commits`
pub fn many(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// A length of time in its two largest units: `4m 10s`, `2h 5m`, `3d`. Less than a second is `0s`.
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut shown = Vec::new();
    for (length, unit) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            shown.push(format!("{count}{unit}"));
        } else if !shown.is_empty() {
            break;
        }
    }
    if shown.is_empty() {
        return "0s".to_owned();
    }
    shown.truncate(2);
    shown.join(" ")
}

/// How long ago an instant was.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.duration_since(then)))
}

/// An instant to the second.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The first 8 digits of a commit.
pub fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

/// Text from elsewhere on one line that no terminal acts on.
pub fn line(text: &str) -> String {
    tame(text).replace(['\n', '\t'], " ")
}

/// `/ProductionVariants/0/InstanceType` as `ProductionVariants[0].InstanceType`.
pub fn path(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            write!(path, "[{step}]").expect("a string takes everything");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    line(&path)
}

/// A value on one line: strings bare, the rest as JSON, cut where it is long.
pub fn value(value: &Value) -> String {
    let text = match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    };
    let text = line(&text);
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// Rows with their cells below each other; no spaces at the ends of lines. `paint` may change the
/// look of a cell, not its width: it is given the row, the column and the padded cell.
pub fn table(rows: &[Vec<String>], paint: impl Fn(usize, usize, &str) -> String) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let last = row
            .iter()
            .rposition(|cell| !cell.is_empty())
            .map_or(0, |last| last + 1);
        for (column, cell) in row.iter().take(last).enumerate() {
            let end = column + 1 == last;
            let width = if end { 0 } else { widths[column] };
            text.push_str(&paint(at, column, &format!("{cell:width$}")));
            text.push_str(if end { "" } else { "  " });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(seconds: i64, expect: &str) {
        assert_eq!(span(SignedDuration::from_secs(seconds)), expect);
    }

    #[test]
    fn times_are_short() {
        check(-5, "0s");
        check(0, "0s");
        check(59, "59s");
        check(250, "4m 10s");
        check(7_200, "2h");
        check(7_205, "2h");
        check(7_505, "2h 5m");
        check(3 * 86_400 + 3_600, "3d 1h");
    }

    #[test]
    fn paths_are_those_of_programs() {
        assert_eq!(
            path("/ProductionVariants/0/InstanceType"),
            "ProductionVariants[0].InstanceType"
        );
        assert_eq!(path("/Tags/a~1b"), "Tags.a/b");
        assert_eq!(path(""), "");
    }

    #[test]
    fn values_are_short_and_harmless() {
        assert_eq!(value(&json!("ml.m5.large")), "ml.m5.large");
        assert_eq!(value(&json!("")), "\"\"");
        assert_eq!(value(&json!({"a": [1]})), r#"{"a":[1]}"#);
        assert_eq!(value(&json!("a\u{1b}[2J\nb")), "a\\u{1b}[2J b");
        assert_eq!(
            value(&json!("é".repeat(100))).chars().count(),
            VALUE_CHARS_MAX + 1
        );
    }

    #[test]
    fn a_table_lines_up() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let rows = [
            row(&["A", "BB", "C"]),
            row(&["aaa", "", "é"]),
            row(&["x", "", ""]),
        ];
        let text = table(&rows, |_, _, cell| cell.to_owned());
        assert_eq!(text, "A    BB  C\naaa      é\nx\n");
    }
}
