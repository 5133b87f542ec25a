//! Which host keys are trusted: the lines of OpenSSH's `known_hosts`, as sshd(8) describes them.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::limits::KNOWN_HOSTS_BYTES_MAX;
use crate::signing::{fingerprint, pattern};

/// The port that is not written down.
const PORT: u16 = 22;

/// A host and the key that it showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// Such as `ssh-ed25519`.
    pub(super) kind: &'a str,
    /// The key, in the form that goes over the wire.
    pub(super) key: &'a [u8],
}

/// What the files say of a key that was shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A line has this key for this host.
    Trusted,
    /// No line is about this host and this kind of key.
    Unknown,
    /// A line has another key of this kind.
    Changed(PathBuf, usize),
    /// A line takes the key back.
    Revoked(PathBuf, usize),
}

impl Shown<'_> {
    /// Looks the key up. A file that is not there has no lines; one that is too long has none either.
    pub(super) fn judge(&self, files: &[PathBuf]) -> Verdict {
        let mut verdict = Verdict::Unknown;
        for path in files {
            match self.judge_by(path, &read(path)) {
                Verdict::Unknown => {}
                Verdict::Changed(..) if verdict != Verdict::Unknown => {}
                Verdict::Changed(path, line) => verdict = Verdict::Changed(path, line),
                Verdict::Trusted => verdict = Verdict::Trusted,
                revoked @ Verdict::Revoked(..) => return revoked,
            }
        }
        verdict
    }

    fn judge_by(&self, path: &Path, text: &str) -> Verdict {
        let own = BASE64.encode(self.key);
        let mut verdict = Verdict::Unknown;
        for (at, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace().peekable();
            let marker = words.next_if(|word| word.starts_with('@'));
            let (Some(hosts), Some(kind), Some(key)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            if hosts.starts_with('#') || !self.is_of(hosts) {
                continue;
            }
            match marker {
                Some("@revoked") if key == own => {
                    return Verdict::Revoked(path.to_owned(), at + 1);
                }
                None if kind == self.kind && key == own => verdict = Verdict::Trusted,
                None if kind == self.kind && verdict == Verdict::Unknown => {
                    verdict = Verdict::Changed(path.to_owned(), at + 1);
                }
                // A certificate authority vouches for certificates, and those are not asked for.
                _ => {}
            }
        }
        verdict
    }

    /// Whether a line's list of hosts has this one.
    fn is_of(&self, hosts: &str) -> bool {
        let name = self.name();
        if let Some(hashed) = hosts.strip_prefix("|1|") {
            return is_hash_of(hashed, &name);
        }
        pattern::lists(hosts, &name)
    }

    /// As a line names the host.
    fn name(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        match self.port {
            PORT => host,
            port => format!("[{host}]:{port}"),
        }
    }

    /// The line that says to trust this key.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.name(), self.kind, BASE64.encode(self.key))
    }

    /// The key's digest, as hosts publish it and `ssh-keygen -l` shows it.
    pub(super) fn fingerprint(&self) -> String {
        fingerprint(self.key)
    }
}

fn read(path: &Path) -> String {
    let short = fs::metadata(path).is_ok_and(|about| about.len() <= KNOWN_HOSTS_BYTES_MAX);
    let bytes = if short {
        fs::read(path)
    } else {
        return String::new();
    };
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// Whether `salt|digest` is that of a name.
fn is_hash_of(hashed: &str, name: &str) -> bool {
    let decoded = |text: &str| BASE64.decode(text.as_bytes()).ok();
    let parts = hashed.split_once('|');
    let parts = parts.and_then(|(salt, digest)| decoded(salt).zip(decoded(digest)));
    parts.is_some_and(|(salt, digest)| {
        let mac = Hmac::<Sha1>::new_from_slice(&salt);
        mac.is_ok_and(|mac| mac.chain_update(name).verify_slice(&digest).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `ssh-keygen -H` over a line of `git.example.com`.
    const HASHED: &str = "|1|ecERgkg2VOxucIqf+QSVVryILYY=|R/dZC5mG9L/goMjLkY0iYF3InUg=";

    fn check(lines: &str, expect: &str) {
        check_at(22, lines, expect);
    }

    fn check_at(port: u16, lines: &str, expect: &str) {
        let shown = Shown {
            host: "Git.example.com",
            port,
            kind: "ssh-ed25519",
            key: b"key",
        };
        let said = match shown.judge_by(Path::new("f"), lines) {
            Verdict::Trusted => "trusted".to_owned(),
            Verdict::Unknown => "unknown".to_owned(),
            Verdict::Changed(_, line) => format!("changed {line}"),
            Verdict::Revoked(_, line) => format!("revoked {line}"),
        };
        assert_eq!(said, expect, "{lines}");
    }

    #[test]
    fn a_key_is_known_changed_revoked_or_unknown() {
        check("", "unknown");
        check("# git.example.com ssh-ed25519 a2V5", "unknown");
        check("git.example.com ssh-ed25519 a2V5 a comment", "trusted");
        check("a,git.example.com,b ssh-ed25519 a2V5", "trusted");
        check("*.example.com ssh-ed25519 a2V5", "trusted");
        check("*.example.com,!git.example.com ssh-ed25519 a2V5", "unknown");
        check("g?t.example.com ssh-ed25519 a2V5", "trusted");
        check("other ssh-ed25519 a2V5", "unknown");
        check("git.example.com ssh-rsa AAAA", "unknown");
        check("\ngit.example.com ssh-ed25519 AAAA", "changed 2");
        check(
            "git.example.com ssh-ed25519 AAAA\ngit.example.com ssh-ed25519 a2V5",
            "trusted",
        );
        check(
            "git.example.com ssh-ed25519 a2V5\n@revoked * ssh-ed25519 a2V5",
            "revoked 2",
        );
        check("@cert-authority * ssh-ed25519 a2V5", "unknown");
        check("git.example.com ssh-ed25519", "unknown");
    }

    #[test]
    fn a_port_of_its_own_is_part_of_the_name() {
        check_at(2222, "git.example.com ssh-ed25519 a2V5", "unknown");
        check_at(2222, "[git.example.com]:2222 ssh-ed25519 a2V5", "trusted");
        check("[git.example.com]:2222 ssh-ed25519 a2V5", "unknown");
    }

    #[test]
    fn hashed_names_are_known() {
        check(&format!("{HASHED} ssh-ed25519 a2V5"), "trusted");
        check_at(2222, &format!("{HASHED} ssh-ed25519 a2V5"), "unknown");
        check("|1|x|y ssh-ed25519 a2V5", "unknown");
        check("|1|eA== ssh-ed25519 a2V5", "unknown");
    }

    #[test]
    fn a_file_that_is_too_long_or_missing_trusts_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let shown = Shown {
            host: "h",
            port: 22,
            kind: "ssh-ed25519",
            key: b"key",
        };
        let files = [folder.path().join("none"), path.clone()];
        assert_eq!(shown.judge(&files), Verdict::Unknown);
        fs::write(&path, shown.line()).unwrap();
        assert_eq!(shown.judge(&files), Verdict::Trusted);
        let long = "#".repeat(usize::try_from(KNOWN_HOSTS_BYTES_MAX).unwrap());
        fs::write(&path, format!("{}\n{long}", shown.line())).unwrap();
        assert_eq!(shown.judge(&files), Verdict::Unknown);
        assert_eq!(
            shown.fingerprint(),
            "SHA256:LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM"
        );
    }
}
