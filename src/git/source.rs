//! Where a repository is, and what opens it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::login::Login;
use super::ssh::Keys;
use super::url::{self, Address, SourceError, percent_decode};
use crate::signing::{Signers, SigningKey};

/// A repository and the branch of it that decides: `URL[#branch]`.
///
/// The URL is a path, `file://…`, `http://…`, `https://…`, `ssh://…`, `user@host:path` or
/// `codecommit::region://repository`. Credentials in it are moved out at once; neither `Display` nor
/// `Debug` shows them.
#[derive(Debug, Clone)]
pub struct Source {
    /// The URL without credentials and branch; a plain path is absolute.
    pub url: String,
    /// The branch, without `refs/heads/`. `None`: what the remote's `HEAD` names.
    pub branch: Option<String>,
    /// What to answer when a web server asks who is there.
    pub login: Login,
    /// What an SSH server is shown, and how it is known.
    pub keys: Keys,
    /// What trueup signs its own commits with; `None`: nothing.
    pub signing: Option<Arc<SigningKey>>,
    /// Whose signatures count as long as nothing was acted on; `None`: what the newest commit itself says.
    pub trusted: Option<Arc<Signers>>,
    /// The program that checks signatures of GPG's.
    pub gpgv: PathBuf,
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (url, branch) = match text.rsplit_once('#') {
            Some((url, branch)) => (url, Some(branch)),
            None => (text, None),
        };
        // The URL first: where a password holds a bare `#`, "branch" is the rest of the password.
        let Address { url, credentials } = url::parse(url)?;
        let branch = branch.map(parse_branch).transpose()?;
        Ok(Self {
            url,
            branch,
            login: credentials.map_or(Login::Nobody, Login::Known),
            keys: Keys::default(),
            signing: None,
            trusted: None,
            gpgv: PathBuf::from("gpgv"),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match &self.branch {
            Some(branch) => write!(f, "#{branch}"),
            None => Ok(()),
        }
    }
}

impl Source {
    /// The folder of a repository on this machine, if it is one.
    pub fn local_path(&self) -> Option<PathBuf> {
        match self.url.split_once("://") {
            None if self.is_ssh() => None,
            None => Some(PathBuf::from(&self.url)),
            Some(("file", path)) => Some(PathBuf::from(percent_decode(path))),
            Some(_) => None,
        }
    }

    /// Whether it is reached by SSH. A plain path is absolute.
    pub fn is_ssh(&self) -> bool {
        self.url.starts_with("ssh://") || !self.url.starts_with('/') && !self.url.contains("://")
    }

    /// Whether it is reached by HTTP.
    pub fn is_web(&self) -> bool {
        self.local_path().is_none() && !self.is_ssh()
    }

    /// The host, with its port where the URL has one; empty for a folder of this machine. Sources of one
    /// host share what it bears.
    pub fn host(&self) -> &str {
        let authority = match self.url.split_once("://") {
            Some((_, rest)) => rest.split('/').next(),
            None if self.is_ssh() => self.url.split(':').next(),
            None => None,
        };
        let authority = authority.unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default()
    }

    /// The region of `CodeCommit` that it is in, if it is there.
    pub fn codecommit_region(&self) -> Option<&str> {
        let host = self.url.strip_prefix("https://git-codecommit.")?;
        let (region, rest) = host.split_once(".amazonaws.com")?;
        let rest = rest.strip_prefix(".cn").unwrap_or(rest);
        rest.starts_with("/v1/repos/").then_some(region)
    }

    /// A name for what is kept about this source: 32 hexadecimal digits.
    pub fn key(&self) -> String {
        let branch = self.branch.as_deref().unwrap_or_default();
        let digest = Sha256::digest(format!("{}\0{branch}", self.url));
        HEXLOWER.encode(&digest[..16])
    }

    /// `text` without this source's secrets, for words that come from elsewhere.
    pub fn redact(&self, text: &str) -> String {
        self.login.redact(text)
    }

