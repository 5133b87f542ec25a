//! How looking at a repository fails, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use git2::{ErrorClass, ErrorCode};
use rustix::io::Errno;

use super::retry_after;
use super::source::Source;
use crate::snapshot::ObjectId;

/// What the system says where files cannot be written or opened, whatever is wrong with the mirror.
/// libgit2 hands on these words only.
const NO_MORE: [&str; 5] = [
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "Read-only file system",
    "Too many open files",
];
const OPEN_FILES: &str = "open files";
const FILES_OUT: [Errno; 2] = [Errno::MFILE, Errno::NFILE];
const MORE_FILES: &str =
    "it is tried again; let the process open more files: `ulimit -n`, `LimitNOFILE=` of systemd";

/// A failure to look at a repository. URLs are shown without credentials.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Another process or task writes the mirror.
    #[error("the mirror's lock `{}` is held by another writer", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// The cache folder does not do what a folder does.
    #[error("could not {what} `{}`", path.display())]
    Cache {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// libgit2 could not keep the mirror.
    #[error("could not {what} the mirror of {url}")]
    Mirror {
        /// What was tried.
        what: &'static str,
        /// The repository.
        url: String,
        /// Why not.
        source: git2::Error,
    },
    /// An object of the mirror is missing or broken. The next fetch starts anew.
    #[error("the mirror of {url} is damaged")]
    Damaged {
        /// The repository.
        url: String,
        /// What was seen.
        source: git2::Error,
    },
    /// This machine has no room or no file descriptors left. The mirror is as it was.
    #[error("this machine does not let the mirror of {url} be read or written: {why}")]
    Machine {
        /// The repository.
        url: String,
        /// Its own words.
        why: &'static str,
    },
    /// No answer, or not one of a Git server.
    #[error("could not {what} {url}")]
    Unreachable {
        /// What was tried.
        what: &'static str,
        /// The repository.
        url: String,
        /// Why not.
        source: git2::Error,
    },
    /// The host was asked too often.
    #[error("{url} was asked too often")]
    Throttled {
        /// The repository.
        url: String,
        /// How long the host wants to be left alone, where it says so.
        after: Option<Duration>,
        /// What was said.
        source: git2::Error,
    },
    /// There is no repository.
    #[error("there is no repository at {url}")]
    NotFound {
        /// The URL.
        url: String,
        /// What was said.
        source: git2::Error,
    },
    /// The credentials are missing or wrong.
    #[error("{url} let nobody in {} credentials", if *given { "with these" } else { "without" })]
    Denied {
        /// The repository.
        url: String,
        /// Whether there were credentials.
        given: bool,
        /// What was said.
        source: git2::Error,
    },
    /// An SSH server is not known to be the one that is meant.
    #[error("did not talk to {url}: {why}")]
    Host {
        /// The repository.
        url: String,
        /// What it showed, and what is known.
        why: String,
    },
    /// A host that anybody could be.
    #[error("did not talk to {url}: its certificate is not trusted")]
    Certificate {
        /// The repository.
        url: String,
        /// What was said.
        source: git2::Error,
    },
    /// The folder belongs to another user of this machine.
    #[error("{url} belongs to another user")]
    Owner {
        /// The repository.
        url: String,
        /// What was said.
        source: git2::Error,
    },
    /// It took too long. What was sent may have been carried out.
    #[error("gave up on {url} after {} s", after.as_secs())]
    Deadline {
        /// The repository.
        url: String,
        /// How long.
        after: Duration,
    },
    /// The host went silent too often; nothing new is asked until one conversation with it lets go.
    #[error(
        "did not ask {url}: {silent} earlier conversations with its host are still without an answer"
    )]
    Silent {
        /// The repository.
        url: String,
        /// How many.
        silent: usize,
    },
    /// A bug, here or below.
    #[error("the conversation with {url} broke off")]
    Broken {
        /// The repository.
        url: String,
    },
    /// More than [`crate::limits`] allow.
    #[error("{url} has more than {limit} {what}")]
    TooMuch {
        /// The repository.
        url: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// No branch at all.
    #[error("{url} is empty: it has no branches")]
    Empty {
        /// The repository.
        url: String,
    },
    /// The remote's `HEAD` names no branch that exists.
    #[error("the HEAD of {url} names no branch that exists")]
    NoDefaultBranch {
        /// The repository.
        url: String,
        /// Some that do.
        branches: Vec<String>,
    },
    /// The branch was never seen.
    #[error("{url} has no branch `{branch}`")]
    NoBranch {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
        /// Some that exist.
        branches: Vec<String>,
        /// Whether there is a tag of that name.
        is_tag: bool,
    },
    /// The branch was deleted or renamed.
    #[error("the branch `{branch}` of {url} is gone; it was last seen at {}", last.short())]
    BranchGone {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
        /// Where it was.
        last: ObjectId,
        /// A new branch that stands where it stood.
        renamed: Option<String>,
    },
    /// A commit that the mirror does not have.
    #[error("{url} has no commit `{commit}`")]
    NoCommit {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
    },
    /// The refs of a local repository could not be watched.
    #[error("could not watch `{}`", path.display())]
    Watch {
        /// What.
        path: PathBuf,
        /// Why not.
        source: notify::Error,
    },
}

