//! A commit object, as what was signed and the signature.

use crate::limits::{SIGNATURE_BYTES_MAX, SIGNED_COMMIT_BYTES_MAX};

/// The header that holds a signature.
const HEADER: &[u8] = b"gpgsig ";

/// What there is to judge of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// What was signed: the object without its signature.
    pub payload: Vec<u8>,
    /// The signature, if it has one.
    pub signature: Option<String>,
}

/// Why a commit cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Larger than [`SIGNED_COMMIT_BYTES_MAX`].
    #[error("it has more than {SIGNED_COMMIT_BYTES_MAX} bytes")]
    Size,
    /// Its signature is larger than [`SIGNATURE_BYTES_MAX`].
    #[error("its signature has more than {SIGNATURE_BYTES_MAX} bytes")]
    Signature,
    /// It has two signatures, or one that is no text.
    #[error("it has a signature that cannot be read, or two")]
    Malformed,
}

/// Takes the signature out of the bytes of a commit object. What looks like one in the message is part of
/// the message.
pub fn read_commit(object: &[u8]) -> Result<Commit, CommitError> {
    if object.len() > SIGNED_COMMIT_BYTES_MAX {
        return Err(CommitError::Size);
    }
    let mut payload = Vec::with_capacity(object.len());
    let mut signature: Option<Vec<u8>> = None;
    let mut within = false;
    let mut rest = object;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, more) = rest.split_at(end + 1);
        if line == b"\n" {
            break;
        }
        rest = more;
        match (&mut signature, line.strip_prefix(HEADER)) {
            (Some(_), Some(_)) => return Err(CommitError::Malformed),
            (None, Some(first)) => {
                signature = Some(first.to_vec());
                within = true;
            }
            (Some(held), None) if within && line[0] == b' ' => held.extend(&line[1..]),
            _ => {
                within = false;
                payload.extend(line);
            }
        }
    }
    payload.extend(rest);
    let signature = signature.map(String::from_utf8).transpose();
    let signature = signature.map_err(|_| CommitError::Malformed)?;
    let long = |text: &String| text.len() > SIGNATURE_BYTES_MAX;
    if signature.as_ref().is_some_and(long) {
        return Err(CommitError::Signature);
    }
    Ok(Commit { payload, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &str, payload: &str, signature: Option<&str>) {
        let read = read_commit(object.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(read.payload).unwrap(), payload);
        assert_eq!(read.signature.as_deref(), signature);
    }

    #[test]
    fn a_signature_is_taken_out_of_the_headers_and_nowhere_else() {
        check("tree 1\n\nm\n", "tree 1\n\nm\n", None);
        check(
            "tree 1\ngpgsig A\n B\n \n C\nencoding x\n\ngpgsig D\n E\n",
            "tree 1\nencoding x\n\ngpgsig D\n E\n",
            Some("A\nB\n\nC\n"),
        );
        // A merged tag's signature is the tag's.
        let merge = "tree 1\nmergetag object 1\n gpgsig A\n B\n\nm";
        check(merge, merge, None);
        let other = "tree 1\ngpgsig-sha256 A\n B\n\nm";
        check(other, other, None);
        check("gpgsig A", "gpgsig A", None);
        check("", "", None);
    }

    #[test]
    fn two_signatures_and_what_is_too_long_are_refused() {
        let check = |object: &str, why| assert_eq!(read_commit(object.as_bytes()), Err(why));
        check("gpgsig A\ngpgsig B\n\n", CommitError::Malformed);
        let fits = "x".repeat(SIGNATURE_BYTES_MAX - 1);
        assert!(read_commit(format!("gpgsig {fits}\n\n").as_bytes()).is_ok());
        check(&format!("gpgsig {fits}x\n\n"), CommitError::Signature);
        let fits = "x".repeat(SIGNED_COMMIT_BYTES_MAX);
        assert!(read_commit(fits.as_bytes()).is_ok());
        check(&format!("{fits}x"), CommitError::Size);
        let bytes = read_commit(b"gpgsig \xff\n\n");
        assert_eq!(bytes, Err(CommitError::Malformed));
    }
}
