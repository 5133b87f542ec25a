//! Conversations with a remote: bounded in time, with credentials for their origin only.
//!
//! libgit2 blocks, and has no deadline of its own that safe code can set. So each conversation has
//! a thread: its owner waits until the deadline and then gives up on it. A thread that is given up
//! on ends at its next callback; one whose server never says another word stays, and at most
//! [`GIT_SILENT_MAX`] of those are put up with. Such a thread does no harm when it wakes: it only
//! adds objects to the mirror, never moves a ref, and cancels a push before it is sent.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use git2::{
    AutotagOption, Cred, CredentialType, Direction, ErrorClass, ErrorCode, FetchOptions, Oid,
    ProxyOptions, RemoteCallbacks, RemoteConnection, Repository,
};
use secrecy::ExposeSecret as _;

use super::error::{self, GitError};
use super::source::Source;
use crate::limits::{BRANCHES_MAX, FETCH_BYTES_MAX, FETCH_DEADLINE, GIT_SILENT_MAX};

const RUNNING: u8 = 0;
const FINISHED: u8 = 1;
const GIVEN_UP: u8 = 2;

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

/// The conversations that were given up on and are still silent.
#[derive(Debug)]
pub(super) struct Silent {
    now: AtomicUsize,
    max: usize,
}

/// All of this process.
static SILENT: Silent = Silent {
    now: AtomicUsize::new(0),
    max: GIT_SILENT_MAX,
};

/// How a conversation stands, as its two sides see it.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    state: Arc<AtomicU8>,
    silent: &'static Silent,
    /// Why the host is not trusted: libgit2 puts its own words in the place of a callback's.
    distrust: Arc<OnceLock<String>>,
}

impl Talk {
    /// Whether somebody still waits for the outcome.
    pub(super) fn goes_on(&self) -> bool {
        self.state.load(Ordering::Acquire) == RUNNING
    }

    /// An error in our own words, where libgit2 has lost them.
    fn explain(&self, error: GitError) -> GitError {
        match (error, self.distrust.get()) {
            (GitError::Host { url, .. }, Some(why)) => GitError::Host {
                url,
                why: why.clone(),
            },
            (error, _) => error,
        }
    }

    /// Stops waiting. `false`: it has just ended.
    fn give_up(&self) -> bool {
        self.silent.now.fetch_add(1, Ordering::AcqRel);
        let running = self
            .state
            .compare_exchange(RUNNING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if !running {
            self.silent.now.fetch_sub(1, Ordering::AcqRel);
        }
        running
    }
}

/// The thread's side: says that it ended, however it did.
struct Ending(Talk);

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.state.swap(FINISHED, Ordering::AcqRel) == GIVEN_UP {
            self.0.silent.now.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Runs `talk` on a thread of its own and waits for it until the deadline.
pub(super) fn within<T: Send + 'static>(
    source: &Source,
    deadline: Duration,
    talk: impl FnOnce(&Talk) -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    SILENT.within(source, deadline, talk)
}

impl Silent {
    fn within<T: Send + 'static>(
        &'static self,
        source: &Source,
        deadline: Duration,
        talk: impl FnOnce(&Talk) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let url = source.url.clone();
        let silent = self.now.load(Ordering::Acquire);
        if silent >= self.max {
            return Err(GitError::Silent { url, silent });
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let ours = Talk {
            state: Arc::new(AtomicU8::new(RUNNING)),
            silent: self,
            distrust: Arc::default(),
        };
        let ending = Ending(ours.clone());
        let run = move || {
            let outcome = talk(&ending.0).map_err(|error| ending.0.explain(error));
            // Nobody may be waiting any more.
            drop(sender.send(outcome));
            drop(ending);
        };
        let thread = thread::Builder::new().name("git".to_owned()).spawn(run);
        if let Err(source) = thread {
            let what = "start a thread to talk to";
            let path = url.into();
            return Err(GitError::Cache { what, path, source });
        }
        match receiver.recv_timeout(deadline) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) if ours.give_up() => Err(GitError::Deadline {
                url,
                after: deadline,
            }),
            Err(RecvTimeoutError::Timeout) => {
                let outcome = receiver.try_recv();
                outcome.unwrap_or(Err(GitError::Broken { url }))
            }
            Err(RecvTimeoutError::Disconnected) => Err(GitError::Broken { url }),
        }
    }
}

/// What a remote says that it has.
#[derive(Debug, Clone, Default)]
pub(super) struct Advertisement {
    /// Branch to tip.
    pub(super) branches: BTreeMap<String, Oid>,
    /// The branch that its `HEAD` names.
    pub(super) default: Option<String>,
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
        checked.inspect_err(|error| drop(talk.distrust.set(error.message().to_owned())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_given_up_on_and_let_go() {
        static ONE: Silent = Silent {
            now: AtomicUsize::new(0),
            max: 1,
        };
        let source: Source = "/nowhere".parse().unwrap();
        let (wake, asleep) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let soon = Duration::from_millis(50);
        let outcome = ONE.within(&source, soon, move |talk| {
            assert!(asleep.recv().is_err());
            tell.send(talk.goes_on()).unwrap();
            Ok(())
        });
        assert!(
            matches!(outcome, Err(GitError::Deadline { .. })),
            "{outcome:?}"
        );
        // That is as many as may be silent; another is not started until it lets go.
        let outcome = ONE.within(&source, soon, |_| Ok(()));
        assert!(
            matches!(outcome, Err(GitError::Silent { silent: 1, .. })),
            "{outcome:?}"
        );
        drop(wake);
        assert_eq!(told.recv(), Ok(false), "it sees that nobody waits");
        assert!(told.recv().is_err());
        while ONE.now.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
        let late = Duration::from_secs(20);
        assert_eq!(ONE.within(&source, late, |_| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn a_panic_is_an_error() {
        let source: Source = "/nowhere".parse().unwrap();
        let outcome = within::<()>(&source, Duration::from_secs(10), |_| panic!("on purpose"));
        assert!(matches!(outcome, Err(GitError::Broken { .. })));
    }
}