impl GitError {
    /// What to do about it, in one phrase.
    pub fn help(&self) -> String {
        match self {
            Self::Locked { .. } => "stop the other trueup, or give this one its own cache folder",
            Self::Cache { source, .. }
                if Errno::from_io_error(source).is_some_and(|errno| FILES_OUT.contains(&errno)) =>
            {
                MORE_FILES
            }
            Self::Machine { why, .. } if why.ends_with(OPEN_FILES) => MORE_FILES,
            Self::Machine { .. } => {
                "it is tried again; make room where the cache is, or name another folder with `--cache`"
            }
            Self::Cache { .. } => "check the folder's owner, permissions and free space",
            Self::Mirror { .. } => "the cache may be deleted: it is fetched again",
            Self::Damaged { .. } => "nothing to do: the next fetch starts anew",
            // libgit2 does not know the lines with which a shallow repository answers.
            Self::Unreachable { source, .. } if source.message().contains("invalid packet") => {
                "what answered is no Git server, or a shallow clone: there, `git fetch --unshallow`"
            }
            Self::Unreachable { .. } => {
                "it is tried again; `git ls-remote` with the same URL tells more"
            }
            Self::Throttled { .. } => {
                "it is asked again after a pause; give trueup a token of its own, whose budget no other uses"
            }
            Self::NotFound { .. } => {
                "check the URL; forges also say this of a private repository to those not let in"
            }
            Self::Denied { given: false, .. } => {
                "give a token: in `TRUEUP_GIT_TOKEN`, by `--git-token-file`, or with the URL"
            }
            Self::Denied { source, .. } if source.class() == ErrorClass::Ssh => {
                "give a key that the host knows: `--git-key FILE`, or an agent"
            }
            Self::Denied { given: true, .. } => {
                "check that the token is valid and may read this repository"
            }
            Self::Host { .. } => "compare the fingerprint with what the host publishes, never with the network",
            Self::Certificate { .. } => {
                "check the host's name and this machine's clock; `SSL_CERT_FILE` names authorities of your own, in place of the machine's"
            }
            Self::Owner { .. } => {
                "run as that user, or `git config --global --add safe.directory <path>`"
            }
            Self::Deadline { .. } => {
                "it is tried again; look for a slow network or a huge repository"
            }
            Self::Silent { .. } => {
                "check the network, then restart trueup: it goes on where it was"
            }
            Self::Broken { .. } => "it is tried again; this is a bug worth reporting",
            Self::TooMuch { .. } => {
                "delete what is no longer needed, or point trueup at a smaller repository"
            }
            Self::Empty { .. } => "push a first commit",
            Self::NoDefaultBranch { branches, .. } => {
                return format!("name the branch after `#`: {}", list(branches));
            }
            Self::NoBranch {
                branch,
                branches,
                is_tag: true,
                ..
            } => {
                return format!(
                    "`{branch}` is a tag, and tags decide nothing here: put a branch there; it has {}",
                    list(branches)
                );
            }
            Self::NoBranch { branches, .. } => return format!("it has {}", list(branches)),
            Self::BranchGone {
                renamed: Some(name),
                ..
            } => {
                return format!(
                    "`{name}` stands at the same commit: write `#{name}` if it was renamed"
                );
            }
            Self::BranchGone { branch, last, .. } => {
                return format!("bring it back with `git push origin {last}:refs/heads/{branch}`");
            }
            Self::NoCommit { .. } => "fetch first; a rewritten history loses commits",
            Self::Watch { .. } => {
                "nothing to do: the repository is polled; `fs.inotify.max_user_watches` may be low"
            }
        }
        .to_owned()
    }

    /// Whether the host asks to be left alone for a while.
    pub fn is_throttling(&self) -> bool {
        matches!(self, Self::Throttled { .. })
    }

