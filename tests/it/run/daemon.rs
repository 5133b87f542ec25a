//! A running `trueup run --local` with its origin, a person who pushes to it, and what can be seen
//! from outside.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::demo::http::Http;

use super::ledger::{Ledger, MAKERS};
use super::log::{LEVEL, Log};
use super::person::Person;
use crate::support::git_server::GitServer;
use crate::support::processes::resident_kib;
use crate::support::repository::TempRepository;

/// Until what was waited for has to be there; half of a run of the pipeline is starting Python.
const DEADLINE: Duration = Duration::from_mins(2);
/// How often the daemon looks at everything: what is quiet is soon seen to be.
const SWEEP: &str = "100ms";
/// What hooks are signed with.
pub(super) const HOOK_SECRET: &str = "a secret of the Git host";
/// Passes that have to change nothing where nothing is asked for.
const QUIET_PASSES: usize = 20;
/// Passes in a row that change nothing before it is called settled.
const CALM_PASSES: usize = 3;
/// Where promotions to production are proposed.
pub(super) const PROMOTIONS: &str = "trueup/promote/mortgage/production/";

/// The running daemon.
pub(super) struct Daemon {
    child: Child,
    pub(super) log: Log,
    ledger: Ledger,
    /// The local SageMaker's own address.
    pub(super) url: String,
    pub(super) http: Http,
    pub(super) person: Person,
    server: GitServer,
    pub(super) repository: TempRepository,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "python3 is where the tests find it"
)]
fn path() -> OsString {
    std::env::var_os("PATH").unwrap()
}

impl Daemon {
    /// On the example repository.
    pub(super) fn start() -> Self {
        Self::start_where(|_| path())
    }

    /// The same with another `PATH`, which may name what `programs` puts into a folder.
    pub(super) fn start_where(programs: impl FnOnce(&Path) -> OsString) -> Self {
        Self::spawned(programs, &["--poll", "1s"])
    }

    /// The same with a door for hooks, and next to no polls.
    pub(super) fn start_hooked() -> Self {
        let hooked = ["--poll", "24h", "--hooks", "127.0.0.1:0"];
        Self::spawned(|_| path(), &hooked)
    }

    fn spawned(programs: impl FnOnce(&Path) -> OsString, options: &[&str]) -> Self {
        let repository = TempRepository::bare();
        let server = GitServer::closed(repository.root(), "robot", "secret");
        let source = server.url("robot:secret@");
        let person = Person::found(repository.root(), &source);
        let path = programs(repository.root());
        let mut child = spawn(&source, repository.root(), &path, options);
        let log = Log::of(child.stderr.take().unwrap());
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", log.last_words()));
        let url = ready["url"].as_str().unwrap().to_owned();
        Self {
            child,
            log,
            ledger: Ledger::default(),
            http: Http::new(&url),
            url,
            person,
            server,
            repository,
        }
    }

