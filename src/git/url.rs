//! What a source's URL may be: a path, `file`, `http`, `https`, `ssh`, or a repository of `CodeCommit`.

use std::path::Path;

use secrecy::SecretString;

use super::login::Credentials;

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
    #[error(
        "`{scheme}` is not a supported scheme: use a path, `file://`, `https://`, `http://` or `ssh://`"
    )]
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

/// A URL, and what stood in it that does not belong there.
pub(super) struct Address {
    /// Without credentials; a plain path is absolute.
    pub(super) url: String,
    pub(super) credentials: Option<Credentials>,
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        Self {
            url,
            credentials: None,
        }
    }
}

pub(super) fn parse(url: &str) -> Result<Address, SourceError> {
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
        Some(("codecommit", rest)) => parse_codecommit(rest).map(Address::from),
        Some((name, rest)) if rest.starts_with(':') && helper(name) => Err(SourceError::Helper {
            helper: name.to_owned(),
        }),
        Some((scheme, rest)) if rest.starts_with("//") => match scheme {
            "file" => parse_file(&rest[2..]).map(Address::from),
            "http" | "https" => parse_http(scheme, &rest[2..]),
            "ssh" => parse_ssh(&rest[2..]).map(Address::from),
            _ => Err(SourceError::Scheme {
                scheme: safe(scheme),
            }),
        },
        // `host:path` and `user@host:path` are ssh to Git, unless a slash comes first.
        Some((host, path)) if !host.contains('/') => parse_scp(host, path).map(Address::from),
        _ => parse_path(url).map(Address::from),
    }
}

/// A scheme as it may be shown: everything else could hold part of a password.
fn safe(scheme: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if (1..=16).contains(&scheme.len()) && scheme.chars().all(known) {
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

/// What no host of a URL may be.
fn check_host(host: &str) -> Result<(), SourceError> {
    if host.starts_with('-') {
        return Err(SourceError::OptionLike { part: "host" });
    }
    if host.is_empty() || host.starts_with(':') {
        return Err(SourceError::Incomplete { what: "a host" });
    }
    Ok(())
}

fn check_characters(rest: &str) -> Result<(), SourceError> {
    if rest.contains(|c: char| c.is_whitespace() || c == '\\') {
        return Err(SourceError::Character {
            what: "white space or a backslash",
        });
    }
    if rest.contains('?') {
        return Err(SourceError::Character { what: "a query" });
    }
    Ok(())
}

fn parse_http(scheme: &str, rest: &str) -> Result<Address, SourceError> {
    check_characters(rest)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    check_host(host)?;
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
    Ok(Address {
        url: format!("{scheme}://{host}/{path}"),
        credentials,
    })
}

/// `ssh://[user@]host[:port]/path`. A password in it would be in lists of processes and in histories, and
/// the key's place is a file or an agent: it is refused.
fn parse_ssh(rest: &str) -> Result<String, SourceError> {
    check_characters(rest)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or((USER, authority));
    check_host(host)?;
    check_user(user)?;
    if path.is_empty() {
        return Err(SourceError::Incomplete { what: "a path" });
    }
    let port = host.rsplit_once(':').map(|(_, port)| port);
    if port.is_some_and(|port| !port.ends_with(']') && port.parse::<u16>().is_err()) {
        return Err(SourceError::Incomplete {
            what: "a port that is a number",
        });
    }
    Ok(format!("ssh://{user}@{host}/{path}"))
}

/// `[user@]host:path`, as `git clone` takes it. It stays as it is: its path begins in a folder that the
/// host decides on, and no `ssh://` says that.
fn parse_scp(host: &str, path: &str) -> Result<String, SourceError> {
    if path.contains("://") {
        return Err(SourceError::Scheme { scheme: safe("") });
    }
    check_characters(host)?;
    check_characters(path)?;
    let (user, host) = host.rsplit_once('@').unwrap_or((USER, host));
    check_host(host)?;
    check_user(user)?;
    if path.is_empty() {
        return Err(SourceError::Incomplete { what: "a path" });
    }
    if path.starts_with('-') {
        return Err(SourceError::OptionLike { part: "path" });
    }
    Ok(format!("{user}@{host}:{path}"))
}

/// Who one is at hosts of repositories, unless the URL says otherwise.
const USER: &str = "git";

fn check_user(user: &str) -> Result<(), SourceError> {
    if user.contains(':') {
        return Err(SourceError::Character {
            what: "a password: ssh takes a key",
        });
    }
    if user.starts_with('-') {
        return Err(SourceError::OptionLike { part: "user" });
    }
    if user.is_empty() {
        return Err(SourceError::Incomplete { what: "a user" });
    }
    Ok(())
}

/// What follows `codecommit`: `::<region>://<repository>`.
fn parse_codecommit(rest: &str) -> Result<String, SourceError> {
    let region = rest
        .strip_prefix(':')
        .and_then(|rest| rest.split_once("://"));
    let Some((region, repository)) = region else {
        return Err(SourceError::Incomplete {
            what: "a region: `codecommit::<region>://<repository>`",
        });
    };
    let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = |text: &str| !text.is_empty() && text.chars().all(known);
    if !is_name(region) || !is_name(repository) || region.starts_with('-') {
        return Err(SourceError::Incomplete {
            what: "the names of a region and of a repository",
        });
    }
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    Ok(format!(
        "https://git-codecommit.{region}.{domain}/v1/repos/{repository}"
    ))
}

/// `%41` to `A`; what is not a sequence, or not UTF-8 once decoded, stays as it is.
pub(super) fn percent_decode(text: &str) -> String {
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
