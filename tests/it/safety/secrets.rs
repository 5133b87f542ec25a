//! Secrets that the daemon is given, and every place that they might leak to.
#![expect(
    clippy::disallowed_methods,
    reason = "the binary is what is tested, with the caller's interpreter"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::demo::http::Http;

use crate::run::person::Person;
use crate::support::git_server::GitServer;
use crate::support::keys::TestKeys;
use crate::support::processes::descendants;
use crate::support::repository::TempRepository;
use crate::support::ssh_server::{SshServer, keys_of};

/// In every password and token.
const PLANTED: &str = "planted5ecret";
/// The user that goes with a token.
const TOKEN_USER: &str = "x-access-token";
/// Git's configuration, with a helper that knows the password.
const HELPERS: &str = "gitconfig";
const DEADLINE: Duration = Duration::from_mins(2);

/// A daemon with a local SageMaker, killed at the end.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The program, in an environment full of secrets; `vault` is where others are.
fn trueup(folder: &Path, vault: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder.join("home"))
        .env("GIT_CONFIG_GLOBAL", vault.join(HELPERS))
        .env("TRUEUP_LOG", "trueup=trace")
        .envs(
            [
                "TRUEUP_GIT_TOKEN",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
            ]
            .map(|name| (name, format!("{PLANTED}-{name}"))),
        )
        .stdin(Stdio::null());
    command
}

/// What is looked for.
struct Secrets(Vec<String>);

impl Secrets {
    /// What is planted, and the lines of private keys of OpenSSH's, but for those that begin with what
    /// everybody may know.
    fn with(keys: &[PathBuf]) -> Self {
        let mut secrets = vec![PLANTED.to_owned()];
        for key in keys {
            let text = fs::read_to_string(key).unwrap();
            let lines: Vec<_> = text.lines().collect();
            let telling = &lines[3..lines.len() - 1];
            assert!(telling.iter().any(|line| line.len() == 70), "{text}");
            secrets.extend(telling.iter().map(|line| (*line).to_owned()));
        }
        Self(secrets)
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        let is_in = |secret: &String| {
            let mut parts = bytes.windows(secret.len());
            parts.any(|part| part == secret.as_bytes())
        };
        self.0.iter().any(is_in)
    }

    /// The files below a folder that hold one.
    fn leaks(&self, folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                found.extend(self.leaks(&path));
            } else if fs::read(&path).is_ok_and(|bytes| self.are_in(&bytes)) {
                found.push(path);
            }
        }
        found
    }
}

/// A way into a repository: a source, and what opens it.
struct Way {
    source: String,
    arguments: Vec<String>,
}