    /// Looks ten times a second until there is something to see, and reads the log of calls.
    pub(super) async fn wait<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&Self) -> Option<T>,
    ) -> T {
        let looking = async {
            let mut ticks = interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                self.read_calls().await;
                if let Some(found) = look(self).await {
                    return found;
                }
            }
        };
        let found = timeout(DEADLINE, looking).await;
        found.unwrap_or_else(|_| {
            panic!("waited in vain for {what}\n{}", self.log.last_words());
        })
    }

    async fn read_calls(&mut self) {
        if let Err(error) = self.ledger.read(&self.http).await {
            panic!("{error}\n{}", self.log.last_words());
        }
    }

    /// Waits until an endpoint is in service with a config of which `wanted` holds; its name.
    pub(super) async fn serves(
        &mut self,
        environment: &str,
        what: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let what = format!("{environment} to serve {what}");
        self.wait(&what, async |daemon: &Self| {
            daemon
                .serving(environment)
                .await
                .filter(|config| wanted(config))
        })
        .await
    }

    /// The config of an endpoint that is in service.
    pub(super) async fn serving(&self, environment: &str) -> Option<String> {
        let name = json!({"EndpointName": endpoint(environment)});
        let found = self.http.sagemaker("DescribeEndpoint", &name).await.ok()?;
        let config = found["EndpointConfigName"].as_str()?;
        (found["EndpointStatus"] == "InService").then(|| config.to_owned())
    }

    /// Merges the promotion that is proposed, as its approval; the merge, and the config that
    /// production serves then.
    pub(super) async fn promote(&mut self) -> (String, String) {
        let before = self.serving("production").await;
        let proposed = self.wait("a proposed promotion", async |daemon: &Self| {
            daemon.person.unmerged(PROMOTIONS)
        });
        let branch = proposed.await;
        let merge = self.person.merge(&branch);
        let promoted = self.serves("production", &branch, |config| {
            before.as_deref() != Some(config)
        });
        let config = promoted.await;
        (merge, config)
    }

    /// Waits until a few passes over main's newest commit in a row changed nothing.
    pub(super) async fn settles(&mut self, after: &str) {
        let mut calm = None;
        self.wait(&format!("calm after {after}"), async |daemon: &Self| {
            let (refs, mark) = (daemon.person.refs(), daemon.ledger.mark());
            let passes = daemon.log.passes(&refs["refs/heads/main"]);
            match &calm {
                Some((then, changes, since)) if *then == refs && *changes == mark => {
                    (passes >= since + CALM_PASSES).then_some(())
                }
                _ => {
                    calm = Some((refs, mark, passes));
                    None
                }
            }
        })
        .await;
    }

    /// Many passes go by in which nothing is changed: no call that could, and no ref of the origin.
    pub(super) async fn stays_quiet(&mut self, after: &str) {
        self.settles(after).await;
        let (refs, mark) = (self.person.refs(), self.ledger.mark());
        let tip = &refs["refs/heads/main"];
        // One more than is counted: one may be under way.
        let last = self.log.passes(tip) + QUIET_PASSES + 1;
        self.wait(
            &format!("quiet passes after {after}"),
            async |daemon: &Self| (daemon.log.passes(tip) >= last).then_some(()),
        )
        .await;
        self.read_calls().await;
        assert_eq!(self.person.refs(), refs, "somebody pushed after {after}");
        let none: [String; 0] = [];
        assert_eq!(self.ledger.since(mark), none, "changed after {after}");
    }

    /// Waits for passes over a commit.
    pub(super) async fn passes_over(&mut self, commit: &str) {
        self.wait(&format!("a pass over {commit}"), async |daemon: &Self| {
            (daemon.log.passes(commit) > 0).then_some(())
        })
        .await;
    }

    /// Every changing call until now, as a number for [`Self::changes_since`].
    pub(super) async fn mark(&mut self) -> usize {
        self.read_calls().await;
        self.ledger.mark()
    }

    /// The changing calls after a mark.
    pub(super) async fn changes_since(&mut self, mark: usize) -> &[String] {
        self.read_calls().await;
        self.ledger.since(mark)
    }

    /// After a mark endpoints were moved `moves` times, and nothing was made for it: no model, no
    /// config, no run.
    pub(super) async fn only_moved(&mut self, mark: usize, moves: usize) {
        let changes = self.changes_since(mark).await;
        let made = changes.iter().find(|op| MAKERS.contains(&op.as_str()));
        assert_eq!(made, None, "{changes:?}");
        let moved = changes.iter().filter(|op| *op == "UpdateEndpoint").count();
        assert_eq!(moved, moves, "{changes:?}");
    }

    /// Runs a command of the program beside the daemon: its exit code and both its streams.
    pub(super) async fn trueup(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let running = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"))
            .args(arguments)
            .args(["--source", &self.source(), "--endpoint-url", &self.url])
            .env_clear()
            .env("PATH", path())
            .env("HOME", home(self.repository.root()))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(DEADLINE, running).await;
        let output = output
            .unwrap_or_else(|_| panic!("{arguments:?} did not end"))
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    /// The requests to the Git host since the last time, and those of pushes and clones.
    pub(super) fn git_requests(&self) -> usize {
        self.server.requests().len()
    }

    /// The memory of the program, in KiB.
    pub(super) fn resident_kib(&self) -> u64 {
        resident_kib(self.child.id())
    }

    fn source(&self) -> String {
        self.server.url("robot:secret@")
    }
}

/// The name of an environment's endpoint.
pub(super) fn endpoint(environment: &str) -> String {
    format!("mortgage-{environment}")
}

fn home(folder: &Path) -> PathBuf {
    folder.join("home")
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn spawn(source: &str, folder: &Path, path: &OsString, options: &[&str]) -> Child {
    let state = folder.join("state");
    Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args(["run", "--source", source, "--local", "--port", "0"])
        .args(options)
        .args(["--sweep", SWEEP, "--state"])
        .arg(state)
        .env_clear()
        .env("PATH", path)
        .env("HOME", home(folder))
        .env("TRUEUP_LOG", LEVEL)
        .env("TRUEUP_HOOK_SECRET", HOOK_SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
