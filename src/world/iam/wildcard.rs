//! Patterns of IAM: `*` is any text, `?` one character.

/// Whether all of a text is what a pattern stands for. Case counts.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Where the last star was, and what it had taken: on a mismatch it takes one more.
    let mut star = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(one) if *one == '?' || *one == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                in_text = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}

/// The same without regard to case.
pub(super) fn matches_any_case(pattern: &str, text: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// The same for ARNs: each of their parts by itself, so that a star does not reach over a colon
/// before the last.
pub(super) fn matches_arn(pattern: &str, text: &str) -> bool {
    let (patterns, texts) = (pattern.splitn(6, ':'), text.splitn(6, ':'));
    patterns.clone().count() == texts.clone().count()
        && patterns
            .zip(texts)
            .all(|(pattern, text)| matches(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_others() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        };
        for (pattern, text) in [
            ("*", ""),
            ("*", "a/b:c"),
            ("a*c", "abbc"),
            ("a*c*", "acbc"),
            ("*b*", "abc"),
            ("a?c", "abc"),
            ("ü?", "üß"),
            ("", ""),
            ("a**", "a"),
        ] {
            check(pattern, text, true);
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a?", "a"),
            ("a*c", "abd"),
            ("", "a"),
            ("A", "a"),
        ] {
            check(pattern, text, false);
        }
        // What backtracks for each star would not come back from this one.
        let long = "a".repeat(5_000);
        check(&format!("{}b", "a*".repeat(50)), &long, false);
    }

    #[test]
    fn a_star_in_an_arn_stays_in_its_part() {
        assert!(matches_arn("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b/c"));
        assert!(matches_arn(
            "arn:aws:sagemaker:*:1:model/*",
            "arn:aws:sagemaker:eu-west-1:1:model/m"
        ));
        assert!(!matches_arn("arn:aws:*", "arn:aws:s3:::b"));
        assert!(!matches_arn(
            "arn:aws:sagemaker:*:2:model/*",
            "arn:aws:sagemaker:x:1:2:model/m"
        ));
    }
}
