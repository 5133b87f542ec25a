//! Paths by pattern: `*` stands for anything within a step, `**` for any number of steps.

/// Whether `path` matches `pattern`. Linear for each wildcard: it goes back to the last one only.
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<_> = pattern.split('/').collect();
    let path: Vec<_> = path.split('/').collect();
    wild(
        &pattern,
        &path,
        |step| *step == "**",
        |step, part| {
            let (step, part): (Vec<_>, Vec<_>) = (step.chars().collect(), part.chars().collect());
            wild(&step, &part, |c| *c == '*', |c, d| c == d)
        },
    )
}

fn wild<T>(
    pattern: &[T],
    items: &[T],
    any: impl Fn(&T) -> bool,
    same: impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut retry = None;
    while item < items.len() {
        if pattern.get(at).is_some_and(&any) {
            retry = Some((at + 1, item));
            at += 1;
        } else if pattern.get(at).is_some_and(|one| same(one, &items[item])) {
            (at, item) = (at + 1, item + 1);
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            (at, item) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_their_steps() {
        for (pattern, path, expected) in [
            ("models/*/config.yaml", "models/a/config.yaml", true),
            ("models/*/config.yaml", "models/a/b/config.yaml", false),
            ("models/*/config.yaml", "models/config.yaml", false),
            ("models/**/config.yaml", "models/config.yaml", true),
            ("models/**/config.yaml", "models/a/b/config.yaml", true),
            ("**/m-*-x/config.yaml", "a/m-1-x/b/m-2-x/config.yaml", true),
            ("**/m-*-x/config.yaml", "a/m-1-y/config.yaml", false),
            ("config.yaml", "config.yaml", true),
            ("", "config.yaml", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn hostile_patterns_are_fast() {
        let path = "a/".repeat(2000) + "config.yaml";
        assert!(!matches(&("**/".repeat(500) + "b"), &path));
        assert!(!matches(&("*a".repeat(500) + "b"), &"a".repeat(4000)));
    }
}
