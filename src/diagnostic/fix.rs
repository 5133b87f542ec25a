//! Mending files: the fixes of findings, put into the text.

use super::{Diagnostic, Edit};

/// A text with the fixes of `findings` in it, and how many; a fix that touches what another has changed
/// is left for the next time. Fixes that are not safe are taken where `unsafe_too`.
pub fn fixed<'a>(
    text: &str,
    findings: impl IntoIterator<Item = &'a Diagnostic>,
    unsafe_too: bool,
) -> (String, usize) {
    let fixes = findings.into_iter().filter_map(|one| one.fix.as_ref());
    let mut taken: Vec<&Edit> = Vec::new();
    let mut count = 0;
    for fix in fixes.filter(|fix| fix.safe || unsafe_too) {
        let fits = |edit: &Edit| {
            edit.start <= edit.end
                && text.get(edit.start..edit.end).is_some()
                && taken.iter().all(|other| apart(edit, other))
        };
        if !fix.edits.is_empty() && fix.edits.iter().all(fits) {
            taken.extend(&fix.edits);
            count += 1;
        }
    }
    taken.sort();
    let mut fixed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in taken {
        fixed.push_str(text.get(at..edit.start).unwrap_or_default());
        fixed.push_str(&edit.text);
        at = edit.end;
    }
    fixed.push_str(text.get(at..).unwrap_or_default());
    (fixed, count)
}

fn apart(one: &Edit, other: &Edit) -> bool {
    let empty_twin = one.start == other.start && (one.start == one.end || other.start == other.end);
    (one.end <= other.start || other.end <= one.start) && !empty_twin
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::{Fix, Span};

    fn finding(safe: bool, edits: &[(usize, usize, &str)]) -> Diagnostic {
        let span = Span {
            file: "f".to_owned(),
            start: 0,
            end: 0,
            line: 1,
            column: 1,
        };
        let edits = edits.iter().map(|(start, end, text)| Edit {
            start: *start,
            end: *end,
            text: (*text).to_owned(),
        });
        let mut finding = Diagnostic::error("S001", span, "x");
        finding.fix = Some(Fix {
            safe,
            edits: edits.collect(),
        });
        finding
    }

    #[test]
    fn fixes_are_taken_whole_or_not_at_all() {
        let check = |findings: &[Diagnostic], unsafe_too, expected: (&str, usize)| {
            let (text, count) = fixed("abcdef", findings, unsafe_too);
            assert_eq!((text.as_str(), count), expected);
        };
        let (first, both) = (
            finding(true, &[(0, 1, "X")]),
            finding(true, &[(0, 2, ""), (4, 5, "Y")]),
        );
        check(&[first.clone(), both.clone()], false, ("Xbcdef", 1));
        check(&[both, first], false, ("cdYf", 1));
        let last = finding(false, &[(6, 6, "!")]);
        check(std::slice::from_ref(&last), false, ("abcdef", 0));
        check(
            &[finding(true, &[(5, 5, "-")]), last],
            true,
            ("abcde-f!", 2),
        );
        check(
            &[finding(true, &[(5, 9, "")]), finding(true, &[])],
            true,
            ("abcdef", 0),
        );
    }

    proptest! {
        #[test]
        fn no_fix_panics(edits in proptest::collection::vec((0..12_usize, 0..12_usize, "[a-c]{0,3}"), 0..8)) {
            let findings: Vec<_> = edits.iter().map(|(start, end, text)| finding(true, &[(*start, *end, text)])).collect();
            let (_, count) = fixed("äbcdéf", &findings, false);
            prop_assert!(count <= findings.len());
        }
    }
}
