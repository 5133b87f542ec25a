//! Two texts side by side, as `diff -u` shows them.

use std::fmt::Write as _;

use crate::limits;

/// Lines around a change.
const CONTEXT: usize = 3;

/// One line of both, the old, or the new text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Both(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// What makes `old` `new`; empty where nothing does. `path` is what the file is called.
pub fn diff(path: &str, old: &str, new: &str) -> String {
    let lines = lines(old, new);
    let changed = |line: &Line<'_>| !matches!(line, Line::Both(_));
    let mut text = String::new();
    let mut at = 0;
    while let Some(first) = lines[at..].iter().position(changed).map(|one| at + one) {
        let from = first.saturating_sub(CONTEXT).max(at);
        // A hunk goes on while the next change is near.
        let mut to = first + 1;
        while let Some(next) = lines[to..].iter().take(2 * CONTEXT + 1).position(changed) {
            to += next + 1;
        }
        let to = (to + CONTEXT).min(lines.len());
        if text.is_empty() {
            writeln!(text, "--- a/{path}\n+++ b/{path}").expect("a string takes everything");
        }
        hunk(&mut text, &lines, from, to);
        at = to;
    }
    text
}

fn hunk(text: &mut String, lines: &[Line<'_>], from: usize, to: usize) {
    let old = |line: &&Line<'_>| !matches!(line, Line::New(_));
    let new = |line: &&Line<'_>| !matches!(line, Line::Old(_));
    let (before, held) = (&lines[..from], &lines[from..to]);
    let range = |start: usize, count: usize| {
        // Nothing stands behind the line before it.
        let start = if count == 0 { start } else { start + 1 };
        format!("{start},{count}")
    };
    let olds = range(
        before.iter().filter(old).count(),
        held.iter().filter(old).count(),
    );
    let news = range(
        before.iter().filter(new).count(),
        held.iter().filter(new).count(),
    );
    writeln!(text, "@@ -{olds} +{news} @@").expect("a string takes everything");
    for line in held {
        let (sign, held) = match line {
            Line::Both(held) => (' ', held),
            Line::Old(held) => ('-', held),
            Line::New(held) => ('+', held),
        };
        let end = if held.ends_with('\n') {
            ""
        } else {
            "\n\\ No newline at end of file\n"
        };
        write!(text, "{sign}{held}{end}").expect("a string takes everything");
    }
}

/// The lines of both texts in one order: those that both have stand once.
fn lines<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let olds: Vec<_> = old.split_inclusive('\n').collect();
    let news: Vec<_> = new.split_inclusive('\n').collect();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = olds.iter().zip(&news).take_while(same).count();
    let most = olds.len().min(news.len()) - head;
    let tail = olds.iter().rev().zip(news.iter().rev());
    let tail = tail.take(most).take_while(same).count();
    let (a, b) = (
        &olds[head..olds.len() - tail],
        &news[head..news.len() - tail],
    );
    let mut lines: Vec<_> = olds[..head].iter().map(|one| Line::Both(one)).collect();
    lines.extend(between(a, b));
    lines.extend(olds[olds.len() - tail..].iter().map(|one| Line::Both(one)));
    lines
}

/// The longest order of lines that both have; where there are too many to look for it, none.
fn between<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<Line<'a>> {
    let width = b.len() + 1;
    if a.len().saturating_mul(b.len()) > limits::DIFF_CELLS_MAX {
        let olds = a.iter().map(|one| Line::Old(one));
        return olds.chain(b.iter().map(|one| Line::New(one))).collect();
    }
    // For each pair of places, how many lines the rests have in common.
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push(Line::Both(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len()
            || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            lines.push(Line::Old(a[i]));
            i += 1;
        } else {
            lines.push(Line::New(b[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn changes_are_shown_with_what_is_around_them() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\n";
        let new = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nl\nm\nn";
        assert_snapshot!(diff("x.yaml", old, new), @r"
        --- a/x.yaml
        +++ b/x.yaml
        @@ -1,5 +1,5 @@
         a
        -b
        +B
         c
         d
         e
        @@ -8,6 +8,6 @@
         h
         i
         j
        -k
         l
         m
        +n
        \ No newline at end of file
        ");
        assert_eq!(diff("x", old, old), "");
        assert!(diff("x", "", "a\n").contains("@@ -0,0 +1,1 @@\n+a\n"));
    }

    #[test]
    fn long_texts_that_have_nothing_in_common_are_exchanged() {
        let count = limits::DIFF_CELLS_MAX.isqrt() + 1;
        let many = |head: &str| {
            let lines: Vec<_> = (0..count).map(|n| format!("{head}{n}\n")).collect();
            lines.concat()
        };
        let text = diff("x", &many("a"), &many("b"));
        assert_eq!(text.lines().count(), 3 + 2 * count);
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_lines(old in "([ab]\n){0,8}", new in "([abc]\n){0,8}") {
            let all = lines(&old, &new);
            let pick = |skip: fn(&Line<'_>) -> bool| -> String {
                all.iter().filter(|line| !skip(line)).map(|line| match line {
                    Line::Both(held) | Line::Old(held) | Line::New(held) => *held,
                }).collect()
            };
            prop_assert_eq!(pick(|line| matches!(line, Line::New(_))), old.clone());
            prop_assert_eq!(pick(|line| matches!(line, Line::Old(_))), new.clone());
            prop_assert_eq!(diff("x", &old, &new).is_empty(), old == new);
        }
    }
}
