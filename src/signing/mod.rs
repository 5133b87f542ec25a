//! Signatures of commits, as `git commit -S` makes them with `gpg.format=ssh`, and with GPG.
//!
//! ```text
//! commit object -> Commit     what was signed, and the signature
//! signature     -> Sshsig     key, namespace, digest, and the key's own signature
//! list of keys  -> Signers    OpenSSH's `allowed_signers`
//! all of them   -> judge      who signed, or why it does not count
//!
//! GPG's keys    -> Keyring    with the signature, for `gpgv`
//! its answer    -> judge_status
//! ```
//!
//! The forms are those of OpenSSH: PROTOCOL.sshsig, PROTOCOL.key, PROTOCOL.u2f, and ALLOWED SIGNERS in
//! ssh-keygen(1). Nothing here reads a clock or a file; a signature is judged as of an instant that the
//! caller names.

mod commit;
mod gpg;
mod instant;
mod judge;
mod key;
mod line;
mod openpgp;
pub mod pattern;
mod private;
mod signers;
mod sshsig;
mod wire;

#[cfg(test)]
mod tests;

pub use commit::{Commit, CommitError, read_commit};
pub use gpg::{Keyring, detached, judge_status};
pub use judge::{Doubt, judge};
pub use key::{KeyError, PublicKey, fingerprint};
pub use private::{PrivateKeyError, SigningKey};
pub use signers::{Fault, Signer, Signers};

/// What a signature of Git's says that it is for.
pub const NAMESPACE: &str = "git";