    /// Whether the repository could not be asked at all: nothing is known of where it is now.
    pub fn is_away(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Throttled { .. }
                | Self::NotFound { .. }
                | Self::Denied { .. }
                | Self::Host { .. }
                | Self::Certificate { .. }
                | Self::Owner { .. }
                | Self::Deadline { .. }
                | Self::Silent { .. }
                | Self::Broken { .. }
        )
    }

    /// How long the host wants to be left alone, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether the mirror itself is at fault and fetching anew would mend it.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Mirror { .. })
    }
}

/// Branch names for a hint.
fn list(branches: &[String]) -> String {
    let shown: Vec<_> = branches.iter().map(|name| format!("`{name}`")).collect();
    shown.join(", ")
}

/// What Git, GitHub and GitLab say over SSH of a repository that is not there, or not for us.
const NOTHING_THERE: [&str; 3] = [
    "does not appear to be a git repository",
    "Repository not found",
    "could not be found",
];

/// What an error of a conversation with a remote means.
pub(super) fn remote(source: &Source, what: &'static str, error: git2::Error) -> GitError {
    if let Some(machine) = machine(source, &error) {
        return machine;
    }
    let url = source.url.clone();
    let (class, code) = (error.class(), error.code());
    let status = |codes: &[&str]| {
        class == ErrorClass::Http && codes.iter().any(|code| error.message().contains(code))
    };
    let nothing_at = |path: PathBuf| {
        code == ErrorCode::NotFound || class == ErrorClass::Repository || !path.exists()
    };
    if code == ErrorCode::Certificate && class == ErrorClass::Ssh {
        let why = error.message().to_owned();
        return GitError::Host { url, why };
    }
    if class == ErrorClass::Ssl && error.message().contains("certificate") {
        return GitError::Certificate { url, source: error };
    }
    if code == ErrorCode::Auth || status(&["status code: 401", "status code: 403"]) {
        let given = source.login.is_given() || source.is_ssh();
        return GitError::Denied {
            url,
            given,
            source: error,
        };
    }
    if status(&["status code: 429"]) {
        let after = retry_after::asked(source);
        let source = error;
        return GitError::Throttled { url, after, source };
    }
    if code == ErrorCode::Owner {
        return GitError::Owner { url, source: error };
    }
    if status(&["status code: 404", "status code: 410"])
        || class == ErrorClass::Ssh
            && NOTHING_THERE
                .iter()
                .any(|said| error.message().contains(said))
        || source.local_path().is_some_and(nothing_at)
    {
        return GitError::NotFound { url, source: error };
    }
    GitError::Unreachable {
        what,
        url,
        source: error,
    }
}

/// What an error of reading the mirror's objects means.
pub(super) fn object(source: &Source, error: git2::Error) -> GitError {
    machine(source, &error).unwrap_or_else(|| GitError::Damaged {
        url: source.url.clone(),
        source: error,
    })
}

/// An error that is this machine's, not the mirror's and not the remote's.
pub(super) fn machine(source: &Source, error: &git2::Error) -> Option<GitError> {
    let of_the_wire = [ErrorClass::Net, ErrorClass::Http, ErrorClass::Ssh];
    if of_the_wire.contains(&error.class()) {
        return None;
    }
    let why = NO_MORE
        .into_iter()
        .find(|words| error.message().contains(words))?;
    let url = source.url.clone();
    Some(GitError::Machine { url, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lacks_is_no_damage_and_no_silence() {
        let source: Source = "https://git.example.org/a".parse().unwrap();
        let check = |said: &str, help: &str| {
            let error = || git2::Error::new(ErrorCode::GenericError, ErrorClass::Os, said);
            for failed in [remote(&source, "reach", error()), object(&source, error())] {
                assert!(matches!(failed, GitError::Machine { .. }), "{failed:?}");
                assert!(
                    !failed.is_damage() && failed.help().contains(help),
                    "{failed:?}"
                );
            }
        };
        check(
            "cannot extend packfile '/c/pack_git2_1': No space left on device",
            "make room",
        );
        check("could not open '/c/HEAD': Too many open files", "ulimit -n");
        let error = git2::Error::new(ErrorCode::GenericError, ErrorClass::Os, "it is short");
        assert!(object(&source, error).is_damage());
        let source = io::Error::from(Errno::MFILE);
        let (what, path) = ("list", PathBuf::new());
        assert!(
            GitError::Cache { what, path, source }
                .help()
                .contains("ulimit -n")
        );
    }
}
