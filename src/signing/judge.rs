//! Who signed a commit, and whether that counts.

use super::commit::Commit;
use super::key::{KeyError, fingerprint};
use super::signers::{Signer, Signers};
use super::sshsig::{BEGIN, Sshsig, unarmour};
use super::{CommitError, NAMESPACE};
use crate::clock::Timestamp;

/// Why a commit does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The object cannot be taken apart.
    #[error("{0}")]
    Commit(#[from] CommitError),
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// A signature of GPG's.
    #[error("it is signed with GPG, and `commits.gpg_keys` names no keys of GPG's")]
    Gpg,
    /// A signature of S/MIME.
    #[error(
        "it is signed with an X.509 certificate, and only signatures of SSH's and GPG's keys are taken"
    )]
    X509,
    /// Not the bytes of a signature.
    #[error("its signature cannot be read")]
    Malformed,
    /// By a key that no signature is judged by.
    #[error("its signature is by a key that is not taken: {0}")]
    Key(KeyError),
    /// Made for something else than commits.
    #[error("its signature was made for `{0}` and not for `{NAMESPACE}`")]
    Namespace(String),
    /// Not over this commit, or not by this key.
    #[error(
        "its signature does not fit: the commit, or the signature, was changed after it was made"
    )]
    Forged,
    /// By a key that is in no line.
    #[error("it is signed by the key {0}, which is not in the list of keys")]
    Unknown(String),
    /// By a key of GPG's, which its own rules speak against.
    #[error("it is signed by GPG's key {0}: {1}")]
    Refused(String, &'static str),
    /// Nobody could tell.
    #[error("it is signed with GPG, and that could not be checked: {0}")]
    Unchecked(String),
    /// By a key that counts for something else.
    #[error("it is signed by {0}, whose key (line {1}) is not for `{NAMESPACE}`")]
    NotFor(String, usize),
    /// By a key before its time.
    #[error("it is signed by {0}, whose key (line {1}) counts from {2:.0} on only, not at {3:.0}")]
    Early(String, usize, Timestamp, Timestamp),
    /// By a key after its time.
    #[error("it is signed by {0}, whose key (line {1}) counted until {2:.0} only, not at {3:.0}")]
    Late(String, usize, Timestamp, Timestamp),
}

/// Who signed a commit, by these keys as of `at`.
pub fn judge<'a>(
    commit: &Commit,
    signers: &'a Signers,
    at: Timestamp,
) -> Result<&'a Signer, Doubt> {
    let text = commit.signature.as_deref().ok_or(Doubt::Unsigned)?;
    if !text.starts_with(BEGIN) {
        return Err(foreign(text));
    }
    let bytes = unarmour(text).ok_or(Doubt::Malformed)?;
    let sshsig = Sshsig::read(&bytes).ok_or(Doubt::Malformed)?;
    let key = sshsig
        .key
        .as_ref()
        .map_err(|error| Doubt::Key(error.clone()))?;
    if sshsig.namespace != NAMESPACE {
        let namespace = sshsig.namespace.escape_debug().to_string();
        return Err(Doubt::Namespace(namespace));
    }
    if !sshsig.covers(key, &commit.payload) {
        return Err(Doubt::Forged);
    }
    // A key may have several lines: one that counts is enough.
    let mut doubt = Doubt::Unknown(fingerprint(key.blob()));
    for signer in signers.of(key) {
        match counts(signer, at) {
            None => return Ok(signer),
            Some(why) => doubt = why,
        }
    }
    Err(doubt)
}

fn foreign(text: &str) -> Doubt {
    let begins = |start: &str| text.starts_with(start);
    if begins("-----BEGIN PGP ") {
        Doubt::Gpg
    } else if begins("-----BEGIN SIGNED MESSAGE-----") {
        Doubt::X509
    } else {
        Doubt::Malformed
    }
}

/// Why a line does not count for a commit at `at`.
fn counts(signer: &Signer, at: Timestamp) -> Option<Doubt> {
    let who = || signer.principals.escape_debug().to_string();
    if !signer.is_for(NAMESPACE) {
        return Some(Doubt::NotFor(who(), signer.line));
    }
    if let Some(from) = signer.not_before(at) {
        return Some(Doubt::Early(who(), signer.line, from, at));
    }
    let until = signer.not_after(at)?;
    Some(Doubt::Late(who(), signer.line, until, at))
}
