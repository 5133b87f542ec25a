//! SSH keys of people and programs, and commits that `ssh-keygen` signs with them.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the judges are the real `ssh-keygen` and `git`, which are processes"
)]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use git2::Oid;
use tempfile::TempDir;
use trueup::signing::SigningKey;
use trueup::snapshot::ObjectId;

use super::repository::TempRepository;

/// The commit `plain`, at a second since 1970 and with the signature that `sign` makes, as the newest of
/// `main`.
pub(crate) fn resign(
    repository: &TempRepository,
    at: i64,
    plain: &ObjectId,
    sign: impl FnOnce(&[u8]) -> String,
) -> ObjectId {
    let odb = repository.git.odb().unwrap();
    let object = odb.read(Oid::from_str(&plain.0).unwrap()).unwrap();
    let text = std::str::from_utf8(object.data()).unwrap();
    let text = text.replace("> 1000 +0000", &format!("> {at} +0000"));
    let signature = sign(text.as_bytes());
    let signed = repository.git.commit_signed(&text, &signature, None);
    let signed = signed.unwrap();
    repository.point("main", signed);
    signed.into()
}

/// A key for each name, in a folder that goes with them.
pub(crate) struct TestKeys(TempDir);

impl TestKeys {
    pub(crate) fn of(names: &[&str]) -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        for name in names {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(keys.path(name))
                .status();
            assert!(made.unwrap().success(), "ssh-keygen");
        }
        keys
    }

    /// The file of a private key.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The line of a list of keys.
    pub(crate) fn line(&self, name: &str) -> String {
        let public = fs::read_to_string(self.path(name).with_extension("pub")).unwrap();
        format!("{name}@example.com {public}")
    }

    /// The lines of some.
    pub(crate) fn lines(&self, names: &[&str]) -> String {
        names.iter().map(|name| self.line(name)).collect()
    }

    /// The key as trueup is given it.
    pub(crate) fn signing(&self, name: &str) -> Arc<SigningKey> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        Arc::new(SigningKey::read(&text).unwrap())
    }

    fn sign(&self, name: &str, payload: &[u8]) -> String {
        let mut child = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", "git", "-f"])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(payload).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Commits like [`TempRepository::commit`], signed by `name`, at a second since 1970.
    pub(crate) fn commit_at(
        &self,
        repository: &TempRepository,
        name: &str,
        at: i64,
        files: &[(&str, Option<&str>)],
    ) -> ObjectId {
        let plain = repository.commit("main", files);
        self.sign_again(repository, name, at, &plain)
    }

    /// The same commit, signed, as the newest of `main`.
    pub(crate) fn sign_again(
        &self,
        repository: &TempRepository,
        name: &str,
        at: i64,
        plain: &ObjectId,
    ) -> ObjectId {
        resign(repository, at, plain, |payload| self.sign(name, payload))
    }

    /// The same, a while after all others.
    pub(crate) fn commit(
        &self,
        repository: &TempRepository,
        name: &str,
        files: &[(&str, Option<&str>)],
    ) -> ObjectId {
        self.commit_at(repository, name, 2_000, files)
    }

    /// Has Git itself judge a commit, by a list of keys.
    pub(crate) fn git_takes(&self, repository: &TempRepository, commit: &ObjectId) -> bool {
        let list = self.0.path().join("list");
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".pub").map(str::to_owned)
        });
        fs::write(
            &list,
            names.map(|name| self.line(&name)).collect::<String>(),
        )
        .unwrap();
        let judged = Command::new("git")
            .args(["-C", &repository.path(), "-c"])
            .arg(format!("gpg.ssh.allowedSignersFile={}", list.display()))
            .args(["verify-commit", &commit.0])
            .stderr(Stdio::null())
            .status();
        judged.unwrap().success()
    }
}
