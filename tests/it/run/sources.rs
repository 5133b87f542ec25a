//! Many repositories, listed in a file, and one daemon that follows them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, interval, timeout};
use trueup::limits::{HOST_CONVERSATIONS_MAX, SOURCES_READ_EVERY};

use super::log::{LEVEL, Log};
use crate::support::git_server::GitServer;
use crate::support::processes::{open_files, resident_kib};
use crate::support::repository::TempRepository;

/// Repositories of the host that answers.
const MANY: usize = 480;
/// Repositories of a host that does not: more than it is asked for at a time.
const DEAD: usize = 20;
/// What the host bears.
const LOOKS_PER_MINUTE: u32 = 600;
/// What one repository may take of memory, and of open files: its lock, its pack, and both ends of the
/// connections that its first pass leaves for later ones.
const KIB_EACH: u64 = 512;
const FILES_EACH: u64 = 4;
/// What a daemon takes before it follows any.
const KIB_BEFORE: u64 = 128 * 1024;
const FILES_BEFORE: u64 = 128;
const DEADLINE: Duration = Duration::from_mins(2);
const INSTALLATION: &str = "version: 1\ninstallation: many\nscopes: [\"111122223333/eu-west-1\"]\n";

/// A daemon on a list.
struct Daemon {
    child: Child,
    log: Log,
    list: PathBuf,
    _folder: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Daemon {
    fn follow(list: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sources.yaml");
        fs::write(&path, list).unwrap();
        let mut child = command(folder.path(), &path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        Self {
            child,
            log,
            list: path,
            _folder: folder,
        }
    }

    async fn wait(&self, what: &str, mut look: impl FnMut(&Self) -> bool) {
        let mut ticks = interval(Duration::from_millis(50));
        let looking = async {
            while !look(self) {
                ticks.tick().await;
            }
        };
        let seen = timeout(DEADLINE, looking).await;
        seen.unwrap_or_else(|_| panic!("waited in vain for {what}\n{}", self.log.last_words()));
    }
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn command(folder: &Path, list: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .args(["run", "--local", "--control-plane-only", "--port", "0"])
        .args(["--poll", "1s", "--sweep", "10m", "--sources"])
        .arg(list)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("ONE_TOKEN", "first-token")
        .env("TRUEUP_LOG", LEVEL)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// A repository without models, and a server of it.
fn served(serve: impl FnOnce(&Path) -> GitServer) -> (TempRepository, GitServer) {
    let repository = TempRepository::bare();
    repository.commit("main", &[("trueup.yaml", Some(INSTALLATION))]);
    let server = serve(repository.root());
    (repository, server)
}

/// The host in a server's URLs.
fn host(server: &GitServer) -> String {
    let url = server.url("");
    let rest = url.strip_prefix("http://").unwrap();
    rest.strip_suffix("/repo.git").unwrap().to_owned()
}

/// The repositories that were looked at since the last time.
fn looks(server: &GitServer) -> Vec<String> {
    let requests = server.requests().into_iter();
    let looks = requests.filter_map(|request| {
        let path = request.strip_prefix("GET /")?.strip_suffix("/info/refs")?;
        Some(path.to_owned())
    });
    looks.collect()
}

#[tokio::test]
async fn pain_12_hundreds_of_repositories_share_what_their_host_bears_and_a_dead_one_delays_none() {
    let (repository, server) = served(GitServer::open);
    let (_other, dead) = served(GitServer::open);
    dead.fall_silent();
    let sources = |server: &GitServer, letter: char, count: usize| {
        let url = server.url("");
        let urls = (0..count).map(|number| url.replace("repo", &format!("{letter}{number}")));
        format!("- {}\n", urls.collect::<Vec<_>>().join("\n- "))
    };
    for number in 0..MANY {
        let name = format!("r{number}.git");
        symlink("repo.git", repository.root().join(&name)).unwrap();
    }
    let list = format!(
        "version: 1\nsources:\n{}{}hosts:\n  \"{}\": {{looks_per_minute: {LOOKS_PER_MINUTE}}}\n",
        sources(&server, 'r', MANY),
        sources(&dead, 'd', DEAD),
        host(&server),
    );

    let began = Instant::now();
    let daemon = Daemon::follow(&list);
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    daemon
        .wait("all to be looked at", |_| {
            let looks = looks(&server);
            count += looks.len();
            seen.extend(looks);
            seen.len() == MANY
        })
        .await;
    // They go on, at the pace of the host.
    daemon
        .wait("a second look at some", |_| {
            count += looks(&server).len();
            count > MANY + 100
        })
        .await;
    let elapsed = began.elapsed().as_secs() + 1;
    let borne = u64::from(LOOKS_PER_MINUTE) * (elapsed + 60) / 60;
    assert!(count as u64 <= borne, "{count} looks in {elapsed} s");
    assert_eq!(dead.held(), HOST_CONVERSATIONS_MAX, "with the dead host");

    let (kib, files) = (
        resident_kib(daemon.child.id()),
        open_files(daemon.child.id()),
    );
    let all = (MANY + DEAD) as u64;
    assert!(kib < KIB_BEFORE + all * KIB_EACH, "{kib} KiB");
    assert!(files < FILES_BEFORE + all * FILES_EACH, "{files} files");
    assert_eq!(daemon.log.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_list_that_changes_is_followed_and_each_host_has_its_own_token() {
    let (_one, first) = served(|root| GitServer::closed(root, "x-access-token", "first-token"));
    let (_two, second) = served(|root| GitServer::closed(root, "x-access-token", "second-token"));
    let tokens = tempfile::tempdir().unwrap();
    let file = tokens.path().join("token");
    fs::write(&file, "second-token\n").unwrap();
    let one = format!("- {}\n", first.url(""));
    let two = format!("- {}\n", second.url(""));
    let of_first = format!("  \"{}\": {{token_env: ONE_TOKEN}}\n", host(&first));
    let of_second = format!(
        "  \"{}\": {{token_file: {}}}\n",
        host(&second),
        file.display()
    );
    let daemon = Daemon::follow(&format!("version: 1\nsources:\n{one}hosts:\n{of_first}"));
    let is_looked_at = |server: &GitServer| !looks(server).is_empty();
    daemon.wait("the first", |_| is_looked_at(&first)).await;

    let both = format!("version: 1\nsources:\n{one}{two}hosts:\n{of_first}{of_second}");
    fs::write(&daemon.list, &both).unwrap();
    daemon.wait("the second", |_| is_looked_at(&second)).await;
    daemon
        .wait("the first still", |_| is_looked_at(&first))
        .await;

    fs::write(&daemon.list, format!("{both}wrong: 1\n")).unwrap();
    let said = "the list is left as it was: ";
    daemon
        .wait("what is wrong with the list", |daemon| {
            let said = daemon.log.said(said);
            said.is_some_and(|said| said.contains("sources.yaml:8:1: S001"))
        })
        .await;
    looks(&second);
    daemon.wait("both still", |_| is_looked_at(&second)).await;

    fs::write(&daemon.list, both.replace(&one, "").replace(&of_first, "")).unwrap();
    let mut quiet_since = Instant::now();
    daemon
        .wait("the first to be let go", |_| {
            if is_looked_at(&first) {
                quiet_since = Instant::now();
            }
            quiet_since.elapsed() > SOURCES_READ_EVERY
        })
        .await;
    looks(&second);
    daemon
        .wait("the second still", |_| is_looked_at(&second))
        .await;
    assert_eq!(daemon.log.complaints(), [""; 0]);
}

#[test]
fn attack_17_one_token_is_not_shown_to_two_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("sources.yaml");
    fs::write(
        &list,
        "version: 1\nsources: [\"https://a.example/x\", \"https://b.example/y\"]\n",
    )
    .unwrap();
    let output = command(folder.path(), &list)
        .env("TRUEUP_GIT_TOKEN", "planted5ecret")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("one token would be shown to a.example, b.example"),
        "{said}"
    );
    assert!(
        said.contains("--sources") && !said.contains("planted5ecret"),
        "{said}"
    );
}
