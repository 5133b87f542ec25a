//! Lists of patterns, as `ssh_config(5)` describes them.

/// Whether a list of patterns has this name: one of them fits, and none that begins with `!` does.
/// Letters count whatever their case.
pub fn lists(patterns: &str, name: &str) -> bool {
    let mut found = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(not) if fits(not.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => found |= fits(pattern.as_bytes(), name.as_bytes()),
        }
    }
    found
}

/// Whether a pattern with `*` and `?` fits a name. Goes back to the last `*` only.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while let Some(&byte) = name.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&one) if one == b'?' || one.eq_ignore_ascii_case(&byte) => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((last, from)) = star else {
                    return false;
                };
                star = Some((last, from + 1));
                (at, read) = (last + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_what_one_pattern_fits_and_none_takes_out() {
        let check = |patterns, name, expect| {
            assert_eq!(lists(patterns, name), expect, "{patterns} {name}");
        };
        check("ada@example.com", "ada@example.com", true);
        check("ada@example.com", "Ada@Example.com", true);
        check("ada@example.com", "bob@example.com", false);
        check("*@example.com", "bob@example.com", true);
        check("*@example.com", "bob@example.com.evil.test", false);
        check("?da@*", "ada@x", true);
        check("bob@x,ada@x", "ada@x", true);
        check("*@x,!ada@x", "ada@x", false);
        check("!ada@x,*@x", "ada@x", false);
        check("!ada@x", "bob@x", false);
        check("", "", true);
        check("*a*a*a*a*b", &"a".repeat(10_000), false);
    }
}
