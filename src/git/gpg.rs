//! Signatures of GPG's, checked by the program that is made for that: `gpgv`.

use std::fs;
use std::path::Path;

use super::mirror::Mirror;
use super::question::{Answer, Question};
use crate::limits::{GPGV_ANSWER_BYTES_MAX, GPGV_DEADLINE};
use crate::signing::{Doubt, Keyring, judge_status};

/// What a folder of `gpgv`'s is called.
pub(super) const LITTER: &str = "tmp_gpgv_";

impl Mirror {
    /// Whether a key of `keyring` made `signature` over `payload`.
    ///
    /// Errors: why it does not count, [`Doubt::Unchecked`] where `gpgv` did not say.
    pub fn check_gpg(
        &self,
        keyring: &Keyring,
        signature: &[u8],
        payload: &[u8],
    ) -> Result<(), Doubt> {
        let failed = |error: std::io::Error| Doubt::Unchecked(error.to_string());
        // Below the mirror: what a process leaves that is killed goes when the next opens it.
        let folder = tempfile::Builder::new()
            .prefix(LITTER)
            .tempdir_in(&self.path);
        let folder = folder.map_err(failed)?;
        let files = [
            ("keys.gpg", keyring.bytes()),
            ("signature", signature),
            ("payload", payload),
        ];
        let put = |(name, bytes)| fs::write(folder.path().join(name), bytes);
        files.into_iter().try_for_each(put).map_err(failed)?;
        let answer = ask(&self.source.gpgv, folder.path()).map_err(Doubt::Unchecked)?;
        judge_status(&answer.text)?;
        if answer.status.success() {
            Ok(())
        } else {
            let ended = format!("`gpgv` ended with {}", answer.status);
            Err(Doubt::Unchecked(ended))
        }
    }
}

/// What `gpgv` says of the files of a folder.
fn ask(gpgv: &Path, folder: &Path) -> Result<Answer, String> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let [keys, signature, payload] = ["keys.gpg", "signature", "payload"].map(path);
    let question = Question {
        program: gpgv,
        args: &["--status-fd", "1", "--keyring", &keys, &signature, &payload],
        input: "",
        home: Some(folder),
        deadline: GPGV_DEADLINE,
        most: GPGV_ANSWER_BYTES_MAX,
    };
    question.ask().map_err(|why| {
        let gpgv = gpgv.display();
        format!("`{gpgv}`, a part of GnuPG (Debian's package gpgv), gave no answer: {why}")
    })
}
