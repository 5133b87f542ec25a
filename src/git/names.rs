//! Which names of files and folders are taken from, and put into, a repository.

/// Bytes of one name: what common file systems take.
const NAME_BYTES_MAX: usize = 255;

/// `name` if it is one that every machine writes where it says, else why not.
pub(super) fn component(name: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
    if text.is_empty() {
        return Err("its name is empty");
    }
    if text.len() > NAME_BYTES_MAX {
        return Err("its name is longer than 255 bytes");
    }
    if text == "." || text == ".." {
        return Err("its name leaves the folder");
    }
    if text.eq_ignore_ascii_case(".git") {
        return Err("its name is Git's own");
    }
    if text.contains('/') {
        return Err("its name holds a slash");
    }
    if text.contains('\\') {
        return Err("its name holds a backslash");
    }
    if text.contains(char::is_control) {
        return Err("its name holds control characters");
    }
    if text.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        return Err("its name holds characters that turn the direction of text");
    }
    Ok(text)
}

/// Whether `path` is relative, `/`-separated and made of allowed names.
pub(super) fn path(path: &str) -> Result<(), &'static str> {
    path.split('/')
        .try_for_each(|name| component(name.as_bytes()).map(|_| ()))
}

/// A name that is not allowed, as it may be shown.
pub(super) fn shown(name: &[u8]) -> String {
    let mut text: String = name.escape_ascii().to_string();
    if text.len() > NAME_BYTES_MAX {
        text.truncate(NAME_BYTES_MAX);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        for good in ["a", "..a", "a b", "é", ".gitignore", ".github"] {
            assert_eq!(component(good.as_bytes()), Ok(good));
        }
        let long = "x".repeat(256);
        let bad: [&[u8]; 11] = [
            b"",
            b".",
            b"..",
            b".GIT",
            b"a/b",
            b"a\\b",
            b"a\0b",
            b"a\x1b[2J",
            b"\xff",
            "a\u{202e}b".as_bytes(),
            long.as_bytes(),
        ];
        for name in bad {
            assert!(component(name).is_err(), "{}", name.escape_ascii());
            assert!(shown(name).chars().all(|c| !c.is_control()));
        }
        assert!(path("models/churn/releases/staging.yaml").is_ok());
        for bad in ["/etc/passwd", "a//b", "a/../b", "", "a/"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
