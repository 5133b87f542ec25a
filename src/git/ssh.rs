//! SSH: the keys that are shown to a server, and the keys by which a server is known.

use std::path::PathBuf;

use git2::cert::{Cert, SshHostKeyType};
use git2::{CertificateCheckStatus, Cred, ErrorClass, ErrorCode};

use super::known_hosts::{Shown, Verdict};
use super::source::Source;

/// The private keys to show, and the files that say which hosts to trust.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Whether the agent is asked first, which `SSH_AUTH_SOCK` names.
    pub agent: bool,
    /// Files with private keys, without a passphrase, in the order in which they are shown.
    pub files: Vec<PathBuf>,
    /// Files in the form of OpenSSH's `known_hosts`.
    pub known_hosts: Vec<PathBuf>,
}

impl Keys {
    /// The `nth` thing to show; `None` after the last.
    pub(super) fn show(&self, nth: usize, user: &str) -> Option<Result<Cred, git2::Error>> {
        let nth = match (self.agent, nth) {
            (true, 0) => return Some(Cred::ssh_key_from_agent(user)),
            (true, nth) => nth - 1,
            (false, nth) => nth,
        };
        let file = self.files.get(nth)?;
        Some(Cred::ssh_key(user, None, file, None))
    }

    /// What there was to show, in words.
    pub(super) fn shown(&self) -> String {
        let agent = self.agent.then(|| "the agent's keys".to_owned());
        let files = self
            .files
            .iter()
            .map(|file| format!("`{}`", file.display()));
        let all: Vec<_> = agent.into_iter().chain(files).collect();
        if all.is_empty() {
            "there is no key to show".to_owned()
        } else {
            format!("shown were {}", all.join(", "))
        }
    }

    /// Whether a server is the one that it says it is.
    pub(super) fn check(
        &self,
        source: &Source,
        certificate: &Cert<'_>,
        host: &str,
    ) -> Result<CertificateCheckStatus, git2::Error> {
        let Some(shown) = certificate.as_hostkey() else {
            // TLS: the library looks at the chain itself.
            return Ok(CertificateCheckStatus::CertificatePassthrough);
        };
        let (Some(key), Some(kind)) = (shown.hostkey(), shown.hostkey_type()) else {
            return Err(distrusted(format!("{host} showed no key")));
        };
        let shown = Shown {
            host,
            port: port_of(&source.url),
            kind: name_of(kind),
            key,
        };
        let fingerprint = shown.fingerprint();
        let why = match shown.judge(&self.known_hosts) {
            Verdict::Trusted => return Ok(CertificateCheckStatus::CertificateOk),
            Verdict::Unknown => format!(
                "{host} is not known: it shows {fingerprint}; if that is the fingerprint that the host \
                 publishes, add this line to {}: {}",
                self.places(),
                shown.line()
            ),
            Verdict::Changed(path, line) => format!(
                "{host} is known by another key: it shows {fingerprint}; if the host says that it has \
                 changed its key, put this in the place of line {line} of {}: {}",
                path.display(),
                shown.line()
            ),
            Verdict::Revoked(path, line) => format!(
                "{host} shows the key {fingerprint}, which line {line} of {} takes back",
                path.display()
            ),
        };
        Err(distrusted(why))
    }

    fn places(&self) -> String {
        match self.known_hosts.first() {
            Some(first) => first.display().to_string(),
            None => "a file of known hosts".to_owned(),
        }
    }
}

fn distrusted(why: String) -> git2::Error {
    git2::Error::new(ErrorCode::Certificate, ErrorClass::Ssh, why)
}

fn port_of(url: &str) -> u16 {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port.parse());
    port.and_then(Result::ok).unwrap_or(22)
}

/// As `known_hosts` names a kind of key.
fn name_of(kind: SshHostKeyType) -> &'static str {
    match kind {
        SshHostKeyType::Rsa => "ssh-rsa",
        SshHostKeyType::Dss => "ssh-dss",
        SshHostKeyType::Ecdsa256 => "ecdsa-sha2-nistp256",
        SshHostKeyType::Ecdsa384 => "ecdsa-sha2-nistp384",
        SshHostKeyType::Ecdsa521 => "ecdsa-sha2-nistp521",
        SshHostKeyType::Ed255219 => "ssh-ed25519",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_shown_once_in_order() {
        let keys = Keys {
            agent: true,
            files: vec![PathBuf::from("/a"), PathBuf::from("/b")],
            known_hosts: Vec::new(),
        };
        let count = (0..9).take_while(|nth| keys.show(*nth, "git").is_some());
        assert_eq!(count.count(), 3);
        assert_eq!(keys.shown(), "shown were the agent's keys, `/a`, `/b`");
        assert!(Keys::default().show(0, "git").is_none());
        assert_eq!(Keys::default().shown(), "there is no key to show");
    }

    #[test]
    fn a_port_is_read_from_the_url() {
        assert_eq!(port_of("ssh://git@h/a"), 22);
        assert_eq!(port_of("ssh://git@h:2222/a:1"), 2222);
        assert_eq!(port_of("ssh://git@[::1]:2222/a"), 2222);
        assert_eq!(port_of("ssh://git@[::1]/a"), 22);
    }
}
