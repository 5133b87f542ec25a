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
use crate::support::processes::descendants;
use crate::support::repository::TempRepository;

/// In every secret.
const PLANTED: &str = "planted5ecret";
const DEADLINE: Duration = Duration::from_mins(2);

/// A daemon with a local SageMaker, killed at the end.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The program, in an environment full of secrets.
fn trueup(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder.join("home"))
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

/// The files below a folder that hold the secret.
fn leaks(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(leaks(&path));
        } else if fs::read(&path).is_ok_and(|bytes| holds(&bytes)) {
            found.push(path);
        }
    }
    found
}

fn holds(bytes: &[u8]) -> bool {
    bytes
        .windows(PLANTED.len())
        .any(|part| part == PLANTED.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_17_planted_secrets_appear_nowhere() {
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), "robot", PLANTED);
    let source = server.url(&format!("robot:{PLANTED}@"));
    let people = tempfile::tempdir().unwrap();
    let person = Person::found(people.path(), &source);
    assert!(
        !leaks(people.path()).is_empty(),
        "leaks are looked for well"
    );

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (out, err) = (folder.join("out"), folder.join("err"));
    let state = folder.join("state");
    let run = [
        "run", "--source", &source, "--local", "--port", "0", "--poll", "1s", "--state",
    ];
    let mut command = trueup(folder, &run);
    command.arg(&state);
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
                !holds(&text),
                "the {file} of a child: {}",
                String::from_utf8_lossy(&text)
            );
        }
    }
    // What was asked of the service, and what Git holds.
    let calls = http.calls(0).await.unwrap();
    assert!(calls.len() > 20 && !holds(json!(calls).to_string().as_bytes()));
    let objects = repository.git.odb().unwrap();
    let mut read = 0;
    objects
        .foreach(|id| {
            read += 1;
            !holds(objects.read(*id).unwrap().data())
        })
        .expect("no object of the repository holds a secret");
    assert!(read > 20, "only {read} objects");
    // What commands say, of what is there and of what cannot be reached.
    let nowhere = "http://127.0.0.1:1/none.git".replace("//", &format!("//robot:{PLANTED}@"));
    let commands: [&[&str]; 5] = [
        &["status", "--output", "json"],
        &["why"],
        &["plan", "--output", "json"],
        &["tree"],
        &["history", "mortgage"],
    ];
    for arguments in commands {
        for source in [&source, &nowhere] {
            let mut command = trueup(folder, arguments);
            command.args(["--endpoint-url", &url, "--source", source]);
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(
                !said.is_empty() && !said.contains(PLANTED),
                "{arguments:?}\n{said}"
            );
        }
    }
    // What is left on disk: logs, the mirror, the local SageMaker's state.
    drop(daemon);
    assert!(fs::metadata(&err).unwrap().len() > 500, "there is a log");
    assert_eq!(leaks(folder), Vec::<PathBuf>::new());
    drop(person);
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
