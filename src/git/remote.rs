//! What is said to a remote: what it has, what is downloaded, and the credentials for its origin only.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use git2::{
    AutotagOption, Cred, CredentialType, Direction, ErrorClass, ErrorCode, FetchOptions, Oid,
    ProxyOptions, RemoteCallbacks, RemoteConnection, Repository,
};
use secrecy::ExposeSecret as _;

use super::error::{self, GitError};
use super::source::Source;
use super::talk::Talk;
use crate::limits::{BRANCHES_MAX, FETCH_BYTES_MAX, FETCH_DEADLINE};

/// The bounds of one conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) deadline: Duration,
    pub(super) branches: usize,
    pub(super) bytes: usize,
}

impl Bounds {
    /// What [`crate::limits`] says.
    pub(super) const DEFAULT: Self = Self {
        deadline: FETCH_DEADLINE,
        branches: BRANCHES_MAX,
        bytes: FETCH_BYTES_MAX,
    };
}

/// What a remote says that it has.
#[derive(Debug, Clone, Default)]
pub(super) struct Advertisement {
    /// Branch to tip.
    pub(super) branches: BTreeMap<String, Oid>,
    /// The branch that its `HEAD` names.
    pub(super) default: Option<String>,
    /// Whether there is a tag of the name that the source takes for a branch's.
    pub(super) is_tag: bool,
}

/// Callbacks that every conversation has.
pub(super) fn callbacks<'a>(source: &'a Source, talk: &'a Talk) -> RemoteCallbacks<'a> {
    let mut callbacks = RemoteCallbacks::new();
    let mut shown = 0;
    callbacks.credentials(move |url, user, allowed| {
        let user = user.unwrap_or("git");
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user);
        }
        shown += 1;
        if allowed.contains(CredentialType::SSH_KEY) {
            let next = source.keys.show(shown - 1, user);
            return next.unwrap_or_else(|| {
                let keys = source.keys.shown();
                let why = format!("the server takes none of our keys: {keys}");
                Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Ssh, why))
            });
        }
        password(source, shown, url, allowed)
    });
    callbacks.certificate_check(|certificate, host| {
        let checked = source.keys.check(source, certificate, host);
        checked.inspect_err(|error| talk.distrust(error.message()))
    });
    callbacks.sideband_progress(|_| talk.goes_on());
    callbacks
}

/// A user and a password, once, for the server that they are for.
fn password(
    source: &Source,
    shown: usize,
    url: &str,
    allowed: CredentialType,
) -> Result<Cred, git2::Error> {
    if shown > 1 {
        return Err(denied("the credentials were refused"));
    }
    if source.login.is_given() && !source.same_origin(url) {
        return Err(denied("another server asks for the credentials"));
    }
    if !allowed.contains(CredentialType::USER_PASS_PLAINTEXT) {
        return Err(denied("the server does not take a user and a password"));
    }
    let credentials = source.login.credentials(&source.url).map_err(denied)?;
    let credentials =
        credentials.ok_or_else(|| denied("credentials are asked for, and there are none"))?;
    Cred::userpass_plaintext(
        credentials.user.expose_secret(),
        credentials.password.expose_secret(),
    )
}

fn denied(why: impl AsRef<str>) -> git2::Error {
    git2::Error::new(ErrorCode::Auth, ErrorClass::Http, why)
}

/// The proxy that Git's own configuration and environment name, if any.
pub(super) fn proxy<'a>() -> ProxyOptions<'a> {
    let mut proxy = ProxyOptions::new();
    proxy.auto();
    proxy
}

/// What a connected remote has.
pub(super) fn advertisement(
    source: &Source,
    connection: &RemoteConnection<'_, '_, '_>,
    bounds: Bounds,
) -> Result<Advertisement, GitError> {
    let failed = |error| error::remote(source, "list the branches of", error);
    let mut found = Advertisement::default();
    for head in connection.list().map_err(failed)? {
        // git2 panics on a ref name that is not UTF-8: such a branch cannot be tracked anyway.
        let names = || {
            (
                head.name().to_owned(),
                head.symref_target().map(str::to_owned),
            )
        };
        let Ok((name, target)) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(names))
        else {
            continue;
        };
        if name == "HEAD" {
            found.default = target.and_then(|name| branch_of(&name));
            continue;
        }
        if !git2::Reference::is_valid_name(&name) {
            continue;
        }
        let tag = name.strip_prefix("refs/tags/");
        found.is_tag |= tag.is_some() && tag == source.branch.as_deref();
        if let Some(branch) = branch_of(&name) {
            found.branches.insert(branch, head.oid());
        }
        if found.branches.len() > bounds.branches {
            return Err(GitError::TooMuch {
                url: source.url.clone(),
                what: "branches",
                limit: bounds.branches,
            });
        }
    }
    if found.default.is_none() {
        // Servers that do not say what HEAD names: libgit2 guesses by the commit.
        let guess = connection.default_branch().ok();
        found.default = guess.and_then(|name| branch_of(name.as_str().ok()?));
    }
    Ok(found)
}

fn branch_of(reference: &str) -> Option<String> {
    reference.strip_prefix("refs/heads/").map(str::to_owned)
}

/// Asks a remote what it has and, if `wanted` says so, downloads all of its branches into the
/// mirror at `mirror`. No ref is moved.
pub(super) fn look(
    source: &Source,
    mirror: &Path,
    talk: &Talk,
    bounds: Bounds,
    wanted: impl FnOnce(&Advertisement) -> bool,
) -> Result<Advertisement, GitError> {
    let failed = |what| move |error| error::remote(source, what, error);
    let repository = Repository::open_bare(mirror).map_err(|error| GitError::Mirror {
        what: "open",
        url: source.url.clone(),
        source: error,
    })?;
    let mut remote = repository
        .remote_anonymous(&source.url)
        .map_err(failed("reach"))?;
    let mut connection = remote
        .connect_auth(
            Direction::Fetch,
            Some(callbacks(source, talk)),
            Some(proxy()),
        )
        .map_err(failed("reach"))?;
    let found = advertisement(source, &connection, bounds)?;
    if wanted(&found) {
        download(source, &mut connection, talk, bounds)?;
    }
    Ok(found)
}

fn download(
    source: &Source,
    connection: &mut RemoteConnection<'_, '_, '_>,
    talk: &Talk,
    bounds: Bounds,
) -> Result<(), GitError> {
    let over = Cell::new(false);
    let mut callbacks = callbacks(source, talk);
    callbacks.transfer_progress(|progress| {
        over.set(progress.received_bytes() > bounds.bytes);
        talk.goes_on() && !over.get()
    });
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(callbacks)
        .proxy_options(proxy())
        .download_tags(AutotagOption::None)
        .update_fetchhead(false);
    let refspecs = ["+refs/heads/*:refs/heads/*"];
    let received = connection.remote().download(&refspecs, Some(&mut options));
    received.map_err(|error| {
        if over.get() {
            return GitError::TooMuch {
                url: source.url.clone(),
                what: "bytes to fetch",
                limit: bounds.bytes,
            };
        }
        error::remote(source, "fetch from", error)
    })
}
