//! The files of keys that the command line names.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::error::CommandError;
use crate::limits::{SIGNERS_BYTES_MAX, SIGNING_KEY_BYTES_MAX};
use crate::signing::{Signers, SigningKey};

/// Reads the key that trueup signs with.
pub(super) fn signing_key(path: &Path) -> Result<Arc<SigningKey>, CommandError> {
    let refused = |why: String| {
        let path = path.display();
        CommandError::usage(format!("`{path}` cannot be signed with: {why}"))
            .help("`ssh-keygen -t ed25519 -N '' -f FILE` makes a key")
    };
    let bytes =
        read_start(path, SIGNING_KEY_BYTES_MAX).map_err(|error| refused(error.to_string()))?;
    let key = SigningKey::read(&String::from_utf8_lossy(&bytes));
    Ok(Arc::new(key.map_err(|error| refused(error.to_string()))?))
}

/// Reads a list of keys.
pub(super) fn trusted(path: &Path) -> Result<Arc<Signers>, CommandError> {
    let refused = |why: String| {
        let path = path.display();
        CommandError::usage(format!("`{path}` is no list of keys: {why}"))
            .help("each line is `<name> <kind> <key>`, as in OpenSSH's allowed_signers")
    };
    let bytes = read_start(path, SIGNERS_BYTES_MAX).map_err(|error| refused(error.to_string()))?;
    let (signers, faults) = Signers::read(&bytes);
    if let Some(fault) = faults.first() {
        return Err(refused(format!("line {}: {}", fault.line, fault.what)));
    }
    if signers.is_empty() {
        return Err(refused("it has no key".to_owned()));
    }
    Ok(Arc::new(signers))
}

/// A file's bytes, one more than `most` where there are more.
fn read_start(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../signing/vectors/ed25519.key");
    const LIST: &str = include_str!("../signing/vectors/allowed_signers");

    #[test]
    fn files_of_keys_are_read_or_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (key, list) = (write("key", KEY), write("list", LIST));
        assert!(signing_key(&key).is_ok() && trusted(&list).is_ok());
        let check = |error: CommandError, words: &str| {
            let text = error.text();
            assert!(text.contains(words), "{text}");
        };
        check(
            signing_key(&list).unwrap_err(),
            "it is not a private key in OpenSSH's form",
        );
        check(
            signing_key(&folder.path().join("none")).unwrap_err(),
            "No such file",
        );
        check(trusted(&key).unwrap_err(), "line 1: ");
        check(
            trusted(&write("empty", "# nobody\n")).unwrap_err(),
            "it has no key",
        );
        let long = format!("{KEY}{}", " ".repeat(SIGNING_KEY_BYTES_MAX));
        check(
            signing_key(&write("long", &long)).unwrap_err(),
            "it is not a private key",
        );
    }
}