impl Way {
    fn new(source: &str, arguments: &[&str]) -> Self {
        Self {
            source: source.to_owned(),
            arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    fn add_to(&self, command: &mut Command) {
        command
            .args(["--source", &self.source])
            .args(&self.arguments);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_17_planted_secrets_appear_nowhere() {
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), "robot", PLANTED);
    let source = server.url(&format!("robot:{PLANTED}@"));
    let people = tempfile::tempdir().unwrap();
    let person = Person::found(people.path(), &source);
    let secrets = Secrets::with(&[]);
    assert!(
        !secrets.leaks(people.path()).is_empty(),
        "leaks are looked for well"
    );
    let nowhere = "http://127.0.0.1:1/none.git".replace("//", &format!("//robot:{PLANTED}@"));
    let others = [Way::new(&nowhere, &[])];
    let way = Way::new(&source, &[]);
    tells_nothing(&repository, people.path(), &secrets, &way, &others).await;
    drop(person);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_17_what_opens_a_repository_and_signs_commits_appears_nowhere() {
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), TOKEN_USER, PLANTED);
    let people = tempfile::tempdir().unwrap();
    let person = Person::found(
        people.path(),
        &server.url(&format!("{TOKEN_USER}:{PLANTED}@")),
    );
    let write = |name: &str, text: &str| {
        let path = people.path().join(name);
        fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let token = write("token", PLANTED);
    let keys = TestKeys::of(&["bot"]);
    let signing = keys.path("bot");
    let source = server.url("");
    let run = ["--git-token-file", &token, "--git-signing-key"];
    let mut run = Way::new(&source, &run);
    run.arguments.push(signing.to_str().unwrap().to_owned());
    let command = format!("cat {token}");
    let mut others = vec![
        Way::new(&source, &["--git-token-command", &command]),
        Way::new(&source, &["--git-helpers"]),
        Way::new("http://127.0.0.1:1/none.git", &["--git-token-file", &token]),
    ];
    write(
        HELPERS,
        &format!(
            "[credential]\n\thelper = \"!echo username={TOKEN_USER}; echo password={PLANTED}; :\"\n"
        ),
    );
    let mut private = vec![signing];
    let ssh = SshServer::open(repository.root());
    if let Some(ssh) = &ssh {
        let keys = keys_of(ssh.url());
        let [key, hosts] =
            [&keys.files[0], &keys.known_hosts[0]].map(|path| path.to_str().unwrap());
        others.push(Way::new(
            ssh.url(),
            &["--git-key", key, "--git-known-hosts", hosts],
        ));
        private.push(keys.files[0].clone());
    }
    let secrets = Secrets::with(&private);
    assert!(
        secrets.leaks(people.path()).len() > 1 && secrets.are_in(&fs::read(&private[0]).unwrap())
    );
    tells_nothing(&repository, people.path(), &secrets, &run, &others).await;
    drop(person);
}

/// Has the daemon do its work, and commands look at it by this way and others, with secrets that are in a
/// folder; then looks for them.
async fn tells_nothing(
    repository: &TempRepository,
    vault: &Path,
    secrets: &Secrets,
    way: &Way,
    others: &[Way],
) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (out, err) = (folder.join("out"), folder.join("err"));
    let state = folder.join("state");
    let run = ["run", "--local", "--port", "0", "--poll", "1s", "--state"];
    let mut command = trueup(folder, vault, &run);
    command.arg(&state);
    way.add_to(&mut command);
    command
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap());
    let daemon = Daemon(command.spawn().unwrap());
    let url = until("it to say where it is", async || {
        let line = fs::read_to_string(&out).unwrap();
        let said: Value = serde_json::from_str(line.lines().next()?).ok()?;
        Some(said["url"].as_str()?.to_owned())
    });
    let url = url.await;
    let http = Http::new(&url);
    until("staging to serve", async || {
        let name = json!({"EndpointName": "mortgage-staging"});
        let found = http.sagemaker("DescribeEndpoint", &name).await.ok()?;
        (found["EndpointStatus"] == "InService").then_some(())
    })
    .await;

    // What children were given.
    let children = descendants(daemon.0.id());
    assert!(!children.is_empty(), "staging is served by a process");
    for child in children {
        for file in ["environ", "cmdline"] {
            let text = fs::read(format!("/proc/{}/{file}", child.pid)).unwrap_or_default();
            assert!(
                !secrets.are_in(&text),
                "the {file} of a child: {}",
                String::from_utf8_lossy(&text)
            );
        }
    }
    // What was asked of the service, and what Git holds.
    let calls = http.calls(0).await.unwrap();
    assert!(calls.len() > 20 && !secrets.are_in(json!(calls).to_string().as_bytes()));
    let objects = repository.git.odb().unwrap();
    let mut read = 0;
    objects
        .foreach(|id| {
            read += 1;
            !secrets.are_in(objects.read(*id).unwrap().data())
        })
        .expect("no object of the repository holds a secret");
    assert!(read > 20, "only {read} objects");
    // What commands say, of what is there and of what cannot be reached.
    let commands: [&[&str]; 5] = [
        &["status", "--output", "json"],
        &["why", "mortgage"],
        &["plan", "--output", "json"],
        &["tree"],
        &["history", "mortgage"],
    ];
    for arguments in commands {
        for way in others.iter().chain([way]) {
            let mut command = trueup(folder, vault, arguments);
            command.args(["--endpoint-url", &url]);
            way.add_to(&mut command);
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let told = String::from_utf8_lossy(&said);
            assert!(
                !said.is_empty() && !secrets.are_in(&said),
                "{arguments:?}\n{told}"
            );
            // Else it is not known whether the secret was used.
            let opened = !told.contains("error:");
            let named = &way.source;
            assert_eq!(
                opened,
                !named.contains("127.0.0.1:1/"),
                "{named} {arguments:?}\n{told}"
            );
        }
    }
    // What is left on disk: logs, the mirror, the local SageMaker's state.
    drop(daemon);
    assert!(fs::metadata(&err).unwrap().len() > 500, "there is a log");
    assert_eq!(secrets.leaks(folder), Vec::<PathBuf>::new());
}

/// Looks again until there is something, with a deadline.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    let found = timeout(DEADLINE, looking).await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
