//! GPG keys of people and hosts, and commits that `gpg` signs with them.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the judge is the real `gpg`, which is a process"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use trueup::snapshot::ObjectId;

use super::keys::resign;
use super::repository::TempRepository;

/// A folder of GPG's with keys.
pub(crate) struct GpgKeys(TempDir);

impl Drop for GpgKeys {
    /// What `gpg` starts to hold the keys ends with them.
    fn drop(&mut self) {
        let ended = self
            .command("gpgconf")
            .args(["--kill", "gpg-agent"])
            .status();
        assert!(ended.unwrap().success(), "gpgconf");
    }
}

impl GpgKeys {
    /// A key for each name: half of them of Ed25519, the others of RSA.
    pub(crate) fn of(names: &[&str]) -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        for (name, kind) in names.iter().zip(["ed25519", "rsa2048"].iter().cycle()) {
            keys.generate(name, &[kind, "sign", "never"], &[]);
        }
        keys
    }

    /// A key as `how` says (kind, use, time until it ends), with more options.
    pub(crate) fn generate(&self, name: &str, how: &[&str], options: &[&str]) {
        let who = format!("{name} <{name}@example.com>");
        let arguments = ["--passphrase", "", "--quick-generate-key", &who];
        self.gpg(&[options, &arguments, how].concat(), b"");
    }

    /// The keys of some, as a file of them is.
    pub(crate) fn export(&self, names: &[&str]) -> String {
        let one = |name: &&str| self.gpg(&["--armor", "--export", name], b"");
        names.iter().map(one).collect()
    }

    /// Takes a key back.
    pub(crate) fn revoke(&self, name: &str) {
        let listed = self.gpg(&["--with-colons", "--list-keys", name], b"");
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:"));
        let fingerprint = fingerprint.unwrap().trim_matches(':');
        let path = format!("openpgp-revocs.d/{fingerprint}.rev");
        let text = fs::read_to_string(self.0.path().join(path)).unwrap();
        // A colon keeps it from being used by mistake.
        self.gpg(
            &["--import"],
            text.replace(":-----BEGIN", "-----BEGIN").as_bytes(),
        );
    }

    /// The same keys as they are now, elsewhere.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        let private = "private-keys-v1.d";
        fs::create_dir(copy.0.path().join(private)).unwrap();
        let keys = fs::read_dir(self.0.path().join(private)).unwrap();
        let keys = keys.map(|key| Path::new(private).join(key.unwrap().file_name()));
        for file in keys.chain([PathBuf::from("pubring.kbx")]) {
            fs::copy(self.0.path().join(&file), copy.0.path().join(&file)).unwrap();
        }
        copy
    }

    /// Commits like [`TempRepository::commit`], signed by `name`, with more options of `gpg`.
    pub(crate) fn commit(
        &self,
        repository: &TempRepository,
        name: &str,
        options: &[&str],
        files: &[(&str, Option<&str>)],
    ) -> ObjectId {
        let plain = repository.commit("main", files);
        self.sign_again(repository, name, options, &plain)
    }

    /// The same commit, signed, as the newest of `main`.
    pub(crate) fn sign_again(
        &self,
        repository: &TempRepository,
        name: &str,
        options: &[&str],
        plain: &ObjectId,
    ) -> ObjectId {
        let sign = ["--armor", "--detach-sign", "-u", name];
        resign(repository, 2_000, plain, |payload| {
            self.gpg(&[options, &sign].concat(), payload)
        })
    }

    /// Has Git itself commit in the folder of a repository with a working tree, signed by `name`.
    pub(crate) fn git_commit(&self, folder: &str, name: &str) {
        let who = ["user.name=x", "user.email=x@example.com"].map(|set| ["-c", set]);
        let committed = self
            .command("git")
            .args(["-C", folder])
            .args(who.concat())
            .args(["commit", "--quiet", "--allow-empty", "-m", "Signed by Git"])
            .arg(format!("--gpg-sign={name}"))
            .status();
        assert!(committed.unwrap().success(), "git commit");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("GNUPGHOME", self.0.path());
        command
    }

    fn gpg(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = self
            .command("gpg")
            .args(["--quiet", "--batch"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "gpg {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}