    /// Whether a server at `url` is the one that the credentials are for.
    pub(super) fn same_origin(&self, url: &str) -> bool {
        let origin = |url: &str| {
            let (scheme, rest) = url.split_once("://")?;
            let authority = rest.split('/').next()?;
            let host = authority.rsplit('@').next()?;
            Some(format!("{scheme}://{host}").to_ascii_lowercase())
        };
        origin(url).is_some() && origin(url) == origin(&self.url)
    }
}

fn parse_branch(branch: &str) -> Result<String, SourceError> {
    if branch.starts_with('-') {
        return Err(SourceError::OptionLike { part: "branch" });
    }
    if !git2::Reference::is_valid_name(&format!("refs/heads/{branch}")) {
        let branch = branch.escape_debug().to_string();
        return Err(SourceError::Branch { branch });
    }
    Ok(branch.to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn check(text: &str, url: &str, branch: Option<&str>, secrets: Option<(&str, &str)>) {
        let source: Source = text.parse().unwrap();
        assert_eq!(source.url, url, "{text}");
        assert_eq!(source.branch.as_deref(), branch, "{text}");
        let found = match &source.login {
            Login::Known(one) => Some((one.user.expose_secret(), one.password.expose_secret())),
            _ => None,
        };
        assert_eq!(found, secrets, "{text}");
        if let Some((user, password)) = secrets {
            for shown in [
                format!("{source}"),
                format!("{source:?}"),
                format!("{source:#?}"),
            ] {
                assert!(!shown.contains(user), "{shown}");
                assert!(password.is_empty() || !shown.contains(password), "{shown}");
            }
        }
    }

    fn refused(text: &str) -> SourceError {
        let error = text.parse::<Source>().expect_err(text);
        assert!(!error.to_string().contains("hunter2"), "{error}");
        error
    }

    #[test]
    fn a_source_is_a_url_and_a_branch() {
        check("/srv/a.git", "/srv/a.git", None, None);
        check("/srv/a.git#main", "/srv/a.git", Some("main"), None);
        check(
            "file:///srv/a%20b.git#x/y",
            "file:///srv/a%20b.git",
            Some("x/y"),
            None,
        );
        check("https://h/a.git", "https://h/a.git", None, None);
        check(
            "http://h:8080/a.git#m",
            "http://h:8080/a.git",
            Some("m"),
            None,
        );
    }

    #[test]
    fn sources_of_one_host_are_known_by_it() {
        let check = |text: &str, expect: &str| {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.host(), expect, "{text}");
        };
        check("https://u:p@git.example.com/a/b", "git.example.com");
        check("https://git.example.com:8443/a", "git.example.com:8443");
        check("ssh://me@[::1]:2222/a", "[::1]:2222");
        check("me@git.example.com:a/b", "git.example.com");
        check("/srv/git", "");
        check("file:///srv/git", "");
    }

    #[test]
    fn ssh_and_codecommit_have_one_form_each() {
        check("ssh://h/a.git", "ssh://git@h/a.git", None, None);
        check("ssh://me@h:22/a#m", "ssh://me@h:22/a", Some("m"), None);
        check("git@h:team/a.git#m", "git@h:team/a.git", Some("m"), None);
        check("h:/srv/a.git", "git@h:/srv/a.git", None, None);
        for (text, ssh) in [("h:a", true), ("ssh://h/a", true), ("/a:b", false)] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.is_ssh(), ssh, "{text}");
            assert_eq!(source.local_path().is_some(), !ssh, "{text}");
        }
        let url = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/models";
        check("codecommit::eu-west-1://models#m", url, Some("m"), None);
        let region = |text: &str| {
            let source: Source = text.parse().unwrap();
            source.codecommit_region().map(str::to_owned)
        };
        assert_eq!(region(url).as_deref(), Some("eu-west-1"));
        let china = region("codecommit::cn-north-1://models");
        assert_eq!(china.as_deref(), Some("cn-north-1"));
        assert_eq!(region("https://h/v1/repos/models"), None);
    }

    #[test]
    fn credentials_leave_the_url_at_once() {
        let secrets = Some(("robot", "hunter2@#"));
        check(
            "https://robot:hunter2%40%23@h/a.git#main",
            "https://h/a.git",
            Some("main"),
            secrets,
        );
        check(
            "https://ghp_token@h/a.git",
            "https://h/a.git",
            None,
            Some(("ghp_token", "")),
        );
    }

    #[test]
    fn dangerous_and_unknown_urls_are_refused() {
        use SourceError::{Branch, Character, Empty, Helper, Incomplete, OptionLike, Scheme};
        assert_eq!(refused(""), Empty);
        assert_eq!(refused("#main"), Empty);
        for text in [
            "-uhunter2",
            "--upload-pack=touch /tmp/x",
            "https://-oProxy/x",
            "ssh://-oProxyCommand=touch/x",
            "ssh://-l@h/x",
            "-oProxyCommand=x:a",
            "git@-oProxyCommand:x",
            "git@h:-x",
            "/a#-b",
        ] {
            assert!(matches!(refused(text), OptionLike { .. }), "{text}");
        }
        for text in ["ext::sh -c hunter2", "fd::17", "file::/a"] {
            assert!(matches!(refused(text), Helper { .. }), "{text}");
        }
        for text in ["git://h/x", "ftp://h/x", "a:hunter2@b://x"] {
            assert!(matches!(refused(text), Scheme { .. }), "{text}");
        }
        for text in [
            "ssh://h",
            "ssh://h:port/x",
            "ssh://@h/x",
            "h:",
            "codecommit::eu-west-1",
            "codecommit://repository",
            "codecommit::eu-west-1://a/b",
            "https://",
            "https://u:hunter2@/x",
            "https://h",
            "https://:80/x",
            "file://a",
        ] {
            assert!(matches!(refused(text), Incomplete { .. }), "{text}");
        }
        for text in [
            "https://h/a b",
            "https://h/a\\b",
            "/a\nb",
            "https://h/x?token=hunter2",
            "ssh://git:hunter2@h/x",
        ] {
            assert!(matches!(refused(text), Character { .. }), "{text}");
        }
        for text in ["/a#", "/a#x..y", "/a#x.lock", "/a#a b"] {
            assert!(matches!(refused(text), Branch { .. }), "{text}");
        }
    }

    #[test]
    fn credentials_are_for_one_origin() {
        let source: Source = "https://u:p@h:8443/a.git".parse().unwrap();
        assert!(source.same_origin("https://H:8443/other"));
        for other in [
            "https://h/a.git",
            "http://h:8443/a",
            "https://evil/h:8443",
            "h:8443",
        ] {
            assert!(!source.same_origin(other), "{other}");
        }
    }

    #[test]
    fn keys_tell_sources_apart() {
        let key = |text: &str| text.parse::<Source>().unwrap().key();
        assert_eq!(key("https://h/a").len(), 32);
        assert_eq!(key("https://u:p@h/a"), key("https://h/a"));
        assert_ne!(key("https://h/a"), key("https://h/a#main"));
    }

    #[test]
    fn words_from_elsewhere_lose_the_secrets() {
        let source: Source = "https://robot:hunter2@h/a".parse().unwrap();
        assert_eq!(source.redact("no robot with hunter2"), "no *** with ***");
    }
}
