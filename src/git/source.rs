//! Where a repository is, and what opens it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// A repository and the branch of it that decides: `URL[#branch]`.
///
/// The URL is a path, `file://…`, `http://…` or `https://…`. Credentials in it are moved out at
/// once; neither `Display` nor `Debug` shows them.
#[derive(Debug, Clone)]
pub struct Source {
    /// The URL without credentials and branch; a plain path is absolute.
    pub url: String,
    /// The branch, without `refs/heads/`. `None`: what the remote's `HEAD` names.
    pub branch: Option<String>,
    /// What to answer when the server asks who is there.
    pub credentials: Option<Credentials>,
}

/// A user and a password (or a token in either place), for HTTP's basic authentication.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user, or a token.
    pub user: SecretString,
    /// The password, or a token; may be empty.
    pub password: SecretString,
}

impl Credentials {
    /// A forge's access token, under the user name that GitHub, GitLab and Gitea take.
    pub fn token(token: SecretString) -> Self {
        Self {
            user: SecretString::from("x-access-token"),
            password: token,
        }
    }
}

/// Why a text is not a source. No variant repeats the text: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing before the `#`.
    #[error("a source needs a URL or a path")]
    Empty,
    /// Something that a program could take for an option.
    #[error("the {part} of a source may not begin with `-`")]
    OptionLike {
        /// Which part.
        part: &'static str,
    },
    /// `<helper>::<address>`, which runs a program.
    #[error("`{helper}::` names a transport helper, which would run a program")]
    Helper {
        /// The helper.
        helper: String,
    },
    /// A scheme that is not spoken.
    #[error("`{scheme}` is not a supported scheme: use a path, `file://`, `https://` or `http://`")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A URL without a host or path, or with a port that is none.
    #[error("the URL of a source needs {what}")]
    Incomplete {
        /// What is missing.
        what: &'static str,
    },
    /// White space, control characters or a backslash.
    #[error("the URL of a source may not hold {what}")]
    Character {
        /// What it holds.
        what: &'static str,
    },
    /// Not a name that Git allows for a branch.
    #[error("`{branch}` is not a branch name that Git allows")]
    Branch {
        /// The name.
        branch: String,
    },
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (url, branch) = match text.rsplit_once('#') {
            Some((url, branch)) => (url, Some(branch)),
            None => (text, None),
        };
        // The URL first: where a password holds a bare `#`, "branch" is the rest of the password.
        let (url, credentials) = parse_url(url)?;
        let branch = branch.map(parse_branch).transpose()?;
        Ok(Self {
            url,
            branch,
            credentials,
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
            None => Some(PathBuf::from(&self.url)),
            Some(("file", path)) => Some(PathBuf::from(percent_decode(path))),
            Some(_) => None,
        }
    }

    /// A name for what is kept about this source: 32 hexadecimal digits.
    pub fn key(&self) -> String {
        let branch = self.branch.as_deref().unwrap_or_default();
        let digest = Sha256::digest(format!("{}\0{branch}", self.url));
        HEXLOWER.encode(&digest[..16])
    }

    /// `text` without this source's secrets, for words that come from elsewhere.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(credentials) = &self.credentials {
            for secret in [&credentials.password, &credentials.user] {
                let secret = secret.expose_secret();
                if secret.len() > 3 {
                    text = text.replace(secret, "***");
                }
            }
        }
        text
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

fn parse_url(url: &str) -> Result<(String, Option<Credentials>), SourceError> {
    if url.is_empty() {
        return Err(SourceError::Empty);
    }
    if url.starts_with('-') {
        return Err(SourceError::OptionLike { part: "URL" });
    }
    if url.contains(|c: char| c.is_control()) {
        return Err(SourceError::Character {
            what: "control characters",
        });
    }
    let helper = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match url.split_once(':') {
        Some((name, rest)) if rest.starts_with(':') && helper(name) => Err(SourceError::Helper {
            helper: name.to_owned(),
        }),
        Some((scheme, rest)) if rest.starts_with("//") => match scheme {
            "file" => parse_file(&rest[2..]).map(|url| (url, None)),
            "http" | "https" => parse_http(scheme, &rest[2..]),
            _ => Err(SourceError::Scheme {
                scheme: safe(scheme),
            }),
        },
        // `host:path` and `user@host:path` are ssh to Git, unless a slash comes first.
        Some((before, _)) if !before.contains('/') => Err(SourceError::Scheme {
            scheme: "ssh".to_owned(),
        }),
        _ => parse_path(url).map(|url| (url, None)),
    }
}

/// A scheme as it may be shown: everything else could hold part of a password.
fn safe(scheme: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if scheme.len() <= 16 && scheme.chars().all(known) {
        scheme.to_owned()
    } else {
        "…".to_owned()
    }
}

fn parse_path(path: &str) -> Result<String, SourceError> {
    let absolute = std::path::absolute(Path::new(path)).map_err(|_| SourceError::Incomplete {
        what: "a path that can be made absolute",
    })?;
    Ok(absolute.to_string_lossy().into_owned())
}

fn parse_file(rest: &str) -> Result<String, SourceError> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(SourceError::Incomplete {
            what: "an absolute path after `file://`",
        });
    }
    Ok(format!("file://{path}"))
}

fn parse_http(scheme: &str, rest: &str) -> Result<(String, Option<Credentials>), SourceError> {
    if rest.contains(|c: char| c.is_whitespace() || c == '\\') {
        return Err(SourceError::Character {
            what: "white space or a backslash",
        });
    }
    if rest.contains('?') {
        return Err(SourceError::Character { what: "a query" });
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if host.starts_with('-') {
        return Err(SourceError::OptionLike { part: "host" });
    }
    if host.is_empty() || host.starts_with(':') {
        return Err(SourceError::Incomplete { what: "a host" });
    }
    if path.is_empty() {
        return Err(SourceError::Incomplete { what: "a path" });
    }
    let credentials = user.filter(|user| !user.is_empty()).map(|user| {
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        Credentials {
            user: SecretString::from(percent_decode(user)),
            password: SecretString::from(percent_decode(password)),
        }
    });
    Ok((format!("{scheme}://{host}/{path}"), credentials))
}

/// `%41` to `A`; what is not a sequence, or not UTF-8 once decoded, stays as it is.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let value = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, url: &str, branch: Option<&str>, secrets: Option<(&str, &str)>) {
        let source: Source = text.parse().unwrap();
        assert_eq!(source.url, url, "{text}");
        assert_eq!(source.branch.as_deref(), branch, "{text}");
        let found = source
            .credentials
            .as_ref()
            .map(|one| (one.user.expose_secret(), one.password.expose_secret()));
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
            "/a#-b",
        ] {
            assert!(matches!(refused(text), OptionLike { .. }), "{text}");
        }
        for text in ["ext::sh -c hunter2", "fd::17", "file::/a"] {
            assert!(matches!(refused(text), Helper { .. }), "{text}");
        }
        for text in [
            "ssh://git@h/x",
            "git@h:x",
            "git://h/x",
            "ftp://h/x",
            "a:hunter2@b://x",
        ] {
            assert!(matches!(refused(text), Scheme { .. }), "{text}");
        }
        for text in [
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
